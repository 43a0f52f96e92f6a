"""Figures and paired differences of a portfolio's models turned into the rows of its leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

from hepsieve.errors import DataError
from hepsieve.evaluate.choose import less_is_better
from hepsieve.evaluate.evaluation import AnyModel
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.leaderboard import LeaderboardRow
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.results import Comparison


@dataclass(frozen=True, kw_only=True)
class Standings:
    """How the models of a portfolio stand; the attributes are those of a ``Leaderboard``."""

    rows: tuple[LeaderboardRow, ...]
    best_single: str
    gain: Quantity
    p_value: float | None


def standings(
    models: Mapping[str, AnyModel],
    compared: Sequence[Comparison],
    *,
    ensemble: str,
    weights: Mapping[str, float],
    by: str,
    metric: Literal["auc", "rmse"],
    cut: Mapping[str, str],
) -> Standings:
    """The models beside their ensemble, in an order that no test figure has a part in.

    The best single model is the one that validation prefers, as the run would have without an ensemble; of equals the
    first. Its paired test against the ensemble is the one question that is asked of the ensemble beforehand, so that
    its p-value stands as it is. The others are a family of tests with Holm's correction, as of ``compare_to_best``.

    Args:
        models: what is quoted about each model, by name.
        compared: every other model against the ensemble, on the same test events (``compare_to_best`` and
            ``compare_regressions``).
        ensemble: the name of the ensemble.
        weights: by member of the ensemble.
        by: the validation figure that models are chosen by.
        metric: the test figure that is compared.
        cut: by model whose training was cut short, how.

    Raises:
        DataError: if there is no model beside the ensemble, or no model has a validation figure.
    """
    worst_last = {name: _worse(model, by) for name, model in models.items() if name != ensemble}
    order = sorted(worst_last, key=worst_last.__getitem__)
    if not order or worst_last[order[0]] == inf:
        raise DataError(f"no model beside {ensemble} has a validation {by}; there is nothing to compare it with")
    told = {one.model: one for one in compared}
    rows = tuple(
        LeaderboardRow(
            name=name,
            kind=models[name].kind,
            seconds=models[name].train_seconds,
            weight=None if name == ensemble else weights.get(name, 0.0),
            validation=models[name].validation.get(by, UNDEFINED),
            test=models[name].metrics.get(metric, UNDEFINED),
            difference=told[name].difference if name in told else None,
            p_value=told[name].p_value if name in told else None,
            p_adjusted=told[name].p_adjusted if name in told else None,
            cut=cut.get(name, ""),
        )
        for name in (ensemble, *order)
    )
    best = rows[1]
    gain = UNDEFINED if best.difference is None else best.difference
    return Standings(
        rows=rows,
        best_single=best.name,
        gain=gain if less_is_better(metric) else _opposite(gain),
        p_value=best.p_value,
    )


def _worse(model: AnyModel, by: str) -> float:
    """The validation figure, the better the smaller."""
    found = model.validation.get(by)
    if found is None or found.value is None:
        return inf
    return found.value if less_is_better(by) else -found.value


def _opposite(quantity: Quantity) -> Quantity:
    value, low, high = (None if one is None else 0.0 - one for one in (quantity.value, quantity.high, quantity.low))
    return Quantity(value=value, low=low, high=high)
