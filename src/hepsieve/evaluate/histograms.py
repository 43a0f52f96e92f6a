"""Values turned into weighted counts between edges, and truth against prediction in cells."""

from __future__ import annotations

import numpy as np

from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Against, Histogram, Predicted
from hepsieve.evaluate.residuals import weighted_quantile

SHARES, CELLS, RESIDUALS = 50, 40, 60
# So much of the residuals is to lie between the edges.
SHOWN = 0.99


def histogram(values: Floats, weight: Floats, edges: Floats) -> Histogram:
    """Weighted counts between the edges with their errors √Σw², and what lies beyond; the last bin holds its edge."""
    counts, _ = np.histogram(values, edges, weights=weight)
    squares, _ = np.histogram(values, edges, weights=np.square(weight))
    return Histogram(
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        errors=tuple(np.sqrt(squares).tolist()),
        below=float(weight[values < edges[0]].sum()),
        above=float(weight[values > edges[-1]].sum()),
    )


def share_histogram(values: Floats, weight: Floats, bins: int = SHARES) -> Histogram:
    """The histogram of what lies in [0, 1]: targets or predictions."""
    return histogram(values, weight, np.linspace(0, 1, bins + 1))


def residual_histogram(predicted: Predicted, bins: int = RESIDUALS) -> Histogram:
    """Residuals between limits on either side of 0 that leave out at most one in a hundred."""
    residual = predicted.prediction - predicted.target
    most = 1.1 * weighted_quantile(np.abs(residual), np.abs(predicted.weight), SHOWN)
    limit = most if most > 0 else 1.0
    return histogram(residual, predicted.weight, np.linspace(-limit, limit, bins + 1))


def truth_against_prediction(predicted: Predicted, cells: int = CELLS) -> Against:
    """Weighted counts in cells of equal size over [0, 1]²."""
    edges = np.linspace(0, 1, cells + 1)
    counts, _, _ = np.histogram2d(predicted.target, predicted.prediction, bins=(edges, edges), weights=predicted.weight)
    ends = tuple(edges.tolist())
    return Against(truth_edges=ends, prediction_edges=ends, counts=tuple(tuple(row) for row in counts.tolist()))
