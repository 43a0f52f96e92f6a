"""Pulse shapes of one waveform, bin by bin: slow and obvious."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SHARES = (0.02, 0.05, 0.10, 0.25, 0.75, 0.90, 0.95, 0.98)


def shapes(light: NDArray[np.float32], nanoseconds: float = 10.0) -> dict[str, float]:
    """All shapes of one waveform, light of shape (time,)."""
    per_bin = math.ceil(len(light) / 500)
    step = per_bin * nanoseconds / 1000
    bins = [math.fsum(map(float, light[k : k + per_bin])) for k in range(0, len(light), per_bin)]
    smooth = running_mean(running_mean(bins, max(1, round(len(bins) / 100))), max(1, round(len(bins) / 100)))
    top = max(max(smooth), 0.0)
    lit = [value if level > darkness(smooth, top) else 0.0 for value, level in zip(bins, smooth, strict=True)]
    total = math.fsum(lit)
    if not total > 0:
        return dict.fromkeys(NAMES, 0.0) | {"pulse area": math.fsum(bins)}
    reached = [math.fsum(lit[: k + 1]) for k in range(len(lit))]

    def time_of(share: float) -> float:
        k = next(k for k, value in enumerate(reached) if value >= share * total)
        before = reached[k - 1] if k else 0.0
        return k + (share * total - before) / (reached[k] - before)

    def light_before(place: float) -> float:
        k = int(place)
        before = reached[k - 1] if k else 0.0
        return before + (place - k) * lit[k]

    mean = math.fsum(value * (k + 0.5) for k, value in enumerate(lit)) / total

    def moment(power: int) -> float:
        return math.fsum(value * (k + 0.5 - mean) ** power for k, value in enumerate(lit)) / total

    width = math.sqrt(moment(2))
    found = {
        "pulse area": math.fsum(bins),
        "height": top / per_bin,
        "rms width": width * step,
        "skewness": moment(3) / width**3 if width else 0.0,
        "kurtosis": moment(4) / width**4 if width else 0.0,
        "fifth moment": moment(5) / width**5 if width else 0.0,
    }
    found |= {f"time of {round(100 * share)} %": (time_of(share) - time_of(0.5)) * step for share in SHARES}
    found |= {f"width at {percent} %": crossings(smooth, top * percent / 100) * step for percent in (50, 10)}
    found |= pulses(smooth, top, lambda k: reached[k] / total, step)
    return found | {"early light": light_before((time_of(0.02) + time_of(0.98)) / 2) / total}


def running_mean(values: list[float], half: int) -> list[float]:
    """Over 2 · half + 1 values; nothing lies beyond the ends."""
    return [math.fsum(values[max(0, k - half) : k + half + 1]) / (2 * half + 1) for k in range(len(values))]


def darkness(smooth: list[float], top: float) -> float:
    """Below what a bin is dark."""
    ordered = sorted(smooth)
    low, quarter = ordered[(len(smooth) - 1) // 20], ordered[(len(smooth) - 1) // 4]
    sigma = (quarter - low) / 0.971
    baseline = quarter + 0.674 * sigma
    return max(baseline + min(5 * sigma, 0.2 * max(top - baseline, 0.0)), 0.01 * top)


def crossings(smooth: list[float], level: float) -> float:
    """The distance of the outermost crossings of a level, in bins."""
    edges = [0.0, *smooth, 0.0]
    above = [k for k, value in enumerate(edges) if value >= level]
    first, last = above[0], above[-1]
    rise = first - (edges[first] - level) / (edges[first] - edges[first - 1])
    return last + (edges[last] - level) / (edges[last] - edges[last + 1]) - rise


def pulses(smooth: list[float], top: float, share: Callable[[int], float], step: float) -> dict[str, float]:
    """The maxima, and what is known of a second pulse."""
    first = smooth.index(top)
    maxima = [
        k
        for k in range(1, len(smooth) - 1)
        if smooth[k] > smooth[k - 1] and smooth[k] >= smooth[k + 1] and smooth[k] > 0.1 * top
    ]

    def between(k: int) -> range:
        return range(min(k, first), max(k, first) + 1)

    rises = [value - min(smooth[j] for j in between(k)) for k, value in enumerate(smooth)]
    second = rises.index(max(rises))
    found = {"maxima": float(len(maxima))}
    if rises[second] <= 0.05 * top:
        return found | dict.fromkeys(("second height", "pulse distance", "valley depth", "light before valley"), 0.0)
    valley = min(between(second), key=lambda k: smooth[k])
    return found | {
        "second height": smooth[second] / top,
        "pulse distance": abs(second - first) * step,
        "valley depth": rises[second] / top,
        "light before valley": share(valley),
    }


NAMES = (
    "pulse area",
    "height",
    "rms width",
    "skewness",
    "kurtosis",
    "fifth moment",
    *(f"time of {round(100 * share)} %" for share in SHARES),
    "width at 50 %",
    "width at 10 %",
    "maxima",
    "second height",
    "pulse distance",
    "valley depth",
    "light before valley",
    "early light",
)
