"""Named arrays to a safetensors file and back: numbers only, so that loading can't run code."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hepsieve.errors import IntegrityError


def save_arrays(arrays: Mapping[str, NDArray[Any]], file: Path) -> None:
    """Write these arrays, contiguous and in the order of their names.

    Raises:
        OSError: if the file can't be written.
    """
    try:
        save_file({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}, file)
    except SafetensorError as error:  # a full disk, as a rule
        raise OSError(errno.EIO, str(error), str(file)) from None


def load_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """The arrays that ``save_arrays`` wrote.

    Raises:
        IntegrityError: if the file is missing, truncated or no safetensors file.
    """
    try:
        arrays: dict[str, NDArray[Any]] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise IntegrityError(f"{file}: can't be read as safetensors ({error}); make the folder again") from None
    return arrays


def load_shaped(file: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    """float32 arrays of exactly these names and shapes.

    Raises:
        IntegrityError: naming the first array that is missing, left over or of another shape.
    """
    arrays = load_arrays(file)
    for name in sorted(set(shapes) | set(arrays)):
        found = arrays[name].shape if name in arrays else None
        if found != shapes.get(name):
            raise IntegrityError(f"{file}: {name} has shape {found}, the model's config asks for {shapes.get(name)}")
    return {name: arrays[name].astype(np.float32) for name in shapes}
