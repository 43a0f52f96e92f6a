"""Table: what every format turns a file into, columns by name and rows batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from hepsieve.data.columns import shorten
from hepsieve.errors import DataError
from hepsieve.events import Origin, TargetScale
from hepsieve.progress import Advance

BATCH_ROWS = 1 << 16


class Batches(Protocol):
    """Reads columns, batch by batch, from the first row on at every call."""

    def __call__(
        self, numbers: Sequence[str], *, also: Sequence[str] = (), advance: Advance | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Batches with the columns ``numbers`` and then ``also``.

        Args:
            numbers: columns that hold numbers (any integer, floating-point or boolean type; missing ones are null).
            also: further columns, in the type that the file gives them.
            advance: is told how many more bytes of the file are done.

        Raises:
            DataError: naming file, row and column of what can't be read. Batches before it are then worth nothing.
        """


@dataclass(frozen=True, kw_only=True)
class Named:
    """The roles that a file itself gives to some of its columns; None where it says nothing.

    Attributes:
        label: the column with the targets.
        weight: the column with the weights.
        group: the column with the groups.
        scale: what the targets measure, as shares of a full scale; None where they are classes.
    """

    label: str | None = None
    weight: str | None = None
    group: str | None = None
    scale: TargetScale | None = None


def count_from_one(index: int) -> int:
    """The number of a row in formats that have no lines."""
    return index + 1


@dataclass(frozen=True, kw_only=True)
class Table:
    """An opened file, or one tree of it: what it holds, and how to read it. Nothing of its rows is in memory.

    Attributes:
        path: the file.
        names: its columns.
        numeric: the columns that (by their type or first row) hold numbers, in order.
        refused: columns that can't be read as numbers, each with the reason ("jagged: float[]").
        size: bytes of the file, or this tree's share of them.
        batches: reads the rows.
        rows: their number, or None where only reading tells.
        tree: the ROOT tree.
        label: the class of all rows, where no column says it.
        named: what the file itself says about its columns.
        origin: what the file itself says about its events.
        units: what the file itself says about its units, by column.
        row_number: turns the index of a row into the number to look for in the file (the line, in text files).
    """

    path: Path
    names: tuple[str, ...]
    numeric: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    size: int
    batches: Batches
    rows: int | None = None
    tree: str | None = None
    label: int | None = None
    named: Named = field(default_factory=Named)
    origin: Origin | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    row_number: Callable[[int], int] = count_from_one

    @property
    def where(self) -> str:
        """The file, and the tree if there is one, as errors name it."""
        return f"{self.path}" if self.tree is None else f"{self.path}:{self.tree}"

    def require_numbers(self, columns: Sequence[str]) -> None:
        """Refuse columns that are no flat columns of numbers.

        Raises:
            DataError: naming them, the reason, and the columns that could be read.
        """
        bad = [name for name in columns if name in self.refused]
        if bad:
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            raise DataError(
                f"{self.where}: column {bad[0]!r} is {self.refused[bad[0]]}, not one number a row{more}; "
                f"flat columns: {shorten(self.numeric, shown=50)}"
            )
