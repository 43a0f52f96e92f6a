"""What is counted in images, pixel by pixel: slow and obvious."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def is_empty(image: Image, energy: int) -> bool:
    """No pixel has energy."""
    return all(value == 0 for value in image[..., energy].ravel().tolist())


def hottest(image: Image, energy: int) -> int | None:
    """The pixel of the highest positive finite energy, the first of several, numbered row by row."""
    best, place = 0.0, None
    for number, value in enumerate(image[..., energy].ravel().tolist()):
        if math.isfinite(value) and value > best:
            best, place = value, number
    return place


def hits(images: Image, energy: int) -> list[list[int]]:
    """In how many images each pixel has a positive finite energy."""
    _, height, width, _ = images.shape
    return [
        [sum(0 < value < math.inf for value in images[:, row, column, energy].tolist()) for column in range(width)]
        for row in range(height)
    ]


def odd_pixels(images: Image, energy: int, time: int) -> tuple[int, int]:
    """How many pixels have a negative energy, and how many a time without energy."""
    pairs = [(pixel[energy], pixel[time]) for pixel in images.reshape(-1, images.shape[3]).tolist()]
    negative = sum(-math.inf < deposit < 0 for deposit, _ in pairs)
    return negative, sum(deposit == 0 and arrival != 0 and math.isfinite(arrival) for deposit, arrival in pairs)
