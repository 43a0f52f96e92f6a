"""Single showers in lead tungstate, deposit by deposit: Geant4's own, and the spots of the fast shower."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np

from hepsieve.simulate import egamma_geant4
from hepsieve.simulate.egamma_particles import CRYSTAL, DEPTH, FaceParticles
from hepsieve.simulate.egamma_shower import SPOTS, draw_showers, radii, slices
from hepsieve.simulate.egamma_tables import geant4_data
from hepsieve.simulate.particles import Bools, Floats, Ints

BATCH = 10
DEPTHS = (3.0, 6.0, 9.0, 12.0, 16.0)
RADII = (0.6, 1.1, 2.0, 3.3, 5.5)
CRYSTALS = {1: 0.5, 9: 1.5, 25: 2.5}  # half the width of the window, in crystals


@dataclass(frozen=True, kw_only=True)
class Spots:
    """Deposits: number of the shower, depth in cm, place across in cm, energy in GeV."""

    shower: Ints
    depth: Floats
    x: Floats
    y: Floats
    energy: Floats


def beam(kind: int, energy: float, n: int) -> FaceParticles:
    """Particles that enter in the middle of a crystal, along its axis."""
    zero = np.zeros(n)
    return FaceParticles(
        event=np.arange(n),
        kind=np.full(n, kind),
        energy=np.full(n, energy),
        row=zero,
        column=zero,
        row_slope=zero,
        column_slope=zero,
        delay=zero,
    )


def geant4_spots(particles: FaceParticles, rng: np.random.Generator) -> Spots:
    """Every deposit of Geant4."""
    simulation = egamma_geant4._simulation()
    simulation.random.seed, simulation.random.index = int(rng.integers(2**62)), 0
    found = simulation.run(egamma_geant4._primaries(particles))[f"World.{egamma_geant4.VOLUME}"]
    middle = (found.line["start"] + found.line["end"]) / 2
    place = np.concatenate([middle, found.point["position"]])
    return Spots(
        shower=np.concatenate([found.line["event"], found.point["event"]]).astype(np.int64),
        depth=place[:, 2] + DEPTH / 2,
        x=place[:, 0],
        y=place[:, 1],
        energy=np.concatenate([found.line["value"], found.point["value"]]) / 1e3,
    )


def fast_spots(particles: FaceParticles, rng: np.random.Generator) -> Spots:
    """Every spot of the fast shower that lies in the crystals."""
    showers = draw_showers(particles.kind, particles.energy, rng)
    parts = slices(showers, rng)
    radius = radii(parts, rng).astype(np.float64)
    turn = rng.uniform(0, 2 * np.pi, radius.shape)
    inside = np.flatnonzero(np.broadcast_to(parts.depth < DEPTH, radius.shape))
    return Spots(
        shower=np.tile(showers.particle[parts.shower], SPOTS)[inside],
        depth=np.tile(parts.depth.astype(np.float64), SPOTS)[inside],
        x=(radius * np.cos(turn)).ravel()[inside],
        y=(radius * np.sin(turn)).ravel()[inside],
        energy=np.tile(parts.energy.astype(np.float64), SPOTS)[inside],
    )


@cache
def measured(kind: int, energy: float, n: int, *, seed: int, geant4: bool) -> dict[str, Floats]:
    """What ``n`` showers look like: for each quantity one value per shower.

    These are the share of the particle's energy that is deposited, the mean depth in cm, and of the deposited energy
    the shares before some depths, within some radii, and in 1, 9 and 25 crystals.
    """
    rng = np.random.default_rng(seed)
    particles, parts = beam(kind, energy, n), []
    with geant4_data():
        for start, stop in pairwise([*range(0, n, BATCH), n]):
            some = particles[start:stop]
            some = replace(some, event=some.event - start)
            parts.append(_shapes(geant4_spots(some, rng) if geant4 else fast_spots(some, rng), stop - start))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return found | {"deposited": found["deposited"] / energy}


def _shapes(spots: Spots, n: int) -> dict[str, Floats]:
    def within(weight: Floats | Bools) -> Floats:
        return np.bincount(spots.shower, spots.energy * weight, n) / total

    total: Floats = np.bincount(spots.shower, spots.energy, n).astype(np.float64)
    reach, radius = np.maximum(np.abs(spots.x), np.abs(spots.y)) / CRYSTAL, np.hypot(spots.x, spots.y)
    found: dict[str, Floats] = {"deposited": total, "depth": within(spots.depth)}
    found |= {f"before {depth:g} cm": within(spots.depth < depth) for depth in DEPTHS}
    found |= {f"within {edge:g} cm": within(radius < edge) for edge in RADII}
    found |= {f"in {number} crystals": within(reach < half) for number, half in CRYSTALS.items()}
    return found
