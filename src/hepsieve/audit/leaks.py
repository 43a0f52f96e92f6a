"""Events to findings about leaks: features that give the label away, identical rows, test rows in training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv
from scipy.stats import binom

from hepsieve.audit.findings import Finding
from hepsieve.audit.identical import Keys, event_keys, multiplicities, ordered, repeated, shared_with_sorted
from hepsieve.audit.look import Look
from hepsieve.audit.separation import GIVEAWAY, binned_separation, separation
from hepsieve.audit.sides import words
from hepsieve.config import AuditConfig
from hepsieve.events import Events

_SIGNIFICANT = 1e-3
_SURELY = 0.99
_NEVER_OVERLAPPING = 200  # events of the smaller class; a feature of AUC 0.996 never did so in 60 samples of 300
_CODES = 12  # distinct values
_FEW = 3  # shared rows that files without any repeat may have by chance


def giveaways(look: Look, alone: Sequence[float]) -> Iterator[Finding]:
    """Single features that alone tell the classes apart with an AUC above 0.999.

    A good feature reaches that by chance in a few hundred events. So it stops a run only where that is excluded; else
    it is a warning.

    Args:
        look: the events.
        alone: for each feature, the AUC with which it separates alone.
    """
    for k, (name, value) in enumerate(zip(look.names, alone, strict=True)):
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


def no_chance(area: float, look: Look, column: int, *, codes: bool = True) -> bool:
    """Whether so large an AUC of one column alone can't be the luck of few events.

    A column of a few values that are never shared by the classes is a code of the label, unless ``codes`` says that
    honest columns have few values too. Otherwise the 97.5 % lower end
    of the AUC (Clopper-Pearson for as many wrong events as half of the smaller class holds, since labels in code are
    looked for in half of the events) has to be above 0.99, or the classes of hundreds of events never overlap.
    """
    fewer = float(min(look.signal.sum(), (~look.signal).sum()))
    coded = codes and len(np.unique(look.values[:, column])) <= _CODES
    if area == 1 and (fewer >= _NEVER_OVERLAPPING or coded):
        return True
    wrong = (1 - area) * fewer / 2
    return bool(1 - betaincinv(wrong + 1, fewer / 2 - wrong, 0.975) > _SURELY)


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
    yield Finding(
        code="duplicate-rows",
        severity="warn" if share > config.max_duplicates or differing else "note",
        rows=tuple(int(row) for row in rows[:5]),
        message=f"{count} of {len(events)} {event}s ({share:.2%}) occur more than once{contradiction}; identical "
        f"{row}s always fall into the same part",
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


def shared_between(train: Events, other: Events, *, part: str) -> Iterator[Finding]:
    """Events, or groups, of a separate test (or validation) file that also stand in the training data.

    Files drawn independently from a generator that repeats itself share rows too. How many, the repeats within each
    file tell: binomial tests compare the pairs across the files with the pairs within one of them. A training file
    that repeats rows far more often than the other file was oversampled, and its repeats explain nothing.
    """
    yield from _shared_groups(train, other, part)
    keys, train_keys = event_keys(other.features, sample=1), event_keys(train.features)
    train_keys.sort()
    shared = shared_with_sorted(keys, train_keys)
    if len(shared) == 0:
        return
    again, other_again = multiplicities(train_keys), multiplicities(ordered(keys))
    across = len(np.unique(keys[shared]))
    in_train, in_other = int((again - 1).sum()), int((other_again - 1).sum())
    distinct, other_distinct = len(train) - in_train, len(other) - in_other
    coinciding = int((again * (again - 1) // 2).sum())
    oversampled = _too_few(in_other, _pairs(len(other)), coinciding, _pairs(len(train))) < _SIGNIFICANT
    pairs = distinct * other_distinct
    chances = [_too_many(across, pairs, in_other, _pairs(other_distinct))]
    if not oversampled:
        chances.append(_too_many(across, pairs, in_train, _pairs(distinct)))
    chance = min(chances)
    unexplained = across >= _FEW and in_other + (0 if oversampled else in_train) == 0
    stops = chance < _SIGNIFICANT or unexplained or across > other_distinct / 2
    text = f"{len(shared)} of {len(other)} {part} events also stand in the training data"
    within = f"{in_train} in the training data, {in_other} in the {part} file"
    yield Finding(
        code=f"{part}-rows-in-training",
        severity="stop" if stops else "warn",
        rows=tuple(int(row) for row in shared[:5]),
        message=f"{text}, more than repeated rows explain ({within}): every {part} figure would be wrong; take these "
        "events out of one of the two"
        if stops
        else f"{text}; repeated rows explain so many ({within}; p = {chance:.2g})",
    )


def _pairs(n: int) -> float:
    return n * (n - 1) / 2


def _too_many(found: int, pairs: float, other_found: int, other_pairs: float) -> float:
    """How probable at least so many coinciding pairs are, if the other pairs coincide as often."""
    return float(binom.sf(found - 1, found + other_found, pairs / max(pairs + other_pairs, 1)))


def _too_few(found: int, pairs: float, other_found: int, other_pairs: float) -> float:
    """How probable at most so many coinciding pairs are, if the other pairs coincide as often."""
    return float(binom.cdf(found, found + other_found, pairs / max(pairs + other_pairs, 1)))


def _shared_groups(train: Events, other: Events, part: str) -> Iterator[Finding]:
    if train.group is None or other.group is None:
        return
    shared = np.flatnonzero(np.isin(other.group, train.group))
    if len(shared):
        yield Finding(
            code=f"{part}-groups-in-training",
            severity="stop",
            rows=tuple(int(row) for row in shared[:5]),
            message=f"{len(shared)} of {len(other)} {part} events belong to groups that also stand in the training "
            "data: they share an origin; move whole groups to one side",
        )


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
