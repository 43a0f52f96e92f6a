"""Figures of a whole run: what the data look like and how the models compare. Results in, a Figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from hepsieve.evaluate.results import Evaluation, FeatureHistogram, RocCurve
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
    steps,
)


@house_style()
def feature_histogram(feature: FeatureHistogram) -> Figure:
    """The densities of both classes over one feature: background filled, signal as a line."""
    figure = new_figure(212, 150)
    axes = figure.add_subplot()
    edges = np.asarray(feature.edges)
    steps(axes, feature.background, edges, color=BACKGROUND, filled=0.35, linewidth=0.9)
    if any(feature.signal):  # a regression has one class
        steps(axes, feature.signal, edges, color=SIGNAL, linewidth=1.7)
    if len(edges) > 1 and edges[-1] > edges[0]:
        axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_yticks([])
    axes.tick_params(labelsize=8.5)
    unit = f" [{feature.unit}]" if feature.unit else ""
    axes.set_xlabel(shorten(feature.name, 26) + unit, fontsize=9.5)
    axes.set_ylabel("density", fontsize=8, color=MUTED)
    plain_axes(axes)
    return figure


@house_style()
def correlation_map(matrix: Sequence[Sequence[float | None]], names: Sequence[str], *, title: str) -> Figure:
    """The linear correlations between the features within one class.

    Args:
        matrix: shape (p, p), from -1 to 1; None, where a feature is constant, stays blank.
        names: p feature names.
        title: the class.
    """
    # Long names are cut, so the map keeps its shape and its labels their size.
    size = 130 + 14.5 * max(len(matrix), 20)
    figure = new_figure(size + 35, size)
    axes = figure.add_subplot()
    values = np.asarray(matrix, dtype=float)
    # "none" stores one pixel per pair, which the browser enlarges without blur.
    image = axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="none")
    labels = [shorten(name, 18) for name in names]
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8.5)
    axes.set_yticks(range(len(labels)), labels, fontsize=8.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(shorten(title, 40), fontweight="bold")
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=32, pad=0.015, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8.5, length=0)
    bar.set_label("correlation coefficient", fontsize=9)
    return figure


def roc_curves(evaluation: Evaluation) -> Figure:
    """Signal efficiency against background efficiency of every model, with pointwise 95 % bands."""
    curves = {name: model.roc for name, model in evaluation.models.items()}
    simulated = evaluation.data.origin == "simulated"
    return roc_lines(curves, evaluation.classes, simulated=simulated, best=evaluation.best)


@house_style()
def roc_lines(
    curves: Mapping[str, RocCurve], classes: tuple[str, str], *, simulated: bool = False, best: str = ""
) -> Figure:
    """ROC curves by model, with their bands; of many models only that of the best, if it is named."""
    background, signal = classes
    figure = new_figure(420, 360)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 2)), label="guessing")
    for index, (name, curve) in enumerate(curves.items()):
        line = model_line(index)
        x, y, low, high = _points(curve)
        if name in banded(curves, best):
            axes.fill_between(x, low, high, color=line["color"], alpha=0.16, linewidth=0)
        axes.plot(x, y, label=shorten(name, 28), **line)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.003)
    axes.set_xlabel(f"{shorten(background, 30)} efficiency")
    axes.set_ylabel(f"{shorten(signal, 30)} efficiency")
    legend(axes, loc="lower right")
    experiment_label(axes, simulated=simulated)
    plain_axes(axes)
    return figure


@house_style()
def rejection_curves(evaluation: Evaluation) -> Figure:
    """Background rejection (one over background efficiency) against signal efficiency, with 95 % bands."""
    background, signal = evaluation.classes
    figure = new_figure(420, 360)
    axes = figure.add_subplot()
    axes.set_yscale("log")
    guess = np.linspace(0.01, 1, 100)
    axes.plot(guess, 1 / guess, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), label="guessing")
    top = 10.0
    for index, (name, model) in enumerate(evaluation.models.items()):
        line = model_line(index)
        x, y, low, high = _points(model.roc)
        # Where no background is left the rejection has no value to draw.
        kept = (x > 0) & (y > 0)
        rejection = 1 / x[kept]
        if name in banded(evaluation.models, evaluation.best):
            axes.fill_betweenx(rejection, low[kept], high[kept], color=line["color"], alpha=0.16, linewidth=0)
        axes.plot(y[kept], rejection, label=shorten(name, 28), **line)
        top = max(top, float(np.max(rejection[y[kept] >= 0.05], initial=1.0)))
    first = _first_shown(evaluation)
    axes.set_xlim(first, 1)
    axes.set_ylim(1, top * 1.5)
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"{shorten(signal, 30)} efficiency")
    axes.set_ylabel(f"{shorten(background, 30)} rejection  1/ε")
    legend(axes, loc="lower left" if first else "upper right")
    experiment_label(axes, simulated=evaluation.data.origin == "simulated")
    plain_axes(axes)
    return figure


def _first_shown(evaluation: Evaluation) -> float:
    """Where the axis of signal efficiency begins: 0, but just below the curves where all keep to the right end."""
    starts = [
        min((y for x, y in zip(curve.background_efficiency, curve.low, strict=True) if x > 0), default=1.0)
        for curve in (model.roc for model in evaluation.models.values())
    ]
    first = min(starts)
    # Of perfect separation no curve is left to draw.
    return 0.0 if first < 0.7 else 1 - max(1.6 * (1 - first), 0.01)


@house_style()
def auc_comparison(
    aucs: Mapping[str, tuple[float, float, float]],
    validation: Mapping[str, tuple[float, float, float]] | None = None,
    *,
    decimals: int = 4,
) -> Figure:
    """Each model's test AUC as a point with its 95 % interval, and below it that on validation, hollow.

    Args:
        aucs: value, lower and upper end by model.
        validation: the same on the validation part, for those of the models that have it.
        decimals: of the value that stands at the test point.
    """
    figure = new_figure(420, 74 + (32 if validation else 26) * len(aucs))
    axes = figure.add_subplot()
    for index, (name, (value, low, high)) in enumerate(aucs.items()):
        colour = str(model_line(index)["color"])
        if validation and name in validation:
            chosen, least, most = validation[name]
            axes.plot([least, most], [index + 0.27] * 2, color=colour, linewidth=0.8, solid_capstyle="butt")
            axes.plot([chosen], [index + 0.27], marker="o", color=colour, markerfacecolor="none", markersize=4.5)
        axes.plot([low, high], [index, index], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([value], [index], marker="o", markersize=7, color=colour)
        axes.annotate(
            f"{value:.{decimals}f}",
            (value, index),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=INK,
        )
    axes.set_yticks(range(len(aucs)), [shorten(name, 28) for name in aucs])
    axes.set_ylim(len(aucs) - 0.5, -0.75)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("AUC" if validation else "AUC on the test part")
    axes.tick_params(axis="y", length=0)
    plain_axes(axes)
    return figure


def _points(roc: RocCurve) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.asarray(roc.background_efficiency),
        np.asarray(roc.signal_efficiency),
        np.asarray(roc.low),
        np.asarray(roc.high),
    )
