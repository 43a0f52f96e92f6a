"""Masses and angles from momenta: against four-vectors of single events, and where those would lose digits."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from tests.reference import kinematics as reference
from tests.toy_collisions import JETS, collision_objects, physical, raw, seen

from hepsieve.kinematics import MOST_ETA, W_MASS, Kinematics, Momentum, neutrino_eta
from hepsieve.objects import ObjectConfig

VISIBLE = ("lepton", *JETS)


@pytest.mark.parametrize(("mass", "log"), [(0.0, False), (4.8, False), (0.0, True)])
def test_quantities_are_those_of_four_vectors(mass: float, log: bool) -> None:
    objects, columns = collision_objects(mass=mass, log=log), physical(40, seed=3)
    stored = raw(columns, objects)
    found = Kinematics(momenta={name: one.momentum(stored) for name, one in objects.items()})
    for row in range(40):
        event = seen(columns, row, mass=mass)
        for number in (2, 3, 4, 5):
            for some in combinations(VISIBLE, number):
                expected = reference.invariant_mass([event[name] for name in some])
                assert found.mass(some)[row] == pytest.approx(expected, rel=1e-9)
        for pair in combinations(VISIBLE, 2):
            one, other = (event[name] for name in pair)
            assert found.delta_r(pair)[row] == pytest.approx(reference.delta_r(one, other), rel=1e-9)
            assert found.delta_eta(pair)[row] == pytest.approx(abs(one[1] - other[1]), rel=1e-9)
        for pair in combinations(objects, 2):
            one, other = (event[name] for name in pair)
            assert found.delta_phi(pair)[row] == pytest.approx(abs(reference.delta_phi(one[2], other[2])), rel=1e-9)
            assert found.transverse_mass(pair)[row] == pytest.approx(reference.transverse_mass(one, other), rel=1e-7)
            assert found.transverse_momentum(pair)[row] == pytest.approx(reference.vector_sum((one, other)), rel=1e-9)
        assert found.scalar_sum(VISIBLE)[row] == pytest.approx(sum(event[name][0] for name in VISIBLE), rel=1e-9)


def test_a_w_boson_gives_the_missing_momentum_its_direction() -> None:
    objects, columns = collision_objects(), physical(200, seed=4)
    stored = raw(columns, objects)
    momenta = {name: one.momentum(stored) for name, one in objects.items()}
    eta = neutrino_eta(momenta["lepton"], momenta["missing"])
    masses = Kinematics(momenta=momenta)
    alone, with_jet = masses.w_mass(("lepton", "missing")), masses.w_mass(("lepton", "missing", "jet1"))
    solved = 0
    for row in range(200):
        event = seen(columns, row)
        expected = reference.neutrino_eta(event["lepton"], event["missing"])
        assert eta[row] == pytest.approx(expected, abs=1e-7)
        neutrino = (event["missing"][0], expected, *event["missing"][2:])
        whole = reference.invariant_mass([event["lepton"], neutrino, event["jet1"]])
        assert with_jet[row] == pytest.approx(whole, rel=1e-7)
        if expected != event["lepton"][1]:
            solved += 1
            assert alone[row] == pytest.approx(W_MASS, rel=1e-9)
        else:
            transverse = reference.transverse_mass(event["lepton"], event["missing"])
            assert transverse > W_MASS
            assert alone[row] == pytest.approx(transverse, rel=1e-9)
    assert 50 < solved < 200


def test_a_mass_of_neighbours_keeps_its_digits_in_single_precision() -> None:
    # Two momenta of 100 GeV at Δη = 0.001: m = 2 · 100 · sinh 0.0005 = 0.1 GeV. Energies of 100 GeV in single
    # precision are known to 8 MeV, of which E² − p² would leave nothing.
    pt, zero = np.full(1, 100, np.float32), np.zeros(1, np.float32)
    pair = Kinematics(
        momenta={
            "a": Momentum(pt=pt, eta=zero, phi=zero),
            "b": Momentum(pt=pt, eta=np.full(1, 0.001, np.float32), phi=zero),
        }
    )
    mass = pair.mass(("a", "b"))
    assert mass.dtype == np.float32
    assert mass[0] == pytest.approx(0.1, rel=1e-5)


def test_no_column_is_too_large() -> None:
    one = ObjectConfig(pt="pt", eta="eta", phi="phi")
    wild = {"pt": np.array([-3.0, 1e30, 1e30]), "eta": np.array([1e4, -1e30, 0.0]), "phi": np.array([1e9, 0.0, 1.0])}
    tame = {name: np.array([50.0, 50.0, 0.0]) for name in wild}
    for log in (False, True):
        config = one.model_copy(update={"log": log})
        found = Kinematics(momenta={"a": config.momentum(wild), "b": one.momentum(tame)})
        for values in (found.mass("ab"), found.delta_r("ab"), found.transverse_mass("ab"), found.scalar_sum("ab")):
            assert np.isfinite(values).all()
        assert np.abs(found.momenta["a"].eta).max() <= MOST_ETA
    # A negative momentum counts as none.
    assert one.momentum(wild).pt[0] == 0
