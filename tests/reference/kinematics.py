"""Masses, angles and frames of one event, from the components of four-momenta: slow and obvious."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import asinh, atan2, cos, cosh, hypot, sin, sinh, sqrt

FourVector = tuple[float, float, float, float]
Seen = tuple[float, float, float, float]
"""pt, eta, phi and mass."""


def four_vector(pt: float, eta: float, phi: float, mass: float = 0.0) -> FourVector:
    px, py, pz = pt * cos(phi), pt * sin(phi), pt * sinh(eta)
    return px, py, pz, sqrt(px**2 + py**2 + pz**2 + mass**2)


def invariant_mass(objects: Sequence[Seen]) -> float:
    px, py, pz, e = (sum(column) for column in zip(*(four_vector(*one) for one in objects), strict=True))
    return sqrt(max(0.0, e**2 - px**2 - py**2 - pz**2))


def delta_phi(one: float, other: float) -> float:
    """Signed, −π…π."""
    return atan2(sin(one - other), cos(one - other))


def delta_r(one: Seen, other: Seen) -> float:
    return hypot(one[1] - other[1], delta_phi(one[2], other[2]))


def transverse_mass(one: Seen, other: Seen) -> float:
    """Of energies √(m² + pt²): what the mass would be without momenta along the beam."""
    return invariant_mass([(pt, 0.0, phi, mass) for pt, _, phi, mass in (one, other)])


def vector_sum(objects: Sequence[Seen]) -> float:
    return hypot(sum(pt * cos(phi) for pt, _, phi, _ in objects), sum(pt * sin(phi) for pt, _, phi, _ in objects))


def neutrino_eta(lepton: Seen, missing: Seen) -> float:
    """From p_z of the quadratic equation (p_ℓ + p_ν)² = m_W², the smaller solution; else that of the least mass."""
    pt, eta, phi, _ = lepton
    unseen = missing[0]
    pz, e = pt * sinh(eta), pt * cosh(eta)
    a = 80.4**2 / 2 + pt * unseen * cos(phi - missing[2])
    root = a**2 - pt**2 * unseen**2
    if root <= 0:
        return eta
    solutions = [(a * pz + sign * e * sqrt(root)) / pt**2 for sign in (-1, 1)]
    smaller = min(solutions, key=abs)
    return asinh(smaller / unseen)


def in_frame(event: Mapping[str, Seen], *, rotate: str, reflect: str, mirror: str) -> dict[str, Seen]:
    """Turn the event until ``rotate`` lies at φ = 0, then mirror it as the two others want."""
    turned = {name: (pt, eta, delta_phi(phi, event[rotate][2]), m) for name, (pt, eta, phi, m) in event.items()}
    up = -1 if event[reflect][1] < 0 else 1
    side = -1 if turned[mirror][2] < 0 else 1
    return {name: (pt, up * eta, side * phi, m) for name, (pt, eta, phi, m) in turned.items()}
