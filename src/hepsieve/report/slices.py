"""The AUC by the values of a column, or in bins, as a table and a figure; marked where a model never saw a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Evaluation, Slice, Slices
from hepsieve.report.sections import Table
from hepsieve.report.style import house_style, model_line, new_figure, plain_axes, shorten
from hepsieve.report.summary import UNKNOWN, Cell, column_cells, number

UNSEEN = "°"
# What fits into 80 columns beside the numbers of events.
_SHOWN = 3
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")


def slice_table(evaluation: Evaluation) -> Table | None:
    """Values or bins down, models across, and all events in the last row; None where nothing was sliced."""
    taken = evaluation.slices
    if taken is None:
        return None
    background, signal = evaluation.classes
    texts = slice_texts(taken.slices)
    columns = {
        name: column_cells([*(one.auc.get(name) for one in taken.slices), model.metrics.get("auc")])
        for name, model in evaluation.models.items()
    }
    rows = [
        (
            Cell(value=texts[k]),
            Cell(value=number(one.n_signal, 0)),
            Cell(value=number(one.n_background, 0)),
            *(_marked(columns[name][k], unseen=taken.unseen(name, one)) for name in columns),
        )
        for k, one in enumerate(taken.slices)
    ]
    data = evaluation.data
    counts = (data.n_signal.get("test"), data.n_background.get("test"))
    together = (Cell(value=UNKNOWN if n is None else number(n, 0)) for n in counts)
    rows.append((Cell(value="all"), *together, *(cells[-1] for cells in columns.values())))
    title = f"{taken.column} [{taken.unit}]" if taken.unit else taken.column
    return Table(columns=(title, f"{signal} events", f"{background} events", *columns), rows=tuple(rows))


def slice_rows(evaluation: Evaluation) -> list[dict[str, str]]:
    """The same table as plain text, for a terminal; no rows where nothing was sliced."""
    table = slice_table(evaluation)
    if table is None:
        return []
    return [{title: str(entry) for title, entry in zip(table.columns, row, strict=True)} for row in table.rows]


def slice_columns(evaluation: Evaluation) -> tuple[str, ...]:
    """The columns of ``slice_rows`` for a narrow terminal, the best model, those that miss values and the next best."""
    table, taken = slice_table(evaluation), evaluation.slices
    if table is None or taken is None:
        return ()

    def order(name: str) -> tuple[bool, bool, float]:
        auc = evaluation.models[name].validation.get("auc")
        return name != evaluation.best, name not in taken.trained_on, -((auc and auc.value) or 0.0)

    return (*table.columns[:3], *sorted(evaluation.models, key=order)[:_SHOWN])


def slice_note(evaluation: Evaluation) -> str:
    """What the table shows, and what its marks mean."""
    taken = evaluation.slices
    if taken is None:
        return ""
    among = f"in a bin of {taken.column}" if taken.in_bins else f"of one {taken.column}"
    lines = [f"AUC among the test events {among}, 95 % intervals"]
    if any(auc.value is None for one in taken.slices for auc in one.auc.values()):
        lines.append("–: fewer than ten events of a class")
    if taken.trained_on:
        lines.append(f"{UNSEEN} the model learned from no event {_there(taken)}")
    return "\n".join(lines)


def slice_caption(evaluation: Evaluation) -> str:
    """The figure's caption on the page."""
    taken = evaluation.slices
    if taken is None:
        return ""
    among = f"in each bin of {taken.column}" if taken.in_bins else f"with one {taken.column} each"
    sentences = [
        f"AUC among the test events {among}, with 95 % intervals (DeLong). Points of one "
        f"{'bin' if taken.in_bins else taken.column} are moved apart sideways so that none hides another."
    ]
    if taken.unit[:1].isdigit():
        sentences.append(f"1 stands for {taken.unit}.")
    for name, learned in taken.trained_on.items():
        listed = ", ".join(value_text(value) for value in learned)
        sentences.append(f"{name} learned from {listed} only.")
    if taken.trained_on:
        sentences.append(
            f"Hollow: the model learned from no event {_there(taken)}; between those that it saw, it interpolates."
        )
    if taken.events_without_value:
        sentences.append(
            f"{number(taken.events_without_value, 0)} test events have another value, or none, and stand in no slice."
        )
    return " ".join(sentences)


def slice_intro(evaluation: Evaluation) -> str:
    """What the section of the page is about, before its table and figure."""
    taken = evaluation.slices
    if taken is None:
        return ""
    if taken.in_bins:
        return (
            f"The test part taken apart in bins of {taken.column}, cut so that about as many training events are in "
            "each; the test events had no say in them. The AUC of all events together is no mean of these: it also "
            "asks that the scores in one bin fit to those in another."
        )
    return (
        f"The test part taken apart by the values of {taken.column}. The AUC of all events together is no mean of "
        "these: it also asks that the scores of one value fit to those of another."
    )


def slice_texts(taken: Sequence[Slice]) -> list[str]:
    """The slices' values, or the ends of their bins with equally many decimals.

    >>> ends = [(None, 1.2), (1.2, 1.45), (1.45, None)]
    >>> slice_texts([Slice(low=low, high=high, n_signal=1, n_background=1, auc={}) for low, high in ends])
    ['< 1.20', '1.20–1.45', '≥ 1.45']
    """
    ends = [value_text(end) for one in taken for end in (one.low, one.high) if end is not None]
    decimals = max((len(end.partition(".")[2]) for end in ends if "e" not in end), default=0)

    def text(end: float) -> str:
        return value_text(end) if any("e" in end for end in ends) else f"{end:.{decimals}f}".replace("-", "−")

    return [_slice_text(one, text) for one in taken]


def _slice_text(one: Slice, text: Callable[[float], str]) -> str:
    low, high = one.low, one.high
    if one.value is not None:
        return value_text(one.value)
    if low is None:
        return "any" if high is None else f"< {text(high)}"
    if high is None:
        return f"≥ {text(low)}"
    return f"{text(low)}{' to ' if min(low, high) < 0 else '–'}{text(high)}"


def value_text(value: float) -> str:
    """A slice's value, to the six digits by which it is told from others.

    >>> value_text(500.0), value_text(0.25), value_text(-1.5)
    ('500', '0.25', '−1.5')
    """
    return f"{value:.6g}".replace("-", "−")


@house_style()
def slice_curves(taken: Slices, models: Sequence[str]) -> Figure:
    """The AUC against the value or the bin, one line a model; hollow where it never saw one.

    Args:
        taken: the slices.
        models: the models in the order of the run, which gives each its colour.
    """
    places, labels = _places(taken.slices)
    # Side by side within half of the narrowest gap, and never far apart where there are few.
    gap = float(np.diff(places).min()) if len(places) > 1 else 1.0
    step = 0.5 * gap / max(len(models), 8)
    figure = new_figure(560, 310 + 9 * len(models))
    axes = figure.add_subplot()
    for index, name in enumerate(models):
        shift = (index - (len(models) - 1) / 2) * step
        points = [
            _Point(x=place + shift, y=auc.value, interval=(auc.low, auc.high), unseen=taken.unseen(name, one))
            for place, one in zip(places, taken.slices, strict=True)
            if (auc := one.auc.get(name)) is not None and auc.value is not None
        ]
        _draw(axes, points, index, shorten(name, 28))
    axes.set_xticks(places, labels, rotation=90 if len(labels) > 12 else 0)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(shorten(taken.column, 40) + (f" [{taken.unit}]" if taken.unit else ""))
    axes.set_ylabel("AUC on the test part")
    plain_axes(axes)
    figure.legend(loc="outside lower center", ncols=2 if len(models) > 1 else 1, handlelength=3)
    return figure


@dataclass(frozen=True, kw_only=True)
class _Point:
    x: float
    y: float
    interval: tuple[float | None, float | None]
    unseen: bool


def _draw(axes: Axes, points: Sequence[_Point], index: int, label: str) -> None:
    line, marker = model_line(index), _MARKERS[index % len(_MARKERS)]
    seen = [k for k, point in enumerate(points) if not point.unseen]
    x, y = [point.x for point in points], [point.y for point in points]
    axes.plot(x, y, label=label, marker=marker, markersize=5, markevery=seen, linewidth=1, **line)
    for point in points:
        low, high = point.interval
        if low is not None and high is not None:
            axes.plot([point.x] * 2, [low, high], color=line["color"], linewidth=1.6, solid_capstyle="butt")
        if point.unseen:
            axes.plot([point.x], [point.y], marker=marker, color=line["color"], markerfacecolor="none", markersize=9)


def _places(taken: Sequence[Slice]) -> tuple[Floats, list[str]]:
    """Where the slices stand on the axis, and their labels: values at themselves if these don't run into each other."""
    labels = slice_texts(taken)
    places = np.array([one.value for one in taken if one.value is not None], dtype=np.float64)
    wide = 1 < len(places) == len(taken) and float(np.diff(places).min()) >= float(np.ptp(places)) / 20
    return (places if wide else np.arange(len(taken), dtype=np.float64)), labels


def _there(taken: Slices) -> str:
    return "in this bin" if taken.in_bins else f"with this {taken.column}"


def _marked(entry: Cell, *, unseen: bool) -> Cell:
    return Cell(value=f"{entry.value}{UNSEEN}", interval=entry.interval) if unseen and entry.value != UNKNOWN else entry
