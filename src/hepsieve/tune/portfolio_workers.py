"""Processes of this machine that train a portfolio by the clock, and keep what they finish."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from hepsieve.engines import LocalEngine
from hepsieve.errors import HepsieveError, TrainingError, WorkerLost
from hepsieve.evaluate.leaderboard import Span
from hepsieve.models.config import ModelConfig
from hepsieve.train.elsewhere import Order, Outcome, brought_back
from hepsieve.train.input_stores import InputStores
from hepsieve.train.share import most_epochs
from hepsieve.train.trained import Trained
from hepsieve.train.training import Training
from hepsieve.train.unfinished import Unfinished
from hepsieve.tune.budget import Clock
from hepsieve.tune.portfolio_costs import Cost
from hepsieve.tune.portfolio_plan import Ended, Job
from hepsieve.tune.portfolio_worker import Piece, carry_out_piece, handed_in, shares_of

_PILOT_EPOCHS = 2
_PILOT_ROUNDS = 25


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sent:
    """A job on its way."""

    job: Job
    training: Training
    piece: Piece
    future: Future[Outcome]
    since: float


class TrainingProcesses:
    """What carries out the jobs of a plan in processes with one thread each.

    Attributes:
        done: by model, its trainings by number, as far as they are over.
        spans: what the processes were at, and when.
    """

    def __init__(
        self,
        engine: LocalEngine,
        trainings: Callable[[str], Iterable[Training]],
        *,
        stores: InputStores,
        unfinished: Unfinished,
        handed: Path,
        seconds: Callable[[Training], float],
        now: Clock,
    ) -> None:
        """Begin with nothing.

        Args:
            engine: the processes.
            trainings: those of a model.
            stores: where what they get is written.
            unfinished: where finished ones are kept, and taken from.
            handed: an empty folder for what is handed in before the end.
            seconds: that a training will probably take.
            now: seconds since the budget's clock started.
        """
        self._engine, self._trainings, self._stores = engine, trainings, stores
        self._unfinished, self._handed, self._seconds, self._now = unfinished, handed, seconds, now
        self._prepared: dict[str, list[Training]] = {}
        self._sent: list[_Sent] = []
        self._known: deque[Ended] = deque()
        self.done: dict[str, dict[int, tuple[Training, Trained]]] = {}
        self.spans: list[Span] = []

    @property
    def at_once(self) -> int:
        """How many jobs are carried out at a time."""
        return self._engine.workers

    def now(self) -> float:
        """Seconds since the budget's clock started."""
        return self._now()

    def begin(self, job: Job) -> None:
        """Send a job, or take over what an interrupted run left of it."""
        try:
            training = self._training(job)
        except HepsieveError as error:
            self._known.append(Ended(job=job, cost=None, error=str(error)))
            return
        taken = self.done.get(job.model, {}).get(job.number)
        found = taken[1] if taken is not None else self._unfinished.take(training)
        if found is not None:
            self.done.setdefault(job.model, {})[job.number] = (training, found)
            self._known.append(Ended(job=job, cost=_cost(found), known=True))
            return
        piece = self._piece(job, training)
        future = self._engine.submit(carry_out_piece, piece)
        self._sent.append(_Sent(job=job, training=training, piece=piece, future=future, since=self._now()))

    def next(self, until: float) -> Ended | None:
        """The next job that ends; None when none does until that time."""
        if self._known:
            return self._known.popleft()
        patience = None if until == inf else max(0.0, until - self._now())
        wait([sent.future for sent in self._sent], patience, return_when=FIRST_COMPLETED)
        sent = next((one for one in self._sent if one.future.done()), None)
        if sent is None:
            return None
        self._sent.remove(sent)
        self._seen(sent)
        error = sent.future.exception()
        if isinstance(error, TrainingError | WorkerLost):
            return Ended(job=sent.job, cost=None, error=" ".join(str(error).split()))
        trained = self._finished(sent)
        if sent.job.kind == "training":
            self.done.setdefault(sent.job.model, {})[sent.job.number] = (sent.training, trained)
        return Ended(job=sent.job, cost=_cost(trained))

    def cut(self) -> list[Ended]:
        """End all processes; what those handed in that had something to hand in, or were over at this moment."""
        self._engine.terminate()
        ended = []
        for sent in self._sent:
            self._seen(sent)
            if sent.job.kind != "training":
                continue
            over = not sent.future.cancelled() and sent.future.exception() is None
            found = self._finished(sent) if over else handed_in(sent.piece, sent.training.train.inputs.shape[1:])
            if found is not None:
                self.done.setdefault(sent.job.model, {})[sent.job.number] = (sent.training, found)
                ended.append(Ended(job=sent.job, cost=_cost(found), beginning=not over))
        self._sent.clear()
        return ended

    def _finished(self, sent: _Sent) -> Trained:
        """What a process brought back; a finished training is kept."""
        trained = brought_back(sent.future.result(), sent.training.config, sent.training.train.inputs.shape[1:])
        if sent.job.kind == "training":
            self._unfinished.keep(sent.training, trained)
        return trained

    def _training(self, job: Job) -> Training:
        """A training whose inputs are on disk, and mapped from there."""
        if job.model not in self._prepared:
            self._prepared[job.model] = [
                replace(one, inputs=self._stores.of(one.inputs).mapped()) for one in self._trainings(job.model)
            ]
        return self._prepared[job.model][job.number]

    def _piece(self, job: Job, training: Training) -> Piece:
        order = Order(
            title=training.title,
            config=training.config,
            settings=training.settings,
            seed=training.seed,
            inputs=self._stores.of(training.inputs),
            checkpoint=self._unfinished.checkpoint(training).folder.resolve(),
            threads=1,
        )
        shares: tuple[float, ...]
        if job.kind == "pilot":
            shares = (pilot_share(training.config, most_epochs(training.config, training.settings)),)
        else:
            shares = shares_of(training.config, self._seconds(training))
        name = hashlib.sha256(f"{job.model} {job.number}".encode()).hexdigest()[:16]
        return Piece(order=order, shares=shares, place=self._handed / name)

    def _seen(self, sent: _Sent) -> None:
        kind, now = sent.job.kind, self._now()
        self.spans.append(Span(what=sent.training.title, kind=kind, begin=sent.since, end=max(sent.since, now)))


def pilot_share(config: ModelConfig, most: int) -> float:
    """The share of a training that tells what it costs.

    >>> from hepsieve.models.config import MLPConfig, TreesConfig
    >>> pilot_share(MLPConfig(), 40), pilot_share(TreesConfig(), 1000), pilot_share(MLPConfig(), 1)
    (0.05, 0.025, 1.0)
    """
    wanted = _PILOT_ROUNDS if config.kind in ("trees", "adaboost") else _PILOT_EPOCHS
    return min(1.0, wanted / most)


def _cost(trained: Trained) -> Cost:
    return Cost.of([epoch.seconds for epoch in trained.history], trained.seconds)
