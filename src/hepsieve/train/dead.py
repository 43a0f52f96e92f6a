"""Tell a model that learned nothing from one that did."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from hepsieve.train.figures import losses, weighted_auc
from hepsieve.train.trained import Part

# A gain in loss below this share of guessing is no separation that one could use (AUC about 0.51).
_SMALLEST_GAIN = 2e-4
_STANDARD_ERRORS = 2.0


def dead_model(logits: NDArray[np.float64], validation: Part, *, calibrated: bool = True) -> str | None:
    """A sentence that calls a model dead, or None for a living one.

    A model is dead when all its scores are the same, or when its validation loss can't be told from that
    of guessing with the class shares (ln 2 for equal classes; a gain under two standard errors or 0.02 %) and the
    order of its scores says nothing either: an AUC within two standard errors of 0.5.

    Args:
        logits: shape (n,), on validation.
        validation: as weighed for the training.
        calibrated: False for models whose scores are no probabilities; their loss says nothing.
    """
    if np.ptp(logits) < 1e-6:
        return f"dead model: the same score for all {len(logits)} validation events"
    if not calibrated:
        return None
    weight = validation.weight.astype(np.float64)
    share = float(np.average(validation.target, weights=weight))
    guess = float(-xlogy(share, share) - xlogy(1 - share, 1 - share))
    prior = np.full(len(logits), np.log(share / (1 - share)))
    gains = losses(prior, validation.target) - losses(logits, validation.target)
    gain = float(np.average(gains, weights=weight))
    error = float(np.sqrt(np.sum((weight * (gains - gain)) ** 2)) / weight.sum())
    if gain > max(_STANDARD_ERRORS * error, _SMALLEST_GAIN * guess):
        return None
    signal = validation.target > 0.5
    if abs(weighted_auc(logits, signal, weight) - 0.5) > _STANDARD_ERRORS * _error_of_guessing(weight, signal):
        return None  # a living model, badly calibrated or judged on few events
    return f"dead model: validation loss {guess - gain:.4f} is no better than guessing ({guess:.4f} ± {error:.4f})"


def _error_of_guessing(weight: NDArray[np.float64], signal: NDArray[np.bool_]) -> float:
    """The standard error of the AUC of scores without relation to the truth, for the effective numbers of events.

    Source: Mann and Whitney, Ann. Math. Stat. 18 (1947) 50: variance (n + m + 1) / (12 n m).
    """
    n, m = (part.sum() ** 2 / (part**2).sum() for part in (weight[signal], weight[~signal]))
    return float(np.sqrt((n + m + 1) / (12 * n * m)))
