"""Resample events within each class: one sort beforehand, then only counts of how often each event was drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import exp, factorial

import numpy as np
from numpy.random import Generator, SeedSequence

from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Floats, Ranked, Side

Measure = Callable[[Floats, Floats], Floats]

# From here on Poisson counts take the place of multinomial ones: their only difference, the fluctuating number of
# draws, is divided out, and they come four times faster.
POISSON_FROM = 10_000
# Below this, starting threads costs more than they save.
THREADS_FROM = 20_000
BLOCK = 10


def bootstrap(
    sample: Ranked, measure: Measure, *, resamples: int, seed: int | SeedSequence, threads: int | None = None
) -> Floats:
    """Figures of resampled events, stratified: each class keeps its number of events.

    Args:
        sample: the ranked events.
        measure: takes the resampled weights of background and of signal (in the order of falling scores, an event
            that was drawn twice has twice its weight) and gives figures, shape (k,).
        resamples: how many times to draw.
        seed: the same seed gives the same figures for any number of threads.
        threads: how many to use; as many as there are processors (at most 8) if not given.

    Returns:
        Shape (resamples, k); NaN where a resample leaves a figure undefined.

    Raises:
        DataError: if a class has no events.
    """
    if not len(sample.background) or not len(sample.signal):
        raise DataError("no bootstrap of one class alone; give events of both background and signal")
    root = seed if isinstance(seed, SeedSequence) else SeedSequence(seed)
    sizes = [min(BLOCK, resamples - start) for start in range(0, resamples, BLOCK)]
    jobs = list(zip(root.spawn(len(sizes)), sizes, strict=True))

    def run(job: tuple[SeedSequence, int]) -> Floats:
        rng = Generator(np.random.SFC64(job[0]))
        return np.stack(
            [measure(_redrawn(rng, sample.background), _redrawn(rng, sample.signal)) for _ in range(job[1])]
        )

    workers = threads if threads is not None else min(8, os.cpu_count() or 1)
    if workers == 1 or len(sample.background) + len(sample.signal) < THREADS_FROM:
        return np.concatenate([run(job) for job in jobs])
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(run, jobs)))


def _redrawn(rng: Generator, side: Side) -> Floats:
    n = len(side)
    if n < POISSON_FROM:
        return side.weight * np.bincount(rng.integers(n, size=n), minlength=n)
    # Four 16-bit numbers from each raw 64-bit one; a grid of 1/65536 moves mean and variance by less than 1e-4.
    raw: np.ndarray[tuple[int], np.dtype[np.uint64]] = rng.bit_generator.random_raw((n + 3) // 4)
    counts = _POISSON.take(raw.view(np.uint16)[:n])
    return side.weight * counts * (n / int(counts.sum(dtype=np.int64)))


def _poisson_table() -> Floats:
    """The Poisson(1) count that belongs to each 16-bit random number."""
    cumulative = np.cumsum([exp(-1) / factorial(k) for k in range(9)])
    return np.searchsorted(cumulative, (np.arange(65536) + 0.5) / 65536, side="right").astype(np.float64)


_POISSON = _poisson_table()


def percentile_interval(figures: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """The central percentiles of bootstrapped figures, shape (resamples,).

    None if more than one in twenty is undefined: what is left would not be a fair sample.
    """
    defined = figures[np.isfinite(figures)]
    if len(defined) == 0 or len(defined) < 0.95 * len(figures):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
