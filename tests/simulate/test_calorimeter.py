"""Towers and cone jets against their slow definitions, and their symmetries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import higgs as reference

from hepsieve.simulate.calorimeter import (
    PHI_STEP,
    ConeJets,
    Towers,
    fill_towers,
    find_jets,
    measured_energy,
    missing_momentum,
)
from hepsieve.simulate.particles import Floats, Ints, Particles

EVENTS = 6


def shower(seed: int, *, particles: int = 150, events: int = EVENTS) -> Particles:
    """Particles in a few narrow bundles per event, some of them beyond the last tower."""
    rng = np.random.default_rng(seed)
    event = np.sort(rng.integers(0, events, events * particles))
    bundle = rng.integers(0, 6, len(event))
    eta = rng.uniform(-3, 3, (events, 6))[event, bundle] + rng.normal(0, 0.4, len(event))
    phi = rng.uniform(-np.pi, np.pi, (events, 6))[event, bundle] + rng.normal(0, 0.4, len(event))
    pt = rng.exponential(3.0, len(event))
    kind = rng.choice([211, 22, 130, 13, 11], len(event))
    return Particles(
        event=event,
        kind=kind,
        pt=pt,
        eta=eta,
        phi=np.arctan2(np.sin(phi), np.cos(phi)),
        energy=pt * np.cosh(eta),
    )


def of_event(particles: Particles, number: int) -> list[tuple[float, float, float]]:
    rows = particles.event == number
    return list(zip(particles.eta[rows], particles.phi[rows], particles.energy[rows], strict=True))


def filled(particles: Particles) -> Towers:
    return fill_towers(particles, particles.energy, events=EVENTS)


def per_event(towers: Towers, number: int) -> dict[tuple[int, int], float]:
    rows = towers.event == number
    places = zip(towers.ieta[rows].tolist(), towers.iphi[rows].tolist(), strict=True)
    return dict(zip(places, towers.energy[rows].tolist(), strict=True))


@given(st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_tower_sums_are_the_slow_ones(seed: int) -> None:
    particles = shower(seed)
    towers = filled(particles)
    for number in range(EVENTS):
        expected = reference.tower_energies(of_event(particles, number))
        found = per_event(towers, number)
        assert found.keys() == expected.keys()
        assert found == pytest.approx(expected, rel=1e-12)


@given(st.integers(0, 2**20), st.sampled_from([0.4, 0.7]))
@settings(max_examples=15, deadline=None)
def test_cone_jets_and_missing_momentum_are_the_slow_ones(seed: int, cone: float) -> None:
    towers = filled(shower(seed))
    found, missing = find_jets(towers, cone=cone), missing_momentum(towers)
    for number in range(EVENTS):
        contents = per_event(towers, number)
        expected = reference.cone_jets(contents, cone)
        momenta = np.array([momentum for momentum, _ in expected])
        np.testing.assert_allclose(found.momentum[number, : len(expected)], momenta, rtol=1e-12, atol=1e-9)
        assert not found.momentum[number, len(expected) :].any()
        np.testing.assert_allclose(missing[number], reference.missing(contents), rtol=1e-12, atol=1e-9)
        owner = {tower: jet for jet, (_, members) in enumerate(expected) for tower in members}
        rows = towers.event == number
        assert found.owner[rows].tolist() == [owner.get(tower, -1) for tower in contents]


def test_events_without_energy_have_no_jets() -> None:
    nobody = shower(1)[np.zeros(0, int)]
    towers = filled(nobody)
    assert not find_jets(towers, cone=0.7).momentum.any()
    assert not missing_momentum(towers).any()


def turned(particles: Particles, *, phi: Callable[[Floats], Floats], eta: Callable[[Floats], Floats]) -> Particles:
    return Particles(
        event=particles.event,
        kind=particles.kind,
        pt=particles.pt,
        eta=eta(particles.eta),
        phi=phi(particles.phi),
        energy=particles.energy,
    )


def in_tower_centres(seed: int) -> Particles:
    """Particles in the middles of towers, so that a turn by whole towers moves none over an edge by rounding."""
    particles = shower(seed)
    return turned(
        particles,
        phi=lambda phi: (np.floor((phi + np.pi) / PHI_STEP) + 0.5) * PHI_STEP - np.pi,
        eta=lambda eta: np.round(eta / 0.1) * 0.1,
    )


def pt_and_eta(found: ConeJets) -> Floats:
    px, py, pz, energy = np.moveaxis(found.momentum, -1, 0)
    return np.stack([np.hypot(px, py), pz, energy])


@given(st.integers(0, 2**20), st.integers(1, 62))
@settings(max_examples=15, deadline=None)
def test_a_turn_by_whole_towers_turns_the_jets(seed: int, steps: int) -> None:
    particles = in_tower_centres(seed)
    angle = steps * PHI_STEP
    around = turned(particles, phi=lambda phi: (phi + angle + np.pi) % (2 * np.pi) - np.pi, eta=lambda eta: eta)
    before, after = find_jets(filled(particles), cone=0.7).momentum, find_jets(filled(around), cone=0.7).momentum
    px, py = before[..., 0], before[..., 1]
    expected = before.copy()
    expected[..., 0] = px * np.cos(angle) - py * np.sin(angle)
    expected[..., 1] = px * np.sin(angle) + py * np.cos(angle)
    np.testing.assert_allclose(after, expected, atol=1e-8)


@given(st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_a_mirror_in_eta_mirrors_the_jets(seed: int) -> None:
    particles = in_tower_centres(seed)
    mirrored = turned(particles, phi=lambda phi: phi, eta=lambda eta: -eta)
    before, after = find_jets(filled(particles), cone=0.7).momentum, find_jets(filled(mirrored), cone=0.7).momentum
    np.testing.assert_allclose(after, before * [1, 1, -1, 1], atol=1e-8)


@pytest.mark.parametrize(
    ("kind", "mean", "width"),
    [
        (22, 50.0, np.hypot(0.1 * np.sqrt(49.5), 0.495)),  # σ² = 0.1² E + 0.01² E² on 99 % of 50 GeV
        (13, 2.5, 0.0),
        (211, 50.0, 0.8 * np.sqrt(50.0)),  # the two parts' variances add up to 0.8² E
    ],
)
def test_measured_energy_has_the_stated_resolution(kind: int, mean: float, width: float) -> None:
    n = 20_000
    kinds: Ints = np.full(n, kind)
    energy = np.full(n, 50.0)
    zero = np.zeros(n)
    particles = Particles(event=np.zeros(n, int), kind=kinds, pt=energy, eta=zero, phi=zero, energy=energy)
    shown = measured_energy(particles, np.random.default_rng(5))
    # Five standard errors of a mean and of a standard deviation; the hadronic hundredth of a photon adds 0.57 GeV.
    spread = np.hypot(width, 0.8 * np.sqrt(0.5)) if kind == 22 else width
    assert shown.mean() == pytest.approx(mean, abs=5 * spread / np.sqrt(n) + 0.2 * (kind == 22) + 1e-12)
    assert shown.std() == pytest.approx(spread, rel=0.06, abs=1e-12)
