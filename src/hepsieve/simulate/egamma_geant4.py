"""Showers in lead tungstate with Geant4: particles on the calorimeter's face to energy and time of its crystals."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from hepsieve.errors import HepsieveError, install_hint
from hepsieve.simulate.egamma_particles import CENTRE, CRYSTAL, DEPTH, REFRACTION, SIZE, Deposits, FaceParticles
from hepsieve.simulate.egamma_tables import GEANT4, geant4_data
from hepsieve.simulate.egamma_upstream import C
from hepsieve.simulate.particles import Floats, Ints

MATERIAL = "G4_PbWO4"
PHYSICS = "option1"
"""Geant4's electromagnetic physics for calorimeters at high energy."""
CUT = 0.2  # cm: electrons of less range, and the photons that go with them, are not followed on their own
GATE = 25.0  # ns after the particle's entry, until the next collisions: what comes later is not this shower's
BLOCK = 80.0  # cm, width of the block: wider than an image, so that its edge is no edge of the shower
BATCH_IMAGES = 10  # a shower of 50 GeV has about 40,000 deposits
VOLUME = "Calorimeter"


def deposit(particles: FaceParticles, n: int, rng: np.random.Generator) -> Deposits:
    """Showers of the particles of ``n`` images in a block of PbWO₄, shared out to 32 × 32 crystals.

    The block has no gaps between crystals and nothing behind it. Light is collected equally from all depths.

    Raises:
        HepsieveError: if Geant4's tables can't be written, or calzone brings another Geant4.
        MissingExtra: if calzone or xraydb is not installed.
    """
    energy, time = np.zeros((n, SIZE, SIZE), np.float32), np.zeros((n, SIZE, SIZE), np.float32)
    edges = np.searchsorted(particles.event, np.arange(0, n + BATCH_IMAGES, BATCH_IMAGES))
    with geant4_data():
        for number, (start, stop) in enumerate(pairwise(edges)):
            first = number * BATCH_IMAGES
            images = slice(first, first + BATCH_IMAGES)
            if start < stop:
                energy[images], time[images] = _batch(particles[start:stop], first, min(BATCH_IMAGES, n - first), rng)
    return Deposits(energy=energy, time=time)


def load_calzone() -> Any:
    """The module ``calzone``.

    Raises:
        HepsieveError: if it brings a Geant4 that wants other tables.
        MissingExtra: if it is not installed.
    """
    try:
        import calzone
    except ImportError:
        raise install_hint("calzone", "simulate") from None
    if not calzone.GEANT4_VERSION.startswith(f"{GEANT4}."):
        raise HepsieveError(
            f"calzone {calzone.VERSION} brings Geant4 {calzone.GEANT4_VERSION}, but the tables are for {GEANT4}; "
            "install calzone 1.2"
        )
    return calzone


@cache
def _simulation() -> Any:
    """One for each process: Geant4 itself can't be had twice."""
    calzone = load_calzone()
    block = {"box": [BLOCK, BLOCK, DEPTH], "material": MATERIAL, "role": "record_deposits"}
    world = {"box": [2 * BLOCK, 2 * BLOCK, 2 * DEPTH], "material": "G4_Galactic", VOLUME: block}
    simulation = calzone.Simulation(calzone.Geometry({"World": world}))
    simulation.physics = calzone.Physics(PHYSICS, default_cut=CUT)
    simulation.sample_deposits = "detailed"
    simulation.sample_particles = False
    return simulation


def _batch(particles: FaceParticles, first: int, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Energy in GeV and mean time in ns of the crystals of ``n`` images, of which ``first`` is the first."""
    simulation = _simulation()
    simulation.random.seed = int(rng.integers(2**62))
    simulation.random.index = 0
    found = simulation.run(_primaries(particles))[f"World.{VOLUME}"]
    line, point = found.line, found.point
    # Somewhere on each step; a step is short beside a crystal. calzone tells times in seconds.
    along = rng.random(len(line))
    place = np.concatenate([line["start"] + along[:, None] * (line["end"] - line["start"]), point["position"]])
    passed = np.concatenate([line["time"][:, 0] + along * np.diff(line["time"], axis=1)[:, 0], point["time"]])
    value = np.concatenate([line["value"], point["value"]]) / 1e3
    primary = np.concatenate([line["event"], point["event"]]).astype(np.int64)
    depth = place[:, 2] + DEPTH / 2
    passed = 1e9 * passed
    # A photon's deposit carries the time at which its last step began; by light it came no sooner than this.
    entry = np.column_stack([particles.column, particles.row])[primary]
    flight = np.sqrt(((place[:, :2] - entry) ** 2).sum(axis=1) + depth**2) / C
    arrival = particles.delay[primary] + np.maximum(passed, flight) + (DEPTH - depth) * REFRACTION / C
    return _sums(particles.event[primary] - first, place, np.where(passed < GATE, value, 0.0), arrival, n)


def _primaries(particles: FaceParticles) -> Any:
    """The particles as calzone takes them: energies in MeV, x along the columns, y along the rows, z into the block."""
    n = len(particles)
    direction = np.column_stack([particles.column_slope, particles.row_slope, np.ones(n)])
    return load_calzone().particles(
        n,
        pid=particles.kind,
        energy=1e3 * particles.energy,
        position=np.column_stack([particles.column, particles.row, np.full(n, -DEPTH / 2 - 1e-4)]),
        direction=direction / np.linalg.norm(direction, axis=1, keepdims=True),
    )


def _sums(image: Ints, place: Floats, value: Floats, arrival: Floats, n: int) -> tuple[Floats, Floats]:
    column, row = (np.floor(place[:, axis] / CRYSTAL + CENTRE + 0.5).astype(np.int64) for axis in (0, 1))
    inside = (row >= 0) & (row < SIZE) & (column >= 0) & (column < SIZE)
    crystal = ((image * SIZE + row) * SIZE + column)[inside]
    energy: Floats = np.bincount(crystal, value[inside], n * SIZE**2).astype(np.float64)
    weighted = np.bincount(crystal, (value * arrival)[inside], n * SIZE**2)
    time: Floats = np.divide(weighted, energy, out=np.zeros_like(energy), where=energy > 0)
    return energy.reshape(n, SIZE, SIZE), time.reshape(n, SIZE, SIZE)
