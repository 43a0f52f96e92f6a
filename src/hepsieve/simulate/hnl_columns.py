"""The 16 columns of a pair of tracks: their vertex, the mother, both daughters; lengths in cm, momenta in GeV.

The definitions hold in the genuine files: each fraction is pt / p exactly, and the impact parameter is the distance
of the mother's line from the target's centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate.particles import Floats

TARGET = (0.0, 0.0, -7228.0)
"""Where protons begin to interact, and what the impact parameter is measured from; the vessel's middle is about 0."""

COLUMNS = (
    ("Mother Total Momentum", "GeV/c"),
    ("Mother Transverse Momentum", "GeV/c"),
    ("Mother Fraction of Transverse Momentum", ""),
    ("Opening Angle", "rad"),
    ("Impact Parameter", "cm"),
    ("Daughter1 Total Momentum", "GeV/c"),
    ("Daughter1 Transverse Momentum", "GeV/c"),
    ("Daughter1 Fraction of Transverse Momentum", ""),
    ("Daughter2 Total Momentum", "GeV/c"),
    ("Daughter2 Transverse Momentum", "GeV/c"),
    ("Daughter2 Fraction of Transverse Momentum", ""),
    ("Decay Z", "cm"),
    ("Decay X", "cm"),
    ("Decay Y", "cm"),
    ("DOCA", "cm"),
    ("Invariant Mass", "GeV/c^2"),
)
NAMES = tuple(name for name, _ in COLUMNS)
UNITS = tuple(unit for _, unit in COLUMNS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Vertex:
    """Where the lines of two tracks come closest.

    Attributes:
        point: the middle between the nearest points, shape (n, 3), in cm.
        doca: the distance of closest approach in cm.
        angle: between the tracks, in rad.
    """

    point: Floats
    doca: Floats
    angle: Floats

    def __getitem__(self, rows: np.ndarray) -> Vertex:
        """The vertices of these rows (index array or boolean mask)."""
        return Vertex(point=self.point[rows], doca=self.doca[rows], angle=self.angle[rows])


def find_vertex(momenta: tuple[Floats, Floats], points: tuple[Floats, Floats]) -> Vertex:
    """The vertices of pairs of straight tracks.

    Args:
        momenta: of the first and the second tracks, each of shape (n, 3).
        points: one on each track, each of shape (n, 3).
    """
    first, second = (momentum / length(momentum)[:, None] for momentum in momenta)
    between = points[0] - points[1]
    cosine = _dot(first, second)
    # (1 − cos²) keeps too few digits at small angles, the square of the cross product does not. Its floor, 1e-7 rad,
    # is for tracks that are parallel, where any point is as near as another.
    square = np.maximum((np.cross(first, second) ** 2).sum(axis=1), 1e-14)
    along_first, along_second = _dot(first, between), _dot(second, between)
    on_first = points[0] + ((cosine * along_second - along_first) / square)[:, None] * first
    on_second = points[1] + ((along_second - cosine * along_first) / square)[:, None] * second
    return Vertex(
        point=(on_first + on_second) / 2,
        doca=length(on_first - on_second),
        angle=np.arctan2(np.sqrt(square), cosine),
    )


def table(
    vertex: Vertex, measured: tuple[Floats, Floats], fitted: tuple[Floats, Floats], masses: tuple[Floats, Floats]
) -> Floats:
    """The columns, shape (n, 16).

    Args:
        vertex: of the pairs.
        measured: momenta of both daughters at the first station.
        fitted: their momenta as the vertex fit leaves them, from which mother and mass are made.
        masses: that are assigned to the daughters, in GeV.
    """
    mother = fitted[0] + fitted[1]
    energy = sum(np.sqrt(_dot(p, p) + mass**2) for p, mass in zip(fitted, masses, strict=True))
    mass = np.sqrt(np.maximum(energy**2 - _dot(mother, mother), 0.0))
    columns = [*_sizes(mother), vertex.angle, impact_parameter(vertex.point, mother)]
    columns += [size for daughter in measured for size in _sizes(daughter)]
    columns += [vertex.point[:, 2], vertex.point[:, 0], vertex.point[:, 1], vertex.doca, mass]
    return np.stack(columns, axis=1)


def impact_parameter(point: Floats, momentum: Floats) -> Floats:
    """The distance of lines through these points, along these momenta, from the target's centre."""
    distance: Floats = length(np.cross(point - TARGET, momentum)) / length(momentum)
    return distance


def length(vectors: Floats) -> Floats:
    """The lengths of vectors in the last axis."""
    return np.asarray(np.sqrt((vectors**2).sum(axis=-1)))


def _sizes(momentum: Floats) -> tuple[Floats, Floats, Floats]:
    """Total and transverse momentum, and the second's share of the first."""
    total, transverse = length(momentum), length(momentum[:, :2])
    return total, transverse, transverse / total


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = (a * b).sum(axis=1)
    return product
