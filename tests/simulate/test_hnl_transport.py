"""Matter around the vessel and what it does to particles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hepsieve.simulate.hnl_background import opposite_pairs
from hepsieve.simulate.hnl_detector import VESSEL_START, Tracks, half_height, half_width
from hepsieve.simulate.hnl_dis import Products
from hepsieve.simulate.hnl_matter import IRON_DENSITY, WINDOW_Z, density, depth_in_wall, iron_ahead
from hepsieve.simulate.hnl_transport import ENERGY_LOSS, INTERACTION_LENGTH, RADIATION_LENGTH, through_iron, tracks_of
from hepsieve.simulate.hnl_tuning import TUNING
from hepsieve.simulate.particles import Floats

UPSTREAM = VESSEL_START - 26.0  # 20 cm before the last upstream plane


def products(code: list[int], mother: list[int], momentum: Floats, *, final: list[bool] | None = None) -> Products:
    n = len(code)
    stable = np.array(final if final is not None else [True] * n)
    return Products(
        event=np.zeros(n, np.int64),
        code=np.array(code),
        final=stable,
        mother=np.array(mother),
        momentum=momentum,
        energy=np.linalg.norm(momentum, axis=1),
        start=np.tile([0.0, 0.0, UPSTREAM], (n, 1)),
        end=np.where(stable, np.inf, UPSTREAM),
    )


def test_there_is_no_matter_in_the_vessel_and_some_around_it() -> None:
    z = np.array([-2400.0, 0.0, 2500.0])
    inside = np.column_stack([half_width(z) - 1, half_height(z) - 1, z])
    wall = np.column_stack([half_width(z) + 1, np.zeros(3), z])
    assert density(inside, TUNING).tolist() == [0.0] * 3
    assert density(wall, TUNING).tolist() == [TUNING.wall_density] * 3
    assert density(np.array([[0.0, 0.0, WINDOW_Z - 1]]), TUNING).tolist() == [TUNING.upstream_density]
    np.testing.assert_allclose(depth_in_wall(wall), 1.0)
    np.testing.assert_allclose(depth_in_wall(inside), 0.0)


def test_iron_ahead_of_a_track() -> None:
    start = np.array([[0.0, 0.0, UPSTREAM]] * 3)
    momentum = np.array([[0.0, 0.0, 5.0], [3.0, 0.0, 4.0], [0.0, 0.0, -5.0]])
    iron = iron_ahead(start, momentum, np.full(3, 2000.0), TUNING)
    straight = 20 * TUNING.upstream_density / IRON_DENSITY + TUNING.window
    # At cos θ = 4/5 the way is 5/4 as long; backward tracks are given up and see nothing.
    np.testing.assert_allclose(iron, [straight, straight * 5 / 4, 0.0], rtol=1e-12)
    # A track that ends 5 cm on has only these before it, and no window.
    stopped = iron_ahead(start[:1], momentum[:1], np.array([UPSTREAM + 5]), TUNING)
    np.testing.assert_allclose(stopped, 5 * TUNING.upstream_density / IRON_DENSITY)
    # 3 cm deep in a side wall at a sine of 3/5: 5 cm of wall.
    side = np.array([[half_width(np.zeros(1))[0] + 3, 0.0, 0.0]])
    np.testing.assert_allclose(
        iron_ahead(side, momentum[1:2], np.array([2000.0]), TUNING), 5 * TUNING.wall_density / IRON_DENSITY
    )


def test_muons_lose_energy_and_scatter_as_in_a_slab() -> None:
    n = 20_000
    momentum = np.tile([0.0, 0.0, 10.0], (n, 1))
    start = np.tile([0.0, 0.0, UPSTREAM], (n, 1))
    muons = Tracks(event=np.arange(n), kind=np.full(n, 13), charge=np.ones(n, np.int64), momentum=momentum, start=start)
    out = through_iron(muons, np.full(n, 15.0), TUNING, np.random.default_rng(8))
    after = 10 - 15 * ENERGY_LOSS
    np.testing.assert_allclose(np.linalg.norm(out.momentum, axis=1), after, rtol=1e-12)
    np.testing.assert_allclose(out.start[:, 2], WINDOW_Z)
    slope, shift = out.momentum[:, 0] / out.momentum[:, 2], out.start[:, 0]
    angle = 0.0136 / np.sqrt(10 * after) * np.sqrt(15 / RADIATION_LENGTH)
    # Spread of 20,000 normal numbers: ±0.5 %. A slab of 20 cm shifts by θ₀ · 20 / √3, correlated by √3 / 2.
    assert slope.std() == pytest.approx(angle, rel=0.02)
    assert shift.std() == pytest.approx(angle * 20 / np.sqrt(3), rel=0.02)
    assert np.corrcoef(slope, shift)[0, 1] == pytest.approx(np.sqrt(3) / 2, abs=0.01)
    assert len(through_iron(muons, np.full(n, 10 / ENERGY_LOSS), TUNING, np.random.default_rng(8))) == 0


def test_hadrons_are_absorbed_exponentially_and_muons_are_not() -> None:
    n = 5000
    alone = replace(TUNING, secondaries=0)
    momentum = np.tile([0.0, 0.0, 30.0], (2 * n, 1))
    beam = products([211] * n + [13] * n, list(range(2 * n)), momentum)
    out = tracks_of(beam, alone, np.random.default_rng(9))
    iron = 20 * TUNING.upstream_density / IRON_DENSITY + TUNING.window
    # Five standard errors of 5,000 are 0.035.
    assert (out.kind == 211).sum() / n == pytest.approx(np.exp(-iron / INTERACTION_LENGTH), abs=0.035)
    assert (out.kind == 13).sum() == n
    assert (out.charge[out.kind == 13] == -1).all()  # PDG number 13 is the negative muon


def test_an_absorbed_parent_takes_its_decay_with_it() -> None:
    # A K_L behind 1,000 cm of iron, hence gone, and its pions: neither they nor what they decay to exist.
    thick = replace(TUNING, upstream_density=1000 * IRON_DENSITY, secondaries=0)
    momentum = np.tile([0.0, 0.0, 20.0], (3, 1))
    chain = products([130, 211, -13], [0, 0, 1], momentum, final=[False, False, True])
    far = np.array([UPSTREAM + 1000.0, 1500.0, np.inf])
    start = np.array([[0.0, 0.0, UPSTREAM], [0.0, 0.0, 1000.0], [0.0, 0.0, 1500.0]])
    gone = Products(**{**vars(chain), "end": far, "start": start})
    assert len(tracks_of(gone, thick, np.random.default_rng(1))) == 0
    free = replace(thick, upstream_density=0.0, window=0.0)
    out = tracks_of(gone, free, np.random.default_rng(1))
    assert out.kind.tolist() == [13]
    assert out.charge.tolist() == [1]


def test_photons_convert_to_pairs_that_share_their_energy() -> None:
    n = 4000
    beam = products([22] * n, list(range(n)), np.tile([0.0, 0.0, 50.0], (n, 1)))
    thin = replace(TUNING, upstream_density=0.0, window=0.5)
    out = tracks_of(beam, thin, np.random.default_rng(3))
    assert set(out.kind) == {11}
    # 1 − exp(−7/9 · 0.5 / 1.757) = 0.199 convert; a daughter below 0.3 GeV, of 1.2 %, is not found.
    assert len(out) / (2 * n) == pytest.approx(0.199 * 0.99, abs=0.03)
    assert out.charge.sum() == pytest.approx(0, abs=60)


def test_absorbed_hadrons_leave_softer_pions() -> None:
    n = 2000
    momentum = np.tile([0.0, 0.0, 40.0], (n + 1, 1))
    # Row 0 is the interaction itself, as in Pythia's records, and the mother of all others.
    beam = products([90] + [2112] * n, [0] * (n + 1), momentum, final=[False] + [True] * n)
    out = tracks_of(beam, TUNING, np.random.default_rng(4))
    assert set(out.kind) <= {211, 11}
    assert (out.kind == 211).sum() > 200
    assert np.linalg.norm(out.momentum, axis=1).max() < 41.0
    assert not len(tracks_of(beam, replace(TUNING, secondaries=0), np.random.default_rng(4)))


def test_all_pairs_of_opposite_charge_within_an_event() -> None:
    event = np.array([0, 0, 0, 1, 2, 2])
    charge = np.array([1, -1, 1, -1, 1, 1])
    first, second = opposite_pairs(event, charge, 3)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (1, 2)]
    empty = opposite_pairs(np.array([], np.int64), np.array([], np.int64), 3)
    assert [len(rows) for rows in empty] == [0, 0]
