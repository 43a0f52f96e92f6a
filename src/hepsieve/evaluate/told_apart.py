"""Predictions of a regression as a classifier: a cut that tells events without a target from those that have one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.random import Generator, default_rng

from hepsieve.errors import DataError
from hepsieve.evaluate.cut import percentage
from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.intervals import delong_interval, share_of
from hepsieve.evaluate.ranked import Floats, Ranked, Rows
from hepsieve.evaluate.regression_results import Predicted, TargetDescription
from hepsieve.evaluate.results import Quantity
from hepsieve.evaluate.roc import roc_vertices
from hepsieve.evaluate.signal_slices import certain_from
from hepsieve.evaluate.working_points import threshold_for_background

SHARES = (0.01,)
# It is at small targets that the efficiency rises.
EDGES = np.concatenate([np.linspace(0, 0.2, 11), np.linspace(0.3, 1, 8)])
FEWEST_EVENTS = 4


class TargetBin(Result):
    """Which share of the run's own events with a target of at least ``low`` and less than ``high`` is kept."""

    low: float
    high: float
    n: int
    efficiency: Quantity


class TellingCut(Result):
    """A cut on the prediction, ``prediction >= threshold``, and what it keeps of events that did not set it.

    Attributes:
        wanted: how the threshold was chosen, in words.
        threshold: as a share of the full scale.
        other_share: the share of the other events that is kept, although they have no target (single pulses).
        efficiency: the share of the run's own events that is kept.
        bins: the same in bins of their target, finer at its lower end.
        says: in a sentence, from which target on more than half of the events are kept.
    """

    wanted: str
    threshold: float
    other_share: Quantity
    efficiency: Quantity
    bins: tuple[TargetBin, ...]
    says: str


class ToldApart(Result):
    """How well predictions tell other events, without a target, from the run's own.

    Attributes:
        auc: the probability that an own event has the larger prediction, ties counting half.
        cuts: none was set on events that it is measured on.
        n_set: the number of other events that set the cuts.
        n_measured: the number of other events that they were measured on.
    """

    auc: Quantity
    cuts: tuple[TellingCut, ...]
    n_set: int
    n_measured: int


def tell_apart(
    others: Predicted,
    own: Predicted,
    *,
    validation: Predicted,
    target: TargetDescription,
    seed: int,
    shares: Sequence[float] = SHARES,
) -> ToldApart:
    """Cuts that keep at most a share of the other events, and the one that balances both errors best.

    The other events are halved by chance. One half sets each threshold: the lowest one that at most this share of them
    passes. For the balanced cut, that with the largest mean of the two shares that are told rightly, this half is set
    against the run's validation events. The other half measures what really passes, and the run's test events, which
    had no part in any cut, measure the efficiency. Shares have Clopper–Pearson intervals, which hold for this very
    threshold; the AUC, of all events, has the interval of ``delong_interval``. An own event whose target is near 0
    can't be told from others by any cut.

    Args:
        others: events without a target; their ``target`` is not looked at.
        own: the run's test events.
        validation: the run's validation events, each predicted by a training that did not learn from it.
        target: what is predicted.
        seed: halves the other events.
        shares: of the other events, which cuts may keep.

    Raises:
        DataError: if there are fewer than four events in a sample, or those that set or measure a cut have no positive
            total weight.
    """
    for name, part in (("other", others), ("test", own), ("validation", validation)):
        if len(part.prediction) < FEWEST_EVENTS:
            raise DataError(
                f"{len(part.prediction)} {name} events set and measure no cut; give {FEWEST_EVENTS} or more"
            )
    set_on, measured = (_rows(others, half) for half in _halves(others, default_rng(seed)))
    for part in (set_on, measured, own, validation):
        _require_weight(part)
    thresholds = {f"at most {percentage(one)} of the others kept": _share_threshold(set_on, one) for one in shares}
    thresholds["best balanced"] = _balanced_threshold(set_on, validation)
    return ToldApart(
        auc=delong_interval(_ranked(others, own)),
        cuts=tuple(_cut(wanted, threshold, measured, own, target) for wanted, threshold in thresholds.items()),
        n_set=len(set_on.prediction),
        n_measured=len(measured.prediction),
    )


def _rows(predicted: Predicted, rows: Rows) -> Predicted:
    return Predicted(
        target=predicted.target[rows], prediction=predicted.prediction[rows], weight=predicted.weight[rows]
    )


def _halves(predicted: Predicted, rng: Generator) -> tuple[Rows, Rows]:
    order = rng.permutation(len(predicted.prediction))
    middle = len(order) // 2
    return np.sort(order[:middle]), np.sort(order[middle:])


def _require_weight(part: Predicted) -> None:
    if not (total := float(part.weight.sum())) > 0:
        n = len(part.weight)
        raise DataError(f"{n} events of total weight {total:g} set and measure no cut; it must be positive")


def _ranked(others: Predicted, own: Predicted) -> Ranked:
    return Ranked.of(
        np.repeat([0, 1], [len(others.prediction), len(own.prediction)]),
        np.concatenate([others.prediction, own.prediction]),
        np.concatenate([others.weight, own.weight]),
        what="predictions",
    )


def _share_threshold(others: Predicted, share: float) -> float:
    alone = Ranked.of(np.zeros(len(others.prediction)), others.prediction, others.weight, what="predictions")
    return threshold_for_background(alone, share)


def _balanced_threshold(others: Predicted, own: Predicted) -> float:
    kept, efficiency, thresholds = roc_vertices(_ranked(others, own))
    # The first vertex keeps nothing, at an infinite threshold.
    return float(thresholds[1 + int(np.argmax((efficiency - kept)[1:]))])


def _cut(wanted: str, threshold: float, others: Predicted, own: Predicted, target: TargetDescription) -> TellingCut:
    """What a cut keeps of events that did not set it."""
    # As float32, which targets are stored in: 0.06 is to be in the bin that begins there.
    target_place = np.searchsorted(EDGES.astype(np.float32), own.target.astype(np.float32), side="right") - 1
    place = np.clip(target_place, 0, len(EDGES) - 2)
    bins = tuple(
        TargetBin(
            low=low,
            high=high,
            n=int(np.count_nonzero(place == k)),
            efficiency=_kept(own.prediction[place == k], own.weight[place == k], threshold),
        )
        for k, (low, high) in enumerate(pairwise(EDGES.round(12).tolist()))
    )
    return TellingCut(
        wanted=wanted,
        threshold=threshold,
        other_share=_kept(others.prediction, others.weight, threshold),
        efficiency=_kept(own.prediction, own.weight, threshold),
        bins=bins,
        says=_said(bins, target),
    )


def _said(bins: Sequence[TargetBin], target: TargetDescription) -> str:
    # Where the run has no events there is nothing to be certain of, and nothing to be missed.
    known = [one for one in bins if one.n]
    first = certain_from([one.efficiency for one in known])
    if first is None:
        return f"There is no {target.name} from which on more than half of the events are kept for certain (95 %)."
    low = known[first].low
    value = f"{low:.4g}" + (f" ({low * target.full:.4g} {target.unit})" if target.unit else "")
    return f"From {target.name} = {value} on more than half of the events are kept (lower ends of 95 % intervals)."


def _kept(prediction: Floats, weight: Floats, threshold: float) -> Quantity:
    return share_of(weight, prediction >= threshold)
