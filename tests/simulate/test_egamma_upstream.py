"""Electrons and photons in the tracker: conversion, radiation and bending against their laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hepsieve.simulate.egamma_particles import ELECTRON, PHOTON, POSITRON, FaceParticles
from hepsieve.simulate.egamma_upstream import (
    BENDING,
    CALORIMETER,
    FIELD,
    LEAST_PHOTON,
    PT,
    Primaries,
    Tracks,
    draw_primaries,
    drift,
    radiate,
    scatter,
    through_tracker,
)
from hepsieve.simulate.particles import Floats


def tracks(kind: int, pt: float, n: int = 1) -> Tracks:
    zero = np.zeros(n)
    return Tracks(
        event=np.arange(n), kind=np.full(n, kind), pt=np.full(n, pt), x=zero, sine=zero, y=zero, slope=zero, way=zero
    )


def primaries(kind: int, n: int, *, matter: float, eta: float = 0.5) -> Primaries:
    return Primaries(kind=np.full(n, kind), eta=np.full(n, eta), matter=np.full(n, matter))


def energies(particles: FaceParticles, n: int) -> Floats:
    return np.bincount(particles.event, particles.energy, n).astype(np.float64)


@pytest.mark.parametrize("matter", [0.3, 1.2])
def test_photons_convert_as_the_law_says(matter: float) -> None:
    n = 8000
    found = through_tracker(primaries(PHOTON, n, matter=matter), np.random.default_rng(1))
    full = PT * np.cosh(0.5)
    untouched = np.count_nonzero((found.kind == PHOTON) & (found.energy > full * (1 - 1e-12)))
    expected = np.exp(-7 / 9 * matter)
    # Five standard deviations of a binomial share.
    assert untouched / n == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / n))


@pytest.mark.parametrize(("kind", "side"), [(ELECTRON, 1), (POSITRON, -1), (PHOTON, 0)])
def test_tracks_are_circles_of_the_analytic_radius(kind: int, side: int) -> None:
    pt = 3.0
    radius = pt / (0.299792458 * 3.8)  # p = 0.3 B R: 2.63 m
    sagitta = radius - np.sqrt(radius**2 - CALORIMETER**2)
    once = drift(tracks(kind, pt), CALORIMETER, FIELD)
    many = tracks(kind, pt)
    for _ in range(50):
        many = drift(many, CALORIMETER / 50, FIELD)
    for found in (once, many):
        assert found.x[0] == pytest.approx(side * sagitta)
        assert found.sine[0] == pytest.approx(side * CALORIMETER / radius)
    arc = radius * np.arcsin(CALORIMETER / radius) if side else CALORIMETER
    assert many.way[0] == pytest.approx(arc - CALORIMETER, abs=1e-4)


def test_what_curls_up_does_not_arrive() -> None:
    assert len(drift(tracks(ELECTRON, 0.5), CALORIMETER, FIELD).pt) == 0
    assert len(drift(tracks(ELECTRON, 0.5), CALORIMETER, 0.0).pt) == 1
    assert len(drift(tracks(PHOTON, 0.5), CALORIMETER, FIELD).pt) == 1


def test_charges_bend_to_opposite_sides() -> None:
    n = 400
    # In an empty tracker an electron of 50 GeV arrives with a slope of 1.29 m / 43.9 m, less cosh η.
    slope = CALORIMETER * BENDING * FIELD / PT / np.cosh(0.5)
    for kind, side in ((ELECTRON, 1), (POSITRON, -1)):
        found = through_tracker(primaries(kind, n, matter=0.0), np.random.default_rng(2))
        straight = through_tracker(primaries(kind, n, matter=0.0), np.random.default_rng(2), field=0.0)
        np.testing.assert_allclose(found.column_slope - straight.column_slope, side * slope, rtol=1e-3)
        assert (found.delay > straight.delay).all()


def test_without_a_field_all_energy_arrives() -> None:
    n = 2000
    for kind in (ELECTRON, PHOTON):
        particles = primaries(kind, n, matter=1.0)
        kept = energies(through_tracker(particles, np.random.default_rng(3), field=0.0), n) / (PT * np.cosh(0.5))
        assert kept.max() <= 1 + 1e-12
        # What is lost are particles below 5 MeV and rare ones that scatter out of the image.
        assert np.median(kept) > 0.9999
        assert kept.mean() > 0.999


def test_electrons_lose_a_radiation_length_worth_of_energy() -> None:
    n, pt, thickness = 40_000, 1.0, 0.02
    found = radiate(tracks(ELECTRON, pt, n), np.full(n, thickness), np.random.default_rng(4))
    lost = found.pt[found.kind == PHOTON].sum() / n
    # ∫ (4/3 − 4/3 y + y²) dy from 0 to 1 is 1; photons below 20 MeV are missing, about 4/3 of 0.02.
    expected = thickness * pt * (1 - 4 / 3 * LEAST_PHOTON + 2 / 3 * LEAST_PHOTON**2)
    # The variance per electron is thickness × ∫ y (4/3 − 4/3 y + y²) dy = 0.472 thickness: 0.0005 on the mean.
    assert lost == pytest.approx(expected, abs=5 * np.sqrt(0.472 * thickness / n))
    assert found.pt.sum() == pytest.approx(n * pt)


def test_scattering_has_the_width_of_highland() -> None:
    n, pt, thickness = 20_000, 0.5, 0.01
    found = scatter(tracks(POSITRON, pt, n), np.full(n, thickness), np.random.default_rng(5))
    width = 0.0136 / pt * np.sqrt(thickness)
    for direction in (found.sine, found.slope):
        assert direction.std() == pytest.approx(width, rel=5 / np.sqrt(2 * n))
    assert (scatter(tracks(PHOTON, pt, n), np.full(n, thickness), np.random.default_rng(5)).sine == 0).all()


def test_most_energy_enters_the_middle_and_events_are_in_order() -> None:
    n = 500
    rng = np.random.default_rng(6)
    electron = np.arange(n) % 2 == 0
    drawn = draw_primaries(electron, rng)
    assert set(drawn.kind[electron]) == {ELECTRON, POSITRON}
    assert set(drawn.kind[~electron]) == {PHOTON}
    # As many of each charge but for chance: 125 ± 8.
    assert abs(int((drawn.kind == ELECTRON).sum()) - 125) < 40
    found = through_tracker(drawn, rng)
    assert (np.diff(found.event) >= 0).all()
    middle = (np.abs(found.row) < 3.3) & (np.abs(found.column) < 3.3)
    inside = np.bincount(found.event[middle], found.energy[middle], n) / energies(found, n)
    assert np.median(inside) > 0.9
    assert max(np.abs(found.row).max(), np.abs(found.column).max()) <= 36.3


def test_an_event_does_not_depend_on_the_sign_of_eta_but_for_the_tilt() -> None:
    ahead = primaries(ELECTRON, 50, matter=0.6)
    back = replace(ahead, eta=-ahead.eta)
    one, other = (through_tracker(which, np.random.default_rng(7)) for which in (ahead, back))
    np.testing.assert_array_equal(one.energy, other.energy)
    np.testing.assert_allclose(one.row_slope - other.row_slope, 2 * 0.052)
