"""What a network's outputs mean: the logit of a score and, where it predicts its own error, a raw width."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from hepsieve.models.learner import Learner
from hepsieve.spill import computed

NARROWEST = 1e-4
"""The smallest width that a network can predict, as a share of the target's full scale."""
WIDEST = 1.0
"""The largest one: the full scale itself."""


def outputs_of(config: Learner) -> Literal[1, 2]:
    """How many numbers the network gives for each event: with ``loss: gaussian`` a logit and a raw width.

    >>> outputs_of(Learner()), outputs_of(Learner(loss="gaussian"))
    (1, 2)
    """
    return 2 if config.loss == "gaussian" else 1


def scores_of(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sigmoids of the logits, shape (n,), of a network's outputs of shape (n,) or (n, 2)."""
    logits = outputs if outputs.ndim == 1 else outputs[:, 0]
    return computed(len(logits), lambda rows: expit(logits[rows]))


def widths_of(outputs: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Predicted standard deviations, shape (n,), of outputs of shape (n, 2); None of outputs of shape (n,)."""
    return None if outputs.ndim == 1 else width(outputs[:, 1])


def width(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard deviation that a raw output means, as a share of the target's full scale.

    It is ``NARROWEST + (WIDEST - NARROWEST) · sigmoid(raw)``: half the full scale for a raw output of 0, and small
    widths change by a factor of e with each unit, as though the network gave their logarithm. No output makes the
    likelihood of an event infinite, or a width wider than everything there is.

    ``width`` in ``models/torch/outputs.py`` and ``models/keras/outputs.py`` are the same for tensors.

    >>> width(np.array([-50.0, 0.0, 50.0])).round(5).tolist()
    [0.0001, 0.50005, 1.0]
    """
    return np.asarray(NARROWEST + (WIDEST - NARROWEST) * expit(raw), dtype=np.float64)
