"""Parquet files, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pyarrow.types as types

from hepsieve.config import DataConfig
from hepsieve.data.columns import refuse_twice, shorten
from hepsieve.data.stamp import KEY, read_stamp
from hepsieve.data.table import BATCH_ROWS, Named, Table
from hepsieve.errors import DataError
from hepsieve.progress import Advance


def open_parquet(path: Path, data: DataConfig) -> Table:
    """The table in a Parquet file.

    Raises:
        DataError: if this is no Parquet file, it is damaged, or it has no rows.
    """
    with _explained(path), pyarrow.parquet.ParquetFile(path) as file:
        schema: pa.Schema = file.schema_arrow
        rows = file.metadata.num_rows
    names = tuple(schema.names)
    refuse_twice(names, path)
    if rows == 0:
        raise DataError(f"{path}: {len(names)} columns and no rows")
    text = (schema.metadata or {}).get(KEY.encode())
    stamp = None if text is None else read_stamp(text.decode("utf-8", errors="replace"), path)
    refused = {field.name: reason for field in schema if (reason := _why_not(field.type)) is not None}
    size = path.stat().st_size
    return Table(
        path=path,
        names=names,
        numeric=tuple(name for name in names if name not in refused),
        refused=refused,
        size=size,
        rows=rows,
        batches=partial(_batches, path, size / rows),
        named=Named() if stamp is None else stamp.named,
        origin=None if stamp is None else stamp.origin,
        units={} if stamp is None else stamp.units,
    )


def _batches(
    path: Path,
    row_size: float,
    numbers: Sequence[str],
    *,
    also: Sequence[str] = (),
    advance: Advance | None = None,
) -> Iterator[pa.RecordBatch]:
    columns = [*numbers, *(name for name in also if name not in numbers)]
    with _explained(path), pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns, use_threads=False):
            yield batch.select(columns)
            if advance is not None:
                advance(row_size * batch.num_rows)


def _why_not(kind: pa.DataType) -> str | None:
    """Why a column of this type isn't one of numbers; None if it is."""
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        return None
    return f"nested: {kind}" if types.is_nested(kind) else f"of type {kind}"


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        what = shorten([str(error).split(". ")[0]])
        raise DataError(f"{path}: no Parquet file, or a damaged one ({what}); fetch or write it again") from None
