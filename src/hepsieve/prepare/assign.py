"""Assign events to parts by chance; identical rows and groups stay together, classes keep their proportions.

The values of a regression fall into bins of equally many, which keep theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hepsieve import spill
from hepsieve.audit.identical import batches, event_keys
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events

_MOST_BINS = 20  # of the values to regress
_LEAST_IN_BIN = 10


def assign(
    events: Events, shares: Sequence[float], *, seed: int, file_order_blocks: int | None = None
) -> NDArray[np.integer]:
    """A part number for every event, parts having these shares in each class or bin of values (and block of it).

    Returns:
        Part numbers from 0, shape (n,), in the smallest type that holds them.

    Raises:
        DataError: if a value to regress is not known.
    """
    rng = np.random.default_rng(seed)
    whole = units(events)
    part_of_unit: NDArray[np.integer] = spill.empty(len(whole.sizes), np.min_scalar_type(len(shares)))
    strata = _bins(whole.targets) if events.kind == "regression" else _classes(whole.targets)
    totals = np.array([_rows(whole, stratum) for stratum in strata])
    quotas = _quotas(totals, _part_sizes(len(events), np.asarray(shares)))
    if file_order_blocks is not None:
        _require_rows_per_block(strata, file_order_blocks, shares, events.kind)
        first_row = np.unique(whole.of_row, return_index=True)[1]
        blocks = [np.array_split(s[np.argsort(first_row[s])], file_order_blocks) for s in strata]
        quotas = np.concatenate(
            [
                _quotas(np.array([_rows(whole, block) for block in of_class]), quota)
                for of_class, quota in zip(blocks, quotas, strict=True)
            ]
        )
        strata = [block for of_class in blocks for block in of_class]
    for stratum, quota in zip(strata, quotas, strict=True):
        rng.shuffle(stratum)
        many, single = _many_and_single(stratum, whole.sizes)
        sizes = whole.sizes[many]
        # Whole groups first, in proportion; the single rows then fill every part up to its quota.
        middle = np.cumsum(sizes) - sizes / 2
        if file_order_blocks is not None and len(many):
            # A block has few groups: without a turn by chance its only one would always go to the same part.
            middle = (middle + rng.random() * sizes.sum()) % sizes.sum()
        bounds = np.cumsum(shares)[:-1] * sizes.sum()
        part_of_unit[many] = np.searchsorted(bounds, middle)
        used = np.bincount(part_of_unit[many], weights=sizes, minlength=len(quota)).astype(np.int64)
        ends = np.cumsum(_fill(quota - used, len(single)))
        for number, free in enumerate(np.split(single, ends[:-1])):
            part_of_unit[free] = number
    return spill.take(part_of_unit, whole.of_row)


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """What may not be torn apart: identical rows, and groups.

    Attributes:
        of_row: the unit of each event, numbered from 0.
        targets: the mean class of each unit, rounded; or the mean of its values.
        sizes: the number of events of each unit.
    """

    of_row: NDArray[np.integer]
    targets: NDArray[np.float64]
    sizes: NDArray[np.int64]


def units(events: Events) -> Units:
    """What may not be torn apart in these events.

    Raises:
        DataError: if a value to regress is not known.
    """
    require_known(events)
    unit: NDArray[np.integer] = spill.empty(len(events), np.int32 if len(events) < 2**31 else np.int64)
    count = 0
    for batch in batches(event_keys(events.features)):
        unit[batch.rows] = batch.rank + count
        count += batch.distinct
    if events.group is not None:
        unit, count = _joined(unit, count, events.group)
    targets, sizes = spill.empty(count, np.float64), spill.empty(count, np.int64)
    if count == len(unit):  # each event is one
        sizes[:] = 1
        for part in spill.blocks(unit):
            targets[unit[part]] = events.target[part]
        _round(targets, events)
        return Units(of_row=unit, targets=targets, sizes=sizes)
    targets[:], sizes[:] = 0, 0
    for part in spill.blocks(unit):
        np.add.at(sizes, unit[part], 1)
        np.add.at(targets, unit[part], events.target[part])
    for part in spill.blocks(targets):
        targets[part] /= sizes[part]
    _round(targets, events)
    return Units(of_row=unit, targets=targets, sizes=sizes)


def _joined(unit: NDArray[np.integer], count: int, group: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Units, as new numbers, that also keep together the rows of a group."""
    _, number = np.unique(group, return_inverse=True)
    nodes = count + int(number.max()) + 1
    links = coo_array((np.ones(len(unit), np.int8), (unit, count + number)), shape=(nodes, nodes))
    _, component = connected_components(links, directed=False)
    distinct, joined = np.unique(component[unit], return_inverse=True)
    return joined.astype(np.int64), len(distinct)


def require_known(events: Events) -> None:
    """Refuse events whose value to regress nobody knows.

    Raises:
        DataError: naming the first.
    """
    for part in spill.blocks(events.target):
        unknown = np.isnan(events.target[part])
        if events.scale is not None and unknown.any():
            raise DataError(
                f"event {part.start + int(unknown.argmax()) + 1} has no {events.scale.name}: such events can be scored,"
                " but neither learned from nor judged by; leave them out"
            )


def _round(targets: NDArray[np.float64], events: Events) -> None:
    """The mean of several events, in place, becomes the class of most of them."""
    if events.kind == "classification":
        for part in spill.blocks(targets):
            targets[part] = np.round(targets[part])


def _classes(targets: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """The units of each class."""
    values = np.unique(np.concatenate([targets[:0], *(np.unique(targets[part]) for part in spill.blocks(targets))]))
    return [spill.positions(targets, value) for value in values]


def _bins(targets: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """The units between quantiles of their values, as many in each; equal values are in one."""
    count = min(_MOST_BINS, max(1, len(targets) // _LEAST_IN_BIN))
    edges = np.unique(np.quantile(targets, np.arange(1, count) / count))
    bin_of: NDArray[np.integer] = spill.empty(len(targets), np.int8)
    for part in spill.blocks(targets):
        bin_of[part] = np.searchsorted(edges, targets[part], side="right")
    found = (spill.positions(bin_of, number) for number in range(len(edges) + 1))
    return [units for units in found if len(units)]


def _rows(whole: Units, chosen: NDArray[np.int64]) -> int:
    """How many events some units have together."""
    return sum(int(whole.sizes[chosen[part]].sum()) for part in spill.blocks(chosen))


def _many_and_single(order: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The units of several events, and those of a single one, in the same order."""
    single = spill.empty(len(order), np.bool_)
    for part in spill.blocks(order):
        single[part] = sizes[order[part]] == 1
    return order[~single], spill.take(order, single)


def _part_sizes(n: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rounded shares of n events; the last part gets what is left."""
    sizes = np.floor(shares[:-1] * n + 0.5 + 1e-9).astype(np.int64)
    return np.append(sizes, n - sizes.sum())


def _require_rows_per_block(
    strata: Sequence[NDArray[np.int64]],
    blocks: int,
    shares: Sequence[float],
    kind: Literal["classification", "regression"],
) -> None:
    """Every part needs a row of every block, or the blocks would be divided by their order and not by chance."""
    rows = min(map(len, strata))
    most = int(rows * min(shares))
    if blocks > most:
        which = "the smaller class's" if kind == "classification" else "one bin of values'"
        raise ConfigError(
            f"split.file_order_blocks: {blocks} blocks of {which} {rows} rows are too short to give every "
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
