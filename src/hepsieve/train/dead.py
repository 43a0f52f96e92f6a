"""Tell a model that learned nothing from one that did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.outputs import scores_of
from hepsieve.spill import computed, positions, take
from hepsieve.train.figures import average, logits_of, losses, weighted_auc
from hepsieve.train.objective import CROSS_ENTROPY, Objective
from hepsieve.train.trained import Part

# A gain in loss below this share of guessing is no separation that one could use (AUC about 0.51).
_SMALLEST_GAIN = 2e-4
_STANDARD_ERRORS = 2.0

_Blocks = Callable[[slice], NDArray[Any]]


def dead_model(
    outputs: NDArray[np.float64],
    validation: Part,
    objective: Objective = CROSS_ENTROPY,
    *,
    calibrated: bool = True,
) -> str | None:
    """A sentence that calls a model dead, or None for a living one.

    A model is dead when all its scores are the same, or when its validation loss can't be told from that
    of guessing with the class shares (ln 2 for equal classes; a gain under two standard errors or 0.02 %) and the
    order of its scores says nothing either: an AUC within two standard errors of 0.5.

    In a regression, whatever its loss, squared residuals stand in the loss's place, the mean target in that of the
    guess, and the linear correlation of predictions and truth in that of the AUC.

    Args:
        outputs: on validation: logits, shape (n,); with predicted widths (n, 2).
        validation: as weighed for the training.
        objective: what the training minimised.
        calibrated: False for models whose scores are no probabilities; their loss says nothing.
    """
    if validation.kind == "regression":
        return dead_regression(scores_of(outputs), validation)
    logits = logits_of(outputs)
    if np.ptp(logits) < 1e-6:
        return f"dead model: the same score for all {len(logits)} validation events"
    if not calibrated:
        return None
    weight, target = _as_double(validation.weight), validation.target
    share = average(lambda rows: target[rows], weight)
    prior = np.broadcast_to(np.log(share / (1 - share)), len(logits))
    guess, gain, error = _gain(
        lambda rows: losses(prior[rows], target[rows], objective),
        lambda rows: losses(logits[rows], target[rows], objective),
        weight,
    )
    if gain > max(_STANDARD_ERRORS * error, _SMALLEST_GAIN * guess):
        return None
    signal = computed(len(validation), lambda rows: target[rows] > 0.5, np.bool_)
    if abs(weighted_auc(logits, signal, weight) - 0.5) > _STANDARD_ERRORS * _error_of_guessing(weight, signal):
        return None  # a living model, badly calibrated or judged on few events
    return f"dead model: validation loss {guess - gain:.4f} is no better than guessing ({guess:.4f} ± {error:.4f})"


def dead_regression(predicted: NDArray[np.float64], validation: Part) -> str | None:
    """The same for predictions of a regression, shape (n,), in [0, 1]."""
    if np.ptp(predicted) < 1e-6:
        return f"dead model: the same prediction for all {len(predicted)} validation events"
    weight, target = (_as_double(values) for values in (validation.weight, validation.target))
    mean = average(lambda rows: target[rows], weight)
    guess, gain, error = _gain(
        lambda rows: (target[rows] - mean) ** 2, lambda rows: (target[rows] - predicted[rows]) ** 2, weight
    )
    if gain > max(_STANDARD_ERRORS * error, _SMALLEST_GAIN * guess):
        return None
    # The standard error of a correlation of numbers without relation, for the effective number of events.
    effective = _effective(weight)
    if abs(_correlation(predicted, target, weight)) > _STANDARD_ERRORS / np.sqrt(effective):
        return None
    return (
        f"dead model: the validation mean squared residual {guess - gain:.4g} is no better than that of predicting the "
        f"mean ({guess:.4g} ± {error:.2g})"
    )


def _gain(guesses: _Blocks, losses: _Blocks, weight: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean loss of guessing, mean gain over it, and the gain's standard error."""
    gains = computed(len(weight), lambda rows: guesses(rows) - losses(rows))
    gain = average(lambda rows: gains[rows], weight)
    squares = computed(len(weight), lambda rows: (weight[rows] * (gains[rows] - gain)) ** 2)
    return average(guesses, weight), gain, float(np.sqrt(squares.sum()) / weight.sum())


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Pearson's, weighted; 0 where one of them does not vary."""
    mine, its = average(lambda rows: one[rows], weight), average(lambda rows: other[rows], weight)

    def total(of: _Blocks) -> float:
        return float(computed(len(weight), of).sum())

    product = total(lambda rows: weight[rows] * (one[rows] - mine) * (other[rows] - its))
    scale = total(lambda rows: weight[rows] * (one[rows] - mine) ** 2) * total(
        lambda rows: weight[rows] * (other[rows] - its) ** 2
    )
    return float(product / np.sqrt(scale)) if scale > 0 else 0.0


def _error_of_guessing(weight: NDArray[np.float64], signal: NDArray[np.bool_]) -> float:
    """The standard error of the AUC of scores without relation to the truth, for the effective numbers of events.

    Source: Mann and Whitney, Ann. Math. Stat. 18 (1947) 50: variance (n + m + 1) / (12 n m).
    """
    n, m = (_effective(take(weight, positions(signal, label))) for label in (True, False))
    return float(np.sqrt((n + m + 1) / (12 * n * m)))


def _effective(weight: NDArray[np.float64]) -> float:
    """How many events of equal weight would say as much."""
    return float(weight.sum() ** 2 / computed(len(weight), lambda rows: weight[rows] ** 2).sum())


def _as_double(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return computed(len(values), lambda rows: values[rows])
