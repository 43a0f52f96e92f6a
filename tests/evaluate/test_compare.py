"""Paired differences of AUC against their definition and their distribution, and Holm's correction by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, kstest
from scipy.stats import t as student
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference
from threadpoolctl import threadpool_limits

from hepsieve.errors import DataError
from hepsieve.evaluate.compare import compare_to_best, holm
from hepsieve.evaluate.importance import permutation_importance
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Comparison, Quantity

UNDEFINED = Quantity(value=None, low=None, high=None)


def compared(sample: Sample, other: Floats) -> Comparison:
    (comparison,) = compare_to_best({"best": sample.scored(), "other": replace(sample.scored(), score=other)}, "best")
    return comparison


def defined(sample: Sample, other: Floats) -> tuple[float, float, float]:
    target, score, weight = sample.lists()
    return reference.auc_difference(target, score, other.tolist(), weight)


def half_width(quantity: Quantity) -> float:
    assert quantity.low is not None
    assert quantity.high is not None
    return (quantity.high - quantity.low) / 2


def two_views(rng: np.random.Generator, n: int, *, apart: float = 0.0) -> tuple[Sample, Floats]:
    """n events of each class, seen twice with noise of its own; the second view's signal lies higher by ``apart``."""
    sample = shifted(rng, n)
    x = np.log(sample.score / (1 - sample.score))
    noise = rng.normal(scale=0.5, size=(2, 2 * n))
    return replace(sample, score=x + noise[0]), x + noise[1] + apart * sample.target


@settings(max_examples=60, deadline=None)
@given(samples(negative=True), st.integers(0, 2**32 - 1))
def test_difference_and_p_value_are_those_of_all_pairs(sample: Sample, seed: int) -> None:
    counts = [int((sample.target == label).sum()) for label in (0, 1)]
    assume(min(counts) > 1)
    other = np.random.default_rng(seed).permutation(sample.score)
    value, variance, deciding = defined(sample, other)
    found = compared(sample, other)
    assert found.difference.value == pytest.approx(value, abs=1e-12)
    # Below this the definition's variance is the rounding of its three terms.
    if variance > 1e-12 and deciding > 1.5:
        expected = 2 * float(student.sf(abs(value) / np.sqrt(variance), deciding - 1))
        assert found.p_value == pytest.approx(expected, rel=1e-6)


def test_figures_do_not_depend_on_the_number_of_blas_threads() -> None:
    rng = np.random.default_rng(8)
    sample = shifted(rng, 40_000, weighted=True)
    others = sample.score + rng.normal(scale=0.1, size=(4, 80_000))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            shuffled = permutation_importance(sample.target, sample.score, others, sample.weight)
            found.append([shuffled, *(compared(sample, other) for other in others)])
    assert found[0] == found[1]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_interval_is_students(weighted: bool) -> None:
    sample, other = two_views(np.random.default_rng(2), 150)
    weight = np.random.default_rng(3).uniform(-0.2, 1.8, size=300) if weighted else np.ones(300)
    sample = replace(sample, weight=weight)
    value, variance, deciding = defined(sample, other)
    found = compared(sample, other)
    assert found.difference.value == pytest.approx(value, abs=1e-12)
    quantile = float(student.ppf(0.975, deciding - 1))
    assert half_width(found.difference) == pytest.approx(quantile * np.sqrt(variance), rel=1e-9)
    # 1.96 for very many deciding events and 2.04 for only thirty.
    assert 1.96 < quantile < 2.04


def test_models_that_order_alike_do_not_differ() -> None:
    sample = shifted(np.random.default_rng(1), 200, weighted=True)
    for same in (sample.score, sample.score**3):
        found = compared(sample, same)
        assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
        assert (found.p_value, found.p_adjusted, found.significant) == (1, 1, False)


def test_changing_sides_changes_the_sign() -> None:
    sample, other = two_views(np.random.default_rng(5), 100, apart=0.3)
    there = compared(sample, other)
    back = compared(replace(sample, score=other), sample.score)
    assert there.difference.value == pytest.approx(-(back.difference.value or 0), abs=1e-12)
    assert there.p_value == pytest.approx(back.p_value)


def test_a_weight_of_two_is_the_difference_of_two_rows_but_one_observation() -> None:
    sample, other = two_views(np.random.default_rng(6), 50)
    times = np.random.default_rng(7).integers(1, 4, size=100)
    rows = np.repeat(np.arange(100), times)
    weighted = compared(replace(sample, weight=times.astype(np.float64)), other)
    repeated = compared(Sample(sample.target[rows], sample.score[rows], np.ones(len(rows))), other[rows])
    assert weighted.difference.value == pytest.approx(repeated.difference.value, abs=1e-12)
    assert half_width(weighted.difference) > half_width(repeated.difference)
    # All weights alike say nothing at all: the interval is that of unit weights.
    plain, tripled = compared(sample, other), compared(replace(sample, weight=np.full(100, 3.0)), other)
    assert tripled.p_value == pytest.approx(plain.p_value)
    assert half_width(tripled.difference) == pytest.approx(half_width(plain.difference))
    # Three rows of each event have a variance of Σd²/(3n (3n − 1)/3) instead of Σd²/(n (n − 1)), n = 50.
    value, once, _ = defined(sample, other)
    rows = np.tile(np.arange(100), 3)
    threefold = Sample(sample.target[rows], sample.score[rows], np.ones(300))
    again, thrice, _ = defined(threefold, other[rows])
    assert again == pytest.approx(value)
    assert thrice == pytest.approx(once * 49 / 149)


def test_null_p_values_are_uniform() -> None:
    rng = np.random.default_rng(8)
    p = []
    for _ in range(500):
        found = compared(*two_views(rng, 300))
        assert found.p_value is not None
        p.append(found.p_value)
    # False alarm 1e-3 each.
    assert kstest(p, "uniform").pvalue > 1e-3
    assert binom.ppf(5e-4, 500, 0.05) <= np.count_nonzero(np.array(p) < 0.05) <= binom.ppf(1 - 5e-4, 500, 0.05)


def test_a_real_difference_is_covered_and_found() -> None:
    truth = _large_difference()
    rng, toys = np.random.default_rng(9), 300
    covered = found = 0
    for _ in range(toys):
        one = compared(*two_views(rng, 400, apart=0.3))
        assert one.difference.low is not None
        assert one.difference.high is not None
        covered += one.difference.low <= truth <= one.difference.high
        found += one.significant
    # False alarm 1e-3 at a coverage of exactly 95 %; the difference is more than four of its errors.
    assert covered >= binom.ppf(1e-3, toys, 0.95)
    assert found > 0.9 * toys


def _large_difference() -> float:
    value = compared(*two_views(np.random.default_rng(10), 500_000, apart=0.3)).difference.value
    assert value is not None
    return value


def test_four_deciding_events_are_four_events() -> None:
    # 100 events of each class in perfect order; in the other model four signal events fall below all background.
    # Normal errors would give z = 2.02, p = 0.044; the chance that four of four go one way is 2/2⁴ = 0.125.
    score = np.linspace(0, 1, 200)
    sample = Sample((score > 0.5).astype(np.float64), score, np.ones(200))
    other = score.copy()
    other[-4:] = -1
    found = compared(sample, other)
    assert found.difference.value == pytest.approx(-0.04)
    assert found.p_value is not None
    assert 0.1 < found.p_value < 0.2


def test_perfect_against_constant_scores_is_a_sign_test() -> None:
    sample = Sample(np.array([0.0, 0, 0, 0, 0, 0, 1, 1, 1]), np.arange(9.0), np.ones(9))
    found = compared(sample, np.zeros(9))
    assert found.difference == Quantity(value=-0.5, low=None, high=None)
    # All three signal events change one way: 2 / 2³.
    assert found.p_value == 0.25


def test_a_class_without_weight_leaves_nothing_to_compare() -> None:
    alone = Sample(np.ones(5), np.arange(5.0), np.ones(5))
    single = Sample(np.array([0.0, 1, 1]), np.arange(3.0), np.ones(3))
    negative = Sample(np.array([0.0, 0, 1, 1]), np.arange(4.0), np.array([1.0, -2, 1, 1]))
    for sample in (alone, negative):
        found = compared(sample, sample.score[::-1])
        assert (found.difference, found.p_value, found.p_adjusted) == (UNDEFINED, None, None)
    found = compared(single, single.score[::-1])
    assert (found.difference.value, found.difference.low, found.p_value) == (-1, None, None)


def test_negative_weights_keep_their_sign() -> None:
    sample, other = two_views(np.random.default_rng(11), 100)
    weight = np.where(np.arange(200) % 5 == 0, -0.5, 1.0)
    found = compared(replace(sample, weight=weight), other)
    areas = [reference.auc(sample.target.tolist(), score.tolist(), weight.tolist()) for score in (sample.score, other)]
    assert found.difference.value == pytest.approx(areas[1] - areas[0], abs=1e-12)


def test_holm_by_hand() -> None:
    # 0.01 · 4 = 0.04; 0.02 · 3 = 0.06; 0.03 · 2 = 0.06 (not below the one before); 0.9 · 1.
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    # 0.04 · 2 = 0.08, and 0.03 · 3 = 0.09 stands before it; 1 is the largest probability.
    assert holm([0.04, 0.03, 0.5]) == pytest.approx([0.09, 0.09, 0.5])
    assert holm([0.7, 0.6]) == [1, 1]
    assert holm([]) == []


def test_the_family_is_every_other_model() -> None:
    rng = np.random.default_rng(12)
    sample, _ = two_views(rng, 200)
    scores = {f"m{k}": sample.score + rng.normal(scale=0.2 * k, size=400) for k in range(12)}
    scored = {name: replace(sample.scored(), score=score) for name, score in scores.items()}
    comparisons = compare_to_best(scored, "m3")
    assert [one.model for one in comparisons] == [name for name in scored if name != "m3"]
    raw = [one.p_value for one in comparisons if one.p_value is not None]
    assert len(raw) == 11
    assert [one.p_adjusted for one in comparisons] == pytest.approx(holm(raw))
    assert min(one.p_adjusted or 0 for one in comparisons) == pytest.approx(min(1, 11 * min(raw)))


def test_only_the_same_events_can_be_compared() -> None:
    sample = shifted(np.random.default_rng(1), 20)
    other = replace(sample.scored(), weight=2 * sample.weight)
    with pytest.raises(DataError, match="other and best differ in weight"):
        compare_to_best({"best": sample.scored(), "other": other}, "best")
    with pytest.raises(DataError, match="no scores of best"):
        compare_to_best({"other": other}, "best")
    assert compare_to_best({"best": sample.scored()}, "best") == ()
