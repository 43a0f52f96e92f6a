"""Events and tables turned into files, which appear only when they are whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from hepsieve.data.columns import shorten
from hepsieve.data.npy_stamp import write_npy
from hepsieve.data.stamp import KEY, Stamp, write_stamp
from hepsieve.data.table import BATCH_ROWS, Named
from hepsieve.errors import DataError
from hepsieve.events import Events
from hepsieve.manifest import new_file

Rows = Iterable[pa.RecordBatch]
_TREE = "events"
Form = Literal["tables", "images", "waveforms"]
_ENDINGS: Mapping[Form, tuple[str, ...]] = MappingProxyType(
    {
        "tables": (".parquet", ".npz", ".root"),
        "images": (".h5", ".hdf5", ".npz"),
        "waveforms": (".h5", ".hdf5", ".npz", ".npy"),
    }
)


def write_events(events: Events, path: Path) -> tuple[Path, ...]:
    """Write events as a file that says where they come from; ``read_files`` gives them back with the same origin.

    The label column is called ``label`` and holds 0 and 1, or as the target of a regression; ``weight`` is there unless
    all weights are 1, ``group`` where rows have one. Spectators keep their names; reading asks for them as of any other
    file.

    Args:
        events: a table of events, or images or waveforms; these go into arrays, of which HDF5 files call the one with
            pixels ``X`` and the one with classes ``y``, and all files the one with waveforms ``waveforms``.
        path: the new file: .parquet, .npz or .root; for images .h5, .hdf5 or .npz; for waveforms also .npy, which holds
            nothing else: the target of a regression then goes into a second file, ``1s2-d.npy`` beside ``1s2.npy``.

    Returns:
        The files that were written.

    Raises:
        DataError: if the format can't say that events are simulated, or can't hold them.
        HepsieveError: if the file can't be written; nothing is left there then.
    """
    form = _form(events)
    check_ending(path, holds=form, two_classes=events.scale is None and len(np.unique(events.target)) > 1)
    hdf5 = path.suffix.lower() in (".h5", ".hdf5")
    usual = "y" if hdf5 else "label"
    named = Named(
        label=usual if events.scale is None else events.scale.name,
        weight=None if bool(np.all(events.weight == 1)) else "weight",
        group=None if events.group is None else "group",
        scale=events.scale,
    )
    array = "waveforms" if form == "waveforms" else "X" if hdf5 else "features"
    own = {named.label or "label", "label", "weight", "group", *((array, "y") if form != "tables" else ())}
    if clash := sorted(own & {*events.names, *events.spectator_names}):
        raise DataError(f"{path}: a column is called {clash[0]!r} like a column of the events' own; rename it")
    stamp = Stamp(origin=events.origin, named=named, units=dict(zip(events.names, events.units, strict=True)))
    match path.suffix.lower():
        case ".parquet" | ".root":
            _write({_TREE: _event_batches(events, named)}, path, {KEY: write_stamp(stamp)})
        case ".npz":
            texts = {"names": np.array(events.names), KEY: np.array(write_stamp(stamp))}
            arrays: dict[str, Any] = {array: events.features, **_beside(events, named, slice(None)), **texts}
            with new_file(path) as temporary:
                np.savez(temporary, **arrays)
        case ".npy":
            return _write_alone(events, stamp, path)
        case _:
            from hepsieve.data.write_hdf5 import write_hdf5  # h5py takes its time, and only this format needs it

            beside = _beside(events, named, slice(None))
            write_hdf5(events.features, beside, events.names, write_stamp(stamp), path, array=array)
    return (path,)


def check_ending(path: Path, *, holds: Form, two_classes: bool = False) -> None:
    """Pass if a file with this ending can hold such events, and say that they are simulated.

    Args:
        path: the new file.
        holds: what the events are.
        two_classes: whether a file must say which of them are signal.

    Raises:
        DataError: naming the endings that can.
    """
    ending, known = path.suffix.lower(), _ENDINGS[holds]
    if ending == ".npy" and two_classes and ending in known:
        raise DataError(
            f"{path}: a .npy file holds {holds} alone, not which of them are signal; use .npz or .h5, or write each "
            "class into a file of its own"
        )
    if ending in known:
        return
    use = f"use {', '.join(known[:-1])} or {known[-1]}"
    if ending in (".csv", ".gz", ".dat", ".txt"):
        raise DataError(f"{path}: a CSV file can't say that its events are simulated; {use}")
    what = "events" if holds == "tables" else holds
    raise DataError(f"{path}: can't write {what} as {ending or 'a nameless format'}; {use}")


def _form(events: Events) -> Form:
    match events.features.ndim:
        case 2:
            return "tables"
        case 3:
            return "waveforms"
        case _:
            return "images"


def _write_alone(events: Events, stamp: Stamp, path: Path) -> tuple[Path, ...]:
    """Waveforms without what stands beside them, but for the target of a regression in a file of its own."""
    write_npy(events.features, events.names, stamp, path)
    if events.scale is None or not np.nan_to_num(events.target).any():  # of one pulse there is nothing to tell
        return (path,)
    beside = path.with_name(f"{path.stem}-{events.scale.name}.npy")
    write_npy(np.asarray(events.target), (), stamp, beside)
    return (path, beside)


def write_table(
    table: Rows | Mapping[str, Rows], path: Path, *, notes: Mapping[str, str] = MappingProxyType({})
) -> int:
    """Write columns as a file, batch by batch.

    Args:
        table: batches of the same columns, at least one; for .root also several such tables by the name of their tree.
        path: the new file: .csv, .parquet, .root, .npz or .h5.
        notes: texts that the file carries along, by name; CSV and .npz files have no place for them.

    Returns:
        The number of rows.

    Raises:
        DataError: if the format is unknown, or can't hold several tables or a column.
        HepsieveError: if the file can't be written; nothing is left there then.
    """
    return _write(table if isinstance(table, Mapping) else {_TREE: table}, path, notes)


def _write(tables: Mapping[str, Rows], path: Path, notes: Mapping[str, str]) -> int:
    write: Callable[[Path, Rows, Mapping[str, str]], int]
    match path.suffix.lower():
        case ".root":
            with new_file(path) as temporary:
                return _write_root(temporary, tables, notes, path)
        case ".csv":
            write = _write_csv
        case ".parquet":
            write = _write_parquet
        case ".npz" | ".h5" | ".hdf5":
            write = partial(_write_arrays, path=path)
        case suffix:
            known = ".csv, .parquet, .root, .npz or .h5"
            raise DataError(f"{path}: can't write {suffix or 'a nameless format'}; use {known}")
    if len(tables) != 1:
        raise DataError(f"{path}: holds one table, not {len(tables)} ({shorten(tables)}); write .root, or one by one")
    with new_file(path) as temporary:
        return write(temporary, next(iter(tables.values())), notes)


def _write_csv(file: Path, rows: Rows, notes: Mapping[str, str]) -> int:
    batches, first = _begin(rows)
    with pyarrow.csv.CSVWriter(
        str(file), first.schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed")
    ) as out:
        return _copy(batches, out.write_batch)


def _write_parquet(file: Path, rows: Rows, notes: Mapping[str, str]) -> int:
    batches, first = _begin(rows)
    schema = first.schema.with_metadata(dict(notes) or None)
    # Checksums per page: without them a flipped bit is read as a number.
    with pyarrow.parquet.ParquetWriter(str(file), schema, compression="zstd", write_page_checksum=True) as out:
        return _copy(batches, lambda batch: out.write_batch(batch.replace_schema_metadata(schema.metadata)))


def _write_root(file: Path, tables: Mapping[str, Rows], notes: Mapping[str, str], path: Path) -> int:
    import uproot  # slow to import, and only this format needs it

    total = 0
    with uproot.recreate(file) as out:
        for name, rows in tables.items():
            batches, first = _begin(rows)
            tree = out.mktree(name, {column: _branch_type(first, column, path) for column in first.schema.names})
            for batch in batches:
                tree.extend(_arrays(batch))
                total += batch.num_rows
        for key, text in notes.items():
            out[key] = text
    return total


def _write_arrays(file: Path, rows: Rows, notes: Mapping[str, str], *, path: Path) -> int:
    from hepsieve.data.write_columns import write_hdf5_columns, write_npz_columns  # h5py takes its time

    if path.suffix.lower() == ".npz":
        return write_npz_columns(file, rows, path)
    return write_hdf5_columns(file, rows, notes, path)


def _branch_type(batch: pa.RecordBatch, column: str, path: Path) -> np.dtype[Any]:
    kind = batch.column(column).type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise DataError(f"{path}: column {column!r} is of type {kind}; a ROOT file takes columns of numbers only")
    return np.dtype(np.float64 if batch.column(column).null_count else kind.to_pandas_dtype())


def _arrays(batch: pa.RecordBatch) -> dict[str, NDArray[Any]]:
    return {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}


def _begin(rows: Rows) -> tuple[Iterator[pa.RecordBatch], pa.RecordBatch]:
    """The batches, and a look at the first."""
    batches = iter(rows)
    first = next(batches)
    return chain([first], batches), first


def _copy(batches: Iterator[pa.RecordBatch], write: Callable[[pa.RecordBatch], None]) -> int:
    rows = 0
    for batch in batches:
        write(batch)
        rows += batch.num_rows
    return rows


def _event_batches(events: Events, named: Named) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(events), BATCH_ROWS):
        part = slice(start, start + BATCH_ROWS)
        features = np.asarray(events.features[part])
        columns = {name: np.ascontiguousarray(features[:, k]) for k, name in enumerate(events.names)}
        yield pa.RecordBatch.from_pydict({**columns, **_beside(events, named, part)})


def _beside(events: Events, named: Named, part: slice) -> dict[str, NDArray[Any]]:
    """The columns of these rows that are no features."""
    columns: dict[str, NDArray[Any]] = {named.label or "label": np.asarray(events.target[part])}
    if named.weight is not None:
        columns["weight"] = np.asarray(events.weight[part])
    if events.group is not None:
        columns["group"] = np.asarray(events.group[part])
    for name in events.spectator_names:
        columns[name] = np.ascontiguousarray(events.spectator(name)[part])
    return columns
