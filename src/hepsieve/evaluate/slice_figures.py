"""Events in slices turned into every figure of each slice, and into what differs from the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.apart import Departure, Place, differing
from hepsieve.evaluate.bootstrap import THREADS_FROM
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Floats, Ranked, Rows
from hepsieve.evaluate.signal_departures import signal_departures
from hepsieve.evaluate.slice_departures import slice_departures
from hepsieve.evaluate.slice_metrics import Quoted, signal_slice_metrics, slice_metrics
from hepsieve.evaluate.slice_results import Difference

# With fewer events of a class an AUC says next to nothing.
FEWEST_EVENTS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Sliced:
    """Scored events, and in which slice each of them is.

    Attributes:
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        scores: shape (n,) each, by model.
        place: shape (n,), negative for no slice; of signal alone that of background events is not looked at.
        groups: how many slices there are.
        of_signal: whether only signal is taken apart, each slice beside all background.
    """

    target: Floats
    weight: Floats
    scores: Mapping[str, Floats]
    place: Place
    groups: int
    of_signal: bool = False

    def rows(self) -> list[Rows]:
        """The events of each slice; all background among them where only signal is taken apart."""
        signal = self.target == 1
        place = np.where(signal, self.place, -1) if self.of_signal else self.place
        order = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[order], np.arange(self.groups + 1))
        inside = [order[start:end] for start, end in pairwise(ends)]
        if not self.of_signal:
            return inside
        background = np.flatnonzero(~signal)
        return [np.concatenate([background, rows]) for rows in inside]


@dataclass(frozen=True, kw_only=True, eq=False)
class SliceFigures:
    """The figures of one slice: numbers of events, metrics by model, and what differs from the rest."""

    n_signal: int
    n_background: int
    metrics: dict[str, dict[str, Quantity]]
    differs: dict[str, dict[str, Difference]]

    def auc(self, model: str) -> Quantity:
        """The AUC of a model; undefined where there are too few events."""
        return self.metrics.get(model, {}).get("auc", UNDEFINED)


def slice_figures(sliced: Sliced, quoted: Quoted) -> tuple[list[SliceFigures], int]:
    """Every figure of each slice, and how many comparisons with the rest the correction covers.

    Slices with fewer than ten events of a class have no figures, and such with fewer of them outside are compared to
    nothing. Equal arguments give equal figures for any number of threads.
    """
    rows = sliced.rows()
    counts = [(int(np.count_nonzero(sliced.target[one] == 1)), len(one)) for one in rows]
    enough = [min(signal, n - signal) >= FEWEST_EVENTS for signal, n in counts]
    jobs = list(product(sliced.scores, range(sliced.groups)))
    seeds = SeedSequence(quoted.seed).spawn(len(jobs))

    def measure(job: tuple[tuple[str, int], SeedSequence]) -> dict[str, Quantity]:
        (model, k), seed = job
        if not enough[k]:
            return {}
        one, points = rows[k], quoted.points.get(model, ())
        ranked = Ranked.of(sliced.target[one], sliced.scores[model][one], sliced.weight[one])
        metrics = signal_slice_metrics if sliced.of_signal else slice_metrics
        return metrics(ranked, points, quoted, seed=seed)

    def compare(model: str) -> dict[str, tuple[Departure | None, ...]]:
        departures = signal_departures if sliced.of_signal else slice_departures
        found = departures(
            sliced.target,
            sliced.scores[model],
            sliced.weight,
            sliced.place,
            sliced.groups,
            points=quoted.points.get(model, ()),
            quoted=quoted,
        )
        comparable = _comparable(sliced, counts)
        return {
            name: tuple(one if good else None for one, good in zip(ones, comparable, strict=True))
            for name, ones in found.items()
        }

    few = len(sliced.target) < THREADS_FROM
    workers = 1 if few else quoted.threads if quoted.threads is not None else min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        measured = dict(zip(jobs, pool.map(measure, zip(jobs, seeds, strict=True)), strict=True))
        compared = dict(zip(sliced.scores, pool.map(compare, sliced.scores), strict=True))
    differs, tests = differing(compared, sliced.groups)
    figures = [
        SliceFigures(
            n_signal=signal,
            n_background=n - signal,
            metrics={model: measured[model, k] for model in sliced.scores if measured[model, k]},
            differs=differs[k],
        )
        for k, (signal, n) in enumerate(counts)
    ]
    return figures, tests


def _comparable(sliced: Sliced, counts: list[tuple[int, int]]) -> list[bool]:
    """Whether a slice and its rest have enough events of either class."""
    signal = int(np.count_nonzero(sliced.target == 1))
    background = len(sliced.target) - signal
    good = []
    for inside, n in counts:
        besides = (signal - inside, background if sliced.of_signal else background - (n - inside))
        good.append(min(inside, n - inside, *besides) >= FEWEST_EVENTS)
    return good
