"""Channels of images and waveforms: choose them by name, fill what is missing in them, refuse what can't be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np

from hepsieve import spill
from hepsieve.errors import DataError
from hepsieve.events import Events, FloatArray
from hepsieve.prepare.median import median
from hepsieve.shower_shapes import are_images


def channels_of(arrays: FloatArray, wanted: Sequence[int]) -> FloatArray:
    """Some channels of images or waveforms, shape (n, …, p) to (n, …, k).

    A view where they follow each other, as one channel always does.
    """
    first = wanted[0]
    if list(wanted) == list(range(first, first + len(wanted))):
        return arrays[..., first : first + len(wanted)]
    chosen: FloatArray = spill.empty((*arrays.shape[:-1], len(wanted)), np.float32)
    for rows in spill.blocks(chosen):
        chosen[rows] = arrays[rows][..., wanted]
    return chosen


def with_channels(events: Events, channels: tuple[str, ...]) -> Events:
    """The same images or waveforms with these channels alone, in this order."""
    wanted = [events.names.index(name) for name in channels]
    units = tuple(events.units[k] for k in wanted)
    return events.replace(features=channels_of(events.features, wanted), names=channels, units=units)


def filled(arrays: FloatArray, fill: tuple[float, ...] | None) -> FloatArray:
    """Images or waveforms with values that are not finite replaced, by one number for each channel; None leaves all."""
    if fill is None:
        return arrays
    mended: FloatArray = spill.empty(arrays.shape, np.float32)
    for rows in spill.blocks(arrays):
        mended[rows] = np.where(np.isfinite(arrays[rows]), arrays[rows], np.asarray(fill, np.float32))
    return mended


def medians(
    train: Events, channels: Sequence[str], *, where: Mapping[str, str] = MappingProxyType({})
) -> tuple[float, ...]:
    """The median of the finite values of each of these channels.

    Args:
        train: the training part.
        channels: their names.
        where: by channel, the other one that is above 0 where its values count; all values of the others count.

    Raises:
        DataError: if a channel has no finite value.
    """

    def values(name: str) -> Iterator[FloatArray]:
        channel = train.names.index(name)
        for rows in spill.blocks(train.features):
            block = train.features[rows]
            counts = block[..., train.names.index(where[name])] > 0 if name in where else None
            yield block[..., channel] if counts is None else block[..., channel][counts]

    found = {name: median(partial(values, name)) for name in channels}
    for name, value in found.items():
        if not np.isfinite(value):
            raise DataError(f"channel {name}: no training value is finite: there is no median to impute; drop it")
    return tuple(found.values())


def refuse_missing(train: Events, name: str) -> None:
    """Name the first image or waveform in whose channel of this name a value is not finite, if there is one.

    Raises:
        DataError: naming it, and what to do.
    """
    channel, what = train.names.index(name), "image" if are_images(train) else "waveform"
    for rows in spill.blocks(train.features):
        values = train.features[rows][..., channel]
        good = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        if not good.all():
            raise DataError(
                f"channel {name!r} of training {what} {rows.start + int(np.argmin(good)) + 1} has a value that is not "
                f"finite; drop such {what}s or impute (audit.missing)"
            )


def require_size(features: FloatArray, size: tuple[int, ...]) -> None:
    """Refuse images or waveforms of another size than those that were learned from.

    Args:
        features: shape (n, height, width, channels), or (n, time, channels).
        size: rows and columns of the former, or samples of the latter.

    Raises:
        DataError: naming both sizes.
    """
    found = features.shape[1:-1]
    if found == size:
        return
    had, have = (" × ".join(map(str, shape)) for shape in (size, found))
    if len(size) == 1:
        raise DataError(
            f"waveforms of {have} samples, and the model learned from {had}; bring waveforms of that length"
        )
    raise DataError(f"images of {have} pixels, and the model learned from {had}; bring images of that size")
