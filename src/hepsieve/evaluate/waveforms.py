"""Training waveforms turned into what a page shows of them: examples raw and normalised, and mean waveforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.waveform_results import MeanWaveform, WaveformExample, WaveformSummary
from hepsieve.events import FloatArray, TargetScale
from hepsieve.waveforms import NANOSECONDS, quiet, times

EXAMPLES = 4  # of each class, and twice as many in a regression
RANGES = 5  # of the target
MOST_AVERAGED = 1000
LEAST_AVERAGED = 5
DIGITS = 4
_DRAWN_BINS = 150  # each drawn by its lowest and its highest sample
_MEAN_BINS = 250
_CROPPED = 0.005  # of the highest mean
_AT_ONCE = 64
_ROUND = 20  # parts of the full scale
Normalise = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Set:
    """Waveforms that are averaged together, and from which examples are taken."""

    title: str
    rows: NDArray[np.int64]


def waveform_summary(
    waveforms: NDArray[Any],
    target: NDArray[Any],
    *,
    unit: str,
    normalise: Normalise,
    classes: tuple[str, str],
    scale: TargetScale | None = None,
    seed: int,
    sample_ns: float = NANOSECONDS,
    normalised: str = "",
) -> WaveformSummary:
    """Examples of waveforms, and the mean waveform of each class or of five ranges of the target.

    An example is drawn by the lowest and the highest of every few samples, so that its noise and its peak look as they
    do in full. A mean is that of at most 1,000 waveforms, chosen by the seed like the examples; each is moved so that
    the centre of gravity of its light is at time 0. The first channel is shown. Numbers are kept to four digits.

    Args:
        waveforms: shape (n, time, channels), of the training part only; may be larger than memory.
        target: shape (n,): 0 for background and 1 for signal, or the value to regress.
        unit: of a raw sample.
        normalise: brings waveforms of shape (k, time, channels) to what a network gets, of as many samples.
        classes: the names of background and signal; not used in a regression.
        scale: what is regressed; None for classes.
        seed: chooses the waveforms.
        sample_ns: from one sample to the next, in ns.
        normalised: in words, what ``normalise`` does.
    """
    rng = np.random.default_rng(seed)
    known = np.asarray(target, np.float64)
    sets = _classes(known, classes) if scale is None else _ranges(known, scale)
    samples = int(waveforms.shape[1])
    time = times(samples, nanoseconds=sample_ns)
    means = [_mean(waveforms, one, time, rng) for one in sets]
    return WaveformSummary(
        unit=unit,
        samples=samples,
        sample_ns=sample_ns,
        examples=tuple(_examples(waveforms, _chosen(known, sets, scale, rng), normalise, time)),
        means=tuple(_cropped([mean for mean in means if mean is not None])),
        ordered=scale is not None,
        normalised=normalised,
    )


def _classes(target: Floats, classes: tuple[str, str]) -> list[_Set]:
    return [_Set(title=name, rows=np.flatnonzero(target == side)) for side, name in enumerate(classes)]


def _ranges(target: Floats, scale: TargetScale) -> list[_Set]:
    """Five equal ranges from the lowest to the highest target, these rounded outwards."""
    known = np.flatnonzero(np.isfinite(target))
    if len(known) == 0:
        return []
    low, high = target[known].min(), target[known].max()
    edges = np.linspace(np.floor(low * _ROUND) / _ROUND, np.ceil(high * _ROUND) / _ROUND, RANGES + 1)
    place = np.searchsorted(edges[1:-1], target[known], side="right")
    return [_Set(title=_range_title(edges[k], edges[k + 1], scale), rows=known[place == k]) for k in range(RANGES)]


def _range_title(low: float, high: float, scale: TargetScale) -> str:
    unit = _physical(scale)
    return f"{scale.name} {low * unit[0]:.3g}–{high * unit[0]:.3g}{unit[1]}"


def _physical(scale: TargetScale) -> tuple[float, str]:
    """What a target is multiplied with to be read in its own unit, and that unit."""
    return (scale.full, f" {scale.unit}") if scale.unit else (1.0, "")


def _chosen(
    target: Floats, sets: list[_Set], scale: TargetScale | None, rng: np.random.Generator
) -> list[tuple[str, int]]:
    """Titles and rows of the examples: some of each class, or one of each of several equal parts of the targets."""
    if scale is None:
        return [
            (one.title, int(row))
            for one in sets
            for row in rng.choice(one.rows, size=min(EXAMPLES, len(one.rows)), replace=False)
        ]
    known = np.flatnonzero(np.isfinite(target))
    parts = np.array_split(known[np.argsort(target[known], kind="stable")], 2 * EXAMPLES)
    rows = [int(rng.choice(part)) for part in parts if len(part)]
    full, unit = _physical(scale)
    remark = f" ({{:.3g}}{unit})" if unit else ""
    return [(f"{scale.name} = {target[row]:.3g}" + remark.format(target[row] * full), row) for row in rows]


def _examples(
    waveforms: NDArray[Any], chosen: list[tuple[str, int]], normalise: Normalise, time: Floats
) -> Iterator[WaveformExample]:
    for title, row in chosen:
        raw = np.nan_to_num(np.asarray(waveforms[row : row + 1], np.float32), posinf=0, neginf=0)
        # Where the training part itself is not finite, nothing can be normalised by it.
        made = np.nan_to_num(np.asarray(normalise(raw)), posinf=0, neginf=0).reshape(len(time), -1)[:, 0]
        places = _thinned(raw[0, :, 0])
        yield WaveformExample(
            title=title,
            time=_short(time[places], 6),
            raw=_short(raw[0, places, 0]),
            normalised=_short(made[places]),
        )


def _thinned(samples: FloatArray) -> NDArray[np.int64]:
    """The positions of the lowest and the highest of every few samples, ascending."""
    n = len(samples)
    if n <= 2 * _DRAWN_BINS:
        return np.arange(n)
    edges = np.linspace(0, n, _DRAWN_BINS + 1).astype(np.int64)
    ends = [
        start + place
        for start, end in pairwise(edges.tolist())
        for place in (samples[start:end].argmin(), samples[start:end].argmax())
    ]
    return np.unique(ends)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Mean:
    """A mean waveform around its centre of gravity; NaN where too few waveforms reach."""

    title: str
    time: Floats
    mean: Floats
    n: int


def _mean(waveforms: NDArray[Any], one: _Set, time: Floats, rng: np.random.Generator) -> _Mean | None:
    rows = np.sort(rng.permutation(one.rows)[:MOST_AVERAGED])
    per_bin = -(-len(time) // _MEAN_BINS)
    bins = len(time) // per_bin
    sums, counts, n = np.zeros(2 * bins), np.zeros(2 * bins), 0
    for start in range(0, len(rows), _AT_ONCE):
        for light in _binned(waveforms, rows[start : start + _AT_ONCE], per_bin):
            total = light.sum()
            if not total > 0:
                continue  # without light there is no centre
            centre = int(np.clip(np.rint(light @ np.arange(bins) / total), 0, bins - 1))
            sums[bins - centre : 2 * bins - centre] += light
            counts[bins - centre : 2 * bins - centre] += 1
            n += 1
    if n < LEAST_AVERAGED:
        return None
    step = per_bin * (time[1] - time[0] if len(time) > 1 else 0.0)
    mean = np.where(counts >= n / 2, sums / np.maximum(counts, 1), np.nan)
    return _Mean(title=one.title, time=(np.arange(2 * bins) - bins) * step, mean=mean, n=n)


def _binned(waveforms: NDArray[Any], rows: NDArray[np.int64], per_bin: int) -> Floats:
    """Means of so many samples above the baseline, of those waveforms whose samples are all finite."""
    samples = np.asarray(waveforms[rows, :, 0], np.float32)
    samples = samples[np.isfinite(samples).all(axis=1)]
    bins = samples.shape[1] // per_bin
    light = samples[:, : bins * per_bin].reshape(len(samples), bins, per_bin).mean(axis=2, dtype=np.float64)
    return np.asarray(light - np.nan_to_num(quiet(samples).level)[:, np.newaxis])


def _cropped(means: list[_Mean]) -> Iterator[MeanWaveform]:
    """The same stretch of time for all means, in which any of them has light."""
    if not means:
        return
    every = np.stack([mean.mean for mean in means])
    size = np.nan_to_num(np.abs(every)).max(axis=0)
    lit = np.flatnonzero(size > _CROPPED * size.max())
    margin = max(2, (lit[-1] - lit[0]) // 10) if len(lit) else 0
    first, last = (max(lit[0] - margin, 0), lit[-1] + margin) if len(lit) else (0, len(size))
    for mean in means:
        kept = np.arange(len(size))
        kept = kept[(kept >= first) & (kept <= last) & np.isfinite(mean.mean)]
        yield MeanWaveform(title=mean.title, time=_short(mean.time[kept], 6), mean=_short(mean.mean[kept]), n=mean.n)


def _short(values: NDArray[np.floating], digits: int = DIGITS) -> tuple[float, ...]:
    """To so many significant digits, which keeps the JSON small."""
    return tuple(float(f"{value:.{digits}g}") for value in values.tolist())
