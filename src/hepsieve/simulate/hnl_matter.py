"""The matter around the vessel: where neutrinos interact, and how much of it a track crosses; lengths in cm.

Upstream there is iron with gaps up to just before the vessel, which a window closes; the vessel's side walls are a
layer of even density; behind the first station there is little.
"""

from __future__ import annotations

import numpy as np

from hepsieve.simulate.hnl_columns import TARGET, length
from hepsieve.simulate.hnl_detector import (
    FIRST_STATION,
    STATION_X,
    STATION_Y,
    VESSEL_END,
    VESSEL_START,
    half_height,
    half_width,
)
from hepsieve.simulate.hnl_flux import Flux
from hepsieve.simulate.hnl_tuning import Tuning
from hepsieve.simulate.particles import Bools, Floats, Ints

IRON_DENSITY = 7.874  # g/cm³
# Where matter ends is chosen by hand as well; its amounts are in ``Tuning``.
WINDOW_Z = VESSEL_START - 6.0
UPSTREAM_Y = 400.0
WALL_END, MATTER_END = VESSEL_END + 40.0, FIRST_STATION + 60.0
LEAST_SINE, LONGEST_WALL = 0.03, 120.0  # of a track in a wall: its angle to the wall, and the length it crosses
DRAWN = 20_000


def density(points: Floats, tuning: Tuning) -> Floats:
    """In g/cm³ at points of shape (n, 3)."""
    x, y, z = np.abs(points[:, 0]), np.abs(points[:, 1]), points[:, 2]
    behind = (x < STATION_X) & (y < STATION_Y)
    upstream = (z > WINDOW_Z - tuning.upstream_length) & (z < WINDOW_Z) & (x < STATION_X) & (y < UPSTREAM_Y)
    wall = (z > VESSEL_START) & (z < WALL_END) & _in_wall(x, y, z, tuning.wall_thickness)
    station = (z > FIRST_STATION) & (z < MATTER_END) & behind
    dense: Floats = upstream * tuning.upstream_density + wall * tuning.wall_density + station * tuning.station_density
    return dense


def _in_wall(x: Floats, y: Floats, z: Floats, thickness: float) -> Bools:
    width, height = half_width(z), half_height(z)
    inside: Bools = ((x > width) | (y > height)) & (x < width + thickness) & (y < height + thickness)
    return inside


def interaction_points(flux: Flux, rows: Ints, n: int, tuning: Tuning, rng: np.random.Generator) -> Floats:
    """n points in matter and the neutrinos' directions there: x, y, z, dx/dz, dy/dz, shape (n, 5).

    Neutrinos of these rows of the flux come from the target, turned about the beam at random. They cross all matter
    unhindered, so that the number that interact somewhere is in proportion to the density.
    """
    share = flux.weight[rows] / flux.weight[rows].sum()
    highest = max(tuning.upstream_density, tuning.wall_density, tuning.station_density)
    found: list[Floats] = []
    while sum(map(len, found)) < n:
        slope = flux.slope[rng.choice(rows, DRAWN, p=share)]
        angle = rng.uniform(0, 2 * np.pi, DRAWN)
        tx = slope[:, 0] * np.cos(angle) - slope[:, 1] * np.sin(angle)
        ty = slope[:, 0] * np.sin(angle) + slope[:, 1] * np.cos(angle)
        z = rng.uniform(WINDOW_Z - tuning.upstream_length, MATTER_END, DRAWN)
        way = z - TARGET[2]
        points = np.stack([tx * way, ty * way, z, tx, ty], axis=1)
        found.append(points[rng.random(DRAWN) * highest < density(points[:, :3], tuning)])
    return np.concatenate(found)[:n]


def iron_ahead(start: Floats, momentum: Floats, end: Floats, tuning: Tuning) -> Floats:
    """Centimetres of iron, at its full density, that forward tracks cross up to this z; 0 for backward ones.

    Upstream matter and window are layers across the beam. A side wall is crossed at the angle of its track, with at
    most ``LONGEST_WALL`` cm of wall.
    """
    total = np.maximum(length(momentum), 1e-9)
    cosine = np.maximum(momentum[:, 2] / total, 0.1)
    layers = tuning.upstream_density / IRON_DENSITY * np.maximum(np.minimum(end, WINDOW_Z) - start[:, 2], 0.0)
    layers = layers + tuning.window * ((start[:, 2] < WINDOW_Z) & (end > WINDOW_Z))
    sine = np.hypot(momentum[:, 0], momentum[:, 1]) / total
    crossed = np.minimum(depth_in_wall(start) / np.maximum(sine, LEAST_SINE), LONGEST_WALL)
    iron: Floats = layers / cosine + crossed * tuning.wall_density / IRON_DENSITY
    return np.where(momentum[:, 2] > 0, iron, 0.0)


def depth_in_wall(points: Floats) -> Floats:
    """How deep points are in the vessel's side walls, 0 for those inside and before it."""
    x, y, z = points.T
    deep = np.maximum(np.abs(x) - half_width(z), np.abs(y) - half_height(z))
    beside = (z > VESSEL_START) & (z < WALL_END)
    return np.where(beside, np.maximum(deep, 0.0), 0.0)


def way_out(start: Floats, iron: Floats, cosine: Floats, tuning: Tuning) -> Floats:
    """How far along z tracks leave the matter that they begin in, when this much iron (cm) is ahead of them."""
    upstream = start[:, 2] < VESSEL_START
    wall = iron * cosine * IRON_DENSITY / tuning.wall_density
    return np.where(upstream, np.maximum(WINDOW_Z - start[:, 2], 0.0), wall)
