"""Where each crystal of an image goes when its rows or columns are reversed about the centre crystal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import Flip

AXES: dict[Flip, int] = {"rows": 1, "columns": 2}
"""The axis of (n, rows, columns, channels) whose order each flip reverses."""


def mirrored_positions(size: int) -> NDArray[np.int64]:
    """Which of ``size`` rows (or columns) comes to stand in each place; the centre, ``size // 2``, stays in its own.

    With an even number of rows the first has no counterpart beyond the last: it stays, too.

    >>> mirrored_positions(4).tolist(), mirrored_positions(5).tolist()
    ([0, 3, 2, 1], [4, 3, 2, 1, 0])
    """
    return (2 * (size // 2) - np.arange(size)) % size


def mirrored(images: NDArray[np.float32], flip: Flip) -> NDArray[np.float32]:
    """The images with their rows or columns reversed, shape (n, rows, columns, channels)."""
    axis = AXES[flip]
    return np.take(images, mirrored_positions(images.shape[axis]), axis=axis)


def mirror_array(images: NDArray[np.float32], flip: Flip, chosen: NDArray[np.bool_]) -> None:
    """Mirror some images, in place.

    Args:
        images: shape (n, rows, columns, channels).
        flip: what is reversed.
        chosen: which images, shape (n,), boolean.
    """
    images[chosen] = mirrored(images[chosen], flip)


def applicable(flips: Sequence[Flip], shape: tuple[int, ...]) -> tuple[Flip, ...]:
    """The flips, in a fixed order, where inputs of this shape are images; none for tables and flattened images."""
    return tuple(flip for flip in AXES if flip in flips) if len(shape) == 3 else ()
