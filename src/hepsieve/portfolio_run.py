"""A budget of time to a run: a portfolio of models, trained as far as they fit, and the ensemble of the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Literal

from hepsieve import folder as files
from hepsieve.config import TaskConfig
from hepsieve.engines import LocalEngine
from hepsieve.errors import ConfigError, TrainingError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.leaderboard import LeftOut, Span
from hepsieve.folder import record
from hepsieve.models.config import ModelConfig
from hepsieve.models.ensemble_config import ENSEMBLE, EnsembleConfig
from hepsieve.models.portfolio import PortfolioConfig, Sees, default_portfolio
from hepsieve.portfolio_told import Told
from hepsieve.prepare import Split
from hepsieve.progress import Progress
from hepsieve.shower_shapes import are_images
from hepsieve.spill import scratch_folder
from hepsieve.train.combined import combine
from hepsieve.train.input_stores import InputStores
from hepsieve.train.inputs import require_inputs
from hepsieve.train.objective import require_processes
from hepsieve.train.run import Fitted, Run
from hepsieve.train.threads import using_threads
from hepsieve.train.unfinished import Unfinished
from hepsieve.tune.budget import Clock
from hepsieve.tune.ensemble_figures import Selecting
from hepsieve.tune.portfolio import Portfolio
from hepsieve.tune.portfolio_plan import TooShort
from hepsieve.tune_config import seconds_of
from hepsieve.waveforms import are_waveforms
from hepsieve.workflow import Trained, carry_out

_RESERVE = 0.02
"""Share of a budget that is kept for what nobody foresees; what scoring and selecting take comes beside it."""
_ROOM = 1.3
"""How much more than an estimate the shortest budget that is named has room for."""
_MOMENT = 1.0
"""And so many seconds, in which machines do something else."""


@dataclass(frozen=True, kw_only=True)
class TimeBudget:
    """The time that a run may take up to its evaluation.

    Attributes:
        text: as it was written.
        seconds: in numbers.
        began: when its clock started, by ``clock``.
        clock: tells seconds.
    """

    text: str
    seconds: float
    began: float
    clock: Clock = monotonic

    @classmethod
    def of(cls, text: str, *, began: float, clock: Clock = monotonic) -> TimeBudget:
        """What ``--budget`` says.

        Raises:
            ConfigError: if it is no time.
        """
        try:
            seconds = float(text) if text.strip().replace(".", "", 1).isdigit() else seconds_of(text)
        except ValueError as error:
            raise ConfigError(f"--budget {text}: {error}") from None
        if seconds <= 0:
            raise ConfigError(f"--budget {text}: must be above 0; write a time such as 45s, 10m or 1h30m")
        return cls(text=text.strip(), seconds=seconds, began=began, clock=clock)

    def now(self) -> float:
        """Seconds since it began."""
        return self.clock() - self.began

    def deadline(self, behind: float) -> float:
        """When trainings end, in the same seconds, if so many are needed for what comes behind them."""
        return self.seconds * (1 - _RESERVE) - behind

    def too_short(self, error: TooShort) -> ConfigError:
        """The one line that names the shortest budget that works."""
        needs = (_ROOM * (error.spent + error.needs) + _MOMENT) / (1 - _RESERVE)
        return ConfigError(
            f"--budget {self.text}: too short for {error.model}, the first model of the portfolio: "
            f"{error.spent:.0f} s went by before it is trained, which takes about {error.needs:.0f} s; the shortest "
            f"that works is about {max(1, round(needs + 0.5))}s"
        )


def run_portfolio(
    config: TaskConfig,
    budget: TimeBudget,
    *,
    models: Sequence[str] | None = None,
    out: Path,
    cache: Path,
    jobs: int,
    command: Sequence[str],
    progress: Progress,
) -> AnyEvaluation:
    """Train what the budget has time for, combine it, and judge all of it on the test part, once.

    Finished trainings are kept in the cache until the run folder is there: the same command takes them over, with a
    budget that begins anew.

    Args:
        config: the task; its own models are not trained, those of ``portfolio`` are.
        budget: the time up to the evaluation.
        models: only these of the portfolio; None takes all.
        out: the run folder, which must not exist yet.
        cache: where prepared events and unfinished trainings are kept.
        jobs: trainings side by side, each with one thread.
        command: what the user typed, for the record.
        progress: shows every long step.

    Raises:
        ConfigError: if the budget is too short for the first model, or the portfolio can't be trained so.
        TrainingError: if every training fails.
    """
    if config.train.processes > 1:
        raise ConfigError(
            f"train.processes is {config.train.processes}: with --budget every training has one process; leave it out"
        )
    _require_known(config, models)
    train = _Budgeted(config=config, budget=budget, names=models, jobs=jobs, progress=progress)
    if config.portfolio is not None:  # what is wrong with its models is told before anything is read
        config = config.model_copy(update={"models": dict(config.portfolio.models)})
    return carry_out(config, train, out=out, cache=cache, jobs=jobs, command=command, progress=progress)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Budgeted:
    """What trains the models of a budgeted run."""

    config: TaskConfig
    budget: TimeBudget
    names: Sequence[str] | None
    jobs: int
    progress: Progress
    left: list[LeftOut] = field(default_factory=list)

    def __call__(self, parts: Split, folder: Path, unfinished: Unfinished) -> Trained:
        """Train, and select the ensemble."""
        read = Span(what="reading the data", kind="other", begin=0.0, end=self.budget.now())
        portfolio = self._portfolio(parts)
        models = self._possible(portfolio, parts)
        selecting = Selecting(parts, by=self.config.selects_by, steps=portfolio.steps, seed=self.config.seed)
        work = Portfolio(models, parts, self.config, seeds=portfolio.seeds, selecting=selecting)
        try:
            self._trained(work, selecting, folder, unfinished)
        except TooShort as error:
            raise self.budget.too_short(error) from None
        self.left.extend(work.left)
        for left in work.left:
            if left.state == "failed":
                record(folder, "training failed", f"{left.name}: {left.why}")
        if not work.fitted:
            raise TrainingError(f"no model of the portfolio could be trained; {self.left[0].why}")
        began = self.budget.now()
        weights = selecting.weights()
        fair = selecting.fair_sentence(ENSEMBLE)
        used = self.budget.now()
        kept = work.kept(weights)
        ensemble = EnsembleConfig(members=weights, loss=_loss([kept[name] for name in weights]))
        fitted = {ENSEMBLE: combine(ENSEMBLE, ensemble, kept), **kept}
        told = Told(
            config=self.config,
            ensemble=ENSEMBLE,
            weights=ensemble.members,
            budget=self.budget.seconds,
            used=used,
            at_once=self.jobs,
            skipped=tuple(self.left),
            cut=work.cut,
            spans=(read, *work.spans, Span(what="selecting the ensemble", kind="other", begin=began, end=used)),
            notes=(*work.notes(kept), *filter(None, (fair,))),
        )
        config = self.config.model_copy(
            update={"models": {name: one.config for name, one in fitted.items()}, "portfolio": portfolio}
        )
        run = Run(parts=parts, models=fitted, seed=self.config.seed)
        look_into = selecting.most_telling(weights, kept)
        return Trained(run=run, config=config, by="hepsieve run --budget", look_into=look_into, finish=told.beside)

    def _trained(self, work: Portfolio, selecting: Selecting, folder: Path, unfinished: Unfinished) -> None:
        stores = unfinished.stores if unfinished.stores is not None else InputStores(unfinished.folder / "inputs")
        with (
            using_threads(1),
            TemporaryDirectory(prefix="handed-", dir=scratch_folder()) as handed,
            LocalEngine(self.jobs, threads=1) as engine,
            self.progress.task(f"portfolio within {self.budget.text}", self.budget.seconds) as advance,
            (folder / files.HISTORY).open("a", encoding="utf-8") as history,
        ):
            work.train(
                engine,
                stores=stores,
                unfinished=unfinished,
                handed=Path(handed),
                deadline=lambda: self.budget.deadline(selecting.seconds(more=self.jobs)),
                now=self.budget.now,
                advance=advance,
                history=lambda epoch: history.write(epoch.model_dump_json() + "\n"),
            )

    def _portfolio(self, parts: Split) -> PortfolioConfig:
        """That of the task, or the one for such data; with the chosen models alone."""
        found = self.config.portfolio if self.config.portfolio is not None else default_portfolio(_sees(parts))
        if self.names is None:
            return found
        return found.model_copy(update={"models": _chosen(found.models, self.names, self.config.task)})

    def _possible(self, portfolio: PortfolioConfig, parts: Split) -> dict[str, ModelConfig]:
        """Its models, of a portfolio that nobody wrote for these data those that they can feed."""
        require_processes(portfolio.models.values(), self.config.train)
        if self.config.portfolio is not None or self.names is not None:
            require_inputs(portfolio.models, parts, self.config.prepare, self.config.train)
            return dict(portfolio.models)
        possible = {}
        for name, model in portfolio.models.items():
            try:
                require_inputs({name: model}, parts, self.config.prepare, self.config.train)
            except ConfigError as error:
                self.left.append(LeftOut(name=name, why=str(error)))
            else:
                possible[name] = model
        if not possible:
            raise ConfigError(f"portfolio: these data can feed none of its models: {self.left[0].why}")
        return possible


def _sees(parts: Split) -> Sees:
    if are_images(parts.train):
        return "images"
    return "waveforms" if are_waveforms(parts.train) else "tables"


def _require_known(config: TaskConfig, names: Sequence[str] | None) -> None:
    """Refuse, before anything is read, names that no portfolio has."""
    if names is None:
        return
    if config.portfolio is not None:
        _chosen(config.portfolio.models, names, config.task)
        return
    every: tuple[Sees, ...] = ("tables", "images", "waveforms")
    _chosen({name: m for sees in every for name, m in default_portfolio(sees).models.items()}, names, config.task)


def _chosen(models: Mapping[str, ModelConfig], names: Sequence[str], task: str) -> dict[str, ModelConfig]:
    wanted = [name.strip() for name in names]
    for name in wanted:
        if name not in models:
            raise ConfigError(f"--models: no model {name!r} in the portfolio of {task}; it has {', '.join(models)}")
    return {name: model for name, model in models.items() if name in wanted}


def _loss(members: Sequence[Fitted]) -> Literal["gaussian"] | None:
    """``gaussian`` where all of them predict their own errors."""
    return "gaussian" if all(one.config.loss == "gaussian" for one in members) else None
