"""The 95 % interval of a weighted AUC: one sort and resampled counts against scikit-learn on resampled rows.

Both draw within each class. Ours makes all its resamples; the loop makes a few, and its time for all of them is
extrapolated from these, since each does the same work again.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from bench.result import Result
from hepsieve.evaluate.intervals import auc_interval
from hepsieve.evaluate.ranked import Ranked

EVENTS, RESAMPLES, MEASURED = 700_000, 1000, 8
Floats = NDArray[np.float64]


def measure() -> Result:
    """Seconds for 1,000 resamples of 700,000 weighted events, sort included."""
    rng = np.random.default_rng(1)
    target = rng.integers(0, 2, EVENTS).astype(np.float64)
    score = rng.normal(size=EVENTS) + target
    weight = rng.uniform(0.5, 1.5, EVENTS)
    ours = {"one thread": _ours(target, score, weight, 1), "two threads": _ours(target, score, weight, 2)}
    loop = _loop(rng, target, score, weight)
    return Result(
        ratio=loop / ours["one thread"],
        against=f"a loop of sklearn.roc_auc_score over resampled rows, extrapolated from {MEASURED} resamples",
        unit=f"seconds for {RESAMPLES:,} resamples of {EVENTS:,} weighted events",
        ours=ours,
        theirs={"one thread": loop},
    )


def _ours(target: Floats, score: Floats, weight: Floats, threads: int) -> float:
    start = perf_counter()
    auc_interval(Ranked.of(target, score, weight), resamples=RESAMPLES, seed=1, threads=threads)
    return perf_counter() - start


def _loop(rng: np.random.Generator, target: Floats, score: Floats, weight: Floats) -> float:
    classes = [np.flatnonzero(target == c) for c in (0, 1)]
    start = perf_counter()
    for _ in range(MEASURED):
        rows = np.concatenate([rng.choice(members, len(members)) for members in classes])
        roc_auc_score(target[rows], score[rows], sample_weight=weight[rows])
    return (perf_counter() - start) / MEASURED * RESAMPLES
