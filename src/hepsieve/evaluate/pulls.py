"""Residuals in units of the widths that a model predicted: do its widths tell the truth?"""

from __future__ import annotations

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap_events, percentile_interval
from hepsieve.evaluate.histograms import histogram
from hepsieve.evaluate.intervals import around
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted, Pulls
from hepsieve.evaluate.results import finite

EDGES = np.linspace(-5, 5, 51)


def pulls(
    predicted: Predicted, *, resamples: int = 1000, seed: int | SeedSequence = 0, threads: int | None = None
) -> Pulls | None:
    """Weighted mean and standard deviation of (prediction − truth)/width with percentile intervals of a bootstrap.

    None where the model predicts no widths. The standard deviation is that of the sample, √(Σ w (pull − mean)²/Σ w).
    """
    if predicted.width is None:
        return None
    pull = (predicted.prediction - predicted.target) / predicted.width
    square = np.square(pull)

    def measure(weight: Floats) -> Floats:
        total = float(weight.sum())
        if not total > 0:
            return np.full(2, np.nan)
        mean, squares = (float(np.einsum("i,i->", weight, term)) / total for term in (pull, square))
        variance = squares - mean**2
        return np.array([mean, np.sqrt(variance) if variance >= 0 else np.nan])

    nominal = measure(predicted.weight)
    replicas = bootstrap_events(predicted.weight, measure, resamples=resamples, seed=seed, threads=threads)
    mean, width = (
        around(finite(nominal[k]), percentile_interval(replicas[:, k]) if len(pull) > 1 else None) for k in range(2)
    )
    return Pulls(mean=mean, width=width, histogram=histogram(pull, predicted.weight, EDGES))
