"""Images to a description of them: channels, empty ones, where the hits are, shower shapes of each class."""

from __future__ import annotations

import numpy as np

from hepsieve import spill
from hepsieve.audit.gather import Gathered
from hepsieve.audit.spreads import ChannelSummary, Part, ShapeSummary, channel_summaries, pair, summaries
from hepsieve.audit.survey import Survey, survey
from hepsieve.events import Events, FloatArray
from hepsieve.progress import Advance
from hepsieve.shower_shapes import shape_names, shape_units, shower_shapes

_IMAGES = 4096  # whose shower shapes are measured at a time
Map = tuple[tuple[float, ...], ...]


class ImageDescription(Part):
    """What is in a sample of images; pairs are by class, background first.

    In a regression all images stand in the first place.

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
        channels=tuple(
            channel_summaries(
                events.names,
                events.units,
                ends=(seen.low, seen.high),
                missing=seen.missing,
                infinite=seen.infinite,
            )
        ),
        complete=int(seen.by_class(seen.complete).sum()),
        empty=pair(seen.by_class(seen.empty)),
        centre=None if usual is None else (usual // seen.shape[1], usual % seen.shape[1]),
        centred=(0, 0) if usual is None else pair(at_centre),
        occupancy=(background, signal),
        shapes=tuple(summaries(shape_names(events.names), shape_units(events.names, events.units), shapes)),
    )


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
