"""The exact median of values that come in blocks, however many they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import FloatArray

_HALF = 16  # bits that are counted at a time
_BINS = 1 << _HALF
_SIGN = np.uint32(1 << 31)


def median(blocks: Callable[[], Iterable[FloatArray]]) -> float:
    """The median of the finite values among all blocks, which are walked through twice; 0 where there is none.

    >>> median(lambda: [np.array([3, 1], np.float32), np.array([np.nan, 10, 2], np.float32)])
    2.5
    """
    upper = sum((_counts(_keys(block) >> _HALF) for block in blocks()), np.zeros(_BINS, np.int64))
    count = int(upper.sum())
    if not count:
        return 0.0
    places = ((count - 1) // 2, count // 2)
    ends = np.cumsum(upper)
    found = [int(np.searchsorted(ends, place, side="right")) for place in places]
    lower = {half: np.zeros(_BINS, np.int64) for half in found}
    for block in blocks():
        keys = _keys(block)
        for half, counts in lower.items():
            counts += _counts(keys[keys >> _HALF == half] & (_BINS - 1))
    middle = [
        _value(half, int(np.searchsorted(np.cumsum(lower[half]), place - ends[half] + upper[half], side="right")))
        for half, place in zip(found, places, strict=True)
    ]
    return (middle[0] + middle[1]) / 2


def _keys(values: FloatArray) -> NDArray[np.uint32]:
    """Whole numbers in the order of the finite values: the bits of a float32 are almost that already."""
    finite = np.ascontiguousarray(values[np.isfinite(values)], np.float32)
    bits = finite.view(np.uint32)
    return np.asarray(np.where(bits & _SIGN, ~bits, bits | _SIGN))


def _counts(numbers: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.bincount(numbers, minlength=_BINS)


def _value(upper: int, lower: int) -> float:
    key = np.uint32(upper << _HALF | lower)
    bits = np.array([key & ~_SIGN if key & _SIGN else ~key], np.uint32)
    return float(bits.view(np.float32)[0]) + 0.0
