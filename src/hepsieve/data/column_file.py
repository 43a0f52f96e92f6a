"""Arrays of one number an event in files of their own, put beside the events that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from hepsieve.config import DataConfig
from hepsieve.data.arrays import Block, Blocks, EventArray, is_number, label_names, one
from hepsieve.data.column_array import find_column, read_column
from hepsieve.data.npy_stamp import npy_stamp
from hepsieve.errors import DataError
from hepsieve.progress import Advance


def holds_column(path: Path) -> bool:
    """Whether all that a .npy, .npz or HDF5 file holds is an array of shape (n,) or (n, 1).

    Raises:
        DataError: if it can't be opened.
    """
    return find_column(path) is not None


def owners(paths: Sequence[Path], columns: Sequence[Path]) -> dict[Path, list[Path]]:
    """The files of columns that belong to each file of events.

    As many columns as files of events belong together in their order; else a column belongs to the events that are
    named before it.

    Args:
        paths: all files in their order, at least one of events among them.
        columns: those that hold a column.

    >>> x, y, d = Path("x.npy"), Path("y.npy"), Path("d.npy")
    >>> owners([x, y, d], [d]) == {x: [], y: [d]}
    True
    """
    events = [path for path in paths if path not in columns]
    if len(columns) == len(events):
        return {path: [column] for path, column in zip(events, columns, strict=True)}
    belonging: dict[Path, list[Path]] = {path: [] for path in events}
    current = events[0]
    for path in paths:
        if path in belonging:
            current = path
        else:
            belonging[current].append(path)
    return belonging


def with_columns(events: EventArray, columns: Sequence[Path], data: DataConfig) -> EventArray:
    """An array of events with the columns of other files, called by their names; one of them may be the target.

    The array in a .npz or HDF5 file has a name; that in a .npy file is called as the file is, without its ending and
    without the name of the events' file before it: ``2s2-d.npy`` beside ``2s2.npy`` is ``d``. What hepsieve itself
    wrote into the file of the target says what it measures.

    Raises:
        DataError: if a column holds no numbers, or has the name of another.
    """
    files: dict[str, Path] = {}
    for path in columns:
        found = find_column(path)
        name = found.name if found is not None and found.name else _called(path, events.path)
        if name in files or name in events.columns:
            other = files.get(name, events.path)
            raise DataError(f"{path}: {name} stands in {other} too; give one of them")
        files[name] = path
    if not files:
        return events
    lengths = {name: _length(path, events) for name, path in files.items()}
    label = events.label or _label(list(files), data)
    written = npy_stamp(files[label]) if label in files and files[label].suffix.lower() == ".npy" else None
    return replace(
        events,
        columns={**events.columns, **lengths},
        files=files,
        label=label,
        named=events.named if written is None else replace(events.named, label=label, scale=written[1].named.scale),
        blocks=partial(_blocks, events.blocks, files),
    )


def _label(names: Sequence[str], data: DataConfig) -> str | None:
    """The column with the targets: one that is called so, or the only one without another part."""
    if (known := next((name for name in label_names(data) if name in names), None)) is not None:
        return known
    free = [name for name in names if name not in (*data.spectators, *data.select, data.weight, data.group)]
    return free[0] if len(free) == 1 else None


def _called(path: Path, events: Path) -> str:
    return path.stem.removeprefix(events.stem).lstrip("-_. ") or path.stem


def _length(path: Path, events: EventArray) -> int:
    array = find_column(path)
    if array is None or not is_number(array.dtype):
        what = "no array with one number an event" if array is None else f"of type {array.dtype}"
        raise DataError(f"{path}: is {what}, not one number {one(events.form)}")
    return array.length


def _blocks(
    own: Blocks, files: Mapping[str, Path], columns: Sequence[str], *, advance: Advance | None = None
) -> Iterator[Block]:
    first = 0
    for block in own([name for name in columns if name not in files], advance=advance):
        rows = slice(first, first + len(block.values))
        beside = {name: read_column(files[name], rows) for name in columns if name in files}
        yield replace(block, columns={**block.columns, **beside})
        first = rows.stop
