"""Features of new events beside those of the training events: what lies outside the range, and what has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from hepsieve.errors import DataError
from hepsieve.evaluate.distributions import ks_distance
from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.intervals import UNDEFINED, effective_events, share_of
from hepsieve.evaluate.ranked import Floats, Ranked, Side
from hepsieve.evaluate.results import Quantity

# How often a sample from the training's own distribution may be said to drift, all its features together.
FALSE_ALARM = 0.01
CENTRAL = 0.998
# Smaller differences of shape, however well measured, change no selection by much.
LEAST_DISTANCE = 0.1
LEAST_TAIL = 0.01
# From here on a feature is far from the training: in half widths, and as a share outside the range.
FAR_SHIFT = 1.0
FAR_OUTSIDE = 0.1
_CHECKS = 3
_STANDARD_95 = 1.96
_HALF_68 = (0.16, 0.84)

ALL = "all"

Status = Literal["unknown", "same", "drift", "far"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Feature values with what is known about the events.

    Attributes:
        features: shape (n, p), finite.
        weight: shape (n,), event weights, possibly negative.
        target: shape (n,), 0 for background and 1 for signal; None where nobody knows.
    """

    features: NDArray[Any]
    weight: NDArray[Any]
    target: NDArray[Any] | None


class FeatureDrift(Result):
    """One feature of new events beside the training events of the same class.

    Shares and distances use the event weights. ``status`` and ``verdict`` follow the rules that ``drift`` states.

    Attributes:
        feature: the feature's name.
        unit: its unit; empty for none.
        events: the class compared, or "all" where the classes are unknown.
        n: the number of new events.
        n_training: the number of training events.
        training_low: the least training value, in the feature's unit.
        training_high: the largest training value.
        outside_range: share of the new events below or above every training value.
        outside_central: share of the new events outside the central 99.8 % of the training events.
        ks: Kolmogorov–Smirnov distance of the two samples.
        ks_p: how probable such a distance is, if both are drawn from one distribution.
        median_shift: new median minus the training's, in half widths of the training's central 68 %.
        status: ``same``, ``drift`` or ``far``; ``unknown`` where so few events could not show any drift.
        verdict: the same in one sentence.
    """

    feature: str
    unit: str
    events: str
    n: int
    n_training: int
    training_low: float
    training_high: float
    outside_range: Quantity
    outside_central: Quantity
    ks: float
    ks_p: float
    median_shift: Quantity
    status: Status
    verdict: str


def drift(
    new: Table, training: Table, *, names: Sequence[str], units: Sequence[str], classes: tuple[str, str]
) -> tuple[FeatureDrift, ...]:
    """Compare new events with training events feature by feature, strongest drift first.

    Where both samples know their classes, signal is compared with signal and background with background; otherwise all
    events with all. A feature has drifted (``drift``) if

    - more new events lie outside the training's range than chance explains (see ``chance_outside``), or
    - more lie outside its central 99.8 % than chance explains, and certainly more than 1 %, or
    - the Kolmogorov–Smirnov distance is at least 0.1 and more than chance explains.

    Chance explains what has a probability of at least 1 % divided by three times the number of comparisons: of a
    hundred samples from the training's own distribution, at most one is said to drift anywhere. A drifted feature is
    ``far`` if the interval of its median's shift begins beyond 1 half width, or the one of its share outside the range
    above 10 %. Events that share an origin are counted as independent; with them false alarms are more frequent.

    Args:
        new: the new events.
        training: the events that the models were trained on, with the same p features.
        names: p names.
        units: p units.
        classes: the names of background and signal.

    Raises:
        DataError: if there is nothing to compare, or a value is not finite.
    """
    pairs = _same_class(new, training, classes)
    if not pairs:
        raise DataError("no event to compare with the training events")
    if not names:  # images without an energy channel have no shapes to compare
        return ()
    level = FALSE_ALARM / (_CHECKS * len(pairs) * len(names))
    found = [
        _compare(_beside(new, training, rows, k, names[k]), names[k], units[k], events, level)
        for events, *rows in pairs
        for k in range(len(names))
    ]
    return tuple(sorted(found, key=_strength, reverse=True))


def chance_outside(outside: int, new: int, training: int, *, cut_off: int = 1) -> float:
    """How probable it is that so many new events, or more, lie outside what training events span.

    Both samples come from one continuous distribution, whichever it is: then every order of all the events is equally
    probable, and the number outside follows a negative hypergeometric law (Gumbel and von Schelling, Ann. Math.
    Statist. 21 (1950) 247). So many lie outside if among the ``outside + 2 cut_off - 1`` outermost events fewer than
    ``2 cut_off`` are training events. With equal values it errs to the safe side.

    Args:
        outside: the number of new events found outside.
        new: the number of new events.
        training: the number of training events.
        cut_off: the span reaches from the training value of this rank to the one of this rank from above; 1 is the
            whole range.

    >>> round(chance_outside(1, 1, 9), 10)  # one new event is the lowest or the highest of ten
    0.2
    """
    edges = 2 * cut_off
    return float(hypergeom.cdf(edges - 1, new + training, training, outside + edges - 1))


def _same_class(
    new: Table, training: Table, classes: tuple[str, str]
) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """The class and the rows of both samples for each comparison."""
    if new.target is None or training.target is None:
        pairs = [(ALL, np.arange(len(new.features)), np.arange(len(training.features)))]
    else:
        pairs = [(classes[k], np.flatnonzero(new.target == k), np.flatnonzero(training.target == k)) for k in (1, 0)]
    return [pair for pair in pairs if len(pair[1]) and len(pair[2])]


def _beside(new: Table, training: Table, rows: Sequence[NDArray[np.int64]], k: int, name: str) -> Ranked:
    """One feature's values in order: the new events on the signal's side, the training events on the other."""
    parts = [
        (table.features[chosen, k], table.weight[chosen]) for table, chosen in zip((new, training), rows, strict=True)
    ]
    for what, chosen, (values, _) in zip(("new", "training"), rows, parts, strict=True):
        if not (good := np.isfinite(values)).all():
            row = int(np.argmin(good))
            raise DataError(
                f"feature {name}, {what} event {chosen[row] + 1}: {values[row]} is not finite; "
                "drop or impute such events first"
            )
    values, weights = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    return Ranked.of(np.repeat([1, 0], [len(chosen) for chosen in rows]), values, weights, what=f"feature {name}")


def _compare(beside: Ranked, name: str, unit: str, events: str, level: float) -> FeatureDrift:
    new, training = beside.signal, beside.background
    cut_off = max(1, floor((1 - CENTRAL) / 2 * (len(training) + 1)))
    whole, central = ((float(training.score[-rank]), float(training.score[rank - 1])) for rank in (1, cut_off))
    outside, tails = _outside(new, whole), _outside(new, central)
    shift = _median_shift(new, training)
    distance, p = ks_distance(new, training)
    noun = "events" if events == ALL else f"{events} events"
    seen = []
    if chance_outside(_count(new, whole), len(new), len(training)) < level:
        seen.append(f"{_percent(outside)} of the {noun} lie outside the training range ({_span(whole, unit)})")
    elif (tails.low or 0.0) > LEAST_TAIL and (
        chance_outside(_count(new, central), len(new), len(training), cut_off=cut_off) < level
    ):
        seen.append(f"{_percent(tails)} of the {noun} lie outside the central 99.8 % of the training events")
    if distance >= LEAST_DISTANCE and p < level:
        seen.append(f"{_moved(shift)} (Kolmogorov–Smirnov distance {distance:.2f})")
    # If even all of them outside the range would be chance, nothing can be seen.
    visible = chance_outside(len(new), len(new), len(training)) < level
    status: Status = "far" if _far(shift, outside) else "drift"
    if not seen:
        status = "same" if visible else "unknown"
    return FeatureDrift(
        feature=name,
        unit=unit,
        events=events,
        n=len(new),
        n_training=len(training),
        training_low=whole[0],
        training_high=whole[1],
        outside_range=outside,
        outside_central=tails,
        ks=distance,
        ks_p=p,
        median_shift=shift,
        status=status,
        verdict=_verdict(seen, status, noun),
    )


def _verdict(seen: Sequence[str], status: Status, noun: str) -> str:
    if status == "unknown":
        return f"too few {noun} to tell"
    if not seen:
        return f"the {noun} look like the training events"
    return ("far from the training events: " if status == "far" else "") + "; ".join(seen)


def _far(shift: Quantity, outside: Quantity) -> bool:
    beyond = shift.low is not None and shift.high is not None and max(shift.low, -shift.high) > FAR_SHIFT
    return beyond or (outside.low or 0.0) > FAR_OUTSIDE


def _strength(one: FeatureDrift) -> tuple[int, float]:
    return ("unknown", "same", "drift", "far").index(one.status), max(one.outside_range.value or 0.0, one.ks)


def _beyond(side: Side, span: tuple[float, float]) -> NDArray[np.bool_]:
    return (side.score < span[0]) | (side.score > span[1])


def _count(side: Side, span: tuple[float, float]) -> int:
    return int(_beyond(side, span).sum())


def _outside(side: Side, span: tuple[float, float]) -> Quantity:
    """The weighted share of events outside, with its Clopper–Pearson interval."""
    return share_of(side.weight, _beyond(side, span))


def _median_shift(new: Side, training: Side) -> Quantity:
    """The difference of the medians in half widths of the training's central 68 %.

    Each median has the interval between the order statistics that a binomial law gives, in its normal limit; the
    interval of the difference joins the two after Zou and Donner, Stat. Med. 27 (2008) 1693. Undefined where the
    central 68 % of the training have one value.
    """
    low, high = _quantiles(training, _HALF_68)
    half_width = (high - low) / 2
    if not half_width > 0 or not new.weight.sum() > 0:
        return UNDEFINED
    (ours_low, ours, ours_high), (theirs_low, theirs, theirs_high) = map(_median, (new, training))
    below = np.hypot(ours - ours_low, theirs_high - theirs)
    above = np.hypot(ours_high - ours, theirs - theirs_low)
    return Quantity(
        value=float((ours - theirs) / half_width),
        low=float((ours - theirs - below) / half_width),
        high=float((ours - theirs + above) / half_width),
    )


def _median(side: Side) -> Floats:
    """The weighted median between the ends of its 95 % interval."""
    reach = _STANDARD_95 / 2 / np.sqrt(max(effective_events(side.weight), 1.0))
    return _quantiles(side, (0.5 - reach, 0.5, 0.5 + reach))


def _quantiles(side: Side, levels: Sequence[float]) -> Floats:
    """Weighted quantiles; negative weights are carried to where the sum of weights next rises above its old level."""
    weight = side.weight[::-1]
    middles = np.cumsum(weight) - weight / 2
    total = float(weight.sum())
    if not total > 0:
        return np.full(len(levels), np.nan)
    return np.interp(levels, np.maximum.accumulate(middles / total), side.score[::-1])


def _moved(shift: Quantity) -> str:
    if shift.value is None or shift.low is None or shift.high is None or shift.low <= 0 <= shift.high:
        return "the distribution has another shape"
    least, most = sorted((abs(shift.low), abs(shift.high)))
    direction = "above" if shift.value > 0 else "below"
    return f"the median lies {abs(shift.value):.2f} ({least:.2f}–{most:.2f}) half widths {direction} the training's"


def _percent(share: Quantity) -> str:
    """A share with its interval in percent, the interval's upper end to two digits at least.

    >>> _percent(Quantity(value=0.032, low=0.021, high=0.046))
    '3.2 % (2.1–4.6 %)'
    """
    if share.value is None or share.low is None or share.high is None:
        return "an unknown share"
    decimals = min(max(1 - floor(log10(100 * share.high)), 1), 6) if share.high > 0 else 1
    value, low, high = (f"{100 * number:.{decimals}f}" for number in (share.value, share.low, share.high))
    return f"{value} % ({low}–{high} %)"


def _span(span: tuple[float, float], unit: str) -> str:
    low, high = (f"{end:.4g}".replace("-", "−") for end in span)
    return f"{low} to {high} {unit}".rstrip()
