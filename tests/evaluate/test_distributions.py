from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import ks_2samp
from tests.evaluate.samples import Floats, Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.evaluate.distributions import ks_distance, score_distributions, verdict
from hepsieve.evaluate.ranked import Ranked, Side
from hepsieve.evaluate.results import Quantity


def side(score: Floats, weight: Floats | None = None) -> Side:
    return Ranked.of(np.zeros(len(score)), score, weight).background


@settings(max_examples=60, deadline=None)
@given(samples(negative=True))
def test_ks_distance_agrees_with_the_definition(sample: Sample) -> None:
    ranked = sample.ranked()
    first, second = ranked.background, ranked.signal
    expected = reference.ks_distance(
        first.score.tolist(), first.weight.tolist(), second.score.tolist(), second.weight.tolist()
    )
    assert ks_distance(first, second)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_ks_p_value_is_scipys(shift: float) -> None:
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=400), rng.normal(size=300) + shift
    distance, p = ks_distance(side(first), side(second))
    expected = ks_2samp(first, second)
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    # Stephens' correction is good to a few per cent of p, to a tenth far out in the tail.
    assert p == pytest.approx(expected.pvalue, rel=0.1)


def test_ks_false_alarms_come_as_often_as_promised_with_weights() -> None:
    rng = np.random.default_rng(6)
    p_values = [
        ks_distance(*(side(rng.normal(size=n), rng.uniform(0.2, 1.8, size=n)) for n in (150, 250)))[1]
        for _ in range(1000)
    ]
    # 5 % ± 0.7 % (one standard deviation); four of them alarm once in 16,000.
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.028)


def test_weightless_samples_do_not_differ() -> None:
    assert ks_distance(side(np.arange(3.0), np.zeros(3)), side(np.arange(3.0))) == (0, 1)


def test_histograms_sum_to_one_and_carry_their_errors() -> None:
    rng = np.random.default_rng(2)
    train, test = shifted(rng, 300, weighted=True), shifted(rng, 200, weighted=True)
    result = score_distributions(train.ranked(), test.ranked())
    assert len(result.edges) == 41
    for content in (result.train_background, result.train_signal, result.test_background, result.test_signal):
        assert sum(content) == pytest.approx(1)
    chosen = (test.target == 1) & (test.score >= result.edges[20]) & (test.score < result.edges[21])
    total = test.weight[test.target == 1].sum()
    assert result.test_signal[20] == pytest.approx(test.weight[chosen].sum() / total)
    assert result.test_signal_error[20] == pytest.approx(np.sqrt((test.weight[chosen] ** 2).sum()) / total)


def test_constant_scores_have_a_histogram() -> None:
    constant = Ranked.of(np.array([0, 1]), np.array([0.5, 0.5]))
    result = score_distributions(constant, constant)
    assert (result.edges[0], result.edges[-1], sum(result.test_signal)) == (0, 1, 1)


@pytest.mark.parametrize(
    ("auc_gap", "loss_gap", "p", "words"),
    [
        ((0.02, 0.01, 0.03), (0.01, -0.01, 0.03), 0.5, "AUC there is higher by 0.0200;"),
        ((0.00, -0.01, 0.01), (0.02, 0.01, 0.03), 0.5, "log loss there is lower by 0.0200;"),
        ((0.02, 0.01, 0.03), (0.02, 0.01, 0.03), 0.5, "by 0.0200 and its log loss"),
        ((0.00, -0.01, 0.01), (0.00, -0.01, 0.01), 0.001, "differ in shape"),
        ((0.00, -0.01, 0.01), (0.00, -0.01, 0.01), 0.2, "No sign of overtraining"),
        ((-0.02, -0.03, -0.01), (-0.02, -0.03, -0.01), 0.2, "scores lower on the events it was trained on"),
        ((0.00, None, None), (0.00, None, None), 0.2, "Too few events"),
    ],
)
def test_the_verdict_says_what_was_seen(
    auc_gap: tuple[float, ...], loss_gap: tuple[float, ...], p: float, words: str
) -> None:
    quantities = [Quantity(value=gap[0], low=gap[1], high=gap[2]) for gap in (auc_gap, loss_gap)]
    assert words in verdict(quantities[0], quantities[1], p)
