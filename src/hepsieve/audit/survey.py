"""Images in one walk to what is counted in them: hits of each pixel, hottest crystals, empty images, odd values."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.audit.sides import Counts, Mask, sides
from hepsieve.events import Events, FloatArray
from hepsieve.shower_shapes import ENERGY, TIME, are_images

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """What is counted in images. Of arrays with a 2 in front, the first half is background and the second signal.

    Attributes:
        signal: shape (n,); of events of neither class false, as ``labelled``.
        labelled: shape (n,).
        empty: shape (n,), the images without any energy: zero in every pixel.
        hottest: shape (n,), the pixel with most energy, numbered row by row; of images that are not ``lit`` 0.
        lit: shape (n,), the images with a pixel of positive energy.
        complete: shape (n,), the images whose values are all finite.
        shape: rows and columns.
        hits: shape (2, rows, columns): images in which the pixel has energy.
        low: the lowest finite value of each channel; NaN without any.
        high: the highest.
        missing: values that are NaN, shape (2, channels).
        infinite: values that are infinite, likewise.
        negative: the images with a negative energy, shape (2,), and how many such pixels there are.
        timeless: the images with a time where no energy is, shape (2,), and how many such pixels there are.
        energy: the number of the channel that is the energy. Without one, energy stands for any value that is not
            zero, and ``negative`` and ``timeless`` say nothing.
    """

    signal: Mask
    labelled: Mask
    empty: Mask
    hottest: NDArray[np.int32]
    lit: Mask
    complete: Mask
    shape: tuple[int, int]
    hits: Counts
    low: Floats
    high: Floats
    missing: Counts
    infinite: Counts
    negative: tuple[Counts, int]
    timeless: tuple[Counts, int]
    energy: int | None

    @property
    def counts(self) -> Counts:
        """The images of background and of signal."""
        return self.by_class(self.labelled)

    @property
    def usual(self) -> int | None:
        """The pixel that is the hottest one most often, numbered as in ``hottest``; None without energy."""
        places = self.hottest[self.lit & self.labelled]
        return int(np.bincount(places).argmax()) if self.energy is not None and len(places) else None

    def by_class(self, marks: Mask) -> Counts:
        """How many images of background and of signal are marked."""
        return np.bincount(self.signal[marks & self.labelled], minlength=2)


def survey(events: Events) -> Survey:
    """Walk through all images once, on all cores, in memory that does not grow with their number but for a few bytes.

    Args:
        events: images.
    """
    n, height, width, channels = events.features.shape
    signal, labelled, empty, lit, complete = (spill.empty(n, np.bool_) for _ in range(5))
    hottest: NDArray[np.int32] = spill.empty(n, np.int32)
    sums, lock = _Sums.empty(height * width, channels), Lock()

    def count(rows: slice) -> None:
        at = sides(events, rows)
        signal[rows], labelled[rows] = at[1], at.any(axis=0)
        block = _Block.of(np.asarray(events.features[rows]), events.names)
        empty[rows], lit[rows], hottest[rows] = block.empty, block.lit, block.hottest
        complete[rows] = block.bad is None or ~block.bad.any(axis=(1, 2))
        with lock:
            sums.add(block, at)

    spill.on_all_cores(count, spill.blocks(events.features))
    return Survey(
        signal=signal,
        labelled=labelled,
        empty=empty,
        hottest=hottest,
        lit=lit,
        complete=complete,
        shape=(height, width),
        hits=sums.hits.reshape(2, height, width),
        low=sums.low,
        high=sums.high,
        missing=sums.missing,
        infinite=sums.infinite,
        negative=(sums.negative, sums.negative_pixels),
        timeless=(sums.timeless, sums.timeless_pixels),
        energy=events.names.index(ENERGY) if ENERGY in events.names else None,
    )


def empty_images(events: Events) -> Mask:
    """Marks the images without any energy, shape (n,); of tables and waveforms none is."""
    empty: Mask = spill.empty(len(events), np.bool_)
    empty[:] = False
    if are_images(events):
        for rows in spill.blocks(events.features):
            empty[rows] = ~_energy(np.asarray(events.features[rows]), events.names).any(axis=(1, 2))
    return empty


def _energy(block: FloatArray, names: tuple[str, ...]) -> FloatArray:
    """The energy channel; without one, how far from zero each pixel is in any channel."""
    if ENERGY in names:
        return np.ascontiguousarray(block[..., names.index(ENERGY)])
    return np.asarray(np.abs(block).max(axis=3))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    """Some images, pixel by pixel: shape (rows, height · width), or (rows,).

    Attributes:
        missing: NaN, shape (rows, height · width, channels); None where there is none, as of ``bad``.
        bad: NaN or infinity, likewise.
        low: shape (channels,); NaN where no value is finite.
    """

    hit: Mask
    empty: Mask
    lit: Mask
    hottest: NDArray[np.int64]
    negative: Mask | None
    timeless: Mask | None
    missing: Mask | None
    bad: Mask | None
    low: Floats
    high: Floats

    @classmethod
    def of(cls, values: FloatArray, names: tuple[str, ...]) -> _Block:
        # Channel by channel: a reduction over all axes but the last is twenty times slower.
        channels = [np.ascontiguousarray(values[..., k]) for k in range(len(names))]
        low, high = np.array([(one.min(), one.max()) for one in channels]).T
        missing = bad = None
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            flat = values.reshape(len(values), -1, len(names))
            missing, bad = np.isnan(flat), ~np.isfinite(flat)
            known = np.where(bad, np.nan, flat).reshape(-1, len(names))
            low, high = np.fmin.reduce(known, axis=0), np.fmax.reduce(known, axis=0)
        raw = _energy(values, names).reshape(len(values), -1)
        energy = raw if bad is None else np.nan_to_num(raw, nan=0, posinf=0, neginf=0)
        place = energy.argmax(axis=1)
        return cls(
            hit=energy > 0,
            empty=np.asarray(~raw.any(axis=1)),  # NaN is something
            lit=energy[np.arange(len(energy)), place] > 0,
            hottest=place,
            negative=_some(energy < 0),
            timeless=_some(_timeless(values, names)),
            missing=missing,
            bad=bad,
            low=low.astype(np.float64),
            high=high.astype(np.float64),
        )


def _timeless(values: FloatArray, names: tuple[str, ...]) -> Mask:
    """Pixels with a time and without energy."""
    if not {ENERGY, TIME} <= set(names):
        return np.zeros((len(values), 1), np.bool_)
    energy, time = (values[..., names.index(name)] for name in (ENERGY, TIME))
    return np.asarray((energy == 0) & (time != 0) & np.isfinite(time)).reshape(len(values), -1)


def _some(marks: Mask) -> Mask | None:
    return marks if marks.any() else None


@dataclass(kw_only=True, eq=False)
class _Sums:
    hits: Counts
    low: Floats
    high: Floats
    missing: Counts
    infinite: Counts
    negative: Counts
    timeless: Counts
    negative_pixels: int = 0
    timeless_pixels: int = 0

    @classmethod
    def empty(cls, pixels: int, channels: int) -> _Sums:
        def none(*shape: int) -> Counts:
            return np.zeros((2, *shape), np.int64)

        unknown = np.full(channels, np.nan)
        return cls(
            hits=none(pixels),
            low=unknown,
            high=unknown,
            missing=none(channels),
            infinite=none(channels),
            negative=none(),
            timeless=none(),
        )

    def add(self, block: _Block, sides: Mask) -> None:
        # A product of matrices counts faster than a sum of booleans; float32 is exact up to 16 million.
        self.hits += (sides.astype(np.float32) @ block.hit.astype(np.float32)).astype(np.int64)
        self.low, self.high = np.fmin(self.low, block.low), np.fmax(self.high, block.high)
        whole = sides.astype(np.int64)
        if block.missing is not None and block.bad is not None:
            missing = whole @ block.missing.sum(axis=1)
            self.missing += missing
            self.infinite += whole @ block.bad.sum(axis=1) - missing
        if block.negative is not None:
            self.negative += whole @ block.negative.any(axis=1)
            self.negative_pixels += int(block.negative.sum())
        if block.timeless is not None:
            self.timeless += whole @ block.timeless.any(axis=1)
            self.timeless_pixels += int(block.timeless.sum())
