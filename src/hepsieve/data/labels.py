"""Numbers in files turned into classes and groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import FloatArray, IntArray

LabelValues = tuple[tuple[float, ...], tuple[float, ...]]


def as_classes(values: NDArray[Any], allowed: LabelValues) -> FloatArray:
    """0 where a value may stand for background, 1 where for signal, NaN elsewhere."""
    target = np.full(len(values), np.nan, np.float32)
    for number, side in enumerate(allowed):
        for value in side:
            target[values == value] = number
    return target


def wrong_labels(values: NDArray[Any], target: FloatArray) -> IntArray:
    """Where a label is no class; a missing one stays for the audit to decide about."""
    return np.flatnonzero(np.isnan(target) & ~np.isnan(values))


def neither(value: float, allowed: LabelValues) -> str:
    """What is wrong with a label.

    >>> neither(2.0, ((0.0,), (1.0, 3.0)))
    'label 2 is neither 0 (background) nor 1 or 3 (signal)'
    """
    background, signal = (" or ".join(f"{value:g}" for value in side) for side in allowed)
    return f"label {value:g} is neither {background} (background) nor {signal} (signal)"


def group_numbers(values: NDArray[Any]) -> IntArray:
    """Group numbers that depend on nothing but the value, so that equal values in any files are one group.

    Whole numbers stand for themselves. Any other floating-point number is represented by its bits, which as an
    integer lie beyond 2^53, where no whole number of the first kind is.

    Args:
        values: integers of any type, or finite floating-point numbers.
    """
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    numbers = values.astype(np.float64)
    whole = (numbers == np.trunc(numbers)) & (np.abs(numbers) < 2**53)
    return np.where(whole, np.where(whole, numbers, 0).astype(np.int64), numbers.view(np.int64))
