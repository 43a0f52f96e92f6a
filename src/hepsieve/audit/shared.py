"""Two samples to findings about what stands in both: test rows, or groups, in the training data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import binom, poisson

from hepsieve.audit.findings import Finding
from hepsieve.audit.identical import event_keys, multiplicities, ordered, shared_with_sorted
from hepsieve.events import Events, FloatArray

_SIGNIFICANT = 1e-3
_FEW = 3  # shared rows that files without any repeat may have by chance
_COUNTED = 2000  # rows whose values are counted; images of more pixels have values enough


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
    expected = len(train) * len(other) * _coincidence(train.features)
    by_values = float(poisson.sf(across - 1, expected)) >= _SIGNIFICANT
    if by_values:
        yield Finding(
            code=f"{part}-rows-in-training",
            severity="note",
            rows=tuple(int(row) for row in shared[:5]),
            message=f"{len(shared)} of {len(other)} {part} events have the features of a training event: their columns "
            f"have so few values that {expected:.3g} pairs agree by chance",
        )
        return
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


def _coincidence(features: FloatArray) -> float:
    """How probable it is that two rows agree in all columns, if columns know nothing of each other."""
    some = np.asarray(features[:: max(1, len(features) // _COUNTED)]).reshape(-1, int(np.prod(features.shape[1:])))
    n = len(some)
    if n < 2 or some.shape[1] > _COUNTED:
        return 0.0
    found = 1.0
    for column in some.T:
        counts = np.unique(column, return_counts=True)[1].astype(np.float64)
        found *= float((counts * (counts - 1)).sum()) / (n * (n - 1))
    return found


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
