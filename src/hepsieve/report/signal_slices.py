"""Slices of signal alone, in words: each stands beside all background events, and a working point keeps a share."""

from __future__ import annotations

from hepsieve.evaluate.results import Evaluation, Slices, WorkingPoint
from hepsieve.report.summary import number

_AT_BACKGROUND = "background_efficiency@"


def tightest_point(evaluation: Evaluation) -> WorkingPoint | None:
    """The best model's working point at the least background efficiency; None where signal alone was not sliced."""
    if evaluation.slices is None or evaluation.slices.of != "signal":
        return None
    points = [
        point
        for point in evaluation.working_points.get(evaluation.best, ())
        if point.name.startswith(_AT_BACKGROUND)
        and any(point.name in one.efficiencies.get(evaluation.best, {}) for one in evaluation.slices.slices)
    ]
    return min(points, key=lambda point: float(point.name.removeprefix(_AT_BACKGROUND)), default=None)


def signal_intro(evaluation: Evaluation, taken: Slices) -> str:
    """What the section of the page is about."""
    background, signal = evaluation.classes
    by = f"in bins of {taken.column}" if taken.in_bins else f"by the values of {taken.column}"
    cut = (
        f" The bins were cut so that about as many {signal} events of the training part are in each; the test events "
        "had no say in them."
    )
    beside = f"The {signal} events of the test part are taken apart {by}, each slice beside all {background} events."
    return f"{taken.says} {beside}{cut * taken.in_bins}".strip()


def signal_note(evaluation: Evaluation, taken: Slices, among: str, *, kept: bool) -> str:
    """What a table shows, with efficiencies or without; ``among`` says which signal events a row is about."""
    background, signal = evaluation.classes
    beside = max((one.n_background for one in taken.slices), default=0)
    point = tightest_point(evaluation) if kept else None
    shares = "" if point is None else f"; kept: the share of these {signal} events that passes {_cut(point)}"
    what = f"AUC of the {signal} events {among} beside all {number(beside, 0)} {background} events"
    return f"{what}{shares}; 95 % intervals"


def kept_title(evaluation: Evaluation) -> str:
    """What the efficiencies are, for a table or a picture of the page."""
    point = tightest_point(evaluation)
    signal = evaluation.classes[1]
    return "" if point is None else f"Share of {signal} events that passes {_cut(point)}"


def _cut(point: WorkingPoint) -> str:
    return f"the cut at {point.wanted or point.name}"
