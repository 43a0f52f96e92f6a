"""Slow, obvious definitions of what describes a sample: sorting and loops, in exact fractions where that matters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import isfinite, sqrt

Numbers = Sequence[float]


def mean(values: Numbers) -> float:
    """The sum over the number, without rounding before the end."""
    return float(sum(map(Fraction, values)) / len(values))


def deviation(values: Numbers) -> float:
    """The standard deviation with n - 1."""
    middle = sum(map(Fraction, values)) / len(values)
    return sqrt(sum((Fraction(x) - middle) ** 2 for x in values) / (len(values) - 1))


def correlation(first: Numbers, second: Numbers) -> float | None:
    """Pearson's r over the events in which both are finite; None where one of them is constant there."""
    both = [(Fraction(a), Fraction(b)) for a, b in zip(first, second, strict=True) if isfinite(a) and isfinite(b)]
    if not both:
        return None
    a_mean, b_mean = (sum(column) / len(both) for column in zip(*both, strict=True))
    a_square = sum((a - a_mean) ** 2 for a, _ in both)
    b_square = sum((b - b_mean) ** 2 for _, b in both)
    if not a_square or not b_square:
        return None
    product = sum((a - a_mean) * (b - b_mean) for a, b in both)
    return float(product) / sqrt(a_square) / sqrt(b_square)


def quantile(values: Numbers, share: float) -> tuple[float, float, float]:
    """The quantile on a straight line between the two values that it lies between, and these two."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    return low + (position - below) * (high - low), low, high


def histogram(values: Numbers, edges: Numbers) -> list[int]:
    """How many values are in each bin; a value on an edge belongs to the bin that begins there, the last edge's to the
    last bin."""
    return [sum(low <= x < high or (x == high == edges[-1]) for x in values) for low, high in pairwise(edges)]
