"""Chunks of HDF5 arrays unpacked on all cores: the HDF5 library itself uses one, and reads a lost chunk as zeros."""

from __future__ import annotations

import zlib
from concurrent.futures import Executor
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

_DEFLATE, _SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE


def can_unpack(array: h5py.Dataset) -> bool:
    """Whether the array's chunks hold whole rows, packed with gzip, with or without shuffling of their bytes."""
    if array.chunks is None or array.chunks[1:] != array.shape[1:]:
        return False
    if not h5py.h5t.py_create(array.dtype).equal(array.id.get_type()):
        return False  # numpy has no type of just these bits; the library converts them
    plan = array.id.get_create_plist()
    filters = [plan.get_filter(k)[0] for k in range(plan.get_nfilters())]
    return filters in ([_DEFLATE], [_SHUFFLE, _DEFLATE])


def unpack(array: h5py.Dataset, rows: slice, pool: Executor) -> NDArray[Any]:
    """These rows, of which the first begins a chunk.

    Args:
        array: one that passes ``can_unpack``.
        rows: start and stop.
        pool: the threads that unpack.

    Raises:
        ValueError, zlib.error, OSError, RuntimeError: if a chunk is damaged or lost.
    """
    step, shape, kind, shuffled = array.chunks[0], array.chunks, array.dtype, array.shuffle
    raw = [_packed(array, start) for start in range(rows.start, rows.stop, step)]
    blocks = list(pool.map(lambda content: _numbers(content, shape, kind, shuffled), raw))
    together: NDArray[Any] = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return together[: rows.stop - rows.start]


def _packed(array: h5py.Dataset, start: int) -> bytes | NDArray[Any]:
    """The bytes of the chunk that begins at a row, or its numbers where a filter was left out in writing."""
    skipped, content = array.id.read_direct_chunk((start, *(0 for _ in array.shape[1:])))
    if not skipped:
        return bytes(content)
    rows: NDArray[Any] = array[start : start + array.chunks[0]]
    return rows


def _numbers(
    content: bytes | NDArray[Any], shape: tuple[int, ...], kind: np.dtype[Any], shuffled: bool
) -> NDArray[Any]:
    if not isinstance(content, bytes):
        return content
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    stream = zlib.decompressobj()
    unpacked = stream.decompress(content, size + 1)
    if len(unpacked) != size or not stream.eof:
        raise ValueError(f"a chunk of {len(unpacked):,} bytes instead of {size:,}")
    octets = np.frombuffer(unpacked, np.uint8)
    if shuffled:  # first all numbers' first bytes, then all their second ones
        octets = np.ascontiguousarray(octets.reshape(kind.itemsize, -1).T)
    return octets.view(kind).reshape(shape)
