"""A search for settings as pictures, with their words and numbers."""

from __future__ import annotations

from collections.abc import Mapping

from hepsieve.evaluate.choose import metric_word
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.tuning import Setting, Tuning
from hepsieve.report.numbers import Row, Value, columns, short
from hepsieve.report.picture import Picture, picture
from hepsieve.report.tuning_axes import axes_of, setting_text, short_names
from hepsieve.report.tuning_figures import (
    MOST_BARS,
    drawn_axes,
    figure_intervals,
    figure_places,
    figure_title,
    history_points,
    importance_bars,
    parallel_lines,
    rung_lines,
    shown_range,
    trial_rungs,
)
from hepsieve.tune_config import AxisConfig


def tuning_pictures(tuning: Tuning, space: Mapping[str, AxisConfig], *, untuned: Quantity | None) -> dict[str, Picture]:
    """Those of ``history``, ``lines``, ``importance``, ``optimism`` and ``rungs`` that there is something to show of.

    Args:
        tuning: the search.
        space: what was to be searched, by path; may be empty.
        untuned: the figure of the task's own settings, on the events that judged the trials.
    """
    found = {"history": _history(tuning, untuned), "lines": _lines(tuning, space)}
    if len(tuning.importance) > 1 and max(tuning.importance.values()) > 0:
        found["importance"] = _importance(tuning)
    if tuning.optimism is not None:
        found["optimism"] = _optimism(tuning)
    if any(trial_rungs(trial) for trial in tuning.trials):
        found["rungs"] = _rungs(tuning)
    return found


def _history(tuning: Tuning, untuned: Quantity | None) -> Picture:
    own = None if untuned is None else untuned.value
    low, high = shown_range(tuning, own)
    far = sum(trial.figure is not None and not low <= trial.figure <= high for trial in tuning.trials)
    states = {trial.state for trial in tuning.trials}
    notes = [
        "Stopped trials stand at their last figure." if "stopped" in states else "",
        "Failed ones have none, and stand at the edge." if "failed" in states else "",
        f"{far} far worse than the others: pale, at the edge." if far else "",
        "The task's own settings are worse than what is shown." if own is not None and not low <= own <= high else "",
    ]
    rows: list[Row] = [
        {"trial": t.number, "state": t.state, figure_title(tuning): t.figure, "seconds": short(t.seconds)}
        for t in tuning.trials
    ]
    return picture(
        history_points(tuning, untuned=own),
        f"The {figure_title(tuning)} of each of {len(tuning.trials)} trials, and the best so far.",
        title="History",
        note=" ".join(filter(None, notes)),
        numbers=columns(rows),
    )


def _lines(tuning: Tuning, space: Mapping[str, AxisConfig]) -> Picture:
    searched = axes_of(tuning, space)
    shown = drawn_axes(tuning, searched)
    left_out = len(searched) - len(shown)
    gaps = any(axis.path not in trial.settings for axis in shown for trial in tuning.trials)
    notes = [
        "One line a trial, the better the brighter and the higher on the right; thick: the best.",
        "A gap: the trial does not have this setting." if gaps else "",
        "Dashed: stopped early." if any(trial.state == "stopped" for trial in tuning.trials) else "",
        "Dotted: failed." if any(trial.state == "failed" for trial in tuning.trials) else "",
        f"Without {left_out} less important settings." if left_out else "",
    ]
    rows: list[Row] = [
        {
            "trial": t.number,
            "state": t.state,
            **{path: _value(t.settings[path]) for path in tuning.parameters if path in t.settings},
            figure_title(tuning): t.figure,
        }
        for t in tuning.trials
    ]
    return picture(
        parallel_lines(tuning, shown),
        f"The settings of {len(tuning.trials)} trials side by side, each trial a line that ends at its "
        f"{figure_title(tuning)}.",
        title="Settings and figures",
        note=" ".join(filter(None, notes)),
        numbers=columns(rows),
    )


def _value(value: Setting) -> Value:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else setting_text(value)


def _importance(tuning: Tuning) -> Picture:
    names = short_names(list(tuning.importance))
    ordered = sorted(tuning.importance.items(), key=lambda one: -one[1])
    left_out = max(len(ordered) - MOST_BARS, 0)
    return picture(
        importance_bars([(names[path], share) for path, share in ordered[:MOST_BARS]]),
        f"How much each setting mattered for a good {figure_title(tuning)}.",
        title="Importance of each setting",
        note="How differently the best fifth of the finished trials is distributed from all of them (PED-ANOVA, "
        "arXiv:2304.10255), adding up to 1. It says what mattered in this search, and of few trials roughly."
        + (f" Without {left_out} that matter least." if left_out else ""),
        numbers=columns([{"setting": path, "importance": short(share)} for path, share in ordered]),
    )


def _optimism(tuning: Tuning) -> Picture:
    found = tuning.optimism
    assert found is not None
    rows = (
        ("chosen by", Quantity(value=found.chosen, low=None, high=None)),
        ("validation", found.validation),
        ("test", found.test),
    )
    shown = [(name, one) for name, one in rows if one.value is not None]
    where = "on validation" if tuning.folds is None else f"over {tuning.folds} held-out folds"
    return picture(
        figure_intervals(shown, title=metric_word(tuning.metric), places=figure_places(tuning)),
        f"The {metric_word(tuning.metric)} by which the best trial was chosen, and that of {tuning.tuned} on "
        "validation and on test, with 95 % intervals.",
        title="What chose, and what test says",
        note=f"Chosen by: the best trial {where}. Below: {tuning.tuned}, trained with its settings, on validation and "
        "on test.",
        numbers=columns([{"": name, tuning.metric: q.value, "low": q.low, "high": q.high} for name, q in shown]),
    )


def _rungs(tuning: Tuning) -> Picture:
    rows: list[Row] = [
        {"trial": t.number, "state": t.state, "share of the training": share, figure_title(tuning): value}
        for t in tuning.trials
        for share, value in trial_rungs(t)
    ]
    return picture(
        rung_lines(tuning),
        f"The {figure_title(tuning)} of each trial by the share of its training, up to where it was stopped.",
        title="Where trials were stopped",
        note="Triangles: stopped there; filled: finished. Thick: the best.",
        numbers=columns(rows),
    )
