"""Made-up images of showers for the tests of the audit: a core, a tail that thins out, and the time of each hit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events

SIZE = 16
CENTRE = SIZE // 2


def showers(n: int = 600, seed: int = 0, *, time: bool = True, size: int = SIZE) -> Events:
    """Images whose signal is a little wider along the columns; the hottest crystal stands in the middle."""
    rng = np.random.default_rng(seed)
    target = rng.permutation(np.arange(n) % 2)
    energy = _energy(rng, n, target, size)
    arrival = np.where(energy > 0, rng.normal(0.2, 0.5, energy.shape), 0)
    images = np.stack([energy, arrival], axis=3) if time else energy[..., np.newaxis]
    names, units = (("energy", "time"), ("50 GeV", "ns")) if time else (("energy",), ("50 GeV",))
    return Events.from_arrays(images, target, names=names, units=units)


def _energy(rng: np.random.Generator, n: int, target: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    away = np.arange(size) - size // 2
    wide = 1 + 0.15 * target[:, np.newaxis, np.newaxis]
    distance = np.hypot(away[:, np.newaxis], away / wide)
    mean = np.exp(-1.6 * distance) * rng.uniform(1, 1.4, (n, 1, 1))
    energy = mean * rng.gamma(6, 1 / 6, mean.shape) + 0.002 * np.abs(rng.normal(size=mean.shape))
    energy[energy < 0.004] = 0
    energy[:, size // 2, size // 2] = mean[:, size // 2, size // 2] + 1
    return energy


def with_images(events: Events, images: NDArray[np.floating]) -> Events:
    """The same events with other images."""
    return events.replace(features=images.astype(np.float32))


def emptied(events: Events, rows: NDArray[np.integer] | Sequence[int] | slice) -> Events:
    """The same events, some of which have lost all their energy."""
    images = events.features.copy()
    images[rows] = 0
    return with_images(events, images)
