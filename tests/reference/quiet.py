"""Waveforms one by one and in float64: baseline, noise, light and its place in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.floating]


def segments(waveform: Waveform) -> list[NDArray[np.float64]]:
    """Equal stretches of 20 samples, or of a fiftieth of the waveform."""
    x = np.asarray(waveform, np.float64)
    length = max(20, len(x) // 50)
    return [x[k * length : (k + 1) * length] for k in range(len(x) // length)]


def level_and_noise(waveform: Waveform) -> tuple[float, float]:
    """The median of the means of quiet segments, and the root of their mean variance."""
    parts = segments(waveform)
    variances = [part.var(ddof=1) for part in parts]
    limit = 2 * sorted(variances)[len(parts) // 4]
    calm = [part for part, variance in zip(parts, variances, strict=True) if variance <= limit]
    return float(np.median([part.mean() for part in calm])), float(np.sqrt(np.mean([p.var(ddof=1) for p in calm])))


def area(waveform: Waveform) -> float:
    """The sum of all samples above the baseline."""
    level, _ = level_and_noise(waveform)
    return float(sum(value - level for value in np.asarray(waveform, np.float64)))


def centre_and_width(waveform: Waveform) -> tuple[float, float]:
    """Mean and standard deviation of the times of the light, in µs, of the segments above three standard errors."""
    level, noise = level_and_noise(waveform)
    weights, when = [], []
    at = 0
    for part in segments(waveform):
        if abs(part.mean() - level) > 3 * noise / np.sqrt(len(part)):
            weights += [value - level for value in part]
            when += [0.01 * (at + k) for k in range(len(part))]
        at += len(part)
    mean = np.average(when, weights=weights)
    return float(mean), float(np.sqrt(np.average((np.array(when) - mean) ** 2, weights=weights)))
