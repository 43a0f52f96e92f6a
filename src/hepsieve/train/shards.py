"""A part of the data as Parquet files, of which several machines hold a few each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.errors import DataError
from hepsieve.manifest import new_folder
from hepsieve.train.trained import Part

Rows = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Inputs, shape (n, q), targets and weights, shape (n,)."""
_TARGET, _WEIGHT = "target", "weight"


@dataclass(frozen=True, kw_only=True)
class Shards:
    """The files of one part, absolute, in the order of its events.

    Attributes:
        files: Parquet files.
        rows: how many events each has.
        inputs: how many inputs an event has.
    """

    files: tuple[Path, ...]
    rows: tuple[int, ...]
    inputs: int


def write_shards(part: Part, folder: Path, count: int) -> Shards:
    """Divide a part into files of equal size; memory stays that of a block.

    Args:
        part: prepared events, inputs of shape (n, q), with the weights that they are trained with.
        folder: is created, with a manifest, when all is written.
        count: how many files; as many as there are events, if these are fewer.

    Raises:
        HepsieveError: if the folder can't be written.
    """
    count = min(count, len(part))
    ends = [len(part) * number // count for number in range(count + 1)]
    names = [f"{number:06d}.parquet" for number in range(count)]
    columns = part.inputs.shape[1]
    schema = pa.schema([(name, pa.float32()) for name in (*_inputs(columns), _TARGET, _WEIGHT)])
    with new_folder(folder) as temporary:
        for name, first, last in zip(names, ends, ends[1:], strict=False):
            with pyarrow.parquet.ParquetWriter(
                temporary / name, schema, compression="none", use_dictionary=False, write_page_checksum=True
            ) as writer:
                for block in spill.blocks(part.inputs[first:last]):
                    rows = slice(first + block.start, first + block.stop)
                    values = (*np.asarray(part.inputs[rows]).T, part.target[rows], part.weight[rows])
                    arrays = [pa.array(np.ascontiguousarray(column, np.float32)) for column in values]
                    writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    files = tuple((folder / name).absolute() for name in names)
    return Shards(files=files, rows=tuple(int(n) for n in np.diff(ends)), inputs=columns)


def read_shard(file: Path) -> Rows:
    """The events of one file; memory stays that of its arrays and a block.

    Raises:
        DataError: if it can't be read.
    """
    try:
        with pyarrow.parquet.ParquetFile(file, page_checksum_verification=True) as opened:
            count, names = opened.metadata.num_rows, opened.schema_arrow.names[:-2]
            inputs = np.empty((count, len(names)), np.float32)
            target, weight = np.empty(count, np.float32), np.empty(count, np.float32)
            first = 0
            for batch in opened.iter_batches():
                rows = slice(first, first + batch.num_rows)
                for column, name in enumerate(names):
                    inputs[rows, column] = batch.column(name).to_numpy()
                target[rows], weight[rows] = (batch.column(name).to_numpy() for name in (_TARGET, _WEIGHT))
                first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{file}: a worker can't read it ({str(error).splitlines()[0]}); set HEPSIEVE_CACHE to a folder that all "
            "workers share"
        ) from None
    return inputs, target, weight


def _inputs(count: int) -> list[str]:
    return [f"input{number}" for number in range(count)]
