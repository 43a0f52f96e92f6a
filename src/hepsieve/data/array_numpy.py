"""NumPy's .npy and .npz files with images or waveforms."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hepsieve.config import DataConfig
from hepsieve.data.array_file import Header, array_headers, blocks, explained, npy_header, read_header, short_text
from hepsieve.data.arrays import (
    PAIRS,
    Block,
    EventArray,
    Form,
    array_names,
    event_shape,
    expected_form,
    find_pairs,
    form_of,
    is_flat,
    is_number,
    one,
    require_names,
    require_numbers,
    rows_per_block,
)
from hepsieve.data.npy_stamp import npy_stamp
from hepsieve.data.stamp import KEY, Stamp, read_stamp
from hepsieve.data.table import Named
from hepsieve.progress import Advance

_OWN = ("names", KEY)  # arrays that say something about the others
_ALONE = "the array"  # of a .npy file, which has no name


def has_arrays(path: Path, data: DataConfig) -> bool:
    """Whether a NumPy file's array has the dimensions of images or waveforms, or the catalog says that it holds such.

    Raises:
        DataError: if there is a file and it can't be opened.
    """
    if not path.is_file():
        return False
    if expected_form(data) == "waveforms":
        return True
    with explained(path):
        if path.suffix.lower() == ".npy":
            with path.open("rb") as stream:
                return form_of(_ALONE, read_header(stream).shape, data) is not None
        with zipfile.ZipFile(path) as archive:
            headers = array_headers(archive, path)
    candidates = (*array_names(data), *(array for array, _ in PAIRS))
    return any(form_of(name, headers[name].shape, data) is not None for name in candidates if name in headers)


def open_array_npy(path: Path, data: DataConfig) -> EventArray:
    """The events in a single array; it has no labels.

    Raises:
        DataError: if the file is damaged or the array holds no events.
    """
    header = npy_header(path)
    form, shape = _form_and_shape(header, _ALONE, path, data)
    names, stamp = npy_stamp(path) or (None, None)
    if names is not None:
        require_names(names, shape[-1], f"{path}: {shape[-1]} channels, but its header")
    return EventArray(
        path=path,
        array=_ALONE,
        form=form,
        shape=shape,
        dtype=header.dtype,
        size=path.stat().st_size,
        blocks=partial(_npy, path, shape, rows_per_block(shape, header.dtype.itemsize)),
        names=names,
        origin=stamp.origin if stamp is not None else None,
        units=stamp.units if stamp is not None else {},
    )


def _npy(
    path: Path, shape: tuple[int, ...], batch: int, columns: Sequence[str], *, advance: Advance | None = None
) -> Iterator[Block]:
    for start in range(0, shape[0], batch):
        with explained(path):
            # Mapped anew each time: pages that were read once would fill the memory.
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            values = np.array(array[start : start + batch]).reshape(-1, *shape[1:])
        yield Block(values=values, columns={})
        if advance is not None:
            advance(values.nbytes)


def open_array_npz(path: Path, data: DataConfig) -> tuple[EventArray, ...]:
    """The events in an archive: one array of them, or two with their labels, for training and test.

    Raises:
        DataError: if the file is damaged or no array holds events.
    """
    with explained(path), zipfile.ZipFile(path) as archive:
        headers = array_headers(archive, path)
        stamp = read_stamp(str(short_text(archive, KEY, headers)), path) if KEY in headers else None
        given = short_text(archive, "names", headers) if "names" in headers else None
    names = None if given is None else tuple(str(name) for name in np.ravel(given))
    pairs = find_pairs([name for name in headers if name not in _OWN], data, path)
    share = path.stat().st_size / len(pairs)
    return tuple(_events(path, array, label, headers, data, names, stamp, share) for array, label in pairs)


def _events(
    path: Path,
    array: str,
    label: str | None,
    headers: Mapping[str, Header],
    data: DataConfig,
    names: tuple[str, ...] | None,
    stamp: Stamp | None,
    size: float,
) -> EventArray:
    header = headers[array]
    form, shape = _form_and_shape(header, array, path, data)
    if names is not None:
        require_names(names, shape[-1], f"{path}: {array}: {shape[-1]} channels, but the array 'names'")
    beside = {name: other for name, other in headers.items() if name not in _OWN and name != array}
    flat = {name for name, other in beside.items() if is_flat(other.shape) and is_number(other.dtype)}
    return EventArray(
        path=path,
        array=array,
        form=form,
        shape=shape,
        dtype=header.dtype,
        size=int(size),
        blocks=partial(_npz, path, array, shape, rows_per_block(shape, header.dtype.itemsize), size),
        columns={name: beside[name].shape[0] for name in beside if name in flat},
        refused={
            name: f"has shape {other.shape} and type {other.dtype}, not one number {one(form)}"
            for name, other in beside.items()
            if name not in flat
        },
        label=label,
        names=names,
        named=stamp.named if stamp is not None else Named(),
        origin=stamp.origin if stamp is not None else None,
        units=stamp.units if stamp is not None else {},
    )


def _npz(
    path: Path,
    array: str,
    shape: tuple[int, ...],
    batch: int,
    size: float,
    columns: Sequence[str],
    *,
    advance: Advance | None = None,
) -> Iterator[Block]:
    with explained(path), zipfile.ZipFile(path) as archive:
        streams = {name: blocks(archive, name, batch) for name in (array, *columns)}
        for start in range(0, shape[0], batch):
            current = {name: next(stream) for name, stream in streams.items()}
            values = current.pop(array).reshape(-1, *shape[1:])
            yield Block(values=values, columns={name: column.reshape(-1) for name, column in current.items()})
            if advance is not None:
                advance(size * min(batch, shape[0] - start) / shape[0])
        for stream in streams.values():
            next(stream, None)  # the archive checks an array's CRC only where the array is read to its end


def _form_and_shape(header: Header, array: str, path: Path, data: DataConfig) -> tuple[Form, tuple[int, ...]]:
    form = form_of(array, header.shape, data) or expected_form(data) or "images"
    where = f"{path}: {array}"
    require_numbers(header.dtype, form, where)
    return form, event_shape(header.shape, form, where)
