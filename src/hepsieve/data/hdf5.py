"""HDF5 files with an array of images or waveforms and one of targets, read from the first event to the last."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.arrays import (
    Block,
    EventArray,
    Form,
    event_shape,
    find_pairs,
    form_of,
    is_flat,
    one,
    require_names,
    rows_per_block,
)
from hepsieve.data.hdf5_chunks import can_unpack, unpack
from hepsieve.data.hdf5_safety import explained, opened, rows_in_step, safe_array
from hepsieve.data.stamp import KEY, Stamp, read_stamp
from hepsieve.data.table import Named
from hepsieve.errors import DataError
from hepsieve.processes import cores
from hepsieve.progress import Advance

CHANNELS = "channels"
"""The attribute of an array of events that names its channels."""
_FEW = 64  # channels that may have names


def open_hdf5(path: Path, data: DataConfig) -> tuple[EventArray, ...]:
    """The events in the arrays of a file: ``X`` with ``y``, or two such pairs for training and test.

    Raises:
        DataError: if the file is damaged, holds no events, or something that isn't safe to read.
    """
    with opened(path) as file:
        texts = _texts(file.attrs, KEY, str(path))
        stamp = None if texts is None else read_stamp("".join(texts), path)
        pairs = find_pairs(list(file), data, path)
        share = path.stat().st_size / len(pairs)
        return tuple(_events(file, path, array, label, data, stamp, share) for array, label in pairs)


def _events(
    file: h5py.File, path: Path, array: str, label: str | None, data: DataConfig, stamp: Stamp | None, size: float
) -> EventArray:
    dataset = safe_array(file, array, path)
    form = form_of(array, dataset.shape, data)
    if form is None and dataset.ndim == 2:
        raise DataError(
            f"{path}: {array} has shape {dataset.shape}, which is a table; HDF5 files are read as images only, or as "
            "waveforms (data.catalog); tables come from .parquet, .root or .npz files"
        )
    form = form or "images"
    shape = event_shape(dataset.shape, form, f"{path}: {array}")
    columns, refused = _beside(file, array, path, form)
    batch = rows_in_step(dataset, rows_per_block(shape, dataset.dtype.itemsize))
    return EventArray(
        path=path,
        array=array,
        form=form,
        shape=shape,
        dtype=dataset.dtype,
        size=int(size),
        blocks=partial(_blocks, path, array, shape, batch, size),
        columns=columns,
        refused=refused,
        label=label,
        names=_channel_names(dataset, shape[-1], f"{path}: {array}"),
        named=stamp.named if stamp is not None else Named(),
        origin=stamp.origin if stamp is not None else None,
        units=stamp.units if stamp is not None else {},
    )


def _beside(file: h5py.File, array: str, path: Path, form: Form) -> tuple[dict[str, int], dict[str, str]]:
    """The lengths of the arrays with one number a row, and why others are none."""
    columns: dict[str, int] = {}
    refused: dict[str, str] = {}
    for name in file:
        if name == array:
            continue
        try:
            with explained(path):  # what nobody asks for may be of any kind
                other = safe_array(file, name, path)
        except DataError as error:
            refused[name] = str(error).removeprefix(f"{path}: {name} ").removeprefix(f"{path}: ")
            continue
        if is_flat(other.shape):
            columns[name] = other.shape[0]
        else:
            refused[name] = f"has shape {other.shape}, not one number {one(form)}"
    return columns, refused


def _blocks(
    path: Path,
    array: str,
    shape: tuple[int, ...],
    batch: int,
    size: float,
    columns: Sequence[str],
    *,
    advance: Advance | None = None,
) -> Iterator[Block]:
    with opened(path) as file, ThreadPoolExecutor(cores()) as pool:
        events = safe_array(file, array, path)
        read = partial(unpack, pool=pool) if can_unpack(events) else _rows
        beside = {name: safe_array(file, name, path) for name in columns}
        for start in range(0, shape[0], batch):
            rows = slice(start, min(start + batch, shape[0]))
            block = _read(read, events, rows, f"{path}: {array}").reshape(-1, *shape[1:])
            numbers = {name: _read(_rows, column, rows, f"{path}: {name}") for name, column in beside.items()}
            yield Block(values=block, columns={name: column.reshape(-1) for name, column in numbers.items()})
            if advance is not None:
                advance(size * len(block) / shape[0])


def _rows(array: h5py.Dataset, rows: slice) -> NDArray[Any]:
    values: NDArray[Any] = array[rows]
    return values


def _read(
    read: Callable[[h5py.Dataset, slice], NDArray[Any]], array: h5py.Dataset, rows: slice, where: str
) -> NDArray[Any]:
    try:
        return read(array, rows)
    except (OSError, RuntimeError, ValueError, zlib.error) as error:
        what = " ".join(str(error).split())[:200]
        raise DataError(
            f"{where}[{rows.start}:{rows.stop}] can't be read ({what}); the file is cut short or damaged"
        ) from None


def _channel_names(array: h5py.Dataset, count: int, where: str) -> tuple[str, ...] | None:
    names = _texts(array.attrs, CHANNELS, where)
    if names is None:
        return None
    require_names(names, count, f"{where}: {count} channels, but its attribute {CHANNELS!r}")
    return names


def _texts(attributes: h5py.AttributeManager, name: str, where: str) -> tuple[str, ...] | None:
    """The texts in an attribute; None if there is no such attribute.

    Raises:
        DataError: if it holds something else, or much of it.
    """
    if name not in attributes:
        return None
    found = attributes.get_id(name)
    if found.dtype.kind not in "OS" or found.get_type().get_class() != h5py.h5t.STRING or prod(found.shape) > _FEW:
        raise DataError(f"{where}: its attribute {name!r} is no short text; remove it")
    values = np.ravel(np.asarray(attributes[name], dtype=object))
    texts = [value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value) for value in values]
    return tuple(texts)
