"""The numbers behind the figures of a run, as columns for their downloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.regression_results import Histogram, Profile
from hepsieve.evaluate.results import FeatureHistogram, FeatureRanking, RocCurve, ThresholdScan
from hepsieve.report.numbers import Row, Value, columns, short

Columns = dict[str, list[Value]]


def roc_numbers(curves: Mapping[str, RocCurve]) -> Columns:
    """Background and signal efficiency of every model, the latter with its pointwise interval, to seven digits."""
    return columns(
        [
            {
                "model": name,
                "background efficiency": short(x),
                "signal efficiency": short(y),
                "low": short(low),
                "high": short(high),
            }
            for name, curve in curves.items()
            for x, y, low, high in _vertices(curve)
        ]
    )


def rejection_numbers(curves: Mapping[str, RocCurve]) -> Columns:
    """Signal efficiency with its interval, and background rejection, of every model where background is left."""
    return columns(
        [
            {
                "model": name,
                "signal efficiency": short(y),
                "low": short(low),
                "high": short(high),
                "background rejection": short(1 / x),
            }
            for name, curve in curves.items()
            for x, y, low, high in _vertices(curve)
            if x > 0
        ]
    )


def _vertices(curve: RocCurve) -> Iterator[tuple[float, float, float, float]]:
    return zip(curve.background_efficiency, curve.signal_efficiency, curve.low, curve.high, strict=True)


def feature_numbers(feature: FeatureHistogram, classes: tuple[str, str]) -> Columns:
    """Bins of a feature with the density of each class; of one class alone where there is no other."""
    background, signal = classes
    name = f"{feature.name} [{feature.unit}]" if feature.unit else feature.name
    found: Columns = {f"{name} from": list(feature.edges[:-1]), f"{name} to": list(feature.edges[1:])}
    if any(feature.signal):
        found[signal] = list(feature.signal)
    return {**found, background: list(feature.background)}


def scan_numbers(scan: ThresholdScan) -> Columns:
    """Efficiencies behind every cut on the score, with their pointwise intervals."""
    return {
        "score from": list(scan.threshold),
        "signal efficiency": list(scan.signal_efficiency),
        "signal low": list(scan.signal_low),
        "signal high": list(scan.signal_high),
        "background efficiency": list(scan.background_efficiency),
        "background low": list(scan.background_low),
        "background high": list(scan.background_high),
    }


def auc_numbers(
    test: Mapping[str, tuple[float, float, float]], validation: Mapping[str, tuple[float, float, float]]
) -> Columns:
    """The AUC of every model with its interval, on the test part and on validation."""
    return columns(
        [
            {"model": name, "part": part, "AUC": value, "low": low, "high": high}
            for part, points in (("test", test), ("validation", validation))
            for name, (value, low, high) in points.items()
        ]
    )


def correlation_numbers(matrix: Sequence[Sequence[float | None]], names: Sequence[str]) -> Columns:
    """A matrix with its features down and across."""
    # A feature may be called "feature".
    rows: Columns = {"": list(names)}
    return {**rows, **{name: [row[k] for row in matrix] for k, name in enumerate(names)}}


def importance_numbers(importances: Mapping[str, Mapping[str, Quantity]], *, lost: str = "AUC lost") -> Columns:
    """What each model loses when a feature is shuffled, with intervals."""
    return columns(
        [
            {"model": model, "feature": feature, lost: one.value, "low": one.low, "high": one.high}
            for model, worth in importances.items()
            for feature, one in worth.items()
        ]
    )


def backward_numbers(ranking: FeatureRanking) -> Columns:
    """The AUC with ever fewer features, with intervals, and which feature went."""
    first = ranking.all_features
    rows: list[Row] = []
    if first is not None and ranking.backward:
        everything = ranking.backward[0].features_left + 1
        rows = [{"features": everything, "left out": "", **_quantity("AUC", first)}]
    rows += [
        {"features": step.features_left, "left out": step.left_out, **_quantity("AUC", step.auc)}
        for step in ranking.backward
    ]
    return columns(rows)


def profile_numbers(profiles: Mapping[str, Profile], figure_of: str) -> Columns:
    """A figure of every model in bins of a column, with intervals."""
    return columns(
        [
            {
                "model": name,
                f"{profile.column} from": one.low,
                f"{profile.column} to": one.high,
                "events": one.n,
                **_quantity(figure_of, getattr(one, figure_of)),
            }
            for name, profile in profiles.items()
            for one in profile.bins
        ]
    )


def residual_numbers(residuals: Mapping[str, Histogram]) -> Columns:
    """Test events in bins of prediction minus truth, by model."""
    return columns(
        [
            {"model": name, "predicted minus true from": low, "to": high, "events": count}
            for name, one in residuals.items()
            for low, high, count in zip(one.edges[:-1], one.edges[1:], one.counts, strict=True)
        ]
    )


def _quantity(name: str, one: Quantity) -> Row:
    return {name: one.value, "low": one.low, "high": one.high}
