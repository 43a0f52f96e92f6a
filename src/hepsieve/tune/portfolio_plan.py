"""Which trainings of a portfolio are begun, and when: most promising first, as far as they fit into the time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, floor, inf
from typing import Literal, Protocol

from hepsieve.errors import HepsieveError
from hepsieve.tune.portfolio_costs import Cost, Costs

Kind = Literal["pilot", "training"]
_EXACT = 1e-6  # seconds that a sum of them is off by rounding


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model that may be trained.

    Attributes:
        name: in the run.
        group: of what kind it is; models of a kind are stopped early after about the same share of their training.
        trainings: how many there are, one for each fold.
        most: epochs, rounds or stages of each.
        patient: whether each may be over before that.
        draws: whether another seed gives another model.
    """

    name: str
    group: str
    trainings: int
    most: int
    patient: bool
    draws: bool


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work: a training of a model, counted from 0, or its first epochs."""

    model: str
    number: int = 0
    kind: Kind = "training"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of a job.

    Attributes:
        job: which.
        cost: what it took; None where it failed.
        beginning: whether it was cut off, and this is what it had handed in.
        error: why, in one line.
        known: whether it was carried out before, in no time.
    """

    job: Job
    cost: Cost | None
    beginning: bool = False
    error: str = ""
    known: bool = False


class Workers(Protocol):
    """Who carries the jobs out, and by whose clock."""

    @property
    def at_once(self) -> int:
        """How many jobs are carried out at a time."""

    def now(self) -> float:
        """Seconds since the budget's clock started."""

    def begin(self, job: Job) -> None:
        """Begin a job."""

    def next(self, until: float) -> Ended | None:
        """The next job that ends; None when none does until that time."""

    def cut(self) -> list[Ended]:
        """End all that run; what those that were just over, or hand in something, took."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """A model that was not trained: why, and how long that would take; ``failed`` of one that could not be."""

    name: str
    why: str
    state: Literal["skipped", "failed"] = "skipped"
    needs: float | None = None


class TooShort(HepsieveError):
    """A time in which not even the first model can be trained."""

    def __init__(self, model: str, spent: float, needs: float) -> None:
        """Tell which model, what went by before, and what it would have needed."""
        super().__init__(f"{model} needs about {needs:.0f} s more")
        self.model, self.spent, self.needs = model, spent, needs


@dataclass(kw_only=True, eq=False)
class _State:
    """Where a model stands."""

    candidate: Candidate
    stage: Literal["waiting", "pilot", "known", "training", "finished", "left"] = "waiting"
    since: float | None = None
    ended: dict[int, Ended] = field(default_factory=dict)


class Plan:
    """The trainings of a portfolio, by the time that there is.

    Each model's first epochs tell what it costs. A model whose trainings would not be over in time is left out. When
    all others are through, further trainings of those that validation likes best fill what is left.
    """

    def __init__(
        self,
        candidates: tuple[Candidate, ...],
        workers: Workers,
        *,
        deadline: Callable[[], float],
        finished: Callable[[str], float],
        again: Callable[[str, int], Candidate],
        seeds: int,
    ) -> None:
        """Begin with nothing.

        Args:
            candidates: most promising first.
            workers: who carries them out.
            deadline: when all trainings end, in the workers' time; what comes behind them may take longer the more
                models there are.
            finished: hears that all trainings of a model are over; its figure on validation, the larger the better.
            again: the same model once more, as training number 2, 3, …
            seeds: how many trainings of one model there may be in all.
        """
        self._states = {one.name: _State(candidate=one) for one in candidates}
        self._first = tuple(one.name for one in candidates)
        self._workers, self._deadline, self._finished, self._again = workers, deadline, finished, again
        self._seeds = seeds
        self._copies = {one.name: 1 for one in candidates}
        self._queue: deque[Job] = deque()
        self._running: dict[Job, float] = {}  # since when
        self._costs = Costs()
        self.figures: dict[str, float] = {}
        self.left: list[Left] = []
        self.cut: dict[str, str] = {}

    def seconds(self, name: str) -> float:
        """What one training of a model is expected to take."""
        return self._costs.seconds(self._states[name].candidate)

    def carry_out(self) -> None:
        """Train all that fits.

        Raises:
            TooShort: if not even the first model fits.
        """
        while True:
            while len(self._running) < self._workers.at_once and (job := self._choose()) is not None:
                self._running[job] = self._workers.now()
                self._workers.begin(job)
            if not self._running:
                break
            # Without the first model's cost nobody could say how long a budget it needs.
            until = inf if self._states[self._first[0]].stage == "pilot" else self._deadline()
            ended = self._workers.next(until)
            if ended is None:
                self._cut()
                break
            self._heard(ended)
        if not self.figures and not any(left.state == "failed" for left in self.left):
            self._too_short()

    def _choose(self) -> Job | None:
        if self._queue:
            return self._queue.popleft()
        pilots = 0
        for name in self._first:
            state = self._states[name]
            match state.stage:
                case "waiting" if pilots < self._workers.at_once:
                    state.stage = "pilot"
                    return Job(model=name, kind="pilot")
                case "waiting" | "pilot":
                    pilots += 1
                case "known" if pilots == 0:  # those before it were promised more
                    if self._admitted(state):
                        return self._queue.popleft()
                case _:
                    pass
        return self._more() if not pilots else None

    def _admitted(self, state: _State) -> bool:
        """Whether all trainings of this model fit; they are then put into the queue."""
        candidate = state.candidate
        end, deadline = self._end_of(candidate), self._deadline()
        if end > deadline:
            if self._first[0] == candidate.name:
                self._too_short()
            self._leave(candidate, late=end - deadline)
            state.stage = "left"
            return False
        state.stage, state.since = "training", self._workers.now()
        self._queue.extend(Job(model=candidate.name, number=number) for number in range(candidate.trainings))
        return True

    def _leave(self, candidate: Candidate, *, late: float) -> None:
        """Left out, as it would be done too late by so many seconds."""
        needs = self._alone(candidate)
        there = max(0.0, needs - late)  # when its turn comes
        why = f"it would have taken about {ceil(needs - _EXACT)} s, and {floor(there)} s were left"
        self.left.append(Left(name=candidate.name, why=why, needs=needs))

    def _alone(self, candidate: Candidate) -> float:
        """What all trainings of a model take if nobody else is at work."""
        rounds = ceil(candidate.trainings / self._workers.at_once)
        return rounds * self._costs.seconds(candidate)

    def _end_of(self, candidate: Candidate) -> float:
        """When the trainings of a model would be over, behind all that runs and waits."""
        now = self._workers.now()
        free = [now] * (self._workers.at_once - len(self._running))
        free += [max(now, since + self._seconds(job)) for job, since in self._running.items()]
        for job in self._queue:
            self._take(free, self._seconds(job))
        # Without the first model there is no run at all: that is refused only where there is no hope.
        seconds = self._costs.seconds(candidate, hopeful=candidate.name == self._first[0] and not self.figures)
        return max(self._take(free, seconds) for _ in range(candidate.trainings))

    def _seconds(self, job: Job) -> float:
        candidate = self._states[job.model].candidate
        return self._costs.seconds(candidate) if job.kind == "training" and self._costs.knows(candidate) else 0.0

    @staticmethod
    def _take(free: list[float], seconds: float) -> float:
        """When whoever is free first is done with this, too."""
        first = min(range(len(free)), key=free.__getitem__)
        free[first] += seconds
        return free[first]

    def _more(self) -> Job | None:
        """Once more a model that validation likes; the better a model, the more often."""
        for name in self._most_wanted():
            if self._end_of(self._states[name].candidate) <= self._deadline():
                self._copies[name] += 1
                copy = self._again(name, self._copies[name])
                self._costs.same(copy, self._states[name].candidate)
                self._states[copy.name] = _State(candidate=copy, stage="training")
                self._queue.extend(Job(model=copy.name, number=number) for number in range(copy.trainings))
                return self._queue.popleft()
        return None

    def _most_wanted(self) -> list[str]:
        """The models of which another seed may be trained, the most wanted first.

        Models of different kinds gain more from each other than those of one. So after the best model comes the best of
        the next kind, before the second of the same; those of a better kind come more often.
        """
        order = sorted((name for name in self._first if name in self.figures), key=lambda name: -self.figures[name])
        of_kind: dict[str, int] = {}
        wanted = []
        for rank, name in enumerate(order):
            candidate = self._states[name].candidate
            among = of_kind[candidate.group] = of_kind.get(candidate.group, 0) + 1
            kind = list(of_kind).index(candidate.group)
            if candidate.draws and self._copies[name] < self._seeds:
                copies = self._copies[name]
                wanted.append(((copies * (among + kind), copies, among, rank), name))
        return [name for _, name in sorted(wanted)]

    def _heard(self, ended: Ended) -> None:
        del self._running[ended.job]
        state = self._states[ended.job.model]
        if ended.cost is None:
            self._failed(state, ended.error)
            return
        if not ended.known or ended.job.kind == "pilot":
            self._costs.learn(state.candidate, ended.cost, whole=ended.job.kind == "training")
        if ended.job.kind == "pilot":
            state.stage = "known"
            return
        self._kept(state, ended)

    def _kept(self, state: _State, ended: Ended) -> None:
        state.ended[ended.job.number] = ended
        if len(state.ended) == state.candidate.trainings and state.stage == "training":
            state.stage = "finished"
            self.figures[state.candidate.name] = self._finished(state.candidate.name)

    def _failed(self, state: _State, error: str) -> None:
        if state.stage == "left":  # another of its trainings failed before
            return
        state.stage = "left"
        name = state.candidate.name
        self._queue = deque(job for job in self._queue if job.model != name)
        self.left.append(Left(name=name, why=error, state="failed"))

    def _cut(self) -> None:
        """The time is over: what runs is ended, and may hand in what it has."""
        ran = {job.model for job in self._running if job.kind == "training"}
        for ended in self._workers.cut():
            state = self._states[ended.job.model]
            if ended.job.kind != "training" or ended.cost is None or state.stage != "training":
                continue
            if ended.beginning:
                most = state.candidate.most
                which = "" if state.candidate.trainings == 1 else f"training {ended.job.number + 1} "
                self.cut[state.candidate.name] = f"{which}cut off after {ended.cost.epochs} of {most} epochs"
            self._kept(state, ended)
        self._running.clear()
        for name in ran:
            if self._states[name].stage == "training":
                self.cut.pop(name, None)
                self.left.append(Left(name=name, why="it was cut off when the time was over"))
                self._states[name].stage = "left"
        for name in self._first:
            state = self._states[name]
            if state.stage in ("waiting", "pilot", "known"):
                self.left.append(Left(name=name, why="the time was over before it was begun"))
                state.stage = "left"

    def _too_short(self) -> None:
        """Not even the first model: it was not begun, or took longer than was expected of it."""
        first, now = self._states[self._first[0]], self._workers.now()
        self._running.clear()
        self._queue.clear()
        since = now if first.since is None else first.since
        needs = max(self._end_of(first.candidate) - now, 2 * (now - since))
        raise TooShort(first.candidate.name, since, needs)
