"""Residuals cut into bins of a column, with every figure of each, and what differs from all other events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from hepsieve.evaluate.apart import Place, differing
from hepsieve.evaluate.bootstrap import bootstrap_events
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.profile_departures import profile_departures
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted, Profile, ProfileBin
from hepsieve.evaluate.residuals import FIGURES, ResidualFigures, tolerance_accuracies
from hepsieve.evaluate.results import Quantity
from hepsieve.evaluate.slices import bin_edges

BINS = 12
# Of fewer events resampling tells next to nothing.
FEWEST_EVENTS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class ProfileColumn:
    """A column along which residuals are looked at.

    Attributes:
        name: the column's name.
        values: shape (n,), of the test events; where they are not finite an event is in no bin.
        edges: of the bins, rising, at least two; ``profile_edges`` cuts them on training events.
        unit: the column's unit.
    """

    name: str
    values: Floats
    edges: Floats
    unit: str = ""


def target_edges(bins: int = BINS) -> Floats:
    """Edges of bins of equal width over the whole target."""
    return np.linspace(0, 1, bins + 1)


def profile_edges(values: NDArray[Any], bins: int = BINS) -> Floats:
    """Edges of bins with about as many of these (training) events each; the ends are their least and largest value.

    Empty where there are no two different finite values.

    >>> profile_edges(np.arange(9), 4).tolist()
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known) or known.min() == known.max():
        return np.empty(0)
    low, high = float(known.min()), float(known.max())
    inner = bin_edges(known, bins)
    return np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]])


def residual_profile(
    predicted: Predicted,
    column: ProfileColumn,
    *,
    tolerances: Sequence[float] = (),
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> Profile:
    """The figures of the residuals in the bins of a column, with the percentile intervals of a bootstrap.

    The outermost bins also hold what lies beyond them. A bin with fewer than ten events has its number and no figures.
    Tolerance accuracies have Clopper–Pearson intervals.

    Args:
        predicted: the test events.
        column: the column of the same events.
        tolerances: at which the tolerance accuracy is quoted.
        resamples: bootstrap resamples behind the intervals.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    bins = len(column.edges) - 1
    known = np.isfinite(column.values)
    place = np.where(known, _place(column), 0)
    residual = predicted.prediction - predicted.target
    order = np.lexsort((residual, place, ~known))[: int(known.sum())]
    ends = np.searchsorted(place[order], np.arange(bins + 1))
    cuts = [slice(start, end) for start, end in pairwise(ends.tolist())]
    weight = predicted.weight[order]
    figures = [ResidualFigures(residual[order][cut], weight[cut]) for cut in cuts]

    def measure(drawn: Floats) -> Floats:
        return np.concatenate([of_bin(drawn[cut]) for of_bin, cut in zip(figures, cuts, strict=True)])

    shape = (resamples, bins, len(FIGURES))
    replicas = np.full(shape, np.nan)
    if len(order):
        drawn = bootstrap_events(weight, measure, resamples=resamples, seed=seed, threads=threads)
        replicas = drawn.reshape(shape)
    return Profile(
        column=column.name,
        unit=column.unit,
        bins=tuple(
            _bin(
                column,
                k,
                column.values[order][cut],
                figures[k].quantities(replicas[:, k]),
                tolerance_accuracies(_some(predicted, order[cut]), tolerances),
            )
            for k, cut in enumerate(cuts)
        ),
    )


def _place(column: ProfileColumn) -> Place:
    """In which bin each event is; −1 where the column is not finite."""
    bins = len(column.edges) - 1
    inside = np.clip(np.searchsorted(column.edges, column.values, side="right") - 1, 0, bins - 1)
    return np.where(np.isfinite(column.values), inside, -1)


def _some(predicted: Predicted, rows: NDArray[np.intp]) -> Predicted:
    return Predicted(
        target=predicted.target[rows], prediction=predicted.prediction[rows], weight=predicted.weight[rows]
    )


def _bin(
    column: ProfileColumn, k: int, values: Floats, found: dict[str, Quantity], accuracies: dict[str, Quantity]
) -> ProfileBin:
    low, high = float(column.edges[k]), float(column.edges[k + 1])
    n = len(values)
    if n < FEWEST_EVENTS:
        found, accuracies = dict.fromkeys(FIGURES, UNDEFINED), {}
    return ProfileBin(
        low=low,
        high=high,
        centre=float(values.mean()) if n else (low + high) / 2,
        n=n,
        bias=found["bias"],
        resolution=found["resolution"],
        rmse=found["rmse"],
        metrics={"mae": found["mae"], **accuracies} if n >= FEWEST_EVENTS else {},
    )


def residual_profiles(
    predicted: Predicted,
    columns: Sequence[ProfileColumn],
    *,
    tolerances: Sequence[float] = (),
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> tuple[Profile, ...]:
    """``residual_profile`` along each of these columns, and which figures of a bin differ from those of the rest.

    The rest are all events outside of the bin; bins and rests of fewer than ten events are not compared. Holm's
    correction covers all bins, columns and figures together, of this one model.
    """
    root = seed if isinstance(seed, SeedSequence) else SeedSequence(seed)
    profiles = [
        residual_profile(predicted, column, tolerances=tolerances, resamples=resamples, seed=own, threads=threads)
        for column, own in zip(columns, root.spawn(len(columns)), strict=True)
    ]
    found = {}
    for number, (column, profile) in enumerate(zip(columns, profiles, strict=True)):
        compared = profile_departures(predicted, _place(column), len(profile.bins), tolerances=tolerances)
        enough = [FEWEST_EVENTS <= one.n <= len(predicted.target) - FEWEST_EVENTS for one in profile.bins]
        found[str(number)] = {
            name: tuple(one if good else None for one, good in zip(ones, enough, strict=True))
            for name, ones in compared.items()
        }
    differs, tests = differing(found, max((len(profile.bins) for profile in profiles), default=0))
    return tuple(
        profile.model_copy(
            update={
                "tests": tests,
                "bins": tuple(
                    one.model_copy(update={"differs": differs[k].get(str(number), {})})
                    for k, one in enumerate(profile.bins)
                ),
            }
        )
        for number, profile in enumerate(profiles)
    )
