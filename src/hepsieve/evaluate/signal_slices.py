"""Signal events taken apart by a column that means nothing for background, each slice beside all background events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.intervals import UNDEFINED, share_of
from hepsieve.evaluate.metrics import shown
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Quantity, Slices, WorkingPoint
from hepsieve.evaluate.slice_figures import Sliced
from hepsieve.evaluate.slice_metrics import Quoted
from hepsieve.evaluate.slices import (
    distinct,
    ends_of_bins,
    place_in_bins,
    place_of_values,
    rounded_values,
    together,
)

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
    quoted: Quoted | None = None,
) -> Slices:
    """The figures of each slice's signal against all background, and how much of it the working points keep.

    Bins, values and small slices are as for ``binned_slices`` and ``slices``; the efficiencies at the thresholds of
    the working points have Clopper–Pearson intervals. ``signal_departures`` says how a slice is compared to all other
    signal.

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
        quoted: at which efficiencies figures are quoted; at none if not given. Its working points are ``points``.
    """
    values, signal = np.asarray(values, dtype=np.float64), target == 1
    if edges is not None:
        ends, place = ends_of_bins(edges), place_in_bins(values, edges)
    else:
        rounded = rounded_values(values)
        at = distinct(values[signal]) if at is None else at
        ends, place = [{"value": float(value)} for value in at], place_of_values(rounded, at)
    place = np.where(signal, place, -1)
    taken = Sliced(target=target, weight=weight, scores=scores, place=place, groups=len(ends), of_signal=True)
    quoted = replace(quoted or Quoted(), points=points)
    whole = together(ends, taken, column=column, unit=unit, trained_on=trained_on, quoted=quoted)
    kept = tuple(
        one.model_copy(
            update={
                "efficiencies": {
                    name: {point.name: _kept(score[rows], weight[rows], point) for point in points[name]}
                    for name, score in scores.items()
                    if name in points
                }
            }
        )
        for one, rows in ((one, np.flatnonzero(place == k)) for k, one in enumerate(whole.slices))
    )
    return whole.model_copy(update={"slices": kept})


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


def _kept(score: Floats, weight: Floats, point: WorkingPoint) -> Quantity:
    return share_of(weight, score >= point.threshold)
