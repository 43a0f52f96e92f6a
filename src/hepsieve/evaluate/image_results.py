"""The frozen results about images: what they look like, and what models look at in them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.frozen import Result

Pixels = tuple[tuple[float | None, ...], ...]
"""Rows of an image; None where nothing is known about a pixel."""


class MeanImage(Result):
    """One channel of the training images, averaged per class, pixel by pixel, with the means' standard errors.

    The mean time of a pixel is that of the images in which it has energy; None where there is none.
    """

    channel: str
    unit: str
    background: Pixels
    signal: Pixels
    background_error: Pixels
    signal_error: Pixels


class ExampleImage(Result):
    """One training image: for each channel the places (row × width + column) of pixels that are not 0, and these."""

    label: str
    places: tuple[tuple[int, ...], ...]
    values: tuple[tuple[float, ...], ...]

    def channel(self, number: int, shape: tuple[int, int]) -> NDArray[np.float64]:
        """The pixels of one channel, of an image of this height and width."""
        pixels = np.zeros(shape[0] * shape[1])
        pixels[list(self.places[number])] = self.values[number]
        return pixels.reshape(shape)


class ImageSummary(Result):
    """What the images of the training part look like: means over each class, and a few examples.

    ``shape`` is height and width; ``n_background`` and ``n_signal`` are the numbers of images behind the means.
    """

    shape: tuple[int, int]
    n_background: int
    n_signal: int
    means: tuple[MeanImage, ...]
    examples: tuple[ExampleImage, ...]


class OcclusionMap(Result):
    """What a model looks at in validation images of one class: how their contents move the logit of its score.

    With ``occlusion`` a square of crystals is emptied, and the logit of the score falls by so much; every crystal gets
    the mean over the squares that it lies in. With ``gradient`` every crystal gets its part in the logit's distance
    from that of an empty image, by integrated gradients (arXiv:1703.01365). Positive crystals speak for signal,
    negative ones for background; in a regression it is the prediction itself that falls.

    Attributes:
        model: the model's name.
        label: the class of the images, 0 for background and 1 for signal; None in a regression.
        drop: logit before minus logit afterwards, mean over the images, one row for each row of the image.
        error: standard error of each mean, from the spread over the images.
        images: how many images were taken.
        patch: rows and columns of the square.
        method: how it was found.
    """

    model: str
    label: Literal[0, 1] | None
    drop: tuple[tuple[float, ...], ...]
    error: tuple[tuple[float, ...], ...]
    images: int
    patch: int
    method: Literal["occlusion", "gradient"] = "occlusion"


class WaveformMap(Result):
    """What a model looks at in validation waveforms of one class, window by window; as ``OcclusionMap`` is of images.

    Hidden samples are set to the waveform's own quiet level, from which integrated gradients start too.

    Attributes:
        model: the model's name.
        label: the class of the waveforms, 0 for background and 1 for signal; None in a regression.
        method: how it was found.
        edges: of the windows, in µs since the first sample.
        drop: of each window, mean over the waveforms: of the logit or, in a regression, of the prediction.
        error: standard error of each mean, from the spread over the waveforms.
        mean: the first channel of the same waveforms in bins of equal length, averaged.
        waveforms: how many were taken.
    """

    model: str
    label: Literal[0, 1] | None
    method: Literal["occlusion", "gradient"]
    edges: tuple[float, ...]
    drop: tuple[float, ...]
    error: tuple[float, ...]
    mean: tuple[float, ...]
    waveforms: int
