"""Targets of a regression to a description of them: how they spread, on which grid they lie, a histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.gather import defined
from hepsieve.audit.spreads import Part, Spread
from hepsieve.audit.target_grid import grid_step
from hepsieve.audit.targets import known_targets
from hepsieve.events import Events

_BINS = 40


class TargetSummary(Part):
    """What is to be regressed, over all events whose target is known; as shares of the full scale.

    Attributes:
        name: of the quantity.
        unit: its physical unit; an empty string is dimensionless.
        full: how much of it, in that unit, a target of 1 is.
        missing: events whose target nobody knows.
        spread: how the known ones are distributed, exactly.
        distinct: how many distinct ones there are.
        step: of the grid on which all of them lie; None where there is none.
        edges: ends of the histogram's bins.
        counts: events in each bin.
    """

    name: str
    unit: str
    full: float
    missing: int
    spread: Spread
    distinct: int
    step: float | None
    edges: tuple[float, ...]
    counts: tuple[int, ...]


def describe_target(events: Events) -> TargetSummary | None:
    """Describe the targets; None for classes."""
    scale = events.scale
    if scale is None:
        return None
    target = known_targets(events)
    step = grid_step(target)
    edges = _edges(step)
    counts, _ = np.histogram(target, edges)
    return TargetSummary(
        name=scale.name,
        unit=scale.unit,
        full=scale.full,
        missing=len(events) - len(target),
        spread=_spread(target),
        distinct=len(np.unique(target)),
        step=step,
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )


def _edges(step: float | None) -> NDArray[np.float64]:
    """Equal bins over the whole range; around each value of a coarse grid one."""
    values = 0 if step is None else round(1 / step)
    if step is not None and 0 < values <= _BINS:
        return np.asarray((np.arange(values + 2) - 0.5) * step, np.float64)
    return np.linspace(0, 1, _BINS + 1)


def _spread(target: NDArray[np.float64]) -> Spread:
    if len(target) == 0:
        return Spread(count=0, mean=None, std=None, min=None, q25=None, median=None, q75=None, max=None)
    low, q25, median, q75, high = np.quantile(target, (0, 0.25, 0.5, 0.75, 1)).tolist()
    return Spread(
        count=len(target),
        mean=float(target.mean()),
        std=defined(target.std(ddof=1)) if len(target) > 1 else None,
        min=low,
        q25=q25,
        median=median,
        q75=q75,
        max=high,
    )
