"""What events contribute to a figure turned into how far each group's figure lies from that of all other events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from hepsieve.evaluate.compare import LEAST_FREEDOM, holm
from hepsieve.evaluate.means import TAIL
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import finite
from hepsieve.evaluate.slice_results import Difference

Place = NDArray[np.intp]
Transform = Callable[[float], float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """The variance of a figure in each group, and in the events outside of it.

    Attributes:
        variance: shape (groups, 2), of the group and of the rest; NaN without positive weight.
        lost: shape (groups, 2), each squared variance divided by its degrees of freedom, as Welch and Satterthwaite add
            them up.
    """

    variance: Floats
    lost: Floats

    @classmethod
    def of(cls, terms: Floats, weight: Floats, place: Place, groups: int) -> Spread:
        """The variance of the weighted mean of some terms.

        A part's variance is that of its own events about their mean or, if larger, what as many of all events would
        have: a few events that happen to agree are not taken for certain. Its degrees of freedom are Kish's number of
        the events that make up this variance (of all events in proportion to the part's size), less one: where few
        events decide, as with rare ones, the tails are as wide as so few allow.

        Args:
            terms: shape (n,), whose weighted mean the figure is, or to first order changes like.
            weight: shape (n,).
            place: shape (n,), the group of each event; events of a negative one are in no group, but in every rest.
            groups: how many there are.
        """
        if not len(terms) or not float(weight.sum()) > 0:
            return cls(variance=np.full((groups, 2), np.nan), lost=np.full((groups, 2), np.nan))
        centred = terms - float(np.einsum("i,i->", weight, terms)) / float(weight.sum())
        square = weight * weight
        each = square * centred * centred
        n, total, squares, first, crossed, about, fourth = (
            _parts(values, place, groups)
            for values in (None, weight, square, weight * centred, square * centred, each, each * each)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = first / total
            own = about - 2 * mean * crossed + mean**2 * squares
            pooled = float(each.sum()) / float(square.sum()) * squares
            variance = np.where((total > 0) & (n > 1), np.maximum(own, pooled) / total**2 * n / (n - 1), np.nan)
            deciding = np.where(
                own > pooled, about**2 / fourth, n / len(terms) * each.sum() ** 2 / np.einsum("i,i->", each, each)
            )
        freedom = np.maximum(np.nan_to_num(deciding - 1), LEAST_FREEDOM)
        return cls(variance=variance, lost=variance**2 / freedom)

    @classmethod
    def shared(cls, changes: Sequence[Floats], weight: Floats) -> Spread:
        """The variance that events have a share in which count for a group and for its rest alike, by group.

        Args:
            changes: for each group, how much each event's term differs from that in the rest, shape (n,) each.
            weight: shape (n,).
        """
        variance, lost = np.zeros((len(changes), 2)), np.zeros((len(changes), 2))
        n, total = len(weight), float(weight.sum())
        for k, change in enumerate(changes):
            mean = float(np.einsum("i,i->", weight, change)) / total
            squares = np.square(weight * (change - mean)) / total**2 * n / max(n - 1, 1)
            variance[k, 0], fourth = float(squares.sum()), float(np.square(squares).sum())
            freedom = max(variance[k, 0] ** 2 / fourth - 1, LEAST_FREEDOM) if fourth > 0 else 1.0
            lost[k, 0] = variance[k, 0] ** 2 / freedom
        return cls(variance=variance, lost=lost)

    def __add__(self, other: Spread) -> Spread:
        """The variances of two independent parts of a figure added up."""
        return Spread(variance=self.variance + other.variance, lost=self.lost + other.lost)


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A figure of one group minus that of the rest, and the p-value of no difference."""

    quantity: Quantity
    p_value: float


def departures(figures: Floats, spread: Spread, *, transform: Transform | None = None) -> tuple[Departure | None, ...]:
    """How far each group lies from the rest, with Student's interval and p-value; None where nothing can be said.

    Args:
        figures: shape (groups, 2), of each group and of its rest; NaN if undefined.
        spread: the variances of both.
        transform: turns the figure into the one that is quoted, such as an efficiency into a rejection; NaN where that
            is undefined.
    """
    found: list[Departure | None] = []
    for (one, other), variances, lost in zip(figures.tolist(), spread.variance, spread.lost, strict=True):
        error = float(np.sqrt(variances.sum())) if variances.sum() > 0 else 0.0
        if not (np.isfinite(one) and np.isfinite(other) and error > 0):
            found.append(None)
            continue
        freedom = max(float(variances.sum() ** 2 / lost.sum()), LEAST_FREEDOM)
        p_value = float(2 * stdtr(freedom, -abs(one - other) / error))
        if transform is not None:
            # To first order; the p-value stays that of the figure itself, which is nearer to normal.
            slopes = np.array([_slope(transform, one), _slope(transform, other)])
            error = float(np.sqrt(np.square(slopes) @ variances))
            one, other = transform(one), transform(other)
        found.append(Departure(quantity=_quantity(one - other, float(stdtrit(freedom, TAIL)) * error), p_value=p_value))
    return tuple(found)


def _slope(transform: Transform, at: float) -> float:
    step = 1e-4 * abs(at)
    return (transform(at + step) - transform(at - step)) / (2 * step) if step else float("nan")


def _quantity(value: float, half: float) -> Quantity:
    return Quantity(value=finite(value), low=finite(value - half), high=finite(value + half))


def differing(
    found: Mapping[str, Mapping[str, Sequence[Departure | None]]], groups: int
) -> tuple[list[dict[str, dict[str, Difference]]], int]:
    """What differs significantly after Holm's correction, which covers all groups, models and figures together.

    Args:
        found: by model and figure, what ``departures`` gives.
        groups: how many groups there are.

    Returns:
        For each group what differs by model and figure, and how many comparisons the correction covers.
    """
    places = [
        (k, model, figure, one)
        for model, figures in found.items()
        for figure, ones in figures.items()
        for k, one in enumerate(ones)
        if one is not None
    ]
    differs: list[dict[str, dict[str, Difference]]] = [{} for _ in range(groups)]
    for (k, model, figure, one), adjusted in zip(places, holm([one.p_value for *_, one in places]), strict=True):
        difference = Difference(quantity=one.quantity, p_value=one.p_value, p_adjusted=adjusted)
        if difference.significant:
            differs[k].setdefault(model, {})[figure] = difference
    return differs, len(places)


def _parts(values: NDArray[Any] | None, place: Place, groups: int) -> Floats:
    """Sums (of 1 without values) over each group and over what is outside of it, shape (groups, 2)."""
    # Events of no group are counted in a group of their own, which is then left out.
    sums = np.bincount(place + 1, weights=values, minlength=groups + 1).astype(np.float64)
    own = sums[1:]
    return np.stack([own, sums.sum() - own], axis=1)


def means(terms: Floats, weight: Floats, place: Place, groups: int) -> Floats:
    """The weighted mean of some terms over each group and over what is outside of it, shape (groups, 2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        total = _parts(weight, place, groups)
        return np.where(total > 0, _parts(weight * terms, place, groups) / total, np.nan)
