from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.evaluate.bootstrap import percentile_interval
from hepsieve.evaluate.intervals import (
    around,
    auc_interval,
    clopper_pearson,
    delong_error,
    delong_interval,
    effective_events,
    hull,
    proportion,
    share_of,
)
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Quantity

# A correct 95 % interval fails a coverage test with this probability, per case.
FALSE_ALARM = 1e-3


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_is_scipys(counts: tuple[int, int]) -> None:
    passed, n = counts
    exact = binomtest(passed, n).proportion_ci(method="exact")
    assert clopper_pearson(passed / n, n) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_clopper_pearson_at_its_ends() -> None:
    # None of 10: the upper end solves (1 − p)^10 = 0.025.
    assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025**0.1), abs=1e-15)
    assert clopper_pearson(1, 10) == pytest.approx((0.025**0.1, 1), abs=1e-15)
    assert clopper_pearson(0.4, 0) == (0, 1)
    # Negative weights can carry a share out of 0…1.
    assert clopper_pearson(-0.1, 10) == clopper_pearson(0, 10)


def test_weights_count_as_effective_events() -> None:
    # (1 + 1 + 2)² / (1 + 1 + 4) = 16/6.
    assert effective_events(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
    assert effective_events(np.empty(0)) == 0
    equal = proportion(6.0, 20.0, 40.0)
    assert (equal.low, equal.high) == pytest.approx(clopper_pearson(0.3, 10))
    assert proportion(0.0, 0.0, 0.0) == Quantity(value=None, low=None, high=None)


def test_an_interval_holds_its_figure() -> None:
    assert around(0.5, (0.6, 0.7)) == Quantity(value=0.5, low=0.5, high=0.7)
    assert around(float("nan"), (0, 1)) == Quantity(value=None, low=None, high=None)
    assert around(0.5, None) == Quantity(value=0.5, low=None, high=None)
    assert hull((0, 1), (-1, 0.5)) == (-1, 1)
    assert hull((0, 1), None) is None


@settings(max_examples=40, deadline=None)
@given(samples())
def test_delong_agrees_with_the_definition(sample: Sample) -> None:
    # Two more events of each class: the definition needs at least two.
    target = np.concatenate([sample.target, [0, 0, 1, 1]])
    score = np.concatenate([sample.score, [0.25, 0.5, 0.25, 0.75]])
    expected = reference.delong_error(target.tolist(), score.tolist())
    assert delong_error(Ranked.of(target, score)) == pytest.approx(expected, abs=1e-12)
    assert delong_error(Ranked.of(target, score, np.full(len(target), 7.0))) == pytest.approx(expected, abs=1e-12)


def _covered(rng: np.random.Generator, n: int, distance: float, weighted: bool, toys: int) -> tuple[int, int]:
    truth = reference.gaussian_auc(distance)
    bootstrapped = analytic = 0
    for toy in range(toys):
        sample = shifted(rng, n, distance=distance, weighted=weighted).ranked()
        for k, interval in enumerate((auc_interval(sample, resamples=200, seed=toy), delong_interval(sample))):
            assert interval.low is not None
            assert interval.high is not None
            inside = interval.low <= truth <= interval.high
            bootstrapped += inside if k == 0 else 0
            analytic += inside if k == 1 else 0
    return bootstrapped, analytic


@pytest.mark.parametrize(
    ("n", "distance", "weighted"),
    [(200, 1.0, False), (200, 1.0, True), (50, 3.3, False), (200, 3.3, True), (200, 4.4, False)],
    ids=["0.76", "0.76 weighted", "0.990 of 50", "0.990 weighted", "0.9991"],
)
def test_auc_intervals_cover_the_known_area(n: int, distance: float, weighted: bool) -> None:
    toys = 150
    least = binom.ppf(FALSE_ALARM, toys, 0.95)
    bootstrapped, analytic = _covered(np.random.default_rng(11), n, distance, weighted, toys)
    assert bootstrapped >= least
    assert analytic >= least
    # Nor may it be so wide that it says nothing: at 0.76 percentile and binomial interval nearly coincide.
    if distance == 1.0:
        assert bootstrapped <= binom.ppf(1 - FALSE_ALARM, toys, 0.975)


def test_perfect_separation_keeps_an_honest_lower_end() -> None:
    sample = Ranked.of(np.repeat([0, 1], 40), np.arange(80.0))
    for interval in (auc_interval(sample, resamples=100), delong_interval(sample)):
        # No signal event of 40 on the wrong side.
        assert interval.low == pytest.approx(0.025 ** (1 / 40))
        assert (interval.value, interval.high) == (1, 1)


def test_two_events_have_an_area_but_no_interval() -> None:
    sample = Ranked.of(np.array([0, 1]), np.array([0.2, 0.3]))
    assert auc_interval(sample, resamples=100) == Quantity(value=1, low=None, high=None)
    assert delong_interval(sample) == Quantity(value=1, low=None, high=None)
    assert delong_error(sample) is None


def test_weightless_events_have_no_area() -> None:
    sample = Ranked.of(np.array([0, 1, 0, 1]), np.arange(4.0), np.zeros(4))
    undefined = Quantity(value=None, low=None, high=None)
    assert auc_interval(sample, resamples=100) == undefined
    assert delong_interval(sample) == undefined


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=3, max_size=40))
def test_a_share_is_as_sure_as_the_events_that_decide_it(events: list[tuple[bool, int]]) -> None:
    passed = np.array([one for one, _ in events])
    weight = np.array([float(w) for _, w in events])
    found = share_of(weight, passed)
    share = weight[passed].sum() / weight.sum()
    n = effective_events(weight)
    if 0 < share < 1:
        # The variance of a ratio of sums, written out event by event.
        variance = sum((w * ((1 - share) if one else share)) ** 2 for one, w in zip(passed, weight, strict=True))
        n = min(n, share * (1 - share) / (variance / weight.sum() ** 2))
    assert found.value == pytest.approx(share)
    assert (found.low, found.high) == pytest.approx(clopper_pearson(share, n))
    # With equal weights it is the number of events.
    one, three = (share_of(np.full(len(passed), scale), passed) for scale in (1.0, 3.0))
    assert (three.low, three.high) == pytest.approx((one.low, one.high), abs=1e-12)


def test_shares_of_heavy_events_cover() -> None:
    rng = np.random.default_rng(6)
    toys, n = 1000, 400
    # Events that pass weigh three times what the others do; Kish's number alone covers 87 % here.
    truth = 3 * 0.1 / (3 * 0.1 + 0.9)
    inside = 0
    for passed in rng.uniform(size=(toys, n)) < 0.1:
        found = share_of(np.where(passed, 3.0, 1.0), passed)
        inside += (found.low or 0) <= truth <= (found.high or 1)
    assert inside >= binom.ppf(FALSE_ALARM, toys, 0.95)


def test_cancelled_resamples_leave_the_whole_range() -> None:
    figures = np.where(np.arange(1000) % 5 == 0, np.nan, 0.8)
    assert percentile_interval(figures) is None
    # A fifth may be anything from 0 to 1.
    assert percentile_interval(figures, bounds=(0.0, 1.0)) == (0, 1)
    some = np.where(np.arange(1000) < 60, np.nan, np.linspace(0.4, 0.6, 1000))
    low, high = percentile_interval(some, bounds=(0.0, 1.0)) or (0.5, 0.5)
    assert (low, high) == (0, 1)
    # Nearly cancelled weights: every figure of a model still has an interval.
    target, score = np.repeat([0, 1], 60), np.linspace(0.01, 0.99, 120)
    weight = np.where(np.arange(120) % 7 < 3, -1.0, 1.0)
    interval = auc_interval(Ranked.of(target, score, weight), resamples=200)
    assert (interval.low, interval.high) != (None, None)
