"""Divide events into training, validation and test parts; what belongs together stays together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hepsieve.audit.identical import row_keys, shared_rows
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events


class SealedPart:
    """The test part: closed until somebody asks for it with a reason; every opening is on record."""

    def __init__(self, events: Events, *, record: Callable[[str], None] | None = None) -> None:
        """Seal these events; ``record`` hears of every opening."""
        self._events = events
        self._record = record
        self._openings: list[str] = []

    def __len__(self) -> int:
        """The number of events, which is no secret."""
        return len(self._events)

    @property
    def openings(self) -> tuple[str, ...]:
        """The reasons given so far, in order."""
        return tuple(self._openings)

    def overlap(self, events: Events) -> int:
        """How many of these events stand in the sealed part; compares features only and gives none of them away."""
        return len(shared_rows(row_keys(events.features), row_keys(self._events.features)))

    def open(self, reason: str) -> Events:
        """The test events; the reason goes on record."""
        self._openings.append(reason)
        if self._record is not None:
            self._record(reason)
        return self._events

    def recorded_by(self, record: Callable[[str], None]) -> SealedPart:
        """The same part, still sealed as it was, whose openings are written down elsewhere too."""
        sealed = SealedPart(self._events, record=record)
        sealed._openings = list(self._openings)
        return sealed


@dataclass(frozen=True, kw_only=True)
class Split:
    """The three parts; only ``train`` is learned from, ``test`` is sealed.

    ``test_rows`` are the positions of the test events in the sample (or test file) that they come from.
    """

    train: Events
    validation: Events
    test: SealedPart
    test_rows: NDArray[np.int64]

    def __repr__(self) -> str:
        """The sizes of the parts."""
        sizes = f"train {len(self.train)}, validation {len(self.validation)}, test {len(self.test)}"
        return f"Split({sizes}, opened {len(self.test.openings)} times)"


def split(events: Events, *, validation: float = 0.2, test: float = 0.2, seed: int) -> Split:
    """Divide by chance, with each class in the same proportion in every part.

    Rows of one ``group``, and identical rows, always fall into the same part. Where neither occurs, the sizes are
    exactly the rounded shares of the whole.

    Args:
        events: the whole sample.
        validation: share of all events.
        test: share of all events.
        seed: equal seeds and events give equal parts.

    Raises:
        ConfigError: if the shares or the seed make no sense.
        DataError: if a part would lack a class.
    """
    if not (0 < validation < 1 and 0 < test < 1 and validation + test < 1):
        raise ConfigError(f"validation is {validation} and test {test}; give shares above 0 whose sum is below 1")
    if seed < 0:
        raise ConfigError(f"seed is {seed}; take a number from 0")
    part = assign(events, (test, validation, 1 - test - validation), seed=seed)
    for number, name in enumerate(("test", "validation", "training")):
        present = np.unique(events.target[part == number])
        if len(present) < 2:
            units = int(_units(events)[0].max()) + 1
            raise DataError(
                f"the {name} part would hold {len(present)} of 2 classes: {len(events)} events in {units} units "
                "(identical rows and groups stay together) are too few to divide"
            )
    test_rows = np.flatnonzero(part == 0)
    return Split(
        train=events[np.flatnonzero(part == 2)],
        validation=events[np.flatnonzero(part == 1)],
        test=SealedPart(events[test_rows]),
        test_rows=test_rows,
    )


def split_given_test(events: Events, test: Events, *, validation: Events | float, seed: int) -> Split:
    """The parts when the test events (and perhaps the validation events) come as files of their own.

    Args:
        events: what to train on, validation included where ``validation`` is a share.
        test: the test events.
        validation: the validation events, or their share of ``events``.
        seed: for dividing off the validation part.
    """
    rows = np.arange(len(test))
    if isinstance(validation, Events):
        return Split(train=events, validation=validation, test=SealedPart(test), test_rows=rows)
    part = assign(events, (validation, 1 - validation), seed=seed)
    train_rows, validation_rows = np.flatnonzero(part == 1), np.flatnonzero(part == 0)
    return Split(train=events[train_rows], validation=events[validation_rows], test=SealedPart(test), test_rows=rows)


def folds(events: Events, k: int, *, seed: int) -> tuple[NDArray[np.int64], ...]:
    """The rows of k folds of nearly equal size, stratified; groups and identical rows stay in one fold.

    Raises:
        DataError: if there are fewer than two folds or too few events.
    """
    if k < 2:
        raise DataError(f"{k} folds; at least 2 are needed")
    fold = assign(events, (1 / k,) * k, seed=seed)
    rows = tuple(np.flatnonzero(fold == number) for number in range(k))
    if any(len(np.unique(events.target[fold_rows])) < 2 for fold_rows in rows):
        raise DataError(f"a fold would lack a class; {len(events)} events are too few for {k} folds")
    return rows


def assign(events: Events, shares: Sequence[float], *, seed: int) -> NDArray[np.int64]:
    """A part number for every event, parts having these shares in each class.

    Returns:
        Part numbers from 0, shape (n,).
    """
    rng = np.random.default_rng(seed)
    unit, unit_target, sizes = _units(events)
    part_of_unit = np.empty(len(sizes), np.int64)
    strata = [np.flatnonzero(unit_target == value) for value in np.unique(unit_target)]
    totals = np.array([sizes[stratum].sum() for stratum in strata])
    quotas = _quotas(totals, np.asarray(shares))
    for stratum, quota in zip(strata, quotas, strict=True):
        order = rng.permutation(stratum)
        many, single = order[sizes[order] > 1], order[sizes[order] == 1]
        # Whole groups first, in proportion; the single rows then fill every part up to its quota.
        middle = np.cumsum(sizes[many]) - sizes[many] / 2
        bounds = np.cumsum(shares)[:-1] * sizes[many].sum()
        part_of_unit[many] = np.searchsorted(bounds, middle)
        used = np.bincount(part_of_unit[many], weights=sizes[many], minlength=len(quota)).astype(np.int64)
        free = _fill(quota - used, len(single))
        part_of_unit[single] = np.repeat(np.arange(len(quota)), free)
    return part_of_unit[unit]


def _units(events: Events) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """What may not be torn apart: a unit number per event, and each unit's class and size."""
    _, unit = np.unique(row_keys(events.features), return_inverse=True)
    if events.group is not None:
        _, group = np.unique(events.group, return_inverse=True)
        nodes = unit.max() + 1 + group.max() + 1
        links = coo_array((np.ones(len(unit), np.int8), (unit, unit.max() + 1 + group)), shape=(nodes, nodes))
        _, component = connected_components(links, directed=False)
        _, unit = np.unique(component[unit], return_inverse=True)
    sizes = np.bincount(unit)
    mean = np.bincount(unit, weights=events.target) / sizes
    return unit.astype(np.int64), np.round(mean), sizes.astype(np.int64)


def _quotas(totals: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Events per class and part: parts have the rounded shares of the whole, classes in proportion."""
    n = int(totals.sum())
    sizes = np.floor(shares[:-1] * n + 0.5 + 1e-9).astype(np.int64)
    sizes = np.append(sizes, n - sizes.sum())
    quotas = np.empty((len(totals), len(shares)), np.int64)
    left = sizes.copy()
    remaining = n
    for row, total in enumerate(totals):
        # The largest remainders get the events that rounding down leaves over.
        exact = left * (total / remaining)
        quota = np.minimum(np.floor(exact).astype(np.int64), left)
        order = np.argsort(-(exact - quota), kind="stable")
        quota[order[: total - quota.sum()]] += 1
        quotas[row] = quota
        left = left - quota
        remaining -= int(total)
    return quotas


def _fill(wanted: NDArray[np.int64], available: int) -> NDArray[np.int64]:
    """How many of the available single rows each part gets; groups may have overshot some quotas."""
    wanted = np.maximum(wanted, 0)
    ends = np.minimum(np.cumsum(wanted), available)
    free = np.diff(ends, prepend=0)
    free[-1] += available - free.sum()
    return free
