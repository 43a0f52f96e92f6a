"""The features of the training part: a histogram of each, how well it separates alone, and how they correlate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import DataError
from hepsieve.evaluate.intervals import delong_interval
from hepsieve.evaluate.ranked import Floats, Ranked, Side
from hepsieve.evaluate.results import FeatureHistogram, finite
from hepsieve.evaluate.separation import separation

BINS = 40
# A feature with at most so many distinct values (a b-tag, a multiplicity) gets a bin for each of them.
FEW_VALUES = 12
TAILS = (0.005, 0.995)
ROWS_AT_ONCE = 200_000

Correlations = tuple[tuple[float | None, ...], ...]


def feature_histograms(
    features: NDArray[Any],
    target: NDArray[Any],
    weight: NDArray[Any] | None = None,
    *,
    names: Sequence[str],
    units: Sequence[str],
    seed: int = 0,
) -> tuple[FeatureHistogram, ...]:
    """One histogram for each feature.

    Args:
        features: shape (n, p), of the training part only.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,); 1 for every event if not given.
        names: p names.
        units: p units.
        seed: of the resampling for the separation's interval.

    Raises:
        DataError: if the shapes disagree, or a value is not finite.
    """
    if features.ndim != 2 or not features.shape[1] == len(names) == len(units):
        raise DataError(f"features have shape {features.shape} for {len(names)} names and {len(units)} units")
    return tuple(
        feature_histogram(features[:, k], target, weight, name=names[k], unit=units[k], seed=seed)
        for k in range(len(names))
    )


def feature_histogram(
    values: NDArray[Any],
    target: NDArray[Any],
    weight: NDArray[Any] | None = None,
    *,
    name: str,
    unit: str = "",
    seed: int = 0,
) -> FeatureHistogram:
    """Weighted densities of both classes over common bins, their separation, and the AUC of the feature as a score.

    The 40 bins span what holds 99 % of either class, so that a rare far value does not squeeze the rest; densities are
    per unit of the feature and normalised to all events of the class, also those outside. A feature with at most 12
    distinct values has bins around these, and one of whole numbers at most 40 bins of equally many of them. An AUC
    below 0.5 means that background has the larger values; its interval is DeLong's.

    Raises:
        DataError: naming the feature and the row with a value that is not finite.
    """
    column = np.asarray(values, dtype=np.float64)
    if not np.isfinite(column).all():
        row = int(np.argmin(np.isfinite(column)))
        raise DataError(f"feature {name}, row {row}: {column[row]} is not finite; drop or impute such rows first")
    ranked = Ranked.of(target, column, weight)
    edges = _edges(ranked)
    return FeatureHistogram(
        name=name,
        unit=unit,
        edges=tuple(edges.tolist()),
        background=_density(ranked.background, edges),
        signal=_density(ranked.signal, edges),
        auc=delong_interval(ranked),
        separation=separation(ranked, edges, np.random.default_rng(seed)),
    )


def _edges(ranked: Ranked) -> Floats:
    sides = [side for side in (ranked.background, ranked.signal) if len(side)]
    if not sides:
        return np.array([0.0, 1.0])
    distinct = np.unique(np.concatenate([side.steps for side in sides]))
    if len(distinct) <= FEW_VALUES:
        middles = (distinct[1:] + distinct[:-1]) / 2
        # A bin around a single value is wide enough to be told from it in floating point.
        alone = max(0.5, 1e-6 * float(np.abs(distinct).max()))
        first = middles[0] - distinct[0] if len(middles) else alone
        last = distinct[-1] - middles[-1] if len(middles) else alone
        return np.concatenate([[distinct[0] - first], middles, [distinct[-1] + last]])
    tails = np.array([np.quantile(side.score, TAILS) for side in sides])
    low, high = float(tails[:, 0].min()), float(tails[:, 1].max())
    if not high > low:
        low, high = float(distinct[0]), float(distinct[-1])
    if (distinct == np.rint(distinct)).all():
        # Bins that hold now one, now two whole numbers would draw a comb.
        width = np.ceil((np.ceil(high) - np.floor(low) + 1) / BINS)
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + width, width)
    return np.linspace(low, high, BINS + 1)


def _density(side: Side, edges: Floats) -> tuple[float, ...]:
    total = float(side.weight.sum())
    content, _ = np.histogram(side.score, edges, weights=side.weight)
    density = content / np.diff(edges) / total if total > 0 else np.zeros(len(content))
    return tuple(density.tolist())


def correlations(
    features: NDArray[Any], target: NDArray[Any], weight: NDArray[Any] | None = None, *, classes: tuple[str, str]
) -> dict[str, Correlations]:
    """Weighted linear correlation coefficients between features within each class, under the classes' names.

    None stands where a feature is constant in the class (or the class has no positive weight).

    Args:
        features: shape (n, p), of the training part only.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,); 1 for every event if not given.
        classes: the names of background and signal.
    """
    weight = np.ones(len(features)) if weight is None else np.asarray(weight, dtype=np.float64)
    return {name: _correlation(features, weight * (target == k)) for k, name in enumerate(classes)}


def _correlation(features: NDArray[Any], weight: Floats) -> Correlations:
    total = float(weight.sum())
    blocks = [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(features), ROWS_AT_ONCE)]
    p = int(features.shape[1])
    if not total > 0:
        return ((None,) * p,) * p
    mean = np.zeros(p)
    for rows in blocks:
        mean += weight[rows] @ features[rows].astype(np.float64) / total
    covariance = np.zeros((p, p))
    for rows in blocks:
        centred = features[rows].astype(np.float64) - mean
        covariance += (centred * weight[rows, None]).T @ centred
    variance: Floats = np.diag(covariance) / total
    # A constant's variance is rounding: far below the square of its mean.
    varies = variance > 1e-18 * np.maximum(mean**2, np.finfo(np.float64).tiny)
    width = np.sqrt(np.where(varies, variance, 1.0))
    matrix: Floats = np.clip(covariance / total / np.outer(width, width), -1, 1)
    matrix[~np.outer(varies, varies)] = np.nan
    return tuple(tuple(finite(value) for value in row) for row in matrix.tolist())
