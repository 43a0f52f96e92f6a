"""Stable particles turned into calorimeter towers, cone jets and missing momentum, as PGS 4 does it.

The public HIGGS events carry the marks of PGS ("pretty good simulation", version 4): towers of 0.1 × 2π/63, and jets
in the order of their seed towers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate.particles import Floats, Ints, Particles, places_in_event

ETA_TOWERS, PHI_TOWERS = 81, 63
ETA_STEP, PHI_STEP = 0.1, 2 * np.pi / 63
ETA_EDGE = ETA_TOWERS * ETA_STEP / 2

SEED_ET = 5.0  # GeV, the least transverse energy of a tower that a jet starts from
SHOULDER_ET = 1.0  # GeV, the least transverse energy of a tower that joins a jet
MAX_JETS = 14
RIM = 1e-9  # the rim of a cone counts in: seven towers in eta are 0.7 but for rounding

HADRON_RESOLUTION = 0.8  # σ(E)/√E, in √GeV
EM_RESOLUTION = 0.1  # σ(E)/√E, in √GeV
EM_CONSTANT = 0.01  # σ(E)/E, added in quadrature
EM_SHARE_OF_ELECTRONS = 0.99
MUON_DEPOSIT = 2.5  # GeV, at most

ELECTRON, MUON, PHOTON = 11, 13, 22


@dataclass(frozen=True, kw_only=True, eq=False)
class Towers:
    """Towers with energy, one per row, ordered by event, then eta, then phi.

    Attributes:
        events: number of events.
        event: number of the event that each tower belongs to.
        ieta: place in eta, 0 to 80.
        iphi: place in phi, 0 to 62.
        energy: in GeV.
    """

    events: int
    event: Ints
    ieta: Ints
    iphi: Ints
    energy: Floats

    @property
    def eta(self) -> Floats:
        """Pseudorapidity of the centres."""
        return eta_centre(self.ieta)

    @property
    def phi(self) -> Floats:
        """Azimuth of the centres."""
        return phi_centre(self.iphi)

    @property
    def et(self) -> Floats:
        """Transverse energy in GeV."""
        et: Floats = self.energy / np.cosh(self.eta)
        return et


@dataclass(frozen=True, kw_only=True, eq=False)
class ConeJets:
    """Jets of every event in the order in which they were found.

    Attributes:
        momentum: px, py, pz and E in GeV, shape (events, 14, 4); zero where an event has fewer jets.
        owner: per tower, the number of the jet that it joined, −1 for none.
    """

    momentum: Floats
    owner: Ints


def eta_centre(ieta: Ints) -> Floats:
    """Pseudorapidity of the centre of these towers."""
    return (ieta.astype(np.float64) - ETA_TOWERS // 2) * ETA_STEP


def phi_centre(iphi: Ints) -> Floats:
    """Azimuth of the centre of these towers."""
    return (iphi.astype(np.float64) + 0.5) * PHI_STEP - np.pi


def tower_of(eta: Floats, phi: Floats) -> tuple[Ints, Ints]:
    """Places in eta and phi; the place in eta is outside 0 … 80 where no tower is."""
    ieta = np.floor((eta + ETA_EDGE) / ETA_STEP).astype(np.int64)
    iphi = np.floor((phi + np.pi) / PHI_STEP).astype(np.int64) % PHI_TOWERS
    return ieta, iphi


def measured_energy(particles: Particles, rng: np.random.Generator) -> Floats:
    """Energy in GeV that the calorimeters show for each particle.

    A hadron leaves a quarter of its energy in the electromagnetic part or, every other time, only what a
    minimum-ionising particle leaves there; both parts are smeared on their own.
    """
    kind, energy = particles.kind, particles.energy
    noise = rng.standard_normal((4, len(energy)))
    light = (kind == ELECTRON) | (kind == PHOTON)
    ionising = np.clip((0.5 + 0.1 * noise[1]) / np.maximum(energy, 1e-9), 0, 1)
    share = np.where(rng.random(len(energy)) < 0.5, ionising, np.clip(0.25 + 0.05 * noise[0], 0, 1))
    em = np.where(light, EM_SHARE_OF_ELECTRONS, share) * energy
    hadronic = energy - em
    root = np.sqrt(em)
    em_sigma = np.where(light, np.hypot(EM_CONSTANT * em, EM_RESOLUTION * root), HADRON_RESOLUTION * root)
    shown = np.maximum(em + em_sigma * noise[2], 0)
    shown += np.maximum(hadronic + HADRON_RESOLUTION * np.sqrt(hadronic) * noise[3], 0)
    return np.where(kind == MUON, np.minimum(energy, MUON_DEPOSIT), shown)


def fill_towers(particles: Particles, shown: Floats, *, events: int) -> Towers:
    """The sum of the shown energies (GeV) per tower; particles beyond |eta| = 4.05 are lost."""
    ieta, iphi = tower_of(particles.eta, particles.phi)
    inside = (ieta >= 0) & (ieta < ETA_TOWERS)
    cells = ETA_TOWERS * PHI_TOWERS
    number = (particles.event * cells + ieta * PHI_TOWERS + iphi)[inside]
    energy = np.bincount(number, shown[inside], events * cells).astype(np.float64)
    filled = np.flatnonzero(energy)
    event, cell = np.divmod(filled, cells)
    ieta, iphi = np.divmod(cell, PHI_TOWERS)
    return Towers(events=events, event=event, ieta=ieta, iphi=iphi, energy=energy[filled])


def missing_momentum(towers: Towers) -> Floats:
    """Minus the vector sum of all towers' transverse energy, shape (events, 2), in GeV."""
    et, phi = towers.et, towers.phi
    total = np.zeros((towers.events, 2))
    for axis, part in enumerate((np.cos(phi), np.sin(phi))):
        total[:, axis] = np.bincount(towers.event, et * part, towers.events)
    return -total


def find_jets(towers: Towers, *, cone: float, shoulder_et: float = SHOULDER_ET) -> ConeJets:
    """Cone jets: the free tower of largest transverse energy takes all free towers within ``cone``, until none is left.

    Towers below ``shoulder_et`` (GeV of transverse energy) belong to no jet; a jet's momentum is the sum of massless
    towers.
    """
    all_et = towers.et
    used = np.flatnonzero(all_et > shoulder_et)
    event = towers.event[used]
    place = places_in_event(event, towers.events)
    width = int(place.max(initial=0)) + 1

    def padded(column: Ints | Floats) -> Floats:
        table = np.zeros((towers.events, width))
        table[event, place] = column[used]
        return table

    free, ieta, iphi = padded(all_et), padded(towers.ieta), padded(towers.iphi)
    massless = np.stack([padded(column) for column in _massless(towers, all_et)], axis=-1)
    owner = np.full(free.shape, -1)
    momentum = np.zeros((towers.events, MAX_JETS, 4))
    rows = np.arange(towers.events)
    for number in range(MAX_JETS):
        seed = free[rows].argmax(axis=1)
        live = free[rows, seed] > SEED_ET
        rows, seed = rows[live], seed[live]
        if len(rows) == 0:
            break
        near = _distance2(ieta[rows], iphi[rows], ieta[rows, seed], iphi[rows, seed]) <= cone**2 + RIM
        window = near & (free[rows] > 0)
        momentum[rows, number] = np.einsum("nt,ntc->nc", window, massless[rows])
        taken, tower = np.nonzero(window)
        free[rows[taken], tower] = 0.0
        owner[rows[taken], tower] = number
    joined = np.full(len(towers.event), -1)
    joined[used] = owner[event, place]
    return ConeJets(momentum=momentum, owner=joined)


def _massless(towers: Towers, et: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    return et * np.cos(towers.phi), et * np.sin(towers.phi), et * np.sinh(towers.eta), towers.energy


def _distance2(ieta: Floats, iphi: Floats, seed_ieta: Floats, seed_iphi: Floats) -> Floats:
    """Squared distance in eta and phi of towers, shape (events, towers), from the seed of their event."""
    steps = np.abs(iphi - seed_iphi[:, None])
    steps = np.minimum(steps, PHI_TOWERS - steps)
    distance2: Floats = ((ieta - seed_ieta[:, None]) * ETA_STEP) ** 2 + (steps * PHI_STEP) ** 2
    return distance2
