"""Weighted means of many numbers and of few that decide, with intervals that hold for skewed ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from hepsieve.evaluate.ranked import Floats

TAIL = 0.975


def mean_interval(strata: Sequence[tuple[Floats, Floats]]) -> tuple[float, float] | None:
    """The 95 % interval of a weighted mean by Hall's transformation of Student's t, which takes its skewness off.

    Hall, J. R. Statist. Soc. B 54 (1992) 221: with T = (mean − truth)/error and the skewness γ of the mean,
    T + γT²/3 + γ²T³/27 + γ/6 is distributed nearly symmetrically. Its quantiles are taken from Student's distribution,
    whose degrees of freedom (``freedom``) tell how well the error itself is known. Percentiles of a bootstrap lie too
    low where few events decide: they hold the log loss of 200 events at an AUC of 0.99 too seldom by half.

    Args:
        strata: weights and values, shape (n,) each, of events of each kind whose number is fixed; the mean is over all.

    Returns:
        None where no error can be told: a kind with a single event, no positive total weight, or nothing that varies.
    """
    total = sum(float(weight.sum()) for weight, _ in strata)
    if not total > 0 or min(len(weight) for weight, _ in strata) < 2:
        return None
    mean = sum(float(np.einsum("i,i->", weight, values)) for weight, values in strata) / total
    parts = [centred(weight * (values - mean)) / total for weight, values in strata]
    variance = sum(float(np.einsum("i,i->", part, part)) for part in parts)
    error = float(np.sqrt(variance))
    if error <= 1e-12 * abs(mean):
        return None
    skewness = sum(float(np.einsum("i,i,i->", part, part, part)) for part in parts) / error**3
    quantile = float(stdtrit(freedom(np.concatenate(parts) ** 2), TAIL))
    high, low = (_turned_back(sign * quantile, skewness) for sign in (-1, 1))
    return mean - low * error, mean - high * error


def centred(contributions: Floats) -> Floats:
    """What each event of one kind adds to the error of a sum, the variance being that of a sample (n − 1)."""
    n = len(contributions)
    deviations: Floats = (contributions - contributions.mean()) * np.sqrt(n / (n - 1))
    return deviations


def freedom(contributions: Floats) -> float:
    """Degrees of freedom of a variance that is the sum of these contributions, at least 1.

    Satterthwaite's, Biometrics Bulletin 2 (1946) 110: two over the variance's own relative variance, which
    Σv²/(Σv)² − 1/n estimates. For n normal numbers that is n; where two of them make up all of it, about 4.
    """
    total = float(contributions.sum())
    own = float(np.einsum("i,i->", contributions, contributions)) / total**2 - 1 / len(contributions)
    return max(2 / own, 1.0) if own > 0 else np.inf


def _turned_back(t: float, skewness: float) -> float:
    """The T that Hall's transformation takes to this t."""
    if abs(skewness) < 1e-6:
        return t
    return 3 / skewness * (float(np.cbrt(1 + skewness * (t - skewness / 6))) - 1)
