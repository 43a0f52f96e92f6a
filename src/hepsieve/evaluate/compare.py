"""Scores of several models on the same events turned into paired differences of AUC, corrected for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from hepsieve.errors import DataError
from hepsieve.evaluate.importance import placements_by_event
from hepsieve.evaluate.intervals import UNDEFINED, around
from hepsieve.evaluate.means import TAIL
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Comparison, Quantity, Scored

# Equal orders of the same events differ by the rounding of their sums only; one exchanged pair of ten million events
# changes a placement by 1e-7.
ROUNDING = 1e-12
# Student's distribution with next to no degrees of freedom: whatever a single event decides is not significant.
LEAST_FREEDOM = 0.5


def compare_to_best(scored: Mapping[str, Scored], best: str) -> tuple[Comparison, ...]:
    """Every other model against the best one on the same events: the difference of AUCs, paired.

    The difference is the weighted mean, over the events of either class, of how much an event's placement (the weighted
    share of the other class on its right side) changes from the best model to the other. Its variance is that of
    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837, for correlated AUCs, with weights: the sum over both
    classes of Σ w² (change − mean)² / (Σ w)² · n / (n − 1). Interval and p-value are Student's, whose degrees of
    freedom are Kish's number of the events that make up this variance, less one: for many events that is the normal
    distribution, but four events that alone tell two nearly perfect models apart are taken as four. Models that order
    the events alike have the difference 0 (0 to 0) and p = 1; where every event changes alike (a perfect model against
    a constant one), there is no variance to go by, and p is that of a sign test of the smaller class.

    Weights scale out, and a weight of 2 gives the difference of an event that is there twice, but not its variance: it
    is still one event, observed once. Negative weights keep their signs in the difference and count by their squares in
    the variance; a class without positive total weight leaves everything undefined.

    The family that Holm's correction covers are these comparisons: each other model against the best one, one test each
    (eleven for twelve models). No pairs among the others, no slices and no other metrics are in it. The best
    model must not have been chosen on these events, or the differences are too negative.

    Args:
        scored: scores by model, of the same events in the same order.
        best: the model that the others are compared to.

    Returns:
        One comparison for each other model, in the order of ``scored``.

    Raises:
        DataError: if the models were not scored on the same events, or an array holds what is no number.
    """
    if best not in scored:
        raise DataError(f"no scores of {best}, which the others are compared to; there are {', '.join(scored)}")
    reference = scored[best]
    placements = placements_by_event(reference.target, reference.score, reference.weight)
    results: dict[str, tuple[Quantity, float | None]] = {}
    for name, other in scored.items():
        if name == best:
            continue
        for what in ("target", "weight"):
            if not np.array_equal(getattr(reference, what), getattr(other, what)):
                raise DataError(f"{name} and {best} differ in {what}: compare models on the same events only")
        change = placements_by_event(other.target, other.score, other.weight)
        change -= placements
        results[name] = paired_difference(reference.target, reference.weight, change)
    adjusted = iter(holm([p for _, p in results.values() if p is not None]))
    return tuple(
        Comparison(model=name, difference=difference, p_value=p, p_adjusted=None if p is None else next(adjusted))
        for name, (difference, p) in results.items()
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values after the step-down correction of Holm, Scand. J. Statist. 6 (1979) 65, in their own order.

    Below a level in all of them is: the probability of a single false alarm is at most this level, however the tests
    depend on each other.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return [float(p) for p in adjusted]


def paired_difference(target: Floats, weight: Floats, change: Floats) -> tuple[Quantity, float | None]:
    """The mean change of the placements with its interval, and the p-value of none; see ``compare_to_best``.

    Args:
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        change: shape (n,), how much each event's placement changes; what is rounding alone becomes 0 in it.
    """
    change[np.abs(change) < ROUNDING] = 0.0
    sides = [np.flatnonzero(target == label) for label in (0, 1)]
    if not all(len(side) and float(weight[side].sum()) > 0 for side in sides):
        return UNDEFINED, None
    value = _mean(change[sides[1]], weight[sides[1]])
    if min(map(len, sides)) < 2:
        return around(value, None), None
    shares = np.concatenate([_deviations(change[side], weight[side]) for side in sides])
    squares = shares**2
    variance = float(squares.sum())
    error = float(np.sqrt(variance))
    if error <= ROUNDING * abs(value):
        # All changes are equal. At 0 nothing differs; else the chance that all of a class go one way by luck.
        alike = around(value, (0.0, 0.0)) if value == 0 else around(value, None)
        return alike, min(1.0, 2.0 ** (1 - min(map(len, sides)))) if value else 1.0
    freedom = max(variance**2 / float((squares**2).sum()) - 1, LEAST_FREEDOM)
    half = float(stdtrit(freedom, TAIL)) * error
    interval = (max(value - half, -1.0), min(value + half, 1.0))
    return around(value, interval), float(2 * stdtr(freedom, -abs(value) / error))


def _mean(change: Floats, weight: Floats) -> float:
    # einsum and not BLAS: the sum must not depend on the number of BLAS threads.
    return float(np.einsum("i,i->", weight, change)) / float(weight.sum())


def _deviations(change: Floats, weight: Floats) -> Floats:
    """What each event of a class adds to the error of its mean change; the squares sum up to the variance."""
    n = len(change)
    shares: Floats = weight * (change - _mean(change, weight)) / float(weight.sum()) * np.sqrt(n / (n - 1))
    return shares
