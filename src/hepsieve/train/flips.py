"""Images mirrored by chance about their centre crystal: which ones, and where each crystal goes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
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


def mirror(images: torch.Tensor, flip: Flip, chosen: torch.Tensor) -> None:
    """Mirror some images, in place.

    Args:
        images: shape (n, rows, columns, channels).
        flip: what is reversed.
        chosen: which images, shape (n,), boolean.
    """
    axis = AXES[flip]
    positions = torch.from_numpy(mirrored_positions(images.shape[axis])).to(images.device)
    images[chosen] = images[chosen].index_select(axis, positions)


def mirror_array(images: NDArray[np.float32], flip: Flip, chosen: NDArray[np.bool_]) -> None:
    """The same for a numpy array, in place."""
    axis = AXES[flip]
    images[chosen] = np.take(images[chosen], mirrored_positions(images.shape[axis]), axis=axis)


def applicable(flips: Sequence[Flip], shape: tuple[int, ...]) -> tuple[Flip, ...]:
    """The flips, in a fixed order, where inputs of this shape are images; none for tables and flattened images."""
    return tuple(flip for flip in AXES if flip in flips) if len(shape) == 3 else ()
