"""Gathered columns to what a description says of each: the spread within each class, and a histogram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hepsieve.audit.gather import Gathered, defined, histogram


class Part(BaseModel):
    """A part of a description; what is written in another version may lack some of it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ChannelSummary(Part):
    """One channel over all values of all labelled images or waveforms.

    Attributes:
        name: the channel.
        unit: empty where it has none, or none is known.
        min: the lowest finite value; None without any.
        max: the highest finite value.
        missing: how many values are NaN.
        infinite: how many are infinite.
        missing_by_class: how ``missing`` divides between background and signal.
    """

    name: str
    unit: str
    min: float | None
    max: float | None
    missing: int
    infinite: int
    missing_by_class: tuple[int, int]


class Spread(Part):
    """How the values of one class are distributed; None where no value defines a figure.

    Attributes:
        count: the values.
        mean: their mean.
        std: their standard deviation, with n - 1.
        min: the lowest, of an interval of at most 0.2 % of itself.
        q25: the lower quartile.
        median: half of the values lie below.
        q75: the upper quartile.
        max: the highest, like ``min``.
    """

    count: int
    mean: float | None
    std: float | None
    min: float | None
    q25: float | None
    median: float | None
    q75: float | None
    max: float | None


class ShapeSummary(Part):
    """One shower shape of the images with energy, or one quantity of the waveforms with a pulse; of finite values.

    Attributes:
        name: the shape or quantity.
        unit: empty where it has none, or none is known.
        background: the distribution in the one class; in a regression over all events.
        signal: and in the other one, if there is one.
        edges: ends of the histogram's bins.
        density: of both classes, background first: density in each bin per unit, normalised to the class.
    """

    name: str
    unit: str
    background: Spread
    signal: Spread
    edges: tuple[float, ...]
    density: tuple[tuple[float, ...], tuple[float, ...]]


def summaries(names: Sequence[str], units: Sequence[str], columns: Gathered) -> Iterator[ShapeSummary]:
    """A summary of each column, with these names and units."""
    for k, (name, unit) in enumerate(zip(names, units, strict=True)):
        edges, density = histogram(columns.sketches[k])
        background, signal = (_spread(columns, k, side) for side in (0, 1))
        yield ShapeSummary(
            name=name,
            unit=unit,
            background=background,
            signal=signal,
            edges=tuple(edges.tolist()),
            density=(tuple(density[0].tolist()), tuple(density[1].tolist())),
        )


def channel_summaries(
    names: Sequence[str],
    units: Sequence[str],
    *,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    missing: NDArray[np.int64],
    infinite: NDArray[np.int64],
) -> Iterator[ChannelSummary]:
    """A summary of each channel.

    Args:
        names: of the channels.
        units: likewise.
        ends: the lowest and the highest finite values, each of shape (channels,).
        missing: values that are NaN, shape (2, channels), by class.
        infinite: values that are infinite, likewise.
    """
    for k, (name, unit) in enumerate(zip(names, units, strict=True)):
        yield ChannelSummary(
            name=name,
            unit=unit,
            min=defined(ends[0][k]),
            max=defined(ends[1][k]),
            missing=int(missing[:, k].sum()),
            infinite=int(infinite[:, k].sum()),
            missing_by_class=pair(missing[:, k]),
        )


def pair(counts: NDArray[np.int64]) -> tuple[int, int]:
    """Counts of background and of signal."""
    return int(counts[0]), int(counts[1])


def _spread(shapes: Gathered, k: int, side: int) -> Spread:
    count, mean, deviation = (values[k] for values in shapes.moments[side].columns())
    quantiles = shapes.sketches[k].bins().quantiles((0, 0.25, 0.5, 0.75, 1), side)
    low, q25, median, q75, high = quantiles or (None,) * 5
    return Spread(
        count=int(count),
        mean=defined(mean),
        std=defined(deviation),
        min=low,
        q25=q25,
        median=median,
        q75=q75,
        max=high,
    )
