"""NumPy's .npy and .npz files, read batch by batch and never through pickle."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.array_file import Header, array_headers, blocks, explained, npy_header, short_text
from hepsieve.data.arrays import is_number
from hepsieve.data.catalog import dataset
from hepsieve.data.columns import positional_names, refuse_twice, shorten
from hepsieve.data.stamp import KEY, read_stamp
from hepsieve.data.table import BATCH_ROWS, Named, Table
from hepsieve.errors import DataError
from hepsieve.progress import Advance

_FEATURES = ("features", "X", "x")
_TARGET = ("target", "y", "label")


@dataclass(frozen=True)
class _Place:
    """Where a column is: an array, and the column in it (None if the array is the column)."""

    array: str
    column: int | None = None


def open_npy(path: Path, data: DataConfig) -> Table:
    """The table in a two-dimensional array; its columns get names as those of a CSV file without a header.

    Raises:
        DataError: if the file is damaged or the array is no table of numbers.
    """
    header = npy_header(path)
    _require_table(header, path, "the array")
    names = positional_names(header.shape[1], data, path=path)
    refuse_twice(names, path)
    rows = header.shape[0]
    return Table(
        path=path, names=names, numeric=names, size=path.stat().st_size, rows=rows, batches=partial(_npy, path, names)
    )


def _npy(
    path: Path,
    names: tuple[str, ...],
    numbers: Sequence[str],
    *,
    also: Sequence[str] = (),
    advance: Advance | None = None,
) -> Iterator[pa.RecordBatch]:
    columns = [*numbers, *(name for name in also if name not in numbers)]
    with explained(path):
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    for start in range(0, len(table), BATCH_ROWS):
        block = np.asarray(table[start : start + BATCH_ROWS])
        yield _batch({name: block[:, names.index(name)] for name in columns})
        if advance is not None:
            advance(block.nbytes)


def open_npz(path: Path, data: DataConfig) -> Table:
    """The table in an archive of arrays.

    Either one two-dimensional array ``features`` (or ``X``, ``x``), with ``target`` (or ``y``, ``label``), ``weight``
    and ``names`` beside it, or one array per column.

    Raises:
        DataError: if the file is damaged, or its arrays are no table.
    """
    with explained(path), zipfile.ZipFile(path) as archive:
        headers = array_headers(archive, path)
        stamp = read_stamp(str(short_text(archive, KEY, headers)), path) if KEY in headers else None
        given = [str(name) for name in np.ravel(short_text(archive, "names", headers))] if "names" in headers else None
    arrays = {name: header for name, header in headers.items() if name not in (KEY, "names")}
    matrix = next((name for name in _FEATURES if name in arrays and len(arrays[name].shape) == 2), None)
    if matrix is None:
        places = {name: _Place(name) for name in arrays}
        named = Named()
    else:
        _require_table(arrays[matrix], path, f"array {matrix!r}")
        places, named = _beside(matrix, arrays, _feature_names(arrays[matrix].shape[1], given, data, path), path)
    rows = _common_rows(arrays, places, path)
    refused = {
        name: f"of type {arrays[place.array].dtype}"
        for name, place in places.items()
        if not is_number(arrays[place.array].dtype)
    }
    size = path.stat().st_size
    return Table(
        path=path,
        names=tuple(places),
        numeric=tuple(name for name in places if name not in refused),
        refused=refused,
        size=size,
        rows=rows,
        batches=partial(_npz, path, places, rows, size / rows),
        named=stamp.named if stamp is not None else named,
        origin=stamp.origin if stamp is not None else None,
        units=stamp.units if stamp is not None else {},
    )


def _npz(
    path: Path,
    places: dict[str, _Place],
    rows: int,
    row_size: float,
    numbers: Sequence[str],
    *,
    also: Sequence[str] = (),
    advance: Advance | None = None,
) -> Iterator[pa.RecordBatch]:
    columns = [*numbers, *(name for name in also if name not in numbers)]
    wanted = dict.fromkeys(places[name].array for name in columns)
    with explained(path), zipfile.ZipFile(path) as archive:
        streams = {name: blocks(archive, name, BATCH_ROWS) for name in wanted}
        for start in range(0, rows, BATCH_ROWS):
            current = {name: next(stream) for name, stream in streams.items()}
            yield _batch({name: _column(current[places[name].array], places[name].column) for name in columns})
            if advance is not None:
                advance(row_size * min(BATCH_ROWS, rows - start))
        for stream in streams.values():
            next(stream, None)  # the archive checks an array's CRC only where the array is read to its end


def _column(block: NDArray[Any], column: int | None) -> NDArray[Any]:
    return block if column is None else block[:, column]


def _batch(columns: dict[str, NDArray[Any]]) -> pa.RecordBatch:
    arrays = [pa.array(np.ascontiguousarray(v, dtype=v.dtype.newbyteorder("="))) for v in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _feature_names(count: int, given: list[str] | None, data: DataConfig, path: Path) -> tuple[str, ...]:
    if given is not None:
        if len(given) != count:
            raise DataError(f"{path}: {len(given)} names for {count} features")
        return tuple(given)
    known = dataset(data.catalog).feature_names if data.catalog is not None else data.features
    return known if known is not None and len(known) == count else tuple(f"x{k}" for k in range(count))


def _beside(
    matrix: str, arrays: dict[str, Header], names: tuple[str, ...], path: Path
) -> tuple[dict[str, _Place], Named]:
    target = next((name for name in _TARGET if name in arrays), None)
    rows = arrays[matrix].shape[:1]
    others = [name for name, header in arrays.items() if header.shape == rows or name in (target, "weight")]
    refuse_twice([*names, *others], path)
    places = {name: _Place(matrix, k) for k, name in enumerate(names)} | {name: _Place(name) for name in others}
    return places, Named(label=target, weight="weight" if "weight" in arrays else None)


def _common_rows(arrays: dict[str, Header], places: dict[str, _Place], path: Path) -> int:
    shapes = {place.array: arrays[place.array].shape for place in places.values()}
    wrong = {name: shape for name, shape in shapes.items() if places.get(name) == _Place(name) and len(shape) != 1}
    if not shapes or wrong or len({shape[0] for shape in shapes.values()}) != 1:
        found = shorten(f"{name} {shape}" for name, shape in shapes.items())
        raise DataError(
            f"{path}: the arrays are no table ({found}); needed are features (n, p) with target (n,), "
            "or arrays of one length, one per column"
        )
    rows = next(iter(shapes.values()))[0]
    if rows == 0:
        raise DataError(f"{path}: {len(places)} columns and no rows")
    return rows


def _require_table(header: Header, path: Path, what: str) -> None:
    if len(header.shape) != 2 or 0 in header.shape or not is_number(header.dtype):
        raise DataError(
            f"{path}: {what} has shape {header.shape} and type {header.dtype}; "
            "a table of numbers, (rows, columns), is needed"
        )
