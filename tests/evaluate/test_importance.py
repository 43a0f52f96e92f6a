"""Permutation importance: its pieces by their definitions, and how often its interval covers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.evaluate.importance import permutation_importance, placements_by_event
from hepsieve.evaluate.ranked import Floats


@settings(deadline=None, max_examples=50)
@given(samples())
def test_placements_average_to_the_auc_in_either_class(sample: Sample) -> None:
    placement = placements_by_event(sample.target, sample.score, sample.weight)
    for label in (0, 1):
        chosen = sample.target == label
        mean = float(sample.weight[chosen] @ placement[chosen]) / float(sample.weight[chosen].sum())
        assert mean == pytest.approx(reference.auc(*sample.lists()), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(samples(), st.integers(0, 2**32 - 1))
def test_the_value_is_the_mean_loss_of_auc(sample: Sample, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = np.stack([rng.permutation(sample.score) for _ in range(3)])
    losses = [
        reference.auc(*sample.lists()) - reference.auc(sample.target.tolist(), one.tolist(), sample.weight.tolist())
        for one in shuffled
    ]
    result = permutation_importance(sample.target, sample.score, shuffled, sample.weight)
    assert result.value == pytest.approx(sum(losses) / 3, abs=1e-12)
    scaled = permutation_importance(sample.target, sample.score, shuffled, 7 * sample.weight)
    assert scaled.value == pytest.approx(result.value, abs=1e-12)


def test_against_a_constant_score_the_interval_is_delongs() -> None:
    # All placements are ½ afterwards, so the loss is AUC − ½ with the AUC's own error.
    sample = shifted(np.random.default_rng(1), 2000)
    result = permutation_importance(sample.target, sample.score, np.zeros((4, 4000)))
    error = reference.delong_error(sample.target[::10].tolist(), sample.score[::10].tolist()) / np.sqrt(10)
    assert result.low is not None
    assert result.high is not None
    assert (result.high - result.low) / (2 * 1.96) == pytest.approx(error, rel=0.15)


def test_a_feature_that_no_score_depends_on_is_worth_nothing() -> None:
    sample = shifted(np.random.default_rng(1), 50)
    result = permutation_importance(sample.target, sample.score, np.stack([sample.score] * 3))
    assert (result.value, result.low, result.high) == (0, 0, 0)


def test_placements_beside_a_class_without_weight_are_undefined() -> None:
    target, score = np.array([0, 0, 1, 1.0]), np.array([0.1, 0.6, 0.4, 0.9])
    placement = placements_by_event(target, score, np.array([1, -1, 1, 1.0]))
    assert np.isnan(placement[2:]).all()
    assert placement[:2].tolist() == [1.0, 0.5]


def test_one_class_has_no_importance() -> None:
    assert permutation_importance(np.ones(4), np.arange(4.0), np.zeros((1, 4))).value is None
    alone = permutation_importance(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.3]), np.zeros((1, 3)))
    assert (alone.value, alone.low) == (0.5, None)


@pytest.mark.parametrize("repeats", [1, 5])
@pytest.mark.parametrize("feature", [0, 1])
def test_the_interval_covers(feature: int, repeats: int) -> None:
    # Score x₀ + 0.3 x₁, normals of width 1 and distance 1. Shuffled, a feature's difference between signal and
    # background is a mixture of normals at −1, 0, 0, 1, so that the exact loss is a mean of four AUCs.
    slope = np.array([1.0, 0.3])
    width = float(np.sqrt(2 * slope @ slope))
    rest = float(slope.sum() - slope[feature])
    shuffled_away = np.mean([norm.cdf((rest + m * slope[feature]) / width) for m in (-1, 0, 0, 1)])
    truth = norm.cdf(slope.sum() / width) - shuffled_away
    rng = np.random.default_rng(4)
    target, toys, covered = np.repeat([0, 1], 150), 200, 0
    for _ in range(toys):
        x = rng.normal(size=(300, 2)) + target[:, None]
        shuffled = np.stack([_shuffled(x, feature, rng) @ slope for _ in range(repeats)])
        result = permutation_importance(target, x @ slope, shuffled)
        assert result.low is not None
        assert result.high is not None
        covered += result.low <= truth <= result.high
    # At a true coverage of 95 % fewer than 176 of 200 come in 1 of 30,000 trials; at 85 %, in 9 of 10.
    assert covered >= 176


def _shuffled(x: Floats, feature: int, rng: np.random.Generator) -> Floats:
    changed = x.copy()
    changed[:, feature] = rng.permutation(changed[:, feature])
    return changed
