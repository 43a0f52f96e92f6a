"""Symmetric copies of events: raw features mirrored or turned, over which the scores of a model are averaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from hepsieve.events import FloatArray
from hepsieve.kinematics import wrapped
from hepsieve.models.config import Flip
from hepsieve.models.learner import Symmetry
from hepsieve.objects import ObjectConfig
from hepsieve.prepare.mirrored import mirrored

Columns = Mapping[str, Any]
"""Raw columns by name, arrays or tensors of shape (n,)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MirroredImages(_Frozen):
    """An image with all combinations of some flips.

    Attributes:
        flips: what is reversed.
    """

    kind: Literal["images"] = "images"
    flips: Annotated[tuple[Flip, ...], Field(min_length=1)]

    @property
    def number(self) -> int:
        """How many copies there are, the event itself included."""
        return int(2 ** len(self.flips))

    def of(self, features: FloatArray, names: tuple[str, ...]) -> Iterator[FloatArray]:
        """Raw images, shape (n, rows, columns, channels), as they are, then mirrored in all ways."""
        for some in product(*((None, flip) for flip in self.flips)):
            copy = features
            for flip in some:
                copy = copy if flip is None else mirrored(copy, flip)
            yield copy


class Turn(_Frozen):
    """What is done to an event: first its signs are changed, then it is turned.

    Attributes:
        reflected: whether all pseudorapidities change their signs.
        mirrored: whether all azimuths do.
        angle: is added to all azimuths, in turns.
    """

    reflected: bool = False
    mirrored: bool = False
    angle: float = 0.0


class TurnedTables(_Frozen):
    """A collision with all combinations of reflection and mirror, each turned about the beam by equal steps.

    The mean over them is the same for an event and its mirror images. Turned, an event has the same mean only by an
    angle between two copies: for others the mean depends the less on it the more copies there are.

    Attributes:
        objects: whose columns change.
        symmetries: what is done.
        number: how many copies there are, the event itself included.
    """

    kind: Literal["tables"] = "tables"
    objects: Mapping[str, ObjectConfig]
    symmetries: Annotated[tuple[Symmetry, ...], Field(min_length=1)]
    number: Annotated[int, Field(ge=2)]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What is done for each copy; the first is the event itself."""
        both, one = (False, True), (False,)
        sides: tuple[tuple[bool, ...], ...] = tuple(
            both if name in self.symmetries else one for name in ("reflection", "mirror")
        )
        angles = self.number // (len(sides[0]) * len(sides[1]))
        return tuple(
            Turn(reflected=reflected, mirrored=mirrored, angle=step / angles)
            for step, reflected, mirrored in product(range(angles), sides[0], sides[1])
        )

    def of(self, features: FloatArray, names: tuple[str, ...]) -> Iterator[FloatArray]:
        """Raw features, shape (n, p), as they are, then turned."""
        yield features
        for turn in self.turns[1:]:
            yield turned(
                features, names, self.objects, reflected=turn.reflected, mirrored=turn.mirrored, angle=turn.angle
            )


SymmetricCopies = Annotated[MirroredImages | TurnedTables, Field(discriminator="kind")]
COPIES: TypeAdapter[MirroredImages | TurnedTables] = TypeAdapter(SymmetricCopies)
"""Reads the JSON of either."""


def turned(
    features: FloatArray,
    names: tuple[str, ...],
    objects: Mapping[str, ObjectConfig],
    *,
    reflected: Any = False,
    mirrored: Any = False,
    angle: Any = 0.0,
) -> FloatArray:
    """Raw features of collisions whose pseudorapidities and azimuths change their signs, and that are turned then.

    Args:
        features: shape (n, p).
        names: of the columns; objects whose columns are not among them are not asked for.
        objects: the particles and jets.
        reflected: which events' pseudorapidities change their signs, shape (n,), or one answer for all.
        mirrored: which events' azimuths do.
        angle: is added to their azimuths then, in turns, shape (n,) or for all.
    """
    angles = moved_columns(objects)
    # An infinite value is a missing one, which has no other angle.
    there = {
        name: np.where(np.isfinite(features[:, k]), features[:, k], np.nan).astype(np.float64)
        for k, name in enumerate(names)
        if name in angles
    }
    moved = turned_columns(there, objects, reflected=reflected, mirrored=mirrored, angle=angle)
    copy = np.array(features, np.float32)
    for name, values in moved.items():
        copy[:, names.index(name)] = values
    return copy


def turned_columns(
    columns: Columns,
    objects: Mapping[str, ObjectConfig],
    *,
    reflected: Any = False,
    mirrored: Any = False,
    angle: Any = 0.0,
    ops: Any = np,
) -> dict[str, Any]:
    """The same of columns by name; only those that belong to an object are given back.

    Args:
        columns: raw, as arrays or tensors.
        objects: the particles and jets.
        reflected: which events are.
        mirrored: which events are.
        angle: in turns.
        ops: ``numpy`` or ``keras.ops``.
    """
    found: dict[str, Any] = {}
    for one in objects.values():
        if one.eta is not None and one.eta in columns:
            column = columns[one.eta]
            # The physical value is column × scale + offset, and changes its sign.
            opposite = -column - 2 * one.offset.eta / one.scale.eta
            found[one.eta] = ops.where(reflected, opposite, column)
        if one.phi in columns:
            azimuth = one.azimuth(columns[one.phi])
            azimuth = wrapped(ops.where(mirrored, -azimuth, azimuth) + 2 * np.pi * angle, ops)
            found[one.phi] = (azimuth - one.offset.phi) / one.scale.phi
    return found


def moved_columns(objects: Mapping[str, ObjectConfig]) -> frozenset[str]:
    """The columns that hold angles of these objects."""
    return frozenset(name for one in objects.values() for name in (one.eta, one.phi) if name is not None)
