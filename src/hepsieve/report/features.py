"""What the features are worth: a table, and figures of permutation importance and of the backward ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogitLocator, MaxNLocator, NullLocator

from hepsieve.evaluate.results import Evaluation, FeatureHistogram, FeatureRanking, Quantity
from hepsieve.report.sections import Table
from hepsieve.report.style import (
    FAINT,
    MUTED,
    VALIDATION,
    house_style,
    legend,
    model_line,
    new_figure,
    plain_axes,
    shorten,
)
from hepsieve.report.summary import UNKNOWN, Cell, cell, column_cells, number

# From here on the distance to 1 tells more than the AUC itself.
NEARLY_PERFECT = 0.98
# So many usual intervals above 0 the most important feature leaves the others no room.
FAR_AHEAD = 100
_LABEL = 24
# What a feature gets that no score depends on.
_NOTHING = Quantity(value=0, low=0, high=0)
_NOT_USED = Cell(value="0", interval="(not used)")


def strongest_first(features: Sequence[FeatureHistogram]) -> list[FeatureHistogram]:
    """The features by how well a cut on each separates alone, in either direction."""
    return sorted(features, key=lambda one: -abs((one.auc.value if one.auc.value is not None else 0.5) - 0.5))


def feature_table(evaluation: Evaluation) -> Table:
    """Each feature's AUC and separation alone, what it is worth to the best model, and when it may be left out."""
    features = strongest_first(evaluation.features)
    ranking = evaluation.ranking if evaluation.ranking is not None else FeatureRanking()
    board, asked = evaluation.leaderboard, evaluation.best
    if board is not None and asked == board.ensemble.name:  # which looks at what its members look at
        asked = board.best_single
    worth = ranking.importances.get(asked, {})
    columns = {"AUC alone": column_cells([one.auc for one in features])}
    if any(one.separation.value is not None for one in features):
        columns["separation ⟨S²⟩"] = column_cells([one.separation for one in features], digits=2)
    if worth:
        lost = [worth.get(one.name) for one in features]
        cells = column_cells(lost)
        columns[f"AUC lost when shuffled, {asked}"] = [
            _NOT_USED if quantity == _NOTHING else one for quantity, one in zip(lost, cells, strict=True)
        ]
    if ranking.backward:
        columns["left out as number"] = [_left_out(one.name, ranking) for one in features]
    return Table(
        columns=("feature", *columns),
        rows=tuple(
            (Cell(value=one.name), *(column[k] for column in columns.values())) for k, one in enumerate(features)
        ),
    )


def _left_out(name: str, ranking: FeatureRanking) -> Cell:
    if name == ranking.last_feature:
        return Cell(value="stays last")
    order = [step.left_out for step in ranking.backward]
    return Cell(value=number(order.index(name) + 1, 0) if name in order else UNKNOWN)


@house_style()
def importance_points(
    importances: Mapping[str, Mapping[str, Quantity]], *, best: str, lost: str = "AUC lost on validation"
) -> Figure:
    """What each model loses when a feature is shuffled: a point with its interval, models side by side.

    Where one feature is far ahead of the others the axis is logarithmic beyond the usual interval.

    Args:
        importances: by model and feature, at least one of each.
        best: the model whose order the features stand in, the most important one on top.
        lost: what is lost, along the axis.
    """
    leading = importances.get(best, next(iter(importances.values())))
    rest = [name for one in importances.values() for name in one if name not in leading]
    names = [*sorted(leading, key=lambda name: -(leading[name].value or 0.0)), *dict.fromkeys(rest)]
    height = max(19, 7 * len(importances) + 7)
    figure = new_figure(420, 60 + height * len(names))
    axes = figure.add_subplot()
    for index, (model, worth) in enumerate(importances.items()):
        colour = str(model_line(index)["color"])
        shift = (index - (len(importances) - 1) / 2) * min(0.2, 0.75 / len(importances))
        places = {names.index(name) + shift: quantity for name, quantity in worth.items()}
        _points(axes, places, colour, label=shorten(model, 28))
    axes.vlines(0, -1, len(names), color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
    axes.set_yticks(range(len(names)), [shorten(name, _LABEL) for name in names], fontsize=9.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.04)
    _scale_losses(axes, [one for worth in importances.values() for one in worth.values()])
    axes.set_xlabel(lost)
    if len(importances) > 1:
        # Lines between the features, as each has several points.
        axes.yaxis.set_minor_locator(FixedLocator([k + 0.5 for k in range(len(names) - 1)]))
        axes.grid(which="minor", axis="y", color=FAINT, linewidth=0.6)
        # The least important features leave room on the right.
        legend(axes, loc="lower right")
    _rows(axes)
    return figure


@house_style()
def backward_curve(ranking: FeatureRanking) -> Figure:
    """The AUC with ever fewer features, from all of them (on top) to one, labelled by the feature that goes.

    Near 1 the axis shows the distance to 1 (logit).

    Args:
        ranking: with at least one step backwards.
    """
    steps = ranking.backward
    aucs = [ranking.all_features or Quantity(value=None, low=None, high=None), *(step.auc for step in steps)]
    labels = [f"all {steps[0].features_left + 1}"]
    labels += [f"{step.features_left}: without {shorten(step.left_out, _LABEL)}" for step in steps]
    figure = new_figure(420, 60 + 21 * len(aucs))
    axes = figure.add_subplot()
    values = [value for auc in aucs for value in (auc.low, auc.value, auc.high) if value is not None and 0 < value < 1]
    if max((auc.value for auc in aucs if auc.value is not None), default=0.0) >= NEARLY_PERFECT and values:
        aucs = _logit(axes, aucs, values)
    else:
        axes.margins(x=0.05)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    line = [(auc.value, k) for k, auc in enumerate(aucs) if auc.value is not None]
    axes.plot([value for value, _ in line], [k for _, k in line], color=VALIDATION, linewidth=1, alpha=0.5)
    _points(axes, dict(enumerate(aucs)), VALIDATION)
    axes.set_yticks(range(len(aucs)), labels, fontsize=9.5)
    axes.set_ylim(len(aucs) - 0.4, -0.6)
    axes.set_xlabel("AUC on validation")
    axes.set_ylabel("features left", fontsize=9)
    _rows(axes)
    return figure


def backward_note(ranking: FeatureRanking) -> str:
    """How the backward ranking was made, and what it started and ended with."""
    everything = cell(ranking.all_features)
    return (
        f"From all features, AUC {everything}, down to {ranking.last_feature}: at each step the feature goes without "
        f"which {ranking.backward_model} did best on validation. Being the best of several, stopped on the same "
        "events, each AUC is a little too high; the intervals do not hold that choice."
    )


def _points(axes: Axes, places: Mapping[float, Quantity], colour: str, *, label: str = "") -> None:
    known = [(y, one.value) for y, one in places.items() if one.value is not None]
    ys, values = [y for y, _ in known], [value for _, value in known]
    axes.plot(values, ys, linestyle="none", marker="o", markersize=4.5, color=colour, label=label)
    bars = [(y, one.low, one.high) for y, one in places.items() if one.low is not None and one.high is not None]
    axes.hlines([y for y, _, _ in bars], [low for _, low, _ in bars], [high for _, _, high in bars], color=colour)


def _scale_losses(axes: Axes, losses: Sequence[Quantity]) -> None:
    """A logarithmic axis beyond the usual interval where one feature would press all others against 0."""
    most = max((one.value for one in losses if one.value is not None), default=0.0)
    widths = [one.high - one.low for one in losses if one.low is not None and one.high is not None]
    usual = sorted(width for width in widths if width > 0)
    if not usual or most < FAR_AHEAD * usual[len(usual) // 2]:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        return
    least = 10.0 ** floor(log10(usual[len(usual) // 2]))
    axes.set_xscale("symlog", linthresh=least)
    decades = [least * 10.0**k for k in range(ceil(log10(most / least)) + 1)]
    axes.xaxis.set_major_locator(FixedLocator([-least, 0, *decades]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))


def _logit(axes: Axes, aucs: Sequence[Quantity], values: Sequence[float]) -> list[Quantity]:
    """Stretch the axis near 1, and draw an AUC or a limit of 1, which is infinitely far, at its end."""
    least, most = min(values), max(values)
    low, high = least - 0.15 * (1 - least) * least, 1 - (1 - most) / 2
    axes.set_xscale("logit")
    axes.set_xlim(low, high)
    round_ones, ticks = (
        [tick for tick in choice if low <= tick <= high]
        for choice in ((0.5, 0.9, 0.99, 0.999, 0.9999), (0.5, 0.8, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9997, 0.9999))
    )
    ticks = round_ones if len(round_ones) > 2 else ticks
    axes.xaxis.set_major_locator(FixedLocator(ticks) if len(ticks) > 1 else LogitLocator(nbins=4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    axes.xaxis.set_minor_locator(NullLocator())

    def clipped(value: float | None) -> float | None:
        return None if value is None else min(max(value, low), high)

    return [Quantity(value=clipped(one.value), low=clipped(one.low), high=clipped(one.high)) for one in aucs]


def _rows(axes: Axes) -> None:
    axes.tick_params(axis="y", which="both", length=0)
    plain_axes(axes)
