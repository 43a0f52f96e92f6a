"""Resample events within each class: one sort beforehand, then only counts of how often each event was drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import exp, factorial

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Floats, Ranked, Scratch

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
    scratch = Scratch()

    def draw(rng: Generator) -> Floats:
        background = _redrawn(rng, sample.background.weight, scratch)
        return measure(background, _redrawn(rng, sample.signal.weight, scratch))

    n = len(sample.background) + len(sample.signal)
    return _draws(draw, n, resamples=resamples, seed=seed, threads=threads)


def bootstrap_events(
    weight: Floats,
    measure: Callable[[Floats], Floats],
    *,
    resamples: int,
    seed: int | SeedSequence,
    threads: int | None = None,
) -> Floats:
    """Figures of resampled events that are all of one kind; otherwise like ``bootstrap``.

    Args:
        weight: shape (n,), the event weights.
        measure: takes the resampled weights, in the same order, and gives figures, shape (k,); called by all threads.
        resamples: how many times to draw.
        seed: the same seed gives the same figures for any number of threads.
        threads: as in ``bootstrap``.

    Returns:
        Shape (resamples, k).

    Raises:
        DataError: if there are no events.
    """
    if not len(weight):
        raise DataError("no bootstrap of no events")
    scratch = Scratch()
    return _draws(
        lambda rng: measure(_redrawn(rng, weight, scratch)),
        len(weight),
        resamples=resamples,
        seed=seed,
        threads=threads,
    )


def _draws(
    draw: Callable[[Generator], Floats], n: int, *, resamples: int, seed: int | SeedSequence, threads: int | None
) -> Floats:
    """What ``draw`` gives, so many times; n is the number of events behind each."""
    root = seed if isinstance(seed, SeedSequence) else SeedSequence(seed)
    sizes = [min(BLOCK, resamples - start) for start in range(0, resamples, BLOCK)]
    jobs = list(zip(root.spawn(len(sizes)), sizes, strict=True))

    def run(job: tuple[SeedSequence, int]) -> Floats:
        rng = Generator(np.random.SFC64(job[0]))
        return np.stack([draw(rng) for _ in range(job[1])])

    workers = threads if threads is not None else min(8, os.cpu_count() or 1)
    if workers == 1 or n < THREADS_FROM:
        return np.concatenate([run(job) for job in jobs])
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(run, jobs)))


def _redrawn(rng: Generator, weights: Floats, scratch: Scratch) -> Floats:
    """Each event's weight times how often it was drawn; valid until the next draw of these events."""
    n = len(weights)
    if n < POISSON_FROM:
        return weights * np.bincount(rng.integers(n, size=n), minlength=n)
    # Four 16-bit numbers from each raw 64-bit one: comparing these is what processors do fastest.
    raw: NDArray[np.uint64] = rng.bit_generator.random_raw((n + 3) // 4)
    uniform = raw.view(np.uint16)[:n]
    counts = np.zeros(n, dtype=np.uint8)
    for step in _POISSON_STEPS:
        counts += uniform >= step
    weight = scratch(f"weight {id(weights)}", n)
    np.multiply(weights, counts, out=weight)
    weight *= n / int(counts.sum(dtype=np.int64))
    return weight


def _poisson_steps() -> NDArray[np.uint16]:
    """The 16-bit numbers from which on a Poisson(1) count is at least 1, 2, …: mean and variance are 1 to 1e-4."""
    steps: NDArray[np.float64] = np.rint(65536 * np.cumsum([exp(-1) / factorial(k) for k in range(12)]))
    return np.array(steps[steps < 65536], dtype=np.uint16)


_POISSON_STEPS = _poisson_steps()


def percentile_interval(
    figures: Floats, level: float = 0.95, *, bounds: tuple[float, float] | None = None
) -> tuple[float, float] | None:
    """The central percentiles of bootstrapped figures, shape (resamples,).

    Where more than one in twenty is undefined (negative weights cancel the others there), what is left would not be a
    fair sample: each undefined figure may be anything. With ``bounds`` it then counts as both of them.

    Args:
        figures: the bootstrapped figures; NaN where a resample leaves them undefined.
        level: the coverage.
        bounds: the least and the largest value that the figure can have.

    Returns:
        None if too few are defined and there are no bounds.
    """
    defined = figures[np.isfinite(figures)]
    tails = ((1 - level) / 2, (1 + level) / 2)
    if len(defined) > 0 and len(defined) >= 0.95 * len(figures):
        low, high = np.quantile(defined, tails)
        return float(low), float(high)
    if bounds is None or not len(figures):
        return None
    low, high = (
        np.quantile(np.where(np.isfinite(figures), figures, bound), tail)
        for bound, tail in zip(bounds, tails, strict=True)
    )
    return float(low), float(high)
