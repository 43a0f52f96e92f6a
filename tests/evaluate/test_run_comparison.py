"""Pairs of models on the same events: against the comparison with the best, and the bootstrap against DeLong."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.test_selection import regressions, toy

from hepsieve.errors import ConfigError
from hepsieve.evaluate.compare import compare_to_best, holm
from hepsieve.evaluate.compare_regressions import compare_regressions
from hepsieve.evaluate.resampled import resampled_scores
from hepsieve.evaluate.results import Scored
from hepsieve.evaluate.run_comparison import compare_predictions, compare_scores
from hepsieve.evaluate.run_comparison_results import ModelPair


def by_names(pairs: tuple[ModelPair, ...]) -> dict[frozenset[str], ModelPair]:
    return {frozenset((pair.first, pair.second)): pair for pair in pairs}


def test_pairs_of_aucs_are_those_of_the_comparison_with_the_best() -> None:
    models = toy(np.random.default_rng(0), 300, (0.0, 0.2, 0.4))
    found = compare_scores(models, resamples=20)
    pairs = by_names(found.pairs)
    assert len(pairs) == 3
    for other in compare_to_best(models, "m0"):
        pair = pairs[frozenset(("m0", other.model))]
        assert pair.p_value == pytest.approx(other.p_value)
        assert abs(pair.difference.value or 0) == pytest.approx(abs(other.difference.value or 0))
    assert [pair.p_adjusted for pair in found.pairs] == holm([pair.p_value or 0.0 for pair in found.pairs])
    assert all((pair.difference.value or 0.0) >= 0 for pair in found.pairs)
    assert found.selection is not None
    assert found.selection.winner == found.pairs[0].first
    assert found.selection.on == "test"


def test_pairs_of_rmses_are_those_of_the_comparison_with_the_best() -> None:
    models = regressions(np.random.default_rng(1), 400, (0.05, 0.055))
    (pair,) = compare_predictions(models, resamples=100, seed=3).pairs
    (other,) = compare_regressions(models, "m0", resamples=100, seed=3)
    assert pair.first == "m0"  # the smaller error
    assert pair.p_value == pytest.approx(other.p_value)
    assert pair.difference.low == pytest.approx(-(other.difference.high or 0.0))


def test_every_draw_serves_all_models() -> None:
    models = toy(np.random.default_rng(2), 2000, (0.0, 0.0))
    found = resampled_scores(models, resamples=400)
    change = found["m0"].replicas["auc"] - found["m1"].replicas["auc"]
    (compared,) = compare_to_best(models, "m0")
    low, high = compared.difference.low or 0.0, compared.difference.high or 0.0
    # The standard deviation of 400 draws is good to 3.5 %; unpaired it would be twice as large.
    assert np.std(change) == pytest.approx((high - low) / 2 / 1.96, rel=0.15)


def test_scores_in_another_order_have_the_replicas_of_their_events() -> None:
    # What depends on no order: of reversed scores every accuracy is one minus the accuracy.
    (first,) = toy(np.random.default_rng(3), 500, (0.0,)).values()
    rng = np.random.default_rng(4)
    score = np.where(np.isclose(first.score, 0.5), 0.51, first.score)
    mixed = rng.permutation(np.linspace(0.01, 0.49, len(score)))
    same_side = np.where(score >= 0.5, mixed + 0.5, mixed)  # another order, the same calls
    models = {
        name: Scored(target=first.target, score=s, weight=first.weight)
        for name, s in (("first", score), ("mixed", same_side), ("opposite", 1 - score))
    }
    found = resampled_scores(models, resamples=30)
    accuracy = found["first"].replicas["accuracy"]
    np.testing.assert_allclose(found["mixed"].replicas["accuracy"], accuracy, rtol=1e-12)
    np.testing.assert_allclose(found["opposite"].replicas["accuracy"], 1 - accuracy, rtol=1e-12)
    np.testing.assert_allclose(found["opposite"].replicas["auc"], 1 - found["first"].replicas["auc"], rtol=1e-9)
    assert np.std(accuracy) > 0


@pytest.mark.parametrize("by", ["log_loss", "brier", "accuracy", "background_rejection@0.50"])
def test_other_metrics_are_compared_by_resamples(by: str) -> None:
    models = toy(np.random.default_rng(5), 1000, (0.0, 1.0))
    found = compare_scores(models, by=by, resamples=100)
    (pair,) = found.pairs
    better, worse = (found.models[name].metrics[by].value for name in (pair.first, pair.second))
    assert better is not None
    assert worse is not None
    assert pair.difference.value == pytest.approx(better - worse)
    assert (better < worse) == (by in ("log_loss", "brier"))
    assert found.selection is not None
    assert found.selection.by == by


def test_of_resolutions_the_smallest_wins() -> None:
    models = regressions(np.random.default_rng(6), 500, (0.1, 0.05, 0.051))
    found = compare_predictions(models, by="resolution", resamples=100)
    assert found.selection is not None
    assert found.selection.winner == "m1" or found.selection.winner == "m2"
    assert found.pairs[-1].second == "m0"
    assert [pair.significant for pair in found.pairs] == [False, True, True]


def test_models_that_score_alike_do_not_differ() -> None:
    (one,) = toy(np.random.default_rng(7), 200, (0.0,)).values()
    for by in ("auc", "log_loss"):
        (pair,) = compare_scores({"a": one, "b": one}, by=by, resamples=20).pairs
        assert (pair.difference.value, pair.p_value, pair.p_adjusted) == (0.0, 1.0, 1.0)


def test_metrics_without_a_pair_are_refused() -> None:
    models = toy(np.random.default_rng(8), 100, (0.0, 0.0))
    with pytest.raises(ConfigError, match="--metric ece: pairs can be compared in auc, accuracy"):
        compare_scores(models, by="ece", resamples=5)


def test_equal_arguments_give_equal_results_for_any_number_of_threads() -> None:
    models = toy(np.random.default_rng(9), 30_000, (0.0, 0.1))
    one, two = (compare_scores(models, resamples=20, by="brier", threads=threads) for threads in (1, 2))
    assert (one.pairs, one.selection) == (two.pairs, two.selection)
    assert [m.metrics for m in one.models.values()] == [m.metrics for m in two.models.values()]
