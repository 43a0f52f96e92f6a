"""Evaluations of a regression made by hand, so that its page is tested without any other stage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from hepsieve.evaluate.histograms import residual_histogram, share_histogram, truth_against_prediction
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.regression_results import (
    Histogram,
    Limit,
    LimitCurve,
    Predicted,
    PredictionIntervals,
    Profile,
    ProfileBin,
    Pulls,
    RegressionEvaluation,
    RegressionModel,
    TargetDescription,
)
from hepsieve.evaluate.results import Comparison, DataSummary, Quantity
from hepsieve.history import EpochRecord

CONFIG = """\
task: apart
kind: regression
title: How far apart?
data: {files: [pulses.csv], target: {name: d, unit: mm, full: 30}}
models:
  trees: {kind: trees}
"""
BINS = 4


def around(value: float, half_width: float) -> Quantity:
    return Quantity(value=value, low=value - half_width, high=value + half_width)


def make_profile(column: str, scale: float, rmse: float, *, unit: str = "", known: bool = True) -> Profile:
    bins = tuple(
        ProfileBin(
            low=low * scale,
            high=high * scale,
            centre=(low + high) / 2 * scale,
            n=100 if known else 3,
            bias=around(0.1 * rmse, 0.1 * rmse) if known else UNDEFINED,
            resolution=around(0.9 * rmse, 0.1 * rmse) if known else UNDEFINED,
            rmse=around(rmse, 0.1 * rmse) if known else UNDEFINED,
        )
        for low, high in pairwise(np.linspace(0, 1, BINS + 1).tolist())
    )
    return Profile(column=column, unit=unit, bins=bins)


def make_model(kind: str, rmse: float, *, widths: bool = False, seed: int = 0) -> RegressionModel:
    rng = np.random.default_rng(seed)
    target = rng.random(400)
    sample = Predicted(
        target=target, prediction=np.clip(target + rng.normal(scale=rmse, size=400), 0, 1), weight=np.ones(400)
    )
    return RegressionModel(
        framework="torch",
        kind=kind,
        parameters=1234,
        epochs=10,
        train_seconds=2.5,
        metrics={
            "mae": around(0.8 * rmse, 0.05 * rmse),
            "rmse": around(rmse, 0.05 * rmse),
            "bias": around(-0.001, 0.002),
            "resolution": around(0.9 * rmse, 0.05 * rmse),
            "tolerance_accuracy@0.1": around(1 - rmse, 0.02),
        },
        validation={"rmse": around(1.01 * rmse, 0.05 * rmse)},
        train_rmse=around(0.9 * rmse, 0.05 * rmse),
        rmse_gap=around(0.1 * rmse, 0.05 * rmse),
        residuals=residual_histogram(sample),
        against=truth_against_prediction(sample),
        profiles=(make_profile("d", 1, rmse), make_profile("electrons", 200, rmse, unit="e")),
        intervals=(
            PredictionIntervals(
                nominal=0.68,
                scaled=widths,
                half_width=1.1 if widths else rmse,
                mean_half_width=around(rmse, 0.1 * rmse) if widths else around(rmse, 0),
                coverage=around(0.67, 0.03),
            ),
        ),
        pulls=Pulls(mean=around(0.01, 0.05), width=around(1.02, 0.04), histogram=make_pulls(rng)) if widths else None,
    )


def make_pulls(rng: np.random.Generator) -> Histogram:
    counts, edges = np.histogram(rng.normal(size=400), np.linspace(-5, 5, 51))
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.astype(float).tolist()))


def make_limit(models: Sequence[str], *, fitted: bool = True) -> Limit:
    return Limit(
        curves=(LimitCurve(size="2 × 60 electrons", target=(0.0, 0.1, 0.5, 1.0), deviation=(None, 0.05, 0.01, 0.01)),),
        averaged=(None, 0.012, 0.01, 0.01),
        n_averaged=400,
        fits=make_profile("d", 1, 0.012, known=fitted),
        n_fits=150,
        pulse_width=0.123,
        ratios={name: around(1.5 + 0.1 * k, 0.1) for k, name in enumerate(models)},
        fit_ratio=around(1.04, 0.1),
        n_apart=350,
        n_fits_apart=130,
        light_ratio=1.017,
    )


def make_regression(names: Sequence[str] = ("trees", "told"), *, limit: bool = True) -> RegressionEvaluation:
    """The first model is the best one; each further one has a larger RMSE; one called "told" predicts widths."""
    models = {
        name: make_model("trees" if name == "trees" else "wave-cnn", 0.02 + 0.005 * k, widths=name == "told", seed=k)
        for k, name in enumerate(names)
    }
    targets = share_histogram(np.random.default_rng(1).random(1200), np.ones(1200))
    return RegressionEvaluation(
        task="apart",
        target=TargetDescription(name="d", unit="mm", full=30),
        data=DataSummary(
            origin="simulated",
            train_fingerprint="0" * 64,
            trained_on="simulated",
            fingerprint="9f2c" * 16,
            sources=("NEST",),
            details={},
            n_train=1200,
            n_validation=400,
            n_test=400,
            n_signal={},
            n_background={},
        ),
        test_openings=1,
        models=models,
        best=names[0],
        best_by=f"{names[0]} has the smallest validation RMSE.",
        targets=targets,
        comparisons=tuple(
            Comparison(model=name, difference=around(0.005 * k, 0.001), p_value=0.001, p_adjusted=0.002)
            for k, name in enumerate(names)
            if k
        ),
        limit=make_limit(names) if limit else None,
        notes=("Prediction intervals are set on validation events.",),
    )


def make_history(models: Sequence[str]) -> list[EpochRecord]:
    """Ten epochs of each model, ever better."""
    return [
        EpochRecord(
            model=name,
            epoch=epoch,
            seconds=1.0,
            train_loss=0.01 / epoch,
            train_rmse=0.1 / epoch,
            train_tolerance_accuracy=1 - 0.5 / epoch,
            validation_loss=0.012 / epoch,
            validation_rmse=0.11 / epoch,
            validation_tolerance_accuracy=1 - 0.6 / epoch,
        )
        for name in models
        for epoch in range(1, 11)
    ]
