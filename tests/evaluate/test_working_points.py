from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import binom, norm
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.cut import Cut
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Scored, WorkingPoint
from hepsieve.evaluate.working_points import (
    threshold_above_background,
    threshold_for_background,
    threshold_for_signal,
    threshold_of,
    working_points,
)

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


def test_the_significance_point_stands_at_the_given_cut() -> None:
    parts = [shifted(np.random.default_rng(seed), 500).scored() for seed in (1, 2)]
    points = working_points(validation=parts[0], test=parts[1], significance_cut=0.7)
    assert [(point.name, point.threshold) for point in points] == [("best_significance", 0.7)]
    assert working_points(validation=parts[0], test=parts[1]) == ()


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


@settings(max_examples=80, deadline=None)
@given(samples(negative=True))
def test_no_background_is_the_lowest_score_above_every_background_event(sample: Sample) -> None:
    target, score, _ = sample.lists()
    highest = max(s for y, s in zip(target, score, strict=True) if y == 0)
    above = [s for y, s in zip(target, score, strict=True) if y == 1 and s > highest]
    cut = threshold_above_background(sample.ranked())
    assert cut == (min(above) if above else np.nextafter(highest, np.inf))
    assert reference.efficiency(*sample.lists(), 0, cut) == 0


def test_a_threshold_above_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="there is none"):
        threshold_above_background(Ranked.of(np.ones(2), np.array([0.2, 0.5])))


CUTS = {
    "fixed": Cut(threshold=0.65),
    "keep": Cut(signal_efficiency=0.75),
    "allow": Cut(background_efficiency=0.25),
    "clean": Cut(no_background=True),
}


def by_name(validation: Scored, test: Scored) -> dict[str, WorkingPoint]:
    points = working_points(
        validation=validation, test=test, cuts=CUTS, set_on="out-of-fold", signal_efficiencies=[0.5]
    )
    assert [point.name for point in points] == [*CUTS, "signal_efficiency@0.50"]
    return {point.name: point for point in points}


def test_named_cuts_by_hand() -> None:
    validation = Scored(
        target=np.array([0, 0, 0, 0, 1, 1, 1, 1.0]),
        score=np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.7, 0.9]),
        weight=np.ones(8),
    )
    test = Scored(target=np.array([0, 0, 1, 1.0]), score=np.array([0.3, 0.7, 0.6, 0.8]), weight=np.ones(4))
    points = by_name(validation, test)
    # Keep 3 of 4 signal events; let 1 of 4 background events pass; above 0.7, which signal shares, comes 0.9.
    assert {name: points[name].threshold for name in CUTS} == {"fixed": 0.65, "keep": 0.6, "allow": 0.4, "clean": 0.9}
    assert {name: points[name].set_on for name in CUTS} == {
        "fixed": "config", "keep": "out-of-fold", "allow": "out-of-fold", "clean": "out-of-fold",
    }  # fmt: skip
    assert [points[name].wanted for name in CUTS] == [
        "score ≥ 0.65", "75 % signal efficiency", "25 % background efficiency", "no background left",
    ]  # fmt: skip
    assert points["signal_efficiency@0.50"].wanted == "50 % signal efficiency"
    assert (points["fixed"].signal_efficiency.value, points["fixed"].background_efficiency.value) == (0.5, 0.5)
    # Nothing of two test events passes 0.9: an upper limit of 1 − 0.025^(1/2), and no rejection but its lower limit.
    for efficiency in (points["clean"].signal_efficiency, points["clean"].background_efficiency):
        assert (efficiency.value, efficiency.low) == (0, 0)
        assert efficiency.high == pytest.approx(1 - 0.025**0.5)
    assert points["clean"].background_rejection.value is None
    assert points["clean"].background_rejection.low == pytest.approx(1 / (1 - 0.025**0.5))
    assert points["clean"].background_rejection.high is None


def test_equal_scores_are_one_step() -> None:
    constant = Ranked.of(np.array([0, 1, 1]), np.full(3, 0.5))
    assert threshold_of(Cut(signal_efficiency=0.3), constant) == 0.5
    assert threshold_of(Cut(no_background=True), constant) == np.nextafter(0.5, 1)


# A sound method fails a test with a share of this; 95 % is promised for every threshold.
FALSE_ALARM = 1e-4


@pytest.mark.parametrize(
    "cut",
    [Cut(signal_efficiency=0.9), Cut(background_efficiency=0.02), Cut(no_background=True), Cut(threshold=0.8)],
    ids=lambda cut: cut.wanted(),
)
def test_intervals_cover_what_passes_a_threshold_that_other_events_set(cut: Cut) -> None:
    toys, n, distance = 400, 100, 2.0
    rng = np.random.default_rng(5)
    inside = np.zeros(2)
    for _ in range(toys):
        validation, test = (shifted(rng, n, distance=distance).scored() for _ in range(2))
        (point,) = working_points(validation=validation, test=test, cuts={"cut": cut})
        # The score is expit(d (x − d/2)) of x, normal around 0 or d: the truth behind this very threshold.
        x = logit(min(point.threshold, 1 - 1e-16)) / distance + distance / 2
        truths = norm.sf(x), norm.sf(x - distance)
        for k, (truth, quantity) in enumerate(
            zip(truths, (point.background_efficiency, point.signal_efficiency), strict=True)
        ):
            assert quantity.low is not None
            assert quantity.high is not None
            inside[k] += quantity.low <= truth <= quantity.high
    assert inside.min() >= binom.ppf(FALSE_ALARM / 2, toys, 0.95)
