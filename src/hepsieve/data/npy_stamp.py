"""Waveforms in a single .npy array that says where they come from, in a comment that numpy passes over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hepsieve import spill
from hepsieve.data.array_file import explained
from hepsieve.data.stamp import Stamp, damaged, read_stamp, write_stamp
from hepsieve.errors import DataError
from hepsieve.events import FloatArray
from hepsieve.manifest import new_file

# The header is a Python literal that ends with blanks and a new line; a comment may stand among them. Without it
# simulated waveforms would pass for data.
_MARK = "# hepsieve "
_MAGIC, _LENGTH, _ALIGNED = np.lib.format.magic(1, 0), 2, 64
_LONGEST = 10_000  # what numpy reads of a header unless it is told more


def write_npy(array: FloatArray, names: Sequence[str], stamp: Stamp, path: Path) -> None:
    """Write float32 events as a .npy file that any program reads, with a word on where they come from.

    Args:
        array: the events, or one number for each.
        names: of the channels; none of numbers.
        stamp: where they come from.
        path: the new file.

    Raises:
        DataError: if that word is too long for the header.
        HepsieveError: if the file can't be written; nothing is left there then.
    """
    word = json.dumps({"names": list(names), "stamp": write_stamp(stamp)})
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {array.shape}, }}  {_MARK}{word}"
    start = len(_MAGIC) + _LENGTH
    header += " " * (-(start + len(header) + 1) % _ALIGNED) + "\n"
    if len(header) > _LONGEST:
        raise DataError(f"{path}: no room in a .npy file to say where the events come from; use .npz or .h5")
    with new_file(path) as temporary, temporary.open("wb") as stream:
        stream.write(_MAGIC + len(header).to_bytes(_LENGTH, "little") + header.encode("ascii"))
        for rows in spill.blocks(array):
            stream.write(np.ascontiguousarray(array[rows], dtype="<f4").data)


def npy_stamp(path: Path) -> tuple[tuple[str, ...], Stamp] | None:
    """What a .npy file says about its channels and where its events come from; None if it says nothing.

    Raises:
        DataError: if what hepsieve wrote there is damaged.
    """
    with explained(path), path.open("rb") as stream:
        magic = stream.read(len(_MAGIC))
        if magic != _MAGIC:
            return None
        header = stream.read(int.from_bytes(stream.read(_LENGTH), "little")).decode("latin-1")
    _, found, text = header.partition(_MARK)
    if not found:
        return None
    try:
        word = json.loads(text)
        return tuple(str(name) for name in word["names"]), read_stamp(str(word["stamp"]), path)
    except (ValueError, KeyError, TypeError):
        raise damaged(path) from None
