"""Files with raw features to the same files with a score column; columns are found by name or the file is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepsieve.config import DataConfig
from hepsieve.data.catalog import dataset
from hepsieve.data.columns import resolve, shorten
from hepsieve.data.open import open_tables
from hepsieve.data.table import Table
from hepsieve.data.write import write_table
from hepsieve.errors import DataError
from hepsieve.progress import Advance, Progress
from hepsieve.score.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class ScoredFile:
    """What became of one file.

    Attributes:
        path: the new file.
        rows: how many rows it has.
        left_out: columns that could not be carried along (jagged ones).
    """

    path: Path
    rows: int
    left_out: tuple[str, ...]


def score_files(
    bundle: Bundle, files: Sequence[Path], output: Path, *, column: str, progress: Progress
) -> tuple[ScoredFile, ...]:
    """Add a score column to every file.

    Args:
        bundle: the verified model.
        files: what to score; each keeps all its flat columns.
        output: the new file; for several files a folder, in which each keeps its name.
        column: the name of the new column.
        progress: shows how much is done.

    Raises:
        DataError: if a feature column is missing, renamed beyond recognition or not finite, or the new column's name
            is taken already.
    """
    if len(files) == 1:
        return (_score_file(bundle, files[0], output, column=column, progress=progress),)
    if output.suffix:
        raise DataError(f"{output}: {len(files)} files need a folder to go to, not one file")
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        raise DataError(f"{output}: two of the files are called {max(names, key=names.count)}; score them one by one")
    return tuple(_score_file(bundle, file, output / file.name, column=column, progress=progress) for file in files)


def _score_file(bundle: Bundle, file: Path, output: Path, *, column: str, progress: Progress) -> ScoredFile:
    schema = bundle.schema
    tables = open_tables(file, DataConfig(catalog=schema.catalog, features=schema.features))
    for table in tables:
        if column in table.names:
            raise DataError(f"{table.where}: has a column {column!r} already; remove it or choose another model")
    size = sum(table.size for table in tables)
    with progress.task(f"scoring {file.name}", size) as advance:
        by_tree = {table.tree or "events": _scored(bundle, table, column, advance) for table in tables}
        rows = write_table(by_tree if tables[0].tree is not None else next(iter(by_tree.values())), output)
    left_out = tuple(name for table in tables for name in table.refused)
    return ScoredFile(path=output, rows=rows, left_out=tuple(dict.fromkeys(left_out)))


def _scored(bundle: Bundle, table: Table, column: str, advance: Advance) -> Iterator[pa.RecordBatch]:
    schema = bundle.schema
    aliases = dataset(schema.catalog).aliases if schema.catalog is not None else {}
    found = resolve(schema.features, table.names, aliases, path=table.where)
    features = [found[name] for name in schema.features]
    table.require_numbers(features)
    order = [name for name in table.names if name not in table.refused]
    numbers = [*features, *(name for name in table.numeric if name not in features)]
    others = [name for name in order if name not in numbers]
    first = 0
    for batch in table.batches(numbers, also=others, advance=advance):
        raw = np.stack([_float32(batch.column(name)) for name in features], axis=1)
        _require_finite(raw, bundle, table, features, first)
        scores = bundle.scores(raw)
        yield pa.RecordBatch.from_arrays(
            [*(batch.column(name) for name in order), pa.array(scores)], names=[*order, column]
        )
        first += batch.num_rows


def _float32(values: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    numbers = np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    with np.errstate(over="ignore"):  # what float32 can't hold becomes infinite and is refused below
        return numbers.astype(np.float32)


def _require_finite(
    raw: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    bundle: Bundle,
    table: Table,
    features: Sequence[str],
    first: int,
) -> None:
    """Only a model that learned what to put in place of missing values may score them."""
    if bundle.preparation.fill is not None:
        return
    bad = np.argwhere(~np.isfinite(raw))
    if len(bad):
        row, k = bad[0]
        raise DataError(
            f"{table.where}: row {table.row_number(first + int(row))}: {features[k]} is {raw[row, k]}; this model was "
            f"trained on finite values only ({len(np.unique(bad[:, 0]))} such rows near there): remove these rows"
        )


def describe(scored: Sequence[ScoredFile], column: str) -> str:
    """One line that says what was written."""
    rows = sum(file.rows for file in scored)
    where = scored[0].path if len(scored) == 1 else f"{len(scored)} files in {scored[0].path.parent}"
    lost = tuple(dict.fromkeys(name for file in scored for name in file.left_out))
    note = f"; left out (not one number a row): {shorten(lost)}" if lost else ""
    return f"{where}: {rows} rows with {column}{note}"
