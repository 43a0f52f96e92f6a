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
from hepsieve.evaluate.signal_slices import TOLD
from hepsieve.report.sections import Table
from hepsieve.report.signal_slices import signal_intro, signal_note, tightest_point
from hepsieve.report.slice_figures import flagged, marks_note
from hepsieve.report.style import MARKERS, MUTED, house_style, model_line, new_figure, plain_axes, shorten
from hepsieve.report.summary import UNKNOWN, Cell, column_cells, number

UNSEEN = "°"
# What fits into 80 columns beside the numbers of events.
_SHOWN = 3
# So many letters have room side by side below a figure.
_LONGEST_LABELS = 70


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
            *(
                flagged(_marked(columns[name][k], unseen=taken.unseen(name, one)), one.differs.get(name, {}).get("auc"))
                for name in columns
            ),
        )
        for k, one in enumerate(taken.slices)
    ]
    rows.append((Cell(value="all"), *_together(evaluation), *(cells[-1] for cells in columns.values())))
    return Table(
        columns=(axis_of_slices(taken), f"{signal} events", f"{background} events", *columns), rows=tuple(rows)
    )


def efficiency_table(evaluation: Evaluation) -> Table | None:
    """The share of each slice's signal that every model keeps at the tightest cut on background; None without one."""
    taken, point = evaluation.slices, tightest_point(evaluation)
    if taken is None or point is None:
        return None
    columns = {}
    for name, points in evaluation.working_points.items():
        whole = next((one.signal_efficiency for one in points if one.name == point.name), None)
        columns[name] = column_cells([*(one.efficiencies.get(name, {}).get(point.name) for one in taken.slices), whole])
    signal = [*(Cell(value=number(one.n_signal, 0)) for one in taken.slices), _together(evaluation)[0]]
    rows = tuple(
        (
            Cell(value=text),
            signal[k],
            *(columns[name][k] if name in columns else Cell(value=UNKNOWN) for name in evaluation.models),
        )
        for k, text in enumerate([*slice_texts(taken.slices), "all"])
    )
    return Table(columns=(axis_of_slices(taken), f"{evaluation.classes[1]} events", *evaluation.models), rows=rows)


def axis_of_slices(taken: Slices) -> str:
    """The column with its unit."""
    return f"{taken.column} [{taken.unit}]" if taken.unit else taken.column


def _together(evaluation: Evaluation) -> tuple[Cell, ...]:
    """The numbers of signal and background events in the test part."""
    data = evaluation.data
    counts = (data.n_signal.get("test"), data.n_background.get("test"))
    return tuple(Cell(value=UNKNOWN if n is None else number(n, 0)) for n in counts)


def slice_rows(evaluation: Evaluation) -> list[dict[str, str]]:
    """The same table as plain text, for a terminal; no rows where nothing was sliced.

    Of signal alone every model has two columns: the AUC, and the efficiency at the tightest working point.
    """
    table, kept = slice_table(evaluation), efficiency_table(evaluation)
    if table is None:
        return []
    rows = [{title: str(entry) for title, entry in zip(table.columns, row, strict=True)} for row in table.rows]
    if kept is None:
        return rows
    first = table.columns[:3]
    return [
        {title: row[title] for title in first}
        | {
            title: text
            for name, entry in zip(evaluation.models, kept_row[2:], strict=True)
            for title, text in ((f"{name}: AUC", row[name]), (f"{name}: kept", str(entry)))
        }
        for row, kept_row in zip(rows, kept.rows, strict=True)
    ]


def slice_columns(evaluation: Evaluation) -> tuple[str, ...]:
    """The columns of ``slice_rows`` for a narrow terminal, the best model, those that miss values and the next best."""
    table, taken = slice_table(evaluation), evaluation.slices
    if table is None or taken is None:
        return ()

    def order(name: str) -> tuple[bool, bool, float]:
        auc = evaluation.models[name].validation.get("auc")
        return name != evaluation.best, name not in taken.trained_on, -((auc and auc.value) or 0.0)

    models = sorted(evaluation.models, key=order)[:_SHOWN]
    if efficiency_table(evaluation) is None:
        return (*table.columns[:2], *models)
    # All background events stand beside each slice; the best model has two columns, the next best one.
    return (*table.columns[:2], f"{models[0]}: AUC", *(f"{name}: kept" for name in models[: _SHOWN - 1]))


def slice_below(evaluation: Evaluation) -> dict[str, tuple[str, ...]]:
    """Which columns of ``slice_rows`` go below others in a terminal: the background events below those of signal."""
    background, signal = evaluation.classes
    apart = evaluation.slices is not None and efficiency_table(evaluation) is None
    return {f"{signal} events": (f"{background} events",)} if apart else {}


def slice_note(evaluation: Evaluation, *, kept: bool = True) -> str:
    """What the table shows, and what its marks mean; ``kept`` says whether efficiencies stand in it too."""
    taken = evaluation.slices
    if taken is None:
        return ""
    among = f"in a bin of {taken.column}" if taken.in_bins else f"of one {taken.column}"
    if taken.of == "signal":
        lines = [signal_note(evaluation, taken, among, kept=kept)]
    else:
        lines = [f"AUC among the test events {among}, 95 % intervals"]
    if any(auc.value is None for one in taken.slices for auc in one.auc.values()):
        lines.append("–: fewer than ten events of a class")
    if taken.trained_on:
        lines.append(f"{UNSEEN} the model learned from no event {_there(taken)}")
    if marks := marks_note(taken):
        lines.append(marks)
    return "\n".join(lines)


def slice_caption(evaluation: Evaluation) -> str:
    """The figure's caption on the page."""
    taken = evaluation.slices
    if taken is None:
        return ""
    among = f"in each bin of {taken.column}" if taken.in_bins else f"with one {taken.column} each"
    events = "test events"
    if taken.of == "signal":
        background, signal = evaluation.classes
        events, among = f"{signal} events of the test part", f"{among} and all {background} events"
    sentences = [
        f"AUC among the {events} {among}, with 95 % intervals (DeLong). Points of one "
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
            f"{number(taken.events_without_value, 0)} {'signal' if taken.of == 'signal' else 'test'} events have "
            "another value, or none, and stand in no slice."
        )
    return " ".join(sentences)


def slice_intro(evaluation: Evaluation) -> str:
    """What the section of the page is about, before its table and figure."""
    taken = evaluation.slices
    if taken is None:
        return ""
    if taken.of == "signal":
        return signal_intro(evaluation, taken)
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


def slice_names(evaluation: Evaluation) -> list[str]:
    """What the slices are called; none where nothing was sliced."""
    return [] if evaluation.slices is None else slice_texts(evaluation.slices.slices)


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
def slice_curves(taken: Slices, models: Sequence[str], *, kept_at: str = "") -> Figure:
    """The AUC against the value or the bin, one line a model; hollow where it never saw one.

    Args:
        taken: the slices.
        models: the models in the order of the run, which gives each its colour.
        kept_at: the name of a working point: its signal efficiency is drawn instead of the AUC.
    """
    places, labels = _places(taken.slices)
    # Side by side within half of the narrowest gap, and never far apart where there are few.
    gap = float(np.diff(places).min()) if len(places) > 1 else 1.0
    step = 0.5 * gap / max(len(models), 8)
    turned = len(labels) > 12 or sum(map(len, labels)) > _LONGEST_LABELS
    # Two pictures of signal stand side by side.
    figure = new_figure(420 if taken.of == "signal" else 560, (350 if turned else 310) + 9 * len(models))
    axes = figure.add_subplot()
    for index, name in enumerate(models):
        shift = (index - (len(models) - 1) / 2) * step
        points = [
            _Point(x=place + shift, y=drawn.value, interval=(drawn.low, drawn.high), unseen=taken.unseen(name, one))
            for place, one in zip(places, taken.slices, strict=True)
            if (drawn := one.efficiencies.get(name, {}).get(kept_at) if kept_at else one.auc.get(name)) is not None
            and drawn.value is not None
        ]
        _draw(axes, points, index, shorten(name, 28))
    axes.set_xticks(places, labels, rotation=90 if turned else 0)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(6))
    if kept_at:
        axes.axhline(TOLD, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_xlabel(shorten(taken.column, 40) + (f" [{taken.unit}]" if taken.unit else ""))
    axes.set_ylabel("signal efficiency on the test part" if kept_at else "AUC on the test part")
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
    line, marker = model_line(index), MARKERS[index % len(MARKERS)]
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
