"""Neutrinos from a 400 GeV proton target: pions, kaons and charm from Pythia 8 in, weighted neutrinos out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hepsieve.simulate.hnl_kinematics import KAON, MUON, PION, two_body, with_mass
from hepsieve.simulate.hnl_signal import COLLISIONS
from hepsieve.simulate.hnl_tuning import Tuning
from hepsieve.simulate.particles import Floats, Ints
from hepsieve.simulate.pythia import configured, flat, initialised

# Absolute PDG number, mass in GeV, cτ in cm, branching ratio to μν (Particle Data Group 2022).
MESONS = ((211, PION, 780.45, 0.99988), (321, KAON, 371.2, 0.6356))
ABSORPTION = 20.0  # cm, interaction length of pions in a molybdenum and tungsten target with its cooling water
LEAST_MESON = 3.0  # GeV
LEAST_ENERGY = 5.5  # GeV; less than this in a neutrino gives next to no pair of tracks in the spectrometer
MOST_SLOPE = 0.08
REPEATS = 5  # decays tried per meson: the collision takes longer than its decays
CHARM_SHARE = 1.7e-3  # cc̄ per inelastic collision in the target, with its nuclear enhancement; arXiv:1504.04956
MUON_NEUTRINO = 14
EVENTS, CHARM_EVENTS, CHUNK = 6000, 12_000, 2000


@dataclass(frozen=True, kw_only=True, eq=False)
class Flux:
    """Neutrinos from the target, one per row.

    Attributes:
        energy: in GeV.
        slope: px / pz and py / pz, shape (n, 2).
        sign: 1 for ν_μ, −1 for its antiparticle.
        weight: in proportion to the number that interact in given matter.
    """

    energy: Floats
    slope: Floats
    sign: Ints
    weight: Floats


@lru_cache(maxsize=1)
def neutrino_flux(seed: int, tuning: Tuning) -> Flux:
    """The neutrinos of pions and kaons that decay before matter absorbs them, and of charm, which always decays.

    The result depends on the arguments alone and is kept, since each block of a sample asks for the same.
    """
    rng = np.random.default_rng(seed)
    parts = [*_from_mesons(seed, rng), *_from_charm(seed, tuning)]
    momentum, sign, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    energy, slope = np.sqrt((momentum**2).sum(axis=1)), momentum[:, :2] / momentum[:, 2:3]
    kept = (energy > LEAST_ENERGY) & (momentum[:, 2] > 0) & (np.hypot(*slope.T) < MOST_SLOPE)
    energy, slope, sign, weight = energy[kept], slope[kept], sign[kept], weight[kept]
    # The cross section grows with the energy; that of antineutrinos is half as large (their fermions' helicities
    # forbid one direction: (1 − y)² averages to 1/3, sea quarks bring it back to 1/2).
    weight = weight * energy ** (1 + tuning.energy_power) * np.where(sign > 0, 1.0, 0.5)
    return Flux(energy=energy, slope=slope * tuning.flux_slope, sign=sign, weight=weight)


def _from_mesons(seed: int, rng: np.random.Generator) -> list[tuple[Floats, Ints, Floats]]:
    """Momenta, signs and numbers per collision of neutrinos from π → μν and K → μν.

    A meson of momentum p decays within the absorption length L with the probability 1 − exp(−L M / (p cτ)).
    """
    settings = (*COLLISIONS, "SoftQCD:inelastic = on", f"Random:seed = {1 + seed % 900_000_000}")
    pythia = initialised(configured(settings))
    parts = []
    for _ in range(EVENTS // CHUNK):
        particles = pythia.nextBatch(CHUNK).prt
        code, stable = flat(particles.id), flat(particles.status) > 0
        momentum = np.stack([flat(particles.p[axis]) for axis in ("px", "py", "pz")], axis=1)
        for kind, mass, lifetime, branching in MESONS:
            chosen = np.repeat(
                np.flatnonzero(stable & (np.abs(code) == kind) & (momentum[:, 2] > LEAST_MESON)), REPEATS
            )
            parents = with_mass(momentum[chosen], mass)
            _, neutrino = two_body(parents, MUON, 0.0, rng)
            decays = -np.expm1(-ABSORPTION * mass / (lifetime * parents[:, 2]))
            parts.append((neutrino[:, :3], np.sign(code[chosen]), branching * decays / (EVENTS * REPEATS)))
    return parts


def _from_charm(seed: int, tuning: Tuning) -> list[tuple[Floats, Ints, Floats]]:
    """Momenta, signs and numbers per collision of the muon neutrinos in decays of charmed hadrons."""
    settings = (
        *COLLISIONS,
        "HardQCD:gg2ccbar = on",
        "HardQCD:qqbar2ccbar = on",
        "PartonLevel:MPI = off",
        f"Random:seed = {1 + (seed + 1) % 900_000_000}",
        *(f"{code}:mayDecay = off" for code in (130, 211, 321, 13)),
    )
    pythia = initialised(configured(settings))
    parts = []
    for _ in range(CHARM_EVENTS // CHUNK):
        particles = pythia.nextBatch(CHUNK).prt
        code = flat(particles.id)
        chosen = np.flatnonzero((np.abs(code) == MUON_NEUTRINO) & (flat(particles.status) > 0))
        momentum = np.stack([flat(particles.p[axis]) for axis in ("px", "py", "pz")], axis=1)[chosen]
        number = np.full(len(chosen), CHARM_SHARE * tuning.prompt / CHARM_EVENTS)
        parts.append((momentum, np.sign(code[chosen]), number))
    return parts
