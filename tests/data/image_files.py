"""Files of made-up images as people have them: an HDF5 file per class, archives, single arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig

EGAMMA = DataConfig(catalog="egamma")


def showers(n: int, *, seed: int = 1, size: tuple[int, int] = (32, 32), channels: int = 2) -> NDArray[np.float32]:
    """Images that are mostly empty, float32, shape (n, *size, channels)."""
    rng = np.random.default_rng(seed)
    hit = rng.random((n, *size, 1)) < 0.1
    return np.where(hit, rng.random((n, *size, channels)), 0).astype(np.float32)


def classes(n: int) -> NDArray[np.float32]:
    """0 and 1 in turn."""
    return (np.arange(n) % 2).astype(np.float32)


def write_h5(path: Path, images: NDArray[Any], labels: NDArray[Any] | None, **settings: Any) -> Path:
    """An HDF5 file in the public layout; gzip in chunks of 10 images unless said."""
    settings = {"compression": "gzip", "chunks": (min(10, len(images)), *images.shape[1:]), **settings}
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=images, **settings)
        if labels is not None:
            file["y"] = labels
    return path
