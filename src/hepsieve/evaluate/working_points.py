"""Cuts on the score: thresholds set on validation, efficiencies measured on the test part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hepsieve.errors import DataError
from hepsieve.evaluate.metrics import shown
from hepsieve.evaluate.quantities import efficiency_quantity, rejection
from hepsieve.evaluate.ranked import Ranked, cumulative
from hepsieve.evaluate.results import Scored, WorkingPoint
from hepsieve.evaluate.roc import ROUNDING
from hepsieve.evaluate.significance import best_threshold, efficiencies_at

SIGNIFICANCE = "best_significance"


def threshold_for_signal(validation: Ranked, signal_efficiency: float) -> float:
    """The highest threshold that keeps at least this weighted share of signal (events with ``score >=`` it pass).

    Raises:
        DataError: if signal has no positive total weight.
    """
    side = validation.signal
    sums = cumulative(side.weight)
    if not sums[-1] > 0:
        raise DataError(f"no threshold on validation: its signal has total weight {sums[-1]:g}; it must be positive")
    reached = sums[side.reached] >= signal_efficiency * sums[-1] * (1 - ROUNDING)
    return float(side.steps[int(np.argmax(reached))])


def threshold_for_background(validation: Ranked, background_efficiency: float) -> float:
    """The lowest score of an event that can be the threshold before more than this share of background passes.

    Where even the highest score is shared by too much background, the threshold lies just above it and nothing passes.

    Raises:
        DataError: if background has no positive total weight.
    """
    side = validation.background
    sums = cumulative(side.weight)
    if not sums[-1] > 0:
        raise DataError(
            f"no threshold on validation: its background has total weight {sums[-1]:g}; it must be positive"
        )
    exceeded = sums[side.reached] > background_efficiency * sums[-1] * (1 + ROUNDING)
    if not exceeded.any():
        return (
            float(min(side.steps[-1], validation.signal.steps[-1])) if len(validation.signal) else float(side.steps[-1])
        )
    limit = side.steps[int(np.argmax(exceeded))]
    higher = [steps[steps > limit] for steps in (side.steps, validation.signal.steps)]
    lowest = min((float(steps[-1]) for steps in higher if len(steps)), default=None)
    return lowest if lowest is not None else float(np.nextafter(limit, np.inf))


def working_points(
    *,
    validation: Scored,
    test: Scored,
    signal_efficiencies: Sequence[float] = (),
    background_efficiencies: Sequence[float] = (),
    signal_yield: float | None = None,
    background_yield: float | None = None,
) -> tuple[WorkingPoint, ...]:
    """Working points named ``signal_efficiency@0.50``, ``background_efficiency@0.01`` and ``best_significance``.

    Efficiencies come with Clopper–Pearson intervals for the effective number of test events; as the threshold was not
    set on these events, it adds nothing to them. The last point needs both yields (``best_threshold``).

    Raises:
        DataError: if a class has no weight, or scores are not finite.
    """
    ranked = Ranked.of(validation.target, validation.score, validation.weight)
    thresholds = {f"signal_efficiency@{shown(x)}": threshold_for_signal(ranked, x) for x in signal_efficiencies}
    thresholds |= {
        f"background_efficiency@{shown(y)}": threshold_for_background(ranked, y) for y in background_efficiencies
    }
    if signal_yield is not None and background_yield is not None:
        thresholds[SIGNIFICANCE] = best_threshold(ranked, signal_yield=signal_yield, background_yield=background_yield)
    measured = Ranked.of(test.target, test.score, test.weight)
    return tuple(measure_cut(measured, name, threshold) for name, threshold in thresholds.items())


def measure_cut(test: Ranked, name: str, threshold: float) -> WorkingPoint:
    """The efficiencies of ``score >= threshold`` on the test part."""
    background, signal = efficiencies_at(test, threshold)
    background_efficiency = efficiency_quantity(background, test.background)
    return WorkingPoint(
        name=name,
        threshold=threshold,
        signal_efficiency=efficiency_quantity(signal, test.signal),
        background_efficiency=background_efficiency,
        background_rejection=rejection(background_efficiency),
    )
