"""Images of showers to a table of shower shapes: energies in windows, numbers of hits, widths, times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.events import Events, FloatArray

ENERGY, TIME = "energy", "time"
"""The names of the channels whose meaning is known."""
ENERGY_SHAPES = (
    "total energy",
    "hits",
    "hits above 0.01",
    "hits above 0.1",
    "far hits",
    "e1",
    "e9",
    "e25",
    "e49",
    "e1/e9",
    "e9/e25",
    "e25/total",
    "second hottest",
    "second cluster",
    "row width",
    "column width",
    "column skewness",
    "row offset",
    "column offset",
    "side",
)
"""Shapes of the energy channel, in the order of the table's columns."""
TIME_SHAPES = ("mean time", "time spread", "seed time")
"""Shapes that need the time channel too."""
_ENERGIES = ("total energy", "e1", "e9", "e25", "e49", "second hottest", "second cluster")
_LENGTHS = ("row width", "column width", "row offset", "column offset")
_BLOCK_ROWS = 256
_HALF = 3  # crystals on each side of the hottest one in the largest window
Image = NDArray[np.float64]


def shape_names(channels: Sequence[str]) -> tuple[str, ...]:
    """The shapes that images with these channels have.

    >>> len(shape_names(["energy"])), shape_names(["energy", "time"])[-1]
    (20, 'seed time')
    """
    if ENERGY not in channels:
        return ()
    return ENERGY_SHAPES + (TIME_SHAPES if TIME in channels else ())


def shape_units(channels: Sequence[str], units: Sequence[str]) -> tuple[str, ...]:
    """The unit of each shape, of images whose channels have these units; an empty string is dimensionless.

    >>> shape_units(["energy", "time"], ["50 GeV", "ns"])[-4:]
    ('', 'ns', 'ns', 'ns')
    """
    unit_of = dict(zip(channels, units, strict=True))
    known = dict.fromkeys(_ENERGIES, unit_of.get(ENERGY, "")) | dict.fromkeys(_LENGTHS, "crystals")
    known |= dict.fromkeys(TIME_SHAPES, unit_of.get(TIME, ""))
    return tuple(known.get(name, "") for name in shape_names(channels))


def are_images(events: Events) -> bool:
    """Whether these events are images, shape (n, height, width, channels)."""
    return events.features.ndim == 4


def shower_shapes(images: FloatArray, channels: Sequence[str]) -> FloatArray:
    """The shower shapes of images, shape (n, height, width, channels) to (n, shapes), float32, as ``shape_names`` says.

    Energies are in the images' own unit, lengths in crystals, times in the images' own unit. All windows and lengths
    are taken around the hottest crystal: ``e1``, ``e9``, ``e25`` and ``e49`` are the sums over squares of 1, 3, 5 and 7
    crystals; ``far hits`` lie more than five crystals away in rows or columns; ``second cluster`` is the largest sum of
    3 × 3 crystals outside the square of seven rows and eleven columns; widths are energy-weighted standard deviations,
    offsets energy-weighted means; ``side`` is the share of energy right of the hottest column less that left of it.
    An image without energy has zeros throughout; without an energy channel there are no shapes.
    """
    table: FloatArray = spill.empty((len(images), len(shape_names(channels))), np.float32)
    if ENERGY not in channels:
        return table
    energy_at = list(channels).index(ENERGY)
    time_at = list(channels).index(TIME) if TIME in channels else None

    def measure(rows: slice) -> None:
        block = np.asarray(images[rows], np.float64)
        energy = np.nan_to_num(np.maximum(block[..., energy_at], 0), posinf=0)
        columns = _energy_shapes(energy)
        if time_at is not None:
            columns += _time_shapes(energy, np.nan_to_num(block[..., time_at]))
        table[rows] = np.stack(columns, axis=1)

    spill.on_all_cores(measure, spill.blocks(images, rows=_BLOCK_ROWS))
    return table


def _energy_shapes(energy: Image) -> list[Image]:
    n, height, width = energy.shape
    row, column = hottest(energy)
    total = energy.sum(axis=(1, 2))
    windows = _windows(energy, row, column)
    e1, e9, e25, e49 = (windows[:, 3 - k : 4 + k, 3 - k : 4 + k].sum(axis=(1, 2)) for k in range(4))
    rows = np.arange(height) - row[:, np.newaxis]
    columns = np.arange(width) - column[:, np.newaxis]
    by_row, by_column = energy.sum(axis=2), energy.sum(axis=1)
    row_mean, row_width, _ = _moments(by_row, rows, total)
    column_mean, column_width, skewness = _moments(by_column, columns, total)
    far = np.maximum(np.abs(rows)[:, :, np.newaxis], np.abs(columns)[:, np.newaxis, :]) > 5
    outside = (np.abs(rows) > 3)[:, :, np.newaxis] | (np.abs(columns) > 5)[:, np.newaxis, :]
    return [
        total,
        _count(energy > 0),
        _count(energy > 0.01),
        _count(energy > 0.1),
        _count((energy > 0) & far),
        e1,
        e9,
        e25,
        e49,
        _ratio(e1, e9),
        _ratio(e9, e25),
        _ratio(e25, total),
        np.partition(energy.reshape(n, -1), -2, axis=1)[:, -2],
        _largest_cluster(np.where(outside, energy, 0)),
        row_width,
        column_width,
        skewness,
        row_mean,
        column_mean,
        _ratio((by_column * np.sign(columns)).sum(axis=1), total),
    ]


def _time_shapes(energy: Image, time: Image) -> list[Image]:
    n = len(energy)
    total = energy.sum(axis=(1, 2))
    mean = _ratio((energy * time).sum(axis=(1, 2)), total)
    spread = np.sqrt(_ratio((energy * (time - mean[:, np.newaxis, np.newaxis]) ** 2).sum(axis=(1, 2)), total))
    row, column = hottest(energy)
    return [mean, spread, np.where(total > 0, time[np.arange(n), row, column], 0.0)]


def hottest(energy: Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of the crystal with most energy, of images of shape (n, height, width)."""
    place = energy.reshape(len(energy), -1).argmax(axis=1)
    return place // energy.shape[2], place % energy.shape[2]


def _windows(energy: Image, row: NDArray[np.int64], column: NDArray[np.int64]) -> Image:
    """The 7 × 7 crystals around the hottest one; zeros beyond the edge."""
    size = 2 * _HALF + 1
    padded = np.pad(energy, ((0, 0), (_HALF, _HALF), (_HALF, _HALF)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    return np.asarray(views[np.arange(len(energy)), row, column])


def _moments(profile: Image, distance: NDArray[np.int64], total: Image) -> tuple[Image, Image, Image]:
    """Mean, standard deviation and skewness of the distance from the hottest crystal, weighted with energy."""
    mean = _ratio((profile * distance).sum(axis=1), total)
    centred = distance - mean[:, np.newaxis]
    width = np.sqrt(_ratio((profile * centred**2).sum(axis=1), total))
    third = _ratio((profile * centred**3).sum(axis=1), total)
    return mean, width, _ratio(third, width**3)


def _largest_cluster(energy: Image) -> Image:
    padded = np.pad(energy, ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    sums = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return np.asarray(sums.max(axis=(1, 2)))


def _count(mask: NDArray[np.bool_]) -> Image:
    return np.asarray(mask.sum(axis=(1, 2)), np.float64)


def _ratio(part: Image, whole: Image) -> Image:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
