"""How far the figures of each slice of signal lie from those of all other signal, both beside the same background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.apart import Place, Spread, departures
from hepsieve.evaluate.curve import Ordered, placements
from hepsieve.evaluate.metrics import rejection_name
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import WorkingPoint
from hepsieve.evaluate.slice_departures import Found, Part, cuts, enough_pass, rejected
from hepsieve.evaluate.slice_metrics import Quoted, kept_name


def signal_departures(
    target: Floats,
    score: Floats,
    weight: Floats,
    place: Place,
    groups: int,
    *,
    points: Sequence[WorkingPoint],
    quoted: Quoted,
) -> Found:
    """Each slice's signal against all other signal, for every figure that is quoted of such a slice.

    Signal events are independent; background is the same on both sides, so that each of its events counts by how much
    its part in the slice's figure differs from that in the other's (DeLong's covariance). A signal efficiency at a
    background efficiency is compared behind one and the same cut, which background alone sets.

    Args:
        target: shape (n,), 0 for background and 1 for signal.
        score: shape (n,).
        weight: shape (n,).
        place: shape (n,), the slice of each signal event, negative for none and for background.
        groups: how many slices there are.
        points: the model's working points.
        quoted: at which efficiencies.

    Returns:
        For each figure one entry per slice.
    """
    ordered, is_signal = Ordered(target, score, weight), target == 1
    every = ordered.curve()
    if not every.defined or not groups:
        return {}
    signal, beside = Part(weight=weight, place=place, groups=groups).of(is_signal), weight[~is_signal]
    steps = ordered.steps()
    sides = [_sides(ordered, steps, is_signal, place == k, score, quoted) for k in range(groups)]
    figures = {name: np.array([[one.figure for one in both[name]] for both in sides]) for name in sides[0]}
    shared = {
        name: Spread.shared([both[name][0].background - both[name][1].background for both in sides], beside)
        for name in sides[0]
    }
    below = placements(every)[1][steps][is_signal]
    found: Found = {"auc": departures(figures["auc"], signal.spread(below) + shared["auc"])}
    for name, cut in cuts(every, quoted).items():
        if not enough_pass(cut, target, score, weight):
            continue
        passed = (score >= cut.score).astype(np.float64)[is_signal]
        if cut.rejection:
            spread = signal.spread(passed * cut.signal) + shared[name]
            found[name] = departures(figures[name], spread, transform=rejected)
        else:
            found[name] = signal.mean(passed)
    for point in points:
        found[kept_name(point.name)] = signal.mean((score >= point.threshold).astype(np.float64)[is_signal])
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _Beside:
    """A figure of some signal beside all background, and each background event's term in it, shape (n,)."""

    figure: float
    background: Floats


def _sides(
    ordered: Ordered,
    steps: NDArray[np.intp],
    is_signal: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    score: Floats,
    quoted: Quoted,
) -> dict[str, tuple[_Beside, ...]]:
    """The AUC and the background efficiencies beside the signal of a slice, and beside all other signal."""
    background = ~is_signal
    both = []
    for chosen in (is_signal & inside, is_signal & ~inside):
        curve = ordered.curve(chosen | background)
        terms = ordered.signal_above(chosen)[steps][background]
        found = {"auc": _Beside(figure=curve.auc(), background=terms)}
        for x in quoted.signal_efficiencies:
            threshold = curve.score[curve.step_of_signal(x) - 1]
            found[rejection_name(x)] = _Beside(
                figure=curve.background_at(x), background=(score[background] >= threshold).astype(np.float64)
            )
        both.append(found)
    return {name: (both[0][name], both[1][name]) for name in both[0]}
