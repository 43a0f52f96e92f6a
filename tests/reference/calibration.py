"""Slow, obvious definitions of what calibration does: scans and loops over events."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

Numbers = Sequence[float]


def log_loss_at(temperature: float, target: Numbers, score: Numbers, weight: Numbers) -> float:
    """Weighted mean of −ln of the probability of the truth, once the logits are divided."""
    total = 0.0
    for y, s, w in zip(target, score, weight, strict=True):
        scaled = log(s / (1 - s)) / temperature
        total += w * log(1 + exp(-scaled if y == 1 else scaled))
    return total / sum(weight)


def temperature(target: Numbers, score: Numbers, weight: Numbers) -> float:
    """Where the log loss is smallest, by ever finer steps in the logarithm."""
    low, high = log(0.05), log(20.0)
    while high - low > 1e-9:
        steps = [low + (high - low) * k / 20 for k in range(21)]
        best = min(range(21), key=lambda k: log_loss_at(exp(steps[k]), target, score, weight))
        low, high = steps[max(best - 1, 0)], steps[min(best + 1, 20)]
    return exp((low + high) / 2)


def isotonic(target: Numbers, score: Numbers, weight: Numbers) -> dict[float, float]:
    """The share of signal at each score: the largest, over starts below, of the smallest mean, over ends above.

    The max-min formula of isotonic regression, eq. (1.4.4) of Robertson, Wright and Dykstra (1988).
    """
    steps = sorted({s for s, w in zip(score, weight, strict=True) if w})
    events = list(zip(target, score, weight, strict=True))

    def mean(low: float, high: float) -> float:
        inside = [(y, w) for y, s, w in events if low <= s <= high]
        return sum(y * w for y, w in inside) / sum(w for _, w in inside)

    return {
        step: max(min(mean(low, high) for high in steps if high >= step) for low in steps if low <= step)
        for step in steps
    }


def bins(score: Numbers, wanted: int) -> list[list[int]]:
    """The events' numbers in bins of rising scores; a bin starts at the score of every n/wanted-th event."""
    rising = sorted(score)
    starts = sorted({rising[k * len(score) // wanted] for k in range(1, wanted)})
    found: list[list[int]] = [[] for _ in range(len(starts) + 1)]
    for k, s in enumerate(score):
        found[sum(s >= start for start in starts)].append(k)
    return [rows for rows in found if rows]
