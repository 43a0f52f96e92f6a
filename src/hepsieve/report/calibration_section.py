"""Whether scores can be read as probabilities: reliability diagrams, before and after, and what calibration changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepsieve.evaluate.calibration_results import Calibration, Changed, Reliability, ReliabilityBin
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.results import Evaluation
from hepsieve.report.numbers import Value
from hepsieve.report.picture import Picture, picture
from hepsieve.report.sections import Table
from hepsieve.report.style import INK, MUTED, SIGNAL, TRAIN, house_style, new_figure, plain_axes
from hepsieve.report.summary import Cell, column_cells, metric_title

_FIGURES = ("log_loss", "brier", "ece")


@dataclass(frozen=True, kw_only=True)
class CalibrationSection:
    """What the section's template shows.

    Attributes:
        pictures: a reliability diagram for each model.
        table: log loss, Brier score and ECE before and after.
        calibrated: whether any model's scores are.
    """

    pictures: tuple[Picture, ...]
    table: Table
    calibrated: bool


def calibration_section(evaluation: Evaluation) -> CalibrationSection | None:
    """The calibration of every model; None for an evaluation that was made before there was any."""
    known = {name: model.calibration for name, model in evaluation.models.items() if model.calibration is not None}
    if not known:
        return None
    return CalibrationSection(
        pictures=tuple(_diagram(name, calibration, evaluation.classes) for name, calibration in known.items()),
        table=_table(known),
        calibrated=any(calibration.applied for calibration in known.values()),
    )


def calibration_remark(evaluation: AnyEvaluation) -> str:
    """Which models' scores are calibrated, in a sentence for a terminal; empty if none are.

    Its figures are those of the page's table: the log loss on test before and after.
    """
    if not isinstance(evaluation, Evaluation):
        return ""
    parts = []
    for name, model in evaluation.models.items():
        found = model.calibration
        if found is None or not found.applied:
            continue
        before, after = column_cells([found.log_loss.before, found.log_loss.after])
        parts.append(f"{name} by {_named(found)} (test log loss {before.value} → {after.value})")
    return f"Calibrated on {_where(evaluation)}: {'; '.join(parts)}." if parts else ""


@house_style()
def reliability_diagram(calibration: Calibration, classes: tuple[str, str]) -> Figure:
    """Share of signal against mean score, with 95 % intervals, and how many events have such scores.

    Hollow: the model's own scores; filled: its calibrated ones. Of scores that were left as they are only the first,
    filled.

    Args:
        calibration: of one model.
        classes: background and signal.
    """
    figure = new_figure(420, 400)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    above.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), label="perfect", zorder=1)
    if calibration.after is None:
        _points(above, calibration.before, "scores", colour=SIGNAL, hollow=False)
        shown = calibration.before
    else:
        _points(above, calibration.before, "before", colour=TRAIN, hollow=True)
        _points(above, calibration.after, "calibrated", colour=SIGNAL, hollow=False)
        shown = calibration.after
    above.set_xlim(-0.02, 1.02)
    above.set_ylim(-0.02, 1.02)
    above.set_ylabel(f"share of {classes[1]}")
    above.legend(loc="upper left")
    _spread(below, shown)
    below.set_xlabel("mean score")
    for axes in (above, below):
        plain_axes(axes)
    return figure


def _points(axes: Axes, reliability: Reliability, label: str, *, colour: str, hollow: bool) -> None:
    drawn = _drawn(reliability)
    if not drawn:
        return
    at = [one.score or 0.0 for one in drawn]
    share = np.array([one.signal.value for one in drawn], float)
    ends = np.array([(one.signal.low, one.signal.high) for one in drawn], float)
    axes.errorbar(
        at,
        share,
        yerr=np.maximum([share - ends[:, 0], ends[:, 1] - share], 0.0),
        fmt="o",
        color=colour,
        markerfacecolor="none" if hollow else colour,
        markersize=5 if hollow else 4.5,
        elinewidth=1.1,
        label=label,
        zorder=2 if hollow else 3,
    )


def _spread(axes: Axes, reliability: Reliability) -> None:
    """Where the scores are: bins hold equally many events, so they are denser where their scores lie closer."""
    drawn = _drawn(reliability)
    axes.vlines([one.score or 0.0 for one in drawn], 0, [one.weight for one in drawn], color=INK, linewidth=1.6)
    axes.set_ylim(0, 1.15 * max((one.weight for one in drawn), default=1.0))
    axes.set_ylabel("events")
    axes.yaxis.set_major_locator(MaxNLocator(2))


def _drawn(reliability: Reliability) -> list[ReliabilityBin]:
    return [
        one for one in reliability.bins if None not in (one.score, one.signal.value, one.signal.low, one.signal.high)
    ]


def _diagram(name: str, calibration: Calibration, classes: tuple[str, str]) -> Picture:
    bins = calibration.after or calibration.before
    what = "before and after calibration" if calibration.after is not None else "as they are"
    return picture(
        reliability_diagram(calibration, classes),
        f"Share of {classes[1]} against the mean score of {name}, {what}, in {len(bins.bins)} bins.",
        title=name,
        note=calibration.why,
        numbers=_numbers(calibration, classes),
    )


def _numbers(calibration: Calibration, classes: tuple[str, str]) -> dict[str, list[Value]]:
    sets = [("own scores", calibration.before)]
    if calibration.after is not None:
        sets.append(("calibrated scores", calibration.after))
    rows = [(which, one) for which, reliability in sets for one in reliability.bins]
    return {
        "scores": [which for which, _ in rows],
        "mean score": [one.score for _, one in rows],
        f"share of {classes[1]}": [one.signal.value for _, one in rows],
        "low (95 %)": [one.signal.low for _, one in rows],
        "high (95 %)": [one.signal.high for _, one in rows],
        "events": [float(one.events) for _, one in rows],
        "sum of weights": [one.weight for _, one in rows],
    }


def _table(known: dict[str, Calibration]) -> Table:
    rows = []
    for name, calibration in known.items():
        for figure in _FIGURES:
            changed: Changed = getattr(calibration, figure)
            values: Sequence[Cell] = column_cells([changed.before, changed.after, changed.difference])
            title = metric_title(figure)
            rows.append((Cell(value=f"{name}: {title}"), *values))
    titles = ("model and figure", "own scores", "calibrated", "calibrated − own")
    # Of scores that all stayed as they are there is nothing to set beside.
    shown = 4 if any(calibration.applied for calibration in known.values()) else 2
    return Table(columns=titles[:shown], rows=tuple(row[:shown] for row in rows))


def _named(calibration: Calibration) -> str:
    if calibration.parameter is None or calibration.parameter.value is None:
        return "isotonic regression"
    return f"a temperature of {calibration.parameter.value:.3g}"


def _where(evaluation: Evaluation) -> str:
    return "out-of-fold scores" if evaluation.data.folds else "validation"
