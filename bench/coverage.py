"""How often 95 % intervals hold the truth, counted over toy samples whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from bench.coverage_cells import LAWS, Cell, Family, Weights, found, truths
from bench.result import Table
from hepsieve.engines import in_order
from hepsieve.evaluate.results import Quantity
from hepsieve.processes import cores

TOYS, BLOCK, SEED = 1000, 50, 7
# What is aimed at, at least, in per cent.
LEAST = 93.0
# Which families share a table.
TOGETHER: tuple[tuple[Family, ...], ...] = (
    ("scores",),
    ("proportion",),
    ("regression",),
    ("two scores",),
    ("two regressions",),
)
SHORT = {
    "AUC (bootstrap)": "AUC, bootstrap",
    "AUC (DeLong)": "AUC, DeLong",
    "rejection at 50 % signal": "rejection",
    "signal efficiency at 10 % background": "signal efficiency",
    "AUC difference (DeLong, paired)": "AUC difference",
    "RMSE difference (paired)": "RMSE difference",
}


def _cells() -> tuple[Cell, ...]:
    """All kinds of toy samples of the study."""
    return (*_of_scores(), *_of_shares(), *_of_regressions(), *_of_pairs())


def _of_scores() -> Iterator[Cell]:
    areas: dict[Weights, tuple[float, ...]] = {
        "1": (0.6, 0.8, 0.95, 0.99),
        "varying": (0.6, 0.8, 0.95, 0.99),
        "rising": (0.8, 0.99),
        "negative": (0.8, 0.95, 0.99),
    }
    for n in (200, 1000):
        for weights, known in areas.items():
            yield from (Cell(family="scores", events=n, truth=area, weights=weights) for area in known)
        yield Cell(family="scores", events=n, truth=0.8, stretch=1.5)
        yield Cell(family="scores", events=n, truth=0.8, by_chance=True)
    yield from (Cell(family="scores", events=4000, truth=area) for area in (0.8, 0.99))


def _of_shares() -> Iterator[Cell]:
    for weights in WEIGHTS:
        for n in (200, 2000):
            yield from (Cell(family="proportion", events=n, truth=p, weights=weights) for p in (0.01, 0.1, 0.5))


def _of_regressions() -> Iterator[Cell]:
    families: tuple[Family, ...] = ("regression", "two regressions")
    for family in families:
        for n in (200, 1000):
            yield from (Cell(family=family, events=n, law=law) for law in LAWS)
            yield from (Cell(family=family, events=n, weights=weights) for weights in ALL_POSITIVE_OR_NOT)


def _of_pairs() -> Iterator[Cell]:
    for n in (200, 1000):
        for weights in WEIGHTS:
            yield from (Cell(family="two scores", events=n, truth=p, weights=weights) for p in (0.8, 0.95, 0.99))


WEIGHTS: tuple[Weights, ...] = ("1", "varying", "rising", "negative")
ALL_POSITIVE_OR_NOT: tuple[Weights, ...] = ("varying", "negative")
CELLS = _cells()


@dataclass(frozen=True, kw_only=True)
class Covered:
    """How the intervals of one figure did in one kind of sample.

    Attributes:
        toys: how many samples were drawn.
        below: in how many of them the truth lies below the interval.
        above: in how many it lies above.
        without: how many gave no interval at all.
    """

    cell: Cell
    figure: str
    toys: int
    below: int
    above: int
    without: int

    @property
    def share(self) -> float:
        """Of the intervals, how many hold the truth."""
        return 1 - (self.below + self.above) / max(self.toys - self.without, 1)


def measure() -> Table:
    """The whole study: some minutes on two cores."""
    return table(study(CELLS))


def study(cells: Sequence[Cell], *, toys: int = TOYS, jobs: int | None = None) -> list[Covered]:
    """Count over so many toy samples of each kind; equal for any number of processes."""
    blocks = [(cell, start, min(BLOCK, toys - start)) for cell in cells for start in range(0, toys, BLOCK)]
    counted: dict[tuple[Cell, str], Counts] = {}
    for (cell, _, _), counts in zip(blocks, in_order(_count, blocks, jobs or cores()), strict=True):
        for figure, numbers in counts.items():
            before = counted.get((cell, figure), (0, 0, 0, 0))
            toys_, below, above, without = (one + more for one, more in zip(before, numbers, strict=True))
            counted[cell, figure] = (toys_, below, above, without)
    return [
        Covered(cell=cell, figure=figure, toys=n, below=below, above=above, without=without)
        for (cell, figure), (n, below, above, without) in counted.items()
    ]


def table(rows: Sequence[Covered]) -> Table:
    """A line for each figure in each kind of sample; for people a line for each kind of sample."""
    figures = list(dict.fromkeys(row.figure for row in rows))
    arranged = (_arranged([row for row in rows if row.cell.family in families]) for families in TOGETHER)
    return Table(
        title="how often 95 % intervals hold the truth, in per cent of toy samples",
        columns=("figure", "sample", "events", "weights", "covered", "truth below", "truth above", "without", "toys"),
        rows=tuple(_line(row) for figure in figures for row in rows if row.figure == figure),
        text="\n\n".join(one for one in arranged if one),
    )


Counts = tuple[int, int, int, int]


def _count(block: tuple[Cell, int, int]) -> dict[str, Counts]:
    """Samples, truths below, truths above and missing intervals of some toys, by figure."""
    cell, start, toys = block
    rng = np.random.default_rng([SEED, crc32(repr(cell).encode()), start])
    expected = truths(cell)
    counts = {figure: np.zeros(4, dtype=np.int64) for figure in expected}
    for toy in range(toys):
        for figure, quantity in found(cell, rng, start + toy).items():
            counts[figure] += list(_verdict(quantity, expected[figure]))
    return {figure: tuple(int(number) for number in numbers) for figure, numbers in counts.items()}  # type: ignore[misc]


def _verdict(quantity: Quantity, truth: float) -> Iterator[bool]:
    """One sample; whether the truth lies below, or above, and whether there is no interval. One end may be open."""
    missing = quantity.low is None and quantity.high is None
    yield True
    yield quantity.low is not None and truth < quantity.low
    yield quantity.high is not None and truth > quantity.high
    yield missing


def _arranged(rows: Sequence[Covered]) -> str:
    """A Markdown table: kinds of samples by figures, with what lies below 93 % in bold type."""
    if not rows:
        return ""
    figures, cells = (list(dict.fromkeys(values)) for values in zip(*((r.figure, r.cell) for r in rows), strict=True))
    found = {(row.cell, row.figure): row for row in rows}
    lines = [("sample", "events", "weights", "toys", *(SHORT.get(name, name) for name in figures))]
    lines.append(("---",) * len(lines[0]))
    for cell in cells:
        toys = max(row.toys for row in rows if row.cell == cell)
        shares = (_share(found.get((cell, figure))) for figure in figures)
        lines.append((cell.sample, f"{cell.events:,}", cell.weights, str(toys), *shares))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _share(row: Covered | None) -> str:
    if row is None:
        return ""
    covered = round(100 * row.share, 1)
    text = f"{covered:.1f}" + (f" ({row.without} without)" if row.without else "")
    return text if covered >= LEAST else f"**{text}**"


def _line(row: Covered) -> tuple[str | float, ...]:
    cell, n = row.cell, max(row.toys - row.without, 1)
    shares = (round(100 * share, 1) for share in (row.share, row.below / n, row.above / n))
    return (row.figure, cell.sample, cell.events, cell.weights, *shares, row.without, row.toys)
