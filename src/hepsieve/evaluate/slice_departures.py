"""How far the figures of each slice lie from those of all other events, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.apart import Departure, Place, Spread, departures, means
from hepsieve.evaluate.confusion import THRESHOLD
from hepsieve.evaluate.curve import Curve, Ordered, placements
from hepsieve.evaluate.intervals import effective_events
from hepsieve.evaluate.metrics import CLIP, efficiency_name, rejection_name
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import WorkingPoint
from hepsieve.evaluate.slice_metrics import Quoted, kept_name, passing_name

Found = dict[str, tuple[Departure | None, ...]]
# How far to either side of an efficiency the slope of the ROC curve is taken, as a share of the way to the corner.
_SIDEWAYS = 0.25
# Where fewer background events pass a cut, whatever the slices, none of them can be told from the rest.
_FEWEST_PASSING = 10


def slice_departures(
    target: Floats,
    score: Floats,
    weight: Floats,
    place: Place,
    groups: int,
    *,
    points: Sequence[WorkingPoint],
    quoted: Quoted,
) -> Found:
    """Each slice against all events outside of it, which are independent of it, for every figure but the ECE.

    The AUC's variance is DeLong's; means and proportions have that of a weighted mean; where a cut is set at an
    efficiency of the slice itself, the fluctuation of the cut, along the slope of the ROC curve, is added. An ECE is
    left out: noise alone makes that of few events larger.

    Args:
        target: shape (n,), 0 for background and 1 for signal.
        score: shape (n,).
        weight: shape (n,).
        place: shape (n,), the slice of each event, negative for none.
        groups: how many slices there are.
        points: the model's working points.
        quoted: at which efficiencies.

    Returns:
        For each figure one entry per slice.
    """
    ordered = Ordered(target, score, weight)
    every = ordered.curve()
    if not every.defined or not groups:
        return {}
    whole = Part(weight=weight, place=place, groups=groups)
    background, signal = (whole.of(target == label) for label in (0, 1))
    figures = _figures(ordered, place, groups, quoted)
    above, below = placements(every)
    steps = ordered.steps()
    found: Found = {
        "auc": departures(
            figures["auc"], background.spread(above[steps][target != 1]) + signal.spread(below[steps][target == 1])
        ),
        **_means(target, score, whole),
    }
    for name, cut in cuts(every, quoted).items():
        if not enough_pass(cut, target, score, weight):
            continue
        # Either class's events move the figure: by passing the cut, or by moving the cut.
        passed = (score >= cut.score).astype(np.float64)
        spread = background.spread(passed[target != 1] * cut.background) + signal.spread(
            passed[target == 1] * cut.signal
        )
        found[name] = departures(figures[name], spread, transform=rejected if cut.rejection else None)
    for point in points:
        passed = (score >= point.threshold).astype(np.float64)
        found[kept_name(point.name)] = signal.mean(passed[target == 1])
        found[passing_name(point.name)] = background.mean(passed[target != 1])
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Some of the events, and in which slice each of them is.

    Attributes:
        weight: shape (n,).
        place: shape (n,), negative for no slice.
        groups: how many slices there are.
    """

    weight: Floats
    place: Place
    groups: int

    def of(self, chosen: NDArray[np.bool_]) -> Part:
        """Those of the events, shape (n,), that are chosen."""
        return Part(weight=self.weight[chosen], place=self.place[chosen], groups=self.groups)

    def spread(self, terms: Floats) -> Spread:
        """The variance of the mean of these terms, in each slice and in its rest."""
        return Spread.of(terms, self.weight, self.place, self.groups)

    def mean(self, terms: Floats) -> tuple[Departure | None, ...]:
        """How far the mean of these terms lies from that of the rest."""
        return departures(means(terms, self.weight, self.place, self.groups), self.spread(terms))


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A cut that is set at an efficiency of the very events that it is measured on.

    Attributes:
        score: events with at least this score pass.
        background: how much the figure rises with the share of background that passes behind this very threshold.
        signal: the same with the share of signal.
        rejection: whether the figure is a background efficiency, of which the rejection is quoted.
    """

    score: float
    background: float
    signal: float
    rejection: bool


def cuts(every: Curve, quoted: Quoted) -> dict[str, Cut]:
    """The cut behind each figure at an efficiency, set on all events."""
    found = {}
    for x in quoted.signal_efficiencies:
        step, side = every.step_of_signal(x), _SIDEWAYS * min(x, 1 - x)
        slope = (every.background_at(x + side) - every.background_at(x - side)) / (2 * side)
        found[rejection_name(x)] = Cut(score=every.score[step - 1], background=1.0, signal=-slope, rejection=True)
    for y in quoted.background_efficiencies:
        step, side = every.step_of_background(y), _SIDEWAYS * min(y, 1 - y)
        slope = (every.signal_at(y + side) - every.signal_at(y - side)) / (2 * side) if side else 0.0
        # The cut lies above the step that lets too much background pass.
        score = float(every.score[step - 1]) if step else np.inf
        found[efficiency_name(y)] = Cut(score=score, background=-slope, signal=1.0, rejection=False)
    return found


def enough_pass(cut: Cut, target: Floats, score: Floats, weight: Floats) -> bool:
    """Whether, by Kish's number, ten background events pass: of fewer no variance is known."""
    return effective_events(weight[(target != 1) & (score >= cut.score)]) >= _FEWEST_PASSING


def rejected(efficiency: float) -> float:
    """The rejection at a background efficiency; NaN where none is left."""
    return 1 / efficiency if efficiency > 0 else float("nan")


def _means(target: Floats, score: Floats, whole: Part) -> Found:
    """Figures that are means over all events, and F1, which is 2J/(1 + J) of such a mean J."""
    signal, called = target == 1, score >= THRESHOLD
    clipped = np.clip(score, CLIP, 1 - CLIP)
    involved = called | signal
    right = (called & signal)[involved].astype(np.float64)
    part = whole.of(involved)
    return {
        "accuracy": whole.mean((called == signal).astype(np.float64)),
        "f1": departures(means(right, part.weight, part.place, part.groups), part.spread(right), transform=_f1),
        "log_loss": whole.mean(-np.log(np.where(signal, clipped, 1 - clipped))),
        "brier": whole.mean(np.square(score - target)),
    }


def _f1(share: float) -> float:
    """F1 from J; NaN where negative weights leave it none."""
    return 2 * share / (1 + share) if share > -1 else float("nan")


def _figures(ordered: Ordered, place: Place, groups: int, quoted: Quoted) -> dict[str, Floats]:
    """What the ROC curves of each slice and of its rest give, shape (groups, 2) by figure."""
    rows = []
    for k in range(groups):
        inside = place == k
        rows.append([_of_curve(ordered.curve(kept), quoted) for kept in (inside, ~inside)])
    names = rows[0][0] if rows else {}
    return {name: np.array([[one[name] for one in both] for both in rows]) for name in names}


def _of_curve(curve: Curve, quoted: Quoted) -> dict[str, float]:
    return {
        "auc": curve.auc(),
        **{rejection_name(x): curve.background_at(x) for x in quoted.signal_efficiencies},
        **{efficiency_name(y): curve.signal_at(y) for y in quoted.background_efficiencies},
    }
