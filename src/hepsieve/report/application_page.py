"""A regression applied to other events turned into one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from hepsieve.evaluate.regression_application import AppliedModel, RegressionApplication
from hepsieve.evaluate.regression_results import TargetDescription
from hepsieve.evaluate.told_apart import TellingCut
from hepsieve.report.applied import drift_rows, drift_summary
from hepsieve.report.applied_regression import regression_rows, regression_summary
from hepsieve.report.contents import APPLICATION, contents
from hepsieve.report.page import environment, write_text
from hepsieve.report.picture import Picture, picture
from hepsieve.report.regression_figures import axis_title
from hepsieve.report.sections import Table
from hepsieve.report.style import BACKGROUND, MUTED, SIGNAL, house_style, new_figure, plain_axes, steps
from hepsieve.report.summary import Cell


def render_application(application: RegressionApplication) -> str:
    """The page as HTML text; equal applications give equal text."""
    context = {
        "title": f"{application.task}: {', '.join(application.sources)}",
        "application": application,
        "lines": regression_summary(application).splitlines(),
        "figures": _table(regression_rows(application)),
        "predictions": [_predictions(application, name) for name in application.models],
        "kept": [
            _kept(application, name, cut)
            for name, model in application.models.items()
            if model.told_apart is not None
            for cut in model.told_apart.cuts
        ],
        "drift": _table(drift_rows(application.drift)),
        "drift_says": drift_summary(application.drift).removeprefix("drift: "),
    }
    page = environment().get_template("application.html.j2")
    return page.render(context, contents=contents(APPLICATION, context))


def write_application(page: Path, application: RegressionApplication) -> None:
    """Write the page.

    Raises:
        HepsieveError: if it can't be written.
    """
    text = render_application(application)
    write_text(page, text)


def _table(rows: list[dict[str, str]]) -> Table:
    columns = tuple(rows[0]) if rows else ()
    return Table(columns=columns, rows=tuple(tuple(Cell(value=text) for text in row.values()) for row in rows))


def _predictions(application: RegressionApplication, name: str) -> Picture:
    return picture(
        applied_predictions(application.models[name], application.target),
        f"Predictions of {name} for these events and for the run's own test events.",
        title=name,
    )


def _kept(application: RegressionApplication, name: str, cut: TellingCut) -> Picture:
    target = application.target
    return picture(
        kept_by_target(cut, target),
        f"The share of the run's own test events that {name} keeps, by {target.name}.",
        title=f"{name}: {cut.wanted}",
        note=cut.says,
    )


@house_style()
def applied_predictions(model: AppliedModel, target: TargetDescription) -> Figure:
    """Densities of the predictions for other events and for the run's own test events, with the cuts between them."""
    figure = new_figure(420, 300)
    axes = figure.add_subplot()
    drawn = (("these events", model.predictions, SIGNAL), ("the run's test events", model.own_predictions, BACKGROUND))
    for label, histogram, colour in drawn:
        edges, counts = np.asarray(histogram.edges), np.asarray(histogram.counts)
        density = counts / np.diff(edges) / max(counts.sum(), 1e-12)
        steps(axes, density, edges, color=colour, filled=0.25, linewidth=1.4, label=label)
    for cut in model.told_apart.cuts if model.told_apart is not None else ():
        axes.axvline(cut.threshold, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"predicted {axis_title(target)}")
    axes.set_ylabel("density")
    axes.legend(loc="upper right")
    plain_axes(axes)
    return figure


@house_style()
def kept_by_target(cut: TellingCut, target: TargetDescription) -> Figure:
    """The share of the run's own test events that a cut keeps, in bins of their target, with 95 % intervals."""
    figure = new_figure(420, 280)
    axes = figure.add_subplot()
    for one in cut.bins:
        share, centre = one.efficiency, (one.low + one.high) / 2
        if share.value is None:
            continue
        axes.plot([one.low, one.high], [share.value, share.value], color=BACKGROUND, linewidth=1.6)
        if share.low is not None and share.high is not None:
            axes.plot([centre, centre], [share.low, share.high], color=BACKGROUND, linewidth=1.2)
    if cut.other_share.value is not None:
        axes.axhline(cut.other_share.value, color=SIGNAL, linewidth=1, linestyle=(0, (4, 2)))
    axes.set_ylim(0, 1.03)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"true {axis_title(target)}")
    axes.set_ylabel("share kept")
    plain_axes(axes)
    return figure
