"""The frozen result of a portfolio: the models that a budget could train, their ensemble, and what it gained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.selection_results import SIGNIFICANT


class LeaderboardRow(Result):
    """One model of the run.

    Attributes:
        name: of the model.
        kind: ``trees``, ``mlp`` and so on; ``ensemble`` of what combines the others.
        seconds: that its training took; of the ensemble those of all its members.
        weight: in the ensemble; 0 of a model that is not in it, None of the ensemble itself.
        validation: the figure that models were chosen by.
        test: the figure that is compared.
        difference: its test figure minus that of the ensemble, paired; None of the ensemble itself.
        p_value: of no difference, two-sided.
        p_adjusted: the same after Holm's correction for all other models of the run.
        cut: how its training was cut short by the budget, in a few words; empty where it was not.
    """

    name: str
    kind: str
    seconds: float
    weight: float | None
    validation: Quantity
    test: Quantity
    difference: Quantity | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    cut: str = ""

    @property
    def significant(self) -> bool:
        """Whether the difference stands at 5 % after the correction."""
        return self.p_adjusted is not None and self.p_adjusted < SIGNIFICANT


class EnsembleMembers(Result):
    """What an ensemble is made of: its name among the models, and by member a weight; the weights add up to 1."""

    name: str
    weights: dict[str, float]


class LeftOut(Result):
    """A model of the portfolio that is not in the run.

    Attributes:
        name: of the model.
        state: ``skipped`` as it would not have fitted into the budget; ``failed`` tells why in ``why``.
        why: in one line.
        needs: the seconds that its training was estimated to take; None where that is not known.
    """

    name: str
    state: Literal["skipped", "failed"] = "skipped"
    why: str
    needs: float | None = None


class Span(Result):
    """What a part of the budget went into.

    Attributes:
        what: a model, or what was done.
        kind: ``training``; ``pilot`` for the estimate of what a training costs; ``other`` is everything else.
        begin: seconds since the budget's clock started.
        end: likewise.
    """

    what: str
    kind: Literal["training", "pilot", "other"] = "training"
    begin: float
    end: float


class Leaderboard(Result):
    """All models of a portfolio beside their ensemble, on events that chose none of them.

    Attributes:
        metric: ``auc`` or ``rmse``, the figure on test.
        by: what models and weights were chosen by, on ``on``.
        on: the events that chose.
        rows: the ensemble first, the others by their figure on ``on``, the best first.
        ensemble: its members and their weights.
        best_single: the model, among all but the ensemble, that ``on`` prefers.
        gain: how much better the ensemble's test figure is than that of ``best_single``, paired; positive is better in
            every metric.
        p_value: of no gain, two-sided. It is one question that was asked before the test part was opened, and is not
            corrected for the others.
        skipped: what could not be trained.
        budget: seconds that were given, up to the evaluation.
        used: seconds of them that went by.
        at_once: trainings side by side.
        spans: what the time went into, in the order of their beginning.
        notes: what else is to be said, a sentence each.
    """

    metric: Literal["auc", "rmse"]
    by: str
    on: Literal["validation", "out-of-fold"] = "validation"
    rows: tuple[LeaderboardRow, ...]
    ensemble: EnsembleMembers
    best_single: str
    gain: Quantity
    p_value: float | None
    skipped: tuple[LeftOut, ...] = ()
    budget: float
    used: float
    at_once: int = 1
    spans: tuple[Span, ...] = ()
    notes: tuple[str, ...] = Field(default=())

    @model_validator(mode="after")
    def _named_models_are_there(self) -> Leaderboard:
        known = {row.name for row in self.rows}
        for what, name in (("ensemble", self.ensemble.name), ("best single model", self.best_single)):
            if name not in known:
                raise ValueError(f"the {what}, {name}, is none of the models {', '.join(sorted(known))}")
        return self

    def row(self, name: str) -> LeaderboardRow:
        """What is known of one of the models."""
        return next(row for row in self.rows if row.name == name)

    @property
    def significant(self) -> bool:
        """Whether the ensemble differs from the best single model at 5 %."""
        return self.p_value is not None and self.p_value < SIGNIFICANT

    @property
    def alone(self) -> bool:
        """Whether the ensemble is the best single model and nothing else."""
        return set(self.ensemble.weights) == {self.best_single}
