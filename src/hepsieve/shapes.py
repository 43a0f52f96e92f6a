"""Events to what a person would measure: columns of tables, shower shapes of images, pulse shapes of waveforms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.events import Events, FloatArray
from hepsieve.pulse_shapes import pulse_names, pulse_shapes, pulse_units
from hepsieve.shower_shapes import shape_names, shape_units, shower_shapes

_MANY_ROWS = 1 << 14


def shapes_of(arrays: FloatArray, channels: Sequence[str]) -> FloatArray:
    """Shower shapes of images, shape (n, height, width, p), or pulse shapes of waveforms, shape (n, time, p).

    Returns:
        One column for each of ``names_of``, float32, shape (n, k).
    """
    return shower_shapes(arrays, channels) if arrays.ndim == 4 else pulse_shapes(arrays, channels)


def names_of(channels: Sequence[str], *, ndim: int) -> tuple[str, ...]:
    """The shapes that images (``ndim`` 4) or waveforms (3) with these channels have."""
    return shape_names(channels) if ndim == 4 else pulse_names(channels)


def as_table(events: Events) -> Events:
    """The same events with their shapes in place of images or waveforms; there are none without the known channel."""
    names, units = _names_and_units(events)
    return events.replace(features=shapes_of(events.features, events.names), names=names, units=units)


def quantities(events: Events) -> tuple[str, ...]:
    """What ``quantity`` knows of these events: features of tables or shapes of the others, and spectators."""
    return tuple(dict.fromkeys((*_names_and_units(events)[0], *events.spectator_names)))


def quantity(events: Events, name: str) -> NDArray[np.floating]:
    """A feature, a spectator or, of images and waveforms, a shape by its name, shape (n,).

    Raises:
        DataError: if there is none of this name.
    """
    names, _ = _names_and_units(events)
    if events.features.ndim == 2 or name in events.spectator_names or name not in names:
        return events.column(name)
    # Many events at a time, so that the table of all shapes never stands there whole.
    column: FloatArray = spill.empty(len(events), np.float32)
    for rows in spill.blocks(events.features, rows=_MANY_ROWS):
        column[rows] = shapes_of(events.features[rows], events.names)[:, names.index(name)]
    return column


def quantity_unit(events: Events, name: str) -> str:
    """The unit of what ``quantity`` gives; empty for spectators."""
    names, units = _names_and_units(events)
    return units[names.index(name)] if name in names and name not in events.spectator_names else ""


def _names_and_units(events: Events) -> tuple[tuple[str, ...], tuple[str, ...]]:
    match events.features.ndim:
        case 4:
            return shape_names(events.names), shape_units(events.names, events.units)
        case 3:
            return pulse_names(events.names), pulse_units(events.names, events.units)
        case _:
            return events.names, events.units
