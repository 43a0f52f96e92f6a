"""Geant4's showers: energy is conserved, crystals and times are the right ones, equal seeds give equal showers."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from hepsieve.errors import HepsieveError, MissingExtra
from hepsieve.events import FloatArray
from hepsieve.simulate.egamma_geant4 import BATCH_IMAGES, deposit, load_calzone
from hepsieve.simulate.egamma_particles import ELECTRON, PHOTON, FaceParticles
from hepsieve.simulate.egamma_tables import DATA_DIR
from hepsieve.simulate.egamma_upstream import C
from hepsieve.simulate.particles import Floats, Ints

pytestmark = pytest.mark.usefixtures("geant4")


def particles(
    event: Ints, energy: float, *, kind: int = PHOTON, row: float = 0.0, column: float = 0.0, delay: float = 0.0
) -> FaceParticles:
    n = len(event)
    zero = np.zeros(n)
    return FaceParticles(
        event=event,
        kind=np.full(n, kind),
        energy=np.full(n, energy),
        row=zero + row,
        column=zero + column,
        row_slope=zero,
        column_slope=zero,
        delay=zero + delay,
    )


def total(images: FloatArray) -> Floats:
    return np.asarray(images.sum(axis=(1, 2), dtype=np.float64))


def test_energy_is_conserved_but_for_what_leaks_out() -> None:
    found = deposit(particles(np.arange(6), 5.0, kind=ELECTRON), 6, np.random.default_rng(1))
    energy = total(found.energy)
    # 23 cm are 26 radiation lengths: a percent escapes, most of it backwards or to the sides.
    assert (energy < 5.001).all()
    assert energy.mean() > 0.98 * 5
    # Of a shower that enters in the middle of a crystal, test beams see about four fifths there.
    assert (found.energy[:, 16, 16] / energy).mean() == pytest.approx(0.79, abs=0.08)


def test_a_particle_showers_in_the_crystal_that_it_enters() -> None:
    found = deposit(particles(np.arange(1), 2.0, row=-2.2, column=4.4), 1, np.random.default_rng(2))
    assert np.unravel_index(found.energy[0].argmax(), (32, 32)) == (15, 18)


def test_light_comes_from_the_depth_of_the_shower() -> None:
    rngs = [np.random.default_rng(3) for _ in range(2)]
    soon, late = (deposit(particles(np.arange(3), 5.0, delay=d), 3, g) for d, g in zip((0.0, 2.0), rngs, strict=True))
    hit = soon.energy > 0
    np.testing.assert_array_equal(soon.energy, late.energy)
    np.testing.assert_allclose(late.time[hit] - soon.time[hit], 2, atol=1e-5)
    assert (soon.time[~hit] == 0).all()
    seed = soon.time[:, 16, 16]
    # z/c + 2.2 (23 cm − z)/c at depths z between 4 and 14 cm.
    assert ((seed < (4 + 2.2 * 19) / C) & (seed > (14 + 2.2 * 9) / C)).all()


def test_equal_generators_give_equal_showers_whatever_came_before() -> None:
    many = particles(np.arange(BATCH_IMAGES + 2), 0.5)
    one = deposit(many, len(many), np.random.default_rng(4))
    deposit(particles(np.arange(2), 1.0, kind=ELECTRON), 2, np.random.default_rng(5))
    other = deposit(many, len(many), np.random.default_rng(4))
    assert one.energy.tobytes() == other.energy.tobytes()
    assert one.time.tobytes() == other.time.tobytes()
    assert len(np.unique(one.energy[:, 16, 16])) == len(many)


def test_particles_go_to_their_own_images_and_some_have_none() -> None:
    found = deposit(particles(np.array([1, 1, 11]), 0.4), 13, np.random.default_rng(6))
    energy = total(found.energy)
    assert np.flatnonzero(energy).tolist() == [1, 11]
    assert energy[1] == pytest.approx(0.8, rel=0.1)
    assert energy[11] == pytest.approx(0.4, rel=0.1)
    assert DATA_DIR not in os.environ


def test_another_geant4_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_calzone(), "GEANT4_VERSION", "11.5.0")
    with pytest.raises(
        HepsieveError, match=r"brings Geant4 11\.5\.0, but the tables are for 11\.4; install calzone 1\.2$"
    ):
        load_calzone()


def test_without_calzone_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calzone", None)
    with pytest.raises(MissingExtra, match=r"^calzone is not installed; pip install 'hepsieve\[simulate\]' brings it$"):
        load_calzone()
