"""The HIGGS detector and features, defined one event and one particle at a time: slow and obvious."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import asinh, atan2, cos, cosh, floor, hypot, inf, isinf, pi, sin, sinh, sqrt

from hepsieve.simulate.detector import CHARGED

Tower = tuple[int, int]
FourVector = tuple[float, float, float, float]
Jet = tuple[float, float, float]  # pt, eta, phi


def tower_energies(particles: Sequence[tuple[float, float, float]]) -> dict[Tower, float]:
    """Energy per tower of one event, for particles with (eta, phi, energy)."""
    towers: dict[Tower, float] = {}
    for eta, phi, energy in particles:
        if isinf(eta):  # along the beam
            continue
        ieta = floor((eta + 4.05) / 0.1)
        iphi = floor((phi + pi) / (2 * pi / 63)) % 63
        if 0 <= ieta <= 80:
            towers[ieta, iphi] = towers.get((ieta, iphi), 0.0) + energy
    return towers


def centre(tower: Tower) -> tuple[float, float]:
    ieta, iphi = tower
    return (ieta - 40) * 0.1, (iphi + 0.5) * (2 * pi / 63) - pi


def transverse_energy(tower: Tower, energy: float) -> float:
    return energy / cosh(centre(tower)[0])


def cone_jets(
    towers: Mapping[Tower, float], cone: float = 0.7, *, shoulder: float = 1.0
) -> list[tuple[FourVector, set[Tower]]]:
    """Momentum and towers of each jet of one event, in the order of their seeds."""
    free = {tower for tower, energy in towers.items() if transverse_energy(tower, energy) > shoulder}
    jets: list[tuple[FourVector, set[Tower]]] = []
    while len(jets) < 14:
        seeds = [tower for tower in sorted(free) if transverse_energy(tower, towers[tower]) > 5.0]
        if not seeds:
            break
        seed = max(seeds, key=lambda tower: transverse_energy(tower, towers[tower]))
        members = {tower for tower in free if distance(tower, seed) <= cone + 1e-9}
        free -= members
        jets.append((add([massless_tower(tower, towers[tower]) for tower in sorted(members)]), members))
    return jets


def distance(one: Tower, other: Tower) -> float:
    turn = abs(one[1] - other[1])
    return hypot((one[0] - other[0]) * 0.1, min(turn, 63 - turn) * 2 * pi / 63)


def massless_tower(tower: Tower, energy: float) -> FourVector:
    eta, phi = centre(tower)
    return massless(energy / cosh(eta), eta, phi)


def missing(towers: Mapping[Tower, float]) -> tuple[float, float]:
    total = add([massless_tower(tower, energy) for tower, energy in towers.items()])
    return -total[0], -total[1]


def massless(pt: float, eta: float, phi: float) -> FourVector:
    return pt * cos(phi), pt * sin(phi), pt * sinh(eta), pt * cosh(eta)


def add(vectors: Sequence[FourVector]) -> FourVector:
    px, py, pz, energy = (sum(vector[axis] for vector in vectors) for axis in range(4))
    return px, py, pz, energy


def mass(vector: FourVector) -> float:
    px, py, pz, energy = vector
    return sqrt(max(0.0, energy**2 - px**2 - py**2 - pz**2))


def isolation(lepton: Jet, tracks: Sequence[Jet]) -> float:
    """The pt of tracks above 0.5 GeV within 0.4 of the lepton, without its own."""
    total = 0.0
    for pt, eta, phi in tracks:
        turn = abs(phi - lepton[2]) % (2 * pi)
        if pt > 0.5 and (eta - lepton[1]) ** 2 + min(turn, 2 * pi - turn) ** 2 < 0.4**2:
            total += pt
    return total - lepton[0]


def neutrino_eta(lepton: Jet, met: float, phi: float) -> float:
    best, nearest = 0.0, inf
    for step in range(-60, 61):
        eta = step * 0.05
        gap = abs(mass(add([massless(*lepton), massless(met, eta, phi)])) - 80.4)
        if gap < nearest:
            best, nearest = eta, gap
    return best


def w_pair(jets: Sequence[FourVector]) -> FourVector:
    """The sum of the two of these jets whose mass is closest to 80.4 GeV."""
    return min((add(pair) for pair in combinations(jets, 2)), key=lambda pair: abs(mass(pair) - 80.4))


def masses(lepton: Jet, met: tuple[float, float], jets: Sequence[Jet], tags: Sequence[int]) -> list[float]:
    """m_jj, m_jjj, m_lv, m_jlv, m_bb, m_wbb, m_wwbb of one event."""
    vectors = [massless(*jet) for jet in jets]
    b, other = (vector for vector, tag in zip(vectors, tags, strict=True) if tag > 0)
    w = w_pair([vector for vector, tag in zip(vectors, tags, strict=True) if tag == 0])
    lv = add([massless(*lepton), massless(met[0], neutrino_eta(lepton, *met), met[1])])
    if abs(mass(add([w, other])) - 175) <= abs(mass(add([w, b])) - 175):
        b, other = other, b
    wbb = max(mass(add([w, b, other])), mass(add([lv, b, other])))
    vectors_of = [[w], [w, b], [lv], [lv, other], [b, other]]
    return [*(mass(add(group)) for group in vectors_of), wbb, mass(add([w, lv, b, other]))]


def tracks(particles: Sequence[tuple[int, float, float, float]]) -> list[Jet]:
    """pt, eta, phi of the charged ones of (PDG number, pt, eta, phi)."""
    return [(pt, eta, phi) for kind, pt, eta, phi in particles if abs(kind) in CHARGED]


def pt_eta_phi(vector: FourVector) -> Jet:
    px, py, pz, _ = vector
    pt = hypot(px, py)
    return pt, asinh(pz / pt), atan2(py, px)
