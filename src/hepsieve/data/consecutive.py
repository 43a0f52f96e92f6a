"""Groups of consecutive rows that repeat a value, such as two candidates that share a track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class ConsecutiveGroups:
    """Numbers the groups of one table, batch by batch."""

    def __init__(self, tolerance: float) -> None:
        """Two values count as one when they differ by no more than this share of the earlier one."""
        self._tolerance = tolerance
        self._last: NDArray[np.float64] | None = None
        self._group = 0
        self._rows = 0

    def groups(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """The group of each row.

        A row belongs to the group of the row before it if any value of one stands, in any column, in the other. The
        number of a group is made of the values in its first row: equal rows of any two files are one group.

        Args:
            values: shape (n, c), the columns in which a value may be repeated; NaN equals nothing, and a row that holds
                one shares its number with none.
        """
        first = values[:1] + np.nan if self._last is None else self._last
        before = np.concatenate([first, values[:-1]])
        apart = np.abs(values[:, :, np.newaxis] - before[:, np.newaxis, :])
        linked = (apart <= self._tolerance * np.abs(before[:, np.newaxis, :])).any(axis=(1, 2))
        own = _numbers(values, self._rows)
        self._rows += len(values)
        # The last row that began a group, for each row; -1 while the group of the batch before goes on.
        began = np.maximum.accumulate(np.where(linked, -1, np.arange(len(values))))
        groups = np.where(began >= 0, own[began], self._group)
        self._last, self._group = values[-1:].copy(), int(groups[-1])
        return groups.astype(np.int64)


def _numbers(values: NDArray[np.float64], first: int) -> NDArray[np.int64]:
    """A number for each row, made of all its bits; of the row's position instead where a value is missing."""
    position = -1 - np.arange(first, first + len(values))
    return np.where(np.isnan(values).any(axis=1), position, (row_numbers(values) >> np.uint64(1)).astype(np.int64))


def row_numbers(values: NDArray[np.float64], *, seed: int = 0) -> NDArray[np.uint64]:
    """A number for each row that looks like chance and is made of nothing but all its bits, shape (n,)."""
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    mixed = np.full(len(values), seed, np.uint64)
    for column in bits.T:
        # The finaliser of splitmix64 between the columns: their order counts, and every bit does.
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(27)
    return mixed
