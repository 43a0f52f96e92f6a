"""Trials as they are proposed, as workers tell of them, and as a study remembers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from hepsieve.config import TaskConfig

Point = dict[str, Any]
"""By path the value of every parameter that counts; where several models are tuned, ``model`` is which one."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A trial to carry out, or to go on with.

    Attributes:
        number: of the trial, from 0.
        point: its values.
        model: the name of its model.
        task: with these values set, and that model alone.
        share: of its whole training after which its figure is wanted; 1 is all of it.
    """

    number: int
    point: Point
    model: str
    task: TaskConfig
    share: float


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    """What a worker tells of a proposal.

    Attributes:
        figure: what trials are compared by; None where there is none.
        epochs: that were trained so far, or boosting rounds.
        seconds: that its trainings took so far.
        error: why it failed, in one line; empty if it did not.
        ended: whether the training came to its end, perhaps before the share was up: nothing is left to go on with.
    """

    figure: float | None
    epochs: int | None
    seconds: float
    error: str = ""
    ended: bool = True


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A trial that is over.

    Attributes:
        number: from 0, in the order in which trials were begun.
        point: its values.
        model: the name of its model.
        state: ``stopped`` at a rung, as others were ahead; ``failed`` tells why in ``error``.
        figure: of a stopped trial that of its last rung; None of a failed one.
        rungs: shares of the training before the whole, and the figures there.
        seconds: that its trainings took.
        epochs: that were trained; None where it is not known.
        error: why it failed.
        spent: seconds that the search took by then, those before an interruption among them.
    """

    number: int
    point: Point
    model: str
    state: Literal["finished", "stopped", "failed"]
    figure: float | None
    rungs: tuple[tuple[float, float], ...] = ()
    seconds: float = 0.0
    epochs: int | None = None
    error: str = ""
    spent: float = field(default=0.0, compare=False, repr=False)  # by the clock on the wall


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a search found.

    Attributes:
        trials: in the order of their numbers.
        better: which figures win.
        notes: what is to be said about it, a sentence each.
    """

    trials: tuple[Tried, ...]
    better: Literal["larger", "smaller"]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Tried:
        """The finished trial with the best figure; of equal ones the first."""
        sign = -1 if self.better == "larger" else 1
        finished = [trial for trial in self.trials if trial.state == "finished" and trial.figure is not None]
        return min(finished, key=lambda trial: (sign * float(trial.figure or 0.0), trial.number))
