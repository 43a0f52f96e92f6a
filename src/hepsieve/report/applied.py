"""A run applied to other events, in words: tables of its working points and of drifted features."""

from __future__ import annotations

from collections.abc import Sequence

from hepsieve.evaluate.application import Application
from hepsieve.evaluate.drift import FeatureDrift
from hepsieve.evaluate.results import Quantity
from hepsieve.report.summary import UNKNOWN, Cell, cell, number

Row = dict[str, str]


def applied_rows(application: Application) -> list[Row]:
    """The stored working points of the best model: what each keeps of these events, and of the run's test part."""
    present = {"signal": application.n_signal > 0, "background": application.n_background > 0}
    rows = []
    for point in application.working_points[application.best]:
        kept = {"signal": point.signal_efficiency, "background": point.background_efficiency}
        in_run = {"signal": point.run_signal_efficiency, "background": point.run_background_efficiency}
        rows.append(
            {
                "working point": point.name,
                "wanted": point.wanted or UNKNOWN,
                "cut": f"score ≥ {point.threshold:.5g}",
                **{f"{side} efficiency": str(cell(kept[side], digits=2)) for side in present if present[side]},
                **{f"{side} in the run": str(cell(in_run[side], digits=2)) for side in present if present[side]},
            }
        )
    return rows


def applied_summary(application: Application) -> str:
    """Which events the run was applied to, by which model, and what the table can't show."""
    background, signal = application.classes
    counts = ((application.n_signal, signal), (application.n_background, background))
    present = " and ".join(f"{number(n, 0)} {name}" for n, name in counts if n)
    missing = [name for n, name in counts if not n]
    others = "" if len(application.working_points) == 1 else ", those of the other models with --json"
    events = "event" if application.n_signal + application.n_background == 1 else "events"
    lines = [
        f"{', '.join(application.sources)}: {present} {events}, {application.origin}, 95 % intervals",
        f'cuts of {application.best} as stored in the run{others}; "in the run" is what they keep of its own test part',
    ]
    if missing:
        lines.append(f"no {missing[0]} events: no AUC can be given")
    if not application.working_points[application.best]:
        lines.append(f"{application.best} has no working points; see evaluate.working_points in the task file")
    return "\n".join(lines)


def drift_rows(drift: Sequence[FeatureDrift]) -> list[Row]:
    """The features that have drifted, strongest first."""
    return [
        {
            "feature": one.feature,
            "events": one.events,
            "outside the training range": str(_percent(one.outside_range)),
            "outside its central 99.8 %": str(_percent(one.outside_central)),
            "median shift": str(cell(one.median_shift, digits=2)),
            "KS distance": number(one.ks, 3),
            "far": "yes" if one.status == "far" else "no",
            "verdict": one.verdict,
        }
        for one in drift
        if one.status in ("drift", "far")
    ]


def drift_summary(drift: Sequence[FeatureDrift]) -> str:
    """How many features have drifted."""
    features, drifted, far = (
        len({one.feature for one in drift if one.status in statuses})
        for statuses in (("unknown", "same", "drift", "far"), ("drift", "far"), ("far",))
    )
    if not drift:
        return ""
    if not drifted and all(one.status == "unknown" for one in drift):
        return "drift: too few events to tell"
    # A regression's events have no classes.
    those = "the training events" + ("" if {one.events for one in drift} == {"all"} else " of the same class")
    if not drifted:
        return f"drift: none of the {features} features differs from {those}"
    return (
        f"drift: {drifted} of {features} features differ from {those}, "
        f"{far or 'none'} of them by far; median shifts are in half widths of the training's central 68 %"
    )


def _percent(share: Quantity) -> Cell:
    low, value, high = (None if x is None else 100 * x for x in (share.low, share.value, share.high))
    shown = cell(Quantity(value=value, low=low, high=high), digits=2)
    return Cell(value=f"{shown.value} %", interval=shown.interval)
