"""Arrays in HDF5 files, opened only where reading them can harm nobody: before a byte of them is allocated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import h5py

from hepsieve.data.arrays import is_number
from hepsieve.errors import DataError

_DEFLATE = h5py.h5z.FILTER_DEFLATE
_FILTERS = {
    _DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_SZIP: "szip",
    h5py.h5z.FILTER_LZF: "lzf",
}
_COMPRESSING = {_DEFLATE, h5py.h5z.FILTER_SZIP, h5py.h5z.FILTER_LZF}
_SHRINKS = 1032  # no filter of these makes anything smaller by more than zlib can, this factor
_LARGEST = 512 << 20  # bytes of all chunks that have to be in memory at once


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what the HDF5 library says into one line.

    Raises:
        DataError: naming the file and what was found.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        what = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: no HDF5 file, or one that is cut short or damaged ({what}); get it again") from None


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file, read only; locked as far as its file system knows how to.

    Raises:
        DataError: if it is no HDF5 file, or not a whole one.
    """
    with explained(path), h5py.File(path, "r", locking="best-effort") as file:
        yield file


def safe_array(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """The array of this name, which lies in this very file and isn't larger than the file can hold.

    Raises:
        DataError: saying why it can't be read.
    """
    where = f"{path}: {name}"
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        kind = "an external link" if isinstance(link, h5py.ExternalLink) else "a soft link"
        raise DataError(f"{where} is {kind} to another place, which is not followed; copy the array into the file")
    array = file[name]
    if not isinstance(array, h5py.Dataset) or array.shape is None:
        raise DataError(f"{where} is no array; hepsieve reads arrays at the top of a file")
    _require_own_bytes(array, where)
    _require_known_filters(array, where)
    if h5py.check_vlen_dtype(array.dtype) is not None:
        raise DataError(
            f"{where} is of type {array.dtype}, rows of unequal length (of waveforms, say); only arrays of numbers are "
            "read: bring all rows to one length, such as by cutting or padding"
        )
    if not is_number(array.dtype):
        raise DataError(f"{where} is of type {array.dtype}; only arrays of numbers are read")
    _require_possible_size(array, where, path)
    return array


def rows_in_step(array: h5py.Dataset, wanted: int) -> int:
    """About so many rows, such that every chunk is read once: chunks are unpacked as a whole."""
    step: int = array.chunks[0] if array.chunks is not None else 1
    return max(step, wanted // step * step)


def _require_own_bytes(array: h5py.Dataset, where: str) -> None:
    plan = array.id.get_create_plist()
    if plan.get_external_count() > 0:
        raise DataError(f"{where} lies in other files (external storage), which are not opened; copy it into one file")
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        raise DataError(f"{where} is a virtual array of other files, which are not opened; copy it into one file")


def _require_known_filters(array: h5py.Dataset, where: str) -> None:
    found = Counter(_filters(array))
    for number, times in found.items():
        if number not in _FILTERS or times > 1:
            name = _FILTERS.get(number, f"number {number}")
            raise DataError(
                f"{where} was packed with the filter {name}{' more than once' if times > 1 else ''}; known are "
                f"{', '.join(_FILTERS.values())}: write it again with gzip"
            )


def _filters(array: h5py.Dataset) -> list[int]:
    plan = array.id.get_create_plist()
    return [int(plan.get_filter(k)[0]) for k in range(plan.get_nfilters())]


def _require_possible_size(array: h5py.Dataset, where: str, path: Path) -> None:
    """Pass if the file can hold what the array declares, and no part of it is too large for the memory."""
    declared = prod(array.shape) * array.dtype.itemsize
    stored, size = array.id.get_storage_size(), path.stat().st_size
    compressing = _COMPRESSING & set(_filters(array))
    holds = min(stored, size) * _SHRINKS ** len(compressing)
    if declared > holds or stored > size:
        raise DataError(
            f"{where} declares {declared:,} bytes (shape {array.shape}), but {min(stored, size):,} bytes of the file "
            f"hold it; it is cut short, never written or damaged"
        )
    if array.chunks is None:
        return
    _require_all_chunks(array, where, size)
    together = max(array.chunks[0] * prod(array.shape[1:]), prod(array.chunks)) * array.dtype.itemsize
    if together > _LARGEST:
        raise DataError(
            f"{where} is stored in chunks of {array.chunks[0]:,} rows, {together / 1e9:.1f} GB to be unpacked at once; "
            "write it again with chunks of about 100 images"
        )


def _require_all_chunks(array: h5py.Dataset, where: str, size: int) -> None:
    """Pass if every chunk is there: one that is missing, by a flipped bit in the index too, would be read as zeros."""
    expected = prod(-(-n // step) for n, step in zip(array.shape, array.chunks, strict=True))
    places: set[tuple[int, ...]] = set()

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        ends = chunk.byte_offset + chunk.size <= size
        grid = zip(chunk.chunk_offset, array.chunks, array.shape, strict=True)
        if ends and all(at % step == 0 and at < n for at, step, n in grid):
            places.add(chunk.chunk_offset)

    there = array.id.get_num_chunks()
    if there == expected:
        array.id.chunk_iter(note)
        there = len(places)
    if there != expected:
        raise DataError(f"{where} has {there:,} of {expected:,} chunks; the others were never written, or are lost")
