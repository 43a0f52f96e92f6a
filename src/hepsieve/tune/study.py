"""A search: trials side by side by a virtual clock, each proposed by the figures of those that are over by then."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Literal

from hepsieve.errors import ConfigError, DataError, TrainingError, WorkerLost
from hepsieve.tune.budget import Budget, Clock
from hepsieve.tune.clock import WHOLE, Ladder, VirtualClock, halving
from hepsieve.tune.journal import Event, Journal, Recorded
from hepsieve.tune.sampling import Halving, Sampling
from hepsieve.tune.space import Space
from hepsieve.tune.trial_values import Point, Proposal, Study, TrialOutcome, Tried
from hepsieve.tune_config import TuneConfig

TryOut = Callable[[Proposal], Future[TrialOutcome]]
_FAILURES = (TrainingError, ConfigError, DataError, WorkerLost)


def run_study(
    space: Space,
    tune: TuneConfig,
    folder: Path,
    try_out: TryOut,
    *,
    seed: int,
    workers: int,
    clock: Clock = time.monotonic,
    on_trial: Callable[[Tried], None] = lambda tried: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Study:
    """Search a space, or go on with a search that was interrupted: it ends as if it had not been.

    The same trials come for any number of workers, in whichever order they finish; a time budget is outside this.

    Args:
        space: of the points.
        tune: how, and for how long.
        folder: of the study, which nobody else may work in meanwhile; the journal is kept there.
        try_out: sends a proposal to a worker. A trial that was interrupted, or whose line the journal lost, is sent
            again, with the same number, values and share.
        seed: of the choice of points.
        workers: how many proposals are carried out at a time. It changes no trial.
        clock: tells seconds, for the time budget.
        on_trial: hears of every trial that is over, also of those that the journal has.
        on_note: hears what else is to be said, a sentence each.

    Raises:
        IntegrityError: if the folder holds another study.
        TrainingError: if every trial fails.
    """
    ladder = halving(tune.reduction) if tune.method == "halving" else WHOLE
    journal = Journal(folder, space, ladder, seed=seed, on_note=on_note)
    recorded = journal.recorded()
    spent = max((event.spent for one in recorded for event in one.events), default=0.0)
    going = _Going(
        space=space,
        ladder=ladder,
        journal=journal,
        recorded=recorded,
        sampling=Sampling(space, seed=seed),
        halving=Halving(space),
        budget=Budget(trials=tune.most_trials, seconds=tune.time, spent=spent, clock=clock),
        # Of these methods no proposal depends on a figure: no worker need wait.
        at_once=max(tune.at_once, 2 * workers) if tune.method in ("random", "grid") else tune.at_once,
        try_out=try_out,
        on_trial=on_trial,
    )
    if recorded:
        running = sum(one.running for one in recorded)
        again = f"; {running} that did not end are taken up again" if running else ""
        on_note(f"study: goes on after {len(recorded) - running} trials{again}")
    try:
        going.go_on()
    finally:
        going.cancel()
    return _study(space, tune, journal.recorded(), going)


@dataclass(kw_only=True)
class _Going:
    """A search while it goes on.

    What the journal has happens once more, in the same order, without a worker: then everything is as it was.
    """

    space: Space
    ladder: Ladder
    journal: Journal
    recorded: list[Recorded]
    sampling: Sampling
    halving: Halving
    budget: Budget
    at_once: int
    try_out: TryOut
    on_trial: Callable[[Tried], None]
    clock: VirtualClock = field(default_factory=VirtualClock)
    used_up: bool = False
    _points: list[Point] = field(default_factory=list)
    _heard: list[int] = field(default_factory=list)  # events of each trial
    _futures: dict[int, Future[TrialOutcome]] = field(default_factory=dict)

    def go_on(self) -> None:
        """Begin trials, and hear of them, until the search is over."""
        while True:
            while len(self.clock) < self.at_once and self._begin():
                pass
            if not len(self.clock):
                return
            number = self.clock.next()
            event = self._known(number)
            self._hear(number, event if event is not None else self._outcome(number))

    def cancel(self) -> None:
        """Take back what no worker has begun."""
        for future in self._futures.values():
            future.cancel()

    def _begin(self) -> bool:
        number = len(self._points)
        if number < len(self.recorded):
            self._points.append(self.recorded[number].point)
        else:
            point = self._proposed(number)
            if point is None:
                return False
            self.journal.begin(number, point)
            self._points.append(point)
        self._heard.append(0)
        self._expect(number)
        return True

    def _proposed(self, number: int) -> Point | None:
        if self.used_up or not self.budget.allows(number):
            return None
        point = self.sampling.propose(number, self.journal.trials_with(self._heard))
        self.used_up = point is None
        return point

    def _known(self, number: int) -> Event | None:
        """What the journal says of a trial's next rung."""
        rung = self._heard[number]
        if number >= len(self.recorded) or rung >= len(self.recorded[number].events):
            return None
        return self.recorded[number].events[rung]

    def _expect(self, number: int) -> None:
        rung = self._heard[number]
        self.clock.expect(number, self.clock.now + self.ladder.length(rung))
        if self._known(number) is None:
            self._futures[number] = self._sent(number, self._points[number], self.ladder.share(rung))

    def _sent(self, number: int, point: Point, share: float) -> Future[TrialOutcome]:
        try:
            model, task = self.space.at(point)
        except ConfigError as error:
            refused: Future[TrialOutcome] = Future()
            refused.set_exception(error)
            return refused
        return self.try_out(Proposal(number=number, point=point, model=model, task=task, share=share))

    def _outcome(self, number: int) -> TrialOutcome:
        try:
            outcome = self._futures.pop(number).result()
        except _FAILURES as error:
            return _failed(str(error))
        except MemoryError:
            return _failed("out of memory")
        if not outcome.error and (outcome.figure is None or not isfinite(outcome.figure)):
            return _failed(f"its figure is {outcome.figure}", seconds=outcome.seconds, epochs=outcome.epochs)
        return outcome

    def _hear(self, number: int, told: TrialOutcome | Event) -> None:
        rung = self._heard[number]
        figure = None if told.error else told.figure
        goes_on = rung < self.ladder.last and figure is not None and self.halving.goes_on(rung, figure)
        event = told if isinstance(told, Event) else self._event(told, rung, goes_on)
        if event is not told:
            self.journal.add(number, rung, event)
        self._heard[number] += 1
        if event.state == "running":
            self._expect(number)
        else:
            self.on_trial(_tried(self.space, self.ladder, self.journal.one(number)))

    def _event(self, outcome: TrialOutcome, rung: int, goes_on: bool) -> Event:
        state: Literal["running", "finished", "stopped", "failed"] = "running" if goes_on else "stopped"
        if outcome.error or outcome.figure is None:
            state = "failed"
        elif rung == self.ladder.last or outcome.ended:
            state = "finished"
        return Event(
            state=state,
            figure=None if state == "failed" or outcome.figure is None else float(outcome.figure),
            seconds=float(outcome.seconds),
            epochs=outcome.epochs,
            error=" ".join(outcome.error.split()),
            spent=self.budget.spent,
        )


def _failed(error: str, *, seconds: float = 0.0, epochs: int | None = None) -> TrialOutcome:
    return TrialOutcome(figure=None, epochs=epochs, seconds=seconds, error=error, ended=True)


def _tried(space: Space, ladder: Ladder, recorded: Recorded) -> Tried:
    last = recorded.events[-1]
    assert last.state != "running"
    passed = [(ladder.share(rung), event.figure) for rung, event in enumerate(recorded.events)]
    return Tried(
        number=recorded.number,
        point=recorded.point,
        model=space.model_of(recorded.point),
        state=last.state,
        figure=last.figure,
        rungs=tuple(
            (share, figure)
            for (share, figure), event in zip(passed, recorded.events, strict=True)
            if figure is not None and event.state in ("running", "stopped")
        ),
        seconds=last.seconds,
        epochs=last.epochs,
        error=last.error,
        spent=last.spent,
    )


def _study(space: Space, tune: TuneConfig, recorded: list[Recorded], going: _Going) -> Study:
    trials = tuple(map(partial(_tried, space, going.ladder), recorded))
    if not any(trial.state == "finished" for trial in trials):
        failed = [trial for trial in trials if trial.state == "failed"]
        what = f"each of {len(trials)} trials failed"
        if len(failed) < len(trials):
            what = f"none of {len(trials)} trials came to its end: {len(failed)} failed, the others were stopped early"
        raise TrainingError(f"{what}; the first: {failed[0].error}")
    notes = []
    limit = tune.most_trials
    # That a grid has all its points is what was asked for, unless a number or a time was.
    bounded = limit is not None or tune.time is not None
    if going.used_up and bounded and (limit is None or len(trials) < limit):
        notes.append(f"The space has no more than {len(trials)} points, and each was tried.")
    elif going.budget.over and (limit is None or len(trials) < limit):
        notes.append(f"The time was over after {len(trials)} trials.")
    return Study(trials=trials, better=space.better, notes=tuple(notes))
