"""Images turned into an HDF5 file in the layout of the public ones, with a word on where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hepsieve.data.hdf5 import CHANNELS
from hepsieve.data.stamp import KEY
from hepsieve.events import FloatArray
from hepsieve.manifest import new_file

_CHUNK = 100  # images; one of them alone is read 200 times as slowly from large chunks
_LEVEL = 1  # images are mostly zero: higher levels take three times as long for a tenth less
_BLOCK = 20 * _CHUNK


def write_hdf5(
    images: FloatArray, beside: Mapping[str, NDArray[Any]], channels: Sequence[str], stamp: str, path: Path
) -> None:
    """Write images and the arrays beside them; memory stays that of a few thousand images.

    Args:
        images: shape (n, height, width, channels).
        beside: arrays of one number an image, by name.
        channels: the names of the channels.
        stamp: what the file says about itself.
        path: the new file.

    Raises:
        HepsieveError: if the file can't be written; nothing is left there then.
    """
    with new_file(path) as temporary, temporary.open("w+b", buffering=0) as file:
        stream = _Stream(file)
        with h5py.File(stream, "w") as out:
            _fill(out, images, beside, channels, stamp, stream.check)
        stream.check()


class _Stream:
    """A file for the HDF5 library, which crashes the process when it can't write: it hears of no error, we do."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Pass if all was written so far.

        Raises:
            OSError: what went wrong.
        """
        if self._error is not None:
            raise self._error

    def write(self, content: memoryview) -> int:
        view = memoryview(content).cast("B")
        done = 0
        while self._error is None and done < len(view):
            try:
                done += self._file.write(view[done:])
            except OSError as error:
                self._error = error
        return len(view)

    def read(self, size: int) -> bytes:
        return self._file.read(size) or b""

    def readinto(self, buffer: memoryview) -> int:
        return self._file.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size

    def flush(self) -> None:
        self._file.flush()


def _fill(
    file: h5py.File,
    images: FloatArray,
    beside: Mapping[str, NDArray[Any]],
    channels: Sequence[str],
    stamp: str,
    check: Callable[[], None],
) -> None:
    file.attrs[KEY] = stamp
    pixels = file.create_dataset(
        "X",
        shape=images.shape,
        dtype="<f4",
        chunks=(min(_CHUNK, len(images)), *images.shape[1:]),
        compression="gzip",
        compression_opts=_LEVEL,  # with a checksum of its own
    )
    pixels.attrs[CHANNELS] = list(channels)
    for start in range(0, len(images), _BLOCK):
        pixels[start : start + _BLOCK] = np.asarray(images[start : start + _BLOCK])
        check()
    for name, values in beside.items():
        file.create_dataset(name, data=values, fletcher32=True, chunks=(min(1 << 16, len(values)),))
