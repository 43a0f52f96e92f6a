"""Training images turned into what a page shows of them: the mean image of each class, and a few examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.evaluate.image_results import ExampleImage, ImageSummary, MeanImage, Pixels
from hepsieve.evaluate.ranked import Floats
from hepsieve.shower_shapes import ENERGY, TIME

EXAMPLES = 5
LEAST_HITS = 10  # values, counted by their weights, of fewer of which a spread says little
DIGITS, ERROR_DIGITS = 4, 2


def image_summary(
    images: NDArray[Any],
    target: NDArray[Any],
    weight: NDArray[Any],
    *,
    names: Sequence[str],
    units: Sequence[str],
    classes: tuple[str, str],
    seed: int,
) -> ImageSummary:
    """The mean image of each class and five examples of it; in one walk through the images, a few megabytes at a time.

    Means are weighted. Pixels that are not finite are left out, and so is the time of those without energy. Numbers
    are kept to four significant digits, standard errors to two.

    Args:
        images: shape (n, height, width, channels), of the training part only; may be larger than memory.
        target: shape (n,), 0 for background and 1 for signal.
        weight: shape (n,).
        names: the channels.
        units: their units.
        classes: the names of background and signal.
        seed: chooses the examples.
    """
    height, width = int(images.shape[1]), int(images.shape[2])
    is_signal = np.asarray(target) > 0.5
    sums = _sums(images, is_signal, np.asarray(weight, np.float64), names)
    return ImageSummary(
        shape=(height, width),
        n_background=int(np.count_nonzero(~is_signal)),
        n_signal=int(np.count_nonzero(is_signal)),
        means=tuple(_mean_image(sums[..., k], name, units[k]) for k, name in enumerate(names)),
        examples=_examples(images, is_signal, classes, np.random.default_rng(seed)),
    )


def _sums(images: NDArray[Any], is_signal: NDArray[np.bool_], weight: Floats, names: Sequence[str]) -> Floats:
    """Sums over known pixels of w, w x, w², w² x and w² x², shape (5, 2 classes, height, width, channels)."""
    shape = images.shape[1:]
    sums = np.zeros((5, 2, int(np.prod(shape))))
    for rows in spill.blocks(images):
        block = np.asarray(images[rows], np.float64)
        known = np.isfinite(block)
        if TIME in names and ENERGY in names:
            known[..., list(names).index(TIME)] &= block[..., list(names).index(ENERGY)] > 0
        x = np.where(known, block, 0).reshape(len(block), -1)
        there = known.reshape(len(block), -1).astype(np.float64)
        w = np.stack([weight[rows] * ~is_signal[rows], weight[rows] * is_signal[rows]])
        sums += np.stack([w @ there, w @ x, w**2 @ there, w**2 @ x, w**2 @ x**2])
    return sums.reshape(5, 2, *shape)


def _mean_image(sums: Floats, name: str, unit: str) -> MeanImage:
    """Means and their standard errors from the sums of one channel, shape (5, 2, height, width)."""
    w, wx, w2, w2x, w2xx = sums
    there = w > 0
    total = np.where(there, w, 1)
    mean = wx / total
    # The same as the sum of w² (x - mean)²; rounding may leave it below 0.
    error = np.sqrt(np.maximum(w2xx - 2 * mean * w2x + mean**2 * w2, 0)) / total
    count = np.divide(w**2, w2, out=np.zeros_like(w), where=w2 > 0)
    many = count >= LEAST_HITS
    error *= np.sqrt(np.divide(count, count - 1, out=np.ones_like(w), where=many))
    mean[~there] = np.nan
    error[~many] = np.nan
    return MeanImage(
        channel=name,
        unit=unit,
        background=_pixels(mean[0], DIGITS),
        signal=_pixels(mean[1], DIGITS),
        background_error=_pixels(error[0], ERROR_DIGITS),
        signal_error=_pixels(error[1], ERROR_DIGITS),
    )


def _examples(
    images: NDArray[Any], is_signal: NDArray[np.bool_], classes: tuple[str, str], rng: np.random.Generator
) -> tuple[ExampleImage, ...]:
    examples = []
    for label, mask in zip(classes, (~is_signal, is_signal), strict=True):
        rows = spill.positions(mask)
        for row in rng.choice(rows, size=min(EXAMPLES, len(rows)), replace=False):
            channels = np.moveaxis(np.nan_to_num(np.asarray(images[row], np.float64), posinf=0, neginf=0), -1, 0)
            pixels = channels.reshape(len(channels), -1)
            places = tuple(tuple(np.flatnonzero(channel).tolist()) for channel in pixels)
            values = tuple(
                tuple(_short(value, DIGITS) for value in channel[list(there)])
                for channel, there in zip(pixels, places, strict=True)
            )
            examples.append(ExampleImage(label=label, places=places, values=values))
    return tuple(examples)


def _pixels(image: Floats, digits: int) -> Pixels:
    return tuple(tuple(_short(value, digits) if np.isfinite(value) else None for value in row) for row in image)


def _short(value: float, digits: int) -> float:
    """To so many significant digits, which keeps the JSON small."""
    return float(f"{value:.{digits}g}")
