"""What a benchmark found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """Two ways to do one thing, measured in the same run.

    Attributes:
        ratio: how much better ours is; above 1 is better.
        against: what the other way is.
        unit: of ``ours`` and ``theirs``.
        ours: figures by name.
        theirs: figures by name.
    """

    ratio: float
    against: str
    unit: str
    ours: Mapping[str, float]
    theirs: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Figures that are no ratio of two ways.

    Attributes:
        title: what was measured.
        columns: names of the columns.
        rows: a text or a number for each column.
        text: the same arranged for people, in Markdown; the rows as they are if not given.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    text: str = ""
