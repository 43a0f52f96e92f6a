"""A file with raw features to the same file with a score column; columns are found by name or it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute

from hepsieve.config import DataConfig
from hepsieve.data.catalog import dataset
from hepsieve.data.columns import require_units, resolve
from hepsieve.data.open import holds_arrays, open_arrays, open_tables
from hepsieve.data.read_arrays import CONVERTED, conversions
from hepsieve.data.rows import feature_array
from hepsieve.data.table import Table
from hepsieve.data.write import write_table
from hepsieve.errors import DataError
from hepsieve.progress import Advance, Progress
from hepsieve.score.arrays import arrays_left_out, score_arrays
from hepsieve.score.bundle import Bundle, Schema

# The name of the note that selected rows carry along in a Parquet or ROOT file.
NOTE = "hepsieve_selection"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A stored working point: rows with ``score >= threshold`` are kept."""

    name: str
    threshold: float


@dataclass(frozen=True, kw_only=True)
class ScoredFile:
    """What became of one file.

    Attributes:
        path: the new file.
        rows: how many rows it has.
        read: how many rows were scored.
        left_out: columns or arrays that could not be carried along (jagged ones, or those whose name is taken).
        converted: of waveforms, that their numbers were of another type; empty where not.
    """

    path: Path
    rows: int
    read: int
    left_out: tuple[str, ...]
    converted: str = ""


def score_file(
    bundle: Bundle, file: Path, output: Path, *, column: str, selection: Selection | None, progress: Progress
) -> ScoredFile:
    """Add a score column to one file, and keep only the rows that pass where a selection is given.

    Args:
        bundle: the verified model.
        file: what to score.
        output: the new file.
        column: the name of the new column.
        selection: which rows to keep; all of them if not given.
        progress: shows how much is done.

    Raises:
        DataError: if the file can't be scored, or the new column's name is taken already.
    """
    columns = bundle.columns(column)
    opened = (
        _open_arrays(bundle, file, columns) if _arrays(bundle, file) else _open_tables(bundle, file, output, columns)
    )
    read: list[int] = []
    with progress.task(f"scoring {file.name}", opened.size) as advance:
        by_tree = {
            tree: _passing(batches, column, selection, read) for tree, batches in opened.batches(advance).items()
        }
        rows = write_table(
            by_tree if opened.in_trees else next(iter(by_tree.values())),
            output,
            notes={} if selection is None else {NOTE: _note(bundle, selection)},
        )
    return ScoredFile(path=output, rows=rows, read=sum(read), left_out=opened.left_out, converted=opened.converted)


def _arrays(bundle: Bundle, file: Path) -> bool:
    """Whether a file holds images or waveforms, rather than a table.

    Raises:
        DataError: if the model scores something else.
    """
    data = bundle.schema.data
    have: str = open_arrays(file, data)[0].form if holds_arrays(file, data) else "a table"
    want = {1: "tables", 2: "waveforms"}.get(len(bundle.shape), "images")
    if have not in (want, f"a {want.removesuffix('s')}"):
        raise DataError(f"{file}: holds {have}, but this model of task {bundle.schema.task} scores {want}")
    return want != "tables"


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A file that can be scored: its tables with a score column, by tree."""

    size: int
    batches: Callable[[Advance], dict[str, Iterator[pa.RecordBatch]]]
    in_trees: bool
    left_out: tuple[str, ...]
    converted: str = ""


def _open_tables(bundle: Bundle, file: Path, output: Path, columns: tuple[str, ...]) -> _Opened:
    tables = open_tables(file, _how_to_read(bundle.schema, file))
    for table in tables:
        if taken := [name for name in columns if name in table.names]:
            raise DataError(f"{table.where}: has a column {taken[0]!r} already; remove it or choose another model")
    untyped = output.suffix.lower() == ".csv"  # text stays the text it was
    return _Opened(
        size=sum(table.size for table in tables),
        batches=lambda advance: {
            table.tree or "events": _scored(bundle, table, columns, advance, untyped) for table in tables
        },
        in_trees=tables[0].tree is not None,
        left_out=tuple(dict.fromkeys(name for table in tables for name in table.refused)),
    )


def _open_arrays(bundle: Bundle, file: Path, columns: tuple[str, ...]) -> _Opened:
    arrays = open_arrays(file, bundle.schema.data)
    if taken := [name for name in columns if name in arrays[0].columns]:
        raise DataError(f"{file}: has an array {taken[0]!r} already; remove it or choose another model")
    return _Opened(
        size=sum(each.size for each in arrays),
        batches=lambda advance: {"events": score_arrays(bundle, arrays, columns, advance)},
        in_trees=False,
        left_out=arrays_left_out(bundle, arrays, columns),
        converted=conversions(arrays).get(CONVERTED, ""),
    )


def _passing(
    batches: Iterator[pa.RecordBatch], column: str, selection: Selection | None, read: list[int]
) -> Iterator[pa.RecordBatch]:
    """The rows that are kept; one batch at least, which tells the columns. ``read`` hears of every row."""
    empty = True
    for batch in batches:
        read.append(batch.num_rows)
        kept = batch if selection is None else batch.filter(pa.array(batch[column].to_numpy() >= selection.threshold))
        if kept.num_rows or empty:
            yield kept
        empty = False


def _note(bundle: Bundle, selection: Selection) -> str:
    schema = bundle.schema
    return json.dumps(
        {
            "task": schema.task,
            "model": schema.model,
            "working_point": selection.name,
            "threshold": selection.threshold,
        }
    )


def _how_to_read(schema: Schema, file: Path) -> DataConfig:
    """As the training files were read; trees that only those had do not bind new files."""
    data = schema.data.model_copy(update={"features": schema.features})
    if not data.trees or file.suffix != ".root":
        return data
    with suppress(DataError):
        open_tables(file, data)
        return data
    return data.model_copy(update={"trees": {}})


def _scored(
    bundle: Bundle, table: Table, names: tuple[str, ...], advance: Advance, untyped: bool
) -> Iterator[pa.RecordBatch]:
    schema = bundle.schema
    aliases = dataset(schema.data.catalog).aliases if schema.data.catalog is not None else {}
    found = resolve(schema.features, table.names, aliases, path=table.where)
    units = dict(zip(schema.features, schema.units, strict=True))
    require_units(found, units, path=table.where)
    features = [found[name] for name in schema.features]
    table.require_numbers(features)
    order = [name for name in table.names if name not in table.refused]
    others = [name for name in order if name not in features]
    kinds: dict[str, pa.DataType] = {}
    first = 0
    for batch in map(_trimmed, table.batches(features, also=others, advance=advance)):
        raw = feature_array(batch, features)
        _require_finite(raw, bundle, table, features, first)
        scores = map(pa.array, bundle.predict(raw))
        if not untyped and not kinds:
            kinds = {name: _kind(batch.column(name)) for name in others}
        columns = [_typed(batch.column(name), kinds.get(name), table, name) for name in order]
        yield pa.RecordBatch.from_arrays([*columns, *scores], names=[*order, *names])
        first += batch.num_rows


def _trimmed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Text without the blanks around it, which are no part of a number."""
    columns = [
        pyarrow.compute.utf8_trim_whitespace(values) if pa.types.is_string(values.type) else values
        for values in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _kind(values: pa.Array) -> pa.DataType:
    """The narrowest type of a column that a text file gave as text: whole numbers keep all their digits."""
    for kind in (pa.int64(), pa.float64()):
        with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            if pa.types.is_string(values.type):
                values.cast(kind)
                return kind
    return values.type


def _typed(values: pa.Array, kind: pa.DataType | None, table: Table, name: str) -> pa.Array:
    if kind is None or kind == values.type:
        return values
    try:
        return values.cast(kind)
    except pa.ArrowInvalid as error:
        text = " ".join(str(error).split())
        raise DataError(
            f"{table.where}: column {name!r} began as {kind} and goes on otherwise ({text}); write a .csv"
        ) from None


def _require_finite(
    raw: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    bundle: Bundle,
    table: Table,
    features: Sequence[str],
    first: int,
) -> None:
    """Only a model that learned what to put in place of missing values may score them."""
    if bundle.fills_missing:
        return
    bad = np.argwhere(~np.isfinite(raw))
    if len(bad):
        row, k = bad[0]
        raise DataError(
            f"{table.where}: row {table.row_number(first + int(row))}: {features[k]} is {raw[row, k]}; this model was "
            f"trained on finite values only ({len(np.unique(bad[:, 0]))} such rows near there): remove these rows"
        )
