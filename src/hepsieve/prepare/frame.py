"""Raw columns of events seen in a frame of their own, which turns and reflects with them: nothing else changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hepsieve.kinematics import wrapped
from hepsieve.objects import FrameConfig, ObjectConfig

_SURER = 1e-3  # tags of columns with scales of their own are equal to rounding only
Objects = Mapping[str, ObjectConfig]


def needed_columns(frame: FrameConfig, objects: Objects) -> dict[str, tuple[str, ...]]:
    """The raw columns without which a frame can't be found, by the key of the frame that wants them."""
    found: dict[str, tuple[str, ...]] = {}
    if frame.rotate is not None:
        found["rotate"] = (objects[frame.rotate].phi,)
    if frame.mirror is not None:
        found["mirror"] = (objects[frame.mirror].phi,)
    if frame.reflect is not None and (eta := objects[frame.reflect].eta) is not None:
        found["reflect"] = (eta,)
    if frame.tagged_first:
        found["tagged_first"] = tuple(column for one in tagged(objects).values() for column in one.every_column)
    return found


def tagged(objects: Objects) -> dict[str, ObjectConfig]:
    """The objects that have a tag."""
    return {name: one for name, one in objects.items() if one.tag is not None}


def in_frame(columns: Mapping[str, Any], frame: FrameConfig, objects: Objects, ops: Any = np) -> dict[str, Any]:
    """The same raw columns as the frame has them.

    Args:
        columns: raw columns by name, shape (n,), those of `needed_columns` among them.
        frame: which objects define it.
        objects: all objects.
        ops: ``numpy`` or ``keras.ops``.
    """
    seen = dict(columns)
    needed = needed_columns(frame, objects)
    if frame.reflect is not None:
        (eta,) = needed["reflect"]
        sign = _sign(objects[frame.reflect].physical("eta", columns[eta]), ops)
        for one in objects.values():
            if one.eta is not None and one.eta in columns:
                seen[one.eta] = one.raw("eta", sign * one.physical("eta", columns[one.eta]))
    if frame.rotate is not None:
        zero = objects[frame.rotate].azimuth(columns[objects[frame.rotate].phi])
        there = {one.phi: one for one in objects.values() if one.phi in columns}
        angles = {phi: wrapped(one.azimuth(columns[phi]) - zero, ops) for phi, one in there.items()}
        sign = 1.0 if frame.mirror is None else _sign(angles[objects[frame.mirror].phi], ops)
        seen |= {phi: one.raw("phi", sign * angles[phi]) for phi, one in there.items()}
    return seen


def tagged_first(columns: Mapping[str, Any], objects: Objects, ops: Any = np) -> dict[str, Any]:
    """The same raw columns with the momenta and tags of the objects exchanged, so that the tags fall.

    Args:
        columns: raw columns by name, shape (n,), those of all objects with a tag among them.
        objects: all objects.
        ops: ``numpy`` or ``keras.ops``.
    """
    jets = list(tagged(objects).values())
    held = [{of: one.physical(of, columns[name]) for of, name in one.places.items()} for one in jets]
    for last in range(len(held) - 1, 0, -1):
        for k in range(last):
            swap = held[k]["tag"] < held[k + 1]["tag"] - _SURER
            pair = held[k], held[k + 1]
            held[k] = {of: ops.where(swap, pair[1][of], pair[0][of]) for of in pair[0]}
            held[k + 1] = {of: ops.where(swap, pair[0][of], pair[1][of]) for of in pair[0]}
    moved = {
        name: one.raw(of, values[of]) for one, values in zip(jets, held, strict=True) for of, name in one.places.items()
    }
    return {**columns, **moved}


def _sign(values: Any, ops: Any) -> Any:
    return ops.where(values < 0, -1.0, 1.0)
