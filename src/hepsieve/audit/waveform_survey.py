"""Waveforms in one walk to what is counted in them: baselines, noise, areas, and which are flat, clipped or cut off."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.audit.sides import Counts, Mask, sides
from hepsieve.events import Events, FloatArray
from hepsieve.waveforms import Quiet, are_waveforms, quiet, times

QUANTITIES = ("area", "highest sample", "baseline", "noise", "centre", "width")
"""What is measured in each channel of each waveform: its light above the baseline, the highest sample, the level and
the standard deviation of quiet samples, the light's centre of gravity and its standard deviation along time."""
_AT_TOP = 3  # samples at exactly the same maximum
_MANY_AT_TOP = 8
_RUN = 10  # of them in a row
_MOSTLY = 0.8  # of them
_BAND = (0.05, 0.3)  # of the height, below the top
_LEVELS = 10  # fewer steps than this from the baseline to the top are a coarse scale, not a clipped pulse
_SOME = 0.8  # of the height, in which values are looked at for repetitions
_FEW = 5
_REPEATED = 0.05
_CERTAIN = 5.0  # standard errors
_ABOVE = 3.0  # standard errors
_AT_EDGE = 0.1  # of the highest segment
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class WaveformSurvey:
    """What is counted in waveforms. Of arrays with a 2 in front, the first half is background and the second signal.

    In a regression all waveforms stand on the first side. Of waveforms that are not ``complete`` nothing is marked and
    the quantities are NaN.

    Attributes:
        signal: shape (n,); of events of neither class false, as ``labelled``.
        labelled: shape (n,).
        empty: shape (n,), waveforms that never change, in no channel: nothing happens in them.
        complete: shape (n,), waveforms whose values are all finite.
        clipped: shape (n, channels): many samples at exactly the highest value.
        cut: shape (n, channels): the first or last samples hold much light.
        dark: shape (n, channels): nothing rises above the noise.
        down: shape (n, channels): the pulse goes down from the baseline.
        at_top: shape (n, channels), how many samples have the highest value.
        quantities: float32, shape (n, channels, 6), as ``QUANTITIES``.
        samples: in each waveform.
        low: the lowest finite value of each channel; NaN without any.
        high: the highest.
        missing: values that are NaN, shape (2, channels).
        infinite: values that are infinite, likewise.
    """

    signal: Mask
    labelled: Mask
    empty: Mask
    complete: Mask
    clipped: Mask
    cut: Mask
    dark: Mask
    down: Mask
    at_top: NDArray[np.int32]
    quantities: FloatArray
    samples: int
    low: Floats
    high: Floats
    missing: Counts
    infinite: Counts

    @property
    def counts(self) -> Counts:
        """The waveforms of background and of signal."""
        return self.by_class(self.labelled)

    def by_class(self, marks: Mask) -> Counts:
        """How many waveforms of background and of signal are marked."""
        return np.bincount(self.signal[marks & self.labelled], minlength=2)

    def quantity(self, name: str, channel: int) -> FloatArray:
        """One of ``QUANTITIES`` in one channel, shape (n,)."""
        return np.asarray(self.quantities[:, channel, QUANTITIES.index(name)])


def survey_waveforms(events: Events) -> WaveformSurvey:
    """Walk through all waveforms once, on all cores, in memory that does not grow but for a few bytes for each.

    Args:
        events: waveforms.
    """
    n, samples, channels = events.features.shape
    signal, labelled, empty, complete = (spill.empty(n, np.bool_) for _ in range(4))
    clipped, cut, dark, down = (spill.empty((n, channels), np.bool_) for _ in range(4))
    at_top = spill.empty((n, channels), np.int32)
    quantities: FloatArray = spill.empty((n, channels, len(QUANTITIES)), np.float32)
    low, high = np.full(channels, np.nan), np.full(channels, np.nan)
    missing, infinite, lock = np.zeros((2, channels), np.int64), np.zeros((2, channels), np.int64), Lock()

    def count(rows: slice) -> None:
        values, at = np.asarray(events.features[rows]), sides(events, rows)
        signal[rows], labelled[rows] = at[1], at.any(axis=0)
        whole, flat = np.ones(len(values), np.bool_), np.ones(len(values), np.bool_)
        for k in range(channels):
            block = _Channel.of(np.ascontiguousarray(values[..., k]))
            clipped[rows, k], cut[rows, k], dark[rows, k] = block.clipped, block.cut, block.dark
            down[rows, k], at_top[rows, k], quantities[rows, k] = block.down, block.at_top, block.quantities
            whole &= block.complete
            flat &= block.flat
            with lock:
                low[k], high[k] = np.fmin(low[k], block.low), np.fmax(high[k], block.high)
                if not block.complete.all():
                    missing[:, k] += at.astype(np.int64) @ np.isnan(values[..., k]).sum(axis=1)
                    infinite[:, k] += at.astype(np.int64) @ np.isinf(values[..., k]).sum(axis=1)
        complete[rows], empty[rows] = whole, flat & whole

    spill.on_all_cores(count, spill.blocks(events.features))
    return WaveformSurvey(
        signal=signal,
        labelled=labelled,
        empty=empty,
        complete=complete,
        clipped=clipped,
        cut=cut,
        dark=dark,
        down=down,
        at_top=at_top,
        quantities=quantities,
        samples=samples,
        low=low,
        high=high,
        missing=missing,
        infinite=infinite,
    )


def empty_waveforms(events: Events) -> Mask:
    """Marks the waveforms that never change, shape (n,); of tables and images none is."""
    empty: Mask = spill.empty(len(events), np.bool_)
    empty[:] = False
    if are_waveforms(events):
        for rows in spill.blocks(events.features):
            values = np.asarray(events.features[rows])
            empty[rows] = _flat(values.max(axis=1), values.min(axis=1), values.shape[1]).all(axis=1)
    return empty


def _flat(top: FloatArray, bottom: FloatArray, samples: int) -> Mask:
    """A single sample can't change: there 0 stands for nothing."""
    return np.asarray(top == bottom if samples > 1 else top == 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Channel:
    """One channel of some waveforms; arrays have shape (m,), ``quantities`` (m, 6)."""

    complete: Mask
    flat: Mask
    clipped: Mask
    cut: Mask
    dark: Mask
    down: Mask
    at_top: Counts
    quantities: FloatArray
    low: float
    high: float

    @classmethod
    def of(cls, values: FloatArray) -> _Channel:
        top, bottom = values.max(axis=1), values.min(axis=1)
        complete = np.isfinite(top) & np.isfinite(bottom)
        if not complete.all():
            known = np.where(np.isfinite(values), values, np.nan)
            low, high = (float(reduce(known, axis=None, initial=np.nan)) for reduce in (np.fmin.reduce, np.fmax.reduce))
            values = np.where(complete[:, np.newaxis], values, np.float32(0))
            top, bottom = values.max(axis=1), values.min(axis=1)
        else:
            low, high = float(bottom.min(initial=np.inf)), float(top.max(initial=-np.inf))
        calm = quiet(values)
        level = np.nan_to_num(calm.level)
        # Comparisons with an unknown noise are false: nothing is said of waveforms of a few samples.
        error = calm.noise / np.sqrt(np.float32(calm.length))
        down = level - bottom > np.maximum(top - level, _CERTAIN * calm.noise)
        # Among millions of samples of noise a single one lies as low by chance.
        down &= level - calm.means.min(axis=1) > _CERTAIN * error
        if (turned := down & complete).any():
            # A pulse that goes down saturates below.
            upright = np.where(turned[:, np.newaxis], -values, values)
            at_top, clipped = _clipped(upright, np.where(turned, -level, level))
        else:
            at_top, clipped = _clipped(values, level)
        flat = _flat(top, bottom, values.shape[1]) & complete
        light = (*_light(values, level), calm.level, calm.noise, *_along_time(values, level, calm))
        quantities = np.column_stack(light).astype(np.float32)
        quantities[~complete] = np.nan
        rise = (calm.means - level[:, np.newaxis]) * np.where(down, -1, 1)[:, np.newaxis]
        highest = rise.max(axis=1)
        edge = np.maximum(rise[:, 0], rise[:, -1])
        return cls(
            complete=complete,
            flat=flat,
            clipped=clipped & complete & ~flat,
            cut=(edge > _AT_EDGE * highest) & (edge > _CERTAIN * error) & complete & ~flat,
            dark=(highest <= _CERTAIN * error) & complete & ~flat,
            down=turned,
            at_top=at_top,
            quantities=quantities,
            low=low,
            high=high,
        )


def _light(values: FloatArray, level: FloatArray) -> tuple[Floats, FloatArray]:
    """The sum of all samples above the baseline, and the highest sample."""
    samples = values.shape[1]
    return values.sum(axis=1, dtype=np.float64) - samples * level.astype(np.float64), values.max(axis=1)


def _along_time(values: FloatArray, level: FloatArray, calm: Quiet) -> tuple[Floats, Floats]:
    """The centre of gravity of the light above the baseline, and its standard deviation, in µs; NaN without light.

    Segments that do not rise above the noise are left out: far from a pulse, noise has a long lever.
    """
    count = calm.means.shape[1]
    t = times(count * calm.length)
    middle = t.mean()
    t -= middle
    powers = np.stack([np.ones_like(t), t, t**2], axis=1).astype(np.float32).reshape(count, calm.length, 3)
    error = np.nan_to_num(calm.noise) / np.sqrt(np.float32(calm.length))
    lit = np.abs(calm.means - level[:, np.newaxis]) > _ABOVE * error[:, np.newaxis]
    # Around the baseline, for else a large one leaves little of the sums in float32.
    light = (values[:, : len(t)] - level[:, np.newaxis]).reshape(len(values), count, calm.length)
    light *= lit[..., np.newaxis]
    zeroth, first, second = (light.reshape(len(values), -1) @ powers.reshape(-1, 3)).astype(np.float64).T
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.where(zeroth > 0, first / zeroth, np.nan)
        square = np.where(zeroth > 0, second / zeroth, np.nan) - centre**2
    return centre + middle, np.sqrt(np.where(square >= 0, square, np.nan))


def _clipped(values: FloatArray, level: FloatArray) -> tuple[Counts, Mask]:
    """How many samples have the highest value, and whether that is the end of a scale.

    It is where more samples stand at the top than closely below it: three of a signal whose values else never repeat;
    of whole numbers, which repeat by themselves, eight and twice as many, or ten in a row.
    """
    top = values.max(axis=1)
    at_top = np.count_nonzero(values == top[:, np.newaxis], axis=1)
    clipped = np.zeros(len(values), np.bool_)
    suspects = np.flatnonzero((at_top >= _AT_TOP) & (top > level))
    if len(suspects) == 0:
        return at_top, clipped
    x, most, height, many = values[suspects], top[suspects, np.newaxis], (top - level)[suspects], at_top[suspects]
    there = x == most
    step = most[:, 0] - np.where(there, -np.inf, x).max(axis=1)
    band = np.clip(2.5 * step, _BAND[0] * height, _BAND[1] * height)
    near = np.count_nonzero(~there & (x >= most - band[:, np.newaxis]), axis=1)
    pairs = np.count_nonzero(there[:, 1:] & there[:, :-1], axis=1)
    in_a_row = (pairs >= _RUN - 1) & (pairs >= _MOSTLY * many)
    fine = (many >= _MANY_AT_TOP) & (many > 2 * near) & (height >= _LEVELS * step)
    more = many > near
    unique = ~_repeats(x[more], (most[:, 0] - _SOME * height)[more])
    clipped[suspects[more]] = in_a_row[more] | fine[more] | unique
    return at_top, clipped


def _repeats(values: FloatArray, above: FloatArray) -> Mask:
    """Whether values repeat between a level and the highest one, as whole numbers do; also where there are too few."""
    ordered = np.sort(values, axis=1)
    inside = (ordered[:, :-1] > above[:, np.newaxis]) & (ordered[:, :-1] < ordered[:, -1:])
    again = inside & (ordered[:, 1:] == ordered[:, :-1])
    number = np.count_nonzero(inside, axis=1)
    return np.asarray((number < _FEW) | (np.count_nonzero(again, axis=1) > _REPEATED * number))
