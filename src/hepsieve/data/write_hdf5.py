"""Images or waveforms turned into an HDF5 file in the layout of the public ones, which says where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
_CHUNK_BYTES = 1 << 20  # of larger events fewer make a chunk
_LEVEL = 1  # images are mostly zero: higher levels take three times as long for a tenth less
_BLOCKS = 20  # chunks


def write_hdf5(
    events: FloatArray,
    beside: Mapping[str, NDArray[Any]],
    channels: Sequence[str],
    stamp: str,
    path: Path,
    *,
    array: str = "X",
) -> None:
    """Write images or waveforms and the arrays beside them; memory stays that of a few thousand images.

    Args:
        events: shape (n, height, width, channels) or (n, samples, channels).
        beside: arrays of one number an event, by name.
        channels: the names of the channels.
        stamp: what the file says about itself.
        path: the new file.
        array: what the array of events is called.

    Raises:
        HepsieveError: if the file can't be written; nothing is left there then.
    """
    with new_file(path) as temporary, hdf5_file(temporary) as (out, check):
        out.attrs[KEY] = stamp
        _fill(out, array, events, channels, check)
        for name, values in beside.items():
            out.create_dataset(name, data=values, fletcher32=True, chunks=(min(1 << 16, len(values)),))


@contextmanager
def hdf5_file(path: Path) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """A new HDF5 file, and what passes if all was written so far.

    Raises:
        OSError: if something could not be written.
    """
    with path.open("w+b", buffering=0) as file:
        stream = _Stream(file)
        with h5py.File(stream, "w") as out:
            yield out, stream.check
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


def _fill(file: h5py.File, name: str, events: FloatArray, channels: Sequence[str], check: Callable[[], None]) -> None:
    row = int(np.prod(events.shape[1:], dtype=np.int64)) * events.itemsize
    step = max(1, min(_CHUNK, _CHUNK_BYTES // row, len(events)))
    # Each kind of chunk has a checksum of its own. Noise doesn't shrink: packing waveforms costs time for nothing.
    kind = {"compression": "gzip", "compression_opts": _LEVEL} if events.ndim == 4 else {"fletcher32": True}
    array = file.create_dataset(name, shape=events.shape, dtype="<f4", chunks=(step, *events.shape[1:]), **kind)
    array.attrs[CHANNELS] = list(channels)
    for start in range(0, len(events), _BLOCKS * step):
        rows = slice(start, start + _BLOCKS * step)
        array[rows] = np.asarray(events[rows])
        check()
