"""Figures of a portfolio: test figures, differences to the ensemble, and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepsieve.evaluate.choose import metric_word
from hepsieve.evaluate.leaderboard import Leaderboard, LeaderboardRow
from hepsieve.evaluate.quantity import Quantity
from hepsieve.report.style import (
    BLUE,
    GREY,
    INK,
    MUTED,
    ORANGE,
    house_style,
    new_figure,
    plain_axes,
    shorten,
)
from hepsieve.report.summary import number

_LONGEST = 26
# So many times further from the ensemble than half of the models, a model would squeeze all others.
_FAR = 4.0
_ENOUGH = 4


def far_rows(board: Leaderboard) -> frozenset[str]:
    """Models that are so much worse than the others that they stand at the edge of a figure, and not in it."""
    lost = {row.name: abs(row.difference.value) for row in board.rows if row.difference and row.difference.value}
    if len(lost) < _ENOUGH:
        return frozenset()
    most = _FAR * float(np.median(list(lost.values())))
    return frozenset(name for name, value in lost.items() if value > most)


@house_style()
def figure_forest(board: Leaderboard, *, places: int) -> Figure:
    """The test figure of every model with its 95 % interval, and as a small hollow mark that which chose.

    Args:
        board: the leaderboard.
        places: decimals of the numbers at the points.
    """
    figure, axes = rows_figure([row.name for row in board.rows], height=26)
    far = far_rows(board)
    for at, row in enumerate(board.rows):
        if row.name in far or row.test.value is None:
            continue
        colour, marker = _look(board, row)
        _interval(axes, at, row.test, colour)
        axes.plot([row.test.value], [at], marker=marker, markersize=_size(marker), color=colour)
        above: dict[str, Any] = {"xytext": (0, 5), "textcoords": "offset points", "ha": "center"}
        axes.annotate(number(row.test.value, places), (row.test.value, at), fontsize=8, color=INK, **above)
        if row.validation.value is not None and board.by == board.metric:
            hollow: dict[str, Any] = {"marker": "o", "markersize": 4.5, "markerfacecolor": "none", "color": colour}
            axes.plot([row.validation.value], [at + 0.28], linestyle="none", **hollow)
    first = board.rows[0].test.value
    if first is not None:
        axes.axvline(first, color=MUTED, linewidth=1, linestyle=(0, (4, 2)), zorder=0)
    _finish(axes, metric_word(board.metric) + ("" if board.by == board.metric else " on the test part"))
    for at, row in enumerate(board.rows):
        if row.name in far:
            _at_the_edge(axes, at, board, text=number(row.test.value or 0.0, places))
    return figure


@house_style()
def difference_forest(board: Leaderboard, *, places: int) -> Figure:
    """The test figure of every model minus that of the ensemble with its 95 % interval; hollow: not significant.

    Args:
        board: the leaderboard.
        places: decimals of the numbers of models that stand at the edge.
    """
    shown = [row for row in board.rows if row.difference is not None and row.difference.value is not None]
    figure, axes = rows_figure([row.name for row in shown], height=26)
    axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 2)), zorder=0)
    far = far_rows(board)
    for at, row in enumerate(shown):
        quantity = row.difference
        if quantity is None or row.name in far:
            continue
        colour, marker = _look(board, row)
        _interval(axes, at, quantity, colour)
        look: dict[str, Any] = {"color": colour, "markerfacecolor": colour if row.significant else "none"}
        axes.plot([quantity.value or 0.0], [at], marker=marker, markersize=_size(marker), **look)
    _finish(axes, f"{metric_word(board.metric)} on the test part, minus that of {shorten(board.ensemble.name, 20)}")
    for at, row in enumerate(shown):
        if row.name in far and row.difference is not None:
            _at_the_edge(axes, at, board, text=number(row.difference.value or 0.0, places))
    return figure


def _at_the_edge(axes: Axes, at: float, board: Leaderboard, *, text: str) -> None:
    """A far worse model: an arrow to the side on which it is, and its figure."""
    worse_left = board.metric == "auc"
    x = 0.025 if worse_left else 0.975
    axes.plot(
        [x], [at], marker="<" if worse_left else ">", markersize=6, color=GREY, transform=axes.get_yaxis_transform()
    )
    shift = 8 if worse_left else -8
    place: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "xytext": (shift, 0),
        "textcoords": "offset points",
    }
    axes.annotate(text, (x, at), va="center", ha="left" if worse_left else "right", fontsize=8, color=INK, **place)


@house_style()
def weight_bars(weights: Sequence[tuple[str, float]]) -> Figure:
    """Members and their weights, in this order."""
    figure, axes = rows_figure([name for name, _ in weights], height=24)
    axes.barh(range(len(weights)), [weight for _, weight in weights], height=0.62, color=BLUE)
    for at, (_, weight) in enumerate(weights):
        axes.text(weight + 0.012, at, f"{100 * weight:.0f} %", va="center", fontsize=9.5)
    axes.set_xlim(0, 1.2 * max(weight for _, weight in weights))
    axes.set_xlabel("weight in the ensemble")
    plain_axes(axes)
    return figure


def _look(board: Leaderboard, row: LeaderboardRow) -> tuple[str, str]:
    """Colour and marker: of the ensemble, its members, and the others."""
    if row.name == board.ensemble.name:
        return ORANGE, "*"
    return (BLUE, "o") if row.weight else (GREY, "D")


def _size(marker: str) -> float:
    return {"*": 13.0, "o": 7.5, "D": 5.5}[marker]


def _interval(axes: Axes, at: float, quantity: Quantity, colour: str) -> None:
    if quantity.low is not None and quantity.high is not None:
        axes.plot([quantity.low, quantity.high], [at, at], color=colour, linewidth=2.2, solid_capstyle="butt")


def rows_figure(names: Sequence[str], *, height: float) -> tuple[Figure, Axes]:
    """A figure with one row for each name, the first above."""
    figure = new_figure(420, 78 + height * max(len(names), 2))
    axes = figure.add_subplot()
    axes.set_yticks(range(len(names)), [shorten(name, _LONGEST) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.75)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def _finish(axes: Axes, title: str) -> None:
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(title)
    plain_axes(axes)
