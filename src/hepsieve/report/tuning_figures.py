"""Figures of a search for settings: its history, its trials as lines, what matters. Results in, a Figure out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import floor, log10
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepsieve.evaluate.choose import metric_word
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.tuning import TriedPoint, Tuning
from hepsieve.report.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    RED,
    house_style,
    new_figure,
    plain_axes,
    shorten,
)
from hepsieve.report.summary import number
from hepsieve.report.tuning_axes import Axis

MOST_AXES = 11
"""More settings side by side leave no room for their names."""
MOST_BARS = 20
# The worst trials of a search can be arbitrarily bad: beyond so many times the range of the better ones they are drawn
# at the edge.
_FAR = 2.0
_BETTER_SHARE = 0.75
_SHADES = 20
_MANY = 60
# So many axes fit half a page.
_NARROW = 5
_BEST: dict[str, Any] = {"marker": "*", "markersize": 13, "color": ORANGE, "linestyle": "none", "zorder": 5}


def shown_range(tuning: Tuning, *others: float | None) -> tuple[float, float]:
    """From which to which figure pictures reach: all, but those that are far worse than most.

    Args:
        tuning: the trials.
        others: figures that are shown beside them.
    """
    sign = 1.0 if tuning.better == "larger" else -1.0
    figures = sorted(-sign * trial.figure for trial in tuning.trials if trial.figure is not None)
    kept = figures[: max(2, round(_BETTER_SHARE * len(figures)))]
    most = kept[-1] + _FAR * (kept[-1] - kept[0]) if kept[-1] > kept[0] else figures[-1]
    inside = [value for value in figures if value <= most]
    inside += [-sign * value for value in others if value is not None and -sign * value <= most]
    first, last = sorted((-sign * min(inside), -sign * max(inside)))
    margin = 0.06 * (last - first) or 0.01 * (abs(first) or 1.0)
    return first - margin, last + margin


def figure_places(tuning: Tuning) -> int:
    """Decimals that tell the figures of the better trials from each other."""
    low, high = shown_range(tuning)
    return min(max(2 - floor(log10(high - low)), 0 if high >= 100 else 3), 6)


def figure_title(tuning: Tuning) -> str:
    """What the trials were compared by, and on which events."""
    where = "validation" if tuning.folds is None else "held-out"
    return f"{where} {metric_word(tuning.metric)}"


@house_style()
def history_points(tuning: Tuning, *, untuned: float | None = None) -> Figure:
    """The figure of each trial, and the best so far.

    Args:
        tuning: the trials.
        untuned: the figure of the task's own settings, on the same events.
    """
    low, high = shown_range(tuning, untuned)
    figure = new_figure(500, 330)
    axes = figure.add_subplot()
    axes.set_ylim(low, high)
    if untuned is not None and low <= untuned <= high:
        axes.axhline(untuned, color=MUTED, linewidth=1, linestyle=(0, (4, 2)), label="the task's own settings")
    finished = [trial for trial in tuning.trials if trial.state == "finished" and trial.figure is not None]
    best = list(accumulate((t.figure or 0.0 for t in finished), max if tuning.better == "larger" else min))
    axes.step([t.number for t in finished], best, where="post", color=INK, linewidth=1.3, label="best so far", zorder=1)
    small = 5.5 if len(tuning.trials) <= _MANY else 3.8
    looks: tuple[tuple[str, dict[str, Any]], ...] = (
        ("finished", {"marker": "o", "color": BLUE}),
        ("stopped", {"marker": "v", "color": PURPLE, "mfc": "none"}),
    )
    for state, look in looks:
        shown = [t for t in tuning.trials if t.state == state and t.figure is not None]
        inside = [t for t in shown if low <= (t.figure or 0.0) <= high]
        if inside:
            _marks(axes, inside, [t.figure or 0.0 for t in inside], state, markersize=small, **look)
        if far := [t for t in shown if t not in inside]:
            _at_the_edge(axes, far, tuning, look, small)
    failed = [t for t in tuning.trials if t.state == "failed"]
    if failed:
        edge = low if tuning.better == "larger" else high
        _marks(
            axes, failed, [edge] * len(failed), "failed", marker="x", color=RED, markersize=6, mew=1.8, clip_on=False
        )
    axes.plot([tuning.best], [tuning.winner.figure or 0.0], label="best", **_BEST)
    axes.set_xlabel("trial")
    axes.set_ylabel(figure_title(tuning))
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    axes.margins(x=0.03)
    plain_axes(axes)
    figure.legend(loc="outside upper left", ncols=6, fontsize=9.5, handlelength=1.6, columnspacing=1.4)
    return figure


def _marks(axes: Axes, trials: Sequence[TriedPoint], at: Sequence[float], label: str, **look: Any) -> None:
    axes.plot([t.number for t in trials], at, linestyle="none", label=label, **look)


def _at_the_edge(
    axes: Axes, trials: Sequence[TriedPoint], tuning: Tuning, look: Mapping[str, Any], size: float
) -> None:
    """Trials whose figure is worse than what is shown: pale, where the worse figures are."""
    low, high = axes.get_ylim()
    inset = 0.02 * (high - low)
    at = low + inset if tuning.better == "larger" else high - inset
    pale = {**look, "linestyle": "none", "markersize": size, "alpha": 0.35}
    axes.plot([trial.number for trial in trials], [at] * len(trials), **pale)


@house_style()
def rung_lines(tuning: Tuning) -> Figure:
    """The figure of each trial by the share of its training, up to where it was stopped; the winner is thick."""
    low, high = shown_range(tuning)
    figure = new_figure(420, 300)
    axes = figure.add_subplot()
    axes.set_ylim(low, high)
    looks = {"stopped": (PURPLE, "v", "none"), "finished": (BLUE, "o", BLUE), "failed": (GREY, "", "none")}
    for state, (colour, marker, face) in looks.items():
        paths = [rungs for t in tuning.trials if t.state == state and (rungs := trial_rungs(t))]
        if paths:
            axes.plot(*_joined(paths), color=colour, linewidth=0.9, alpha=0.7)
            ends = np.array([path[-1] for path in paths])
            axes.plot(*ends.T, color=colour, linestyle="none", marker=marker, markersize=4.5, markerfacecolor=face)
    if best := trial_rungs(tuning.winner):
        axes.plot(*np.array(best).T, color=ORANGE, linewidth=2.4, marker="o", markersize=4)
    axes.set_xlim(0, 1.03)
    axes.set_xlabel("share of the whole training")
    axes.set_ylabel(figure_title(tuning))
    plain_axes(axes)
    return figure


def trial_rungs(trial: TriedPoint) -> list[tuple[float, float]]:
    """Share of the training and figure, in rising order; the whole training last where it was finished."""
    rungs = {float(share): value for share, value in trial.rungs.items()}
    if rungs and trial.state == "finished" and trial.figure is not None:
        rungs[1.0] = trial.figure
    return sorted(rungs.items())


def _joined(paths: Iterable[Sequence[tuple[float, float]]]) -> tuple[list[float], list[float]]:
    """Paths one after the other, with a gap between them: one line in a picture takes less than many."""
    x, y = [], []
    for path in paths:
        x += [*(at for at, _ in path), np.nan]
        y += [*(value for _, value in path), np.nan]
    return x, y


def line_colours() -> Colormap:
    """From poor to good; each end can be seen on white and on black."""
    return LinearSegmentedColormap.from_list("trials", matplotlib.colormaps["viridis"](np.linspace(0.2, 0.75, _SHADES)))


def drawn_axes(tuning: Tuning, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """At most so many as fit: the important ones, in their own order."""
    if len(axes) <= MOST_AXES:
        return tuple(axes)
    first = sorted(axes, key=lambda axis: -tuning.importance.get(axis.path, 0.0))[:MOST_AXES]
    return tuple(axis for axis in axes if axis in first)


@house_style()
def parallel_lines(tuning: Tuning, searched: Sequence[Axis]) -> Figure:
    """One line a trial, across an upright axis for each setting to its figure; better ones are brighter and above.

    A setting that a trial does not have is a gap; failed trials are dotted and have no figure.

    Args:
        tuning: the trials.
        searched: the settings.
    """
    figure = new_figure(1050 if is_wide(searched) else 560, 350)
    axes = figure.add_subplot()
    low, high = shown_range(tuning)
    # Lines of one look in one go, the better ones above the others.
    looks: dict[tuple[bool, int, bool], list[TriedPoint]] = defaultdict(list)
    for trial in tuning.trials:
        shade = round(_goodness(trial, tuning, low, high) * (_SHADES - 1))
        looks[trial.figure is not None, shade, trial.state == "finished"].append(trial)
    for (judged, shade, finished), trials in sorted(looks.items()):
        look = _line_look(len(tuning.trials), judged=judged, shade=shade, finished=finished)
        _trial_lines(axes, [_places(trial, tuning, searched, low, high) for trial in trials], look)
    winner = _places(tuning.winner, tuning, searched, low, high)
    _trial_lines(axes, [winner], {"color": ORANGE, "linewidth": 2.8, "zorder": 4})
    for k, axis in enumerate(searched):
        _upright(axes, k, axis)
    _figure_axis(axes, len(searched), tuning, low, high)
    axes.set_xlim(-0.35, len(searched) + 0.45)
    axes.set_ylim(-0.2, 1.1)
    axes.set_axis_off()
    return figure


def is_wide(searched: Sequence[Axis]) -> bool:
    """Whether so many axes stand side by side that they need the width of the page."""
    return len(searched) > _NARROW


def _goodness(trial: TriedPoint, tuning: Tuning, low: float, high: float) -> float:
    """From 0, the worst figure that is shown, to 1; 0 of a failed trial."""
    if trial.figure is None:
        return 0.0
    share = min(max((trial.figure - low) / (high - low), 0.0), 1.0)
    return share if tuning.better == "larger" else 1 - share


def _places(trial: TriedPoint, tuning: Tuning, searched: Sequence[Axis], low: float, high: float) -> list[float]:
    """Where a trial crosses each axis, and last its figure's; not a number where it does not."""
    places = [np.nan] * len(searched)
    for k, axis in enumerate(searched):
        if axis.path in trial.settings:
            places[k] = axis.at(trial.settings[axis.path]) + (_aside(trial, tuning) if axis.places else 0.0)
    return [*places, _goodness(trial, tuning, low, high) if trial.figure is not None else np.nan]


def _line_look(trials: int, *, judged: bool, shade: int, finished: bool) -> dict[str, Any]:
    many = trials > _MANY
    if not judged:
        return {"color": GREY, "linewidth": 0.6 if many else 0.9, "linestyle": (0, (1, 2)), "alpha": 0.8}
    look: dict[str, Any] = {"color": line_colours()(shade / (_SHADES - 1)), "linewidth": 0.8 if many else 1.3}
    if not finished:
        look |= {"linewidth": 0.5 if many else 0.9, "linestyle": (0, (4, 2))}
    return look


def _trial_lines(axes: Axes, lines: Sequence[Sequence[float]], look: Mapping[str, Any]) -> None:
    axes.plot(*_joined([list(enumerate(places)) for places in lines]), solid_joinstyle="round", **look)
    alone = [point for places in lines for point in _alone(places)]
    if alone:
        axes.plot(*np.array(alone).T, linestyle="none", marker="o", markersize=3.5, color=look["color"])


def _alone(places: Sequence[float]) -> list[tuple[int, float]]:
    """Places between two gaps, where no line would be."""
    known = np.pad(np.isfinite(places), 1)
    return [(k, place) for k, place in enumerate(places) if known[k + 1] and not known[k] and not known[k + 2]]


def _aside(trial: TriedPoint, tuning: Tuning) -> float:
    """Trials of one category lie a little apart."""
    return 0.05 * ((trial.number * 0.6180339887) % 1 - 0.5) if len(tuning.trials) > 1 else 0.0


def _upright(axes: Axes, x: float, axis: Axis) -> None:
    axes.plot([x, x], [0, 1], color=MUTED, linewidth=1, zorder=3)
    for place in axis.ticks():
        axes.plot([x - 0.03, x + 0.03], [place, place], color=MUTED, linewidth=0.8, zorder=3)
    lower, upper = axis.ends
    words: dict[str, Any] = {"ha": "center", "fontsize": 9, "color": MUTED}
    axes.text(x, -0.035, shorten(lower, 15), va="top", **words)
    axes.text(x, 1.03, shorten(upper, 15), va="bottom", **words)
    inner = [(name, place) for name, place in axis.places.items() if 0 < place < 1]
    for name, place in inner:
        box = {"boxstyle": "round,pad=0.15", "facecolor": FAINT, "edgecolor": "none", "alpha": 0.85}
        axes.text(x + 0.06, place, shorten(name, 13), va="center", fontsize=8.5, bbox=box, zorder=6)
    axes.text(x, -0.13, shorten(axis.name, 17), va="top", ha="center", fontsize=9.5)


def _figure_axis(axes: Axes, x: float, tuning: Tuning, low: float, high: float) -> None:
    """The figures, the better ones above, with the colours of the lines."""
    for k in range(_SHADES):
        box: dict[str, Any] = {"color": line_colours()(k / (_SHADES - 1)), "linewidth": 0, "zorder": 5}
        axes.fill_between([x, x + 0.06], k / _SHADES, (k + 1) / _SHADES + 0.002, **box)
    values = [value for value in MaxNLocator(6).tick_values(low, high) if low <= value <= high]
    places = max(0, *(len(f"{value:.6g}".partition(".")[2]) for value in values))
    for value in values:
        at = (value - low) / (high - low) if tuning.better == "larger" else (high - value) / (high - low)
        axes.text(x + 0.09, at, number(value, places), va="center", fontsize=9, color=MUTED)
    axes.text(x, -0.13, figure_title(tuning), va="top", ha="center", fontsize=9.5, fontweight="bold")


@house_style()
def importance_bars(importance: Sequence[tuple[str, float]]) -> Figure:
    """Names and shares as bars, in this order."""
    figure = new_figure(420, 62 + 24 * len(importance))
    axes = figure.add_subplot()
    rows = range(len(importance))
    axes.barh(rows, [share for _, share in importance], height=0.62, color=BLUE)
    for row, (_, share) in enumerate(importance):
        axes.text(share + 0.012, row, f"{100 * share:.0f} %", va="center", fontsize=9.5)
    axes.set_yticks(rows, [shorten(name, 28) for name, _ in importance])
    axes.set_ylim(len(importance) - 0.5, -0.5)
    axes.set_xlim(0, 1.2 * max(share for _, share in importance) or 1)
    axes.set_xlabel("importance")
    axes.tick_params(axis="y", length=0)
    plain_axes(axes)
    return figure


@house_style()
def figure_intervals(figures: Sequence[tuple[str, Quantity]], *, title: str, places: int) -> Figure:
    """Figures under each other, with their 95 % intervals where they have some."""
    figure = new_figure(420, 66 + 34 * len(figures))
    axes = figure.add_subplot()
    for row, (name, one) in enumerate(figures):
        colour = ORANGE if row == len(figures) - 1 else PURPLE
        if one.low is not None and one.high is not None:
            axes.plot([one.low, one.high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot(
            [one.value or 0.0],
            [row],
            marker="o" if one.low is not None else "D",
            markersize=8,
            color=colour,
            label=name,
        )
        axes.text(one.value or 0.0, row - 0.2, number(one.value or 0.0, places), ha="center", va="bottom", fontsize=9.5)
    axes.set_yticks(range(len(figures)), [name for name, _ in figures])
    axes.set_ylim(len(figures) - 0.5, -0.75)
    axes.margins(x=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(title)
    axes.tick_params(axis="y", length=0)
    plain_axes(axes)
    return figure
