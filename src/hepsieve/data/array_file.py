"""Arrays in NumPy's .npy form, alone or in an archive: what they declare about themselves, and their rows in blocks."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.data.columns import shorten
from hepsieve.errors import DataError

_SMALL = 1 << 22  # bytes that names and the stamp may take
_DEFLATE_LIMIT = 1032  # zlib shrinks by no more than this factor
_FORTRAN_LIMIT = 512_000_000  # bytes of an array whose rows lie scattered, so that it must be held as a whole
# As numpy writes them. Other methods shrink by any factor, and are unpacked in steps of any size.
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Header:
    """What an array in .npy form declares about itself."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """The bytes of the array; of one with objects, which are pickled, nobody knows."""
        return prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes]) -> Header:
    """What the array that begins here declares; the stream then stands before its numbers.

    Raises:
        ValueError: if no array begins here.
    """
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"array format {version}: neither 1.0 nor 2.0")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return Header(shape, fortran, dtype)


def npy_header(path: Path) -> Header:
    """What the array of a .npy file declares about itself, with its size held against the file's.

    Raises:
        DataError: if there is no array in the file, or it isn't whole.
    """
    with explained(path), path.open("rb") as stream:
        header = read_header(stream)
        start, size = stream.tell(), path.stat().st_size
    if start + header.size != size and not header.dtype.hasobject:
        raise DataError(f"{path}: declares {start + header.size} bytes, but has {size}; it is cut short or damaged")
    return header


def array_headers(archive: zipfile.ZipFile, path: Path) -> dict[str, Header]:
    """The header of each array, with the declared sizes held against what is there.

    Raises:
        DataError: if an entry is no array, is packed in another way than numpy does, or has another size.
    """
    headers = {}
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            raise DataError(f"{path}: holds {info.filename!r}, which is no array; write it with numpy.savez")
        if info.compress_type not in _PACKED:
            raise DataError(
                f"{path}: array {info.filename!r} is neither stored nor deflated, but packed by method "
                f"{info.compress_type}; write it with numpy.savez_compressed"
            )
        with archive.open(info) as stream:
            header = read_header(stream)
            start = stream.tell()
        if start + header.size != info.file_size and not header.dtype.hasobject:
            raise DataError(
                f"{path}: array {info.filename!r} declares {start + header.size} bytes, but has {info.file_size}"
            )
        headers[info.filename.removesuffix(".npy")] = header
    return headers


def short_text(archive: zipfile.ZipFile, name: str, headers: dict[str, Header]) -> NDArray[Any]:
    """An array of texts.

    Raises:
        ValueError: if it is none, or a long one.
    """
    header = headers[name]
    if header.dtype.kind != "U" or header.size > _SMALL:
        raise ValueError(f"array {name!r} is no short text")
    with archive.open(f"{name}.npy") as stream:
        read_header(stream)
        content = stream.read()
    return np.frombuffer(content, header.dtype).reshape(header.shape)


def blocks(archive: zipfile.ZipFile, name: str, batch: int) -> Iterator[NDArray[Any]]:
    """The rows of an array, so many at a time; the last look at it reads its end, where its checksum is.

    Raises:
        DataError: if the array must be held as a whole, and is too large for that.
        EOFError: if bytes are missing.
        ValueError: if the array declares more than there can be.
        zipfile.BadZipFile: if the checksum is wrong.
    """
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as stream:
        yield from _rows(stream, info, batch, f"{archive.filename}: {name}")
        stream.read(1)


def _rows(stream: IO[bytes], info: zipfile.ZipInfo, batch: int, where: str) -> Iterator[NDArray[Any]]:
    header = read_header(stream)
    if info.compress_type == zipfile.ZIP_DEFLATED and header.size > _DEFLATE_LIMIT * max(info.compress_size, 1):
        raise ValueError("an array declares more than its bytes can hold")
    if header.fortran and len(header.shape) > 1:
        if header.size > _FORTRAN_LIMIT:
            raise DataError(
                f"{where} is in Fortran order and takes {header.size / 1e6:,.0f} MB, more than the "
                f"{_FORTRAN_LIMIT / 1e6:,.0f} MB that can be read so; write it in C order (numpy.ascontiguousarray)"
            )
        whole = np.frombuffer(_exactly(stream, header.size), header.dtype).reshape(header.shape, order="F")
        yield from (whole[start : start + batch] for start in range(0, header.shape[0], batch))
    else:
        row = header.size // header.shape[0]
        for start in range(0, header.shape[0], batch):
            rows = min(batch, header.shape[0] - start)
            yield np.frombuffer(_exactly(stream, rows * row), header.dtype).reshape(rows, *header.shape[1:])


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise EOFError(f"{size - len(content)} bytes are missing")
    return content


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what goes wrong with such files into one line.

    Raises:
        DataError: naming the file and what was found.
    """
    try:
        yield
    except MemoryError:
        raise DataError(f"{path}: its arrays need more memory than there is; divide them among several files") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        TypeError,
    ) as error:
        what = shorten([str(error)])
        raise DataError(f"{path}: can't be read as NumPy arrays ({what}); write the file again") from None
