"""Figures of what may be expected: the significance against the cut, and the binned score as a stack."""

from __future__ import annotations

import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from hepsieve.evaluate.physics_results import Physics, ScoreBin
from hepsieve.report.style import (
    BACKGROUND,
    INK,
    MUTED,
    PURPLE,
    SIGNAL,
    experiment_label,
    house_style,
    new_figure,
    plain_axes,
    shorten,
    steps,
)
from hepsieve.report.thresholds import plain_decades, score_axis

# Scores nearer to 0 or 1 than a float32 sigmoid resolves are drawn at its edge.
_EDGE = 1e-7
# So many bins have room for the scores at their ends.
_MOST_LABELLED = 8


@house_style()
def significance_curve(physics: Physics) -> Figure:
    """The expected significance against the cut, with its 95 % band; the cut, its spread and the luckiest cut."""
    curve, cut = physics.curve, physics.cut
    figure = new_figure(420, 320)
    axes = figure.add_subplot()
    x, at, luckiest = (
        np.clip(values, _EDGE, 1 - _EDGE) for values in (curve.threshold, cut.threshold.value or 0.0, cut.luckiest)
    )
    if cut.threshold.low is not None and cut.threshold.high is not None:
        ends = np.clip([cut.threshold.low, cut.threshold.high], _EDGE, 1 - _EDGE)
        axes.axvspan(*ends, color=MUTED, alpha=0.18, linewidth=0, label="95 % of best cuts")
    axes.fill_between(x, curve.low, curve.high, color=PURPLE, alpha=0.2, linewidth=0)
    axes.plot(x, curve.value, color=PURPLE, label="significance")
    axes.axvline(float(at), color=INK, linewidth=1.2, label="cut")
    axes.axvline(float(luckiest), color=MUTED, linewidth=1, linestyle=(0, (2, 2)), label="luckiest cut")
    axes.set_ylim(0, 1.3 * max([*curve.high, 1e-9]))
    axes.set_ylabel("expected significance")
    axes.set_xlabel("cut: score ≥")
    score_axis(axes, [*x.tolist(), float(at)])
    axes.legend(loc="upper left", ncols=2, fontsize=9.5)
    plain_axes(axes)
    return figure


@house_style()
def score_stack(physics: Physics, classes: tuple[str, str], *, simulated: bool) -> Figure:
    """Expected background and signal in the bins of the score, stacked, and the significance of each bin below.

    Bins are drawn equally wide, however narrow they are in the score; hatched: the statistical uncertainty of both.
    """
    bins = physics.bins
    figure = new_figure(420, 400)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    edges = np.arange(len(bins) + 1, dtype=np.float64)
    background, signal = (np.array([getattr(one, name).events for one in bins]) for name in ("background", "signal"))
    errors = np.array([np.hypot(one.background.error, one.signal.error) for one in bins])
    mplhep.histplot(
        [background, signal],
        bins=edges,
        stack=True,
        histtype="fill",
        color=[BACKGROUND, SIGNAL],
        alpha=0.6,
        ax=above,
        flow="none",
        yerr=False,
    )
    total = background + signal
    steps(above, total, edges, color=INK, linewidth=1.0)
    above.stairs(
        total + errors,
        edges,
        baseline=total - errors,
        fill=True,
        facecolor="none",
        edgecolor=MUTED,
        hatch="/////",
        linewidth=0,
    )
    least = float(np.min(background[background > 0], initial=1.0))
    above.set_yscale("log")
    above.set_ylim(least / 5, 40 * float(np.max(total + errors, initial=1.0)))
    plain_decades(above, which="y")
    above.set_ylabel("expected events")
    _legend(above, classes)
    experiment_label(above, simulated=simulated)
    steps(below, [one.significance or 0.0 for one in bins], edges, color=PURPLE, filled=0.3)
    below.set_ylim(0, None)
    below.yaxis.set_major_locator(MaxNLocator(3))
    below.set_ylabel("significance")
    _label_bins(below, bins)
    for axes in (above, below):
        axes.set_xlim(edges[0], edges[-1])
        plain_axes(axes)
        axes.xaxis.set_minor_locator(NullLocator())
    return figure


def _legend(axes: Axes, classes: tuple[str, str]) -> None:
    handles = [
        Patch(color=SIGNAL, alpha=0.6),
        Patch(color=BACKGROUND, alpha=0.6),
        Patch(facecolor="none", edgecolor=MUTED, hatch="/////", linewidth=0),
    ]
    box = axes.legend(handles, [" "] * len(handles), loc="upper right", ncols=2)
    for text, name in zip(box.get_texts(), (*classes[::-1], "statistics of the sample"), strict=True):
        text.set_text(shorten(name, 24))


def _label_bins(axes: Axes, bins: tuple[ScoreBin, ...]) -> None:
    if len(bins) > _MOST_LABELLED:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_xlabel("bin of the score, from the lowest")
        return
    axes.xaxis.set_major_locator(FixedLocator(list(range(len(bins) + 1))))
    axes.set_xticklabels([f"{end:.3g}" for end in (*(one.low for one in bins), bins[-1].high)])
    axes.set_xlabel("score (bins equally wide)")
