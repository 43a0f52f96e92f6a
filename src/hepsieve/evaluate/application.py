"""Stored cuts on other samples: what each keeps of the classes that are there, and how the features compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepsieve.errors import DataError
from hepsieve.evaluate.drift import FeatureDrift
from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.quantities import efficiency_quantity
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Quantity, Scored, WorkingPoint
from hepsieve.evaluate.significance import efficiencies_at


class AppliedPoint(Result):
    """A stored cut, ``score >= threshold``, and what it keeps of other events; None for a class that is not there.

    ``run_signal_efficiency`` and ``run_background_efficiency`` are what the same cut keeps of the run's own test part.
    """

    name: str
    wanted: str
    threshold: float
    signal_efficiency: Quantity | None
    background_efficiency: Quantity | None
    run_signal_efficiency: Quantity
    run_background_efficiency: Quantity


class Application(Result):
    """A finished run applied to other events: its models and its cuts as they are, nothing set anew.

    Attributes:
        task: the run's task.
        classes: the names of background and signal.
        origin: where the other events came from.
        sources: their files, or their generator.
        fingerprint: of the other events.
        n_signal: how many of them are signal.
        n_background: how many are background.
        best: the run's best model, chosen on its own validation events.
        working_points: the stored cuts of each model.
        drift: the features beside those of the training events, strongest drift first.
        remarks: what was done to the events when they were read.
    """

    task: str
    classes: tuple[str, str]
    origin: Literal["real", "simulated"]
    sources: tuple[str, ...]
    fingerprint: str
    n_signal: int
    n_background: int
    best: str
    working_points: dict[str, tuple[AppliedPoint, ...]]
    drift: tuple[FeatureDrift, ...]
    remarks: tuple[str, ...] = ()


def apply_points(points: Sequence[WorkingPoint], scored: Scored) -> tuple[AppliedPoint, ...]:
    """The stored cuts on these events, each efficiency with its Clopper–Pearson interval.

    Args:
        points: the working points of one model.
        scored: the events with this model's scores; one class may be missing.

    Raises:
        DataError: if a class is there, but its weights sum to nothing positive.
    """
    ranked = Ranked.of(scored.target, scored.score, scored.weight)
    for name, side in (("background", ranked.background), ("signal", ranked.signal)):
        if len(side) and not side.weight.sum() > 0:
            raise DataError(f"the weights of the {len(side)} {name} events sum to {side.weight.sum():g}: no efficiency")
    return tuple(_applied(point, ranked) for point in points)


def _applied(point: WorkingPoint, ranked: Ranked) -> AppliedPoint:
    background, signal = efficiencies_at(ranked, point.threshold)
    return AppliedPoint(
        name=point.name,
        wanted=point.wanted,
        threshold=point.threshold,
        signal_efficiency=efficiency_quantity(signal, ranked.signal) if len(ranked.signal) else None,
        background_efficiency=efficiency_quantity(background, ranked.background) if len(ranked.background) else None,
        run_signal_efficiency=point.signal_efficiency,
        run_background_efficiency=point.background_efficiency,
    )
