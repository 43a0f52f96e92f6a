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

    def groups(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """The group of each row.

        A row belongs to the group of the row before it if any value of one stands, in any column, in the other. The
        number of a group is made of the first value in its first row: equal rows of any two files are one group.

        Args:
            values: shape (n, c), the columns in which a value may be repeated; NaN equals nothing.
        """
        first = values[:1] + np.nan if self._last is None else self._last
        before = np.concatenate([first, values[:-1]])
        apart = np.abs(values[:, :, np.newaxis] - before[:, np.newaxis, :])
        linked = (apart <= self._tolerance * np.abs(before[:, np.newaxis, :])).any(axis=(1, 2))
        own = np.ascontiguousarray(values[:, 0]).view(np.int64)
        # The last row that began a group, for each row; -1 while the group of the batch before goes on.
        began = np.maximum.accumulate(np.where(linked, -1, np.arange(len(values))))
        groups = np.where(began >= 0, own[began], self._group)
        self._last, self._group = values[-1:].copy(), int(groups[-1])
        return groups.astype(np.int64)
