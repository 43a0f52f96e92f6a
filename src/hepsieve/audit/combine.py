"""Two features to the quantities in which a label may hide: sums, products, a line that tells the classes apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.separation import Mask

Values = NDArray[np.float64]
_ROUNDING = 1e-15  # of the variance: float32's precision, squared
_EXACT = 2.0**24  # up to here float32 holds every whole number


def combine(names: tuple[str, str], a: Values, b: Values, signal: Mask, learn: Mask) -> Iterator[tuple[str, Values]]:
    """Combinations of two features, each with what to call it, the simplest first.

    Args:
        names: what the two features are called.
        a: finite values, shape (n,).
        b: likewise.
        signal: shape (n,); used where ``learn`` is true only.
        learn: shape (n,).
    """
    yield f"their difference {names[0]} − {names[1]}", a - b
    yield f"their sum {names[0]} + {names[1]}", a + b
    yield f"their product {names[0]} · {names[1]}", a * b
    with np.errstate(divide="ignore", invalid="ignore"):
        yield f"their ratio {names[0]} / {names[1]}", np.nan_to_num(a / b, nan=0, posinf=np.inf, neginf=-np.inf)
    if _whole(a) and _whole(b):
        yield f"whether their sum {names[0]} + {names[1]} is even or odd", np.mod(a + b, 2)
    yield from _lines(names, a, b, signal, learn)


def _whole(values: Values) -> bool:
    return bool((np.abs(values) < _EXACT).all() and (values == np.rint(values)).all())


def _lines(names: tuple[str, str], a: Values, b: Values, signal: Mask, learn: Mask) -> Iterator[tuple[str, Values]]:
    """What remains of b when its regression on a is taken away, and Fisher's linear discriminant.

    The discriminant is fitted to a and that remainder, which are uncorrelated: this stays exact where the label is a
    millionth of b.
    """
    x, y, target = a[learn], b[learn], signal[learn] - signal[learn].mean()
    mean, mean_b = x.mean(), y.mean()
    x, y = x - mean, y - mean_b
    square = float(x @ x)
    if square == 0:
        return
    slope = float(x @ y) / square
    remainder = y - slope * x
    square_left = float(remainder @ remainder)
    if square_left <= _ROUNDING * float(y @ y):
        return
    left = (b - mean_b) - slope * (a - mean)
    yield _line(names, -slope), left
    along, across = float(x @ target) / square, float(remainder @ target) / square_left
    if across:
        yield _line(names, along / across - slope), left + along / across * (a - mean)


def _line(names: tuple[str, str], factor: float) -> str:
    return f"the sum {names[1]} {'+' if factor >= 0 else '−'} {abs(factor):.6g} · {names[0]}"
