"""Images mirrored by chance about their centre crystal, on PyTorch's side."""

from __future__ import annotations

import torch

from hepsieve.models.config import Flip
from hepsieve.prepare.mirrored import AXES, applicable, mirror_array, mirrored_positions

__all__ = ["AXES", "applicable", "mirror", "mirror_array", "mirrored_positions"]


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
