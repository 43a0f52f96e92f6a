"""The expected significance of a counting analysis behind a cut on the score."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hepsieve.evaluate.ranked import Floats, Ranked, cumulative

# Of the Higgs boson machine learning challenge, whose score this is.
AMS_REGULARISATION = 10.0
# Fewer expected events than this are none: dividing by them would overflow.
_NONE = 1e-200


def asimov(signal: ArrayLike, background: ArrayLike, uncertainty: ArrayLike = 0.0) -> Floats:
    """Median discovery significance for expected events s and b, eq. (97) of arXiv:1007.1727.

    √(2((s + b) ln(1 + s/b) − s)) for a background that is known exactly; 0 without signal, infinite without background.

    With an uncertainty σ of the background it is that of an auxiliary measurement with Poisson mean τb, τ = b/σ²
    (G. Cowan, "Discovery sensitivity for a counting experiment with background uncertainty", 2012):
    √(2((s + b) ln[(s + b)(b + σ²) / (b² + (s + b)σ²)] − b²/σ² ln[1 + σ²s / (b(b + σ²))])). It tends to s/√(b + σ²) for
    s ≪ b, and to 0 where σ stays while b vanishes.

    Args:
        signal: expected signal events; below 0 counts as 0.
        background: expected background events; below 0 counts as 0.
        uncertainty: standard deviation of the background, in events.

    >>> asimov(np.array([10.0, 0.0]), np.array([100.0, 5.0])).round(4).tolist()
    [0.984, 0.0]
    >>> round(float(asimov(10.0, 100.0, 10.0)), 4)  # s/√(b + σ²) is 0.7071
    0.6902
    """
    s, b, sigma = np.broadcast_arrays(
        np.maximum(np.asarray(signal, dtype=np.float64), 0.0),
        np.maximum(np.asarray(background, dtype=np.float64), 0.0),
        np.asarray(uncertainty, dtype=np.float64),
    )
    z = np.where((s > 0) & (sigma == 0), np.inf, 0.0)
    z[np.isnan(s) | np.isnan(b)] = np.nan
    known = (s > 0) & (b > _NONE)
    z[known] = np.sqrt(np.maximum(2 * _log_ratio(s[known], b[known], np.square(sigma[known])), 0.0))
    return z


def _log_ratio(s: Floats, b: Floats, variance: Floats) -> Floats:
    """The logarithm of the likelihood ratio, for positive s and b; no step divides by the variance."""
    spread = b + variance
    # The two logarithms are of 1 + x and of 1 + y.
    x = s / (spread + s * (variance / b))
    y = (variance / b) * (s / spread)
    far = (s + b) * np.log1p(x) - s * (b / spread) * (1 - _curved(y))
    # For s ≪ b both terms are nearly s; what they share is taken out by hand.
    near = s * (b / spread) * (_curved(y) + x) - (s + b) * x * _curved(x)
    return np.where(s < b, near, far)


def _curved(x: Floats) -> Floats:
    """1 − ln(1 + x)/x, by its series x/2 − x²/3 + … near 0."""
    small = x < 0.01
    near, far = np.where(small, x, 0.0), np.where(small, 1.0, x)
    series = np.zeros_like(x)
    for k in range(9, 1, -1):
        series = near * (1 / k - series)
    return np.where(small, series, 1 - np.log1p(far) / far)


def ams(signal: ArrayLike, background: ArrayLike, regularisation: float = AMS_REGULARISATION) -> Floats:
    """Approximate median significance √(2((s + b + b_r) ln(1 + s/(b + b_r)) − s)) with b_r events added.

    The score of the Higgs boson machine learning challenge (C. Adam-Bourdarios et al., 2014); b_r keeps cuts with
    hardly any background from winning.

    >>> round(float(ams(10.0, 90.0)), 4)
    0.984
    """
    return asimov(signal, np.maximum(np.asarray(background, dtype=np.float64), 0.0) + regularisation)


def in_quadrature(significances: Floats) -> Floats:
    """The significance of independent bins together, over the last axis; exact for Asimov data without nuisances."""
    total: Floats = np.sqrt(np.sum(np.square(significances), axis=-1))
    return total


def efficiencies_at(sample: Ranked, threshold: float) -> tuple[float, float]:
    """Weighted background and signal efficiency of ``score >= threshold``; NaN for a class without weight."""
    shares = []
    for side in (sample.background, sample.signal):
        sums = cumulative(side.weight)
        passing = len(side) - int(np.searchsorted(side.score[::-1], threshold, side="left"))
        shares.append(float(sums[passing] / sums[-1]) if sums[-1] > 0 else float("nan"))
    return shares[0], shares[1]
