"""The frozen results of judging a regression: what evaluation.json holds and the report renders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.image_results import OcclusionMap, WaveformMap
from hepsieve.evaluate.leaderboard import Leaderboard
from hepsieve.evaluate.results import Comparison, DataSummary, FeatureRanking, Quantity
from hepsieve.evaluate.selection_results import Selection
from hepsieve.evaluate.slice_results import Difference
from hepsieve.evaluate.tuning import Tuning
from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.evaluate.weight_results import WeightSummary


@dataclass(frozen=True, kw_only=True, eq=False)
class Predicted:
    """Predictions beside the truth, for one part of the data.

    Attributes:
        target: shape (n,), in [0, 1].
        prediction: shape (n,), in [0, 1].
        weight: shape (n,), event weights, possibly negative.
        width: shape (n,), the standard deviation that the model gives to each prediction; None if it gives none.
    """

    target: NDArray[np.float64]
    prediction: NDArray[np.float64]
    weight: NDArray[np.float64]
    width: NDArray[np.float64] | None = None


class TargetDescription(Result):
    """What was regressed: a target of 1 is ``full`` of ``unit``."""

    name: str
    unit: str
    full: float


class Histogram(Result):
    """Weighted counts between edges, with their standard errors, and what lies ``below`` and ``above`` all edges."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]
    errors: tuple[float, ...] = ()
    below: float = 0.0
    above: float = 0.0


class ProfileBin(Result):
    """The residuals of the events in one bin of a column: what is at least ``low`` and less than ``high``.

    The outermost bins also hold what lies beyond them. ``centre`` is the mean of the column in the bin; figures are
    shares of the target's full scale, and undefined with fewer than ten events. ``metrics`` holds what is quoted beside
    them (``mae``, ``tolerance_accuracy@t``); ``differs`` those figures that differ significantly from the same of all
    other events.
    """

    low: float
    high: float
    centre: float
    n: int
    bias: Quantity
    resolution: Quantity
    rmse: Quantity
    metrics: dict[str, Quantity] = Field(default_factory=dict)
    differs: dict[str, Difference] = Field(default_factory=dict)


class Profile(Result):
    """Residuals along a column: the target itself, in [0, 1] and equal bins, or what ``evaluate.profiles`` names.

    Bins of other columns hold about as many training events each. ``tests`` is how many comparisons of a bin with the
    rest Holm's correction covers: those of all bins, columns and figures of a model together; 0 where none was made.
    """

    column: str
    unit: str
    bins: tuple[ProfileBin, ...]
    tests: int = 0


class PredictionIntervals(Result):
    """Conformal prediction intervals at one nominal coverage, calibrated on validation, measured on test.

    Attributes:
        nominal: which share of truths is to lie inside.
        scaled: whether they are multiples of the width that the model predicts; else all are equally wide.
        half_width: of every interval, as a share of the full scale; with ``scaled`` the factor of the predicted width.
        mean_half_width: the mean over the test events, as a share of the full scale.
        coverage: the share of test events whose truth lies inside.
        set_on: the events that the half width was set on.
    """

    nominal: float
    scaled: bool
    half_width: float | None
    mean_half_width: Quantity
    coverage: Quantity
    set_on: Literal["validation", "out-of-fold"] = "validation"


class Pulls(Result):
    """Residuals divided by the widths that the model predicted: mean 0 and width 1 where these are right.

    ``width`` is their standard deviation; the histogram is from −5 to 5.
    """

    mean: Quantity
    width: Quantity
    histogram: Histogram


class Against(Result):
    """Weighted counts of test events in cells of truth (rows) and prediction (columns)."""

    truth_edges: tuple[float, ...]
    prediction_edges: tuple[float, ...]
    counts: tuple[tuple[float, ...], ...]


class RegressionModel(Result):
    """Everything that is quoted about one model; ``residuals`` are prediction minus truth on test, but for the largest.

    ``profiles`` begins with that of the target; ``inputs`` says what the model sees of images or waveforms.

    ``metrics`` and ``validation`` hold ``mae``, ``rmse``, ``bias``, ``resolution`` and ``tolerance_accuracy@t``, as
    shares of the full scale; ``rmse_gap`` is test minus train RMSE, ``train`` the RMSE on what it was fitted on.
    """

    framework: str
    kind: str
    parameters: int
    epochs: int
    train_seconds: float
    metrics: dict[str, Quantity]
    validation: dict[str, Quantity]
    train_rmse: Quantity
    rmse_gap: Quantity
    residuals: Histogram
    against: Against
    profiles: tuple[Profile, ...]
    intervals: tuple[PredictionIntervals, ...]
    pulls: Pulls | None = None
    warnings: tuple[str, ...] = ()
    inputs: str = ""


class LimitCurve(Result):
    """The least standard deviation that an unbiased estimate can have, for pulses of one size.

    Attributes:
        size: of the pulse, in words, such as "200 electrons".
        target: where it was computed, in [0, 1].
        deviation: there, as a share of the full scale; None where it is unbounded.
    """

    size: str
    target: tuple[float, ...]
    deviation: tuple[float | None, ...]


class Limit(Result):
    """What the detector's light and noise allow: the Cramér–Rao bound, and a fit that knows the simulator.

    Attributes:
        curves: the bound by size of the pulse.
        averaged: the bound averaged (root mean square) over test events, in the bins of each model's profile of the
            target; None where it is wider than the target's whole range, and so none.
        n_averaged: over how many test events.
        fits: what maximum-likelihood fits of some test waveforms reach, in the same bins.
        n_fits: how many waveforms were fitted.
        pulse_width: one pulse width, as a share of the full scale: above it two pulses stand apart.
        ratios: by model, its RMSE over those of the averaged test events whose target is above one pulse width and
            whose bound is finite, divided by the bound averaged over the same events.
        fit_ratio: the same of the fits.
        n_apart: over how many test events the ratios are.
        n_fits_apart: over how many of the fitted ones that of the fits is.
        n_unbounded: how many were left out of the ratios, although their target is above one pulse width, since they
            have no finite bound (a pulse without electrons).
        light_ratio: what the mean and the covariance of the light alone allow, divided by the bound, averaged over some
            of the events behind the ratios; the light's own bound lies between 1 and this. None where there are few.
    """

    curves: tuple[LimitCurve, ...]
    averaged: tuple[float | None, ...]
    n_averaged: int
    fits: Profile
    n_fits: int
    pulse_width: float
    ratios: dict[str, Quantity]
    fit_ratio: Quantity
    n_apart: int = 0
    n_fits_apart: int = 0
    n_unbounded: int = 0
    light_ratio: float | None = None


class RegressionEvaluation(Result):
    """The whole evaluation of a regression; ``best`` is chosen on validation, never on test.

    ``targets`` is the distribution of the target in the training part; a comparison's difference is in RMSE. The
    ranking's importances are how much the RMSE grows when something is shuffled; ``maps`` (of images) and
    ``waveform_maps`` tell what moves the predictions.
    """

    task: str
    kind: Literal["regression"] = "regression"
    target: TargetDescription
    data: DataSummary
    test_openings: int
    models: dict[str, RegressionModel]
    best: str
    best_by: str
    targets: Histogram
    comparisons: tuple[Comparison, ...] = ()
    limit: Limit | None = None
    selection: Selection | None = None
    weights: WeightSummary | None = None
    waveforms: WaveformSummary | None = None
    ranking: FeatureRanking | None = None
    maps: tuple[OcclusionMap, ...] = ()
    waveform_maps: tuple[WaveformMap, ...] = ()
    tuning: Tuning | None = None
    leaderboard: Leaderboard | None = None
    notes: tuple[str, ...] = Field(default=())

    def to_json(self) -> str:
        """Valid JSON text; equal evaluations give equal text."""
        return self.model_dump_json(indent=2) + "\n"
