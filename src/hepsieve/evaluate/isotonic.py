"""Scores and truth to the rising line through the shares of signal: pool adjacent violators, weighted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from hepsieve.evaluate.intervals import effective_events
from hepsieve.evaluate.metrics import CLIP
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Scored
from hepsieve.score_map import Isotonic


def fit_isotonic(sample: Scored) -> Isotonic | None:
    """The isotonic calibration of a sample.

    It is fitted as though one more signal event had the lowest score and one more background event the highest, each of
    the sample's typical weight, Σw²/Σw: no calibrated score is then 0 or 1, however few events say so.

    Negative weights stay: events are first pooled with their neighbours in score until each pool has a positive weight
    and a share of signal within 0 and 1. None if the whole sample has not, or lacks a class.

    Args:
        sample: held-out events.
    """
    signal = sample.target > 0.5
    if not (sample.weight[signal].sum() > 0 and sample.weight[~signal].sum() > 0):
        return None
    typical = float(sample.weight.sum()) / effective_events(sample.weight)
    more = (
        np.append(sample.score, [sample.score.min(), sample.score.max()]),
        np.append(sample.target, [1.0, 0.0]),
        np.append(sample.weight, [typical, typical]),
    )
    lowest, highest, share = pool(*more)
    # Where negative weights cancel, a pool may be of one class for all that.
    share = np.clip(share, CLIP, 1 - CLIP)
    points: dict[float, float] = {}
    for low, high, value in zip(lowest.tolist(), highest.tolist(), share.tolist(), strict=True):
        points[low] = points[high] = value
    return Isotonic(score=tuple(points), calibrated=tuple(points.values()))


def pool(score: Floats, target: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Pools of events with neighbouring scores, so that their shares of signal rise: the isotonic regression.

    Robertson, Wright and Dykstra, Order Restricted Statistical Inference (1988), chapter 1. Equal scores are one pool
    from the start. An event of weight k counts as k events.

    Args:
        score: shape (n,).
        target: shape (n,), 0 or 1.
        weight: shape (n,), of positive sum; where some are negative, see ``fit_isotonic``.

    Returns:
        Of each pool, in the order of rising scores, the lowest and the highest score in it and its share of signal.
    """
    there = weight != 0
    steps, place = np.unique(score[there], return_inverse=True)
    total, signal = np.zeros(len(steps)), np.zeros(len(steps))
    np.add.at(total, place, weight[there])
    np.add.at(signal, place, (weight * target)[there])
    starts = _sound(total, signal)
    total, signal = np.add.reduceat(total, starts), np.add.reduceat(signal, starts)
    # Rounding of cancelling weights may leave a share just outside.
    fitted = isotonic_regression(np.clip(signal / total, 0.0, 1.0), weights=total)
    blocks = fitted.blocks
    first = starts[blocks[:-1]]
    ends = np.append(first[1:], len(steps)) - 1
    return steps[first], steps[ends], np.asarray(fitted.x[blocks[:-1]], np.float64)


def _sound(total: Floats, signal: Floats) -> NDArray[np.int64]:
    """Where the pools start whose weights are positive and whose shares of signal are within 0 and 1."""
    if np.all((total > 0) & (signal >= 0) & (signal <= total)):
        return np.arange(len(total))
    starts, sums = [0], [(0.0, 0.0)]
    for k, (weight, of_signal) in enumerate(zip(total.tolist(), signal.tolist(), strict=True)):
        if _is_sound(sums[-1]):
            starts.append(k)
            sums.append((0.0, 0.0))
        sums[-1] = (sums[-1][0] + weight, sums[-1][1] + of_signal)
    while len(starts) > 1 and not _is_sound(sums[-1]):
        starts.pop()
        left = sums.pop()
        sums[-1] = (sums[-1][0] + left[0], sums[-1][1] + left[1])
    return np.array(starts)


def _is_sound(sums: Sequence[float]) -> bool:
    return sums[0] > 0 and 0 <= sums[1] <= sums[0]
