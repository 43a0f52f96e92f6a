"""Columns turned into files of arrays, one for each of them: .npz and HDF5."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepsieve.data.write_hdf5 import hdf5_file
from hepsieve.errors import DataError

_CHUNK = 1 << 16


def write_npz_columns(file: Path, batches: Iterable[pa.RecordBatch], path: Path) -> int:
    """Write one array a column, all of which are in memory for that; returns the number of rows.

    Args:
        file: where to write.
        batches: the rows, one batch at least.
        path: what the file will be called, for the error.

    Raises:
        DataError: if a column holds no numbers.
    """
    columns: dict[str, list[NDArray[Any]]] = {}
    for batch in batches:
        for name, values in _numbers(batch, path).items():
            columns.setdefault(name, []).append(values)
    arrays: dict[str, Any] = {name: np.concatenate(parts) for name, parts in columns.items()}
    with file.open("wb") as stream:  # given a name, numpy would add an ending to it
        np.savez(stream, **arrays)
    return len(next(iter(arrays.values())))


def write_hdf5_columns(file: Path, batches: Iterable[pa.RecordBatch], notes: Mapping[str, str], path: Path) -> int:
    """Write one array a column, batch by batch, and the notes as attributes; returns the number of rows.

    Args:
        file: where to write.
        batches: the rows, one batch at least.
        notes: texts that the file carries along, by name.
        path: what the file will be called, for the error.

    Raises:
        DataError: if a column holds no numbers.
    """
    rows = 0
    with hdf5_file(file) as (out, check):
        out.attrs.update(notes)
        for batch in batches:
            for name, values in _numbers(batch, path).items():
                array = out[name] if name in out else _growing(out, name, values.dtype)
                array.resize(rows + len(values), axis=0)
                array[rows:] = values
            check()
            rows += batch.num_rows
    return rows


def _growing(out: h5py.File, name: str, kind: np.dtype[Any]) -> h5py.Dataset:
    return out.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(_CHUNK,), dtype=kind, fletcher32=True)


def _numbers(batch: pa.RecordBatch, path: Path) -> dict[str, NDArray[Any]]:
    columns = {}
    for name in batch.schema.names:
        values = batch.column(name)
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            raise DataError(
                f"{path}: column {name!r} is of type {values.type}; such a file takes columns of numbers only"
            )
        columns[name] = values.to_numpy(zero_copy_only=False)
    return columns
