"""Numbers into words: a value with its interval and sensible digits, and the table of results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from hepsieve.evaluate.evaluation import AnyEvaluation, AnyModel, models_of
from hepsieve.evaluate.results import Comparison, Quantity

UNKNOWN = "–"
_TITLES = {"auc": "AUC", "rmse": "RMSE", "mae": "MAE",
           "accuracy": "accuracy", "f1": "F1", "log_loss": "log loss", "brier": "Brier score",
           "ece": "calibration error", "significance": "significance"}  # fmt: skip
_CHOSEN_BY = ("auc", "accuracy", "rmse")
_COST = ("parameters", "epochs", "seconds")
# More columns don't fit beside the table of contents on a laptop.
_MOST_COLUMNS = 9
_PLAIN = ("auc", "accuracy", "f1", "log_loss", "rmse", "mae", "bias", "resolution")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One entry of a table: a value, and its interval where it has one."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        """Value and interval in one line."""
        return f"{self.value} {self.interval}".rstrip()


def number(value: float, decimals: int) -> str:
    """A number with so many decimals, groups of thousands and a true minus.

    >>> number(-12345.678, 1), number(-0.0001, 2)
    ('−12,345.7', '0.00')
    """
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def decimals_for(quantity: Quantity, *, digits: int = 3) -> int:
    """Decimals that show the interval's half width to ``digits`` significant digits (the value's own without one).

    >>> decimals_for(Quantity(value=0.7912, low=0.7781, high=0.8040))
    4
    """
    if quantity.low is not None and quantity.high is not None and quantity.high > quantity.low:
        scale = (quantity.high - quantity.low) / 2
    else:
        scale = abs(quantity.value or quantity.low or 0.0) / 10 or 1.0
    decimals = max(digits - 1 - floor(log10(scale)), 0)
    # A fifth decimal is worth its width only where two digits of the half width reach it.
    return min(decimals if decimals <= 4 else max(4, decimals - 1), 6)


def cell(quantity: Quantity | None, *, digits: int = 3, decimals: int | None = None) -> Cell:
    """A quantity as value and interval; an undefined value shows its limit, or a dash.

    >>> str(cell(Quantity(value=0.79123, low=0.77812, high=0.80401)))
    '0.7912 (0.7781–0.8040)'
    >>> str(cell(Quantity(value=None, low=123.4, high=None))), str(cell(None))
    ('> 123', '–')
    >>> str(cell(Quantity(value=0, low=0, high=0.00512)))
    '0 (0–0.0051)'
    """
    if quantity is None:
        return Cell(value=UNKNOWN)
    places = decimals_for(quantity, digits=digits) if decimals is None else decimals
    if quantity.value == quantity.low == 0 and quantity.high:
        # An exact zero: what its upper limit says does not depend on the column.
        return Cell(value="0", interval=f"(0–{number(quantity.high, decimals_for(quantity, digits=2))})")
    if quantity.value is None:
        if quantity.low is not None:
            return Cell(value=f"> {_limit(quantity.low)}")
        return Cell(value=UNKNOWN if quantity.high is None else f"< {number(quantity.high, places)}")
    return Cell(value=number(quantity.value, places), interval=_interval(quantity, places))


def _interval(quantity: Quantity, places: int) -> str:
    low = None if quantity.low is None else number(quantity.low, places)
    high = None if quantity.high is None else number(quantity.high, places)
    if low is None:
        return "" if high is None else f"(< {high})"
    if high is None:
        return f"(> {low})"
    return f"({low} to {high})" if "−" in low + high else f"({low}–{high})"


def _limit(value: float) -> str:
    """Three significant digits: more would pretend to know what a limit does not say."""
    return number(value, max(2 - floor(log10(abs(value))), 0) if value else 0)


def metric_title(metric: str) -> str:
    """What a metric is called in a table.

    >>> metric_title("background_rejection@0.50"), metric_title("auc"), metric_title("signal_efficiency@0.01")
    ('rejection at 50 % signal', 'AUC', 'signal efficiency at 1 % background')
    >>> metric_title("signal_efficiency@0")
    'signal efficiency above all background'
    """
    name, _, point = metric.partition("@")
    if not point:
        return _TITLES.get(name, name.replace("_", " "))
    try:
        percent = f"{100 * float(point):.6g} %"
    except ValueError:
        return f"{name.replace('_', ' ')} at {point}"
    match name:
        case "background_rejection":
            return f"rejection at {percent} signal"
        case "background_efficiency":
            return f"background efficiency at {percent} signal"
        case "signal_efficiency" if float(point) == 0:
            return "signal efficiency above all background"
        case "signal_efficiency":
            return f"signal efficiency at {percent} background"
        case "tolerance_accuracy":
            return f"accuracy to {point}"
        case _:
            return f"{name.replace('_', ' ')} at {percent}"


def table_metrics(evaluation: AnyEvaluation) -> tuple[str, ...]:
    """The metrics of the results table: the plain ones, then background rejections, or tolerance accuracies."""
    known = _all_metrics(evaluation)
    further = sorted(metric for metric in known if metric.startswith(("background_rejection@", "tolerance_accuracy@")))
    return (*(metric for metric in _PLAIN if metric in known), *further)


def further_metrics(evaluation: AnyEvaluation) -> tuple[str, ...]:
    """The metrics that the results table has no room for."""
    shown = table_metrics(evaluation)
    return tuple(metric for metric in _all_metrics(evaluation) if metric not in shown)


def metric_cells(models: Sequence[AnyModel], metric: str) -> list[Cell]:
    """One metric of all models, with as many decimals for all of them."""
    digits = 2 if "rejection" in metric or metric == "significance" else 3
    quantities = [model.metrics.get(metric) for model in models]
    return column_cells(quantities, digits=digits)


def column_cells(quantities: Iterable[Quantity | None], *, digits: int = 3) -> list[Cell]:
    """Quantities that stand in one column, with as many decimals for all of them."""
    listed = list(quantities)
    wanted = sorted(
        decimals_for(quantity, digits=digits)
        for quantity in listed
        if quantity is not None and quantity.value is not None
    )
    decimals = wanted[len(wanted) // 2] if wanted else None
    return [cell(quantity, digits=digits, decimals=decimals) for quantity in listed]


def results_cells(evaluation: AnyEvaluation) -> list[dict[str, Cell]]:
    """The results table, one row a model in the order of the run; with the comparisons where there are any."""
    models = models_of(evaluation)
    columns = {
        metric_title(metric): metric_cells(list(models.values()), metric) for metric in table_metrics(evaluation)
    }
    if evaluation.comparisons:
        known = [metric for metric in _CHOSEN_BY if all(metric in model.validation for model in models.values())]
        chosen_by = {
            f"validation {metric_title(metric)}": column_cells([model.validation[metric] for model in models.values()])
            for metric in known
        }
        judged_by = {title: columns[title] for title in map(metric_title, _CHOSEN_BY) if title in columns}
        columns = {**chosen_by, **judged_by, **comparison_cells(evaluation), **columns}
    return [
        {
            "model": Cell(value=name),
            "framework": Cell(value=model.framework),
            "parameters": Cell(value=number(model.parameters, 0)),
            "epochs": Cell(value=number(model.epochs, 0)),
            "seconds": Cell(value=seconds(model.train_seconds)),
            **{title: cells[row] for title, cells in columns.items()},
        }
        for row, (name, model) in enumerate(models.items())
    ]


def results_parts(evaluation: AnyEvaluation) -> list[list[dict[str, Cell]]]:
    """The results table for a page, which has no room for all its columns: first how good, then what it took.

    With comparisons the first of the two tables ends with them; without, it takes as many columns as fit.
    """
    rows = results_cells(evaluation)
    titles = list(rows[0])
    if not evaluation.comparisons and len(titles) <= _MOST_COLUMNS:
        return [rows]
    shown = [title for title in titles if title not in _COST]
    last = shown.index("against best") + 1 if evaluation.comparisons else _MOST_COLUMNS
    first, rest = shown[:last], ["model", *_COST, *shown[last:]]
    return [[{title: row[title] for title in part} for row in rows] for part in (first, rest)]


def results_table(evaluation: AnyEvaluation) -> list[dict[str, str]]:
    """The results table as plain text, for a terminal: column title to entry, the best model with a star.

    Figures are of the test part, each with its 95 % interval.
    """
    label = chosen_after(evaluation)
    best = f" ★ ({label})" if label else " ★"
    rows = [{title: str(entry) for title, entry in row.items()} for row in results_cells(evaluation)]
    for row in rows:
        row["model"] += best if row["model"] == evaluation.best else ""
    return rows


def chosen_after(evaluation: AnyEvaluation) -> str:
    """The label of a best model that was chosen, or judged again, after the test part had been looked at."""
    times = evaluation.test_openings
    return f"chosen after {times} openings of the test part" if times > 1 else ""


def comparison_cells(evaluation: AnyEvaluation) -> dict[str, list[Cell]]:
    """Two columns, one entry a model: the AUC (RMSE) minus that of the best, and what can be said about it."""
    compared = {one.model: one for one in evaluation.comparisons}
    listed = [compared.get(name) for name in evaluation.models]
    return {
        f"{compared_figure(evaluation)} − best": column_cells(
            [None if one is None else one.difference for one in listed]
        ),
        "against best": [
            Cell(value="best") if name == evaluation.best else _verdict(one)
            for name, one in zip(evaluation.models, listed, strict=True)
        ],
    }


def _verdict(comparison: Comparison | None) -> Cell:
    """Whether the figure is lower or higher, with the corrected p-value."""
    if comparison is None or comparison.p_adjusted is None:
        return Cell(value=UNKNOWN)
    text = p_value(comparison.p_adjusted)
    p = f"(p {text})" if text.startswith("<") else f"(p = {text})"
    if not comparison.significant:
        return Cell(value="not significant", interval=p)
    higher = comparison.difference.value is not None and comparison.difference.value > 0
    return Cell(value="higher" if higher else "lower", interval=p)


def compared_figure(evaluation: AnyEvaluation) -> str:
    """The figure in which models are compared."""
    return "RMSE" if evaluation.kind == "regression" else "AUC"


def seconds(value: float) -> str:
    """A duration in seconds, to a tenth below a hundred.

    >>> seconds(3.14159), seconds(1234.5)
    ('3.1', '1,235')
    """
    return number(ceil(value) if value >= 100 else value, 0 if value >= 100 else 1)


def percent(share: float) -> str:
    """A share as a percentage.

    >>> percent(0.6789)
    '67.9 %'
    """
    return f"{100 * share:.1f} %"


def plural(n: int, what: str) -> str:
    """So many of something.

    >>> plural(1, "trial"), plural(1200, "model")
    ('1 trial', '1,200 models')
    """
    return f"{number(n, 0)} {what}{'' if n == 1 else 's'}"


def tested(events: int, origin: str) -> str:
    """So many test events, and where they come from; what a file holds may be a simulation, too.

    >>> tested(4000, "real"), tested(300, "simulated")
    ('4,000 test events read from files', '300 simulated test events')
    """
    if origin == "simulated":
        return f"{number(events, 0)} simulated test events"
    return f"{number(events, 0)} test events read from files"


def p_value(value: float) -> str:
    """A p-value, small ones as a bound.

    >>> p_value(0.034), p_value(1e-9)
    ('0.034', '< 0.001')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _all_metrics(evaluation: AnyEvaluation) -> tuple[str, ...]:
    return tuple(dict.fromkeys(metric for model in evaluation.models.values() for metric in model.metrics))
