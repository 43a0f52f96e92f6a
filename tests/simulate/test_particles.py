"""Columns of particles."""

from __future__ import annotations

import numpy as np

from hepsieve.simulate.particles import Particles, places_in_event


def three_events() -> Particles:
    event = np.array([0, 0, 1, 2, 2, 2])
    ones = np.ones(6)
    return Particles.from_momenta(event, np.arange(6), (3 * ones, 4 * ones, 12 * ones, 13 * ones))


def test_momenta_become_pt_eta_phi() -> None:
    particles = three_events()
    np.testing.assert_allclose(particles.pt, 5.0)
    np.testing.assert_allclose(particles.eta, np.arcsinh(12 / 5))
    np.testing.assert_allclose(particles.phi, np.arctan2(4, 3))


def test_kept_events_are_numbered_anew() -> None:
    kept = three_events().of_events(np.array([True, False, True]))
    assert kept.event.tolist() == [0, 0, 1, 1, 1]
    assert kept.kind.tolist() == [0, 1, 3, 4, 5]


def test_places_begin_anew_in_every_event() -> None:
    assert places_in_event(np.array([1, 1, 3]), 5).tolist() == [0, 1, 0]
