"""The values of one feature, block by block, to counts in fine bins, from which quantiles and histograms follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Up to so many distinct values are counted one by one.
FEW = 100
_MANTISSA = 23
_MOST_BITS, _LEAST_BITS = 16, 9
_MOST_BINS = 1 << 17
_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """Counts of both classes in bins that rise and don't overlap; none is empty.

    Attributes:
        low: shape (k,), the lower ends.
        high: shape (k,), the upper ends; equal to the lower ones where a bin is a single value.
        counts: shape (2, k), events of background and of signal.
    """

    low: Floats
    high: Floats
    counts: Counts

    def quantiles(self, shares: tuple[float, ...], side: int | None = None) -> tuple[float, ...]:
        """Quantiles as numpy defines them, with the values of a bin spread evenly over it.

        Args:
            shares: each from 0 to 1.
            side: 0 for background, 1 for signal, None for both together.

        Returns:
            As many values; none at all where there are no events.
        """
        counts = self.counts.sum(axis=0) if side is None else self.counts[side]
        behind = np.cumsum(counts)
        if len(behind) == 0 or behind[-1] == 0:
            return ()
        position = np.asarray(shares) * (behind[-1] - 1)
        first = np.floor(position).astype(np.int64)
        lower, upper = (self._ranked(rank, counts, behind) for rank in (first, np.minimum(first + 1, behind[-1] - 1)))
        return tuple((lower + (upper - lower) * (position - first)).tolist())

    def _ranked(self, rank: Counts, counts: Counts, behind: Counts) -> Floats:
        """The values of these ranks, counted from 0."""
        at = np.searchsorted(behind, rank, side="right")
        within = (rank - (behind[at] - counts[at]) + 0.5) / counts[at]
        value: Floats = self.low[at] + (self.high[at] - self.low[at]) * within
        # The bin that begins at 0 ends at a number that nobody would write instead of 0.
        return np.where(np.abs(value) < _SMALLEST, 0.0, value)

    def histogram(self, edges: Floats) -> Floats:
        """Events of both classes between these edges, shape (2, number of bins).

        A bin of ours that an edge cuts is shared in proportion; a value on the last edge belongs to the last bin.
        """
        single = self.low == self.high
        x = np.stack([self.low[~single], self.high[~single]], axis=1).ravel()
        content = np.empty((2, len(edges) - 1))
        for side, counts in enumerate(self.counts):
            content[side] = np.histogram(self.low[single], edges, weights=counts[single])[0]
            if len(x):
                behind = np.cumsum(counts[~single]).astype(np.float64)
                below = np.stack([behind - counts[~single], behind], axis=1).ravel()
                content[side] += np.diff(np.interp(edges, x, below))
        return content


class Sketch:
    """What is remembered of one feature: each value's count while they are few, counts in fine bins from then on.

    The bins are those of float32 itself: every power of two that occurs, of either sign, is cut into 2^16 equal bins.
    When that makes more than 131,072 bins in all, neighbours are joined, down to 2^9 bins per power of two: a bin is
    then at most 2^-9 (0.2 %) as wide as its values. Features with few powers of two keep finer bins. Which bins there
    are in the end does not depend on the order of the values. At most 2 MiB in all.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._values = np.empty(0, np.float32)
        self._few: Counts = np.zeros((2, 0), np.int64)
        self._fine: _Fine | None = None
        self._lowest, self._highest = np.inf, -np.inf

    @property
    def distinct(self) -> int | None:
        """How many distinct values there are; None for more than a hundred."""
        return len(self._values) if self._fine is None else None

    @property
    def range(self) -> tuple[float, float] | None:
        """The lowest and the highest value; None before the first."""
        return (self._lowest, self._highest) if self._lowest <= self._highest else None

    def add(self, values: NDArray[np.float32], signal: NDArray[np.bool_]) -> None:
        """Count more values.

        Args:
            values: shape (n,), all finite.
            signal: shape (n,), the class of each.
        """
        if len(values) == 0:
            return
        # Zero has two signs, and is one value.
        values = values + np.float32(0)
        self._lowest = min(self._lowest, float(values.min()))
        self._highest = max(self._highest, float(values.max()))
        if self._fine is None and not self._learn(values):
            self._fine = _Fine()
            self._fine.add_counts(self._values, self._few)
        if self._fine is not None:
            self._fine.add(values, signal)
            return
        place = np.searchsorted(self._values, values)
        k = len(self._values)
        self._few += np.bincount(place + k * signal, minlength=2 * k).reshape(2, k)

    def bins(self) -> Bins:
        """All counts; no bin reaches beyond the lowest or the highest value."""
        if self._fine is None:
            values = self._values.astype(np.float64)
            return Bins(low=values, high=values, counts=self._few)
        fine = self._fine.bins()
        low, high = (np.clip(ends, self._lowest, self._highest) for ends in (fine.low, fine.high))
        return Bins(low=low, high=high, counts=fine.counts)

    def _learn(self, values: NDArray[np.float32]) -> bool:
        """Take new values into the list; not if it would become too long."""
        known = self._values
        if len(known):
            values = values[known[np.minimum(np.searchsorted(known, values), len(known) - 1)] != values]
        together = np.union1d(known, values)
        if len(together) > FEW:
            return False
        if len(together) > len(known):
            counts = np.zeros((2, len(together)), np.int64)
            counts[:, np.searchsorted(together, known)] = self._few
            self._values, self._few = together, counts
        return True


class _Fine:
    """Counts in bins that are equal within each power of two ("slot") that occurred."""

    def __init__(self) -> None:
        self._bits = _MOST_BITS
        self._slot_of = np.full(512, -1)
        self._counts = np.zeros((2, 0, 1 << self._bits), np.uint32)

    def add(self, values: NDArray[np.float32], signal: NDArray[np.bool_]) -> None:
        """Count values, shape (n,), of these classes."""
        place = self._locate(values)
        place += signal * (self._counts.size // 2)
        new = np.bincount(place, minlength=self._counts.size).reshape(self._counts.shape)
        np.add(self._counts, new, out=self._counts, casting="unsafe")

    def add_counts(self, values: NDArray[np.float32], counts: Counts) -> None:
        """Count values, shape (n,), that occurred so often in each class, shape (2, n)."""
        place = self._locate(values)
        for side in (0, 1):
            np.add.at(self._counts[side].reshape(-1), place, counts[side].astype(np.uint32))

    def bins(self) -> Bins:
        """The bins that are not empty, rising."""
        powers = np.flatnonzero(self._slot_of >= 0)
        counts = self._counts[:, self._slot_of[powers]].reshape(2, -1)
        width = 1 << (_MANTISSA - self._bits)
        keys = (((powers - 256) << _MANTISSA)[:, None] + width * np.arange(1 << self._bits)).ravel()
        filled = counts.any(axis=0)
        keys = keys[filled]
        return Bins(low=_value(keys), high=_value(keys + width), counts=counts[:, filled].astype(np.int64))

    def _locate(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """The bin of each value, after making room for it."""
        key = _key(values)
        power = (key >> _MANTISSA) + 256
        if (self._slot_of[power] < 0).any():
            self._make_room(np.unique(power[self._slot_of[power] < 0]))
        within = (key & ((1 << _MANTISSA) - 1)) >> (_MANTISSA - self._bits)
        return np.asarray((self._slot_of[power] << self._bits) + within)

    def _make_room(self, powers: NDArray[np.int32]) -> None:
        slots = self._counts.shape[1]
        while self._bits > _LEAST_BITS and (slots + len(powers)) << self._bits > _MOST_BINS:
            self._bits -= 1
            self._counts = self._counts.reshape(2, slots, 1 << self._bits, 2).sum(axis=3, dtype=np.uint32)
        room = np.zeros((2, len(powers), 1 << self._bits), np.uint32)
        self._slot_of[powers] = slots + np.arange(len(powers))
        self._counts = np.concatenate([self._counts, room], axis=1)


def _key(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """The bits of floats as integers of the same order: those of negative numbers fall with the number."""
    bits = values.view(np.int32)
    key: NDArray[np.int32] = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
    return key


def _value(keys: NDArray[np.int64]) -> Floats:
    """The numbers of these keys; the one behind the largest float stays the largest."""
    keys = keys.astype(np.int32)
    bits = keys ^ ((keys >> 31) & np.int32(0x7FFFFFFF))
    return np.clip(bits.view(np.float32).astype(np.float64), -_LARGEST, _LARGEST)
