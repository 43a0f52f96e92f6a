"""Parts and model configurations to a Run: fitted preparation and trained models, the test part still sealed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.engines import Jobs
from hepsieve.events import Events, FloatArray, IntArray
from hepsieve.history import EpochRecord
from hepsieve.models.config import ModelConfig, TrainConfig
from hepsieve.models.outputs import outputs_of
from hepsieve.prepare import AnyPreparation, Split
from hepsieve.prepare.fit import share
from hepsieve.progress import Progress, Silent
from hepsieve.score_map import ScoreCalibration
from hepsieve.train.inputs import Inputs, inputs_of, learned_and_watched, learned_from, require_inputs
from hepsieve.train.objective import require_cluster
from hepsieve.train.trained import Trained
from hepsieve.train.training import Training
from hepsieve.train.trainings import carry_out
from hepsieve.train.unfinished import Unfinished


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """One training: the preparation that was fitted for it, and what came of it."""

    preparation: AnyPreparation
    trained: Trained

    def scores(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Scores in [0, 1] of raw features in columns of these names, shape (n,)."""
        return self.trained.model.scores(self.preparation.apply(features, names))

    def widths(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64] | None:
        """The predicted standard deviation of each of these scores, shape (n,), where the model predicts one."""
        return self.trained.model.widths(self.preparation.apply(features, names))


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """One model of a run: a single training, or one for each fold, whose scores are averaged.

    Attributes:
        name: the model's name in the run.
        config: what the user chose.
        members: the trainings. Of several, number i did not see fold i: it learned from the others but the next one,
            on which it was stopped.
        calibration: what the members' mean goes through to become the score; None where nothing was decided yet.
        held_out: its own scores of the run's validation events, shape (n,), each by a training that did not learn from
            it; kept where a calibration was fitted on them.
    """

    name: str
    config: ModelConfig
    members: tuple[Member, ...]
    calibration: ScoreCalibration | None = None
    held_out: NDArray[np.float64] | None = None

    def scores(self, events: Events) -> NDArray[np.float64]:
        """Scores of events that no member has seen, shape (n,), in [0, 1]; larger is more signal-like."""
        return self.score_features(events.features, events.names)

    def score_features(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Scores of raw features in columns of these names: the mean over the members, calibrated."""
        return self.calibrated(mean_score([member.scores(features, names) for member in self.members]))

    def calibrated(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score that is quoted, of the model's own, shape (n,)."""
        return score if self.calibration is None else self.calibration(score)

    @property
    def uncalibrated(self) -> Fitted:
        """The same model with its own scores."""
        return replace(self, calibration=None)

    def widths(self, events: Events) -> NDArray[np.float64] | None:
        """The predicted standard deviation of each score, shape (n,), where the model predicts one (loss gaussian)."""
        return self.feature_widths(events.features, events.names)

    def feature_widths(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64] | None:
        """The same of raw features in columns of these names; of several trainings that of their mixture."""
        if not self._predicts_widths:
            return None
        widths = [member.widths(features, names) for member in self.members]
        known = [width for width in widths if width is not None]
        if not known or len(known) == 1:
            return known[0] if known else None
        return mixture_width([member.scores(features, names) for member in self.members], known)

    def held_out_scores(self, events: Events, fold: IntArray | None) -> NDArray[np.float64]:
        """Scores of the validation events, each by a training that did not learn from it.

        Args:
            events: the validation events of the run.
            fold: their folds, where they were cross-validated; each event's scorer then never saw it at all.
        """
        if fold is None:
            return self.scores(events)
        scores = np.empty(len(events))
        for number, member in enumerate(self.members):
            rows = np.flatnonzero(fold == number)
            scores[rows] = member.scores(spill.take(events.features, rows), events.names)
        return self.calibrated(scores)

    def held_out_widths(self, events: Events, fold: IntArray | None) -> NDArray[np.float64] | None:
        """The predicted standard deviations of ``held_out_scores``, by the same trainings; None without any."""
        if not self._predicts_widths:
            return None
        if fold is None:
            return self.widths(events)
        widths = np.empty(len(events))
        for number, member in enumerate(self.members):
            rows = np.flatnonzero(fold == number)
            found = member.widths(spill.take(events.features, rows), events.names)
            if found is None:
                return None
            widths[rows] = found
        return widths

    def training_scores(self, events: Events, fold: IntArray | None) -> NDArray[np.float64]:
        """Scores of the training events by the trainings that learned from them: for the overtraining check only."""
        if fold is None:
            return self.scores(events)
        k = len(self.members)
        total, count = np.zeros(len(events)), np.zeros(len(events))
        for number, member in enumerate(self.members):
            rows = np.flatnonzero(learned_from(fold, number, k))
            total[rows] += member.scores(spill.take(events.features, rows), events.names)
            count[rows] += 1
        return self.calibrated(total / count)

    @property
    def _predicts_widths(self) -> bool:
        """Known from the configuration: to hear it from the model all events would have to be prepared once more."""
        return outputs_of(self.config) == 2

    @property
    def framework(self) -> str:
        """As the report shows it."""
        return self.members[0].trained.model.framework

    @property
    def parameters(self) -> int:
        """How many numbers were fitted, in all trainings."""
        return sum(member.trained.model.parameters for member in self.members)

    @property
    def epochs(self) -> int:
        """How many epochs (or boosting rounds) the longest training took."""
        return max((record.epoch for member in self.members for record in member.trained.history), default=0)

    @property
    def seconds(self) -> float:
        """Wall-clock time of all trainings."""
        return sum(member.trained.seconds for member in self.members)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with any training."""
        return tuple(dict.fromkeys(warning for member in self.members for warning in member.trained.warnings))


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """Trained models and the parts they belong to."""

    parts: Split
    models: Mapping[str, Fitted]
    seed: int

    def __repr__(self) -> str:
        """The models and the parts."""
        return f"Run({', '.join(self.models)}; {self.parts})"


def train(
    models: Mapping[str, ModelConfig],
    parts: Split,
    *,
    prepare: PrepareConfig,
    settings: TrainConfig,
    seed: int,
    impute: bool = False,
    jobs: Jobs = 1,
    unfinished: Unfinished | None = None,
    prepared: dict[Hashable, Inputs] | None = None,
    progress: Progress | None = None,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
) -> Run:
    """Fit the preparation and every model on the training part; validation steers stopping, test stays sealed.

    Args:
        models: configurations by name.
        parts: the divided events; with folds, every model is trained once for each of them.
        prepare: steps between raw features and inputs.
        settings: how networks are trained.
        seed: for initial weights, shuffling and dropout, the same for every model; fold i adds i to it.
        impute: replace values that are not finite by the training part's medians.
        jobs: who shares the trainings, as far as it helps; the models are the same for any.
        unfinished: where trainings are kept until their run is finished, and taken from if it was interrupted.
        prepared: inputs that another call made of the same undivided parts; those that are missing are added.
        progress: where to show that it moves.
        on_epoch: hears of every finished epoch.

    Raises:
        ConfigError: if a model asks for columns or values that the events don't have, or for a loss or a setting that
            does not suit their targets; or trees have shards and ``jobs`` is no Dask cluster.
        TrainingError: if a training fails.
    """
    require_inputs(models, parts, prepare, settings)
    require_cluster(models, jobs)
    trainings = _trainings(models, parts, prepare, settings, seed=seed, impute=impute, prepared=prepared)
    shown = progress if progress is not None else Silent()
    members: dict[str, list[Member]] = {name: [] for name in models}
    carried_out = carry_out(
        trainings,
        number=len(models) * (1 if parts.folds is None else parts.folds),
        jobs=jobs,
        unfinished=unfinished,
        progress=shown,
        on_epoch=on_epoch,
    )
    for training, trained in carried_out:
        members[training.name].append(Member(preparation=training.preparation, trained=trained))
    fitted = {name: Fitted(name=name, config=config, members=tuple(members[name])) for name, config in models.items()}
    return Run(parts=parts, models=fitted, seed=seed)


def mean_score(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The score of an ensemble: the mean of its members' scores."""
    return scores[0] if len(scores) == 1 else np.asarray(np.mean(scores, axis=0))


def mixture_width(scores: Sequence[NDArray[np.float64]], widths: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The standard deviation of an ensemble's prediction, shape (n,): that of the mixture of its members' normals.

    Its variance is the mean of the members' variances plus the variance of their means: section 2.4 of
    arXiv:1612.01474.

    >>> mixture_width([np.array([0.2]), np.array([0.4])], [np.array([0.1]), np.array([0.1])]).round(4).tolist()
    [0.1414]
    """
    return np.asarray(np.sqrt(np.mean(np.square(widths), axis=0) + np.var(scores, axis=0)))


def _trainings(
    models: Mapping[str, ModelConfig],
    parts: Split,
    prepare: PrepareConfig,
    settings: TrainConfig,
    *,
    seed: int,
    impute: bool,
    prepared: dict[Hashable, Inputs] | None,
) -> Iterator[Training]:
    """Every model on one fold after the other, each prepared by what it learns from alone.

    Only one fold is in memory as long as nobody keeps the trainings.
    """
    for number, (learned, watched) in enumerate(learned_and_watched(parts)):
        shared: dict[Hashable, Inputs] = {}  # models that get the same share it
        if prepared is not None and parts.fold is None:
            shared = prepared
        for name, config in models.items():
            same = share(config)
            if same not in shared:
                shared[same] = inputs_of(
                    config,
                    learned,
                    watched,
                    prepare=prepare,
                    settings=settings,
                    seed=seed + number,
                    impute=impute,
                )
            yield Training(
                name=name,
                fold=None if parts.fold is None else number + 1,
                folds=parts.folds,
                config=config,
                inputs=shared[same],
                settings=settings,
                seed=seed + number,
            )
