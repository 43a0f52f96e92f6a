"""Waveforms among the events: which are some, what their time axis is, and where they are quiet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events, FloatArray

NANOSECONDS = 10.0
"""The time from one sample to the next, where nothing else is known."""
NORMALISED = {
    "set": "the smallest sample of all becomes 0 and the largest 1",
    "each": "the smallest sample of each becomes 0 and its largest 1",
    "area": "each is divided by its area: its size is gone, its shape is left",
    "none": "as they are",
}
"""In words, what each choice of ``prepare.waveform.normalise`` does to waveforms."""
_SEGMENTS = 50
_LEAST_SAMPLES = 20  # in a segment, of fewer of which a variance says little
_LEAST_SEGMENTS = 4
_AS_QUIET = 2.0  # times the variance of the quieter quarter


def are_waveforms(events: Events) -> bool:
    """Whether these events are waveforms, shape (n, time, channels)."""
    return events.features.ndim == 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Quiet:
    """Waveforms cut into short segments, and what they are where nothing happens.

    Attributes:
        means: of each segment, shape (n, segments).
        length: samples in a segment.
        level: the median of the means of the quiet segments, shape (n,); NaN where there are too few segments.
        noise: the standard deviation of single samples in the quiet segments, likewise.
    """

    means: FloatArray
    length: int
    level: FloatArray
    noise: FloatArray


def quiet(waveforms: FloatArray) -> Quiet:
    """Find the baseline and the noise of each waveform.

    Segments are quiet whose variance is at most twice that of the quieter quarter: a pulse may fill two thirds of a
    waveform before it is taken for the baseline.

    Args:
        waveforms: one channel, shape (n, samples), all finite. A few samples at the end may be left out.
    """
    n, samples = waveforms.shape
    length = min(samples, max(_LEAST_SAMPLES, samples // _SEGMENTS))
    count = samples // max(length, 1)
    parts = waveforms[:, : count * length].reshape(n, count, length)
    means = parts.mean(axis=2)
    if count < _LEAST_SEGMENTS:
        unknown = np.full(n, np.nan, np.float32)
        return Quiet(means=means, length=length, level=unknown, noise=unknown)
    # Around each mean: a pedestal of thousands of counts would leave nothing of a small variance in float32.
    around = parts - means[..., np.newaxis]
    variance = np.einsum("ijk,ijk->ij", around, around) / np.float32(length - 1)
    limit = _AS_QUIET * np.partition(variance, count // 4, axis=1)[:, count // 4]
    is_quiet = variance <= limit[:, np.newaxis]
    number = is_quiet.sum(axis=1)
    ordered = np.sort(np.where(is_quiet, means, np.inf), axis=1)
    rows = np.arange(n)
    level = (ordered[rows, (number - 1) // 2] + ordered[rows, number // 2]) / 2
    noise = np.sqrt(np.where(is_quiet, variance, 0).sum(axis=1) / number)
    return Quiet(means=means, length=length, level=level.astype(np.float32), noise=noise.astype(np.float32))


def times(samples: int, *, nanoseconds: float = NANOSECONDS) -> NDArray[np.float64]:
    """The time of each sample since the first one, in µs.

    >>> times(3).tolist()
    [0.0, 0.01, 0.02]
    """
    return np.asarray(np.arange(samples) * (nanoseconds / 1000), np.float64)
