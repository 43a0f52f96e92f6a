"""Every figure of every slice in folded tables, and in words and marks what differs significantly from the rest."""

from __future__ import annotations

from dataclasses import dataclass

from hepsieve.evaluate.results import Evaluation, Slices
from hepsieve.evaluate.slice_results import Difference
from hepsieve.report.sections import Table
from hepsieve.report.summary import UNKNOWN, Cell, cell, column_cells, metric_title, number

ABOVE, BELOW = "▲", "▼"
# More sentences are not read; the marks in the tables tell the rest.
_MOST_TOLD = 8


@dataclass(frozen=True, kw_only=True)
class SliceFlags:
    """What differs significantly, in words.

    Attributes:
        sentences: the largest departures of the best model first, a few of them.
        further: how many more there are, in a sentence; empty without any.
        how: what was compared and corrected for; empty where nothing was.
    """

    sentences: tuple[str, ...]
    further: str
    how: str


@dataclass(frozen=True, kw_only=True)
class SliceTable:
    """One figure by slice and model."""

    title: str
    table: Table


def slice_flags(evaluation: Evaluation, texts: list[str]) -> SliceFlags | None:
    """What differs from the rest; None where nothing was compared.

    Args:
        evaluation: with its slices.
        texts: what each slice is called.
    """
    taken = evaluation.slices
    if taken is None or not taken.tests:
        return None
    found = [
        (model != evaluation.best, metric != "auc", one.p_adjusted, _sentence(taken, model, metric, text, one))
        for text, part in zip(texts, taken.slices, strict=True)
        for model, metrics in part.differs.items()
        for metric, one in metrics.items()
    ]
    found.sort(key=lambda each: each[:3])
    more = len(found) - _MOST_TOLD
    further = f"{number(more, 0)} more: marked {ABOVE} or {BELOW} in the tables." if more > 0 else ""
    return SliceFlags(sentences=tuple(each[3] for each in found[:_MOST_TOLD]), further=further, how=_how(taken))


def slice_metric_tables(evaluation: Evaluation, texts: list[str]) -> tuple[SliceTable, ...]:
    """All figures but the AUC, values or bins down and models across; none in older evaluations."""
    taken = evaluation.slices
    if taken is None:
        return ()
    known = dict.fromkeys(
        metric for one in taken.slices for metrics in one.metrics.values() for metric in metrics if metric != "auc"
    )
    tables = []
    for metric in known:
        columns = {}
        for name, model in evaluation.models.items():
            whole = model.metrics.get(metric)
            figures = [*(one.metrics.get(name, {}).get(metric) for one in taken.slices), whole]
            columns[name] = column_cells(figures)
        rows = [
            (
                Cell(value=text),
                *(flagged(columns[name][k], one.differs.get(name, {}).get(metric)) for name in columns),
            )
            for k, (text, one) in enumerate(zip(texts, taken.slices, strict=True))
        ]
        if any(cells[-1].value != UNKNOWN for cells in columns.values()):
            rows.append((Cell(value="all"), *(cells[-1] for cells in columns.values())))
        axis = f"{taken.column} [{taken.unit}]" if taken.unit else taken.column
        tables.append(SliceTable(title=figure_title(metric), table=Table(columns=(axis, *columns), rows=tuple(rows))))
    return tuple(tables)


def figure_title(metric: str) -> str:
    """What a figure of a slice is called.

    >>> figure_title("signal_efficiency[tight]"), figure_title("brier")
    ('signal efficiency at the working point tight', 'Brier score')
    >>> figure_title("background_efficiency[signal_efficiency@0.50]")
    'background efficiency at the cut for 50 % signal'
    """
    name, _, point = metric.removesuffix("]").partition("[")
    if not point:
        return metric_title(metric)
    side, _, share = point.partition("@")
    if side in ("signal_efficiency", "background_efficiency") and share:
        return f"{name.replace('_', ' ')} at the cut for {100 * float(share):.6g} % {side.partition('_')[0]}"
    return f"{name.replace('_', ' ')} at the working point {point}"


def flagged(entry: Cell, difference: Difference | None) -> Cell:
    """A cell marked as significantly above or below the rest."""
    if difference is None or difference.quantity.value is None:
        return entry
    mark = ABOVE if difference.quantity.value > 0 else BELOW
    return Cell(value=f"{entry.value} {mark}", interval=entry.interval)


def marks_note(taken: Slices) -> str:
    """What the marks mean; empty where nothing is marked."""
    if not any(differs for one in taken.slices for differs in one.differs.values()):
        return ""
    rest = "all other signal" if taken.of == "signal" else "all other events"
    return f"{ABOVE} {BELOW} significantly above or below {rest} (5 % after Holm's correction)"


def _sentence(taken: Slices, model: str, metric: str, text: str, one: Difference) -> str:
    value = one.quantity.value
    side = "apart from" if value is None else "above" if value > 0 else "below"
    where = f"{taken.column} {text}"
    unit = f" {taken.unit}" if taken.unit and not taken.unit[:1].isdigit() else ""
    rest = "all other signal" if taken.of == "signal" else "the rest"
    title = figure_title(metric)
    return f"{title[:1].upper()}{title[1:]} of {model} at {where}{unit} lies significantly {side} {rest}: {_size(one)}."


def _size(one: Difference) -> str:
    entry = cell(one.quantity, digits=2)
    sign = "+" if one.quantity.value is not None and one.quantity.value > 0 else ""
    return f"{sign}{entry}"


def _how(taken: Slices) -> str:
    rest = "all other signal, beside the same background" if taken.of == "signal" else "all other test events"
    return (
        f"Each slice was compared to {rest}; what is marked is significant at 5 % after Holm's correction for "
        f"{number(taken.tests, 0)} comparisons, those of all slices, models and figures together: were all slices "
        "alike, hardly one page in twenty would have a mark at all. The ECE is not compared, as noise alone makes that "
        f"of few events larger. In a slice, {number(taken.resamples, 0)} bootstrap resamples are behind the intervals "
        "that need any."
    )
