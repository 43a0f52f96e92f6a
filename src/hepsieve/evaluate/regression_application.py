"""Predictions for other events turned into figures: beside the truth where it is known, else beside the run's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap_events, percentile_interval
from hepsieve.evaluate.drift import FeatureDrift
from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.histograms import share_histogram
from hepsieve.evaluate.intervals import UNDEFINED, around, share_of
from hepsieve.evaluate.profiles import ProfileColumn, residual_profile, target_edges
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import (
    Histogram,
    Predicted,
    PredictionIntervals,
    Profile,
    TargetDescription,
)
from hepsieve.evaluate.residuals import (
    ResidualFigures,
    Residuals,
    reached,
    tolerance_accuracies,
)
from hepsieve.evaluate.results import Quantity, finite
from hepsieve.evaluate.told_apart import ToldApart

Truth = Literal["known", "zero", "unknown"]


class AppliedInterval(Result):
    """The stored prediction intervals on other events: which share of truths lies inside."""

    nominal: float
    coverage: Quantity


class AppliedFigures(Result):
    """What one model makes of other events whose truth is known; as in ``RegressionModel``."""

    metrics: dict[str, Quantity]
    profile: Profile
    intervals: tuple[AppliedInterval, ...]


class AppliedModel(Result):
    """What one model predicts for other events, beside what it predicts for the run's own test events.

    Attributes:
        predictions: for the other events, in bins over [0, 1].
        own_predictions: for the run's test events, in the same bins.
        mean: of the predictions for the other events.
        median: likewise.
        own_mean: of those for the run's test events.
        own_median: likewise.
        told_apart: the cut that tells the others from the run's own; None where the others have targets of their own.
        figures: beside the truth of the others; None where it is not known.
    """

    predictions: Histogram
    own_predictions: Histogram
    mean: Quantity
    median: Quantity
    own_mean: Quantity
    own_median: Quantity
    told_apart: ToldApart | None = None
    figures: AppliedFigures | None = None


class RegressionApplication(Result):
    """A finished run of a regression applied to other events: its models as they are, nothing learned anew.

    Attributes:
        task: the run's task.
        kind: tells it from the application of a classification.
        target: what is predicted.
        origin: where the other events came from.
        sources: their files, or their generator.
        fingerprint: of the other events.
        n: how many they are.
        n_own: how many test events the run has; what was predicted for them was stored, the test part stays closed.
        truth: whether the targets of the other events are ``known``, all ``zero`` (single pulses) or ``unknown``.
        best: the run's best model, chosen on its own validation events.
        models: by name.
        drift: the features beside those of the training events, strongest drift first.
        notes: what a reader has to know.
        remarks: what was done to the events when they were read.
    """

    task: str
    kind: Literal["regression"] = "regression"
    target: TargetDescription
    origin: Literal["real", "simulated"]
    sources: tuple[str, ...]
    fingerprint: str
    n: int
    n_own: int
    truth: Truth
    best: str
    models: dict[str, AppliedModel]
    drift: tuple[FeatureDrift, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Valid JSON text; equal applications give equal text."""
        return self.model_dump_json(indent=2) + "\n"


def applied_model(
    others: Predicted,
    own: Predicted,
    *,
    told_apart: ToldApart | None,
    figures: AppliedFigures | None,
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> AppliedModel:
    """Distributions of the predictions for both samples, with the percentile intervals of a bootstrap.

    Args:
        others: predictions for the other events.
        own: those for the run's test events.
        told_apart: handed on.
        figures: handed on.
        resamples: bootstrap resamples behind the intervals.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    root = seed if isinstance(seed, SeedSequence) else SeedSequence(seed)
    (mean, median), (own_mean, own_median) = (
        _mean_and_median(one, resamples=resamples, seed=part, threads=threads)
        for one, part in zip((others, own), root.spawn(2), strict=True)
    )
    return AppliedModel(
        predictions=share_histogram(others.prediction, others.weight),
        own_predictions=share_histogram(own.prediction, own.weight),
        mean=mean,
        median=median,
        own_mean=own_mean,
        own_median=own_median,
        told_apart=told_apart,
        figures=figures,
    )


def applied_figures(
    others: Predicted,
    *,
    target: TargetDescription,
    intervals: Sequence[PredictionIntervals] = (),
    tolerances: Sequence[float] = (0.1,),
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> AppliedFigures:
    """The figures of other events with targets of their own, and what the stored prediction intervals cover of them.

    Args:
        others: predictions beside the truth, all finite.
        target: what is predicted.
        intervals: the run's prediction intervals of this model.
        tolerances: at which ``tolerance_accuracy`` is quoted.
        resamples: bootstrap resamples behind the intervals.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    root = seed if isinstance(seed, SeedSequence) else SeedSequence(seed)
    seeds = root.spawn(2)
    ranked = Residuals.of(others)
    figures = ResidualFigures(ranked.residual, ranked.weight)
    replicas = bootstrap_events(ranked.weight, figures, resamples=resamples, seed=seeds[0], threads=threads)
    column = ProfileColumn(name=target.name, values=others.target, edges=target_edges())
    return AppliedFigures(
        metrics=figures.quantities(replicas) | tolerance_accuracies(others, tolerances),
        profile=residual_profile(others, column, resamples=resamples, seed=seeds[1], threads=threads),
        intervals=tuple(AppliedInterval(nominal=one.nominal, coverage=_coverage(others, one)) for one in intervals),
    )


def _coverage(others: Predicted, interval: PredictionIntervals) -> Quantity:
    moduli: Floats = np.abs(others.prediction - others.target)
    if interval.scaled:
        if others.width is None:
            return UNDEFINED
        moduli = moduli / others.width
    if interval.half_width is None:
        return UNDEFINED
    return share_of(others.weight, moduli <= interval.half_width)


def _mean_and_median(
    predicted: Predicted, *, resamples: int, seed: SeedSequence, threads: int | None
) -> tuple[Quantity, Quantity]:
    order = np.argsort(predicted.prediction, kind="stable")
    values, weight = predicted.prediction[order], predicted.weight[order]
    rises = not (weight < 0).any()

    def measure(drawn: Floats) -> Floats:
        sums = np.cumsum(drawn)
        if not sums[-1] > 0:
            return np.full(2, np.nan)
        return np.array([np.einsum("i,i->", drawn, values) / sums[-1], values[reached(sums, 0.5, rises=rises)]])

    nominal = measure(weight)
    replicas = bootstrap_events(weight, measure, resamples=resamples, seed=seed, threads=threads)
    mean, median = (
        around(finite(nominal[k]), percentile_interval(replicas[:, k]) if len(values) > 1 else None) for k in range(2)
    )
    return mean, median
