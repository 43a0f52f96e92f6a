"""Predictions of several models for the same events turned into paired differences of RMSE."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import SeedSequence
from scipy.special import ndtr

from hepsieve.errors import DataError
from hepsieve.evaluate.bootstrap import bootstrap_events, percentile_interval
from hepsieve.evaluate.compare import ROUNDING, holm
from hepsieve.evaluate.intervals import UNDEFINED, around
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.results import Comparison, Quantity, finite


def compare_regressions(
    predicted: Mapping[str, Predicted],
    best: str,
    *,
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> tuple[Comparison, ...]:
    """Every other model against the best one on the same events: the difference of RMSEs, paired.

    Each resample draws the same events for all models; the interval holds the central 95 % of the differences. The
    p-value is two-sided and that of a normal distribution whose standard deviation is that of the resampled
    differences (Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 6.2 and 12.3): shares of
    resamples can't fall below 1/resamples, which no correction for many models would leave significant. Models that
    predict alike have the difference 0 and p = 1; where each resample gives the same difference, p is that of a sign
    test of the events.

    The family that Holm's correction covers is as for ``compare_to_best``. The best model must not have been chosen on
    these events, or the differences are too positive.

    Args:
        predicted: predictions by model, of the same events in the same order.
        best: the model that the others are compared to.
        resamples: how many times to draw.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.

    Returns:
        One comparison for each other model, in the order of ``predicted``.

    Raises:
        DataError: if the models did not predict the same events.
    """
    if best not in predicted:
        raise DataError(f"no predictions of {best}, which the others are compared to; there are {', '.join(predicted)}")
    reference = predicted[best]
    others = [name for name in predicted if name != best]
    for name in others:
        for what in ("target", "weight"):
            if not np.array_equal(getattr(reference, what), getattr(predicted[name], what)):
                raise DataError(f"{name} and {best} differ in {what}: compare models on the same events only")
    if not others:
        return ()
    everyone = [predicted[name] for name in (best, *others)]
    squares = np.stack([np.square(one.prediction - one.target) for one in everyone])

    def measure(weight: Floats) -> Floats:
        total = float(weight.sum())
        # einsum and not BLAS: the sums must not depend on the number of BLAS threads.
        means = np.einsum("ki,i->k", squares, weight) / total if total > 0 else np.full(len(squares), np.nan)
        with np.errstate(invalid="ignore"):
            rmse = np.sqrt(means)
        return np.asarray(rmse[1:] - rmse[0])

    nominal = measure(reference.weight)
    replicas = bootstrap_events(reference.weight, measure, resamples=resamples, seed=seed, threads=threads)
    results = {
        name: resampled_difference(nominal[k], replicas[:, k], len(reference.weight)) for k, name in enumerate(others)
    }
    adjusted = iter(holm([p for _, p in results.values() if p is not None]))
    return tuple(
        Comparison(model=name, difference=difference, p_value=p, p_adjusted=None if p is None else next(adjusted))
        for name, (difference, p) in results.items()
    )


def resampled_difference(value: float, replicas: Floats, n: int) -> tuple[Quantity, float | None]:
    """A difference with its interval, and the p-value of none; see ``compare_regressions``.

    Args:
        value: the difference; NaN is undefined.
        replicas: shape (resamples,), the same of resampled events.
        n: how many events there are.
    """
    if not np.isfinite(value):
        return UNDEFINED, None
    interval = percentile_interval(replicas) if n > 1 else None
    if interval is None:
        return around(finite(value), None), None
    difference = around(float(value), interval)
    if value == 0:
        return difference, 1.0
    spread = float(np.std(replicas[np.isfinite(replicas)], ddof=1))
    if spread <= ROUNDING * abs(value):
        return difference, 2.0 ** (1 - n)
    return difference, float(2 * ndtr(-abs(value) / spread))
