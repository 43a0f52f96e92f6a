"""NumPy's .npy and .npz files with arrays of more than two dimensions, read as images."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hepsieve.config import DataConfig
from hepsieve.data.array_file import Header, array_headers, blocks, explained, read_header, short_text
from hepsieve.data.images import (
    IMAGE_ARRAYS,
    PAIRS,
    Block,
    Images,
    find_pairs,
    four_dimensions,
    is_number,
    require_names,
    require_numbers,
    rows_per_block,
)
from hepsieve.data.stamp import KEY, Stamp, read_stamp
from hepsieve.data.table import Named
from hepsieve.errors import DataError
from hepsieve.progress import Advance

_OWN = ("names", KEY)  # arrays that say something about the others
_PUBLIC = tuple(array for array, _ in PAIRS)


def has_images(path: Path) -> bool:
    """Whether a NumPy file's array has the dimensions of images.

    Raises:
        DataError: if there is a file and it can't be opened.
    """
    if not path.is_file():
        return False
    with explained(path):
        if path.suffix.lower() == ".npy":
            with path.open("rb") as stream:
                return len(read_header(stream).shape) > 2
        with zipfile.ZipFile(path) as archive:
            headers = array_headers(archive, path)
    return any(len(headers[name].shape) > 2 for name in (*IMAGE_ARRAYS, *_PUBLIC) if name in headers)


def open_image_npy(path: Path) -> Images:
    """The images in a single array; it has no labels.

    Raises:
        DataError: if the file is damaged or the array holds no images.
    """
    with explained(path), path.open("rb") as stream:
        header = read_header(stream)
        start, size = stream.tell(), path.stat().st_size
    if start + header.size != size:
        raise DataError(f"{path}: declares {start + header.size} bytes, but has {size}; it is cut short or damaged")
    shape = _image_shape(header, f"{path}: the array")
    return Images(
        path=path,
        array="the array",
        shape=shape,
        size=size,
        blocks=partial(_npy, path, shape, rows_per_block(shape, header.dtype.itemsize)),
    )


def _npy(
    path: Path,
    shape: tuple[int, int, int, int],
    batch: int,
    columns: Sequence[str],
    *,
    advance: Advance | None = None,
) -> Iterator[Block]:
    for start in range(0, shape[0], batch):
        with explained(path):
            # Mapped anew each time: pages that were read once would fill the memory.
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            pixels = np.array(array[start : start + batch]).reshape(-1, *shape[1:])
        yield Block(pixels=pixels, columns={})
        if advance is not None:
            advance(pixels.nbytes)


def open_image_npz(path: Path, data: DataConfig) -> tuple[Images, ...]:
    """The images in an archive: one array of them, or two with their labels, for training and test.

    Raises:
        DataError: if the file is damaged or no array holds images.
    """
    with explained(path), zipfile.ZipFile(path) as archive:
        headers = array_headers(archive, path)
        stamp = read_stamp(str(short_text(archive, KEY, headers)), path) if KEY in headers else None
        given = short_text(archive, "names", headers) if "names" in headers else None
    names = None if given is None else tuple(str(name) for name in np.ravel(given))
    wanted = data.label if isinstance(data.label, str) else None
    arrays = [name for name in headers if name not in _OWN]
    pairs = find_pairs(arrays, wanted, path)
    share = path.stat().st_size / len(pairs)
    return tuple(_images(path, array, label, headers, names, stamp, share) for array, label in pairs)


def _images(
    path: Path,
    array: str,
    label: str | None,
    headers: Mapping[str, Header],
    names: tuple[str, ...] | None,
    stamp: Stamp | None,
    size: float,
) -> Images:
    header = headers[array]
    shape = _image_shape(header, f"{path}: {array}")
    if names is not None:
        require_names(names, shape[3], f"{path}: {array}: {shape[3]} channels, but the array 'names'")
    beside = {name: other for name, other in headers.items() if name not in _OWN and name != array}
    flat = {name for name, other in beside.items() if len(other.shape) == 1 and is_number(other.dtype)}
    return Images(
        path=path,
        array=array,
        shape=shape,
        size=int(size),
        blocks=partial(_npz, path, array, shape, rows_per_block(shape, header.dtype.itemsize), size),
        columns={name: beside[name].shape[0] for name in beside if name in flat},
        refused={
            name: f"has shape {other.shape} and type {other.dtype}, not one number an image"
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
    shape: tuple[int, int, int, int],
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
            pixels = current.pop(array).reshape(-1, *shape[1:])
            yield Block(pixels=pixels, columns=current)
            if advance is not None:
                advance(size * min(batch, shape[0] - start) / shape[0])
        for stream in streams.values():
            next(stream, None)  # the archive checks an array's CRC only where the array is read to its end


def _image_shape(header: Header, where: str) -> tuple[int, int, int, int]:
    require_numbers(header.dtype, where)
    return four_dimensions(header.shape, where)
