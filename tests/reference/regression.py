"""Slow, obvious definitions of a regression's figures: loops over events."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

Numbers = Sequence[float]


def mean(values: Numbers, weight: Numbers) -> float:
    """The weighted mean."""
    return sum(w * x for x, w in zip(values, weight, strict=True)) / sum(weight)


def mae(residual: Numbers, weight: Numbers) -> float:
    """The weighted mean of the moduli."""
    return mean([abs(r) for r in residual], weight)


def rmse(residual: Numbers, weight: Numbers) -> float:
    """The root of the weighted mean of the squares."""
    return sqrt(mean([r * r for r in residual], weight))


def quantile(values: Numbers, weight: Numbers, share: float) -> float:
    """The first of the rising values up to which this share of all weight lies."""
    total, passed = sum(weight), 0.0
    for x, w in sorted(zip(values, weight, strict=True)):
        passed += w
        if passed >= share * total - 1e-12 * abs(total):
            return x
    raise ValueError("no value reaches the share")


def resolution(residual: Numbers, weight: Numbers) -> float:
    """Half the distance between the 16 % and the 84 % quantile."""
    return (quantile(residual, weight, 0.84) - quantile(residual, weight, 0.16)) / 2


def tolerance_accuracy(target: Numbers, prediction: Numbers, weight: Numbers, tolerance: float) -> float:
    """The weighted share of events whose prediction rounds to the same multiple of the tolerance as the truth."""
    # Python, too, rounds halves to even.
    same = [round(y / tolerance) == round(p / tolerance) for y, p in zip(target, prediction, strict=True)]
    return mean([float(one) for one in same], weight)


def pull_mean_and_width(residual: Numbers, width: Numbers, weight: Numbers) -> tuple[float, float]:
    """Weighted mean and standard deviation of residual over width."""
    pull = [r / s for r, s in zip(residual, width, strict=True)]
    centre = mean(pull, weight)
    return centre, sqrt(mean([(p - centre) ** 2 for p in pull], weight))


def conformal_half_width(moduli: Numbers, nominal: float) -> float | None:
    """The ⌈nominal (n + 1)⌉-th smallest modulus, of equal weights; None where there are not so many."""
    for k, modulus in enumerate(sorted(moduli), start=1):
        if k >= nominal * (len(moduli) + 1) - 1e-9:
            return modulus
    return None


def balanced_threshold(others: Numbers, own: Numbers) -> float:
    """The highest of the predictions behind which the shares kept of both samples differ most, own less others."""
    best, reached = 0.0, float("-inf")
    for cut in sorted({*others, *own}, reverse=True):
        gain = sum(p >= cut for p in own) / len(own) - sum(p >= cut for p in others) / len(others)
        if gain > reached + 1e-12:
            best, reached = cut, gain
    return best
