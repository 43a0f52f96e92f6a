"""Arrays that would fill the memory: kept on a temporary file that nobody sees, and walked through in blocks."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hepsieve.errors import HepsieveError
from hepsieve.processes import cores

LARGE = 1 << 20
"""Bytes from which on an array goes to a file."""
_BLOCK = 2 << 20  # bytes of rows that are handled at a time
_NUMBERS = _BLOCK // 8  # numbers of double precision, or positions, in so many bytes


def empty(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """A writable array of this shape, not initialised; a large one lies on a temporary file, whose pages the system
    writes out when memory gets short.

    The file has no name (nothing is left of it, however the process ends), all its room is reserved at once, and it
    goes with the last array that looks into it.

    Raises:
        HepsieveError: if there is no room for the file.
    """
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if size <= LARGE:
        return np.empty(shape, kind)
    folder = scratch_folder()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file.fileno(), size)
            pages = mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise HepsieveError(
            f"{folder}: no room for {size / 1e6:.0f} MB of temporary data ({error.strerror or error}); free some, or "
            "choose another folder with HEPSIEVE_CACHE"
        ) from error
    return np.ndarray(shape, kind, buffer=pages)


def blocks(array: NDArray[Any], *, rows: int | None = None) -> Iterator[slice]:
    """Slices that cover the rows of an array one after the other, a few megabytes each, or so many rows."""
    if rows is None:
        rows = max(1, _BLOCK // max(1, array.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))))
    for start in range(0, len(array), rows):
        yield slice(start, min(start + rows, len(array)))


def computed(rows: int, values: Callable[[slice], Any], dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """So many numbers, shape (rows,), of which ``values`` gives a block at a time.

    >>> computed(3, lambda part: np.arange(3)[part] / 2).tolist()
    [0.0, 0.5, 1.0]
    """
    found = empty(rows, dtype)
    for part in blocks(found, rows=_NUMBERS):
        found[part] = values(part)
    return found


def on_all_cores(work: Callable[[slice], None], parts: Iterable[slice]) -> None:
    """Do this with every part, several at a time; no part may depend on another.

    numpy lets other threads work while it computes; small arrays are one part, for which none is started.
    """
    parts = list(parts)
    threads = min(len(parts), cores())

    def share(number: int) -> None:
        for part in parts[number::threads]:
            work(part)

    if threads < 2:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(share, range(threads)):
            pass


def take(array: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """The rows with these positions (or where a mask is true), as an array of their own."""
    if rows.dtype == np.bool_:
        rows = positions(rows)
    taken = empty((len(rows), *array.shape[1:]), array.dtype)

    def copy(part: slice) -> None:
        taken[part] = array[rows[part]]

    on_all_cores(copy, blocks(taken))
    return taken


def positions(array: NDArray[Any], value: object = True) -> NDArray[np.int64]:
    """Where a mask is true, or an array has this value, ascending; shape (k,)."""
    count = sum(int(np.count_nonzero(array[part] == value)) for part in blocks(array))
    found: NDArray[np.int64] = empty(count, np.int64)
    done = 0
    for part in blocks(array, rows=_NUMBERS):
        here = np.flatnonzero(array[part] == value)
        found[done : done + len(here)] = here + part.start
        done += len(here)
    return found


def order_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positions from the smallest value to the largest, shape (n,); of equal values in ascending order.

    >>> order_of(np.array([2.0, 1.0, 2.0, 0.0])).tolist()
    [3, 1, 0, 2]
    """
    if values.nbytes <= LARGE:
        return np.argsort(values, kind="stable")
    # Complex numbers are sorted by their real parts, then by their imaginary ones, and where they are: a sorting of
    # positions would fill the memory.
    keys = empty(len(values), np.complex128)
    for part in blocks(keys):
        keys.real[part] = values[part]
        keys.imag[part] = np.arange(part.start, part.stop)
    keys.sort()
    return computed(len(keys), lambda part: keys.imag[part], np.int64)


def let_go(*arrays: NDArray[Any] | None) -> None:
    """Give back the memory of arrays that lie on files, until they are looked at again."""
    if sys.platform != "linux":
        return
    for array in arrays:
        base: Any = array
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap):
            base.madvise(mmap.MADV_DONTNEED)


def scratch_folder() -> Path:
    """Where temporary files go: below HEPSIEVE_CACHE, TMPDIR or the user's cache folder, in this order.

    The system's own place for them is often kept in memory, so it comes last.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hepsieve"
    for folder in (os.environ.get("HEPSIEVE_CACHE"), os.environ.get("TMPDIR"), cache):
        if folder and _writable(Path(folder)):
            return Path(folder).absolute()
    return Path(tempfile.gettempdir())


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _reserve(file: int, size: int) -> None:
    """Give a file its room: without it behind the pages, writing to the array later would kill the process."""
    if sys.platform == "linux":
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)
