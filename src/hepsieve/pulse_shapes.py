"""Waveforms to a table of pulse shapes: area, height, moments, widths, times of parts of the light, two pulses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.events import Events, FloatArray
from hepsieve.waveforms import NANOSECONDS

LIGHT = "light"
"""The name of the channel whose meaning is known."""
SHARES = (0.02, 0.05, 0.10, 0.25, 0.75, 0.90, 0.95, 0.98)
"""Of the light, whose times after the median of the light are shapes."""
_TIMES = tuple(f"time of {round(100 * share)} %" for share in SHARES)
_MOMENTS = ("rms width", "skewness", "kurtosis", "fifth moment")
_WIDTHS = ("width at 50 %", "width at 10 %")
_PULSES = ("maxima", "second height", "pulse distance", "valley depth", "light before valley")
PULSE_SHAPES = ("pulse area", "height", *_MOMENTS, *_TIMES, *_WIDTHS, *_PULSES, "early light")
"""The shapes, in the order of the table's columns."""
_IN_MICROSECONDS = ("rms width", *_TIMES, *_WIDTHS, "pulse distance")
_BLOCK_ROWS = 32  # whose bins a core's cache holds
_MOST_BINS = 500
_SMOOTHED = 100  # a mean over this part of the waveform, taken twice, smooths it
_DARK = 0.01  # of the height: what does not rise above it counts as dark
_NOISES = 5.0  # standard deviations of noise that light has to rise above the baseline
_REAL = 0.05  # of the height: a second maximum rises by this above the valley between
_COUNTED = 0.1  # of the height: the least maximum that is counted
Waves = NDArray[np.float64]


def pulse_names(channels: Sequence[str]) -> tuple[str, ...]:
    """The shapes that waveforms with these channels have.

    >>> len(pulse_names(["light"])), pulse_names(["temperature"])
    (22, ())
    """
    return PULSE_SHAPES if LIGHT in channels else ()


def pulse_units(channels: Sequence[str], units: Sequence[str]) -> tuple[str, ...]:
    """The unit of each shape, of waveforms whose channels have these units; an empty string is dimensionless.

    >>> pulse_units(["light"], ["phd"])[:4]
    ('phd', 'phd', 'µs', '')
    """
    light = dict(zip(channels, units, strict=True)).get(LIGHT, "")
    known = dict.fromkeys(("pulse area", "height"), light) | dict.fromkeys(_IN_MICROSECONDS, "µs")
    return tuple(known.get(name, "") for name in pulse_names(channels))


def as_pulse_table(events: Events) -> Events:
    """The same events with their pulse shapes in place of their waveforms; without a light channel there are none."""
    return events.replace(
        features=pulse_shapes(events.features, events.names),
        names=pulse_names(events.names),
        units=pulse_units(events.names, events.units),
    )


def pulse_shapes(waveforms: FloatArray, channels: Sequence[str]) -> FloatArray:
    """The pulse shapes of waveforms, shape (n, time, channels) to (n, shapes), float32, as ``pulse_names`` says.

    The light is summed into at most 500 bins and smoothed by a running mean over a hundredth of the waveform, twice;
    ``height`` is the largest value of that, per sample. Bins whose smoothed light is below a hundredth of the height,
    or within five standard deviations of the noise around the baseline, are dark and count as zero; nothing is
    subtracted from the others. ``pulse area`` alone is the sum of all samples.

    Moments are central, in units of the rms width from the third on; the times of parts of the light are after its
    median; widths lie between the outermost places where the smoothed pulse has that part of its height.
    ``maxima`` of the smoothed pulse count from a tenth of the height. The second pulse is the maximum that rises most
    above the valley between itself and the highest one, if it does by a twentieth of the height; ``second height`` and
    ``valley depth`` (that rise) are shares of the height, ``light before valley`` is a share of the light. Without a
    second pulse they are zero. ``early light`` is the share before the middle between the times of 2 % and 98 %.
    A waveform without light has zeros throughout, but for its area.
    """
    table: FloatArray = spill.empty((len(waveforms), len(pulse_names(channels))), np.float32)
    if LIGHT not in channels:
        return table
    channel = list(channels).index(LIGHT)

    def measure(rows: slice) -> None:
        samples = waveforms[rows, :, channel]
        if not np.isfinite(samples.sum(dtype=np.float64)):
            samples = np.nan_to_num(samples, posinf=0, neginf=0)
        table[rows] = np.stack(_shapes(samples), axis=1)

    spill.on_all_cores(measure, spill.blocks(waveforms, rows=_BLOCK_ROWS))
    return table


def _shapes(samples: FloatArray) -> list[Waves]:
    per_bin = -(-samples.shape[1] // _MOST_BINS)
    step = per_bin * NANOSECONDS / 1000
    bins = _binned(samples, per_bin)
    smooth = _smoothed(bins, max(1, round(bins.shape[1] / _SMOOTHED)))
    height = np.maximum(smooth.max(axis=1), 0)
    light = np.where(smooth > _darkness(smooth, height)[:, np.newaxis], bins, 0.0)
    total = np.maximum(light.sum(axis=1), 0)
    height = np.where(total > 0, height, 0)
    smooth = np.where(height[:, np.newaxis] > 0, smooth, 0.0)
    reached = np.cumsum(light, axis=1)
    times = [_time_of(share, reached, total) for share in (*SHARES, 0.5)]
    return [
        bins.sum(axis=1),
        height / per_bin,
        *_moments(light, total, step),
        *((time - times[-1]) * step for time in times[:-1]),
        *(_width(smooth, share * height) * step for share in (0.5, 0.1)),
        *_pulses(smooth, height, reached, total, step),
        _ratio(_light_before((times[0] + times[-2]) / 2, reached), total),
    ]


def _binned(samples: FloatArray, per_bin: int) -> Waves:
    """Sums of so many samples, the last of which may be of fewer."""
    missing = -samples.shape[1] % per_bin
    if missing:
        samples = np.pad(samples, ((0, 0), (0, missing)))
    inside = samples.reshape(len(samples), -1, per_bin)
    bins = inside[..., 0].astype(np.float64)
    for k in range(1, per_bin):
        bins += inside[..., k]
    return bins


def _smoothed(bins: Waves, half: int) -> Waves:
    """A running mean over 2 · half + 1 bins, taken twice; nothing lies beyond the ends."""
    n, width = bins.shape[1], 2 * half + 1
    for _ in range(2):
        sums = np.zeros((len(bins), n + width))
        np.cumsum(bins, axis=1, out=sums[:, half + 1 : half + 1 + n])
        sums[:, half + 1 + n :] = sums[:, half + n, np.newaxis]
        bins = (sums[:, width:] - sums[:, :-width]) / width
    return bins


def _darkness(smooth: Waves, height: Waves) -> Waves:
    """Below what the smoothed pulse counts as dark; baseline and noise are those of the lowest quarter of the bins."""
    n = smooth.shape[1]
    low, quarter = (n - 1) // 20, (n - 1) // 4
    part = np.partition(smooth, (low, quarter), axis=1)
    spread = part[:, quarter] - part[:, low]
    # Of a normal distribution, 25 % lie below -0.674 standard deviations, and 5 % below -1.645.
    baseline = part[:, quarter] + spread * (0.674 / 0.971)
    # A pulse that fills the waveform leaves no quarter dark; its top is light all the same.
    above = np.minimum(_NOISES * spread / 0.971, 0.2 * np.maximum(height - baseline, 0))
    return np.asarray(np.maximum(baseline + above, _DARK * height))


def _moments(light: Waves, total: Waves, step: float) -> list[Waves]:
    """Width in µs and standardised central moments 3 to 5 of the times of the light."""
    time = np.arange(light.shape[1]) + 0.5
    mean = _ratio((light * time).sum(axis=1), total)
    centred = time - mean[:, np.newaxis]
    weighted = light * centred
    moments = []
    for _ in range(4):
        weighted *= centred
        moments.append(_ratio(weighted.sum(axis=1), total))
    width = np.sqrt(np.maximum(moments[0], 0))
    return [width * step, *(_ratio(moments[k - 2], width**k) for k in (3, 4, 5))]


def _time_of(share: float, reached: Waves, total: Waves) -> Waves:
    """Where this share of the light is first reached, in bins; between the edges of a bin in proportion."""
    level = share * total
    place = (reached >= level[:, np.newaxis]).argmax(axis=1)
    rows = np.arange(len(reached))
    before = np.where(place > 0, reached[rows, place - 1], 0.0)
    return np.asarray(place + _ratio(level - before, reached[rows, place] - before))


def _width(smooth: Waves, level: Waves) -> Waves:
    """The distance of the outermost places where the pulse crosses this level, in bins."""
    above = smooth >= level[:, np.newaxis]
    first, last = above.argmax(axis=1), smooth.shape[1] - 1 - above[:, ::-1].argmax(axis=1)
    rows = np.arange(len(smooth))
    edges = np.pad(smooth, ((0, 0), (1, 1)))  # place k of the pulse is place k + 1 here
    rise = _ratio(edges[rows, first + 1] - level, edges[rows, first + 1] - edges[rows, first])
    fall = _ratio(edges[rows, last + 1] - level, edges[rows, last + 1] - edges[rows, last + 2])
    return np.where(level > 0, last + fall - (first - rise), 0.0)


def _pulses(smooth: Waves, height: Waves, reached: Waves, total: Waves, step: float) -> list[Waves]:
    """How many maxima there are, and what is known of the second pulse: ``_PULSES``."""
    rows, places = np.arange(len(smooth)), np.arange(smooth.shape[1])
    inner = smooth[:, 1:-1]
    is_maximum = (inner > smooth[:, :-2]) & (inner >= smooth[:, 2:]) & (inner > _COUNTED * height[:, np.newaxis])
    first = smooth.argmax(axis=1)
    valley = _lowest_on_the_way(smooth, first)
    rise = smooth - valley
    second = rise.argmax(axis=1)
    depth = rise[rows, second]
    real = (depth > _REAL * height).astype(np.float64)
    low, high = np.minimum(first, second)[:, np.newaxis], np.maximum(first, second)[:, np.newaxis]
    bottom = np.where((places >= low) & (places <= high), smooth, np.inf).argmin(axis=1)
    return [
        np.count_nonzero(is_maximum, axis=1).astype(np.float64),
        _ratio(smooth[rows, second], height) * real,
        np.abs(second - first) * step * real,
        _ratio(depth, height) * real,
        _ratio(reached[rows, bottom], total) * real,
    ]


def _lowest_on_the_way(smooth: Waves, start: NDArray[np.int64]) -> Waves:
    """The least value between each place and the one where the waveform's way starts, both included."""
    places, start = np.arange(smooth.shape[1]), start[:, np.newaxis]
    after = np.minimum.accumulate(np.where(places >= start, smooth, np.inf), axis=1)
    before = np.minimum.accumulate(np.where(places <= start, smooth, np.inf)[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.minimum(after, before))


def _light_before(place: Waves, reached: Waves) -> Waves:
    """The light before a place, in bins, that may lie within one."""
    rows, whole = np.arange(len(reached)), np.minimum(place.astype(np.int64), reached.shape[1] - 1)
    before = np.where(whole > 0, reached[rows, whole - 1], 0.0)
    return np.asarray(before + (place - whole) * (reached[rows, whole] - before))


def _ratio(part: Waves, whole: Waves) -> Waves:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
