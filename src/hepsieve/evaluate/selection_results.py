"""The frozen result of asking what choosing the best of several models gives by itself, and its words."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from typing import Literal

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.quantity import Quantity

On = Literal["validation", "out-of-fold", "test"]
SIGNIFICANT = 0.05
_ON: Mapping[On, str] = {"validation": "on validation", "out-of-fold": "out of fold", "test": "on these test events"}


class Selection(Result):
    """What choosing the best of several models gives by itself, beside the lead that the chosen one has.

    Attributes:
        on: the events that chose.
        by: the metric.
        winner: the chosen model.
        runner_up: the next best.
        lead: how much better the winner's figure is than that of the runner-up, paired; positive in every metric.
        lead_over_mean: how much better than the mean of all models.
        expected_lead: the mean lead over the next that the best of equally good models has.
        expected_high: what that lead stays below in 95 % of cases.
        expected_over_mean: the mean lead over the mean of all models, likewise: so much too good the winner's figure
            looks on the events that chose it.
        expected_over_mean_high: what this stays below in 95 % of cases.
        p_value: how often the best of equally good models leads the next by this much.
        p_ahead: the largest of the two-sided, paired p-values of the winner against each other model: below 5 % the
            winner is ahead of all, however many of the others are equally good.
        n_models: among how many was chosen.
        says: all of it in a sentence.
    """

    on: On
    by: str
    winner: str
    runner_up: str
    lead: Quantity
    lead_over_mean: Quantity
    expected_lead: float
    expected_high: float
    expected_over_mean: float
    expected_over_mean_high: float
    p_value: float
    p_ahead: float
    n_models: int
    says: str

    @property
    def evidence(self) -> bool:
        """Whether the lead is more than choosing gives by itself, and the winner ahead of every other model."""
        return max(self.p_value, self.p_ahead) < SIGNIFICANT


def selection_sentence(found: Selection, *, word: str) -> str:
    """The lead beside what choosing gives; ``word`` is what the metric is called."""
    where, n = _ON[found.on], found.n_models
    lead = found.lead.value or 0.0
    if lead <= 0:
        return f"{found.winner} and {found.runner_up} are level in {word} {where}: the choice is no evidence."
    places = _places(max(found.expected_high, lead))
    if n == 2:
        leads = f"{found.winner} leads {found.runner_up} {where} by {lead:.{places}f} in {word}"
        equal = "choosing the better of two equal models"
    else:
        leads = f"Of {n} models, {found.winner} leads {where} by {lead:.{places}f} in {word} over the next, "
        leads, equal = leads + found.runner_up, f"choosing the best of {n} equal models"
    gives = f"{found.expected_lead:.{places}f} (up to {found.expected_high:.{places}f}) by itself"
    if found.p_value >= SIGNIFICANT:
        verdict = "the choice is no evidence that it is better"
    elif found.evidence:
        verdict = f"the lead is more than the choice explains ({_p(found.p_ahead)})"
    else:
        verdict = f"not all are equal, but the winner need not be the best of them ({_p(found.p_ahead)})"
    return f"{leads}; {equal} would give {gives}: {verdict}."


def _places(largest: float) -> int:
    """Decimals that show two digits of the smaller figures beside this one; of what is below 1 at least four."""
    return min(max(2 - floor(log10(largest)), 4 if largest < 1 else 0), 9) if largest > 0 else 4


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
