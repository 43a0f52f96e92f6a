"""Samples of predictions for the tests of evaluate."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

from hepsieve.evaluate.regression_results import Predicted

Floats = NDArray[np.float64]


def measured(
    rng: Generator, n: int, *, noise: float = 0.05, weighted: bool = False, widths: bool = False, bias: float = 0.0
) -> Predicted:
    """n targets spread evenly over [0.3, 0.7], and predictions with normal errors, of which next to none is cut off."""
    target = rng.uniform(0.3, 0.7, size=n)
    width = noise * rng.uniform(0.5, 1.5, size=n) if widths else None
    error = rng.normal(size=n) * (noise if width is None else width) + bias
    weight = rng.uniform(0.2, 1.8, size=n) if weighted else np.ones(n)
    return Predicted(target=target, prediction=np.clip(target + error, 0, 1), weight=weight, width=width)


@st.composite
def predictions(draw: st.DrawFn, *, negative: bool = False) -> Predicted:
    """Targets and predictions on a grid of 1/16, so that many residuals are equal; the weights sum to more than 0."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 16), st.integers(0, 16), st.integers(-3 if negative else 0, 8)),
            min_size=1,
            max_size=40,
        )
    )
    rows.append((draw(st.integers(0, 16)), draw(st.integers(0, 16)), 130))
    target, prediction, weight = np.array(draw(st.permutations(rows)), dtype=np.float64).T
    return Predicted(target=target / 16, prediction=prediction / 16, weight=weight)


def repeated(predicted: Predicted) -> Predicted:
    """Every event as often as its weight, a whole number, says."""
    times = predicted.weight.astype(int)
    return Predicted(
        target=np.repeat(predicted.target, times),
        prediction=np.repeat(predicted.prediction, times),
        weight=np.ones(int(times.sum())),
        width=None if predicted.width is None else np.repeat(predicted.width, times),
    )
