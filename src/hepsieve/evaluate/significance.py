"""The expected significance of a counting analysis behind a cut on the score."""

from __future__ import annotations

import numpy as np

from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Floats, Ranked, cumulative
from hepsieve.evaluate.roc import roc_vertices

# A cut that leaves fewer validation events of background knows its own background too badly to be chosen.
LEAST_BACKGROUND = 10


def asimov(signal: Floats, background: Floats) -> Floats:
    """Median discovery significance for expected events s and b, eq. (97) of arXiv:1007.1727 (b known exactly).

    √(2((s + b) ln(1 + s/b) − s)); 0 without signal and infinite without background.

    >>> asimov(np.array([10.0, 0.0]), np.array([100.0, 5.0])).round(4).tolist()
    [0.984, 0.0]
    """
    s, b = np.broadcast_arrays(np.maximum(signal, 0.0), np.maximum(background, 0.0))
    ratio = np.divide(s, b, out=np.full(s.shape, np.inf), where=b > 0)
    known = (b > 0) & (s > 0)
    z = np.where(s > 0, np.inf, 0.0)
    # The difference of two nearly equal terms for s ≪ b: its series is s²/b (1 − s/(3b) + …).
    exact = np.zeros(s.shape)
    exact[known] = 2 * ((s[known] + b[known]) * np.log1p(ratio[known]) - s[known])
    series = s * np.where(known, ratio, 0.0) * (1 - np.where(known, ratio, 0.0) / 3)
    squared = np.where(ratio < 1e-5, series, exact)
    z[known] = np.sqrt(np.maximum(squared[known], 0.0))
    return z


def best_threshold(validation: Ranked, *, signal_yield: float, background_yield: float) -> float:
    """The cut with the largest Asimov significance on validation that leaves at least ten background events there.

    Args:
        validation: the ranked validation events.
        signal_yield: expected signal events before the cut.
        background_yield: expected background events before the cut.

    Raises:
        DataError: if a class has no weight.
    """
    background, signal, thresholds = roc_vertices(validation)
    z = asimov(signal_yield * signal, background_yield * background)
    passing = len(validation.background) - np.searchsorted(validation.background.score[::-1], thresholds)
    allowed = (passing >= min(LEAST_BACKGROUND, len(validation.background))) & np.isfinite(z)
    if not allowed.any():
        raise DataError("no cut on validation keeps background of positive weight; give more validation events")
    return float(thresholds[np.argmax(np.where(allowed, z, -1.0))])


def efficiencies_at(sample: Ranked, threshold: float) -> tuple[float, float]:
    """Weighted background and signal efficiency of ``score >= threshold``; NaN for a class without weight."""
    shares = []
    for side in (sample.background, sample.signal):
        sums = cumulative(side.weight)
        passing = len(side) - int(np.searchsorted(side.score[::-1], threshold, side="left"))
        shares.append(float(sums[passing] / sums[-1]) if sums[-1] > 0 else float("nan"))
    return shares[0], shares[1]
