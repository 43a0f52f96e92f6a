"""Events to findings about leaks: features that give the label away, identical rows, rows of one origin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from hepsieve.audit.findings import Finding
from hepsieve.audit.identical import Keys, event_keys, multiplicities, ordered, repeated
from hepsieve.audit.look import Look
from hepsieve.audit.neighbours import continuous_values
from hepsieve.audit.separation import GIVEAWAY, STRONG, binned_separation, separation
from hepsieve.audit.sides import listed, words
from hepsieve.config import AuditConfig
from hepsieve.events import Events

_SURELY = 0.99
_NEVER_OVERLAPPING = 200  # events of the smaller class; a feature of AUC 0.996 never did so in 60 samples of 300
_SOME = 50  # events of the smaller class, whose range is known
_CODES = 12  # distinct values
_SURELY_DIFFERENT = 2  # values in columns without repetitions


def giveaways(look: Look, alone: Sequence[float]) -> Iterator[Finding]:
    """Single features that alone tell the classes apart with an AUC above 0.999, and those above 0.99.

    A good feature reaches 0.999 by chance in a few hundred events. So it stops a run only where that is excluded; else
    it is a warning. From 0.99 to 0.999 a warning asks what the feature is: numbers alone can't tell a good detector
    from a label with noise.

    Args:
        look: the events.
        alone: for each feature, the AUC with which it separates alone.
    """
    for k, (name, value) in enumerate(zip(look.names, alone, strict=True)):
        if STRONG < value <= GIVEAWAY:
            yield strong_feature("feature", name, value)
        if value <= GIVEAWAY:
            continue
        certain = no_chance(value, look, k)
        says = "it holds the label or something made from it" if certain else "it may hold the label, or be very good"
        yield Finding(
            code="label-in-feature",
            severity="stop" if certain else "warn",
            column=name,
            message=f"feature {name} alone tells the classes apart with an AUC of {value:.5f}: {says}; "
            "leave it out with prepare.features or name it in data.spectators",
        )


def strong_feature(what: str, name: str, area: float, *, also: str = "") -> Finding:
    """The question to ask of a feature that is very good alone, and may be so honestly."""
    return Finding(
        code="strong-feature",
        severity="warn",
        column=name,
        message=f"{what} {name} alone tells the classes apart with an AUC of {area:.5f}{also}: a very good "
        "measurement, or the label with noise? If it would be known of a new event before its class is, it is honest",
    )


def no_chance(area: float, look: Look, column: int, *, codes: bool = True) -> bool:
    """Whether so large an AUC of one column alone can't be the luck of few events.

    A column of a few values that are never shared by the classes is a code of the label, unless ``codes`` says that
    honest columns have few values too; so is one with a gap between the classes wider than what either
    spans, if these are fifty events or more.
    Otherwise the 97.5 % lower end of the AUC (Clopper-Pearson for as many wrong events as half of the smaller class
    holds, since labels in code are looked for in half of the events) has to be above 0.99, or the classes of hundreds
    of events never overlap.
    """
    fewer = float(min(look.signal.sum(), (~look.signal).sum()))
    coded = codes and len(np.unique(look.values[:, column])) <= _CODES
    if area == 1 and (fewer >= _NEVER_OVERLAPPING or coded or (fewer >= _SOME and _far_apart(look, column))):
        return True
    wrong = (1 - area) * fewer / 2
    return bool(1 - betaincinv(wrong + 1, fewer / 2 - wrong, 0.975) > _SURELY)


def _far_apart(look: Look, column: int) -> bool:
    """Whether the gap between the classes is wider than what either of them spans."""
    background, signal = look.finite(column)
    if len(background) + len(signal) < len(look.signal):
        return False
    gap = max(signal.min() - background.max(), background.min() - signal.max())
    return bool(gap > max(np.ptp(background), np.ptp(signal)))


def separations_alone(look: Look) -> list[float]:
    """For each feature the AUC with which it tells the classes apart.

    Looks at the feature's order and, for labels hidden in any other code, at the signal fraction in bins, learned on
    one half of the events and tested on the other. NaN and -inf count as the lowest values.
    """
    lowest, highest = float(np.finfo(np.float32).min), float(np.finfo(np.float32).max)
    found = []
    for k in range(len(look.names)):
        values = np.nan_to_num(look.values[:, k], nan=lowest, neginf=lowest, posinf=highest)
        found.append(
            max(separation(values, look.signal), binned_separation(values, look.signal, look.learn)),
        )
    return found


def duplicates(events: Events, config: AuditConfig) -> Iterator[Finding]:
    """Identical rows within one sample, and those that stand in both classes."""
    keys = event_keys(events.features)
    again = repeated(keys)
    count = int(again.sum())
    if count == 0:
        return
    share = count / len(events)
    rows = np.flatnonzero(again)
    event = words(events)[1]
    row = "row" if event == "event" else event
    differing, contradiction = _contradictions(events, keys, rows, row)
    yield from _both_classes(events, keys, rows, row)
    yield Finding(
        code="duplicate-rows",
        severity="warn" if share > config.max_duplicates or differing else "note",
        rows=tuple(int(row) for row in rows[:5]),
        message=f"{count} of {len(events)} {event}s ({share:.2%}) occur more than once{contradiction}; identical "
        f"{row}s always fall into the same part",
    )


def _both_classes(events: Events, keys: Keys, rows: NDArray[np.int64], row: str) -> Iterator[Finding]:
    """Identical rows with both labels, where rows don't agree by chance: events that somebody labelled twice."""
    if events.kind == "regression":
        return
    target = np.asarray(events.target[rows])
    both = np.intersect1d(keys[rows[target > 0.5]], keys[rows[target <= 0.5]])
    chosen = rows[np.isin(keys[rows], both)]
    if len(chosen):
        chosen = chosen[continuous_values(events.features, chosen) >= _SURELY_DIFFERENT]
    if len(chosen) == 0:
        return
    yield Finding(
        code="contradictory-labels",
        severity="warn",
        rows=tuple(chosen[:5].tolist()),
        message=f"{len(chosen)} {row}s are identical to one of the other class, in columns whose values hardly ever "
        f"repeat ({listed(tuple(chosen[:5].tolist()), row)}): one of the labels is wrong, or {row}s of one class were "
        "copied into the other; see how the files were labelled",
    )


def _contradictions(events: Events, keys: Keys, rows: NDArray[np.int64], row: str) -> tuple[bool, str]:
    """Whether identical rows of a regression have different targets; and what to say of targets that contradict."""
    target = np.asarray(events.target[rows])
    if events.kind == "classification":
        both = len(np.intersect1d(keys[rows[target > 0.5]], keys[rows[target <= 0.5]]))
        return False, f"; {both} of these {row}s stand in both classes" if both else ""
    order = np.lexsort((target, keys[rows]))
    same = keys[rows[order]]
    begins = np.flatnonzero(np.append(True, same[1:] != same[:-1]))
    ends = np.append(begins[1:], len(same)) - 1
    # Unknown targets are sorted last, and contradict nothing.
    differ = target[order[begins]] != np.fmax.reduceat(target[order], begins)
    several = int((differ & np.isfinite(target[order[begins]]) & (ends > begins)).sum())
    return several > 0, f"; {several} of these {row}s come with different targets" if several else ""


def dependence(events: Events) -> Iterator[Finding]:
    """Whether rows share an origin, which the intervals do not know of."""
    if events.group is None:
        return
    again = multiplicities(ordered(np.asarray(events.group).view(np.uint64)))
    groups = len(events) - int((again - 1).sum())
    if groups < len(events):
        yield Finding(
            code="grouped-events",
            severity="warn",
            message=f"{len(events)} events come from {groups} groups: whole groups stay in one part, but the intervals "
            "count every event as independent and are too narrow where events of a group resemble each other",
        )
