"""The 27 columns of HEPMASS: slow definitions, and the published edges of the columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import hepmass as reference

from hepsieve.data.catalog import CATALOG
from hepsieve.simulate.hepmass_features import (
    MEANINGS,
    NAMES,
    UNITS,
    derived_masses,
    features,
    physical,
    standardise,
)
from hepsieve.simulate.higgs_features import Objects
from hepsieve.simulate.particles import Floats


def toy(seed: int, *, events: int = 20, jets: int = 7) -> Objects:
    """Random leptons and jets in the order of pt; the number of jets that are there varies from 4 up."""
    rng = np.random.default_rng(seed)

    def directions(*shape: int) -> Floats:
        pt, eta = 15 + rng.exponential(40, shape), rng.uniform(-2.5, 2.5, shape)
        return np.stack([pt, eta, rng.uniform(-np.pi, np.pi, shape)], axis=-1)

    valid = np.arange(jets) < rng.integers(4, jets + 1, events)[:, None]
    tags = np.zeros((events, jets), int)
    for row in range(events):
        tags[row, rng.choice(np.flatnonzero(valid[row]), 2, replace=False)] = 1
    found = directions(events, jets)
    found[..., 0] = -np.sort(-found[..., 0], axis=1)
    return Objects(lepton=directions(events), missing=directions(events)[:, [0, 2]], jets=found, tags=tags, valid=valid)


@given(st.integers(0, 2**20))
@settings(max_examples=20, deadline=None)
def test_masses_are_the_slow_ones(seed: int) -> None:
    objects = toy(seed)
    found = derived_masses(objects)
    for row in range(len(found)):
        there = objects.valid[row]
        jets = [tuple(jet) for jet in objects.jets[row, there].tolist()]
        met = tuple(objects.missing[row].tolist())
        expected = reference.masses(tuple(objects.lepton[row]), met, jets, objects.tags[row, there].tolist())
        np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-6)


@given(st.integers(0, 2**20), st.floats(-7, 7), st.sampled_from([1.0, -1.0]))
@settings(max_examples=20, deadline=None)
def test_a_rotation_or_a_mirror_leaves_the_masses(seed: int, turn: float, mirror: float) -> None:
    objects = toy(seed)
    moved = Objects(
        lepton=objects.lepton * [1, mirror, 1] + [0, 0, turn],
        missing=objects.missing + np.array([0, turn]),
        jets=objects.jets * [1, mirror, 1] + [0, 0, turn],
        tags=objects.tags,
        valid=objects.valid,
    )
    np.testing.assert_allclose(derived_masses(moved), derived_masses(objects), rtol=1e-6)


def test_columns_are_in_the_order_of_the_public_files() -> None:
    entry = CATALOG["hepmass"]
    assert tuple(column.name for column in entry.features) == NAMES
    assert tuple(column.unit for column in entry.features) == UNITS
    assert tuple(MEANINGS) == NAMES
    objects = toy(3)
    values = features(objects)
    assert values.shape == (20, 27)
    np.testing.assert_array_equal(values[:, :3], objects.lepton)
    np.testing.assert_array_equal(values[:, 3:5], objects.missing)
    np.testing.assert_array_equal(values[:, 5], objects.valid.sum(axis=1))
    np.testing.assert_array_equal(values[:, 14:17], objects.jets[:, 2])
    np.testing.assert_array_equal(values[:, 21], objects.tags[:, 3])
    np.testing.assert_allclose(physical(standardise(values)), values, rtol=1e-9, atol=1e-9)


def column(number: int, value: float) -> float:
    """What the column of this number is where the quantity has this value."""
    values = np.ones((1, 27))
    values[0, number] = value
    return float(standardise(values)[0, number])


@pytest.mark.parametrize(
    ("number", "value", "published"),
    [
        # Extremes and quartiles over the 7,000,000 public rows; f5 has its 4, 5, 6 and 13 jets there.
        (1, -2.5, -2.365355),
        (1, 2.5, 2.365287),
        (2, -np.pi, -1.732165),
        (4, np.pi, 1.731978),
        (5, 4, -1.054221),
        (5, 5, -0.005984),
        (5, 6, 0.850488),
        (5, 13, 4.482618),
        (7, 3, 2.758590),
        (11, -3, -2.602091),
        (15, 3, 2.438369),
        (19, -3, -2.281867),
        (20, np.pi, 1.732740),
        (9, 0, -1.325801),
        (9, 1, 0.754261),
        (13, 0, -1.161915),
        (17, 1, 1.226331),
        (21, 0, -0.573682),
        (21, 1, 1.743123),
    ],
)
def test_edges_are_where_they_were_published(number: int, value: float, published: float) -> None:
    assert column(number, value) == pytest.approx(published, abs=1e-4)


@pytest.mark.parametrize(
    ("number", "value", "published", "off"),
    [
        (0, 15.0, -1.960549, 0.1),  # the least lepton pt against the published minimum
        (18, 20.0, -1.728284, 0.1),  # the least pt of a fourth jet
        (24, 80.4, -0.326523, 0.05),  # the W's mass against the median
    ],
)
def test_thresholds_agree_with_the_fitted_constants(number: int, value: float, published: float, off: float) -> None:
    assert column(number, value) == pytest.approx(published, abs=off)


def test_a_tag_code_tells_the_share_of_tagged_jets() -> None:
    # A standardised column of 0 and 1 with share p is −√(p/(1−p)) and √((1−p)/p).
    for number, share in ((9, 0.6374), (13, 0.5745), (17, 0.3994), (21, 0.2476)):
        odds = np.sqrt(share / (1 - share))
        assert column(number, 0) == pytest.approx(-odds, abs=1e-3)
        assert column(number, 1) == pytest.approx(1 / odds, abs=1e-3)


def test_nothing_missing_has_a_finite_logarithm() -> None:
    assert np.isfinite(column(3, 0.0))
