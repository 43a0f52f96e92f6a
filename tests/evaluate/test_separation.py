"""⟨S²⟩: its definition, its limits, and how often its interval covers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from tests.evaluate.samples import Sample, samples
from tests.reference import evaluate as reference

from hepsieve.evaluate.features import feature_histogram
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Quantity
from hepsieve.evaluate.separation import separation

EDGES = np.array([0.1, 0.25, 0.5, 0.6, 0.875])


def measure(sample: Ranked, edges: np.ndarray = EDGES, seed: int = 0) -> Quantity:
    return separation(sample, edges, np.random.default_rng(seed))


@settings(deadline=None)
@given(samples())
def test_the_definition(sample: Sample) -> None:
    # The fewest cells are as many as there are bins here, so that none are joined.
    result = measure(sample.ranked())
    assert result.value is not None
    assert result.value == pytest.approx(reference.separation(*sample.lists(), EDGES.tolist()), abs=1e-12)
    # One heavy event makes one effective event, which resampling loses too often for an interval.
    if result.low is not None and result.high is not None:
        assert 0 <= result.low <= result.value <= result.high <= 1


@settings(deadline=None, max_examples=40)
@given(samples(negative=True))
def test_negative_weights_leave_it_between_0_and_1(sample: Sample) -> None:
    result = measure(sample.ranked())
    assert result.value is not None
    assert 0 <= result.value <= 1


def test_by_hand_with_events_outside_the_bins() -> None:
    # Shares of background ¼, ½, ¼ and of signal 0, ½, ½ below, in and above one bin:
    # ½ [(1/4)² / (1/4) + 0 + (1/4)² / (3/4)] = ½ [1/4 + 1/12] = 1/6.
    sample = Ranked.of(np.repeat([0, 1], 4), np.array([-1, 0.2, 1.0, 9, 0, 0.5, 7, 8]))
    assert measure(sample, np.array([0.0, 1.0])).value == pytest.approx(1 / 6)


def test_no_overlap_is_1_with_a_lower_limit_and_scaled_weights_change_nothing() -> None:
    target, values = np.repeat([0, 1], 60), np.repeat([0.0, 1.0], 60)
    result = measure(Ranked.of(target, values), np.array([-0.5, 0.5, 1.5]))
    assert (result.value, result.high) == (1, 1)
    # No overlap in 30 trials: a share up to 1 − 0.025^(1/30) = 11.6 % is not excluded.
    assert result.low == pytest.approx(0.025 ** (1 / 30))
    assert measure(Ranked.of(target, values, np.full(120, 7.0)), np.array([-0.5, 0.5, 1.5])) == result


def test_undefined_without_a_class_and_without_interval_for_one_event() -> None:
    assert measure(Ranked.of(np.zeros(5), np.arange(5.0))).value is None
    alone = measure(Ranked.of(np.array([0, 0, 1]), np.array([0.2, 0.3, 0.7])))
    assert (alone.value, alone.low, alone.high) == (1, None, None)


def exact(distance: float) -> float:
    """⟨S²⟩ of two unit normal densities this far apart."""

    def term(x: float) -> float:
        s, b = norm.pdf(x, distance), norm.pdf(x)
        return float((s - b) ** 2 / (s + b))

    return quad(term, -8, 8 + distance, points=[0, distance / 2, distance] if distance else None)[0] / 2


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("distance", "n"), [(0.0, 100), (0.5, 1000), (1.5, 400), (4.0, 400), (5.0, 100)])
def test_the_interval_covers(distance: float, n: int, weighted: bool) -> None:
    rng = np.random.default_rng(20)
    truth, covered, toys = exact(distance), 0, 200
    target = np.repeat([0, 1], n)
    for _ in range(toys):
        weight = rng.uniform(0.2, 1.8, 2 * n) if weighted else None
        values = rng.normal(size=2 * n) + distance * target
        result = feature_histogram(values, target, weight, name="x").separation
        assert result.low is not None
        assert result.high is not None
        covered += result.low <= truth <= result.high
    # At a true coverage of 95 % fewer than 176 of 200 come in 1 of 30,000 trials; at 90 %, in 1 of 7.
    assert covered >= 176


def test_what_noise_adds_stays_inside_the_interval_of_equal_densities() -> None:
    rng = np.random.default_rng(3)
    result = feature_histogram(rng.normal(size=6000), np.tile([0, 1], 3000), name="x").separation
    # Noise in 42 cells of 3,000 events a class adds about 42 / 6,000.
    assert result.value == pytest.approx(0.007, abs=0.004)
    assert result.low == 0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_is_the_same_with_the_classes_exchanged(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, values = np.repeat([0, 1], 50), rng.uniform(size=100)
    one, other = (measure(Ranked.of(labels, values)).value for labels in (target, 1 - target))
    assert one == pytest.approx(other)
