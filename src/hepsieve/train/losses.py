"""Predicted and true shares of the full scale to losses: one formula for numpy, PyTorch and Keras."""

from __future__ import annotations

from math import log, pi
from typing import Any, assert_never

from hepsieve.train.objective import Objective

TOLERANCE = 0.1
"""Predictions count as right that round to the same multiple of this as the truth."""
_HALF_LOG_TWO_PI = log(2 * pi) / 2
_STORED = 2.0**-23  # from one float32 to the next, as a share of it


def losses_of_shares(objective: Objective, predicted: Any, width: Any, target: Any, xp: Any) -> Any:
    """The loss of each event, shape (n,), in the arrays of a framework; of shares in [0, 1] they are no logits.

    ``huber`` is eq. (1.1) of Huber, Ann. Math. Stat. 35 (1964) 73; ``gaussian`` is in nats, the constant included.

    Args:
        objective: which loss; cross-entropy is not among them, as each framework has one of its own from logits.
        predicted: shape (n,).
        width: the predicted standard deviation, shape (n,); only ``gaussian`` looks at it.
        target: shape (n,).
        xp: ``numpy``, ``torch`` or ``keras.ops``, whichever the arrays belong to.
    """
    residual = predicted - target
    match objective.loss:
        case "squared":
            return residual * residual
        case "huber":
            size, delta = xp.abs(residual), objective.huber_delta
            return xp.where(size <= delta, size * size / 2, delta * (size - delta / 2))
        case "gaussian":
            pull = residual / width
            return xp.log(width) + pull * pull / 2 + _HALF_LOG_TWO_PI
        case "cross_entropy":
            raise ValueError("cross-entropy is found from logits")
        case _:
            assert_never(objective.loss)


def within_tolerance(predicted: Any, target: Any, xp: Any) -> Any:
    """Whether both round to the same multiple of ``TOLERANCE``, shape (n,), boolean; as evaluation counts it.

    Halves go to even multiples, also those that a float32 misses by its rounding.

    >>> import numpy as np
    >>> within_tolerance(np.array([0.34, 0.36, 0.36]), np.array([0.3, 0.3, np.float32(0.35)]), np).tolist()
    [True, False, True]
    """
    return _multiple(predicted, xp) == _multiple(target, xp)


def _multiple(values: Any, xp: Any) -> Any:
    quotient = values / TOLERANCE
    half = xp.round(2 * quotient) / 2
    return xp.round(xp.where(xp.abs(quotient - half) <= _STORED * half, half, quotient))
