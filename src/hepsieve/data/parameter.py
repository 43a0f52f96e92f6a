"""A parameter of the signal, such as its mass: values made exact, and given to background by chance."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import ParameterConfig
from hepsieve.data.chunks import Chunk
from hepsieve.data.consecutive import row_numbers
from hepsieve.data.table import Table
from hepsieve.errors import ConfigError, DataError

_NEAR = 1e-4
_SEED = 0x6865707369657665


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What the parameter may be, and where it stands: a position among the features, or among the spectators."""

    config: ParameterConfig
    position: int
    spectator: bool

    @classmethod
    def find(cls, config: ParameterConfig, features: Sequence[str], spectators: Sequence[str]) -> Parameter:
        """The parameter among the columns of these names.

        Raises:
            ConfigError: if it is none of them.
        """
        name, names = config.column, [*features, *spectators]
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f", the nearest is {near[0]!r}" if near else ""
            raise ConfigError(
                f"data.parameter.column: no feature or spectator {name!r}{hint}; the data have {', '.join(names)}"
            )
        own = spectators if name in spectators else features
        return cls(config=config, position=own.index(name), spectator=own is spectators)

    def settle(self, chunk: Chunk, table: Table, first: int) -> None:
        """Make the values of a new chunk exact; background gets one by chance where the configuration says so.

        What background gets follows from its other features alone, by a fixed rule: it depends on no seed and on no
        order of rows, and the same event gets the same value in every file, so that repeated events stay repeated.

        Args:
            chunk: rows just read, whose column is changed in place.
            table: where they come from.
            first: the index of the first row there.

        Raises:
            DataError: naming row and value if a value is none of those that the configuration lists. NaN is left to
                the audit.
        """
        array: NDArray[Any] | None = chunk.spectators if self.spectator else chunk.features
        assert array is not None
        column = array[:, self.position]
        drawn = np.zeros(len(column), np.bool_) if self.config.background == "given" else chunk.target == 0
        exact = self._nearest(column)
        wrong = np.flatnonzero(np.isnan(exact) & ~np.isnan(column) & ~drawn)
        if len(wrong):
            row, value = table.row_number(first + int(wrong[0])), column[wrong[0]]
            listed = ", ".join(f"{value:g}" for value in self.config.values)
            raise DataError(
                f"{table.where}: row {row}, column {self.config.column!r}: {value:g} is none of {listed}; mend the "
                "file, or see data.parameter.values"
            )
        column[:] = np.where(drawn, self._by_chance(chunk), exact) if drawn.any() else exact

    def _nearest(self, column: NDArray[Any]) -> NDArray[np.float64]:
        """The nearest value that is listed; NaN where none is near."""
        exact = np.full(len(column), np.nan)
        off = np.full(len(column), np.inf)
        for value in self.config.values:
            distance = np.abs(column - np.float64(value))
            closer = (distance <= _NEAR * abs(value)) & (distance < off)
            exact[closer], off[closer] = value, distance[closer]
        return exact

    def _by_chance(self, chunk: Chunk) -> NDArray[np.float64]:
        others = chunk.features if self.spectator else np.delete(chunk.features, self.position, axis=1)
        numbers = row_numbers(np.asarray(others, np.float64), seed=_SEED)
        values = np.array(self.config.values)
        # The upper 53 bits as a number in [0, 1).
        return np.asarray(values[((numbers >> np.uint64(11)) * 2.0**-53 * len(values)).astype(np.int64)])
