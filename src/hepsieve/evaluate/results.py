"""The frozen results of an evaluation: what evaluation.json holds and the report renders; arrays and numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hepsieve.evaluate.calibration_results import Calibration
from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.image_results import ImageSummary, OcclusionMap, WaveformMap
from hepsieve.evaluate.leaderboard import Leaderboard
from hepsieve.evaluate.learned_results import SimulatedEvents
from hepsieve.evaluate.physics_results import Physics
from hepsieve.evaluate.quantity import Quantity as Quantity
from hepsieve.evaluate.score_counts import ScoreCounts
from hepsieve.evaluate.selection_results import Selection
from hepsieve.evaluate.slice_results import Slice as Slice
from hepsieve.evaluate.slice_results import Slices as Slices
from hepsieve.evaluate.tuning import Tuning
from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.evaluate.weight_results import WeightSummary


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """Scores beside the truth, for one part of the data.

    Attributes:
        target: shape (n,), 0 for background and 1 for signal.
        score: shape (n,), larger is more signal-like, in [0, 1].
        weight: shape (n,), event weights, possibly negative.
    """

    target: NDArray[np.float64]
    score: NDArray[np.float64]
    weight: NDArray[np.float64]


class RocCurve(Result):
    """Efficiencies at falling thresholds, from (0, 0) to (1, 1), thinned for drawing.

    ``low`` and ``high`` bound the signal efficiency at each background efficiency (95 %, pointwise).
    """

    background_efficiency: tuple[float, ...]
    signal_efficiency: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Confusion(Result):
    """Weighted numbers of events at threshold 0.5: ``counts[truth][prediction]``, background before signal."""

    classes: tuple[str, str]
    counts: tuple[tuple[float, float], tuple[float, float]]


class ClassFigures(Result):
    """Precision, recall and F1 of one class at threshold 0.5."""

    name: str
    precision: Quantity
    recall: Quantity
    f1: Quantity
    events: int

    def __str__(self) -> str:
        """In one line."""
        return f"{self.name}: precision {self.precision}, recall {self.recall}, F1 {self.f1}, {self.events} events"


class ConfusionFigures(Result):
    """What a confusion matrix says: accuracy over both classes, and figures of background and of signal."""

    accuracy: Quantity
    per_class: tuple[ClassFigures, ClassFigures]

    def __str__(self) -> str:
        """As a table, with 95 % intervals."""
        rows = [("", "precision", "recall", "F1", "events")]
        rows += [(c.name, str(c.precision), str(c.recall), str(c.f1), str(c.events)) for c in self.per_class]
        rows.append(("accuracy", str(self.accuracy), "", "", ""))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    __repr__ = __str__


class WorkingPoint(Result):
    """A cut on the score, ``score >= threshold``: set on other events than the test events it is measured on.

    ``wanted`` says how the threshold was chosen, such as "99 % signal efficiency".
    """

    name: str
    wanted: str = ""
    threshold: float
    set_on: Literal["validation", "out-of-fold", "config"] = "validation"
    signal_efficiency: Quantity
    background_efficiency: Quantity
    background_rejection: Quantity


class ThresholdScan(Result):
    """What a cut keeps of the test part, at rising thresholds: efficiencies with 95 % intervals, pointwise."""

    threshold: tuple[float, ...]
    signal_efficiency: tuple[float, ...]
    signal_low: tuple[float, ...]
    signal_high: tuple[float, ...]
    background_efficiency: tuple[float, ...]
    background_low: tuple[float, ...]
    background_high: tuple[float, ...]


class OutOfFold(Result):
    """Figures over all events, test part included, each scored only by models that did not see it.

    ``metrics`` holds ``auc``, ``log_loss``, ``background_efficiency@0.99`` (at a signal efficiency) and
    ``signal_efficiency@0.01`` (at a background efficiency; ``@0`` is above every background event).
    """

    n_signal: int
    n_background: int
    metrics: dict[str, Quantity]


class ScoreDistributions(Result):
    """Weighted score histograms of each class in train and test, each normalised to 1, with standard errors."""

    edges: tuple[float, ...]
    train_background: tuple[float, ...]
    train_signal: tuple[float, ...]
    test_background: tuple[float, ...]
    test_signal: tuple[float, ...]
    test_background_error: tuple[float, ...]
    test_signal_error: tuple[float, ...]


class Overtraining(Result):
    """How much better the model looks on the events it was trained on.

    ``ks_*`` are weighted Kolmogorov–Smirnov distances between train and test scores with their p-values;
    ``auc_gap`` is train minus test AUC; ``loss_gap`` and ``validation_loss_gap`` are test and validation log loss
    minus that of train. Cross-validated, train and validation are the same events; the interval of their gap takes them
    for others, and is then rather too wide.
    """

    ks_background: float
    ks_background_p: float
    ks_signal: float
    ks_signal_p: float
    train_auc: Quantity
    auc_gap: Quantity
    loss_gap: Quantity
    validation_loss_gap: Quantity
    verdict: str


class ModelEvaluation(Result):
    """Everything that is quoted about one model; ``inputs`` says what it sees of images."""

    framework: str
    kind: str
    parameters: int
    epochs: int
    train_seconds: float
    metrics: dict[str, Quantity]
    validation: dict[str, Quantity]
    per_class: tuple[ClassFigures, ClassFigures]
    confusion: Confusion
    roc: RocCurve
    scores: ScoreDistributions
    overtraining: Overtraining
    thresholds: ThresholdScan | None = None
    counts: ScoreCounts | None = None
    calibration: Calibration | None = None
    out_of_fold: OutOfFold | None = None
    warnings: tuple[str, ...] = ()
    inputs: str = ""


class FeatureHistogram(Result):
    """One feature in the training part: densities of each class over common bins, and how well it separates alone.

    Bins need not be of equal width; densities are per unit of the feature. An AUC below 0.5 is quoted as it is.
    ``separation`` is ⟨S²⟩, from 0 (equal densities) to 1 (no overlap).
    """

    name: str
    unit: str
    edges: tuple[float, ...]
    background: tuple[float, ...]
    signal: tuple[float, ...]
    auc: Quantity
    separation: Quantity = Quantity(value=None, low=None, high=None)


class BackwardStep(Result):
    """One step of a backward ranking: without ``left_out`` (and those before it) so much is left."""

    left_out: str
    features_left: int
    auc: Quantity


class FeatureRanking(Result):
    """What the features are worth, measured on validation events only.

    Attributes:
        importances: by model and feature, how much AUC is lost when the feature is shuffled among the events.
        all_features: the AUC that the backward ranking starts from.
        backward: the features in the order in which they were missed least; the last ones matter most.
        last_feature: the one that is left in the end.
        backward_model: which model the backward ranking trained.
    """

    importances: dict[str, dict[str, Quantity]] = Field(default_factory=dict)
    all_features: Quantity | None = None
    backward: tuple[BackwardStep, ...] = ()
    last_feature: str = ""
    backward_model: str = ""


class DataSummary(Result):
    """Which events the figures rest on.

    Origin, fingerprint, sources and details are those of the test events; ``train_fingerprint`` and ``trained_on``
    tell what the models were trained on, which is the same unless the test events came from elsewhere. With ``folds``
    the training and the validation events are the same ones, cross-validated. ``n_train_judged`` and
    ``n_train_shown`` say from how many training events, drawn by chance, the figures on train (overtraining, score
    distributions) and the pictures of the features come, where these are not all. ``simulated`` tells of simulated
    events that were learned from beside the training events, ``started_from`` by model with which run's weights it
    began.
    """

    origin: Literal["real", "simulated"]
    fingerprint: str
    sources: tuple[str, ...]
    details: Mapping[str, str]
    train_fingerprint: str
    trained_on: str
    n_train: int
    n_validation: int
    n_test: int
    n_signal: dict[str, int]
    n_background: dict[str, int]
    folds: int | None = None
    n_train_judged: int | None = None
    n_train_shown: int | None = None
    simulated: SimulatedEvents | None = None
    started_from: dict[str, str] = Field(default_factory=dict)


class Comparison(Result):
    """Another model against the one that validation chose, on the same test events.

    Attributes:
        model: the other model.
        difference: its AUC minus that of the chosen one, paired.
        p_value: of no difference, two-sided.
        p_adjusted: the same after Holm's correction for all comparisons of the run.
    """

    model: str
    difference: Quantity
    p_value: float | None
    p_adjusted: float | None

    @property
    def significant(self) -> bool:
        """Whether the difference stands at 5 % after the correction."""
        return self.p_adjusted is not None and self.p_adjusted < 0.05


class Evaluation(Result):
    """The whole evaluation of a run; ``best`` is chosen on validation, never on test.

    ``correlations`` holds a matrix of features × features under each class's name; None stands for a constant feature.
    Of images the features in ``features`` and ``correlations`` are shower shapes, of waveforms pulse shapes; ``maps``
    and ``waveform_maps`` tell what the models look at.
    """

    task: str
    kind: Literal["classification"] = "classification"
    classes: tuple[str, str]
    data: DataSummary
    test_openings: int
    models: dict[str, ModelEvaluation]
    best: str
    best_by: str
    features: tuple[FeatureHistogram, ...]
    correlations: dict[str, tuple[tuple[float | None, ...], ...]]
    working_points: dict[str, tuple[WorkingPoint, ...]]
    physics: dict[str, Physics] = Field(default_factory=dict)
    ranking: FeatureRanking | None = None
    maps: tuple[OcclusionMap, ...] = ()
    waveform_maps: tuple[WaveformMap, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    slices: Slices | None = None
    selection: Selection | None = None
    weights: WeightSummary | None = None
    images: ImageSummary | None = None
    waveforms: WaveformSummary | None = None
    tuning: Tuning | None = None
    leaderboard: Leaderboard | None = None

    def to_json(self) -> str:
        """Valid JSON text; equal evaluations give equal text."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """The evaluation that ``to_json`` wrote."""
        return cls.model_validate_json(text)


def finite(value: Any) -> float | None:
    """The value as a float, or None where it is not finite and JSON could not hold it."""
    number = float(value)
    return number if np.isfinite(number) else None
