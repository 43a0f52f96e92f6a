"""Parts and model configurations to a Run: fitted preparation and trained models, the test part still sealed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.config import PrepareConfig
from hepsieve.engines import Jobs
from hepsieve.events import Events, FloatArray, IntArray
from hepsieve.history import EpochRecord
from hepsieve.models.config import ModelConfig, TrainConfig
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.prepare import AnyPreparation, Split
from hepsieve.prepare.copies import MirroredImages, TurnedTables
from hepsieve.progress import Progress, Silent
from hepsieve.score_map import ScoreCalibration
from hepsieve.train.inputs import Inputs, inputs_key, inputs_of, learned_and_watched, learned_from, require_inputs
from hepsieve.train.mixing import Mixing, best_mixing
from hepsieve.train.objective import keeps_last, require_cluster
from hepsieve.train.scored import mean_answers, scores_of
from hepsieve.train.scored import mean_score as mean_score
from hepsieve.train.scored import mixture_width as mixture_width
from hepsieve.train.scored import weighted_mean as weighted_mean
from hepsieve.train.simulated import require_simulated, simulated_weights, with_weight
from hepsieve.train.symmetric import copies_of
from hepsieve.train.trained import Trained
from hepsieve.train.training import Training
from hepsieve.train.trainings import carry_out
from hepsieve.train.unfinished import Unfinished


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """One training: the preparation that was fitted for it, and what came of it.

    Attributes:
        preparation: how its inputs are made.
        trained: the model and its history.
        copies: symmetric copies of an event, over which its scores are averaged; None for the event alone.
        keeps_last: whether validation decided nothing in it: of several folds it learned from all but its own.
    """

    preparation: AnyPreparation
    trained: Trained
    copies: MirroredImages | TurnedTables | None = None
    keeps_last: bool = False

    def scores(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Scores in [0, 1] of raw features in columns of these names, shape (n,)."""
        return scores_of(self.trained.model, self.preparation, features, names, copies=self.copies)

    def widths(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64] | None:
        """The predicted standard deviation of each of these scores, shape (n,), where the model predicts one."""
        if self.copies is None:
            return self.trained.model.widths(self.preparation.apply(features, names))
        return mean_answers(self.trained.model, self.preparation, features, names, copies=self.copies)[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """One model of a run: a single training, or one for each fold, whose scores are averaged; or several such models.

    Attributes:
        name: the model's name in the run.
        config: what the user chose.
        members: the trainings. Of several, number i did not see fold i: it learned from the others but the next one,
            on which it was stopped, or from all others where nothing stops it. Of an ensemble all trainings of all its
            models.
        calibration: what the members' mean goes through to become the score; None where nothing was decided yet.
        held_out: its own scores of the run's validation events, shape (n,), each by a training that did not learn from
            it; kept where a calibration was fitted on them.
        mixing: how much simulated events weighed in its training; None where there were none.
        combined: of an ensemble its models with their own scores; the weights, which add up to 1, are in ``config``.
    """

    name: str
    config: ModelConfig | EnsembleConfig
    members: tuple[Member, ...]
    calibration: ScoreCalibration | None = None
    held_out: NDArray[np.float64] | None = None
    mixing: Mixing | None = None
    combined: tuple[Fitted, ...] = ()

    def scores(self, events: Events) -> NDArray[np.float64]:
        """Scores of events that no member has seen, shape (n,), in [0, 1]; larger is more signal-like."""
        return self.score_features(events.features, events.names)

    def score_features(self, features: FloatArray, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Scores of raw features in columns of these names: the mean over the members, calibrated."""
        if self.combined:
            return self.calibrated(self._averaged([one.score_features(features, names) for one in self.combined]))
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
        if self.combined:
            found = [one.feature_widths(features, names) for one in self.combined]
            return self._mixed([one.score_features(features, names) for one in self.combined], found)
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
        if self.combined:
            return self.calibrated(self._averaged([one.held_out_scores(events, fold) for one in self.combined]))
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
        if self.combined:
            found_widths = [one.held_out_widths(events, fold) for one in self.combined]
            return self._mixed([one.held_out_scores(events, fold) for one in self.combined], found_widths)
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
        if self.combined:
            return self.calibrated(self._averaged([one.training_scores(events, fold) for one in self.combined]))
        k = len(self.members)
        total, count = np.zeros(len(events)), np.zeros(len(events))
        for number, member in enumerate(self.members):
            rows = np.flatnonzero(learned_from(fold, number, k, keeps_last=member.keeps_last))
            total[rows] += member.scores(spill.take(events.features, rows), events.names)
            count[rows] += 1
        return self.calibrated(total / count)

    @property
    def weights(self) -> tuple[float, ...]:
        """Of the models of an ensemble, adding up to 1; of another model none."""
        return tuple(self.config.members.values()) if isinstance(self.config, EnsembleConfig) else ()

    def _averaged(self, scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        return weighted_mean(scores, self.weights)

    def _mixed(
        self, scores: Sequence[NDArray[np.float64]], widths: Sequence[NDArray[np.float64] | None]
    ) -> NDArray[np.float64] | None:
        known = [width for width in widths if width is not None]
        return mixture_width(scores, known, self.weights) if len(known) == len(scores) else None

    @property
    def _predicts_widths(self) -> bool:
        """Known from the configuration: to hear it from the model all events would have to be prepared once more."""
        return self.config.loss == "gaussian"

    @property
    def framework(self) -> str:
        """As the report shows it."""
        return " + ".join(dict.fromkeys(member.trained.model.framework for member in self.members))

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

    @property
    def single(self) -> Run:
        """Without ensembles: what these look at is what their members look at."""
        return replace(self, models={name: fitted for name, fitted in self.models.items() if not fitted.combined})

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
    require_simulated(settings, parts)
    require_cluster(models, jobs)
    trainings = trainings_of(models, parts, prepare, settings, seed=seed, impute=impute, prepared=prepared)
    shown = progress if progress is not None else Silent()
    weights = simulated_weights(settings)
    carried_out = carry_out(
        trainings,
        number=len(models) * len(weights) * (1 if parts.folds is None else parts.folds),
        jobs=jobs,
        unfinished=unfinished,
        progress=shown,
        on_epoch=on_epoch,
    )
    fitted = assembled(models, carried_out, parts)
    if len(weights) > 1:
        for one in fitted.values():
            tell_epochs(one, parts, on_epoch)
    return Run(parts=parts, models=fitted, seed=seed)


def assembled(
    models: Mapping[str, ModelConfig], done: Iterable[tuple[Training, Trained]], parts: Split
) -> dict[str, Fitted]:
    """Trainings that were carried out as the models they belong to.

    Of a model that was trained with several weights of simulated events the best on genuine validation events.

    Args:
        models: configurations by name.
        done: all of their trainings, the folds of each in their order.
        parts: the divided events.
    """
    members: dict[str, dict[float | None, list[Member]]] = {name: {} for name in models}
    for training, trained in done:
        of_weight = members[training.name].setdefault(training.simulated_weight, [])
        of_weight.append(member_of(training, trained, parts))
    fitted = {}
    for name, config in models.items():
        several = {w: Fitted(name=name, config=config, members=tuple(m)) for w, m in members[name].items()}
        fitted[name] = _best_mixed(several, parts)
    return fitted


def _best_mixed(candidates: Mapping[float | None, Fitted], parts: Split) -> Fitted:
    """Of one model trained with several weights of simulated events the best on genuine validation events."""
    known = {weight: fitted for weight, fitted in candidates.items() if weight is not None}
    if not known:
        return candidates[None]
    several = list(known.values()) if len(known) > 1 else []
    scores = [fitted.held_out_scores(parts.validation, parts.fold) for fitted in several]
    mixing = best_mixing(list(known), scores, parts.validation)
    return replace(known[mixing.weight], mixing=mixing)


def tell_epochs(fitted: Fitted, parts: Split, on_epoch: Callable[[EpochRecord], object]) -> None:
    """The history of a model under its name; where it was chosen among several, those of the others are nobody's."""
    for number, member in enumerate(fitted.members, start=1):
        named = {"model": fitted.name, "fold": None if parts.fold is None else number}
        for record in member.trained.history:
            on_epoch(record.model_copy(update=named))


def member_of(training: Training, trained: Trained, parts: Split) -> Member:
    """A training that was carried out as part of its model."""
    copies = copies_of(training.config, training.settings, parts.train)
    last = keeps_last(training.config, training.settings)
    return Member(preparation=training.preparation, trained=trained, copies=copies, keeps_last=last)


def trainings_of(
    models: Mapping[str, ModelConfig],
    parts: Split,
    prepare: PrepareConfig,
    settings: TrainConfig,
    *,
    seed: int,
    impute: bool,
    prepared: dict[Hashable, Inputs] | None = None,
) -> Iterator[Training]:
    """Every model on one fold after the other, each prepared by what it learns from alone; as ``train`` carries out.

    With several weights of simulated events there is a training for each of them. Only one fold is in memory as long
    as nobody keeps the trainings.
    """
    weights = simulated_weights(settings)
    for number in range(1 if parts.folds is None else parts.folds):
        shared: dict[Hashable, Inputs] = {}  # models that get the same share it
        if prepared is not None and parts.fold is None:
            shared = prepared
        divided: dict[bool, tuple[Events, Events]] = {}
        for name, config in models.items():
            for weight in weights:
                own = with_weight(settings, weight)
                last = parts.fold is not None and keeps_last(config, own)
                same = (inputs_key(name, config, own), last)
                if same not in shared:
                    if last not in divided:
                        divided[last] = learned_and_watched(parts, number, keeps_last=last)
                    learned, watched = divided[last]
                    shared[same] = inputs_of(
                        config,
                        learned,
                        watched,
                        prepare=prepare,
                        settings=own,
                        seed=seed + number,
                        impute=impute,
                        simulated=parts.simulated,
                        name=name,
                        fold=None if parts.fold is None else number,
                    )
                yield Training(
                    name=name,
                    fold=None if parts.fold is None else number + 1,
                    folds=parts.folds,
                    config=config,
                    inputs=shared[same],
                    settings=own,
                    seed=(seed if config.seed is None else config.seed) + number,
                    simulated_weight=weight,
                    is_candidate=len(weights) > 1,
                )
