"""What a regression predicts for other events, drawn beside what it predicts for the run's own."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from hepsieve.evaluate.regression_application import AppliedModel
from hepsieve.evaluate.regression_results import TargetDescription
from hepsieve.report.regression_figures import axis_title
from hepsieve.report.style import BACKGROUND, MUTED, SIGNAL, house_style, new_figure, plain_axes, steps


@house_style()
def predictions_beside_own(applied: AppliedModel, target: TargetDescription) -> Figure:
    """The distributions of the predictions as shares of each sample, and the cuts between them as dashed lines."""
    figure = new_figure(480, 300)
    axes = figure.add_subplot()
    least = 1.0
    for counted, colour, label in (
        (applied.predictions, BACKGROUND, "these events"),
        (applied.own_predictions, SIGNAL, "the run's own test events"),
    ):
        counts, edges = np.asarray(counted.counts), np.asarray(counted.edges)
        total = float(counts.sum()) + counted.below + counted.above
        if not total > 0:
            continue
        shares = counts / total
        least = min(least, float(shares[shares > 0].min(initial=1)))
        steps(axes, shares, edges, color=colour, filled=0.25, linewidth=1.3, label=label)
    for cut in applied.told_apart.cuts if applied.told_apart is not None else ():
        axes.axvline(cut.threshold, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
    axes.set_yscale("log")
    axes.set_ylim(bottom=least / 2)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"predicted {axis_title(target)}")
    axes.set_ylabel("share of events")
    axes.legend(loc="upper right")
    plain_axes(axes)
    return figure
