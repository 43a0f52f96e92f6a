"""The one array with one number an event that a .npy file, or a .npz or HDF5 file without another array, holds."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.data import hdf5_safety
from hepsieve.data.array_file import array_headers, blocks, explained, npy_header, read_header
from hepsieve.data.arrays import is_flat

_HDF5 = (".h5", ".hdf5", ".hdf")


@dataclass(frozen=True)
class ColumnArray:
    """An array of shape (n,) or (n, 1) that is all there is in a file.

    Attributes:
        name: of the array in the file; empty in a .npy file.
        length: n.
        dtype: as it is stored.
    """

    name: str
    length: int
    dtype: np.dtype[Any]


def find_column(path: Path) -> ColumnArray | None:
    """The file's only array, where that has one number an event; None for any other file.

    Raises:
        DataError: if the file can't be opened.
    """
    match path.suffix.lower():
        case ".npy":
            with explained(path), path.open("rb") as stream:
                header = read_header(stream)
            # Of waveforms of unequal length, an array of objects, there are n too.
            flat = is_flat(header.shape) and not header.dtype.hasobject
            return ColumnArray("", header.shape[0], header.dtype) if flat else None
        case ".npz":
            with explained(path), zipfile.ZipFile(path) as archive:
                headers = array_headers(archive, path)
            if len(headers) != 1:
                return None
            ((name, header),) = headers.items()
            flat = is_flat(header.shape) and not header.dtype.hasobject
            return ColumnArray(name, header.shape[0], header.dtype) if flat else None
        case ending if ending in _HDF5:
            with hdf5_safety.opened(path) as file:
                names = list(file)
                if len(names) != 1:
                    return None
                array = hdf5_safety.safe_array(file, names[0], path)
                return ColumnArray(names[0], array.shape[0], array.dtype) if is_flat(array.shape) else None
        case _:
            return None


def read_column(path: Path, rows: slice) -> NDArray[Any]:
    """So many of the numbers in the file's only array, shape (m,).

    Raises:
        DataError: if the file is cut short or damaged.
    """
    match path.suffix.lower():
        case ".npy":
            npy_header(path)
            with explained(path):
                return np.array(np.load(path, mmap_mode="r", allow_pickle=False)[rows]).reshape(-1)
        case ".npz":
            with explained(path), zipfile.ZipFile(path) as archive:
                (name,) = array_headers(archive, path)
                # A number an event is little beside the event itself.
                return np.concatenate([part.reshape(-1) for part in blocks(archive, name, 1 << 20)])[rows]
        case _:
            with hdf5_safety.opened(path) as file:
                (name,) = file
                return np.asarray(hdf5_safety.safe_array(file, name, path)[rows]).reshape(-1)
