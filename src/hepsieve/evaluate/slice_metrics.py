"""Every figure of one slice's scored events, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap
from hepsieve.evaluate.confusion import confusion
from hepsieve.evaluate.intervals import delong_interval
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.quantities import efficiency_quantities, loss_quantities
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Floats, Ranked
from hepsieve.evaluate.results import WorkingPoint
from hepsieve.evaluate.working_points import measure_cut

RESAMPLES = 200
"""Bootstrap resamples in a slice: there are many of them, and their ends are read less closely than those of all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Quoted:
    """What is quoted of a slice.

    Attributes:
        signal_efficiencies: at which background rejection is quoted.
        background_efficiencies: at which signal efficiency is quoted.
        points: by model, the working points, whose thresholds were set on other events.
        resamples: bootstrap resamples, at most 200 of which are drawn for a slice.
        seed: of the bootstrap.
        threads: as many as there are processors (at most 8) if not given.
    """

    signal_efficiencies: Sequence[float] = ()
    background_efficiencies: Sequence[float] = ()
    points: Mapping[str, Sequence[WorkingPoint]] = field(default_factory=dict)
    resamples: int = RESAMPLES
    seed: int = 0
    threads: int | None = None

    @property
    def drawn(self) -> int:
        """How many resamples are drawn for a slice."""
        return min(self.resamples, RESAMPLES)


def kept_name(point: str) -> str:
    """The metric's key for the signal efficiency behind a working point's threshold.

    >>> kept_name("tight")
    'signal_efficiency[tight]'
    """
    return f"signal_efficiency[{point}]"


def passing_name(point: str) -> str:
    """The metric's key for the background efficiency behind a working point's threshold."""
    return f"background_efficiency[{point}]"


def slice_metrics(
    ranked: Ranked, points: Sequence[WorkingPoint], quoted: Quoted, *, seed: SeedSequence
) -> dict[str, Quantity]:
    """All figures of both classes of one slice.

    The AUC has a binomial interval of DeLong's variance, proportions (accuracy, F1, efficiencies at working points)
    have Clopper–Pearson's, log loss, Brier score, ECE and what depends on a cut that the slice sets itself have a
    bootstrap's.

    Args:
        ranked: the slice's events, at least two of each class.
        points: the model's working points.
        quoted: at which efficiencies, and how many resamples.
        seed: of the bootstrap.
    """
    figures, replicas = _resampled(ranked, quoted, seed)
    called = confusion(ranked, ("background", "signal"))[1]
    losses = loss_quantities(ranked, figures, replicas)
    return {
        "auc": delong_interval(ranked),
        "accuracy": called.accuracy,
        "f1": called.per_class[1].f1,
        **{name: quantity for name, quantity in losses.items() if name != "auc"},
        **_at_efficiencies(ranked, figures, replicas, quoted),
        **_behind(ranked, points, background=True),
    }


def signal_slice_metrics(
    ranked: Ranked, points: Sequence[WorkingPoint], quoted: Quoted, *, seed: SeedSequence
) -> dict[str, Quantity]:
    """The figures of a slice of signal beside all background; without those that its share of signal decides."""
    figures, replicas = _resampled(ranked, quoted, seed)
    return {
        "auc": delong_interval(ranked),
        **_at_efficiencies(ranked, figures, replicas, quoted),
        **_behind(ranked, points, background=False),
    }


def _resampled(ranked: Ranked, quoted: Quoted, seed: SeedSequence) -> tuple[Figures, Floats]:
    figures = Figures(
        ranked,
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
    )
    # Slices share the threads among themselves.
    return figures, bootstrap(ranked, figures, resamples=quoted.drawn, seed=seed, threads=1)


def _at_efficiencies(ranked: Ranked, figures: Figures, replicas: Floats, quoted: Quoted) -> dict[str, Quantity]:
    return efficiency_quantities(
        ranked,
        figures,
        replicas,
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
    )


def _behind(ranked: Ranked, points: Sequence[WorkingPoint], *, background: bool) -> dict[str, Quantity]:
    found = {}
    for point in points:
        measured = measure_cut(ranked, point.name, point.threshold)
        found[kept_name(point.name)] = measured.signal_efficiency
        if background:
            found[passing_name(point.name)] = measured.background_efficiency
    return found
