"""Cuts on the score: thresholds set on validation or out-of-fold scores, efficiencies measured on the test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from hepsieve.errors import DataError
from hepsieve.evaluate.cut import Cut
from hepsieve.evaluate.metrics import shown
from hepsieve.evaluate.quantities import efficiency_quantity, rejection
from hepsieve.evaluate.ranked import Floats, Ranked, Side, cumulative
from hepsieve.evaluate.results import Scored, WorkingPoint
from hepsieve.evaluate.roc import ROUNDING
from hepsieve.evaluate.significance import efficiencies_at

SIGNIFICANCE = "best_significance"
SetOn = Literal["validation", "out-of-fold"]


def threshold_for_signal(validation: Ranked, signal_efficiency: float) -> float:
    """The highest threshold that keeps at least this weighted share of signal (events with ``score >=`` it pass).

    Raises:
        DataError: if signal has no positive total weight.
    """
    side = validation.signal
    sums = _sums(side, "signal")
    reached = sums[side.reached] >= signal_efficiency * sums[-1] * (1 - ROUNDING)
    return float(side.steps[int(np.argmax(reached))])


def threshold_for_background(validation: Ranked, background_efficiency: float) -> float:
    """The lowest score of an event that can be the threshold before more than this share of background passes.

    Where even the highest score is shared by too much background, the threshold lies just above it and nothing passes.

    Raises:
        DataError: if background has no positive total weight.
    """
    side = validation.background
    sums = _sums(side, "background")
    exceeded = sums[side.reached] > background_efficiency * sums[-1] * (1 + ROUNDING)
    if not exceeded.any():
        return (
            float(min(side.steps[-1], validation.signal.steps[-1])) if len(validation.signal) else float(side.steps[-1])
        )
    return _lowest_above(validation, float(side.steps[int(np.argmax(exceeded))]))


def threshold_above_background(validation: Ranked) -> float:
    """The lowest score of an event above every background event, whatever the weights; just above them if none is.

    Raises:
        DataError: if there is no background, above which any threshold would be.
    """
    if not len(validation.background):
        raise DataError("no threshold above the background: there is none; give events of both classes")
    return _lowest_above(validation, float(validation.background.steps[0]))


def threshold_of(cut: Cut, ranked: Ranked) -> float:
    """The threshold that a cut asks for, found on these events.

    Raises:
        DataError: if the class that decides it has no positive total weight.
    """
    if cut.threshold is not None:
        return cut.threshold
    if cut.signal_efficiency is not None:
        return threshold_for_signal(ranked, cut.signal_efficiency)
    if cut.background_efficiency is not None:
        return threshold_for_background(ranked, cut.background_efficiency)
    return threshold_above_background(ranked)


def working_points(
    *,
    validation: Scored,
    test: Scored,
    cuts: Mapping[str, Cut] | None = None,
    set_on: SetOn = "validation",
    signal_efficiencies: Sequence[float] = (),
    background_efficiencies: Sequence[float] = (),
    significance_cut: float | None = None,
) -> tuple[WorkingPoint, ...]:
    """The named cuts, then ``signal_efficiency@0.50``, ``background_efficiency@0.01`` and ``best_significance``.

    Efficiencies come with Clopper–Pearson intervals for the effective number of test events; as the threshold was not
    set on these events, it adds nothing to them: they hold for this very threshold. With no background left its
    efficiency is 0 with an upper limit, and its rejection has a lower limit only.

    Args:
        validation: the scores that thresholds are set on, validation or out-of-fold.
        test: the scores that efficiencies are measured on.
        cuts: the user's cuts by name.
        set_on: what ``validation`` is.
        signal_efficiencies: gives the points named after them.
        background_efficiencies: gives the points named after them.
        significance_cut: the threshold of ``best_significance`` (``best_cut``), which is left out without it.

    Raises:
        DataError: if a class has no weight, or scores are not finite.
    """
    named = dict(cuts or {})
    named |= {f"signal_efficiency@{shown(x)}": Cut(signal_efficiency=x) for x in signal_efficiencies}
    named |= {f"background_efficiency@{shown(y)}": Cut(background_efficiency=y) for y in background_efficiencies}
    ranked = Ranked.of(validation.target, validation.score, validation.weight)
    measured = Ranked.of(test.target, test.score, test.weight)
    points = [
        measure_cut(
            measured,
            name,
            threshold_of(cut, ranked),
            wanted=cut.wanted(),
            set_on="config" if cut.threshold is not None else set_on,
        )
        for name, cut in named.items()
    ]
    if significance_cut is not None and SIGNIFICANCE not in named:
        wanted = "largest expected significance"
        points.append(measure_cut(measured, SIGNIFICANCE, significance_cut, wanted=wanted, set_on=set_on))
    return tuple(points)


def measure_cut(
    test: Ranked,
    name: str,
    threshold: float,
    *,
    wanted: str = "",
    set_on: Literal["validation", "out-of-fold", "config"] = "validation",
) -> WorkingPoint:
    """The efficiencies of ``score >= threshold`` on the test part, or on any events that did not set it."""
    background, signal = efficiencies_at(test, threshold)
    background_efficiency = efficiency_quantity(background, test.background)
    return WorkingPoint(
        name=name,
        wanted=wanted,
        threshold=threshold,
        set_on=set_on,
        signal_efficiency=efficiency_quantity(signal, test.signal),
        background_efficiency=background_efficiency,
        background_rejection=rejection(background_efficiency),
    )


def _sums(side: Side, name: str) -> Floats:
    """Running sums of a class's weights, which must come to something."""
    sums = cumulative(side.weight)
    if not sums[-1] > 0:
        raise DataError(f"no threshold on validation: its {name} has total weight {sums[-1]:g}; it must be positive")
    return sums


def _lowest_above(sample: Ranked, limit: float) -> float:
    """The lowest score above this one, or the next number where there is none."""
    higher = [steps[steps > limit] for steps in (sample.background.steps, sample.signal.steps)]
    lowest = min((float(steps[-1]) for steps in higher if len(steps)), default=None)
    return lowest if lowest is not None else float(np.nextafter(limit, np.inf))
