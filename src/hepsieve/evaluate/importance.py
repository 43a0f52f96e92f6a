"""Scores before and after a feature was shuffled turned into the AUC that is lost, with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hepsieve.evaluate.intervals import UNDEFINED, around
from hepsieve.evaluate.ranked import Floats, check, cumulative
from hepsieve.evaluate.results import Quantity

TAIL = 0.975


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
    losses = lost[:, signal] @ share
    value = float(losses.mean())
    if min(map(len, sides)) < 2:
        return around(value, None)
    events = _variance_of_mean(lost.mean(axis=0), weight, sides)
    half = _half_width(events, min(map(len, sides)) - 1, losses)
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
        with np.errstate(invalid="ignore"):
            share = (below[places[0]] + below[places[1]]) / 2 / below[-1]
        placement[own] = share if label == 1 else 1 - share
    return placement


def _variance_of_mean(placement: Floats, weight: Floats, sides: list[NDArray[np.intp]]) -> float:
    """The sum over both classes of the variance of the weighted mean, as in ``delong_error``."""
    variance = 0.0
    for side in sides:
        n, total = len(side), float(weight[side].sum())
        mean = float(weight[side] @ placement[side]) / total
        deviation = weight[side] * (placement[side] - mean)
        variance += float(deviation @ deviation) / total**2 * n / (n - 1)
    return variance


def _half_width(events: float, events_freedom: int, losses: Floats) -> float:
    repeats = float(losses.var(ddof=1)) / len(losses) if len(losses) > 1 else 0.0
    variance = events + repeats
    if not variance > 0:
        return 0.0
    terms = events**2 / events_freedom + (repeats**2 / (len(losses) - 1) if len(losses) > 1 else 0.0)
    return float(stdtrit(variance**2 / terms, TAIL) * np.sqrt(variance))
