"""Models of several runs on the events that these share turned into one self-contained HTML page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepsieve.evaluate.run_comparison_results import ModelPair, RunComparison
from hepsieve.folder import REPORT
from hepsieve.report.compared_runs import (
    choice_sentence,
    combined_of,
    events_sentence,
    model_cells,
    paired_cells,
    pairs_family,
    pairs_sentence,
    settings_table,
)
from hepsieve.report.contents import COMPARISON, contents
from hepsieve.report.figures import auc_comparison, roc_lines
from hepsieve.report.page import environment, write_text
from hepsieve.report.picture import Picture, picture
from hepsieve.report.plotted import roc_numbers
from hepsieve.report.sections import Table
from hepsieve.report.style import FAINT, MUTED, bands_note, house_style, model_line, new_figure, plain_axes, shorten
from hepsieve.report.summary import Cell, cell, column_cells, decimals_for, metric_title, number, p_value

# A larger figure, and a wider matrix, can't be read.
_MOST_DRAWN = 30
_MOST_IN_MATRIX = 8


def render_comparison(comparison: RunComparison, *, beside: Path) -> str:
    """The page as HTML text; equal comparisons give equal text.

    Args:
        comparison: what is shown.
        beside: the folder of the page, from where its links to the runs' own pages start.
    """
    winner = comparison.pairs[0].first
    context: dict[str, Any] = {
        "comparison": comparison,
        "title": f"{comparison.task}: {len(comparison.models)} models compared",
        "winner": winner,
        "figure_title": metric_title(comparison.by),
        "figure": cell(comparison.models[winner].metrics[comparison.by]),
        "events": events_sentence(comparison),
        "says": pairs_sentence(comparison),
        "choice": choice_sentence(comparison),
        "results": model_cells(comparison),
        "figures_picture": _figures_picture(comparison),
        "pairs": _as_table(paired_cells(comparison)),
        "matrix": _matrix(comparison),
        "family": pairs_family(comparison),
        "pairs_picture": _pairs_picture(comparison),
        "rocs": _rocs(comparison),
        "runs": _runs(comparison, beside),
        "settings": settings_table(comparison),
    }
    context["contents"] = contents(COMPARISON, context)
    return environment().get_template("comparison.html.j2").render(context)


def write_comparison(page: Path, comparison: RunComparison) -> None:
    """Write the page.

    Raises:
        HepsieveError: if it can't be written.
    """
    write_text(page, render_comparison(comparison, beside=page.parent))


def _as_table(rows: list[dict[str, Cell]]) -> Table:
    return Table(columns=tuple(rows[0]), rows=tuple(tuple(row.values()) for row in rows))


def _matrix(comparison: RunComparison) -> Table | None:
    """Rows minus columns; None where a list is as good, or the models are too many."""
    names = list(comparison.models)
    if not 3 <= len(names) <= _MOST_IN_MATRIX:
        return None
    differences = column_cells([pair.difference for pair in comparison.pairs])
    shown = {}
    for pair, entry in zip(comparison.pairs, differences, strict=True):
        p = "" if pair.p_adjusted is None else f"p {_p(pair.p_adjusted)}{' *' if pair.significant else ''}"
        opposite = entry.value.removeprefix("−") if entry.value.startswith("−") else f"−{entry.value}"
        shown[pair.first, pair.second] = Cell(value=entry.value, interval=p)
        shown[pair.second, pair.first] = Cell(value=opposite if pair.difference.value else entry.value, interval=p)
    rows = ((Cell(value=row), *(shown.get((row, column), Cell(value="")) for column in names)) for row in names)
    return Table(columns=("minus →", *names), rows=tuple(rows))


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def _figures_picture(comparison: RunComparison) -> Picture | None:
    """The figure that is compared, with its interval; of AUCs alone, of which there is a figure."""
    known = {name: one.metrics[comparison.by] for name, one in comparison.models.items()}
    points = {
        name: (one.value, one.low, one.high)
        for name, one in known.items()
        if one.value is not None and one.low is not None and one.high is not None
    }
    if not points:
        return None
    title = metric_title(comparison.by)
    drawn = auc_comparison(points, decimals=max(decimals_for(known[name]) for name in points))
    drawn.axes[0].set_xlabel(f"{title} on the shared test events")
    return picture(
        drawn,
        f"The {title} of every model on the shared test events with its 95 % interval, as in the table above.",
        title=title,
        numbers={
            "model": list(points),
            title: [value for value, _, _ in points.values()],
            "low": [low for _, low, _ in points.values()],
            "high": [high for _, _, high in points.values()],
        },
    )


def _pairs_picture(comparison: RunComparison) -> Picture | None:
    known = [pair for pair in comparison.pairs if pair.difference.value is not None]
    if not known:
        return None
    shown, word = known[:_MOST_DRAWN], metric_title(comparison.by)
    few = "" if len(shown) == len(known) else f" The first {len(shown)} of {len(known)} pairs."
    return picture(
        pair_points(comparison, shown),
        f"The difference in {word} of every pair of models, with 95 % intervals.",
        title="Paired differences",
        note=f"Paired on the same test events. Hollow: no significant difference.{few}",
        numbers={
            "model": [pair.first for pair in shown],
            "against": [pair.second for pair in shown],
            f"{word} difference": [pair.difference.value for pair in shown],
            "low": [pair.difference.low for pair in shown],
            "high": [pair.difference.high for pair in shown],
            "p": [pair.p_value for pair in shown],
            "p after Holm": [pair.p_adjusted for pair in shown],
        },
    )


@house_style()
def pair_points(comparison: RunComparison, pairs: list[ModelPair]) -> Figure:
    """The difference of every pair with its 95 % interval, in the better model's colour; hollow if not significant."""
    order = list(comparison.models)
    figure = new_figure(420, 74 + 34 * len(pairs))
    axes = figure.add_subplot()
    axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
    for row, pair in enumerate(pairs):
        colour, quantity = str(model_line(order.index(pair.first))["color"]), pair.difference
        if quantity.low is not None and quantity.high is not None:
            axes.plot([quantity.low, quantity.high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
        face = colour if pair.significant else "none"
        axes.plot([quantity.value or 0.0], [row], marker="o", markersize=8, color=colour, markerfacecolor=face)
    labels = [f"{shorten(pair.first, 26)}\n− {shorten(pair.second, 26)}" for pair in pairs]
    axes.set_yticks(range(len(pairs)), labels, fontsize=9)
    axes.set_ylim(len(pairs) - 0.5, -0.5)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"difference in {metric_title(comparison.by)} on the shared test events")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    plain_axes(axes)
    axes.spines["left"].set_color(FAINT)
    return figure


def _rocs(comparison: RunComparison) -> list[Picture]:
    curves = {name: one.roc for name, one in comparison.models.items() if one.roc is not None}
    if not curves or len(comparison.classes) != 2:
        return []
    background, signal = comparison.classes
    return [
        picture(
            roc_lines(curves, (background, signal), simulated=comparison.origin == "simulated"),
            f"ROC curves: {signal} efficiency against {background} efficiency for every model.",
            title="Receiver operating characteristic",
            note=bands_note(curves),
            numbers=roc_numbers(curves),
        )
    ]


def _runs(comparison: RunComparison, beside: Path) -> list[dict[str, str]]:
    """What is told about each run, with the way to its own page."""
    return [
        {
            "name": name,
            "href": quote(Path(os.path.relpath(Path(run.path) / REPORT, beside)).as_posix()),
            "created": run.created,
            "models": ", ".join(f"{model} ★" if model == run.best else model for model in run.models),
            "made of": combined_of(run),
            "test events": number(run.n_test, 0),
            "test openings": str(run.test_openings),
        }
        for name, run in comparison.runs.items()
    ]
