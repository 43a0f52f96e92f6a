"""Files of images or waveforms turned into a plan to read them: channels by name, targets from arrays or files."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.array_roles import ArrayRoles, assign_arrays, shared_spectators
from hepsieve.data.arrays import Block, EventArray
from hepsieve.data.channels import choose_channels, known_set
from hepsieve.data.chunks import Chunk, Plan, joint_origin
from hepsieve.data.column_file import owners, with_columns
from hepsieve.data.columns import normalise
from hepsieve.data.labels import as_classes, group_numbers, neither, wrong_labels
from hepsieve.data.measured import Use, scale_of
from hepsieve.data.open import open_arrays
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import FloatArray, IntArray
from hepsieve.progress import Progress

CONVERTED = "number type"
"""The detail of an origin that says what was converted."""


def plan_arrays(
    paths: Sequence[Path], columns: Sequence[Path], data: DataConfig, progress: Progress, *, use: Use = "learn"
) -> Plan:
    """What is to be read of these files, found out from what they say about their arrays.

    Args:
        paths: all files, in their order.
        columns: those of them that hold nothing but one number an event.
        data: the configuration.
        progress: shows how much is read.
        use: what the events are read for.

    Raises:
        DataError: if a file holds no events, or other ones than the first file or the catalog.
        ConfigError: if a setting has no meaning for such events.
    """
    arrays = [each for path, beside in owners(paths, columns).items() for each in _open(path, beside, data)]
    _refuse_settings_of_tables(data, arrays[0])
    names, dropped = choose_channels(arrays, data)
    _require_one_size(arrays)
    spectators, lost = shared_spectators(arrays, data, use)
    roles = [assign_arrays(each, names, spectators, data, use) for each in arrays]
    for what in ("weight", "group"):
        if len({getattr(role, what) is None for role in roles}) > 1:
            raise DataError(f"{arrays[0].path} and {arrays[-1].path}: only one of them has {what}s")
    parts = [(each.path, each.origin) for each in arrays]
    return Plan(
        names=names,
        shape=(*arrays[0].shape[1:-1], len(names)),
        units=_units(arrays[0], names, data),
        spectators=spectators,
        tables=len(arrays),
        grouped=roles[0].group is not None,
        chunks=lambda: _chunks(arrays, roles, progress),
        origin=partial(joint_origin, parts, (*dropped, *lost), notes=conversions(arrays)),
        scale=None if data.target is None else scale_of(data.target),
    )


def values_of(block: Block, channels: Sequence[int]) -> FloatArray:
    """These channels as float32, shape (b, …, channels); what float32 can't hold is infinite."""
    values = block.values
    if list(channels) != list(range(values.shape[-1])):
        values = values[..., list(channels)]
    # The audit names infinities; numpy's warning would only say that there was one.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32)


def conversions(arrays: Sequence[EventArray]) -> Mapping[str, str]:
    """That waveforms were of another number type in their files, under the name `CONVERTED`; nothing of float32."""
    kinds = {each.path.name: each.dtype.newbyteorder("=") for each in arrays if each.form == "waveforms"}
    other = {name: kind for name, kind in kinds.items() if kind != np.float32}
    if not other:
        return {}
    return {CONVERTED: f"{', '.join(f'{kind} in {name}' for name, kind in other.items())}: converted to float32"}


def _open(path: Path, columns: Sequence[Path], data: DataConfig) -> tuple[EventArray, ...]:
    opened = open_arrays(path, data)
    if columns and len(opened) > 1:
        raise DataError(f"{path}: has {len(opened)} arrays of events; which of them {columns[0]} belongs to is unknown")
    return tuple(with_columns(each, columns, data) for each in opened)


def _refuse_settings_of_tables(data: DataConfig, events: EventArray) -> None:
    for name in ("group_consecutive", "parameter"):
        if getattr(data, name) is not None:
            raise ConfigError(f"data.{name}: is about the columns of tables; {events.form} have none, so leave it out")
    if isinstance(data.label, int):
        raise ConfigError(f"data.label: {data.label} is a position in a table; arrays beside {events.form} are named")


def _require_one_size(arrays: Sequence[EventArray]) -> None:
    first = arrays[0]
    for other in arrays:
        if other.form != first.form:
            raise DataError(
                f"{first.path} holds {first.form}, and {other.path} {other.form}; they can't be read as one"
            )
        if other.shape[1:-1] != first.shape[1:-1]:
            what = "size" if first.form == "images" else "length"
            raise DataError(
                f"{other.where} holds {size_words(other)}, but {first.path} {_extent(first)}; all must be of one {what}"
            )


def size_words(events: EventArray) -> str:
    """What an array holds, with the size of one of them."""
    return f"{events.form} {_extent(events)}"


def _extent(events: EventArray) -> str:
    if events.form == "images":
        return f"of {events.shape[1]} × {events.shape[2]}"
    return f"of {events.shape[1]:,} samples"


def _units(events: EventArray, names: Sequence[str], data: DataConfig) -> tuple[str, ...]:
    """The unit of each channel: the catalog's, or what the file says of it in its own spelling."""
    known = known_set(events, data)
    units = known.units if known is not None else {}
    said = {normalise(name): unit for name, unit in events.units.items()}
    return tuple(units.get(name, said.get(normalise(name), "")) for name in names)


def _chunks(
    arrays: Sequence[EventArray], roles: Sequence[ArrayRoles], progress: Progress
) -> Generator[Chunk, None, None]:
    files = list(dict.fromkeys(each.path.name for each in arrays))
    with progress.task(f"reading {', '.join(files[:3])}", sum(each.size for each in arrays)) as advance:
        for index, (each, role) in enumerate(zip(arrays, roles, strict=True)):
            first = 0
            for block in each.blocks(role.columns, advance=advance):
                yield _chunk(block, role, each, first, index)
                first += len(block.values)


def _chunk(block: Block, roles: ArrayRoles, events: EventArray, first: int, index: int) -> Chunk:
    columns, count = block.columns, len(block.values)
    nothing = np.full(count, np.nan)
    spectators = [nothing if name is None else columns[name].astype(np.float64) for name in roles.spectators]
    return Chunk(
        table=index,
        features=values_of(block, roles.channels),
        target=_target(block, roles, events, first),
        weight=np.ones(count, np.float32) if roles.weight is None else columns[roles.weight].astype(np.float32),
        group=None if roles.group is None else _groups(columns[roles.group], roles.group, events, first),
        spectators=np.stack(spectators, axis=1) if spectators else None,
    )


def _target(block: Block, roles: ArrayRoles, events: EventArray, first: int) -> FloatArray:
    """Shares of a full scale; or classes as 0 and 1, of which NaN stays for the audit to decide about."""
    if roles.label is None:
        return np.full(len(block.values), np.nan if roles.label_is is None else roles.label_is, np.float32)
    name, values = roles.label, block.columns[roles.label]
    if roles.measured is not None:
        return roles.measured.shares(values, lambda row: events.place(name, first + row))
    target = as_classes(values, roles.label_values)
    if len(wrong := wrong_labels(values, target)):
        raise DataError(
            f"{events.place(name, first + int(wrong[0]))}: {neither(values[wrong[0]], roles.label_values)}; "
            "see data.label_values"
        )
    if roles.label_is is not None and len(wrong := np.flatnonzero(target == 1 - roles.label_is)):
        raise DataError(
            f"{events.place(name, first + int(wrong[0]))} says {values[wrong[0]]:g}, but the whole file should be "
            f"of class {roles.label_is} (data.file_labels)"
        )
    return target


def _groups(values: NDArray[Any], name: str, events: EventArray, first: int) -> IntArray:
    if len(wrong := np.flatnonzero(~np.isfinite(values))):
        raise DataError(f"{events.place(name, first + int(wrong[0]))}: group {values[wrong[0]]} is no number")
    return group_numbers(values)
