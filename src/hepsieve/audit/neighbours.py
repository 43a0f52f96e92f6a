"""Rows to those that lie far nearer to another row than chance would put them: copies that were rounded or jittered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hepsieve import spill
from hepsieve.audit.identical import row_keys
from hepsieve.events import FloatArray

MOST = 20_000
"""Rows that are compared; of more, those of some cells of the feature space, so that copies are taken together."""
_FEATURES_AS_THEY_ARE = 8
_DIRECTIONS = 8
_LOOKED_AT, _LOOKED_AT_VALUES = 2000, 2_000_000  # rows and their values, for scales and distinct values
_CELL_COLUMNS = 4
_CELL = 0.5  # of a column's scale: rounded copies rarely lie on two sides of a border
_NEIGHBOURS = 12
_DISTINCT = 0.3
_COINCIDE = 0.05
_ALIKE = 5e-3  # three significant digits
_CAREFUL = 0.7
_CHANCE = 1e-3
_COUNTED = 500_000  # rows that tell how many cells to take
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Near:
    """Pairs of rows that are alike to three digits in all columns, and nearer to each other than chance explains.

    Attributes:
        rows: positions in the sample that was asked about, ascending; shape (k,).
        partners: the row of the other sample (or of the same) that is nearest to each, shape (k,).
        compared: of how many rows it was asked.
    """

    rows: Rows
    partners: Rows
    compared: int


def near_rows(features: FloatArray) -> Near | None:
    """The rows of one sample that have a near copy in it; identical rows are not meant."""
    found = _near([features])
    return found if found is None or len(found.rows) else None


def near_rows_between(features: FloatArray, known: FloatArray) -> Near | None:
    """The rows that have a near copy in another sample; identical rows are not meant."""
    found = _near([known, features])
    return found if found is None or len(found.rows) else None


def continuous_values(features: FloatArray, rows: Rows) -> Rows:
    """How many values of each row stand in columns that hardly repeat one: two rows agree in two of them not by chance.

    Sentinels and missing values don't count.
    """
    scale = _Scale.of(features)
    return np.zeros(len(rows), np.int64) if scale is None else scale.known(features, rows)


def _near(samples: Sequence[FloatArray]) -> Near | None:
    """Near copies, in the first sample, of the rows of the last one.

    In a space of D dimensions the nearest of k neighbours lies at less than the share y of the k-th one's distance
    with a probability of (k − 1) y^D (Facco et al., Sci. Rep. 7 (2017) 12140, eq. (3), for k = 2). D comes from the
    farther neighbours of all rows and of the row itself, whichever is less; seven tenths of it are taken. Columns that
    repeat their values don't count: a row alone among its like in a table of counts has no copy.
    """
    scale = _Scale.of(samples[0])
    if scale is None:
        return None
    chosen = _chosen(samples, scale)
    known, asked = chosen[0], chosen[-1]
    if len(known) <= 2 * _NEIGHBOURS or len(asked) == 0:
        return None
    place = scale.places(samples[0], known)
    tree = cKDTree(place)
    distance, nearest = _query(tree, place, _NEIGHBOURS + 1)
    distance, partner = distance[:, 1:], nearest[:, 1]
    dimension = _dimension(distance)
    overall = min(float(np.median(dimension)), int(scale.continuous.sum()))
    if len(samples) > 1:
        distance, nearest = _query(tree, scale.places(samples[-1], asked), _NEIGHBOURS)
        dimension, partner = _dimension(distance), nearest[:, 0]
    share = distance[:, 0] / np.maximum(distance[:, -1], np.finfo(np.float64).tiny)
    dimension = np.minimum(np.minimum(dimension, overall), scale.known(samples[-1], asked))
    careful = np.maximum(1.0, _CAREFUL * dimension)
    suspects = _unlikely((_NEIGHBOURS - 1) * share**careful)
    rows, partners = asked[suspects], known[partner[suspects]]
    alike = scale.alike(samples[-1], rows, samples[0], partners)
    order = np.argsort(rows[alike], kind="stable")
    return Near(rows=rows[alike][order], partners=partners[alike][order], compared=len(asked))


def _query(tree: cKDTree, places: Floats, k: int) -> tuple[Floats, Rows]:
    """Distances of the k nearest rows and their numbers, shape (m, k)."""
    distance, rows = tree.query(places, k=k, p=np.inf)
    return np.asarray(distance, np.float64), np.asarray(rows, np.int64)


def _unlikely(chance: Floats) -> Rows:
    """The rows whose chance is too small for so many rows, after Benjamini and Hochberg (J. R. Stat. Soc. B 57, 289).

    Where all nearness is chance, in one of a thousand samples at most is there any.
    """
    order = np.argsort(chance, kind="stable")
    low = np.flatnonzero(chance[order] <= _CHANCE * np.arange(1, len(order) + 1) / len(order))
    return np.sort(order[: low[-1] + 1]) if len(low) else low


def _dimension(distance: Floats) -> Floats:
    """The dimension of the space around each row: half of the neighbours lie within a half of the ball's content."""
    middle, last = distance[:, distance.shape[1] // 2 - 1], distance[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(2) / np.log(last / middle)
    return np.asarray(np.nan_to_num(found, nan=0.0, posinf=np.inf))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scale:
    """Columns (features, pixels, samples) to coordinates in which distances mean the same everywhere.

    Sentinels like -999 tell nothing of a column's width: next to them all other values would seem alike. Values that
    are coarse but for a little noise are no continuous column: what agrees in them may do so by chance.

    Attributes:
        centre: median of each column, shape (p,).
        width: of each column that varies, else 0; shape (p,).
        directions: on which rows are projected, shape (p, d); None where columns are few enough to be taken themselves.
        continuous: which columns hardly repeat a value, shape (p,).
        sentinel: the value of each column that stands for none, shape (p,); NaN where there is none.
        cells: the columns whose cells choose rows, at most four.
    """

    centre: Floats
    width: Floats
    directions: Floats | None
    continuous: NDArray[np.bool_]
    sentinel: Floats
    cells: Rows

    @classmethod
    def of(cls, features: FloatArray) -> _Scale | None:
        """From some rows; None where no column has more than a few values."""
        p = int(np.prod(features.shape[1:]))
        rng = np.random.default_rng(0)
        n = len(features)
        most = int(np.clip(_LOOKED_AT_VALUES // p, _LOOKED_AT // 10, _LOOKED_AT))
        rows = np.sort(rng.choice(n, most, replace=False, shuffle=False)) if n > most else np.arange(n)
        values = np.asarray(features[rows]).reshape(len(rows), p).astype(np.float64)
        values = np.where(np.isfinite(values), values, 0)
        if len(rows) <= 2 * _NEIGHBOURS:
            return None
        ordered = np.sort(values, axis=0)
        distinct = 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)
        own = [_without_sentinel(column) for column in ordered.T] if features.ndim == 2 else list(ordered.T)
        low, centre, high = (np.array([one[len(one) * quarter // 4] for one in own]) for quarter in (1, 2, 3))
        width = np.where(high > low, high - low, [one.std() for one in own])
        continuous = distinct >= _DISTINCT * len(rows)
        if features.ndim == 2:
            continuous &= [not _coarse(*column) for column in zip(own, centre, width, strict=True)]
        if not continuous.any():
            return None
        directions = None
        if p > _FEATURES_AS_THEY_ARE:
            directions = rng.normal(size=(p, _DIRECTIONS)) * (width > 0)[:, np.newaxis]
            directions /= np.sqrt(max(1, (width > 0).sum()))
        return cls(
            centre=centre,
            width=width,
            directions=directions,
            continuous=continuous,
            sentinel=np.array([_sentinel(*ends) for ends in zip(ordered.T, own, strict=True)]),
            cells=np.sort(np.argsort(-distinct, kind="stable")[:_CELL_COLUMNS]),
        )

    def known(self, features: FloatArray, rows: Rows) -> Rows:
        """In how many continuous columns each of these rows has a value that is no sentinel; shape (rows,)."""
        if features.ndim > 2:
            return np.full(len(rows), self.continuous.sum())
        values = np.asarray(features[rows])[:, self.continuous]
        return np.asarray((np.isfinite(values) & (values != self.sentinel[self.continuous])).sum(axis=1), np.int64)

    def scaled(self, values: NDArray[np.floating], columns: Rows | None = None) -> Floats:
        """Values of all columns, or of some, shape (rows, p), centred, in widths, with far ones drawn in."""
        centre, width = (a if columns is None else a[columns] for a in (self.centre, self.width))
        known = np.where(np.isfinite(values), values, np.float32(0)).astype(np.float64)
        return np.asarray(np.arcsinh((known - centre) / np.where(width > 0, width, 1)))

    def places(self, features: FloatArray, rows: Rows) -> Floats:
        """Coordinates of some rows, shape (rows, d)."""
        d = len(self.centre) if self.directions is None else self.directions.shape[1]
        found = np.empty((len(rows), d))
        for part in spill.blocks(found, rows=max(1, (1 << 20) // len(self.centre))):
            values = self.scaled(_flat(features, rows[part]))
            found[part] = values if self.directions is None else values @ self.directions
        return found

    def alike(self, first: FloatArray, rows: Rows, second: FloatArray, partners: Rows) -> NDArray[np.bool_]:
        """Whether rows agree with their partners in all columns, to three digits or to as much of the width."""
        same = np.empty(len(rows), np.bool_)
        for part in spill.blocks(same, rows=max(1, (1 << 20) // len(self.centre))):
            a, b = (_flat(*one).astype(np.float64) for one in ((first, rows[part]), (second, partners[part])))
            with np.errstate(invalid="ignore"):
                near = np.abs(a - b) <= _ALIKE * np.maximum(np.maximum(np.abs(a), np.abs(b)), self.width)
            # Rows that have nothing but zeros are blank, not copies.
            same[part] = (near | (a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1) & (a != 0).any(axis=1)
        return same


def _without_sentinel(ordered: Floats) -> Floats:
    """The values but for one that is repeated, at either end, farther from all others than these span."""
    below = int(np.searchsorted(ordered, ordered[0], side="right"))
    if 2 <= below < len(ordered) and ordered[below] - ordered[0] > ordered[-1] - ordered[below]:
        return ordered[below:]
    last = int(np.searchsorted(ordered, ordered[-1], side="left"))
    if 2 <= len(ordered) - last < len(ordered) and ordered[-1] - ordered[last - 1] > ordered[last - 1] - ordered[0]:
        return ordered[:last]
    return ordered


def _sentinel(ordered: Floats, own: Floats) -> float:
    """What was taken off; NaN if nothing was."""
    if len(own) == len(ordered):
        return float("nan")
    return float(ordered[0] if ordered[0] != own[0] else ordered[-1])


def _coarse(values: Floats, centre: float, width: float) -> bool:
    """Whether values outside the commonest one agree to three digits far more often than continuous ones would."""
    if width == 0:
        return True
    places = np.floor(np.arcsinh((values - centre) / width) / _ALIKE)
    counts = np.sort(np.unique(places, return_counts=True)[1])[:-1].astype(np.float64)
    return bool((counts**2).sum() > _COINCIDE * max(1.0, counts.sum()) ** 2)


def _flat(features: FloatArray, rows: Rows) -> FloatArray:
    return np.asarray(features[rows]).reshape(len(rows), -1)


def _chosen(samples: Sequence[FloatArray], scale: _Scale) -> list[Rows]:
    """The rows of each sample that are compared, without repetitions; of large samples those of the same cells."""
    total = sum(map(len, samples))
    if total <= MOST:
        rows = [np.arange(len(sample)) for sample in samples]
    else:
        cells = [_cell_keys(sample, scale) for sample in samples]
        some = np.concatenate([keys[:: max(1, total // _COUNTED)] for keys in cells])
        limit = np.partition(some, rank := len(some) * MOST // total)[rank]
        rows = [np.flatnonzero(keys < limit) for keys in cells]
    keys = [row_keys(np.asarray(sample[some])) for sample, some in zip(samples, rows, strict=True)]
    chosen, seen = [], np.empty(0, np.uint64)
    for some, own in zip(rows, keys, strict=True):
        fresh, first = np.unique(own, return_index=True)
        chosen.append(some[np.sort(first[~np.isin(fresh, seen)])])
        seen = np.union1d(seen, fresh)
    return chosen


def _cell_keys(features: FloatArray, scale: _Scale) -> NDArray[np.uint64]:
    """A number by chance for the cell of each row, so that all rows of a cell are chosen or none is."""
    keys: NDArray[np.uint64] = spill.empty(len(features), np.uint64)
    flat = features.reshape(len(features), -1)

    def mix(part: slice) -> None:
        cell = np.floor(scale.scaled(np.asarray(flat[part])[:, scale.cells], scale.cells) / _CELL)
        keys[part] = row_keys(cell.astype(np.float32))

    spill.on_all_cores(mix, spill.blocks(flat))
    return keys
