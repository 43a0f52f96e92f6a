"""Generated events turned into what a detector finds: one lepton, missing momentum, jets, two b tags.

Selection: one isolated lepton with pt > 15 GeV and |eta| < 2.5; at least four jets with pt > 15 GeV and |eta| < 3, none
within 0.4 of the lepton; exactly two tagged jets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate import btag, calorimeter
from hepsieve.simulate.calorimeter import ELECTRON, MUON
from hepsieve.simulate.higgs_features import Objects
from hepsieve.simulate.particles import Bools, Floats, Ints, Particles, Record, wrap

NEUTRINOS = (12, 14, 16)
CHARGED = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
LEAST_TRACK_PT = 0.3  # GeV; softer charged particles curl up before the calorimeter

LEPTON_PT, LEPTON_ETA = 15.0, 2.5
LEPTON_EFFICIENCY = 0.98
ISOLATION_CONE, ISOLATION_TRACK_PT = 0.4, 0.5
ISOLATION_LIMIT, ISOLATION_SHARE = 8.0, 0.15  # GeV, and of the lepton's pt; the smaller one counts

JET_PT, JET_ETA, JETS = 15.0, 3.0, 4
LEPTON_JET_DISTANCE = 0.4
B_JET_SCALE = 1.04  # the public b jets are harder than these towers make them


@dataclass(frozen=True, kw_only=True, eq=False)
class _Lepton:
    """The one lepton of every event: its true direction and energy, and its measured pt (GeV)."""

    true: Particles
    pt: Floats

    @property
    def is_muon(self) -> Bools:
        muon: Bools = self.true.kind == MUON
        return muon


def reconstruct(record: Record, rng: np.random.Generator) -> Objects:
    """The events that pass the selection.

    Where the selection asks for exactly two tags, an event stays with the probability that it has them, divided by
    the largest probability that any event can have; then two tags are drawn. That gives the same distribution of
    rows as drawing a tag per jet, from fewer generated events.
    """
    visible = record.stable[_is_visible(record.stable)]
    candidates, pt = _lepton_candidates(visible, rng)
    single = np.bincount(candidates.event, minlength=record.events) == 1
    lepton = _Lepton(true=candidates.of_events(single), pt=pt[single[candidates.event]])
    visible, quarks, events = visible.of_events(single), record.quarks.of_events(single), int(single.sum())

    shown = calorimeter.measured_energy(visible, rng)
    towers = calorimeter.fill_towers(visible, shown, events=events)
    found = calorimeter.find_jets(towers)
    missing = _missing(towers, lepton, rng)

    flavour = btag.jet_flavour(found.momentum, quarks)
    momentum = found.momentum * np.where(flavour == btag.BOTTOM, B_JET_SCALE, 1.0)[..., None]
    jets = _pt_eta_phi(momentum)
    good = (jets[..., 0] > JET_PT) & (np.abs(jets[..., 1]) < JET_ETA) & ~_electron_cluster(towers, found, lepton)
    et = momentum[..., 3] / np.cosh(jets[..., 1])
    efficiencies = btag.tag_efficiency(et, jets[..., 1], flavour)
    any_tag, tight = (np.where(good, efficiency, 0.0) for efficiency in efficiencies)

    kept = (good.sum(axis=1) >= JETS) & ~(good & (_distances(jets, lepton) < LEPTON_JET_DISTANCE)).any(axis=1)
    kept &= rng.random(events) * btag.MAX_PAIR_PROBABILITY < btag.pair_probability(any_tag)
    tags = btag.draw_two_tags(any_tag[kept], tight[kept], rng)
    return _as_written(lepton, missing[kept], jets[kept], tags, good[kept], kept)


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


def _lepton_candidates(visible: Particles, rng: np.random.Generator) -> tuple[Particles, Floats]:
    """Isolated electrons and muons that are found, and their measured pt."""
    kind = visible.kind
    near = ((kind == ELECTRON) | (kind == MUON)) & (visible.pt > 5) & (np.abs(visible.eta) < LEPTON_ETA)
    leptons = visible[near]
    isolation = track_isolation(leptons, visible)
    leptons = leptons[isolation < np.minimum(ISOLATION_LIMIT, ISOLATION_SHARE * leptons.pt)]
    electron = np.hypot(calorimeter.EM_CONSTANT, calorimeter.EM_RESOLUTION / np.sqrt(leptons.energy))
    resolution = np.where(leptons.kind == ELECTRON, electron, 0.01 + 1e-4 * leptons.pt)
    pt = leptons.pt * (1 + resolution * rng.standard_normal(len(leptons)))
    found = (pt > LEPTON_PT) & (rng.random(len(leptons)) < LEPTON_EFFICIENCY)
    return leptons[found], pt[found]


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


def _missing(towers: calorimeter.Towers, lepton: _Lepton, rng: np.random.Generator) -> Floats:
    """Magnitude and phi of the missing momentum; what a muon carries past the calorimeter counts as seen."""
    vector = calorimeter.missing_momentum(towers)
    vector += calorimeter.MET_NOISE * rng.standard_normal(vector.shape)
    escaped = 1 - np.minimum(calorimeter.MUON_DEPOSIT / lepton.true.energy, 1)
    muon = np.where(lepton.is_muon, lepton.pt * escaped, 0.0)
    vector -= muon[:, None] * np.stack([np.cos(lepton.true.phi), np.sin(lepton.true.phi)], axis=1)
    return np.stack([np.hypot(vector[:, 0], vector[:, 1]), np.arctan2(vector[:, 1], vector[:, 0])], axis=1)


def _electron_cluster(towers: calorimeter.Towers, found: calorimeter.ConeJets, lepton: _Lepton) -> Bools:
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


def _distances(jets: Floats, lepton: _Lepton) -> Floats:
    distance: Floats = np.hypot(jets[..., 1] - lepton.true.eta[:, None], wrap(jets[..., 2] - lepton.true.phi[:, None]))
    return distance


def _as_written(lepton: _Lepton, missing: Floats, jets: Floats, tags: Ints, good: Bools, kept: Bools) -> Objects:
    """Good jets first, in the order found; numbers as the text files between detector and analysis round them."""
    order = np.argsort(~good, axis=1, kind="stable")
    rows = np.arange(len(order))[:, None]
    measured = np.stack([lepton.pt, lepton.true.eta, lepton.true.phi], axis=1)[kept]
    return Objects(
        lepton=_rounded(measured),
        missing=missing,
        jets=_rounded(jets[rows, order]),
        tags=tags[rows, order],
        valid=good[rows, order],
    )


def _rounded(values: Floats) -> Floats:
    """pt to 0.01 GeV, eta to 0.001, phi to 0.001 between 0 and 2π."""
    pt, eta, phi = (values[..., axis] for axis in range(3))
    turned = np.round(phi % (2 * np.pi), 3)
    phi = np.where(turned > np.pi, turned - 2 * np.pi, turned)
    return np.stack([np.round(pt, 2), np.round(eta, 3), phi], axis=-1)
