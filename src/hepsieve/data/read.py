"""Files turned into Events: columns found by name, labels mapped to 0 and 1, numbers made float32."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from hepsieve import spill
from hepsieve.config import DataConfig
from hepsieve.data.arrays import EventArray, expected_form
from hepsieve.data.catalog import Dataset, ImageSet, WaveformSet, dataset, entry
from hepsieve.data.channels import channel_names
from hepsieve.data.chunks import Chunk, Plan, gather, joint_origin
from hepsieve.data.column_file import holds_column
from hepsieve.data.columns import require_units, resolve, split_unit
from hepsieve.data.measured import Use, scale_of
from hepsieve.data.objects import require_objects, with_objects
from hepsieve.data.open import holds_arrays, open_arrays, open_tables, require_file
from hepsieve.data.parameter import Parameter
from hepsieve.data.read_arrays import plan_arrays
from hepsieve.data.roles import Roles, assign, choose_columns
from hepsieve.data.rows import table_chunks
from hepsieve.data.select import select
from hepsieve.data.shared_reading import Share, shared_chunks
from hepsieve.data.store import prepared, store_key
from hepsieve.data.table import Table
from hepsieve.engines import Jobs
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events
from hepsieve.progress import Progress, Silent

_SILENT = Silent()


def read_files(
    paths: Sequence[Path],
    data: DataConfig,
    *,
    cache: Path | None = None,
    use: Use = "learn",
    jobs: Jobs = 1,
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
        jobs: who shares the reading of several tables; any number gives the same events. One file, images and waveforms
            are read in this process, and so are few bytes where processes would have to be started for them. A script
            with more than one must guard its main part with ``if __name__ == "__main__":``.
        progress: shows how much is read.

    Raises:
        ConfigError: if an object of ``data.objects`` has a column that is no feature.
        DataError: naming file, row and column of what can't be read.
        HepsieveError: if the store can't be written.
        WorkerLost: naming the file whose workers died.
    """
    if not paths:
        raise DataError("no file to read; give --data FILE, or data.files in the task file")
    for path in paths:
        require_file(path)
    require_objects(data)
    share = None
    if jobs != 1:
        below = cache if cache is not None else spill.scratch_folder()
        share = Share(jobs=jobs, below=below, name=store_key(paths, data, use=use))
    if cache is not None:
        events = prepared(paths, data, cache, lambda: _plan(paths, data, progress, use, share), use=use)
    else:
        events = gather(_plan(paths, data, progress, use, share), paths)
    return with_objects(events, data)


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


def _plan(paths: Sequence[Path], data: DataConfig, progress: Progress, use: Use, share: Share | None = None) -> Plan:
    """What is to be read, found out from the beginnings of the files."""
    return select(_plan_all(paths, data, progress, use, share), data)


def _plan_all(paths: Sequence[Path], data: DataConfig, progress: Progress, use: Use, share: Share | None) -> Plan:
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
    return _plan_tables(paths, data, progress, use, share)


def _plan_tables(paths: Sequence[Path], data: DataConfig, progress: Progress, use: Use, share: Share | None) -> Plan:
    tables = [table for path in paths for table in open_tables(path, data)]
    _require_trees(tables, data, paths)
    shared = choose_columns(tables, data, use=use)
    roles = [assign(table, data, shared, use=use) for table in tables]
    if len({r.grouped for r in roles}) > 1 or len({r.weight is None for r in roles}) > 1:
        raise DataError(f"{tables[0].path} and {tables[-1].path}: only one of them has weights or groups")
    units = _units(roles[0], tables[0], data)
    for table, role in zip(tables, roles, strict=True):
        require_units(role.features, units, path=table.where)
    wanted = data.parameter
    parameter = Parameter.find(wanted, shared.features, shared.spectators) if wanted is not None else None
    return Plan(
        names=shared.features,
        shape=(len(shared.features),),
        units=tuple(units.values()),
        spectators=shared.spectators,
        tables=len(tables),
        grouped=roles[0].grouped,
        chunks=partial(_chunks, tables, roles, data, parameter, share, progress),
        origin=partial(joint_origin, [(table.path, table.origin) for table in tables], shared.dropped),
        scale=None if data.target is None else scale_of(data.target),
    )


def _chunks(
    tables: Sequence[Table],
    roles: Sequence[Roles],
    data: DataConfig,
    parameter: Parameter | None,
    share: Share | None,
    progress: Progress,
) -> Generator[Chunk, None, None]:
    tolerance = data.group_consecutive.tolerance if data.group_consecutive is not None else 0.0
    if share is not None and share.is_worth_it(tables):
        yield from shared_chunks(
            tables, roles, data, tolerance=tolerance, parameter=parameter, share=share, progress=progress
        )
        return
    files = list(dict.fromkeys(str(table.path.name) for table in tables))
    with progress.task(f"reading {', '.join(files[:3])}", sum(table.size for table in tables)) as advance:
        for index, (table, role) in enumerate(zip(tables, roles, strict=True)):
            yield from table_chunks(table, role, index=index, tolerance=tolerance, parameter=parameter, advance=advance)


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
