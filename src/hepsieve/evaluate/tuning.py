"""The frozen result of a search for settings: its trials, what its parameters matter, and what its choice is worth."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.quantity import Quantity

Setting = str | int | float | bool | None


class TriedPoint(Result):
    """One trial of a search.

    Attributes:
        number: of the trial, from 0.
        settings: the value as shown by dotted path into the task; a path whose condition did not hold is missing.
        state: ``stopped`` before its training was over, as others were ahead; ``failed`` tells why in ``error``.
        figure: what the search went by, on validation or held-out folds; of a stopped trial that of its last rung. None
            of a failed one.
        rungs: figures on the way, by the share of the training that was over, such as ``0.3333``.
        seconds: that its trainings took.
        epochs: that were trained, or boosting rounds; over folds their sum. None where it is not known.
        error: why it failed, in one line.
    """

    number: int = Field(ge=0)
    settings: dict[str, Setting]
    state: Literal["finished", "stopped", "failed"]
    figure: float | None
    rungs: dict[str, float] = Field(default_factory=dict)
    seconds: float
    epochs: int | None = None
    error: str = ""


class Optimism(Result):
    """How much of the figure that a model was chosen by was luck, by its figure on events that chose nothing.

    Attributes:
        chosen: the figure of the best trial, by which it was chosen.
        validation: of the winner, trained again, on the validation part; where held-out folds chose, of it there.
        test: of the same model on the test part.
        difference: how much better than on test it looked where it was chosen: positive in every metric.
        at_most: what the choice alone makes of that on average, at most: as if all trials were equally good, with
            figures that fluctuate independently of each other. Those of the same events fluctuate together, so that it
            is less.
        says: all of it in a sentence.
    """

    chosen: float
    validation: Quantity
    test: Quantity
    difference: Quantity
    at_most: float | None = None
    says: str = ""


class Tuning(Result):
    """A search over settings, by figures that no test event had a part in.

    Attributes:
        metric: ``auc``, ``log_loss``, ``accuracy``, ``rmse`` or ``mae``.
        better: which figures of it win.
        method: ``tpe``, ``random``, ``grid`` or ``halving``.
        folds: how many folds inside the training part judged each trial; None where the validation part did.
        at_once: trials side by side.
        parameters: dotted paths into the task that were searched.
        trials: in the order of their numbers.
        best: the number of the winner.
        importance: by parameter, how much it mattered for being among the best trials; adds up to 1. Empty of
            few trials.
        untuned: the model of the run that has the task's own settings; None where it was not trained.
        tuned: the model of the run that has the winner's settings.
        optimism: None where the figure that was chosen by is not known on test.
        notes: what else is to be said, a sentence each.
    """

    metric: str
    better: Literal["larger", "smaller"]
    method: str
    folds: int | None = None
    at_once: int = 1
    parameters: tuple[str, ...]
    trials: tuple[TriedPoint, ...]
    best: int
    importance: dict[str, float] = Field(default_factory=dict)
    untuned: str | None = None
    tuned: str
    optimism: Optimism | None = None
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _best_is_a_trial(self) -> Tuning:
        if not any(trial.number == self.best and trial.figure is not None for trial in self.trials):
            raise ValueError(f"the best trial, {self.best}, is none of the trials that have a figure")
        return self

    @property
    def winner(self) -> TriedPoint:
        """The best trial."""
        return next(trial for trial in self.trials if trial.number == self.best)
