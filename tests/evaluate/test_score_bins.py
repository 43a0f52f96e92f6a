from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.score_bins import BinRule, expected_between, score_bins


@settings(max_examples=60, deadline=None)
@given(samples(negative=True), st.integers(1, 8), st.floats(0, 30), st.floats(1, 5))
def test_bins_are_those_of_the_slow_definition(
    sample: Sample, most: int, least_background: float, effective: float
) -> None:
    rule = BinRule(most=most, least_background=least_background, least_effective=effective)
    lows = score_bins(sample.ranked(), rule, background_yield=100)
    expected = reference.score_bins(
        *sample.lists(), most=most, least_background=least_background, effective=effective, background_yield=100
    )
    assert lows.tolist() == expected


def test_every_bin_has_its_least_statistics_and_there_are_no_more_than_asked_for() -> None:
    sample = shifted(np.random.default_rng(1), 3000, distance=2.0, weighted=True)
    rule = BinRule(most=12, least_background=5.0, least_effective=25.0)
    lows = score_bins(sample.ranked(), rule, background_yield=200)
    assert 5 < len(lows) <= 12
    assert (np.diff(lows) < 0).all()
    ranked = sample.ranked()
    for side, yielded in ((ranked.background, 200.0), (ranked.signal, 30.0)):
        bins = expected_between(side, yielded, lows)
        assert sum(one.events for one in bins) == pytest.approx(yielded)
        assert min(one.effective_events for one in bins) >= 25
    assert min(one.events for one in expected_between(ranked.background, 200.0, lows)) >= 5


def test_a_monotone_transform_of_the_score_moves_the_ends_along() -> None:
    sample = shifted(np.random.default_rng(2), 500)
    bent = Sample(sample.target, sample.score**3, sample.weight)
    one, other = (score_bins(s.ranked(), BinRule(), background_yield=100) for s in (sample, bent))
    assert len(one) > 2
    np.testing.assert_array_equal(other, one**3)


def test_counts_in_a_bin_by_hand() -> None:
    # Background weights 1, 3 below 0.5 and 2 at 0.5: 6 in all, scaled to 60.
    sample = Ranked.of(np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.5, 0.9]), np.array([1.0, 3.0, 2.0, 1.0]))
    high, low = expected_between(sample.background, 60.0, np.array([0.5, -np.inf]))
    assert (high.events, high.error, high.effective_events) == (20, 20, 1)
    # √(1² + 3²) · 10 and (1 + 3)² / (1 + 9)
    assert low.events == 40
    assert low.error == pytest.approx(10 * np.sqrt(10))
    assert low.effective_events == pytest.approx(1.6)


def test_too_few_events_make_one_bin() -> None:
    lows = score_bins(shifted(np.random.default_rng(3), 5).ranked(), BinRule(), background_yield=100)
    assert lows.tolist() == [-np.inf]


def test_a_class_without_weight_has_no_expected_events() -> None:
    side = Ranked.of(np.array([0, 0, 1]), np.array([0.1, 0.9, 0.5]), np.array([1.0, -1.0, 1.0])).background
    with pytest.raises(DataError, match="no expected events: 2 events of one class have total weight 0"):
        expected_between(side, 100, np.array([-np.inf]))


def test_a_class_without_weight_has_no_bins() -> None:
    sample = Ranked.of(np.array([0, 1]), np.array([0.1, 0.9]), np.array([1.0, 0.0]))
    with pytest.raises(DataError, match="no bins of the score: the signal events have total weight 0"):
        score_bins(sample, BinRule(), background_yield=1)
