"""Images and waveforms cut into coarse regions, which have names as features have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.waveforms import NANOSECONDS

ACROSS = 3
"""Regions along either side of an image."""
WINDOWS = 9
"""Regions of a waveform."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of every image or waveform.

    Attributes:
        name: in words, such as "rows 0–10, columns 11–20" or "10–15 µs".
        place: what it is along the axes after the events', rows and columns or samples.
    """

    name: str
    place: tuple[slice, ...]


def regions_of(size: tuple[int, ...]) -> tuple[Region, ...]:
    """Nine regions of about equal size; fewer of images or waveforms that have fewer rows, columns or samples.

    Args:
        size: rows and columns of an image, or the number of samples of a waveform.

    >>> [region.name for region in regions_of((4, 6))][:2]
    ['rows 0–1, columns 0–1', 'rows 0–1, columns 2–3']
    >>> [region.name for region in regions_of((900,))][:2]
    ['0–1 µs', '1–2 µs']
    """
    if len(size) == 1:
        windows = cuts_of(size[0], WINDOWS)
        return tuple(Region(name=_times(window), place=(window,)) for window in windows)
    rows, columns = (cuts_of(n, ACROSS) for n in size)
    return tuple(
        Region(name=f"rows {_ends(row)}, columns {_ends(column)}", place=(row, column))
        for row in rows
        for column in columns
    )


def cuts_of(n: int, parts: int) -> list[slice]:
    """Places 0 to n in so many runs of about equal length, of which none is empty.

    >>> cuts_of(5, 2)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    pieces = np.array_split(np.arange(n), min(n, parts))
    return [slice(int(piece[0]), int(piece[-1]) + 1) for piece in pieces]


def _ends(run: slice) -> str:
    return f"{run.start}–{run.stop - 1}" if run.stop - run.start > 1 else f"{run.start}"


def _times(window: slice) -> str:
    first, last = (place * NANOSECONDS / 1000 for place in (window.start, window.stop))
    return f"{first:g}–{last:g} µs"
