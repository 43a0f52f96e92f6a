"""Files turned into Events: columns found by name, labels mapped to 0 and 1, numbers made float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.types
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.arrays import EventArray, expected_form
from hepsieve.data.catalog import Dataset, ImageSet, WaveformSet, dataset, entry
from hepsieve.data.channels import channel_names
from hepsieve.data.chunks import Chunk, Plan, gather, joint_origin
from hepsieve.data.column_file import holds_column
from hepsieve.data.columns import require_units, resolve, split_unit
from hepsieve.data.consecutive import ConsecutiveGroups
from hepsieve.data.labels import as_classes, group_numbers, neither, wrong_labels
from hepsieve.data.measured import Use, scale_of
from hepsieve.data.open import holds_arrays, open_arrays, open_tables, require_file
from hepsieve.data.parameter import Parameter
from hepsieve.data.read_arrays import plan_arrays
from hepsieve.data.roles import Roles, assign, choose_columns
from hepsieve.data.select import select
from hepsieve.data.store import prepared
from hepsieve.data.table import Table
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, FloatArray
from hepsieve.progress import Progress, Silent

_SILENT = Silent()


def read_files(
    paths: Sequence[Path],
    data: DataConfig,
    *,
    cache: Path | None = None,
    use: Use = "learn",
    progress: Progress = _SILENT,
) -> Events:
    """The events of these files, in their order.

    Args:
        paths: CSV, Parquet, ROOT, .npy or .npz files with the same columns; or HDF5, .npy or .npz files with images of
            the same size and channels, or waveforms of the same length and channels. Beside these a .npy file of shape
            (n,) or (n, 1) holds their targets, or another column.
        data: which columns to take for what.
        cache: a folder for prepared stores. With it the events are memory-mapped, a second call opens what the first
            one wrote (as long as the files didn't change), and memory doesn't grow with the number of rows.
        use: ``learn`` wants every target known; to ``apply`` a regression, targets may be missing, and are NaN then.
        progress: shows how much is read.

    Raises:
        DataError: naming file, row and column of what can't be read.
        HepsieveError: if the store can't be written.
    """
    if not paths:
        raise DataError("no file to read; give --data FILE, or data.files in the task file")
    for path in paths:
        require_file(path)
    if cache is not None:
        return prepared(paths, data, cache, lambda: _plan(paths, data, progress, use), use=use)
    return gather(_plan(paths, data, progress, use), paths)


def require_catalog(path: Path, data: DataConfig) -> None:
    """Pass if a file has the features of the data set that ``data.catalog`` names, or such images or waveforms.

    Raises:
        DataError: if it has others.
        ConfigError: if there is no such data set.
    """
    known = entry(data.catalog) if data.catalog is not None else None
    match known:
        case Dataset():
            for table in open_tables(path, data):
                resolve(known.feature_names, table.names, known.aliases, path=table.where)
        case ImageSet() | WaveformSet():
            for events in open_arrays(path, data):
                channel_names(events, data)
                if isinstance(known, WaveformSet) and not holds_arrays(path, DataConfig()):
                    _require_expected_length(events, known)
        case None:
            raise ConfigError("data.catalog: names no data set")


def _require_expected_length(events: EventArray, known: WaveformSet) -> None:
    """Pass if an array that might be a table has as many columns as such waveforms usually have samples."""
    if events.shape[1] != known.samples:
        raise DataError(f"{events.where} has {events.shape[1]:,} columns; waveforms of {known.name} {known.samples:,}")


def has_targets(path: Path, data: DataConfig) -> bool:
    """Whether a file says what there is to learn, as far as can be told without reading its events."""
    try:
        _plan([path], data, _SILENT, "learn")
    except (DataError, ConfigError):
        return False
    return True


def feature_array(batch: pa.RecordBatch, columns: Sequence[str]) -> FloatArray:
    """These columns as float32, shape (rows, columns): missing is NaN, and what float32 can't hold is infinite."""
    by_column = np.empty((len(columns), batch.num_rows), np.float32)
    # The audit names infinities; numpy's warning would only say that there was one.
    with np.errstate(over="ignore"):
        for k, column in enumerate(columns):
            by_column[k] = _numbers(batch.column(column))
    return np.ascontiguousarray(by_column.T)


def _plan(paths: Sequence[Path], data: DataConfig, progress: Progress, use: Use) -> Plan:
    """What is to be read, found out from the beginnings of the files."""
    return select(_plan_all(paths, data, progress, use), data)


def _plan_all(paths: Sequence[Path], data: DataConfig, progress: Progress, use: Use) -> Plan:
    columns = [path for path in paths if holds_column(path)]
    arrays = [path for path in paths if path not in columns and holds_arrays(path, data)]
    expected = expected_form(data)
    if arrays and len(arrays) + len(columns) == len(paths):
        return plan_arrays(paths, columns, data, progress, use=use)
    if arrays:
        table = next(path for path in paths if path not in arrays and path not in columns)
        what = open_arrays(arrays[0], data)[0].form
        raise DataError(f"{arrays[0]} holds {what}, and {table} a table; they can't be read as one")
    if columns and expected is not None:
        raise DataError(f"{columns[0]}: one number a row, and no {expected} that they belong to; give their file too")
    if expected is not None:
        raise DataError(f"{paths[0]}: a table, but {data.catalog} (data.catalog) is a data set of {expected}")
    return _plan_tables(paths, data, progress, use)


def _plan_tables(paths: Sequence[Path], data: DataConfig, progress: Progress, use: Use) -> Plan:
    tables = [table for path in paths for table in open_tables(path, data)]
    _require_trees(tables, data, paths)
    shared = choose_columns(tables, data, use=use)
    roles = [assign(table, data, shared, use=use) for table in tables]
    if len({r.grouped for r in roles}) > 1 or len({r.weight is None for r in roles}) > 1:
        raise DataError(f"{tables[0].path} and {tables[-1].path}: only one of them has weights or groups")
    units = _units(roles[0], tables[0], data)
    for table, role in zip(tables, roles, strict=True):
        require_units(role.features, units, path=table.where)
    tolerance = data.group_consecutive.tolerance if data.group_consecutive is not None else 0.0
    wanted = data.parameter
    parameter = Parameter.find(wanted, shared.features, shared.spectators) if wanted is not None else None
    return Plan(
        names=shared.features,
        shape=(len(shared.features),),
        units=tuple(units.values()),
        spectators=shared.spectators,
        tables=len(tables),
        grouped=roles[0].grouped,
        chunks=lambda: _chunks(tables, roles, tolerance, parameter, progress),
        origin=partial(joint_origin, [(table.path, table.origin) for table in tables], shared.dropped),
        scale=None if data.target is None else scale_of(data.target),
    )


def _chunks(
    tables: Sequence[Table],
    roles: Sequence[Roles],
    tolerance: float,
    parameter: Parameter | None,
    progress: Progress,
) -> Iterator[Chunk]:
    files = list(dict.fromkeys(str(table.path.name) for table in tables))
    with progress.task(f"reading {', '.join(files[:3])}", sum(table.size for table in tables)) as advance:
        for index, (table, role) in enumerate(zip(tables, roles, strict=True)):
            row = 0
            runs = ConsecutiveGroups(tolerance)
            for batch in table.batches(role.columns, advance=advance):
                chunk = _chunk(batch, role, table, row, index, runs)
                if parameter is not None:
                    parameter.settle(chunk, table, row)
                yield chunk
                row += batch.num_rows


def _chunk(batch: pa.RecordBatch, roles: Roles, table: Table, first: int, index: int, runs: ConsecutiveGroups) -> Chunk:
    weight = None if roles.weight is None else feature_array(batch, [roles.weight])[:, 0]
    return Chunk(
        table=index,
        features=feature_array(batch, list(roles.features.values())),
        target=_target(batch, roles, table, first),
        weight=np.ones(batch.num_rows, np.float32) if weight is None else weight,
        group=_group(batch, roles, table, first, runs),
        spectators=_columns(batch, tuple(roles.spectators.values())) if roles.spectators else None,
    )


def _columns(batch: pa.RecordBatch, columns: Sequence[str]) -> NDArray[np.float64]:
    return np.stack([np.asarray(_numbers(batch.column(name)), np.float64) for name in columns], axis=1)


def _group(
    batch: pa.RecordBatch, roles: Roles, table: Table, first: int, runs: ConsecutiveGroups
) -> NDArray[np.int64] | None:
    if roles.group is not None:
        return _codes(batch.column(roles.group), roles.group, table, first)
    return runs.groups(_columns(batch, roles.consecutive)) if roles.consecutive else None


def _numbers(column: pa.Array) -> NDArray[Any]:
    """A column as numpy numbers; missing ones become NaN."""
    if not pyarrow.types.is_floating(column.type) or column.null_count:
        column = pyarrow.compute.cast(column, pa.float64(), safe=False)
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _target(batch: pa.RecordBatch, roles: Roles, table: Table, first: int) -> NDArray[np.float32]:
    """Shares of a full scale; or labels as 0 and 1, of which NaN stays for the audit to decide about."""
    if roles.label is None:
        return np.full(batch.num_rows, np.nan if roles.label_is is None else roles.label_is, np.float32)
    values = _numbers(batch.column(roles.label))
    if roles.measured is not None:
        return roles.measured.shares(
            values, lambda row: f"{table.where}: row {table.row_number(first + row)}, column {roles.label!r}"
        )
    target = as_classes(values, roles.label_values)
    if len(wrong := wrong_labels(values, target)):
        raise DataError(
            f"{table.where}: row {table.row_number(first + int(wrong[0]))}, column {roles.label!r}: "
            f"{neither(values[wrong[0]], roles.label_values)}; "
            f"{_label_at_the_end(batch, roles, table) or 'see data.label_values'}"
        )
    if roles.label_is is not None and len(wrong := np.flatnonzero(target == 1 - roles.label_is)):
        raise DataError(
            f"{table.where}: row {table.row_number(first + int(wrong[0]))}: column {roles.label!r} says "
            f"{values[wrong[0]]:g}, but the whole {'file' if table.tree is None else 'tree'} should be of class "
            f"{roles.label_is}"
        )
    return target


def _label_at_the_end(batch: pa.RecordBatch, roles: Roles, table: Table) -> str | None:
    """What to do if not the column that was taken for the label looks like one, but the last column of the file."""
    last = table.names[-1]
    if last == roles.label or last not in batch.schema.names:
        return None
    allowed = [value for side in roles.label_values for value in side]
    found = np.unique(_numbers(batch.column(last)))
    if len(found) < 2 or not np.isin(found, allowed).all():
        return None
    return f"if the last column is the label, set data.label to {len(table.names) - 1}"


def _codes(column: pa.Array, name: str, table: Table, first: int) -> NDArray[np.int64]:
    if pyarrow.types.is_integer(column.type) and not column.null_count:
        return group_numbers(np.asarray(column.to_numpy(zero_copy_only=False)))
    values = _numbers(column)
    if len(wrong := np.flatnonzero(~np.isfinite(values))):
        row = table.row_number(first + int(wrong[0]))
        raise DataError(f"{table.where}: row {row}, column {name!r}: group {values[wrong[0]]} is no number")
    return group_numbers(values)


def _require_trees(tables: Sequence[Table], data: DataConfig, paths: Sequence[Path]) -> None:
    missing = [name for name in data.trees if name not in {table.tree for table in tables}]
    if missing and any(table.tree is not None for table in tables):
        found = ", ".join(dict.fromkeys(table.tree for table in tables if table.tree is not None))
        raise DataError(f"{paths[0]}: no tree {', '.join(missing)} in any file; found {found} (data.trees)")


def _units(roles: Roles, table: Table, data: DataConfig) -> dict[str, str]:
    """The unit of each feature: the catalog's, what the file says of it, or what its name ends with."""
    known = dataset(data.catalog).units if data.catalog is not None else {}
    said = {name: table.units.get(column, split_unit(column)[1]) for name, column in roles.features.items()}
    return {name: known.get(name, unit) for name, unit in said.items()}
