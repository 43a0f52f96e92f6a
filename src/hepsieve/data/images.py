"""Images: what every format turns a file of images into, arrays with their names and pixels block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hepsieve.data.columns import shorten
from hepsieve.data.table import Named
from hepsieve.errors import DataError
from hepsieve.events import Origin
from hepsieve.progress import Advance

BLOCK_BYTES = 8 << 20
"""What the pixels of one block take in memory, as far as the file allows it."""
IMAGE_ARRAYS = ("X", "features", "x")
LABEL_ARRAYS = ("y", "target", "label", "labels")
PAIRS = (("x_train", "y_train"), ("x_test", "y_test"))
"""Arrays of images and their labels in files that come already divided; hepsieve divides them anew."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Consecutive images, shape (b, height, width, channels) in the file's own type, and what stands beside them."""

    pixels: NDArray[Any]
    columns: Mapping[str, NDArray[Any]]


class Blocks(Protocol):
    """Reads images in the file's order, from the first one on at every call."""

    def __call__(self, columns: Sequence[str], *, advance: Advance | None = None) -> Iterator[Block]:
        """Blocks of images with these columns.

        Args:
            columns: arrays of one number an image that are read too.
            advance: is told how many more bytes of the file are done.

        Raises:
            DataError: naming file, array and image of what can't be read. Blocks before it are then worth nothing.
        """


@dataclass(frozen=True, kw_only=True)
class Images:
    """An opened array of images: what it and its file hold, and how to read it. None of its pixels is in memory.

    Attributes:
        path: the file.
        array: the name of the array in it, as errors say it.
        shape: (images, height, width, channels).
        size: bytes of the file, or this array's share of them.
        blocks: reads the images.
        columns: the lengths of the arrays beside it that hold one number an image.
        refused: arrays that can't be read as such, each with the reason.
        label: the array with the classes, unless the configuration names another.
        names: what the file itself calls the channels.
        named: what the file itself says about its arrays.
        origin: what the file itself says about its events.
        units: what the file itself says about its units, by channel.
    """

    path: Path
    array: str
    shape: tuple[int, int, int, int]
    size: int
    blocks: Blocks
    columns: Mapping[str, int] = field(default_factory=dict)
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

    def require_column(self, name: str) -> str:
        """The name of an array beside the images, if it has one number for each of them.

        Raises:
            DataError: if there is no such array, or it doesn't fit.
        """
        if name in self.refused:
            raise DataError(f"{self.path}: {name} {self.refused[name]}")
        if name not in self.columns:
            raise DataError(f"{self.path}: no array {name}; the file has {shorten((self.array, *self.columns))}")
        if self.columns[name] != self.shape[0]:
            raise DataError(
                f"{self.where} has {self.shape[0]:,} images, but {name} {self.columns[name]:,} entries; "
                "which belongs to which can't be told"
            )
        return name


def four_dimensions(shape: tuple[int, ...], where: str) -> tuple[int, int, int, int]:
    """(images, height, width, channels) of an array whose last dimension may be left out where there is one channel.

    Raises:
        DataError: if the array holds no images.
    """
    if len(shape) == 3:
        shape = (*shape, 1)
    if len(shape) != 4 or 0 in shape:
        raise DataError(
            f"{where} has shape {shape}; images are (images, height, width, channels), or (images, height, width)"
        )
    n, height, width, channels = shape
    return n, height, width, channels


def is_number(dtype: np.dtype[Any]) -> bool:
    """Whether an array of this type holds plain numbers."""
    return dtype.kind in "biuf" and dtype.names is None and dtype.subdtype is None


def require_numbers(dtype: np.dtype[Any], where: str) -> None:
    """Pass if pixels of this type can become float32.

    Raises:
        DataError: if they are no plain numbers.
    """
    if not is_number(dtype):
        raise DataError(f"{where} is of type {dtype}; images are arrays of numbers, such as float32")


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


def rows_per_block(shape: tuple[int, int, int, int], itemsize: int) -> int:
    """How many images make a block."""
    return max(1, BLOCK_BYTES // (max(itemsize, 4) * shape[1] * shape[2] * shape[3]))


def find_pairs(arrays: Sequence[str], label: str | None, path: Path) -> list[tuple[str, str | None]]:
    """Which arrays hold images, each with the array of its labels if there is one.

    Args:
        arrays: the names of all arrays in the file.
        label: the name that the configuration gives to the labels.
        path: the file, for the error.

    Raises:
        DataError: if no array has the name of one of images.
    """
    if (name := next((name for name in IMAGE_ARRAYS if name in arrays), None)) is not None:
        labels = LABEL_ARRAYS if label is None else (label, *LABEL_ARRAYS)
        return [(name, next((other for other in labels if other in arrays), None))]
    pairs = [(x, y if y in arrays else None) for x, y in PAIRS if x in arrays]
    if not pairs:
        raise DataError(
            f"{path}: no images (looked for {', '.join((*IMAGE_ARRAYS, PAIRS[0][0]))}); the file has {shorten(arrays)}"
        )
    return pairs
