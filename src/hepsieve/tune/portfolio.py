"""A portfolio's models, trained by the clock, to fitted models and what became of the others."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hepsieve.config import TaskConfig
from hepsieve.engines import LocalEngine
from hepsieve.evaluate.leaderboard import LeftOut, Span
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, ModelConfig, Network, TreesConfig
from hepsieve.models.portfolio import AGAIN
from hepsieve.prepare import Split
from hepsieve.progress import Advance
from hepsieve.train.input_stores import InputStores
from hepsieve.train.inputs import Inputs
from hepsieve.train.run import Fitted, assembled, tell_epochs, trainings_of
from hepsieve.train.share import most_epochs
from hepsieve.train.simulated import simulated_weights
from hepsieve.train.training import Training
from hepsieve.train.unfinished import Unfinished
from hepsieve.tune.budget import Clock
from hepsieve.tune.ensemble_figures import Selecting
from hepsieve.tune.portfolio_plan import Candidate, Plan
from hepsieve.tune.portfolio_workers import TrainingProcesses

_APART = 101  # between the seeds of one model, more than there are folds
_SEEDS = 2**31  # that there are


class Portfolio:
    """Models that are trained as far as the time goes.

    Attributes:
        fitted: by name, those whose trainings are over.
        figures: of each of them on validation, the larger the better.
        left: those that were left out or failed.
        cut: by model that was cut off and handed in what it had, how.
        spans: what the time went into.
    """

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        parts: Split,
        config: TaskConfig,
        *,
        seeds: int,
        selecting: Selecting,
    ) -> None:
        """Begin with nothing trained.

        Args:
            models: most promising first.
            parts: the divided events; test stays sealed.
            config: the task.
            seeds: how many trainings of one model there may be in all.
            selecting: hears of every model.
        """
        self._configs = dict(models)
        self._first = tuple(models)
        self._parts, self._config, self._seeds, self._selecting = parts, config, seeds, selecting
        self._prepared: dict[Hashable, Inputs] = {}
        self.fitted: dict[str, Fitted] = {}
        self.figures: dict[str, float] = {}
        self.left: list[LeftOut] = []
        self.cut: dict[str, str] = {}
        self.spans: list[Span] = []

    def train(
        self,
        engine: LocalEngine,
        *,
        stores: InputStores,
        unfinished: Unfinished,
        handed: Path,
        deadline: Callable[[], float],
        now: Clock,
        advance: Advance,
        history: Callable[[EpochRecord], object],
    ) -> None:
        """Train all that fits.

        Args:
            engine: processes with one thread each; they are ended when the time is over.
            stores: where what they get is written.
            unfinished: where finished trainings are kept, and taken from.
            handed: an empty folder for what trainings hand in before their end.
            deadline: when all trainings end, as far as is known by then.
            now: tells the time, in the same seconds.
            advance: moves on with the time.
            history: hears of every epoch of every training that is in a model.

        Raises:
            TooShort: if not even the first model fits.
        """
        workers = TrainingProcesses(
            engine,
            self._trainings,
            stores=stores,
            unfinished=unfinished,
            handed=handed,
            seconds=lambda training: plan.seconds(training.name),
            now=now,
        )
        told = 0.0

        def finished(name: str) -> float:
            nonlocal told
            good = self._fit(name, workers, history)
            advance(now() - told, f"{name}: {self._config.selects_by} {abs(good):.4f}")
            told = now()
            return good

        plan = Plan(
            tuple(self._candidate(name) for name in self._first),
            workers,
            deadline=deadline,
            finished=finished,
            again=self._again,
            seeds=self._seeds,
        )
        try:
            plan.carry_out()
        finally:
            self.spans = workers.spans
        self.cut = plan.cut
        self.left = [LeftOut(name=one.name, state=one.state, why=one.why, needs=one.needs) for one in plan.left]
        # Not the order in which they happened to end.
        self._selecting.ordered([name for name in self._names() if name in self.fitted])

    def kept(self, weights: Mapping[str, float]) -> dict[str, Fitted]:
        """The models of the run: all of the portfolio, and of those that were trained again the ensemble's.

        So is the one that validation likes best of all: it is what the ensemble is compared with.
        """
        names = [name for name in self._names() if name in self.fitted]
        best = max(names, key=self.figures.__getitem__)
        return {name: self.fitted[name] for name in names if name in self._first or name in weights or name == best}

    def notes(self, kept: Iterable[str]) -> tuple[str, ...]:
        """How many models were trained and are not in the run, in a sentence."""
        aside = len(self.fitted.keys() - set(kept))
        if not aside:
            return ()
        models, were = ("model", "was") if aside == 1 else ("models", "were")
        return (f"{aside} more {models} with other seeds {were} trained, not selected, and {were} not kept.",)

    def _names(self) -> list[str]:
        """Those of the portfolio in its order, each before those with its other seeds."""
        return sorted(self._configs, key=lambda name: (self._first.index(_original(name, self._first)), _number(name)))

    def _candidate(self, name: str) -> Candidate:
        config = self._configs[name]
        common = self._config.train
        patient = config.own(common).patience is not None if isinstance(config, Network) else config.kind == "trees"
        return Candidate(
            name=name,
            group=config.kind,
            trainings=(self._parts.folds or 1) * len(simulated_weights(self._config.train)),
            most=most_epochs(config, self._config.train),
            patient=patient,
            draws=_draws(config),
        )

    def _again(self, name: str, number: int) -> Candidate:
        """The same model with another seed."""
        config = self._configs[name]
        first = self._config.seed if config.seed is None else config.seed
        seed = (first + _APART * (number - 1)) % _SEEDS
        again = f"{name}{AGAIN}{number}"
        self._configs[again] = config.model_copy(update={"seed": seed})
        return self._candidate(again)

    def _trainings(self, name: str) -> Iterable[Training]:
        """Those of a model. One with another seed has the inputs, and the start, of the first."""
        config = self._config
        trainings = trainings_of(
            {_original(name, self._first): self._configs[name]},
            self._parts,
            config.prepare,
            config.train,
            seed=config.seed,
            impute=config.audit.missing == "impute",
            prepared=self._prepared,
        )
        return (replace(one, name=name) for one in trainings)

    def _fit(self, name: str, workers: TrainingProcesses, history: Callable[[EpochRecord], object]) -> float:
        """The model of these trainings, and its figure."""
        done = [workers.done[name][number] for number in sorted(workers.done[name])]
        self.fitted |= assembled({name: self._configs[name]}, done, self._parts)
        tell_epochs(self.fitted[name], self._parts, history)
        self.figures[name] = self._selecting.add(self.fitted[name])
        return self.figures[name]


def _original(name: str, first: Sequence[str]) -> str:
    return name if name in first else name.rpartition(AGAIN)[0]


def _number(name: str) -> int:
    number = name.rpartition(AGAIN)[2]
    return int(number) if number.isdigit() else 1


def _draws(config: ModelConfig) -> bool:
    """Whether another seed gives another model."""
    match config:
        case TreesConfig():
            return config.subsample < 1 or config.colsample < 1
        case AdaBoostConfig():
            return False
        case _:
            return True
