"""Figures of cuts on the score: what each threshold keeps, and the ROC where little background is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from scipy.special import expit, logit

from hepsieve.evaluate.results import Evaluation, ThresholdScan, WorkingPoint
from hepsieve.report.style import (
    BACKGROUND,
    INK,
    MUTED,
    SIGNAL,
    banded,
    experiment_label,
    house_style,
    legend,
    model_line,
    new_figure,
    plain_axes,
    shorten,
)
from hepsieve.report.summary import number

# Scores nearer to 0 or 1 than a float32 sigmoid resolves are drawn at its edge.
_EDGE = 1e-7
# Where scores keep this far from 0 and 1 a linear axis shows them best.
_INNER = 0.03
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


@house_style()
def threshold_curves(scan: ThresholdScan, points: Sequence[WorkingPoint], classes: tuple[str, str]) -> Figure:
    """Signal efficiency (linear) and background efficiency (logarithmic) against the cut, with 95 % bands.

    Args:
        scan: efficiencies at rising thresholds.
        points: working points to mark in both.
        classes: the names of background and signal.
    """
    figure = new_figure(420, 400)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.15))
    threshold = np.asarray(scan.threshold)
    x = np.clip(threshold, _EDGE, 1 - _EDGE)
    upper.fill_between(x, scan.signal_low, scan.signal_high, color=SIGNAL, alpha=0.2, linewidth=0)
    upper.plot(x, scan.signal_efficiency, color=SIGNAL)
    upper.set_ylim(0, 1.02)
    upper.set_ylabel(f"{shorten(classes[1], 18)} efficiency")
    _logarithmic_background(lower, x, scan)
    lower.set_ylabel(f"{shorten(classes[0], 18)} efficiency")
    lower.set_xlabel("cut: score ≥")
    score_axis(lower, [*x, *(float(np.clip(point.threshold, _EDGE, 1 - _EDGE)) for point in points)])
    for axes in (upper, lower):
        plain_axes(axes)
    _mark(upper, lower, points)
    return figure


def _logarithmic_background(axes: Axes, x: np.ndarray, scan: ThresholdScan) -> None:
    efficiency = np.asarray(scan.background_efficiency)
    least = float(efficiency[efficiency > 0].min(initial=1.0))
    bottom = 10.0 ** floor(log10(least / 2))
    low, high = (np.clip(ends, bottom, None) for ends in (scan.background_low, scan.background_high))
    axes.fill_between(x, low, high, color=BACKGROUND, alpha=0.2, linewidth=0)
    # With no background left there is only the upper limit, the upper end of the band.
    axes.plot(x, np.where(efficiency > 0, efficiency, np.nan), color=BACKGROUND)
    axes.set_yscale("log")
    axes.set_ylim(bottom, 1.3)
    plain_decades(axes, which="y")


def _mark(upper: Axes, lower: Axes, points: Sequence[WorkingPoint]) -> None:
    """A line through both panels for each point, its name beside it, names of near points on different heights."""
    left, right = (float(logit(end)) if upper.get_xscale() == "logit" else end for end in upper.get_xlim())
    level = 0
    last = -np.inf
    for point in sorted(points, key=lambda one: one.threshold):
        at = float(np.clip(point.threshold, _EDGE, 1 - _EDGE))
        place = ((float(logit(at)) if upper.get_xscale() == "logit" else at) - left) / (right - left)
        level = level + 1 if place - last < 0.3 else 0
        last = place
        for axes in (upper, lower):
            axes.axvline(at, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)))
        for axes, quantity in ((upper, point.signal_efficiency), (lower, point.background_efficiency)):
            if quantity.value is not None and quantity.value > 0:
                axes.plot([at], [quantity.value], marker="o", markersize=5, color=INK, linestyle="none")
        upper.annotate(
            shorten(point.name, 18),
            (at, 0.06 + 0.11 * (level % 4)),
            xycoords=("data", "axes fraction"),
            xytext=(4 if place < 0.6 else -4, 0),
            textcoords="offset points",
            ha="left" if place < 0.6 else "right",
            fontsize=9,
            color=INK,
        )


def score_axis(axes: Axes, shown: Sequence[float]) -> None:
    """A logit axis over these scores, which shows both ends; a linear one where none comes near them."""
    low, high = float(min(shown)), float(max(shown))
    if low > _INNER and high < 1 - _INNER:
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.margins(x=0.02)
        return
    ends = logit([low, high])
    margin = 0.02 * (ends[1] - ends[0]) or 0.5
    axes.set_xscale("logit")
    axes.set_xlim(*expit([ends[0] - margin, ends[1] + margin]))
    axes.xaxis.set_major_locator(FixedLocator(_spaced(_TICKS, low, high)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _spaced(ticks: Iterable[float], low: float, high: float) -> list[float]:
    """Those of the ticks that lie between, with room for their labels: outer ones are longer."""
    inside = [tick for tick in ticks if low <= tick <= high]
    span = float(logit(high) - logit(low)) or 1.0
    kept: list[float] = []
    for tick in sorted(inside, key=lambda one: abs(one - 0.5)):
        room = 0.016 * len(f"{tick:.10g}") + 0.03
        if all(abs(logit(tick) - logit(other)) / span > room + 0.012 * len(f"{other:.10g}") for other in kept):
            kept.append(tick)
    return sorted(kept)


@house_style()
def low_background_roc(evaluation: Evaluation, points: Sequence[WorkingPoint]) -> Figure:
    """Signal efficiency against background efficiency on a logarithmic axis, down to a single background event.

    The signal axis begins where the curves do, so that differences near 1 are seen.

    Args:
        evaluation: the models with their curves; bands are pointwise 95 % intervals.
        points: working points of the best model to mark.
    """
    background, signal = evaluation.classes
    figure = new_figure(420, 360)
    axes = figure.add_subplot()
    axes.set_xscale("log")
    single = _single_event(evaluation)
    starts = []
    for index, (name, model) in enumerate(evaluation.models.items()):
        line = model_line(index)
        x, y, low, high = (
            np.asarray(values)
            for values in (
                model.roc.background_efficiency,
                model.roc.signal_efficiency,
                model.roc.low,
                model.roc.high,
            )
        )
        seen = x > 0
        if name in banded(evaluation.models, evaluation.best):
            axes.fill_between(x[seen], low[seen], high[seen], color=line["color"], alpha=0.14, linewidth=0)
        axes.plot(x[seen], y[seen], label=shorten(name, 28), **line)
        starts.append(float(np.interp(single, x[seen], low[seen])))
    bottom = min([0.99, *starts])
    # A point far below would leave the curves no room.
    marked = [point.signal_efficiency.value for point in points if point.signal_efficiency.value is not None]
    bottom = min([bottom, *(value for value in marked if 1 - value < 3 * (1 - bottom))])
    axes.set_xlim(single, 1)
    axes.set_ylim(max(0.0, bottom - 0.04 * (1 - bottom)), 1 + 0.015 * (1 - bottom))
    plain_decades(axes, which="x")
    legend(axes, loc="lower right")  # before the marks, which have no entry
    _mark_on_curve(axes, points, single)
    axes.set_xlabel(f"{shorten(background, 30)} efficiency")
    axes.set_ylabel(f"{shorten(signal, 30)} efficiency")
    experiment_label(axes, simulated=evaluation.data.origin == "simulated")
    plain_axes(axes)
    return figure


def _single_event(evaluation: Evaluation) -> float:
    """The background efficiency of a single test event, as far as the run tells."""
    events = evaluation.data.n_background.get("test", 0)
    smallest = [
        min((x for x in model.roc.background_efficiency if x > 0), default=1.0) for model in evaluation.models.values()
    ]
    return min(1 / events if events > 1 else min(smallest, default=0.1), 0.5)


def _mark_on_curve(axes: Axes, points: Sequence[WorkingPoint], single: float) -> None:
    bottom, _ = axes.get_ylim()
    for index, point in enumerate(sorted(points, key=lambda one: one.background_efficiency.value or 0.0)):
        background, signal = point.background_efficiency, point.signal_efficiency
        if background.value is None or signal.value is None or signal.value < bottom:
            continue
        at = max(background.value, single)
        # An open marker at the edge: no background left.
        filled = INK if background.value > 0 else "none"
        axes.plot(
            [at],
            [signal.value],
            marker="o",
            markersize=6,
            color=INK,
            markerfacecolor=filled,
            linestyle="none",
            clip_on=False,
            zorder=4,
        )
        axes.annotate(
            shorten(point.name, 18),
            (at, signal.value),
            # Below the curves and above them in turn, so that near points keep their names apart.
            xytext=(8, 4) if at == single else (8, -11) if index % 2 == 0 else (-8, 7),
            textcoords="offset points",
            ha="left" if at == single or index % 2 == 0 else "right",
            fontsize=9,
            color=INK,
        )


def plain_decades(axes: Axes, *, which: str) -> None:
    """Powers of ten as plain numbers along the logarithmic axis ``x`` or ``y``."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, max(0, -floor(log10(value) + 1e-9)))))
    axis.set_minor_formatter(NullFormatter())
