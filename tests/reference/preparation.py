"""The preparation of images as its definition says it: all values of a channel in one list, one pixel at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import PrepareConfig
from hepsieve.events import Events


def prepared(train: Events, images: Events, config: PrepareConfig, channels: tuple[str, ...]) -> NDArray[np.float64]:
    """The inputs for some images, shape (n, height, width, channels), with constants from the training images."""
    steps = config.image
    out = np.empty((*images.features.shape[:-1], len(channels)))
    for k, name in enumerate(channels):
        masked = name == "time" and steps.mask_time and "energy" in train.names

        def value(events: Events, place: tuple[int, ...], name: str = name, masked: bool = masked) -> float | None:
            pixel = dict(zip(events.names, map(float, events.features[place]), strict=True))
            if masked and not pixel["energy"] > 0:
                return None
            if name != "energy" or steps.energy == "none":
                return pixel[name]
            size = abs(pixel[name])
            bent = math.sqrt(size) if steps.energy == "sqrt" else math.log(1 + size / steps.unit)
            return math.copysign(bent, pixel[name])

        learned = [value(train, place) for place in np.ndindex(*train.features.shape[:-1])]
        there = [one for one in learned if one is not None]
        mean = math.fsum(there) / len(there)
        centre, spread = 0.0, 1.0
        if config.scale == "standardise":
            centre, spread = mean, math.sqrt(math.fsum((one - mean) ** 2 for one in there) / len(there))
        if config.scale == "minmax":
            centre, spread = min(there), max(there) - min(there)
        for place in np.ndindex(*images.features.shape[:-1]):
            found = value(images, place)
            out[(*place, k)] = ((mean if found is None else found) - centre) / (spread or 1.0)
    return out
