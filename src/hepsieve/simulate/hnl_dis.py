"""Neutrinos hit nucleons: Pythia 8's deep-inelastic scattering, placed where it happens in the experiment.

Exchange of a W or Z between a neutrino and a quark of a proton or neutron at rest, with showers, hadrons and their
decays in flight down to the spectrometer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate.hnl_kinematics import turned_to
from hepsieve.simulate.particles import Bools, Floats, Ints
from hepsieve.simulate.pythia import configured, counts, flat, initialised

PROTON, NEUTRON = 2212, 2112
SCATTERING = (
    "Print:quiet = on",
    "Random:setSeed = on",
    "Beams:frameType = 2",
    "Beams:eB = 0.",
    "WeakBosonExchange:ff2ff(t:W) = on",
    "WeakBosonExchange:ff2ff(t:gmZ) = on",
    # A parton picture needs Q² and ŝ above about 1 GeV².
    "PhaseSpace:Q2Min = 1.",
    "PhaseSpace:mHatMin = 1.",
    "PDF:lepton = off",
    "SpaceShower:dipoleRecoil = on",
    "PartonLevel:MPI = off",
    # What lives long decays in flight within the experiment (lengths in mm), matter permitting.
    "ParticleDecays:limitTau0 = off",
    "ParticleDecays:limitCylinder = on",
    "ParticleDecays:xyMax = 9000.",
    "ParticleDecays:zMax = 53000.",
    "130:mayDecay = on",
    "211:mayDecay = on",
    "321:mayDecay = on",
    "13:mayDecay = off",
    "2112:mayDecay = off",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Products:
    """All particles of some interactions, one per row, also those that decay.

    Attributes:
        event: number of the interaction, from 0.
        code: signed PDG number.
        final: whether it does not decay before the end of the experiment.
        mother: row of the particle that it comes from.
        momentum: shape (n, 3), in GeV.
        energy: in GeV.
        start: where it is made, shape (n, 3), in cm.
        end: z where it decays, infinite if it does not.
    """

    event: Ints
    code: Ints
    final: Bools
    mother: Ints
    momentum: Floats
    energy: Floats
    start: Floats
    end: Floats


def open_scattering(neutrino: int, nucleon: int, energy: float, seed: int) -> object:
    """A Pythia that scatters neutrinos (±14) of this energy in GeV on protons or neutrons at rest."""
    beams = (f"Beams:idA = {neutrino}", f"Beams:idB = {nucleon}", f"Beams:eA = {energy}", f"Random:seed = {seed}")
    return initialised(configured((*SCATTERING, *beams)))


def scatter(pythia: object, points: Floats) -> Products:
    """Interactions at these points (a few less where Pythia gave one up).

    Args:
        pythia: from ``open_scattering``.
        points: x, y, z in cm and the neutrino's dx/dz, dy/dz; shape (n, 5).
    """
    particles = pythia.nextBatch(len(points)).prt  # type: ignore[attr-defined]  # Pythia's types exist at run time only
    multiplicity = counts(particles.id)
    event = np.repeat(np.arange(len(multiplicity)), multiplicity)
    first_row = np.repeat(np.cumsum(multiplicity) - multiplicity, multiplicity)
    final = flat(particles.status) > 0
    daughter = flat(particles.daughter1)
    flight = np.column_stack([points[:, 3:], np.ones(len(points))])[event]
    momentum = np.stack([flat(particles.p[axis]) for axis in ("px", "py", "pz")], axis=1)
    vertex = np.stack([flat(particles.vProd[axis]) for axis in ("px", "py", "pz")], axis=1) / 10  # mm to cm
    start = turned_to(vertex, flight) + points[event, :3]
    decays = ~final & (daughter > 0)
    return Products(
        event=event,
        code=flat(particles.id).astype(np.int64),
        final=final,
        mother=flat(particles.mother1) + first_row,
        momentum=turned_to(momentum, flight),
        energy=flat(particles.p["e"]),
        start=start,
        end=np.where(decays, start[np.where(decays, daughter + first_row, 0), 2], np.inf),
    )
