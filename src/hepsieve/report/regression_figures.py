"""Figures of a regression: predictions against the truth, residuals along a column, pulls. Results in, a Figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import (
    Against,
    Histogram,
    Limit,
    Profile,
    ProfileBin,
    Pulls,
    TargetDescription,
)
from hepsieve.evaluate.results import Quantity
from hepsieve.report.style import (
    BLUE,
    INK,
    MARKERS,
    MUTED,
    ORANGE,
    PURPLE,
    house_style,
    model_line,
    new_figure,
    plain_axes,
    shorten,
    steps,
)

_DECADE, _WIDEST = 10.0, 4.0
_FEW_EVENTS = 1000
# Every colour stands out on light and on dark paper.
_CELLS = LinearSegmentedColormap.from_list("cells", ["#a9cdf0", BLUE, PURPLE])


@house_style()
def predicted_against_true(against: Against, target: TargetDescription) -> Figure:
    """How many test events have which truth and which prediction; on the line they are equal."""
    figure = new_figure(420, 350)
    axes = figure.add_subplot()
    counts = np.asarray(against.counts).T
    shown = np.ma.masked_less_equal(counts, 0)
    edges = (np.asarray(against.truth_edges), np.asarray(against.prediction_edges))
    least = float(counts[counts > 0].min(initial=np.inf))
    # Of weighted events a cell may hold far less than 1.
    norm = LogNorm(vmin=least, vmax=max(2 * least, float(counts.max()))) if np.isfinite(least) else LogNorm(1, 2)
    cells = axes.pcolormesh(*edges, shown, cmap=_CELLS, norm=norm, rasterized=True)
    axes.plot([0, 1], [0, 1], color=ORANGE, linewidth=1, linestyle=(0, (4, 2)))
    bar = figure.colorbar(cells, ax=axes, label=_events(counts), shrink=0.8)
    _plain_decades(bar.ax)
    axes.set_aspect("equal")
    axes.set_xlabel(f"true {axis_title(target)}")
    axes.set_ylabel(f"predicted {axis_title(target)}")
    plain_axes(axes)
    return figure


@house_style()
def residual_histograms(residuals: Mapping[str, Histogram], order: Sequence[str], target: TargetDescription) -> Figure:
    """Prediction minus truth of every model on the test part, as densities: each model has bins of its own width."""
    figure = new_figure(420, 320 + _rows_of_legend(len(residuals)))
    axes = figure.add_subplot()
    axes.axvline(0, color=MUTED, linewidth=0.8)
    lines = []
    for name, histogram in residuals.items():
        line = model_line(order.index(name))
        edges, density = _density(histogram)
        steps(axes, density, edges, **line, linewidth=1.3)
        lines.append((name, line))
    reach = [histogram.edges[-1] for histogram in residuals.values()]
    # Beside a model that learned nothing the others would be a line.
    limit = min(max(reach), _WIDEST * min(reach))
    axes.set_xlim(-limit, limit)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"predicted minus true {axis_title(target)}")
    axes.set_ylabel("density")
    _legend_below(axes, lines)
    plain_axes(axes)
    return figure


@house_style()
def profile_curves(
    profiles: Mapping[str, Profile],
    order: Sequence[str],
    *,
    figure_of: Literal["rmse", "bias", "resolution"],
    title: str,
    limit: Limit | None = None,
) -> Figure:
    """RMSE, bias or resolution of every model along a column, with 95 % intervals.

    Args:
        profiles: by model, along one column.
        order: all models of the run, for their colours.
        figure_of: which figure.
        title: of the horizontal axis.
        limit: what the detector allows and what a fit reaches, along the target.
    """
    figure = new_figure(420, 310 + _rows_of_legend(len(profiles) + 2 * (limit is not None)))
    axes = figure.add_subplot()
    lines: list[tuple[str, Mapping[str, Any]]] = []
    for k, (name, profile) in enumerate(profiles.items()):
        line = model_line(order.index(name))
        # Side by side, so that bars of one bin don't hide each other.
        shift = (k - (len(profiles) - 1) / 2) * min(0.1, 0.6 / len(profiles))
        _points(axes, profile.bins, figure_of, shift=shift, line=line, marker=MARKERS[order.index(name) % len(MARKERS)])
        lines.append((name, {**line, "marker": MARKERS[order.index(name) % len(MARKERS)], "markersize": 4}))
    if limit is not None and figure_of != "bias":
        lines += _allowed(axes, limit, next(iter(profiles.values())).bins, figure_of)
    if figure_of == "bias":
        axes.axhline(0, color=MUTED, linewidth=1)
    elif axes.dataLim.ymax > _DECADE * axes.dataLim.ymin > 0:
        axes.set_yscale("log")
        _plain_decades(axes)
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(title)
    axes.set_ylabel({"rmse": "RMSE", "bias": "mean of predicted minus true", "resolution": "resolution"}[figure_of])
    _legend_below(axes, lines)
    plain_axes(axes)
    return figure


@house_style()
def bound_curves(limit: Limit, target: TargetDescription) -> Figure:
    """The Cramér–Rao bound along the target, for pulses of a few sizes."""
    figure = new_figure(420, 320)
    axes = figure.add_subplot()
    for k, curve in enumerate(limit.curves):
        known = [(x, y) for x, y in zip(curve.target, curve.deviation, strict=True) if y is not None]
        if known:
            axes.plot(*zip(*known, strict=True), **model_line(k), label=curve.size)
    axes.axvline(limit.pulse_width, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.annotate(
        "one pulse width", (limit.pulse_width, 0.93), xycoords=("data", "axes fraction"), xytext=(4, 0),
        textcoords="offset points", color=MUTED, fontsize=9,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(top=0.2)
    _plain_decades(axes)
    axes.set_xlabel(axis_title(target))
    axes.set_ylabel("least standard deviation")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right")
    plain_axes(axes)
    return figure


@house_style()
def pull_histogram(pulls: Pulls) -> Figure:
    """Residuals in units of the predicted width, beside the normal distribution that they would have."""
    figure = new_figure(420, 300)
    axes = figure.add_subplot()
    edges, counts = np.asarray(pulls.histogram.edges), np.asarray(pulls.histogram.counts)
    steps(axes, counts, edges, color=BLUE, filled=0.3, linewidth=1.2)
    x = np.linspace(edges[0], edges[-1], 200)
    normal = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi) * counts.sum() * (edges[1] - edges[0])
    axes.plot(x, normal, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    axes.set_xlabel("pull: (predicted − true) / predicted width")
    axes.set_ylabel(_events(counts))
    plain_axes(axes)
    return figure


@house_style()
def target_histogram(targets: Histogram, target: TargetDescription) -> Figure:
    """The target in the training part."""
    figure = new_figure(420, 260)
    axes = figure.add_subplot()
    steps(axes, targets.counts, targets.edges, color=BLUE, filled=0.45, linewidth=1)
    axes.set_xlabel(axis_title(target))
    axes.set_ylabel(_events(np.asarray(targets.counts), "training events"))
    plain_axes(axes)
    return figure


def _events(counts: Floats, what: str = "events") -> str:
    """What was counted: of events with weights other than 1 sums are no whole numbers."""
    return what if (counts == np.rint(counts)).all() else f"weighted {what}"


def _plain_decades(axes: Axes) -> None:
    """Numbers such as 0.01 along a logarithmic axis, where the page can't show powers."""
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def axis_title(target: TargetDescription) -> str:
    """The target's name and what a value of 1 is.

    >>> axis_title(TargetDescription(name="d", unit="mm", full=30))
    'd (1 = 30 mm)'
    """
    return f"{target.name} (1 = {target.full:g} {target.unit})" if target.unit else target.name


def _density(histogram: Histogram) -> tuple[Floats, Floats]:
    """Edges, and counts per unit and event; of few events bins are wider, so that the outline is no comb."""
    edges, counts = np.asarray(histogram.edges), np.asarray(histogram.counts)
    total = float(counts.sum()) + histogram.below + histogram.above
    together = 3 if total < _FEW_EVENTS and len(counts) % 3 == 0 else 1
    edges, counts = edges[::together], counts.reshape(-1, together).sum(axis=1)
    return edges, counts / (np.diff(edges) * total) if total else counts


def _rows_of_legend(entries: int) -> int:
    """How much higher a figure is for its legend, in pixels."""
    return 18 * ((entries + 1) // 2)


def _legend_below(axes: Axes, lines: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """A legend below the axes, where it hides nothing; it keeps names that begin with an underscore."""
    drawn = [Line2D([], [], **dict(line)) for _, line in lines]
    box = axes.figure.legend(drawn, [" "] * len(drawn), loc="outside lower center", ncols=2, handlelength=2.6)
    for text, (name, _) in zip(box.get_texts(), lines, strict=True):
        text.set_text(shorten(name, 24))


def _points(
    axes: Axes, bins: Sequence[ProfileBin], name: str, *, shift: float, line: Mapping[str, Any], marker: str
) -> None:
    colour = str(line["color"])
    step = float(np.median([one.high - one.low for one in bins]))
    for one in bins:
        quantity: Quantity = getattr(one, name)
        if quantity.value is None:
            continue
        x = one.centre + shift * step
        axes.plot([x], [quantity.value], marker=marker, markersize=4, color=colour)
        if quantity.low is not None and quantity.high is not None:
            axes.plot([x, x], [quantity.low, quantity.high], color=colour, linewidth=1.3)


def _allowed(axes: Axes, limit: Limit, bins: Sequence[ProfileBin], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The bound averaged over the events of each bin as steps, and the fits as open squares; what to call them."""
    bound: dict[str, Any] = {"color": INK, "linewidth": 1.6}
    fits: dict[str, Any] = {
        "color": MUTED,
        "marker": "s",
        "markersize": 6,
        "markerfacecolor": "none",
        "linestyle": "none",
    }
    known = [(one, value) for one, value in zip(bins, limit.averaged, strict=True) if value is not None]
    for one, value in known:
        axes.plot([one.low, one.high], [value, value], **bound)
    fitted = [(one.centre, getattr(one, name).value) for one in limit.fits.bins]
    fitted = [(x, y) for x, y in fitted if y is not None]
    if fitted:
        axes.plot(*zip(*fitted, strict=True), **fits)
    axes.axvline(limit.pulse_width, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    named: list[tuple[str, Mapping[str, Any]]] = []
    return named + [("Cramér–Rao bound", bound)] * bool(known) + [("maximum-likelihood fit", fits)] * bool(fitted)
