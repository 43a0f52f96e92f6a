"""95 % intervals: Clopper–Pearson for proportions, stratified bootstrap and DeLong for the AUC."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from hepsieve.evaluate.bootstrap import bootstrap, percentile_interval
from hepsieve.evaluate.means import TAIL, freedom
from hepsieve.evaluate.ranked import Floats, Ranked, Scratch, cumulative
from hepsieve.evaluate.results import Quantity
from hepsieve.evaluate.roc import area_under, auc

LEVEL = 0.95
# The 97.5 % quantile of a normal distribution.
NORMAL = 1.959964
UNDEFINED = Quantity(value=None, low=None, high=None)


def effective_events(weight: NDArray[Any]) -> float:
    """Kish's effective number of events, (Σw)² / Σw²; 0 for no events.

    >>> effective_events(np.array([2.0, 2.0, 2.0]))
    3.0
    """
    return kish(float(np.sum(weight)), float(np.sum(np.square(weight))))


def kish(total: float, squares: float) -> float:
    """Kish's effective number of events from Σw and Σw²."""
    return total**2 / squares if squares > 0 else 0.0


def clopper_pearson(share: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """The exact binomial interval of a proportion, continued to effective (fractional) numbers of events.

    Clopper and Pearson, Biometrika 26 (1934) 404, in its beta-quantile form. At 0 of n the lower end is 0 and at n of n
    the upper end is 1; with n = 0 nothing is known and the interval is (0, 1).

    Args:
        share: the proportion; clipped to [0, 1], which negative weights can leave.
        n: the number of events it rests on.
        level: the least coverage.
    """
    if n <= 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    passed = float(np.clip(share, 0, 1)) * n
    failed = n - passed
    low = float(betaincinv(passed, failed + 1, tail)) if passed > 0 else 0.0
    high = float(betaincinv(passed + 1, failed, 1 - tail)) if failed > 0 else 1.0
    return low, high


def proportion(passed: float, total: float, squares: float, passed_squares: float | None = None) -> Quantity:
    """A weighted proportion with its Clopper–Pearson interval.

    Args:
        passed: Σw of the events that pass.
        total: Σw of all events that count.
        squares: Σw² of all events that count; gives their effective number.
        passed_squares: Σw² of the events that pass; without it, they are taken to weigh like the others.
    """
    if not total > 0:
        return UNDEFINED
    share = passed / total
    n = kish(total, squares) if passed_squares is None else deciding_events(share, total, squares, passed_squares)
    return around(share, clopper_pearson(share, n))


def share_of(weight: NDArray[Any], passed: NDArray[np.bool_]) -> Quantity:
    """The weighted share of the events that pass, with its Clopper–Pearson interval."""
    squares = np.square(weight)
    return proportion(
        float(weight[passed].sum()), float(weight.sum()), float(squares.sum()), float(squares[passed].sum())
    )


def deciding_events(share: float, total: float, squares: float, passed_squares: float) -> float:
    """The effective number of events behind a weighted proportion; Kish's where all weigh alike.

    Kish's number holds where weights have nothing to do with passing. Where few events of large weight pass, they
    decide: the proportion p = Σ_passed w/Σw has the variance [(1 − p)² Σ_passed w² + p² Σ_failed w²]/(Σw)² (of a ratio,
    to first order), and so many events as give a binomial proportion this variance are p (1 − p) over it. The smaller
    of the two numbers is taken: with Kish's alone the interval of a share of 1 %, whose events weigh three times what
    the others do, holds the truth 80 % of the time.

    Args:
        share: p.
        total: Σw.
        squares: Σw² of all.
        passed_squares: Σw² of those that pass.
    """
    n = kish(total, squares)
    variance = ((1 - share) ** 2 * passed_squares + share**2 * (squares - passed_squares)) / total**2
    return min(n, share * (1 - share) / variance) if 0 < share < 1 and variance > 0 else n


def around(value: float | None, interval: tuple[float, float] | None) -> Quantity:
    """A figure in its interval, which is widened where it would not hold the figure itself."""
    if value is None or not np.isfinite(value):
        return UNDEFINED
    if interval is None:
        return Quantity(value=float(value), low=None, high=None)
    return Quantity(value=float(value), low=float(min(interval[0], value)), high=float(max(interval[1], value)))


def hull(*intervals: tuple[float, float] | None) -> tuple[float, float] | None:
    """The smallest interval that holds all of these; None if one is missing."""
    known = [interval for interval in intervals if interval is not None]
    if len(known) < len(intervals):
        return None
    return min(low for low, _ in known), max(high for _, high in known)


def auc_interval(
    sample: Ranked, *, resamples: int = 1000, seed: int | SeedSequence = 0, threads: int | None = None
) -> Quantity:
    """The AUC with the percentile interval of a stratified bootstrap (see ``auc_quantity``)."""
    value = auc(sample)
    if value is None:
        return UNDEFINED

    scratch = Scratch()

    def measure(background: Floats, signal: Floats) -> Floats:
        b = cumulative(background, scratch("background", len(background) + 1))
        s = cumulative(signal, scratch("signal", len(signal) + 1))
        return np.array([area_under(sample, b, s, scratch)])

    return auc_quantity(
        sample, value, bootstrap(sample, measure, resamples=resamples, seed=seed, threads=threads)[:, 0]
    )


def auc_quantity(sample: Ranked, value: float | None, figures: Floats) -> Quantity:
    """An AUC with the percentile interval of its bootstrapped figures, shape (resamples,).

    Near 1 few events decide and percentiles alone cover too seldom (81 % for 200 events a class at 0.999); there the
    binomial interval with DeLong's variance reaches further, and the two are joined. Elsewhere they nearly coincide.
    """
    if value is None or min(len(sample.background), len(sample.signal)) < 2:
        return around(value, None)
    interval = hull(percentile_interval(figures, bounds=(0.0, 1.0)), _binomial_interval(sample, value))
    if interval is not None:
        # Resampled negative weights can leave 0…1, which no AUC of the truth does.
        interval = (min(max(interval[0], 0.0), 1.0), min(max(interval[1], 0.0), 1.0))
    return around(value, interval)


def _binomial_interval(sample: Ranked, area: float) -> tuple[float, float] | None:
    """Clopper–Pearson for as many events as give a proportion of this size DeLong's variance."""
    fewest = min(effective_events(sample.background.weight), effective_events(sample.signal.weight))
    if not 0 < area < 1:
        # No pair is in the wrong order: the placements are proportions, whose variance is binomial at most.
        return clopper_pearson(area, fewest)
    shares = _delong_shares(sample, area)
    if shares is None:
        return None
    variance = float(shares.sum())
    # A single pair in the wrong order says little about the variance; tenfold was found to cover in toy samples.
    most = 10 * fewest
    if not variance > 0:
        return clopper_pearson(area, most)
    # Where few events decide, the variance is not well known either, and Student's quantile has to take the place of
    # the normal one. That would be its square; half of it (the root) is in Clopper and Pearson's caution already.
    wider = float(stdtrit(freedom(shares), TAIL)) / NORMAL
    return clopper_pearson(area, min(area * (1 - area) / variance, most) / wider)


def placements(sample: Ranked) -> tuple[Floats, Floats]:
    """For each event the weighted share of the other class on its right side, ties counting half.

    Returns:
        For the background events the share of signal above, for the signal events the share of background below; each
        in the order of falling scores. The weighted mean of either is the AUC.
    """
    signal, background = cumulative(sample.signal.weight), cumulative(sample.background.weight)
    side = sample.background
    signal_above = (signal[side.other_above] + signal[side.other_reached]) / (2 * signal[-1])
    per_background = np.repeat(signal_above, np.diff(side.reached, prepend=0))
    side = sample.signal
    background_above = (background[side.other_above] + background[side.other_reached]) / (2 * background[-1])
    per_signal = np.repeat(1 - background_above, np.diff(side.reached, prepend=0))
    return per_background, per_signal


def delong_error(sample: Ranked) -> float | None:
    """Standard error of the weighted AUC after DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837.

    The variance of each class's weighted mean placement; with unit weights it is DeLong's own, by the ranks of
    Sun and Xu, IEEE Signal Processing Letters 21 (2014) 1389. None with fewer than two events of a class.
    """
    area = auc(sample)
    shares = None if area is None else _delong_shares(sample, area)
    return None if shares is None else float(np.sqrt(shares.sum()))


def _delong_shares(sample: Ranked, area: float) -> Floats | None:
    """What each event adds to DeLong's variance of the AUC; None with fewer than two events of a class."""
    shares = []
    for side, placement in zip((sample.background, sample.signal), placements(sample), strict=True):
        n = len(side)
        if n < 2:
            return None
        shares.append(np.square(side.weight * (placement - area) / side.weight.sum()) * (n / (n - 1)))
    return np.concatenate(shares)


def delong_interval(sample: Ranked) -> Quantity:
    """The AUC with a binomial interval of DeLong's variance: no resampling, one sort."""
    area = auc(sample)
    if area is None or min(len(sample.background), len(sample.signal)) < 2:
        return around(area, None)
    return around(area, _binomial_interval(sample, area))
