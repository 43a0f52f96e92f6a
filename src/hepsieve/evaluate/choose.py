"""Choose the best model, on validation and never on test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hepsieve.errors import DataError
from hepsieve.evaluate.results import Quantity

_TITLES = {
    "auc": "AUC",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "rmse": "RMSE",
    "mae": "MAE",
    "brier": "Brier score",
}
_LESS_IS_BETTER = ("log_loss", "brier", "ece", "rmse", "mae", "resolution")


def metric_word(metric: str) -> str:
    """What a metric is called within a sentence.

    >>> metric_word("auc"), metric_word("log_loss"), metric_word("background_rejection@0.50")
    ('AUC', 'log loss', 'background rejection at 0.50')
    """
    return _TITLES.get(metric, metric.replace("_", " ").replace("@", " at "))


def less_is_better(metric: str) -> bool:
    """Whether the smallest figure of this metric wins."""
    return metric in _LESS_IS_BETTER


class Validated(Protocol):
    """What was found out about a model, of which only the figures on validation count here."""

    @property
    def validation(self) -> Mapping[str, Quantity]:
        """The figures on validation by name."""


def choose_best(models: Mapping[str, Validated], by: str) -> tuple[str, str]:
    """The name of the best model and a sentence that says why.

    Args:
        models: the evaluations by name; of equals, the first wins.
        by: the validation metric: of ``auc`` and ``accuracy`` the largest wins, of ``log_loss``, ``brier``, ``ece``,
            ``rmse`` and ``mae`` the smallest.

    Raises:
        DataError: if no model has this figure on validation.
    """
    known = {name: model.validation[by] for name, model in models.items() if by in model.validation}
    values = {name: quantity.value for name, quantity in known.items() if quantity.value is not None}
    if not values:
        raise DataError(f"no model has a validation {by}; choose another metric or give more validation events")
    sign = -1.0 if by in _LESS_IS_BETTER else 1.0
    order = sorted(values, key=lambda name: -sign * values[name])
    best, title = order[0], _TITLES.get(by, by)
    extreme = "largest" if sign > 0 else "smallest"
    if len(models) == 1:
        return best, f"{best} is the only model; its validation {title} is {_shown(known[best])}."
    sentence = f"{best} has the {extreme} validation {title}, {_shown(known[best])}"
    if len(order) == 1:
        return best, f"{sentence}; the others have none."
    if values[best] == values[order[1]]:
        return best, f"{sentence}, as has {order[1]}; of equals the first is taken."
    apart = "" if _apart(known[best], known[order[1]]) else ", within each other's intervals"
    return best, f"{sentence}, ahead of {order[1]} with {_shown(known[order[1]])}{apart}."


def _shown(quantity: Quantity) -> str:
    interval = "" if quantity.low is None or quantity.high is None else f" ({quantity.low:.4f}–{quantity.high:.4f})"
    return f"{quantity.value:.4f}{interval}"


def _apart(first: Quantity, second: Quantity) -> bool:
    """Whether neither interval holds the other's figure."""
    return not any(
        one.value is not None
        and other.low is not None
        and other.high is not None
        and other.low <= one.value <= other.high
        for one, other in ((first, second), (second, first))
    )
