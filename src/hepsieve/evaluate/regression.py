"""Judge one model of a regression from its predictions for train, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap_events, percentile_interval
from hepsieve.evaluate.conformal import prediction_intervals
from hepsieve.evaluate.histograms import residual_histogram, truth_against_prediction
from hepsieve.evaluate.intervals import around
from hepsieve.evaluate.profiles import ProfileColumn, residual_profiles, target_edges
from hepsieve.evaluate.pulls import pulls
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted, RegressionModel, TargetDescription
from hepsieve.evaluate.residuals import (
    FIGURES,
    ResidualFigures,
    Residuals,
    require_predictions,
    tolerance_accuracies,
)
from hepsieve.evaluate.results import Quantity, finite


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """The figures of one part of n events, and those of its bootstrap, shape (resamples, 4)."""

    n: int
    figures: ResidualFigures
    replicas: Floats

    def quantities(self) -> dict[str, Quantity]:
        return self.figures.quantities(self.replicas)


def evaluate_regression(
    *,
    train: Predicted,
    validation: Predicted,
    test: Predicted,
    target: TargetDescription,
    framework: str,
    kind: str,
    parameters: int,
    epochs: int,
    train_seconds: float,
    columns: Sequence[ProfileColumn] = (),
    tolerances: Sequence[float] = (0.1,),
    coverages: Sequence[float] = (0.68, 0.95),
    set_on: Literal["validation", "out-of-fold"] = "validation",
    resamples: int = 1000,
    rng_seed: int = 0,
    threads: int | None = None,
) -> RegressionModel:
    """Everything that is quoted about one model; equal arguments give equal results for any number of threads.

    All figures are shares of the target's full scale. ``profiles`` begins with that of the target itself, in twelve
    bins of equal width.

    Args:
        train: what the model was fitted on, to see how much better it looks there.
        validation: what choices rest on: the best model, and the half widths of prediction intervals.
        test: what every quoted metric is measured on.
        target: what was regressed.
        framework: as shown in the report, such as ``PyTorch``.
        kind: as shown in the report, such as ``wave-cnn``.
        parameters: how many numbers were fitted.
        epochs: epochs or boosting rounds.
        train_seconds: how long the fit took.
        columns: other columns of the test events, along which residuals are looked at.
        tolerances: at which ``tolerance_accuracy`` is quoted.
        coverages: nominal coverages of the prediction intervals.
        set_on: what ``validation`` is.
        resamples: bootstrap resamples behind the intervals.
        rng_seed: of the bootstrap.
        threads: as in ``bootstrap``.

    Raises:
        DataError: naming the part and the event if a target or a prediction is not in [0, 1], a weight is not finite or
            a width is not above 0; naming the part if it has no positive total weight.
    """
    given = {"train": train, "validation": validation, "test": test}
    require_predictions(given)
    seeds = SeedSequence(rng_seed).spawn(6)
    parts = {
        name: _part(part, resamples=resamples, seed=seed, threads=threads)
        for (name, part), seed in zip(given.items(), seeds[:3], strict=True)
    }
    whole = ProfileColumn(name=target.name, values=test.target, edges=target_edges())
    metrics = parts["test"].quantities() | tolerance_accuracies(test, tolerances)
    return RegressionModel(
        framework=framework,
        kind=kind,
        parameters=parameters,
        epochs=epochs,
        train_seconds=train_seconds,
        metrics=metrics,
        validation=parts["validation"].quantities() | tolerance_accuracies(validation, tolerances),
        train_rmse=parts["train"].quantities()["rmse"],
        rmse_gap=_gap(parts["test"], parts["train"]),
        residuals=residual_histogram(test),
        against=truth_against_prediction(test),
        profiles=residual_profiles(
            test, (whole, *columns), tolerances=tolerances, resamples=resamples, seed=seeds[3], threads=threads
        ),
        intervals=tuple(
            prediction_intervals(
                validation, test, nominal, set_on=set_on, resamples=resamples, seed=seeds[4], threads=threads
            )
            for nominal in coverages
        ),
        pulls=pulls(test, resamples=resamples, seed=seeds[5], threads=threads),
        warnings=_warnings(test, metrics["rmse"]),
    )


def _part(predicted: Predicted, *, resamples: int, seed: SeedSequence, threads: int | None) -> _Part:
    ranked = Residuals.of(predicted)
    figures = ResidualFigures(ranked.residual, ranked.weight)
    replicas = bootstrap_events(ranked.weight, figures, resamples=resamples, seed=seed, threads=threads)
    return _Part(n=len(ranked), figures=figures, replicas=replicas)


def _gap(test: _Part, train: _Part) -> Quantity:
    """Test minus train RMSE; the two are resampled independently."""
    at = FIGURES.index("rmse")
    few = min(test.n, train.n) < 2
    interval = None if few else percentile_interval(test.replicas[:, at] - train.replicas[:, at])
    return around(finite(test.figures.nominal[at] - train.figures.nominal[at]), interval)


def _warnings(test: Predicted, rmse: Quantity) -> tuple[str, ...]:
    """What makes a model useless, whatever its figures look like."""
    if np.ptp(test.prediction) == 0:
        return (f"it predicts {test.prediction[0]:.4g} for every test event: it has learned nothing",)
    mean = float(np.average(test.target, weights=test.weight))
    variance = float(np.average(np.square(test.target - mean), weights=test.weight))
    spread = np.sqrt(max(variance, 0.0))
    if rmse.value is not None and rmse.high is not None and rmse.high >= spread:
        return (
            f"its RMSE, {rmse.value:.4f}, is not clearly below the spread of the target, {spread:.4f}, "
            "which a constant has",
        )
    return ()
