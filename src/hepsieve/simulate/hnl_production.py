"""How charmed mesons make heavy neutral leptons N: D → ℓN and D → KℓN, their rates and the energies of N.

Widths carry no constant that all share (G_F², the overall mixing); c, ħ = 1, masses in GeV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate.hnl_kinematics import (
    ELECTRON,
    KAON,
    MUON,
    boosted,
    decay_momentum,
    directions,
    invariant_mass,
    with_mass,
)
from hepsieve.simulate.particles import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Meson:
    """A charmed meson: PDG 2022 mass and lifetime (10⁻¹⁵ s), decay constant (FLAG 2021), CKM element of D → ℓN."""

    mass: float
    lifetime: float
    decay_constant: float
    ckm: float
    has_kaon: bool


D_PLUS, D_ZERO, D_STRANGE = 411, 421, 431
MESONS = {
    D_PLUS: Meson(mass=1.86966, lifetime=1033.0, decay_constant=0.212, ckm=0.221, has_kaon=True),
    # A neutral meson has no D → ℓN.
    D_ZERO: Meson(mass=1.86484, lifetime=410.3, decay_constant=0.0, ckm=0.0, has_kaon=True),
    D_STRANGE: Meson(mass=1.96835, lifetime=504.0, decay_constant=0.250, ckm=0.975, has_kaon=False),
}
# U_e² : U_μ² = 1 : 16, the second benchmark of arXiv:0705.1729, which the SHiP proposal takes.
MIXING = {ELECTRON: 1.0, MUON: 16.0}
V_CS = 0.975
# D → K form factors: f(0) of FLAG 2021, poles at the D_s* and the D_s0*.
F_ZERO, VECTOR_POLE, SCALAR_POLE = 0.7385, 2.1122, 2.3178
STEPS = 400


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One way to make N: the meson, the lepton's mass, whether a kaon is made too, and its rate."""

    meson: int
    lepton: float
    kaon: bool
    rate: float


def channels(heavy: float) -> list[Channel]:
    """The open channels for this mass of N; a rate is width × lifetime, up to a factor that all share."""
    found = []
    for code, meson in MESONS.items():
        for lepton, mixing in MIXING.items():
            share = mixing * meson.lifetime
            if meson.decay_constant and meson.mass > lepton + heavy:
                rate = share * two_body_width(meson, lepton, heavy)
                found.append(Channel(meson=code, lepton=lepton, kaon=False, rate=rate))
            if meson.has_kaon and meson.mass > KAON + lepton + heavy:
                rate = share * float(np.trapezoid(*three_body_width(meson, lepton, heavy)[::-1]))
                found.append(Channel(meson=code, lepton=lepton, kaon=True, rate=rate))
    return found


def two_body_width(meson: Meson, lepton: float, heavy: float) -> float:
    """D → ℓN, as in arXiv:0705.1729, without G_F² |U|².

    f² |V|² / 8π · m M² · (1 − M²/m² + 2 ml²/m² + ml²/M² (1 − ml²/m²)) · √λ(m², M², ml²) / m².
    """
    m, light, ratio = meson.mass, (lepton / meson.mass) ** 2, (heavy / meson.mass) ** 2
    spins = 1 - ratio + 2 * light + light / ratio * (1 - light)
    phase_space = 2 * float(decay_momentum(m, lepton, heavy)) / m
    return (meson.decay_constant * meson.ckm) ** 2 / (8 * np.pi) * m * heavy**2 * spins * phase_space


def three_body_width(meson: Meson, lepton: float, heavy: float) -> tuple[Floats, Floats]:
    """q² of the pair ℓN (GeV²) and dΓ/dq² of D → KℓN there, without G_F² |U|².

    The hadronic current's helicity-0 and time-like parts, f₊ and f₀, times the leptonic tensor of two massive fermions:
    |V|² / 128π³m³ · √λ_h √λ_l / q² · {λ_h f₊²/q² (2q² − S − D²/q²)/3 + (m² − m_K²)² f₀²/q² (S − D²/q²)} with
    S = M² + ml², D = M² − ml². For massless leptons this is the known |V|² λ_h^{3/2} f₊² / 192π³m³.
    """
    m = meson.mass
    q2 = np.linspace((heavy + lepton) ** 2, (m - KAON) ** 2, STEPS)
    q = np.sqrt(q2)
    root_h, root_l = 2 * m * decay_momentum(m, KAON, q), 2 * q * decay_momentum(q, heavy, lepton)
    plus, zero = F_ZERO / (1 - q2 / VECTOR_POLE**2), F_ZERO / (1 - q2 / SCALAR_POLE**2)
    total, difference = heavy**2 + lepton**2, heavy**2 - lepton**2
    vector = root_h**2 * plus**2 / q2 * (2 * q2 - total - difference**2 / q2) / 3
    scalar = (m**2 - KAON**2) ** 2 * zero**2 / q2 * (total - difference**2 / q2)
    return q2, V_CS**2 / (128 * np.pi**3 * m**3) * root_h * root_l / q2 * (vector + scalar)


def produce(kind: Ints, momentum: Floats, heavy: float, n: int, rng: np.random.Generator) -> Floats:
    """Four-momenta of n heavy leptons of this mass from mesons drawn, with replacement, by the rates of their channels.

    Args:
        kind: absolute PDG numbers of the mesons.
        momentum: their four-momenta in GeV, shape (mesons, 4).
        heavy: the mass of N in GeV.
        n: how many to make.
        rng: draws channels, mesons and directions; each meson is turned about the beam at random.
    """
    found = [channel for channel in channels(heavy) if (kind == channel.meson).any()]
    weights = np.array([channel.rate * np.count_nonzero(kind == channel.meson) for channel in found])
    made = []
    for channel, share in zip(found, rng.multinomial(n, weights / weights.sum()), strict=True):
        parents = momentum[rng.choice(np.flatnonzero(kind == channel.meson), share)]
        made.append(_decay(channel, _turned(parents, rng), heavy, rng))
    return rng.permutation(np.concatenate(made))


def _decay(channel: Channel, parents: Floats, heavy: float, rng: np.random.Generator) -> Floats:
    """N of one channel; the pair ℓN of D → KℓN decays without a preferred direction in its rest frame."""
    if not channel.kaon:
        return _daughter(parents, channel.lepton, heavy, rng)
    q2, width = three_body_width(MESONS[channel.meson], channel.lepton, heavy)
    steps = np.concatenate([[0.0], np.cumsum((width[1:] + width[:-1]) / 2)])
    pair_mass = np.sqrt(np.interp(rng.random(len(parents)), steps / steps[-1], q2))
    pairs = _daughter(parents, KAON, pair_mass, rng)
    return _daughter(pairs, channel.lepton, heavy, rng)


def _daughter(parents: Floats, other: float, mass: float | Floats, rng: np.random.Generator) -> Floats:
    """Four-momenta of the daughter of this mass in parents → other + daughter."""
    momentum = decay_momentum(invariant_mass(parents), other, mass)
    at_rest = with_mass(directions(len(parents), rng) * momentum[:, None], mass)
    return boosted(at_rest[:, :3], at_rest[:, 3], parents)


def _turned(momenta: Floats, rng: np.random.Generator) -> Floats:
    """Four-momenta turned about the z axis by random angles: nothing in the collision prefers a direction."""
    angle = rng.uniform(0, 2 * np.pi, len(momenta))
    x = momenta[:, 0] * np.cos(angle) - momenta[:, 1] * np.sin(angle)
    y = momenta[:, 0] * np.sin(angle) + momenta[:, 1] * np.cos(angle)
    return np.column_stack([x, y, momenta[:, 2:]])
