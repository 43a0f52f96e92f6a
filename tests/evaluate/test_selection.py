"""What choosing the best model gives by itself: covariances by definition, leads by hand, p-values by toy samples."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest, norm
from tests.reference import selection as reference

from hepsieve.evaluate.event_shares import classification_shares, regression_shares
from hepsieve.evaluate.ranked import Floats, Ranked
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.results import Scored
from hepsieve.evaluate.roc import auc
from hepsieve.evaluate.selection import regression_selection, selection, selection_of
from hepsieve.evaluate.selection_results import Selection


def toy(rng: np.random.Generator, n: int, better: tuple[float, ...]) -> dict[str, Scored]:
    """Models that see the same n events, each with noise of its own; signal lies higher by 1 and by ``better``."""
    target = np.repeat([0.0, 1.0], n // 2)
    x = rng.normal(size=n) + target
    models = {}
    for k, apart in enumerate(better):
        seen = x + rng.normal(scale=0.7, size=n) + apart * target
        models[f"m{k}"] = Scored(target=target, score=1 / (1 + np.exp(-seen)), weight=np.ones(n))
    return models


def aucs(models: Mapping[str, Scored]) -> dict[str, float | None]:
    return {name: auc(Ranked.of(one.target, one.score, one.weight)) for name, one in models.items()}


def chosen(models: Mapping[str, Scored]) -> Selection:
    found = selection(models, aucs(models), by="auc", on="validation")
    assert found is not None
    return found


def regressions(rng: np.random.Generator, n: int, spread: tuple[float, ...]) -> dict[str, Predicted]:
    target = rng.uniform(0.2, 0.8, n)
    return {
        f"m{k}": Predicted(target=target, prediction=target + rng.normal(scale=s, size=n), weight=np.ones(n))
        for k, s in enumerate(spread)
    }


def covariance(shares: Floats | None) -> NDArray[np.float64]:
    assert shares is not None
    return np.asarray(shares @ shares.T)


def test_shares_give_delongs_covariance_with_ties_and_weights() -> None:
    rng = np.random.default_rng(0)
    target = (np.arange(40) % 3 == 0).astype(np.float64)
    weight = rng.choice([-0.5, 1.0, 2.0, 3.0], size=40)
    scores = [rng.integers(0, 8, 40) / 8 + 0.02 * target for _ in range(3)]
    models = {f"m{k}": Scored(target=target, score=score, weight=weight) for k, score in enumerate(scores)}
    expected = reference.delong_covariance(target.tolist(), [score.tolist() for score in scores], weight.tolist())
    np.testing.assert_allclose(covariance(classification_shares(models, "auc")), expected, rtol=1e-12)


def test_shares_give_the_covariance_of_rmses() -> None:
    models = regressions(np.random.default_rng(0), 60, (0.05, 0.1))
    target = next(iter(models.values())).target.tolist()
    expected = reference.rmse_covariance(target, [one.prediction.tolist() for one in models.values()])
    np.testing.assert_allclose(covariance(regression_shares(models, "rmse")), expected, rtol=1e-12)


@pytest.mark.parametrize("by", ["auc", "accuracy", "log_loss", "brier"])
def test_some_events_stand_for_very_many(by: str) -> None:
    models = toy(np.random.default_rng(0), 40_000, (0.0, 0.1))
    some = covariance(classification_shares(models, by, most=5_000))
    # The variance of a variance from 10,000 events with kurtosis below 5 is below (2 %)².
    np.testing.assert_allclose(some, covariance(classification_shares(models, by)), rtol=0.1)


def test_many_predictions_are_stood_for_likewise() -> None:
    models = regressions(np.random.default_rng(0), 40_000, (0.1, 0.1))
    some = covariance(regression_shares(models, "mae", most=5_000))
    np.testing.assert_allclose(np.diag(some), np.diag(covariance(regression_shares(models, "mae"))), rtol=0.1)


def test_two_models_are_exact() -> None:
    # Figures of variance 1 each, not correlated: the lead is |N(0, √2)|, whose mean is √2 · √(2/π) = 2/√π.
    many = np.repeat(np.eye(2), 10_000, axis=1) / 100
    found = selection_of(many, {"a": 1.0, "b": 2.0}, by="auc", on="validation", fewest=50)
    assert (found.winner, found.runner_up, found.n_models) == ("b", "a", 2)
    assert found.lead.value == 1.0
    assert found.expected_lead == pytest.approx(2 / sqrt(pi))
    assert found.expected_high == pytest.approx(sqrt(2) * norm.ppf(0.975))
    assert found.p_value == pytest.approx(2 * norm.sf(1 / sqrt(2)), rel=1e-4)


def test_three_independent_models_have_the_gap_of_order_statistics() -> None:
    # E of the largest of three standard normals is 3/(2√π), of the middle one 0.
    figures = {"a": 0.0, "b": 0.1, "c": 0.2}
    found = selection_of(np.eye(3), figures, by="rmse", on="validation", fewest=50)
    assert (found.winner, found.runner_up) == ("a", "b")
    assert found.expected_lead == pytest.approx(3 / (2 * sqrt(pi)), abs=0.02)
    assert found.expected_over_mean == pytest.approx(3 / (2 * sqrt(pi)), abs=0.02)
    assert found.lead_over_mean.value == pytest.approx(0.1)


def test_what_all_models_share_has_no_part_in_it() -> None:
    common = np.full((3, 1), 100.0)
    figures = {"a": 3.0, "b": 2.0, "c": 1.0}
    alone = selection_of(np.eye(3), figures, by="auc", on="validation", fewest=50)
    both = selection_of(np.concatenate([np.eye(3), common], axis=1), figures, by="auc", on="validation", fewest=50)
    assert (both.p_value, both.expected_high) == pytest.approx((alone.p_value, alone.expected_high))
    assert both.lead == alone.lead


@pytest.mark.parametrize("k", [2, 5])
def test_p_values_are_uniform_under_equality(k: int) -> None:
    rng = np.random.default_rng(3)
    found = [chosen(toy(rng, 300, (0.0,) * k)) for _ in range(150)]
    # A false alarm once in a thousand for a right implementation.
    assert kstest([one.p_value for one in found], "uniform").pvalue > 1e-3
    leads = [one.lead.value or 0.0 for one in found]
    error = np.std(leads) / sqrt(len(leads))
    assert abs(np.mean(leads) - np.mean([one.expected_lead for one in found])) < 4 * error


def test_two_equal_models_ahead_of_many_are_no_evidence() -> None:
    rng = np.random.default_rng(4)
    found = [chosen(toy(rng, 600, (0.6, 0.6, *(0.0,) * 6))) for _ in range(60)]
    # 5 % of false alarms at most: more than eight of sixty come once in a hundred, of right implementations.
    assert sum(one.evidence for one in found) <= 8
    # That all eight are equal is refused much more often than the choice among the best two is called evident.
    assert sum(one.p_value < 0.05 for one in found) > sum(one.evidence for one in found)


def test_a_clear_lead_is_told() -> None:
    found = chosen(toy(np.random.default_rng(5), 4000, (0.0, 0.05, 0.8)))
    assert found.evidence
    assert found.winner == "m2"
    assert found.says.startswith("Of 3 models, m2 leads on validation by ")
    assert found.says.endswith("by itself: the lead is more than the choice explains (p < 0.001).")


def test_no_evidence_is_told() -> None:
    found = chosen(toy(np.random.default_rng(6), 200, (0.0, 0.0, 0.0)))
    assert not found.evidence
    assert "choosing the best of 3 equal models would give" in found.says
    assert found.says.endswith("the choice is no evidence that it is better.")


def test_models_that_score_alike_are_level() -> None:
    one = toy(np.random.default_rng(7), 200, (0.0,))["m0"]
    found = chosen({"a": one, "b": one})
    assert (found.lead.value, found.expected_lead, found.p_value, found.p_ahead) == (0.0, 0.0, 1.0, 1.0)
    assert found.says == "a and b are level in AUC on validation: the choice is no evidence."


def test_perfect_against_guessing_is_a_sign_test() -> None:
    target = np.repeat([0.0, 1.0], 5)
    perfect, guess = (Scored(target=target, score=score, weight=np.ones(10)) for score in (target, target * 0))
    found = chosen({"guess": guess, "perfect": perfect})
    assert found.p_value == found.p_ahead == 2.0**-4


def test_of_a_regression_the_smallest_error_wins() -> None:
    models = regressions(np.random.default_rng(8), 2000, (0.10, 0.05))
    figures = {name: float(np.sqrt(np.mean((m.prediction - m.target) ** 2))) for name, m in models.items()}
    found = regression_selection(models, figures, by="rmse", on="out-of-fold")
    assert found is not None
    assert found.winner == "m1"
    assert found.evidence
    assert found.says.startswith("m1 leads m0 out of fold by 0.0")


def test_nothing_to_choose_from() -> None:
    models = toy(np.random.default_rng(9), 100, (0.0, 0.0))
    assert selection(models, {"m0": 0.7, "m1": None}, by="auc", on="validation") is None
    first = models["m0"]
    one_class = {k: Scored(target=first.target * 0, score=m.score, weight=m.weight) for k, m in models.items()}
    assert selection(one_class, {"m0": 0.7, "m1": 0.6}, by="auc", on="validation") is None


def test_equal_arguments_give_equal_results() -> None:
    models = toy(np.random.default_rng(10), 300, (0.0, 0.1, 0.2))
    assert chosen(models) == chosen(models)
