"""Targets to the step of the grid on which they lie, if they lie on one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_STEPS = 10_000
_DIVISORS = 12
_TOLERANCE = 0.02  # of a step
_ROUNDING = 4 * float(np.finfo(np.float32).eps)
_REPEATED = 0.8


def grid_step(values: NDArray[np.floating]) -> float | None:
    """The largest step of which all values are multiples, counted from 0; None where there is none.

    Values that hardly ever repeat are not on a grid that anybody could see: more than four in five must be distinct.

    Args:
        values: finite targets in [0, 1], shape (n,).

    >>> grid_step(np.array([0, 0.25, 0.75, 0.25, 0.75])), grid_step(np.array([0.1, 0.2234, 0.71, 0.1, 0.1]))
    (0.25, None)
    """
    distinct = np.unique(np.asarray(values, np.float64))
    if len(distinct) < 2 or len(distinct) > min(_MOST_STEPS, _REPEATED * len(values)):
        return None
    gaps = np.diff(distinct)
    least = float(gaps.min())
    for divisor in range(1, _DIVISORS + 1):
        step = _refined(distinct, least / divisor)
        if step * _MOST_STEPS < 1 or _TOLERANCE * step < _ROUNDING:
            return None
        if np.abs(distinct / step - np.rint(distinct / step)).max() < _TOLERANCE:
            return step
    return None


def _refined(values: NDArray[np.float64], step: float) -> float:
    """The step that fits the values best: one gap of two float32 numbers knows it to a few digits only.

    From the smaller values to the larger ones the whole number of steps stays certain.
    """
    for most in (16, 128, 1024, _MOST_STEPS):
        number = np.rint(values / step)
        near = (number > 0) & (number <= most)
        if near.any():
            step = float((values[near] * number[near]).sum() / (number[near] ** 2).sum())
    inverse = round(1 / step)
    # Grids are made by dividing the range: 1/800 rather than 0.0012499998.
    return 1 / inverse if abs(1 / step - inverse) < 1e-4 * inverse else step


def step_words(step: float) -> str:
    """A step as people write it.

    >>> step_words(1 / 800), step_words(0.0371)
    ('1/800', '0.0371')
    """
    inverse = round(1 / step)
    return f"1/{inverse}" if inverse > 1 and abs(1 / step - inverse) < 1e-6 * inverse else f"{step:.4g}"
