"""Residuals cut into bins of a column, with bias, resolution and RMSE of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from hepsieve.evaluate.bootstrap import bootstrap_events
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted, Profile, ProfileBin
from hepsieve.evaluate.residuals import FIGURES, ResidualFigures, residual_quantities
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
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> Profile:
    """Bias, resolution and RMSE in the bins of a column, each with the percentile interval of a bootstrap.

    The outermost bins also hold what lies beyond them. A bin with fewer than ten events has its number and no figures.

    Args:
        predicted: the test events.
        column: the column of the same events.
        resamples: bootstrap resamples behind the intervals.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    bins = len(column.edges) - 1
    known = np.isfinite(column.values)
    place = np.clip(np.searchsorted(column.edges, column.values, side="right") - 1, 0, bins - 1)
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
            _bin(column, k, column.values[order][cut], figures[k].nominal, replicas[:, k]) for k, cut in enumerate(cuts)
        ),
    )


def _bin(column: ProfileColumn, k: int, values: Floats, nominal: Floats, replicas: Floats) -> ProfileBin:
    low, high = float(column.edges[k]), float(column.edges[k + 1])
    n = len(values)
    found: dict[str, Quantity] = dict.fromkeys(FIGURES, UNDEFINED)
    if n >= FEWEST_EVENTS:
        found = residual_quantities(nominal, replicas, n=n)
    return ProfileBin(
        low=low,
        high=high,
        centre=float(values.mean()) if n else (low + high) / 2,
        n=n,
        bias=found["bias"],
        resolution=found["resolution"],
        rmse=found["rmse"],
    )


def residual_profiles(
    predicted: Predicted,
    columns: Sequence[ProfileColumn],
    *,
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> tuple[Profile, ...]:
    """``residual_profile`` along each of these columns."""
    root = seed if isinstance(seed, SeedSequence) else SeedSequence(seed)
    return tuple(
        residual_profile(predicted, column, resamples=resamples, seed=own, threads=threads)
        for column, own in zip(columns, root.spawn(len(columns)), strict=True)
    )
