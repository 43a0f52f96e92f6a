from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference import evaluate as reference

from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.significance import ams, asimov, efficiencies_at, in_quadrature


@given(st.floats(1, 1e4), st.floats(1, 1e3))
def test_asimov_is_equation_97(s: float, b: float) -> None:
    assert asimov(np.array(s), np.array(b)) == pytest.approx(reference.asimov(s, b), rel=1e-8)


@given(st.floats(1, 1e3), st.floats(1, 1e3), st.floats(0.5, 100))
def test_an_uncertain_background_is_one_that_was_measured_beside(s: float, b: float, sigma: float) -> None:
    # Differences of log likelihoods of up to 1e4 lose digits.
    expected = reference.asimov_measured_background(s, b, sigma)
    assert asimov(s, b, sigma) == pytest.approx(expected, rel=1e-6, abs=1e-4)


@given(st.floats(1e-6, 1e3))
def test_asimov_tends_to_s_over_root_b(s: float) -> None:
    # The next term is relative −s/(6b).
    assert asimov(np.array(s), np.array(1e9 * s)) == pytest.approx(s / np.sqrt(1e9 * s), rel=1e-9)


@given(st.floats(1e-6, 1e3), st.floats(0, 1e4))
def test_with_an_uncertainty_it_tends_to_s_over_the_root_of_both_variances(s: float, times: float) -> None:
    b = 1e9 * s
    sigma = times * np.sqrt(b)
    assert asimov(s, b, sigma) == pytest.approx(s / np.sqrt(b + sigma**2), rel=1e-8)


@given(st.floats(1e-4, 1e4), st.floats(1e-4, 1e4))
def test_a_vanishing_uncertainty_changes_nothing(s: float, b: float) -> None:
    known = asimov(s, b)
    assert asimov(s, b, 1e-9 * b) == pytest.approx(float(known), rel=1e-9)
    assert asimov(s, b, 0.3 * b) < known


@pytest.mark.parametrize("sigma", [0.0, 3.0, 3e4])
def test_asimov_is_smooth_where_its_forms_meet(sigma: float) -> None:
    # At s = b the formula changes hands, and so does the series, where a logarithm is of 1.01.
    for b in (1e4, 1e-2):
        s = b * np.array([1 - 1e-9, 1 + 1e-9, 0.01 - 1e-9, 0.01 + 1e-9])
        below, above, low, high = asimov(s, b, sigma * b)
        assert above == pytest.approx(below, rel=1e-8)
        assert high == pytest.approx(low, rel=3e-7)


def test_asimov_at_its_ends() -> None:
    assert asimov(np.array([0.0, 1.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0, 1.0])).tolist() == [0, np.inf, 0, 0]
    # An uncertainty that stays while the background vanishes: τ = b/σ² → 0, the side measurement says nothing.
    assert asimov(1.0, 0.0, 1.0) == 0
    assert asimov(1.0, 1e-9, 1.0) < 1e-3
    assert np.isnan(asimov(np.nan, 1.0))
    assert np.isfinite(asimov(1e3, 1e-150))


def test_ams_is_asimov_with_ten_events_more() -> None:
    # √(2 ((20 + 5 + 10) ln(1 + 20/15) − 20)) = √(2 (35 · 0.847298 − 20)) = √19.3109 = 4.3944
    assert ams(20.0, 5.0) == pytest.approx(4.3944, abs=1e-4)
    assert ams(20.0, 5.0, 0.0) == asimov(20.0, 5.0)
    assert np.isfinite(ams(20.0, 0.0))


def test_bins_add_in_quadrature() -> None:
    assert in_quadrature(np.array([[3.0, 4.0], [0.0, 2.0]])).tolist() == [5, 2]
    # Splitting a bin in its own proportions changes nothing: q is proportional to both counts.
    parts = np.array([0.2, 0.3, 0.5])
    assert in_quadrature(asimov(30 * parts, 400 * parts)) == pytest.approx(float(asimov(30.0, 400.0)), rel=1e-12)


def test_efficiencies_at_a_threshold() -> None:
    sample = Ranked.of(np.repeat([0, 1], 4), np.arange(8.0) / 8)
    assert efficiencies_at(sample, 0.5) == (0, 1)
    assert efficiencies_at(sample, 2.0) == (0, 0)
