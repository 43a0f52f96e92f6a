"""How charm makes heavy neutral leptons: widths in their limits, and energies within phase space."""

from __future__ import annotations

import numpy as np
import pytest

from hepsieve.simulate.hnl_kinematics import ELECTRON, KAON, MUON, decay_momentum, invariant_mass, with_mass
from hepsieve.simulate.hnl_production import (
    D_PLUS,
    D_STRANGE,
    D_ZERO,
    F_ZERO,
    MESONS,
    V_CS,
    VECTOR_POLE,
    channels,
    produce,
    three_body_width,
    two_body_width,
)


def test_a_light_neutrino_gives_the_known_leptonic_width() -> None:
    # For M → 0: f² |V|² / 8π · m ml² (1 − ml²/m²)², as in every textbook's π → μν.
    meson = MESONS[D_STRANGE]
    known = (meson.decay_constant * meson.ckm) ** 2 / (8 * np.pi) * meson.mass * MUON**2
    known *= (1 - (MUON / meson.mass) ** 2) ** 2
    assert two_body_width(meson, MUON, 1e-5) == pytest.approx(known, rel=1e-6)


def test_massless_leptons_give_the_known_semileptonic_width() -> None:
    # dΓ/dq² = |V|² λ^{3/2} f₊² / 192π³m³ with √λ = 2 m p_K.
    meson = MESONS[D_PLUS]
    q2, width = three_body_width(meson, 1e-6, 1e-6)
    root = 2 * meson.mass * decay_momentum(meson.mass, KAON, np.sqrt(q2))
    plus = F_ZERO / (1 - q2 / VECTOR_POLE**2)
    known = V_CS**2 * root**3 * plus**2 / (192 * np.pi**3 * meson.mass**3)
    np.testing.assert_allclose(width[1:], known[1:], rtol=1e-6, atol=1e-12)


def test_channels_close_where_phase_space_does() -> None:
    # m(D⁺) − m_K − m_μ = 1.86966 − 0.493677 − 0.105658 = 1.2703: at 1.2 GeV K μ N is open, at 1.3 GeV it is not.
    open_at = {mass: {(c.meson, c.lepton, c.kaon) for c in channels(mass)} for mass in (1.2, 1.3, 1.4)}
    assert (D_PLUS, MUON, True) in open_at[1.2]
    assert (D_PLUS, MUON, True) not in open_at[1.3]
    assert (D_PLUS, ELECTRON, True) in open_at[1.3]
    assert open_at[1.4] == {(m, lepton, False) for m in (D_PLUS, D_STRANGE) for lepton in (ELECTRON, MUON)}
    assert (D_ZERO, MUON, False) not in open_at[1.2]
    assert all(channel.rate > 0 for channel in channels(1.3))


def test_heavy_leptons_of_mesons_at_rest_have_the_energies_that_phase_space_allows() -> None:
    rng = np.random.default_rng(7)
    strange = with_mass(np.zeros((3, 3)), MESONS[D_STRANGE].mass)
    made = produce(np.full(3, D_STRANGE), strange, 1.0, 2000, rng)
    np.testing.assert_allclose(invariant_mass(made), 1.0, rtol=1e-9)
    lines = [np.hypot(float(decay_momentum(MESONS[D_STRANGE].mass, lepton, 1.0)), 1.0) for lepton in (ELECTRON, MUON)]
    distance = np.abs(made[:, 3:] - lines).min(axis=1)
    np.testing.assert_allclose(distance, 0.0, atol=1e-9)

    neutral = with_mass(np.zeros((3, 3)), MESONS[D_ZERO].mass)
    made = produce(np.full(3, D_ZERO), neutral, 1.0, 2000, rng)
    # The most: N against K and an electron that move together.
    highest = np.hypot(float(decay_momentum(MESONS[D_ZERO].mass, KAON + ELECTRON, 1.0)), 1.0)
    assert 1.0 < made[:, 3].min() < 1.01
    assert highest - 0.02 < made[:, 3].max() <= highest + 1e-9
