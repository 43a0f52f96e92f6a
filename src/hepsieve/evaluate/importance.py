"""Scores before and after a feature was shuffled turned into what is lost in AUC or RMSE, with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hepsieve.evaluate.intervals import UNDEFINED, around
from hepsieve.evaluate.means import TAIL
from hepsieve.evaluate.ranked import Floats, check, cumulative
from hepsieve.evaluate.results import Quantity

# Predictions of equal inputs in batches of other sizes differ by the rounding of float32 numbers.
SAME = 1e-7


def permutation_importance(
    target: NDArray[Any], score: NDArray[Any], shuffled: NDArray[Any], weight: NDArray[Any] | None = None
) -> Quantity:
    """How much AUC is lost, on average over the repeats, when a feature's values are exchanged between events.

    The variance is a sum of two: that of the events, as DeLong, DeLong and Clarke-Pearson (Biometrics 44 (1988) 837)
    have it for the difference of two AUCs of the same events, from each event's placement before minus its mean
    placement afterwards; and that of the repeats about their mean, divided by their number. The interval is Student's,
    with as many degrees of freedom as Welch and Satterthwaite give the sum; a single repeat is given the variance of
    its events only. A feature that no score depends on gets (0, 0).

    Args:
        target: shape (n,), 0 for background and 1 for signal.
        score: shape (n,).
        shuffled: shape (repeats, n), the scores of the same events with the feature shuffled.
        weight: shape (n,); 1 for every event if not given.

    Raises:
        DataError: naming the first row that is neither class, or that is not finite.
    """
    weight = np.ones(len(score)) if weight is None else np.asarray(weight, dtype=np.float64)
    before = placements_by_event(target, score, weight)
    lost = np.stack([before - placements_by_event(target, one, weight) for one in shuffled])
    sides = [np.flatnonzero(target == label) for label in (0, 1)]
    if not all(len(side) and float(weight[side].sum()) > 0 for side in sides):
        return UNDEFINED
    signal = sides[1]
    share = weight[signal] / weight[signal].sum()
    # einsum and not BLAS: the sums must not depend on the number of BLAS threads.
    losses = np.einsum("ki,i->k", lost[:, signal], share)
    value = float(losses.mean())
    if min(map(len, sides)) < 2:
        return around(value, None)
    events = _variance_of_mean(lost.mean(axis=0), weight, sides)
    half = _half_width(events, min(map(len, sides)) - 1, losses)
    return around(value, (value - half, value + half))


def permutation_rmse(
    target: NDArray[Any], prediction: NDArray[Any], shuffled: NDArray[Any], weight: NDArray[Any] | None = None
) -> Quantity:
    """How much larger the RMSE is, on average over the repeats, when a feature's values are exchanged between events.

    Interval and variance are as for ``permutation_importance``, each event's part in the change of the RMSE being that
    of its squared residuals to first order. A feature that no prediction depends on gets (0, 0).

    Args:
        target: shape (n,).
        prediction: shape (n,).
        shuffled: shape (repeats, n), the predictions for the same events with the feature shuffled.
        weight: shape (n,); 1 for every event if not given.
    """
    weight = np.ones(len(target)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not float(weight.sum()) > 0:
        return UNDEFINED
    share = weight / weight.sum()
    same = np.abs(shuffled - prediction) < SAME
    squares = np.square(np.concatenate([prediction[np.newaxis], np.where(same, prediction, shuffled)]) - target)
    means = np.einsum("ki,i->k", squares, share)
    if (means < 0).any():  # negative weights can leave it
        return UNDEFINED
    rmse = np.sqrt(means)
    rmse[1:][same.all(axis=1)] = rmse[0]  # also to the last bit of their sums
    losses = rmse[1:] - rmse[0]
    value = float(losses.mean())
    if len(share) < 2:
        return around(value, None)
    # The derivative of a root; residuals that all are 0 have no spread that it could magnify.
    slope = np.divide(0.5, rmse, out=np.zeros_like(rmse), where=rmse > 0)[:, np.newaxis]
    parts = slope * squares
    variance = _variance_of_mean((parts[1:] - parts[0]).mean(axis=0), weight, [np.arange(len(share))])
    half = _half_width(variance, len(share) - 1, losses)
    return around(value, (value - half, value + half))


def placements_by_event(target: NDArray[Any], score: NDArray[Any], weight: Floats) -> Floats:
    """For each event the weighted share of the other class on its right side, ties counting half, shape (n,).

    The weighted mean over either class is the AUC. NaN where the other class has no weight.

    Raises:
        DataError: naming the first row that is neither class, or that is not finite.
    """
    target, score = np.asarray(target), np.asarray(score, dtype=np.float64)
    check(target, score, weight, "events")
    placement = np.empty(len(score))
    for label in (0, 1):
        own, other = np.flatnonzero(target == label), np.flatnonzero(target != label)
        order = other[np.argsort(score[other], kind="stable")]
        below = cumulative(weight[order])
        places = [np.searchsorted(score[order], score[own], side=side) for side in ("left", "right")]
        share = (below[places[0]] + below[places[1]]) / 2 / (below[-1] or np.nan)
        placement[own] = share if label == 1 else 1 - share
    return placement


def _variance_of_mean(placement: Floats, weight: Floats, sides: list[NDArray[np.intp]]) -> float:
    """The sum over both classes of the variance of the weighted mean, as in ``delong_error``."""
    variance = 0.0
    for side in sides:
        n, total = len(side), float(weight[side].sum())
        mean = float(np.einsum("i,i->", weight[side], placement[side])) / total
        deviation = weight[side] * (placement[side] - mean)
        variance += float(np.einsum("i,i->", deviation, deviation)) / total**2 * n / (n - 1)
    return variance


def _half_width(events: float, events_freedom: int, losses: Floats) -> float:
    repeats = float(losses.var(ddof=1)) / len(losses) if len(losses) > 1 else 0.0
    variance = events + repeats
    if not variance > 0:
        return 0.0
    terms = events**2 / events_freedom + (repeats**2 / (len(losses) - 1) if len(losses) > 1 else 0.0)
    return float(stdtrit(variance**2 / terms, TAIL) * np.sqrt(variance))
