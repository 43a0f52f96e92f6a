"""Where the time of a portfolio went, as a figure: a row for each model, a bar for each training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from hepsieve.evaluate.leaderboard import Leaderboard, Span
from hepsieve.report.leaderboard_figures import rows_figure
from hepsieve.report.style import BLUE, GREEN, GREY, ORANGE, house_style, plain_axes

_KINDS: Mapping[str, Mapping[str, Any]] = {
    "training": {"color": BLUE, "label": "training"},
    "pilot": {"color": GREEN, "label": "estimate of the cost"},
    "other": {"color": GREY, "label": "else"},
}
# A bar thinner than this share of the budget could not be seen.
_LEAST = 0.004
_MINUTES = 180.0
_HEIGHT = 0.66
_NOT_KEPT = "further seeds, not kept"


@house_style()
def time_bars(board: Leaderboard) -> Figure:
    """When each model was trained, and the end of the budget; folds of one model that overlap share its row."""
    rows = time_rows(board)
    minutes = board.budget > _MINUTES
    unit = 60.0 if minutes else 1.0
    figure, axes = rows_figure(list(rows), height=20)
    for kind, look in _KINDS.items():
        bars = [
            (at, lane, len(lanes), span)
            for at, lanes in enumerate(rows.values())
            for lane, spans in enumerate(lanes)
            for span in spans
            if span.kind == kind
        ]
        if bars:
            axes.barh(
                [at + _HEIGHT * ((lane + 0.5) / n - 0.5) for at, lane, n, _ in bars],
                [max(span.end - span.begin, _LEAST * board.budget) / unit for *_, span in bars],
                left=[span.begin / unit for *_, span in bars],
                height=[0.92 * _HEIGHT / n for _, _, n, _ in bars],
                **look,
            )
    axes.axvline(board.budget / unit, color=ORANGE, linewidth=1.4, label="budget")
    axes.set_xlim(0, 1.03 * max(board.budget, *(span.end for span in board.spans)) / unit)
    axes.set_xlabel("minutes since the start" if minutes else "seconds since the start")
    plain_axes(axes)
    figure.legend(loc="outside upper left", ncols=4, fontsize=9.5, handlelength=1.4, columnspacing=1.4)
    return figure


def time_rows(board: Leaderboard) -> dict[str, list[list[Span]]]:
    """By model (or whatever else was done) its spans, in lanes in which none overlaps another.

    Trainings of single folds are called after their model; those of models that were not kept share a row.
    """
    known = {*(row.name for row in board.rows), *(one.name for one in board.skipped)}
    by_row: dict[str, list[Span]] = defaultdict(list)
    for span in board.spans:
        name = span.what.partition(", ")[0]
        by_row[name if name in known or span.kind == "other" else _NOT_KEPT].append(span)
    return {name: _lanes(spans) for name, spans in by_row.items()}


def _lanes(spans: Sequence[Span]) -> list[list[Span]]:
    lanes: list[list[Span]] = []
    for span in sorted(spans, key=lambda one: one.begin):
        free = next((lane for lane in lanes if lane[-1].end <= span.begin), None)
        if free is None:
            lanes.append([span])
        else:
            free.append(span)
    return lanes
