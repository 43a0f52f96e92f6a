from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluate.samples import shifted
from tests.reference import evaluate as reference

from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.significance import asimov, best_threshold, efficiencies_at


@given(st.floats(1, 1e4), st.floats(1, 1e3))
def test_asimov_is_equation_97(s: float, b: float) -> None:
    assert asimov(np.array(s), np.array(b)) == pytest.approx(reference.asimov(s, b), rel=1e-8)


@given(st.floats(1e-6, 1e3))
def test_asimov_tends_to_s_over_root_b(s: float) -> None:
    # The next term is relative −s/(6b).
    assert asimov(np.array(s), np.array(1e9 * s)) == pytest.approx(s / np.sqrt(1e9 * s), rel=1e-9)


def test_asimov_is_smooth_where_its_series_takes_over() -> None:
    b = 1e7
    s = b * 1e-5 * np.array([0.999, 1.001])
    np.testing.assert_allclose(asimov(s, np.array(b)), s / np.sqrt(b) * (1 - s / b / 6), rtol=1e-6)


def test_asimov_at_its_ends() -> None:
    assert asimov(np.array([0.0, 1.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0, 1.0])).tolist() == [0, np.inf, 0, 0]


def test_the_best_threshold_is_the_best_of_all_cuts() -> None:
    sample = shifted(np.random.default_rng(1), 80, distance=2.0)
    threshold = best_threshold(sample.ranked(), signal_yield=10, background_yield=200)

    def z(cut: float) -> float:
        b, s = (reference.efficiency(*sample.lists(), of, cut) for of in (0, 1))
        return reference.asimov(10 * s, 200 * b)

    ten_left = np.sort(sample.score[sample.target == 0])[-10]
    assert z(threshold) == pytest.approx(max(z(cut) for cut in sample.score if cut <= ten_left))


def test_perfect_scores_still_have_a_threshold() -> None:
    sample = Ranked.of(np.repeat([0, 1], 4), np.arange(8.0) / 8)
    # Fewer than ten background events: all of them must stay.
    assert best_threshold(sample, signal_yield=1, background_yield=1) == 0
    assert efficiencies_at(sample, 0.5) == (0, 1)
    assert efficiencies_at(sample, 2.0) == (0, 0)
