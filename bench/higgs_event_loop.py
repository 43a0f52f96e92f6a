"""The HIGGS simulation as one would write it today: loops over events and particles, selections where they are read."""

from __future__ import annotations

from math import atan2, cos, cosh, hypot, pi, sin, sqrt
from typing import Any

import numpy as np
from tests.reference import higgs as slow

from hepsieve.simulate import btag
from hepsieve.simulate.higgs_detector import ACCEPTANCE, kept_of_tags
from hepsieve.simulate.higgs_generator import Process, longitudinal_weight, settings
from hepsieve.simulate.pythia import load_pythia

Stable = tuple[int, float, float, float, float]  # |PDG number|, pt, eta, phi, energy


def rows(process: Process, count: int, *, seed: int) -> list[list[float]]:
    """Rows of 28 features (GeV, radians), from both lepton charges in turn."""
    rng = np.random.default_rng(seed)
    generators = [_pythia(process, charge, seed + charge) for charge in (1, -1)]
    found: list[list[float]] = []
    attempt = 0
    while len(found) < count:
        pythia = generators[attempt % 2]
        attempt += 1
        if not pythia.next():
            continue
        if process == "signal" and rng.random() > longitudinal_weight(pythia.process):
            continue
        row = _row(pythia.event, rng)
        if row is not None:
            found.append(row)
    return found


def _pythia(process: Process, charge: Any, seed: int) -> Any:
    pythia = load_pythia().Pythia("", False)
    for setting in settings(process, charge=charge, seed=seed):
        pythia.readString(setting)
    pythia.init()
    return pythia


def _row(event: Any, rng: np.random.Generator) -> list[float] | None:
    stable, quarks = _read(event)
    leptons = _leptons(stable, rng)
    if len(leptons) != 1:
        return None
    (kind, _, eta, phi, energy), pt = leptons[0]
    muons = _jet_muons(stable)
    towers = slow.tower_energies([(p[2], p[3], p[4] if p in muons else _shown(p, rng)) for p in stable])
    lepton = (pt, eta, phi)
    jets = []
    for vector, members in slow.cone_jets(towers, shoulder=ACCEPTANCE.shoulder_et):
        flavour = _flavour(vector, quarks)
        jet_energy = vector[3] * (ACCEPTANCE.b_jet_scale if flavour == 5 else 1.0)
        jet_pt, jet_eta, jet_phi = slow.pt_eta_phi(vector)
        jet_pt *= jet_energy / vector[3]
        hit = next(iter(slow.tower_energies([(eta, phi, 1.0)])))
        if jet_pt <= 15 or abs(jet_eta) >= 3 or (kind == 11 and hit in members):
            continue
        turn = abs(jet_phi - phi) % (2 * pi)
        if hypot(jet_eta - eta, min(turn, 2 * pi - turn)) < 0.4:
            return None
        tag = _tag(jet_energy / cosh(jet_eta), jet_eta, flavour, rng)
        jets.append(((jet_pt, jet_eta, jet_phi), tag))
    if len(jets) < 4 or sum(tag > 0 for _, tag in jets) != 2:
        return None
    met = _missing(towers, lepton, kind, energy, rng)
    masses = slow.masses(lepton, met, [jet for jet, _ in jets], [tag for _, tag in jets])
    return [*lepton, *met, *(value for jet, tag in jets[:4] for value in (*jet, tag)), *masses]


def _read(event: Any) -> tuple[list[Stable], list[Stable]]:
    stable, quarks = [], []
    for particle in event:
        kind = particle.idAbs()
        if particle.isFinal() and kind not in (12, 14, 16):
            row = (kind, particle.pT(), particle.eta(), particle.phi(), particle.e())
            if particle.pT() > 0.3 or not particle.isCharged():
                stable.append(row)
        elif kind in (4, 5) and particle.pT() > 1.0:
            quarks.append((kind, particle.pT(), particle.eta(), particle.phi(), particle.e()))
    return stable, quarks


def _leptons(stable: list[Stable], rng: np.random.Generator) -> list[tuple[Stable, float]]:
    charged = slow.tracks([particle[:4] for particle in stable])
    found = []
    for particle in stable:
        kind, pt, eta, _, energy = particle
        if kind not in (11, 13) or pt <= 5 or abs(eta) >= 2.5:
            continue
        resolution = hypot(0.01, 0.1 / sqrt(energy)) if kind == 11 else 0.01 + 1e-4 * pt
        measured = pt * (1 + resolution * rng.normal())
        efficiency = 0.98 * (1.0 if abs(eta) < ACCEPTANCE.lepton_rim else ACCEPTANCE.rim_efficiency)
        if _isolated(particle, charged) and measured > 15 and rng.random() < efficiency:
            found.append((particle, measured))
    return found


def _isolated(lepton: Stable, charged: list[slow.Jet]) -> bool:
    pt = lepton[1]
    return slow.isolation((pt, lepton[2], lepton[3]), charged) < min(8.0, ACCEPTANCE.isolation_share * pt)


def _jet_muons(stable: list[Stable]) -> list[Stable]:
    charged = slow.tracks([particle[:4] for particle in stable])
    return [p for p in stable if p[0] == 13 and p[1] > 3 and not _isolated(p, charged)]


def _shown(particle: Stable, rng: np.random.Generator) -> float:
    kind, _, _, _, energy = particle
    if kind == 13:
        return min(energy, 2.5)
    if kind in (11, 22):
        em = 0.99 * energy
        sigma = hypot(0.01 * em, 0.1 * sqrt(em))
    else:
        mean, width = (0.5 / energy, 0.1 / energy) if rng.random() < 0.5 else (0.25, 0.05)
        em = energy * min(max(rng.normal(mean, width), 0.0), 1.0)
        sigma = 0.8 * sqrt(em)
    hadronic = energy - em
    return max(rng.normal(em, sigma), 0.0) + max(rng.normal(hadronic, 0.8 * sqrt(hadronic)), 0.0)


def _flavour(vector: slow.FourVector, quarks: list[Stable]) -> int:
    length = sqrt(sum(component**2 for component in vector[:3]))
    flavour = 0
    for kind, pt, eta, phi, _ in quarks:
        quark = slow.massless(pt, eta, phi)
        cosine = sum(a * b for a, b in zip(vector[:3], quark[:3], strict=True)) / (length * quark[3])
        if cosine > cos(pi / 9):
            flavour = max(flavour, kind)
    return flavour


def _tag(et: float, eta: float, flavour: int, rng: np.random.Generator) -> int:
    loose, tight = btag.tag_efficiency(np.array([et]), np.array([eta]), np.array([flavour]))
    draw = rng.random() / kept_of_tags(np.array(et), np.array(flavour))
    return int(draw < loose[0]) + int(draw < tight[0])


def _missing(
    towers: dict[slow.Tower, float], lepton: slow.Jet, kind: int, energy: float, rng: np.random.Generator
) -> tuple[float, float]:
    px, py = slow.missing(towers)
    px, py = px + rng.normal(0, ACCEPTANCE.met_noise), py + rng.normal(0, ACCEPTANCE.met_noise)
    if kind == 13:
        escaped = lepton[0] * (1 - min(2.5 / energy, 1))
        px, py = px - escaped * cos(lepton[2]), py - escaped * sin(lepton[2])
    return hypot(px, py), atan2(py, px)
