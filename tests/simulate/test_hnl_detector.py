"""The vessel, what the spectrometer accepts and how it measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hepsieve.simulate.hnl_detector import (
    FIRST_STATION,
    KICK,
    LAST_STATION,
    LEAST_MASS,
    MAGNET,
    STATION_Y,
    Tracks,
    accepted,
    assigned_mass,
    in_vessel,
    measured,
    rows_of_pairs,
)
from hepsieve.simulate.hnl_tuning import TUNING
from hepsieve.simulate.particles import Floats


def tracks(momentum: Floats, start: Floats, *, charge: int = 1, kind: int = 211) -> Tracks:
    n = len(momentum)
    return Tracks(event=np.arange(n), kind=np.full(n, kind), charge=np.full(n, charge), momentum=momentum, start=start)


def test_the_vessel_widens_from_front_to_back() -> None:
    # Half-apertures 80 and 220 cm at the front, 80 + 0.0346 · 4978 = 252 and 220 + 0.064 · 4978 = 539 at z = 2500;
    # vertices keep 5 cm away from the walls.
    inside = np.array([[74.0, 0, -2477], [0, 214, -2477], [246, 0, 2500], [0, 533, 2500]])
    outside = np.array([[76.0, 0, -2477], [0, 216, -2477], [248, 0, 2500], [0, 535, 2500], [0, 0, -2479], [0, 0, 2522]])
    assert in_vessel(inside).all()
    assert in_vessel(inside * [-1, -1, 1]).all()
    assert not in_vessel(outside).any()


def test_acceptance_bends_slow_tracks_out_of_the_last_station() -> None:
    # The kick moves a track by 0.2 / p · (3540 − 3070) = 94 / p cm in y at the last station.
    start = np.array([[0.0, STATION_Y - 100, FIRST_STATION - 10]] * 3)
    momentum = np.array([[0, 0, 0.9], [0, 0, 1.0], [0, 0, -1.0]])
    assert pytest.approx(94.0) == KICK * (LAST_STATION - MAGNET)
    assert accepted(tracks(momentum, start), 0.3).tolist() == [False, True, False]
    assert accepted(tracks(momentum, start, charge=-1), 0.3).tolist() == [True, True, False]
    assert accepted(tracks(momentum, start, charge=-1), 0.95).tolist() == [False, True, False]


def test_a_perfect_spectrometer_gives_back_the_decay() -> None:
    perfect = replace(TUNING, slope_error=(0.0, 0.0), scattering=0.0, point_error=(0.0, 0.0), refit=0.0)
    rng = np.random.default_rng(5)
    start = rng.uniform([-50, -50, -2000], [50, 50, 2000], (300, 3))
    first, second = rng.normal([0, 0, 20], [0.3, 0.3, 3], (2, 300, 3))
    seen = [
        measured(tracks(momentum, start, kind=kind), perfect, rng, bad=0.0, bad_slope=np.zeros(300))
        for momentum, kind in ((first, 211), (second, 13))
    ]
    assert seen[0].start[:, 2].tolist() == [FIRST_STATION] * 300
    rows, selected = rows_of_pairs(seen[0], seen[1], perfect, rng)
    np.testing.assert_allclose(rows[:, [12, 13, 11]], start, atol=1e-3)
    # Directions are exact, momenta are smeared by 0.49 % ⊕ 0.022 % p = 0.66 % at 20 GeV.
    pulls = rows[:, 5] / np.linalg.norm(first, axis=1) - 1
    assert pulls.std() == pytest.approx(0.0066, rel=0.15)
    assert abs(pulls.mean()) < 0.002
    assert (rows[selected, -1] > LEAST_MASS).all()


def test_bad_tracks_and_the_vertex_fit_only_reach_what_they_should() -> None:
    rng = np.random.default_rng(6)
    momentum = np.tile([0.0, 0.0, 20.0], (4000, 1))
    seen = measured(tracks(momentum, np.zeros((4000, 3))), TUNING, rng, bad=0.25, bad_slope=np.full(4000, 0.1))
    slope = np.abs(seen.momentum[:, 0] / seen.momentum[:, 2])
    # Good slopes are off by 1e-4; of the bad ones, at 0.1, P(|x| < 1e-3) is 0.8 %: 24.8 % ± 0.7 % are farther.
    assert (slope > 1e-3).mean() == pytest.approx(0.248, abs=0.03)
    # Half of the bad ones lose up to half or gain up to a fifth of their momentum.
    ratio = np.linalg.norm(seen.momentum, axis=1) / 20
    assert (np.abs(ratio - 1) > 0.04).mean() == pytest.approx(0.125 * (0.46 + 0.16) / 0.7, abs=0.03)


def test_masses_are_those_of_electrons_muons_and_otherwise_pions() -> None:
    kinds = np.array([11, 13, 211, 2212, 321])
    assert assigned_mass(kinds).tolist() == [0.000511, 0.105658, 0.13957, 0.13957, 0.13957]
