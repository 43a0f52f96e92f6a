from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Scored
from hepsieve.evaluate.working_points import threshold_for_background, threshold_for_signal, working_points

LEVELS = st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.7, 0.99])


@settings(max_examples=80, deadline=None)
@given(samples(negative=True), LEVELS)
def test_thresholds_agree_with_the_definition(sample: Sample, level: float) -> None:
    ranked, lists = sample.ranked(), sample.lists()
    cut = threshold_for_signal(ranked, level)
    assert reference.efficiency(*lists, 0, cut) == pytest.approx(reference.background_at(*lists, level), abs=1e-12)
    cut = threshold_for_background(ranked, level)
    assert reference.efficiency(*lists, 1, cut) == pytest.approx(reference.signal_at(*lists, level), abs=1e-12)


def test_points_by_hand() -> None:
    validation = Scored(
        target=np.array([0, 0, 0, 0, 1, 1, 1, 1.0]),
        score=np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.7, 0.9]),
        weight=np.ones(8),
    )
    test = Scored(
        target=np.array([0, 0, 1, 1.0]), score=np.array([0.3, 0.65, 0.6, 0.8]), weight=np.array([1.0, 3.0, 1.0, 1.0])
    )
    kept, allowed, none = working_points(
        validation=validation, test=test, signal_efficiencies=[0.75], background_efficiencies=[0.25, 0.1]
    )
    # Three of four validation signal events have at least 0.6; of the test background that is 3 of weight 4.
    assert (kept.name, kept.threshold) == ("signal_efficiency@0.75", 0.6)
    assert (kept.signal_efficiency.value, kept.background_efficiency.value) == (1, 0.75)
    assert kept.background_rejection.value == pytest.approx(4 / 3)
    # One of four validation background events passes down to above 0.3; the lowest score there is 0.4.
    assert (allowed.name, allowed.threshold) == ("background_efficiency@0.25", 0.4)
    # None passes above 0.7; the lowest score there is 0.9, which nothing in the test part has.
    assert (none.name, none.threshold) == ("background_efficiency@0.10", 0.9)
    assert (none.signal_efficiency.value, none.background_efficiency.value) == (0, 0)
    assert none.background_rejection.value is None
    # Weights 1 and 3 count as (1 + 3)² / (1 + 9) = 1.6 events: ε_b < 1 − 0.025^(1/1.6).
    assert none.background_rejection.low == pytest.approx(1 / (1 - 0.025 ** (1 / 1.6)))


def test_the_significance_point_needs_yields() -> None:
    parts = [shifted(np.random.default_rng(seed), 500).scored() for seed in (1, 2)]
    points = working_points(validation=parts[0], test=parts[1], signal_yield=10, background_yield=100)
    assert [point.name for point in points] == ["best_significance"]
    assert working_points(validation=parts[0], test=parts[1], signal_yield=10) == ()


def test_shared_top_scores_leave_a_cut_above_them() -> None:
    constant = Ranked.of(np.array([0, 1]), np.array([0.5, 0.5]))
    assert threshold_for_background(constant, 0.1) == np.nextafter(0.5, 1)
    assert threshold_for_background(constant, 1.0) == 0.5
    assert threshold_for_signal(constant, 0.1) == 0.5


def test_a_class_without_weight_has_no_threshold() -> None:
    weightless = Ranked.of(np.array([0, 1]), np.array([0.2, 0.5]), np.zeros(2))
    with pytest.raises(DataError, match="its signal has total weight 0"):
        threshold_for_signal(weightless, 0.5)
    with pytest.raises(DataError, match="its background has total weight 0"):
        threshold_for_background(weightless, 0.5)
