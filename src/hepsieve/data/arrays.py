"""Events that are arrays, images or waveforms: what every format turns a file of them into, read block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.catalog import Dataset, ImageSet, WaveformSet, entry
from hepsieve.data.columns import shorten
from hepsieve.data.table import Named
from hepsieve.errors import DataError
from hepsieve.events import Origin
from hepsieve.progress import Advance

Form = Literal["images", "waveforms"]
"""What one row of an array is."""
BLOCK_BYTES = 8 << 20
"""What the events of one block take in memory, as far as the file allows it."""
WAVEFORM_ARRAY = "waveforms"
LABEL_ARRAYS = ("y", "target", "label", "labels")
PAIRS = (("x_train", "y_train"), ("x_test", "y_test"))
"""Arrays of events and their labels in files that come already divided; hepsieve divides them anew."""
LEAST_SAMPLES = 64
"""Fewer samples are no waveform, but the columns of a table."""
_IMAGE_ARRAYS = ("X", "features", "x")
_MOST_CHANNELS = 4  # of waveforms, where only the shape tells them from images


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Consecutive events and what stands beside them.

    Attributes:
        values: shape (b, height, width, channels) or (b, samples, channels), in the file's own type.
        columns: arrays of one number an event.
    """

    values: NDArray[Any]
    columns: Mapping[str, NDArray[Any]]


class Blocks(Protocol):
    """Reads events in the file's order, from the first one on at every call."""

    def __call__(self, columns: Sequence[str], *, advance: Advance | None = None) -> Iterator[Block]:
        """Blocks of events with these columns.

        Args:
            columns: arrays of one number an event that are read too.
            advance: is told how many more bytes of the file are done.

        Raises:
            DataError: naming file, array and event of what can't be read. Blocks before it are then worth nothing.
        """


@dataclass(frozen=True, kw_only=True)
class EventArray:
    """An opened array of images or waveforms: what it and its file hold, and how to read it. None of it is in memory.

    Attributes:
        path: the file.
        array: the name of the array in it, as errors say it.
        form: what one row of it is.
        shape: (images, height, width, channels) or (waveforms, samples, channels).
        dtype: the type of its numbers.
        size: bytes of the file, or this array's share of them.
        blocks: reads the events.
        columns: the lengths of the arrays beside it that hold one number an event.
        files: those of the columns that lie in files of their own.
        refused: arrays that can't be read as such, each with the reason.
        label: the array with the targets, unless the configuration names another.
        names: what the file itself calls the channels.
        named: what the file itself says about its arrays.
        origin: what the file itself says about its events.
        units: what the file itself says about its units, by channel.
    """

    path: Path
    array: str
    form: Form
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    size: int
    blocks: Blocks
    columns: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None
    names: tuple[str, ...] | None = None
    named: Named = field(default_factory=Named)
    origin: Origin | None = None
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The file and the array, as errors name them."""
        return f"{self.path}: {self.array}"

    def place(self, column: str, row: int) -> str:
        """The file, the array beside the events and the number in it, from 0, as errors name them."""
        return f"{self.files[column]}[{row}]" if column in self.files else f"{self.path}: {column}[{row}]"

    def require_column(self, name: str) -> str:
        """The name of an array beside the events, if it has one number for each of them.

        Raises:
            DataError: if there is no such array, or it doesn't fit.
        """
        if name in self.refused:
            raise DataError(f"{self.path}: {name} {self.refused[name]}")
        if name not in self.columns:
            raise DataError(f"{self.path}: no array {name}; the file has {shorten((self.array, *self.columns))}")
        if self.columns[name] != self.shape[0]:
            where, other = (self.path, self.files[name]) if name in self.files else (self.where, name)
            raise DataError(
                f"{where} has {self.shape[0]:,} {self.form}, but {other} {self.columns[name]:,} entries; "
                "which belongs to which can't be told"
            )
        return name


def expected_form(data: DataConfig) -> Form | None:
    """What the catalog says that the events are; None where it names a table or nothing."""
    match entry(data.catalog) if data.catalog is not None else None:
        case ImageSet():
            return "images"
        case WaveformSet():
            return "waveforms"
        case Dataset() | None:
            return None


def form_of(array: str, shape: tuple[int, ...], data: DataConfig) -> Form | None:
    """What the rows of an array are, as the catalog says, else by its name or shape; None if it is a table.

    Without a word from the catalog three dimensions are images of one channel, unless the second is long and the third
    short as of waveforms; two are a table, unless the array is called ``waveforms``.

    >>> form_of("X", (9, 5000, 1), DataConfig()), form_of("X", (9, 32, 32), DataConfig())
    ('waveforms', 'images')
    """
    expected = expected_form(data)
    if expected == "waveforms":
        return expected
    if expected is None:
        long = len(shape) == 3 and shape[1] >= LEAST_SAMPLES and shape[2] <= _MOST_CHANNELS
        if long or (array == WAVEFORM_ARRAY and len(shape) in (2, 3)):
            return "waveforms"
    return "images" if len(shape) > 2 else None


def event_shape(shape: tuple[int, ...], form: Form, where: str) -> tuple[int, ...]:
    """The shape of an array with its last dimension, which may be left out where there is one channel.

    Raises:
        DataError: if the array holds no such events.
    """
    rank = 4 if form == "images" else 3
    full = (*shape, 1) if len(shape) == rank - 1 else shape
    if len(full) == rank and 0 not in full and (form == "images" or full[1] >= LEAST_SAMPLES):
        return full
    if form == "images":
        layout = "images are (images, height, width, channels), or (images, height, width)"
    else:
        layout = (
            "waveforms are (waveforms, samples, channels), or (waveforms, samples), "
            f"of {LEAST_SAMPLES} samples at least"
        )
    raise DataError(f"{where} has shape {shape}; {layout}")


def one(form: Form) -> str:
    """A single one of them, with its article."""
    return "an image" if form == "images" else "a waveform"


def is_flat(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape holds one number an event."""
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)


def is_number(dtype: np.dtype[Any]) -> bool:
    """Whether an array of this type holds plain numbers."""
    return dtype.kind in "biuf" and dtype.names is None and dtype.subdtype is None


def require_numbers(dtype: np.dtype[Any], form: Form, where: str) -> None:
    """Pass if values of this type can become float32.

    Raises:
        DataError: if they are no plain numbers.
    """
    if dtype.hasobject:
        raise DataError(
            f"{where} holds objects, as {form} of unequal {'length' if form == 'waveforms' else 'size'} are stored, "
            "which are never unpickled; bring all to one shape, such as by cutting or padding"
        )
    if not is_number(dtype):
        raise DataError(f"{where} is of type {dtype}; {form} are arrays of numbers, such as float32")


def require_names(names: Sequence[str], count: int, where: str) -> None:
    """Pass if every channel has a name of its own.

    Args:
        names: what the file calls its channels.
        count: how many there are.
        where: the file, the array and what names its channels, for the error.

    Raises:
        DataError: if there are more or fewer names, or one stands there twice.
    """
    if len(names) != count or len(set(names)) != count:
        raise DataError(f"{where} names {shorten(names)}")


def rows_per_block(shape: tuple[int, ...], itemsize: int) -> int:
    """How many events make a block."""
    row = max(itemsize, 4)
    for n in shape[1:]:
        row *= n
    return max(1, BLOCK_BYTES // row)


def array_names(data: DataConfig) -> tuple[str, ...]:
    """What an array of events may be called."""
    return _IMAGE_ARRAYS if expected_form(data) == "images" else (WAVEFORM_ARRAY, *_IMAGE_ARRAYS)


def find_pairs(arrays: Sequence[str], data: DataConfig, path: Path) -> list[tuple[str, str | None]]:
    """Which arrays hold events, each with the array of its targets if there is one.

    Args:
        arrays: the names of all arrays in the file.
        data: the configuration, which may name the array of targets.
        path: the file, for the error.

    Raises:
        DataError: if no array has the name of one of events.
    """
    known = array_names(data)
    if (name := next((name for name in known if name in arrays), None)) is not None:
        return [(name, next((other for other in label_names(data) if other in arrays), None))]
    pairs = [(x, y if y in arrays else None) for x, y in PAIRS if x in arrays]
    if not pairs:
        what = expected_form(data) or "images or waveforms"
        looked = ", ".join((*known, PAIRS[0][0]))
        raise DataError(f"{path}: no {what} (looked for {looked}); the file has {shorten(arrays)}")
    return pairs


def label_names(data: DataConfig) -> tuple[str, ...]:
    """What an array of targets may be called: as the configuration says, or as is usual."""
    own = (data.label if isinstance(data.label, str) else None, data.target.name if data.target is not None else None)
    return (*(name for name in own if name is not None), *LABEL_ARRAYS)
