"""A decay vessel and the spectrometer behind it: true tracks in, rows of 16 columns out; lengths in cm, momenta in GeV.

The z axis is the beam's; the spectrometer's magnet bends in the y–z plane.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.simulate.hnl_columns import find_vertex, length, table
from hepsieve.simulate.hnl_kinematics import ELECTRON, MUON, PION
from hepsieve.simulate.hnl_tuning import Tuning
from hepsieve.simulate.particles import Bools, Floats, Ints

# The genuine vertices lie between these planes, and within 5 cm of half-apertures that grow linearly.
VESSEL_START, VESSEL_END = -2478.0, 2521.5
CLEARANCE = 5.0
# The four-station spectrometer of the SHiP proposal (arXiv:1504.04956): 5 m × 10 m straw stations, the first just
# behind the vessel, a magnet between the second and the third.
FIRST_STATION, MAGNET, LAST_STATION = 2580.0, 3070.0, 3540.0
STATION_X, STATION_Y = 250.0, 500.0
KICK = 0.2  # GeV, 0.3 × 0.65 T m, rounded
MOMENTUM_ERROR = (0.0049, 0.00022)  # σ(p)/p = 0.49 % ⊕ 0.022 % p/GeV, arXiv:1504.04956
# Pairs of lighter mass are missing in the genuine background; it is π⁰'s Dalitz pairs and conversions that fall out.
LEAST_MASS = 0.144
MOST_REFIT = 0.8  # of a relative change, as a logarithm: the Student distribution has no end

MASSES = {11: ELECTRON, 13: MUON}
"""Masses assigned to tracks by their absolute PDG number; all others count as pions, as
the masses in the genuine background show."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """Charged particles, one per row.

    Attributes:
        event: number of the interaction or decay that each comes from.
        kind: absolute PDG number.
        charge: 1 or −1.
        momentum: shape (n, 3), in GeV.
        start: where it begins, or is measured; shape (n, 3), in cm.
    """

    event: Ints
    kind: Ints
    charge: Ints
    momentum: Floats
    start: Floats

    def __len__(self) -> int:
        """The number of tracks."""
        return len(self.event)

    def __getitem__(self, rows: NDArray[Any]) -> Tracks:
        """The tracks of these rows (index array or boolean mask)."""
        return Tracks(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    @classmethod
    def joined(cls, parts: list[Tracks]) -> Tracks:
        """All tracks of several tables, in their order."""
        names = [column.name for column in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def half_width(z: Floats) -> Floats:
    """The vessel's half-aperture in x at z."""
    return 80.0 + 0.0346 * (z - VESSEL_START)


def half_height(z: Floats) -> Floats:
    """The vessel's half-aperture in y at z."""
    return 220.0 + 0.064 * (z - VESSEL_START)


def in_vessel(points: Floats, clearance: float = CLEARANCE) -> Bools:
    """Whether points, shape (n, 3), are inside the vessel and this far from its side walls."""
    x, y, z = points.T
    inside: Bools = (z > VESSEL_START) & (z < VESSEL_END)
    inside &= (np.abs(x) < half_width(z) - clearance) & (np.abs(y) < half_height(z) - clearance)
    return inside


def at_plane(tracks: Tracks, z: float) -> tuple[Floats, Floats]:
    """x and y of the tracks at z, if nothing bends them."""
    way = (z - tracks.start[:, 2]) / tracks.momentum[:, 2]
    return tracks.start[:, 0] + tracks.momentum[:, 0] * way, tracks.start[:, 1] + tracks.momentum[:, 1] * way


def accepted(tracks: Tracks, least_momentum: float) -> Bools:
    """Whether tracks begin before the first station and stay inside the stations up to the last one."""
    forward = (tracks.momentum[:, 2] > 0) & (tracks.start[:, 2] < FIRST_STATION)
    pz = np.where(forward, tracks.momentum[:, 2], 1.0)
    tracks = Tracks(
        event=tracks.event,
        kind=tracks.kind,
        charge=tracks.charge,
        momentum=np.column_stack([tracks.momentum[:, :2], pz]),
        start=tracks.start,
    )
    x, y = at_plane(tracks, FIRST_STATION)
    far_x, far_y = at_plane(tracks, LAST_STATION)
    far_y = far_y + tracks.charge * KICK / pz * (LAST_STATION - MAGNET)
    inside: Bools = forward & (length(tracks.momentum) > least_momentum)
    for across, limit in ((x, STATION_X), (far_x, STATION_X), (y, STATION_Y), (far_y, STATION_Y)):
        inside &= np.abs(across) < limit
    return inside


def measured(
    tracks: Tracks, tuning: Tuning, rng: np.random.Generator, *, bad: float | Floats, bad_slope: Floats
) -> Tracks:
    """The tracks as the spectrometer sees them: smeared momenta, and points at the first station.

    Args:
        tracks: true ones, accepted.
        tuning: the errors.
        rng: draws them.
        bad: probability of each track that its slopes get a further error; some of these have a wrong
            momentum too.
        bad_slope: that further error of each track, in rad.
    """
    n, momentum = len(tracks), length(tracks.momentum)
    is_bad = rng.random(n) < bad
    slopes, points = [], []
    for axis, along in enumerate(at_plane(tracks, FIRST_STATION)):
        error = np.hypot(tuning.slope_error[axis], tuning.scattering / momentum)
        slope = tracks.momentum[:, axis] / tracks.momentum[:, 2] + error * rng.standard_normal(n)
        slopes.append(slope + is_bad * bad_slope * rng.standard_normal(n))
        points.append(along + tuning.point_error[axis] * rng.standard_normal(n))
    constant, linear = MOMENTUM_ERROR
    seen = momentum * np.abs(1 + np.hypot(constant, linear * momentum) * rng.standard_normal(n))
    seen = np.where(is_bad & (rng.random(n) < tuning.wrong_share), rng.uniform(*tuning.wrong_momentum, n), 1.0) * seen
    direction = np.stack([*slopes, np.ones(n)], axis=1)
    return Tracks(
        event=tracks.event,
        kind=tracks.kind,
        charge=tracks.charge,
        momentum=direction * (seen / length(direction))[:, None],
        start=np.stack([*points, np.full(n, FIRST_STATION)], axis=1),
    )


def rows_of_pairs(first: Tracks, second: Tracks, tuning: Tuning, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """The 16 columns of pairs of measured tracks, and which of them pass the vertex and mass selection.

    The vertex fit changes the momenta of the daughters the more, the farther apart the tracks are.
    """
    vertex = find_vertex((first.momentum, second.momentum), (first.start, second.start))
    scale = tuning.refit * vertex.doca**tuning.refit_power
    changes = np.clip(scale * rng.standard_t(tuning.refit_tail, (2, len(first))), -MOST_REFIT, MOST_REFIT)
    daughters = (first.momentum, second.momentum)
    fitted = (first.momentum * np.exp(changes[0])[:, None], second.momentum * np.exp(changes[1])[:, None])
    columns = table(vertex, daughters, fitted, (assigned_mass(first.kind), assigned_mass(second.kind)))
    return columns, in_vessel(vertex.point) & (columns[:, -1] > LEAST_MASS)


def assigned_mass(kind: Ints) -> Floats:
    """The masses in GeV that the reconstruction gives to tracks of these absolute PDG numbers."""
    mass = np.full(len(kind), PION)
    for code, value in MASSES.items():
        mass[kind == code] = value
    return mass
