"""Generated events turned into what a detector finds in them: one lepton, missing momentum and jets.

What the simulations of several public data sets share; which of these events are kept, and how their jets are tagged,
each of them says for itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hepsieve.simulate import btag, calorimeter
from hepsieve.simulate.calorimeter import ELECTRON, MUON
from hepsieve.simulate.particles import Bools, Floats, Ints, Particles, Record, wrap

NEUTRINOS = (12, 14, 16)
CHARGED = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
LEAST_TRACK_PT = 0.3  # GeV; softer charged particles curl up before the calorimeter

LEPTON_EFFICIENCY = 0.98
ISOLATION_CONE, ISOLATION_TRACK_PT = 0.4, 0.5
ISOLATION_LIMIT = 8.0  # GeV
LEAST_MUON_PT = 3.0  # GeV; softer muons do not reach the muon chambers
LEPTON_JET_DISTANCE = 0.4


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """What a detector finds, and how well.

    Attributes:
        lepton_pt: least transverse momentum of a lepton, in GeV.
        lepton_eta: largest |eta| of a lepton.
        jet_pt: least transverse momentum of a jet, in GeV.
        jet_eta: largest |eta| of a jet.
        jets: fewest jets of an event.
        cone: radius of a jet in eta and phi.
        jet_scale: what the momentum of a jet without a b quark is multiplied by.
        b_jet_scale: what that of a jet with one is multiplied by.
        met_noise: spread of the missing momentum, in x and in y, that the towers do not carry, in GeV.
        isolation_share: most of its own pt that other tracks around a lepton may have (and never over 8 GeV).
        lepton_rim: |eta| beyond which only some leptons are found.
        rim_efficiency: how many of them, of those that would be found elsewhere.
        shoulder_et: least transverse energy of a tower that joins a jet, in GeV.
        jet_muons: whether the whole momentum of a muon that is not isolated counts to the tower that it crosses, and
            so to its jet and to the missing momentum.
    """

    lepton_pt: float
    lepton_eta: float
    jet_pt: float
    jet_eta: float
    jets: int
    cone: float
    jet_scale: float
    b_jet_scale: float
    met_noise: float
    isolation_share: float = 0.15
    lepton_rim: float = math.inf
    rim_efficiency: float = 1.0
    shoulder_et: float = calorimeter.SHOULDER_ET
    jet_muons: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Lepton:
    """The one lepton of every event: its true direction and energy, and its measured pt (GeV)."""

    true: Particles
    pt: Floats

    @property
    def is_muon(self) -> Bools:
        """Whether it is a muon."""
        muon: Bools = self.true.kind == MUON
        return muon

    @property
    def measured(self) -> Floats:
        """pt, eta and phi, shape (events, 3)."""
        return np.stack([self.pt, self.true.eta, self.true.phi], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """What is found in events with exactly one lepton.

    Attributes:
        lepton: of every event.
        missing: magnitude (GeV) and phi of the missing momentum, shape (events, 2).
        jets: pt (GeV), eta and phi of all jets in the order in which they were found, shape (events, 14, 3).
        et: their transverse energy in GeV, shape (events, 14).
        flavour: 5, 4 or 0, shape (events, 14).
        good: which jets are in the acceptance and are no electron, shape (events, 14).
        clear: which events have enough good jets, and none of them at the lepton, shape (events,).
    """

    lepton: Lepton
    missing: Floats
    jets: Floats
    et: Floats
    flavour: Ints
    good: Bools
    clear: Bools


def detect(record: Record, accepted: Acceptance, rng: np.random.Generator) -> Findings:
    """The events with exactly one lepton, as the detector shows them."""
    visible = record.stable[_is_visible(record.stable)]
    candidates, pt = _lepton_candidates(visible, accepted, rng)
    single = np.bincount(candidates.event, minlength=record.events) == 1
    lepton = Lepton(true=candidates.of_events(single), pt=pt[single[candidates.event]])
    visible, quarks, events = visible.of_events(single), record.quarks.of_events(single), int(single.sum())

    shown = calorimeter.measured_energy(visible, rng)
    if accepted.jet_muons:
        shown = np.where(_jet_muons(visible, accepted.isolation_share), visible.energy, shown)
    towers = calorimeter.fill_towers(visible, shown, events=events)
    found = calorimeter.find_jets(towers, cone=accepted.cone, shoulder_et=accepted.shoulder_et)
    missing = _missing(towers, lepton, accepted.met_noise, rng)

    flavour = btag.jet_flavour(found.momentum, quarks)
    scale = np.where(flavour == btag.BOTTOM, accepted.b_jet_scale, accepted.jet_scale)
    momentum = found.momentum * scale[..., None]
    jets = _pt_eta_phi(momentum)
    good = (jets[..., 0] > accepted.jet_pt) & (np.abs(jets[..., 1]) < accepted.jet_eta)
    good &= ~_electron_cluster(towers, found, lepton)
    near = (good & (_distances(jets, lepton) < LEPTON_JET_DISTANCE)).any(axis=1)
    return Findings(
        lepton=lepton,
        missing=missing,
        jets=jets,
        et=momentum[..., 3] / np.cosh(jets[..., 1]),
        flavour=flavour,
        good=good,
        clear=(good.sum(axis=1) >= accepted.jets) & ~near,
    )


def is_charged(kind: Ints) -> Bools:
    """Whether stable particles of these absolute PDG numbers leave tracks."""
    charged: Bools = _member(kind, CHARGED)
    return charged


def _is_visible(particles: Particles) -> Bools:
    hidden = _member(particles.kind, NEUTRINOS)
    curls = is_charged(particles.kind) & (particles.pt <= LEAST_TRACK_PT)
    visible: Bools = ~hidden & ~curls
    return visible


def _member(kind: Ints, numbers: tuple[int, ...]) -> Bools:
    """``np.isin`` for stable particles, by table: all have numbers below 10,000."""
    table = np.zeros(10_000, bool)
    table[list(numbers)] = True
    return table[np.minimum(kind, 9_999)]


def _lepton_candidates(visible: Particles, accepted: Acceptance, rng: np.random.Generator) -> tuple[Particles, Floats]:
    """Isolated electrons and muons that are found, and their measured pt."""
    kind = visible.kind
    near = ((kind == ELECTRON) | (kind == MUON)) & (visible.pt > 5) & (np.abs(visible.eta) < accepted.lepton_eta)
    leptons = visible[near]
    leptons = leptons[_isolated(leptons, visible, accepted.isolation_share)]
    electron = np.hypot(calorimeter.EM_CONSTANT, calorimeter.EM_RESOLUTION / np.sqrt(leptons.energy))
    resolution = np.where(leptons.kind == ELECTRON, electron, 0.01 + 1e-4 * leptons.pt)
    pt = leptons.pt * (1 + resolution * rng.standard_normal(len(leptons)))
    at_rim = np.where(np.abs(leptons.eta) < accepted.lepton_rim, 1.0, accepted.rim_efficiency)
    found = (pt > accepted.lepton_pt) & (rng.random(len(leptons)) < LEPTON_EFFICIENCY * at_rim)
    return leptons[found], pt[found]


def _isolated(leptons: Particles, visible: Particles, share: float) -> Bools:
    isolated: Bools = track_isolation(leptons, visible) < np.minimum(ISOLATION_LIMIT, share * leptons.pt)
    return isolated


def _jet_muons(visible: Particles, share: float) -> Bools:
    """Which particles are muons that are measured and not isolated."""
    muons = np.flatnonzero((visible.kind == MUON) & (visible.pt > LEAST_MUON_PT))
    inside = np.zeros(len(visible), bool)
    inside[muons] = ~_isolated(visible[muons], visible, share)
    return inside


def track_isolation(leptons: Particles, visible: Particles) -> Floats:
    """The sum of the pt (GeV) of other tracks above 0.5 GeV within 0.4 of each lepton."""
    tracks = visible[is_charged(visible.kind) & (visible.pt > ISOLATION_TRACK_PT)]
    starts = np.searchsorted(tracks.event, leptons.event)
    lengths = np.searchsorted(tracks.event, leptons.event, side="right") - starts
    lepton = np.repeat(np.arange(len(leptons)), lengths)
    track = np.arange(len(lepton)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + starts[lepton]
    eta, phi = tracks.eta[track] - leptons.eta[lepton], wrap(tracks.phi[track] - leptons.phi[lepton])
    near = eta**2 + phi**2 < ISOLATION_CONE**2
    # The lepton is one of the tracks.
    sums: Floats = np.bincount(lepton[near], tracks.pt[track[near]], len(leptons)) - leptons.pt
    return sums


def _missing(towers: calorimeter.Towers, lepton: Lepton, noise: float, rng: np.random.Generator) -> Floats:
    """Magnitude and phi of the missing momentum; what a muon carries past the calorimeter counts as seen."""
    vector = calorimeter.missing_momentum(towers)
    vector += noise * rng.standard_normal(vector.shape)
    escaped = 1 - np.minimum(calorimeter.MUON_DEPOSIT / lepton.true.energy, 1)
    muon = np.where(lepton.is_muon, lepton.pt * escaped, 0.0)
    vector -= muon[:, None] * np.stack([np.cos(lepton.true.phi), np.sin(lepton.true.phi)], axis=1)
    return np.stack([np.hypot(vector[:, 0], vector[:, 1]), np.arctan2(vector[:, 1], vector[:, 0])], axis=1)


def _electron_cluster(towers: calorimeter.Towers, found: calorimeter.ConeJets, lepton: Lepton) -> Bools:
    """Which jet of every event holds the tower that its electron hits: that one is no jet."""
    cells = calorimeter.ETA_TOWERS * calorimeter.PHI_TOWERS
    number = (towers.event * calorimeter.ETA_TOWERS + towers.ieta) * calorimeter.PHI_TOWERS + towers.iphi
    ieta, iphi = calorimeter.tower_of(lepton.true.eta, lepton.true.phi)
    hit = np.arange(len(lepton.pt)) * cells + ieta * calorimeter.PHI_TOWERS + iphi
    place = np.minimum(np.searchsorted(number, hit), max(len(number) - 1, 0))
    owner = np.where(number[place] == hit, found.owner[place], -1) if len(number) else np.full(len(hit), -1)
    jets = np.arange(found.momentum.shape[1])
    cluster: Bools = (jets == owner[:, None]) & ~lepton.is_muon[:, None]
    return cluster


def _pt_eta_phi(momentum: Floats) -> Floats:
    px, py, pz = (momentum[..., axis] for axis in range(3))
    pt = np.hypot(px, py)
    return np.stack([pt, np.arcsinh(pz / np.maximum(pt, 1e-9)), np.arctan2(py, px)], axis=-1)


def _distances(jets: Floats, lepton: Lepton) -> Floats:
    distance: Floats = np.hypot(jets[..., 1] - lepton.true.eta[:, None], wrap(jets[..., 2] - lepton.true.phi[:, None]))
    return distance
