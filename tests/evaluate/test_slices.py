"""Slices of the test part: the same figures as of those events alone, and values that are told apart as people do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluate.samples import shifted
from tests.reference import evaluate as reference

from hepsieve.errors import ConfigError
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Quantity
from hepsieve.evaluate.slices import distinct, require_few, slices

MASSES = np.array([1500.0, 500, 1000])


def three_masses(n: int = 150) -> tuple[Floats, Floats, Floats, dict[str, Floats]]:
    rng = np.random.default_rng(4)
    sample = shifted(rng, n, weighted=True)
    mass = rng.choice(MASSES, size=2 * n)
    return mass, sample.target, sample.weight, {"a": sample.score, "b": rng.uniform(size=2 * n)}


def test_each_slice_is_what_its_events_alone_give() -> None:
    mass, target, weight, scores = three_masses()
    taken = slices(mass, target, weight, scores, column="mass", unit="GeV", trained_on={"b": (500, 1500)})
    assert [one.value for one in taken.slices] == [500, 1000, 1500]
    assert (taken.column, taken.unit, taken.events_without_value) == ("mass", "GeV", 0)
    for one in taken.slices:
        rows = mass == one.value
        assert one.n_signal == int((target[rows] == 1).sum())
        assert one.n_signal + one.n_background == int(rows.sum())
        for name, score in scores.items():
            expected = reference.auc(*(x[rows].tolist() for x in (target, score, weight)))
            auc = one.auc[name]
            assert auc.value == pytest.approx(expected, abs=1e-12)
            assert auc.low is not None
            assert auc.high is not None
            assert auc.low < expected < auc.high
    assert [taken.unseen("b", one) for one in taken.slices] == [False, True, False]
    assert not any(taken.unseen("a", one) for one in taken.slices)


def test_values_are_those_of_six_digits() -> None:
    written = np.array([499.99997, 500.00003, 0.1, -2.5, 1234567, 1234568, 0, 3e-10], dtype=np.float32)
    assert distinct(written).tolist() == [-2.5, 0, 3e-10, 0.1, 500, 1234570]
    mass, target, weight, scores = three_masses()
    noisy = (mass * (1 + 1e-7 * np.sign(scores["a"] - 0.5))).astype(np.float32)
    plain = slices(mass, target, weight, scores, column="mass")
    assert slices(noisy, target, weight, scores, column="mass") == plain
    # What a model was trained on may be written in more digits than a float32 has.
    assert slices(mass, target, weight, scores, column="mass", trained_on={"a": (499.99999,)}).trained_on == {
        "a": (500.0,)
    }


@given(st.floats(-1e15, 1e15).filter(lambda value: abs(value) > 1e-15))
def test_a_value_becomes_the_number_that_its_six_digits_spell(value: float) -> None:
    assert distinct(np.array([value])).tolist() == [pytest.approx(float(f"{value:.6g}"), rel=1.1e-5)]
    spelled = float(f"{value:.6g}")
    assert distinct(np.array([spelled])).tolist() == [spelled]


def test_too_few_events_have_numbers_and_no_auc() -> None:
    target = np.repeat([0.0, 1.0, 0.0, 1.0], [10, 10, 30, 9])
    mass = np.repeat([1.0, 2.0], [20, 39])
    taken = slices(mass, target, np.ones(59), {"a": np.linspace(0, 1, 59)}, column="mass")
    assert [(one.n_signal, one.n_background) for one in taken.slices] == [(10, 10), (9, 30)]
    # Signal stands behind all background in the first slice.
    assert taken.slices[0].auc["a"].value == 1
    assert taken.slices[1].auc["a"] == Quantity(value=None, low=None, high=None)


def test_events_without_a_value_are_in_no_slice() -> None:
    mass, target, weight, scores = three_masses()
    mass[:7] = np.nan
    mass[7] = np.inf
    taken = slices(mass, target, weight, scores, column="mass")
    assert taken.events_without_value == 8
    assert sum(one.n_signal + one.n_background for one in taken.slices) == len(mass) - 8


def test_a_column_without_any_value_has_no_slices() -> None:
    _, target, weight, scores = three_masses()
    taken = slices(np.full(len(target), np.nan), target, weight, scores, column="mass")
    assert (taken.slices, taken.tests, taken.events_without_value) == ((), 0, len(target))


def test_at_most_fifty_values_make_slices() -> None:
    assert len(require_few(np.arange(50), "run")) == 50
    with pytest.raises(ConfigError, match=r"evaluate.slice_by: pt has 51 distinct values, and at most 50 make slices"):
        require_few(np.arange(51), "pt")


def test_other_values_than_those_asked_for_are_counted() -> None:
    mass, target, weight, scores = three_masses()
    taken = slices(mass, target, weight, scores, at=np.array([500.0]), column="mass")
    assert [one.value for one in taken.slices] == [500]
    assert taken.events_without_value == int((mass != 500).sum())
