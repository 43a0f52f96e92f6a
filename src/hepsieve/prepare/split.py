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

    def class_counts(self) -> tuple[int, int]:
        """The numbers of background and of signal events, by which no model can be judged."""
        signal = int((self._events.target > 0.5).sum())
        return len(self._events) - signal, signal

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

    Attributes:
        train: what is learned from.
        validation: what stops trainings and sets thresholds; with ``fold`` these are the training events themselves,
            cross-validated.
        test: sealed until it is opened.
        test_rows: the positions of the test events in the sample (or test file) that they come from.
        train_rows: the positions of the training events in the sample.
        fold: the fold of each training event, from 0, where they are cross-validated.
    """

    train: Events
    validation: Events
    test: SealedPart
    test_rows: NDArray[np.int64]
    train_rows: NDArray[np.int64]
    fold: NDArray[np.int64] | None = None

    @property
    def folds(self) -> int | None:
        """The number of folds; None where every model is trained once."""
        return None if self.fold is None else int(self.fold.max()) + 1

    def __repr__(self) -> str:
        """The sizes of the parts."""
        sizes = f"train {len(self.train)}, validation {len(self.validation)}, test {len(self.test)}"
        if self.fold is not None:
            sizes = f"{len(self.train)} in {self.folds} folds, test {len(self.test)}"
        return f"Split({sizes}, opened {len(self.test.openings)} times)"


def split(
    events: Events,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    folds: int | None = None,
    file_order_blocks: int | None = None,
    seed: int,
) -> Split:
    """Divide by chance, with each class in the same proportion in every part.

    Rows of one ``group``, and identical rows, always fall into the same part. Where neither occurs, the sizes are
    exactly the rounded shares of the whole.

    Args:
        events: the whole sample.
        validation: share of all events; not used with ``folds``.
        test: share of all events.
        folds: cross-validate what is not test in so many folds, instead of dividing off a validation part.
        file_order_blocks: cut each class into so many consecutive blocks and divide each of them in these shares.
        seed: equal seeds and events give equal parts; the test part is the same with and without folds.

    Raises:
        ConfigError: if the shares or the seed make no sense.
        DataError: if a part would lack a class.
    """
    if not (0 < validation < 1 and 0 < test < 1 and validation + test < 1):
        raise ConfigError(f"validation is {validation} and test {test}; give shares above 0 whose sum is below 1")
    if seed < 0:
        raise ConfigError(f"seed is {seed}; take a number from 0")
    part = assign(events, (test, validation, 1 - test - validation), seed=seed, file_order_blocks=file_order_blocks)
    for number, name in enumerate(("test", "validation", "training")):
        present = np.unique(events.target[part == number])
        if len(present) < 2:
            units = int(_units(events)[0].max()) + 1
            raise DataError(
                f"the {name} part would hold {len(present)} of 2 classes: {len(events)} events in {units} units "
                "(identical rows and groups stay together) are too few to divide"
            )
    test_rows = np.flatnonzero(part == 0)
    sealed = SealedPart(events[test_rows])
    if folds is not None:
        rows = np.flatnonzero(part != 0)
        return _cross_validated(events, rows, sealed, test_rows, folds, file_order_blocks, seed)
    train_rows = np.flatnonzero(part == 2)
    return Split(
        train=events[train_rows],
        validation=events[np.flatnonzero(part == 1)],
        test=sealed,
        test_rows=test_rows,
        train_rows=train_rows,
    )


def split_given_test(
    events: Events,
    test: Events,
    *,
    validation: Events | float,
    folds: int | None = None,
    file_order_blocks: int | None = None,
    seed: int,
) -> Split:
    """The parts when the test events (and perhaps the validation events) come as files of their own.

    Args:
        events: what to train on, validation included where ``validation`` is a share.
        test: the test events.
        validation: the validation events, or their share of ``events``.
        folds: cross-validate ``events`` in so many folds instead; validation events of their own then make no sense.
        file_order_blocks: as in ``split``.
        seed: for dividing off the validation part, or the folds.

    Raises:
        ConfigError: if there are both validation events and folds.
    """
    rows, sealed = np.arange(len(test)), SealedPart(test)
    everything = np.arange(len(events))
    if isinstance(validation, Events):
        if folds is not None:
            raise ConfigError("train.folds cross-validates the training events: leave out data.validation_files")
        return Split(train=events, validation=validation, test=sealed, test_rows=rows, train_rows=everything)
    if folds is not None:
        return _cross_validated(events, everything, sealed, rows, folds, file_order_blocks, seed)
    part = assign(events, (validation, 1 - validation), seed=seed, file_order_blocks=file_order_blocks)
    train_rows, validation_rows = np.flatnonzero(part == 1), np.flatnonzero(part == 0)
    return Split(
        train=events[train_rows],
        validation=events[validation_rows],
        test=sealed,
        test_rows=rows,
        train_rows=train_rows,
    )


def _cross_validated(
    events: Events,
    rows: NDArray[np.int64],
    test: SealedPart,
    test_rows: NDArray[np.int64],
    k: int,
    file_order_blocks: int | None,
    seed: int,
) -> Split:
    learned = events[rows]
    fold = folds(learned, k, file_order_blocks=file_order_blocks, seed=seed)
    return Split(train=learned, validation=learned, test=test, test_rows=test_rows, train_rows=rows, fold=fold)


def folds(events: Events, k: int, *, file_order_blocks: int | None = None, seed: int) -> NDArray[np.int64]:
    """The fold of each event, from 0: k folds of nearly equal size, stratified; groups and identical rows stay in one.

    Raises:
        ConfigError: if there are fewer than three folds: one is held out, one stops, and the others are learned from.
        DataError: if there are too few events.
    """
    if k < 3:
        raise ConfigError(f"{k} folds; take at least 3: one is held out, one stops, and the others are learned from")
    fold = assign(events, (1 / k,) * k, seed=seed, file_order_blocks=file_order_blocks)
    if any(len(np.unique(events.target[fold == number])) < 2 for number in range(k)):
        raise DataError(f"a fold would lack a class; {len(events)} events are too few for {k} folds")
    return fold


def assign(
    events: Events, shares: Sequence[float], *, seed: int, file_order_blocks: int | None = None
) -> NDArray[np.int64]:
    """A part number for every event, parts having these shares in each class (and block of it).

    Returns:
        Part numbers from 0, shape (n,).
    """
    rng = np.random.default_rng(seed)
    unit, unit_target, sizes = _units(events)
    part_of_unit = np.empty(len(sizes), np.int64)
    strata = [np.flatnonzero(unit_target == value) for value in np.unique(unit_target)]
    totals = np.array([sizes[stratum].sum() for stratum in strata])
    quotas = _quotas(totals, _part_sizes(len(events), np.asarray(shares)))
    if file_order_blocks is not None:
        _require_rows_per_block(strata, file_order_blocks, shares)
        first_row = np.unique(unit, return_index=True)[1]
        blocks = [np.array_split(s[np.argsort(first_row[s])], file_order_blocks) for s in strata]
        quotas = np.concatenate(
            [
                _quotas(np.array([sizes[block].sum() for block in of_class]), quota)
                for of_class, quota in zip(blocks, quotas, strict=True)
            ]
        )
        strata = [block for of_class in blocks for block in of_class]
    for stratum, quota in zip(strata, quotas, strict=True):
        order = rng.permutation(stratum)
        many, single = order[sizes[order] > 1], order[sizes[order] == 1]
        # Whole groups first, in proportion; the single rows then fill every part up to its quota.
        middle = np.cumsum(sizes[many]) - sizes[many] / 2
        if file_order_blocks is not None and len(many):
            # A block has few groups: without a turn by chance its only one would always go to the same part.
            middle = (middle + rng.random() * sizes[many].sum()) % sizes[many].sum()
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


def _part_sizes(n: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rounded shares of n events; the last part gets what is left."""
    sizes = np.floor(shares[:-1] * n + 0.5 + 1e-9).astype(np.int64)
    return np.append(sizes, n - sizes.sum())


def _require_rows_per_block(strata: Sequence[NDArray[np.int64]], blocks: int, shares: Sequence[float]) -> None:
    """Every part needs a row of every block, or the blocks would be divided by their order and not by chance."""
    rows = min(map(len, strata))
    most = int(rows * min(shares))
    if blocks > most:
        raise ConfigError(
            f"split.file_order_blocks: {blocks} blocks of the smaller class's {rows} rows are too short to give every "
            f"part its share; take at most {most}"
        )


def _quotas(totals: NDArray[np.int64], part_sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Events per class (or block) and part, the former in proportion; they add up to the sizes of the parts."""
    quotas = np.empty((len(totals), len(part_sizes)), np.int64)
    left = part_sizes.copy()
    remaining = int(totals.sum())
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
