"""The cut on the score with the largest expected significance: the mean of the best cuts, not the luckiest."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import SeedSequence

from hepsieve.errors import DataError
from hepsieve.evaluate.bootstrap import Measure, bootstrap
from hepsieve.evaluate.physics_results import BestCut
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Floats, Ranked, Rows, Scratch, cumulative
from hepsieve.evaluate.significance import asimov

# A cut that leaves fewer events of background knows its own background too badly to be chosen.
LEAST_BACKGROUND = 10
RESAMPLES = 200
# Between so many cuts, closer to each other among the highest scores, the significance hardly changes.
CANDIDATES = 2000


def best_cut(
    sample: Ranked,
    *,
    signal_yield: float,
    background_yield: float,
    background_uncertainty: float = 0.0,
    set_on: Literal["validation", "out-of-fold"] = "validation",
    resamples: int = RESAMPLES,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> BestCut:
    """The cut at the mean rank of the best cuts of resampled events.

    The significance is nearly flat around its maximum, so that the best cut of one sample follows its fluctuations. The
    events are resampled within each class, the best cut of each resample is taken by its rank among the distinct scores
    (which no monotone transform of the score changes), and the ranks are averaged. Every cut leaves at least ten of the
    events' background, or all of it where there are fewer.

    Args:
        sample: ranked events that are not test.
        signal_yield: expected signal events before the cut.
        background_yield: expected background events before the cut.
        background_uncertainty: relative uncertainty of the background, which the cut takes into account.
        set_on: what the events are.
        resamples: how many best cuts are averaged.
        seed: of the resampling; equal seeds give equal cuts for any number of threads.
        threads: as in ``bootstrap``.

    Raises:
        DataError: if a class has no positive weight, or no cut keeps background of positive weight.
    """
    steps, background, measure = _candidates(sample, signal_yield, background_yield, background_uncertainty)
    luckiest = measure(sample.background.weight, sample.signal.weight)[0]
    ranks = bootstrap(sample, measure, resamples=resamples, seed=seed, threads=threads)[:, 0]
    ranks = ranks[np.isfinite(ranks)]
    if not np.isfinite(luckiest) or not len(ranks):
        raise DataError("no cut on validation keeps background of positive weight; give more validation events")
    mean, *ends = np.rint([ranks.mean(), *np.quantile(ranks, [0.975, 0.025])]).astype(np.int64)
    low, high = (float(steps[end]) for end in ends)
    threshold = float(steps[mean])
    return BestCut(
        threshold=Quantity(value=threshold, low=min(low, threshold), high=max(high, threshold)),
        luckiest=float(steps[int(luckiest)]),
        set_on=set_on,
        resamples=resamples,
        background_events=int(background[mean]),
    )


def _candidates(
    sample: Ranked, signal_yield: float, background_yield: float, background_uncertainty: float
) -> tuple[Floats, Rows, Measure]:
    """The distinct scores, how much background passes at each, and a measure that gives the rank of the best cut."""
    steps = np.union1d(sample.background.steps, sample.signal.steps)[::-1]
    background, signal = (
        len(side) - np.searchsorted(side.score[::-1], steps) for side in (sample.background, sample.signal)
    )
    allowed = np.flatnonzero(background >= min(LEAST_BACKGROUND, len(sample.background)))
    rows = allowed[spread(len(allowed), CANDIDATES)]
    at = (background[rows], signal[rows])
    scratch = Scratch()

    def best(background_weight: Floats, signal_weight: Floats) -> Floats:
        passing = [
            _passing(weight, places, scratch(name, len(weight) + 1))
            for name, weight, places in (("b", background_weight, at[0]), ("s", signal_weight, at[1]))
        ]
        b = background_yield * passing[0]
        z = asimov(signal_yield * passing[1], b, background_uncertainty * b)
        z = np.where(np.isfinite(z), z, -1.0)
        place = int(np.argmax(z))
        return np.array([rows[place] if z[place] >= 0 else np.nan], dtype=np.float64)

    return steps, background, best


def spread(n: int, most: int) -> Rows:
    """At most so many of n rows, with the first and the last; half evenly, half ever closer to the first."""
    if n <= most:
        return np.arange(n)
    even, close = np.linspace(0, n - 1, most // 2), np.geomspace(1, n, most - most // 2) - 1
    return np.unique(np.rint(np.concatenate([even, close])).astype(np.int64))


def _passing(weight: Floats, places: Rows, sums: Floats) -> Floats:
    """The weighted share of the first so many events; NaN where all together have no positive weight."""
    cumulative(weight, sums)
    return sums[places] / sums[-1] if sums[-1] > 0 else np.full(len(places), np.nan)
