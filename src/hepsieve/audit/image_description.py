"""Images to a description of them: channels, empty ones, where the hits are, shower shapes of each class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import BaseModel, ConfigDict

from hepsieve import spill
from hepsieve.audit.gather import Gathered, defined, histogram
from hepsieve.audit.survey import Survey, survey
from hepsieve.events import Events, FloatArray
from hepsieve.progress import Advance
from hepsieve.shower_shapes import shape_names, shape_units, shower_shapes

_IMAGES = 4096  # whose shower shapes are measured at a time
Map = tuple[tuple[float, ...], ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ChannelSummary(_Part):
    """One channel over all pixels of all labelled images.

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


class Spread(_Part):
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


class ShapeSummary(_Part):
    """One shower shape of the images with energy, whose values are all finite.

    Attributes:
        name: the shape.
        unit: empty where it has none, or none is known.
        background: the distribution in the one class.
        signal: and in the other one.
        edges: ends of the histogram's bins.
        density: of both classes, background first: density in each bin per unit, normalised to the class.
    """

    name: str
    unit: str
    background: Spread
    signal: Spread
    edges: tuple[float, ...]
    density: tuple[tuple[float, ...], tuple[float, ...]]


class ImageDescription(_Part):
    """What is in a sample of images; pairs are by class, background first.

    Attributes:
        rows: of pixels in an image.
        columns: likewise.
        channels: a row for each.
        complete: images whose values are all finite.
        empty: images without any energy, which no other figure but ``occupancy`` and ``channels`` counts.
        centre: row and column of the pixel that is the hottest one most often; None without energy.
        centred: images with energy whose hottest pixel that is.
        occupancy: the share of images in which a pixel has energy, row by row.
        shapes: the shower shapes; none without an energy channel.
    """

    rows: int
    columns: int
    channels: tuple[ChannelSummary, ...]
    complete: int
    empty: tuple[int, int]
    centre: tuple[int, int] | None
    centred: tuple[int, int]
    occupancy: tuple[Map, Map]
    shapes: tuple[ShapeSummary, ...]


def describe_images(events: Events, advance: Advance) -> ImageDescription:
    """Describe images in two walks through them, in memory that does not grow with their number.

    Args:
        events: images; those that are labelled as neither class are left out.
        advance: hears of images whose shower shapes were measured.
    """
    seen = survey(events)
    shapes = _shapes(events, seen, advance)
    usual = seen.usual
    at_centre = seen.by_class(seen.lit & (seen.hottest == usual))
    share = seen.hits / np.maximum(seen.counts, 1)[:, np.newaxis, np.newaxis]
    background, signal = (tuple(tuple(row) for row in side.round(6).tolist()) for side in share)
    return ImageDescription(
        rows=seen.shape[0],
        columns=seen.shape[1],
        channels=tuple(_channels(events, seen)),
        complete=int(seen.by_class(seen.complete).sum()),
        empty=_pair(seen.by_class(seen.empty)),
        centre=None if usual is None else (usual // seen.shape[1], usual % seen.shape[1]),
        centred=(0, 0) if usual is None else _pair(at_centre),
        occupancy=(background, signal),
        shapes=tuple(_summaries(events, shapes)),
    )


def _pair(counts: np.ndarray) -> tuple[int, int]:
    return int(counts[0]), int(counts[1])


def _shapes(events: Events, seen: Survey, advance: Advance) -> Gathered:
    """The shower shapes of the images that have some energy and no value that is not finite."""
    names = shape_names(events.names)
    gathered = Gathered.empty(len(names))
    usable = seen.lit & seen.labelled & seen.complete
    for rows in spill.blocks(events.features, rows=_IMAGES):
        kept = usable[rows]
        if names and kept.any():
            # Many images at a time, so that they are measured on all cores.
            images: FloatArray = events.features[rows]
            table = shower_shapes(images if kept.all() else images[kept], events.names)
            gathered.add(table, seen.signal[rows][kept])
        advance(len(kept))
    return gathered


def _channels(events: Events, seen: Survey) -> Iterator[ChannelSummary]:
    for k, (name, unit) in enumerate(zip(events.names, events.units, strict=True)):
        yield ChannelSummary(
            name=name,
            unit=unit,
            min=defined(seen.low[k]),
            max=defined(seen.high[k]),
            missing=int(seen.missing[:, k].sum()),
            infinite=int(seen.infinite[:, k].sum()),
            missing_by_class=_pair(seen.missing[:, k]),
        )


def _summaries(events: Events, shapes: Gathered) -> Iterator[ShapeSummary]:
    units = shape_units(events.names, events.units)
    for k, (name, unit) in enumerate(zip(shape_names(events.names), units, strict=True)):
        edges, density = histogram(shapes.sketches[k])
        background, signal = (_spread(shapes, k, side) for side in (0, 1))
        yield ShapeSummary(
            name=name,
            unit=unit,
            background=background,
            signal=signal,
            edges=tuple(edges.tolist()),
            density=(tuple(density[0].tolist()), tuple(density[1].tolist())),
        )


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
