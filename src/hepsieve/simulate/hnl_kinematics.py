"""Decay particles in flight: parents and masses in, daughters in the laboratory out; energies and momenta in GeV.

A table of four-momenta has the shape (n, 4), with the columns px, py, pz, E.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hepsieve.simulate.particles import Floats

# Masses in GeV, Particle Data Group 2022.
ELECTRON, MUON, PION, KAON, PROTON = 0.000511, 0.105658, 0.139570, 0.493677, 0.938272


def decay_momentum(parent: ArrayLike, first: ArrayLike, second: ArrayLike) -> Floats:
    """The momentum of both daughters in the parent's rest frame: √λ(M², m₁², m₂²) / 2M with Källén's function λ.

    Zero where the parent is too light to decay.

    >>> round(float(decay_momentum(0.139570, 0.105658, 0.0)), 4)  # π → μν
    0.0298
    """
    mass, a, b = (np.asarray(value, dtype=np.float64) for value in (parent, first, second))
    square = (mass**2 - (a + b) ** 2) * (mass**2 - (a - b) ** 2)
    momentum: Floats = np.sqrt(np.where(mass >= a + b, np.maximum(square, 0.0), 0.0)) / (2 * mass)
    return momentum


def directions(n: int, rng: np.random.Generator) -> Floats:
    """Unit vectors without a preferred direction, shape (n, 3)."""
    cosine, azimuth = rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n)
    sine = np.sqrt(1 - cosine**2)
    return np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)


def boosted(momentum: Floats, energy: Floats, parent: Floats) -> Floats:
    """Four-momenta in the laboratory of what has this momentum, shape (n, 3), and energy at rest with its parent.

    With P, E and M of the parent: p = k + P (P·k / (E + M) + e) / M, and the energy is (E e + P·k) / M.
    """
    along, mass = (parent[:, :3] * momentum).sum(axis=1), invariant_mass(parent)
    factor = (along / (parent[:, 3] + mass) + energy) / mass
    moved = momentum + parent[:, :3] * factor[:, None]
    return np.column_stack([moved, (parent[:, 3] * energy + along) / mass])


def invariant_mass(momenta: Floats) -> Floats:
    """√(E² − p²), shape (n,)."""
    return np.asarray(np.sqrt(np.maximum(momenta[:, 3] ** 2 - (momenta[:, :3] ** 2).sum(axis=1), 0.0)))


def with_mass(momentum: Floats, mass: ArrayLike) -> Floats:
    """Four-momenta of particles of this mass, from momenta of shape (n, 3)."""
    return np.column_stack([momentum, np.sqrt((momentum**2).sum(axis=1) + np.square(mass))])


def two_body(parent: Floats, first: ArrayLike, second: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Four-momenta of both daughters, of these masses, of parents without a preferred direction."""
    momentum = decay_momentum(invariant_mass(parent), first, second)
    at_rest = directions(len(parent), rng) * momentum[:, None]
    energies = (np.sqrt(momentum**2 + np.square(mass)) for mass in (first, second))
    one, other = (boosted(sign * at_rest, energy, parent) for sign, energy in zip((1.0, -1.0), energies, strict=True))
    return one, other


def turned_to(vectors: Floats, towards: Floats) -> Floats:
    """Vectors turned as the z axis is turned to these directions, both of shape (n, 3); directions need pz > −p.

    >>> turned_to(np.array([[0.0, 0.0, 2.0]]), np.array([[3.0, 0.0, 4.0]])).round(3).tolist()
    [[1.2, 0.0, 1.6]]
    """
    a, b, c = (towards / np.sqrt((towards**2).sum(axis=1))[:, None]).T
    x, y, z = vectors.T
    # The rotation about the axis (−b, a, 0) that takes (0, 0, 1) to (a, b, c).
    share = (a * x + b * y) / (1 + c)
    return np.stack([x + a * (z - share), y + b * (z - share), c * z - a * x - b * y], axis=1)
