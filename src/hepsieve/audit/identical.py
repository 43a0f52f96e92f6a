"""Find rows that are the same event: 64-bit keys of feature rows, compared instead of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.events import FloatArray

_BLOCK = 1 << 16  # numbers that are mixed at a time, so that they stay in the cache
_BATCH = 1 << 18  # keys that are sorted at a time
Keys = NDArray[np.uint64]


def row_keys(features: FloatArray) -> Keys:
    """One 64-bit key per event; identical feature rows have equal keys, whatever their dtype's signed zeros.

    Different rows collide with a probability of n²/2⁶⁵: 3e-6 for ten million events. A collision would only keep
    two events in the same part.

    Args:
        features: shape (n, …), float32.

    Returns:
        Keys, shape (n,).
    """
    width = int(np.prod(features.shape[1:]))
    rng = np.random.default_rng(0x68657073)  # fixed: keys must be the same in every process
    multipliers = rng.integers(0, 2**64, size=(2, width), dtype=np.uint64) | np.uint64(1)
    keys: Keys = spill.empty(len(features), np.uint64)

    def mix(part: slice) -> None:
        rows = np.asarray(features[part]).reshape(-1, width)
        bits = (rows + np.float32(0)).view(np.uint32).astype(np.uint64)  # -0.0 + 0.0 is 0.0
        bits += multipliers[0]
        mixed = _mix(bits)
        mixed *= multipliers[1]
        keys[part] = _mix(_mix(mixed).sum(axis=1, dtype=np.uint64))

    spill.on_all_cores(mix, spill.blocks(features, rows=max(1, _BLOCK // max(width, 1))))
    return keys


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64, in place: every input bit moves half of the output bits."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def event_keys(features: FloatArray, *, sample: int = 0) -> Keys:
    """``row_keys`` under which blank images (all zeros, in every channel) are no repetitions of each other.

    They are all identical and come from different events, so nothing ties them together. Of tables every row counts.

    Args:
        features: shape (n, …), float32.
        sample: a number for each of several samples whose keys are compared, so that their blank images differ too.

    Returns:
        Keys, shape (n,).
    """
    keys = row_keys(features)
    if features.ndim > 2:
        zeros = row_keys(np.zeros((1, *features.shape[1:]), np.float32))[0]
        for part in spill.blocks(keys):
            blank = np.flatnonzero(keys[part] == zeros) + part.start
            keys[blank] = _mix(blank.astype(np.uint64) + np.uint64((sample + 1) << 48))
    return keys


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Rows whose keys lie in one interval, so that equal rows are in one batch.

    Attributes:
        rows: their positions, ascending; shape (m,).
        rank: the rank of each row's key among the distinct keys of this batch, from 0; shape (m,).
        distinct: how many distinct keys there are.
    """

    rows: NDArray[np.int64]
    rank: NDArray[np.int64]
    distinct: int


def batches(keys: Keys) -> Iterator[Batch]:
    """All rows by rising key, in batches of about a quarter of a million: sorting all at once takes much memory."""
    count = max(1, 1 << (len(keys) // _BATCH).bit_length())
    width = 2**64 // count
    for number in range(count):
        rows = _between(keys, number * width, (number + 1) * width - 1) if count > 1 else np.arange(len(keys))
        here = keys[rows]
        order = np.argsort(here)
        here = here[order]
        begins = np.empty(len(rows), np.bool_)
        begins[:1] = True
        np.not_equal(here[1:], here[:-1], out=begins[1:])
        rank = np.empty(len(rows), np.int64)
        rank[order] = np.cumsum(begins) - 1
        yield Batch(rows=rows, rank=rank, distinct=int(begins.sum()))


def _between(keys: Keys, low: int, high: int) -> NDArray[np.int64]:
    found = []
    for part in spill.blocks(keys):
        here = keys[part]
        found.append(np.flatnonzero((here >= np.uint64(low)) & (here <= np.uint64(high))) + part.start)
    return np.concatenate(found)


def shared_rows(keys: Keys, others: Keys) -> NDArray[np.int64]:
    """The positions in ``keys`` whose event also stands in ``others``, ascending."""
    return shared_with_sorted(keys, ordered(others))


def shared_with_sorted(keys: Keys, others: Keys) -> NDArray[np.int64]:
    """``shared_rows`` where the other keys are in order already."""
    found = [np.empty(0, np.int64)]
    for part in spill.blocks(keys):
        if len(others):
            near = np.minimum(np.searchsorted(others, keys[part]), len(others) - 1)
            found.append(np.flatnonzero(others[near] == keys[part]) + part.start)
    return np.concatenate(found)


def ordered(keys: Keys) -> Keys:
    """These keys in rising order, as an array of their own."""
    copy: Keys = spill.empty(len(keys), keys.dtype)
    copy[:] = keys
    copy.sort()
    return copy


def repeated(keys: Keys) -> NDArray[np.bool_]:
    """Marks every row whose event occurs more than once."""
    marks = np.empty(len(keys), np.bool_)
    for batch in batches(keys):
        counts = np.bincount(batch.rank, minlength=batch.distinct)
        marks[batch.rows] = counts[batch.rank] > 1
    return marks


def multiplicities(sorted_keys: Keys) -> NDArray[np.int64]:
    """How often each key occurs that occurs more than once, from keys in order; shape (k,)."""
    again = np.zeros(len(sorted_keys), np.bool_)
    for part in spill.blocks(sorted_keys[1:]):
        again[1:][part] = sorted_keys[1:][part] == sorted_keys[:-1][part]
    _, counts = np.unique(sorted_keys[again], return_counts=True)
    return np.asarray(counts + 1, np.int64)
