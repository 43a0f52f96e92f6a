"""Signal events taken apart by a column that means nothing for background, each slice beside all background events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.intervals import UNDEFINED, delong_interval, proportion
from hepsieve.evaluate.metrics import shown
from hepsieve.evaluate.ranked import Floats, Ranked, Rows
from hepsieve.evaluate.results import Quantity, Slice, Slices, WorkingPoint
from hepsieve.evaluate.slices import FEWEST_EVENTS, distinct, learned_values, rounded_values

# A detector can tell signal of some kind from background where it keeps more than this share of it.
TOLD = 0.5


def signal_slices(
    values: NDArray[Any],
    target: Floats,
    weight: Floats,
    scores: Mapping[str, Floats],
    *,
    points: Mapping[str, Sequence[WorkingPoint]],
    edges: Floats | None = None,
    at: Floats | None = None,
    column: str,
    unit: str = "",
    trained_on: Mapping[str, tuple[float, ...]] | None = None,
) -> Slices:
    """The AUC of each slice's signal against all background, and how much of it the working points keep.

    Bins, values and small slices are as for ``binned_slices`` and ``slices``; the efficiencies at the thresholds of
    the working points have Clopper–Pearson intervals.

    Args:
        values: shape (n,), the column; that of background events is not looked at.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        scores: shape (n,) each, by model.
        points: by model, the working points, whose thresholds were set on other events.
        edges: between the bins, rising, as ``bin_edges`` gives them.
        at: without edges, the values to take apart; all that signal has if not given.
        column: the column's name.
        unit: the column's unit.
        trained_on: for models that did not learn from all values, those that they did learn from.
    """
    signal, background = np.flatnonzero(target == 1), np.flatnonzero(target != 1)
    taken = _places(np.asarray(values, dtype=np.float64)[signal], edges, at)
    return Slices(
        column=column,
        unit=unit,
        of="signal",
        slices=tuple(
            Slice(
                **ends,
                n_signal=len(rows),
                n_background=len(background),
                auc={name: _auc(signal[rows], background, target, score, weight) for name, score in scores.items()},
                efficiencies={
                    name: {
                        point.name: _kept(score[signal[rows]], weight[signal[rows]], point) for point in points[name]
                    }
                    for name, score in scores.items()
                    if name in points
                },
            )
            for ends, rows in taken
        ),
        trained_on=learned_values(trained_on),
        events_without_value=len(signal) - sum(len(rows) for _, rows in taken),
    )


def told_from(slices: Slices, model: str, point: WorkingPoint) -> str:
    """From where on along the column a model tells signal from background, in a sentence.

    It does where the working point keeps more than half of the signal, the lower end of the interval included, in that
    slice and all above; slices without signal are passed over.
    """
    # Where there is no signal there is nothing to be certain of, and nothing to be missed.
    filled = [one for one in slices.slices if one.n_signal]
    kept = [one.efficiencies.get(model, {}).get(point.name, UNDEFINED) for one in filled]
    first = certain_from(kept)
    told = f"At {point.wanted or point.name} {model} keeps more than half of the signal"
    if first is None:
        return f"{told} for certain (95 %) at no {slices.column} from which on it always does."
    if first == 0:
        return f"{told} in every slice of {slices.column} (lower ends of 95 % intervals)."
    one = filled[first]
    start = one.value if one.value is not None else one.low
    value = f"{start:.4g} {slices.unit}".rstrip()
    return f"{told} from {slices.column} = {value} on (lower ends of 95 % intervals)."


def certain_from(kept: Sequence[Quantity]) -> int | None:
    """The first of these shares from which on the lower ends of all intervals are above a half; None if none is."""
    certain = [quantity.low is not None and quantity.low > TOLD for quantity in kept]
    first = len(certain) - next((k for k, sure in enumerate(reversed(certain)) if not sure), len(certain))
    return first if first < len(certain) else None


def tightest(points: Sequence[WorkingPoint], background_efficiencies: Sequence[float]) -> WorkingPoint | None:
    """The working point at the least of these background efficiencies; None without any."""
    if not background_efficiencies:
        return None
    name = f"background_efficiency@{shown(min(background_efficiencies))}"
    return next((point for point in points if point.name == name), None)


def _places(values: Floats, edges: Floats | None, at: Floats | None) -> list[tuple[dict[str, float | None], Rows]]:
    """What delimits each slice, and which of the signal events are in it."""
    if edges is not None:
        ends = [None, *edges.tolist(), None]
        bins = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), -1)
        return [({"low": low, "high": high}, np.flatnonzero(bins == k)) for k, (low, high) in enumerate(pairwise(ends))]
    rounded = rounded_values(values)
    return [
        ({"value": float(value)}, np.flatnonzero(rounded == value))
        for value in (distinct(values) if at is None else at)
    ]


def _auc(signal: Rows, background: Rows, target: Floats, score: Floats, weight: Floats) -> Quantity:
    if min(len(signal), len(background)) < FEWEST_EVENTS:
        return UNDEFINED
    rows = np.concatenate([background, signal])
    return delong_interval(Ranked.of(target[rows], score[rows], weight[rows]))


def _kept(score: Floats, weight: Floats, point: WorkingPoint) -> Quantity:
    passed = float(weight[score >= point.threshold].sum())
    return proportion(passed, float(weight.sum()), float(np.square(weight).sum()))
