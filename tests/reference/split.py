"""The division of events into parts, all at once in memory: what the streaming one must agree with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hepsieve.audit.identical import row_keys
from hepsieve.events import Events


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
