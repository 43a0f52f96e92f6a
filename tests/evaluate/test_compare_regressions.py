"""Paired differences of RMSE: their value, their distribution where there is no difference, and Holm's correction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, norm
from tests.reference import regression as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.compare import holm
from hepsieve.evaluate.compare_regressions import compare_regressions
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.results import Comparison, Quantity


def two_views(rng: np.random.Generator, n: int, *, worse: float = 1.0) -> dict[str, Predicted]:
    """The same events seen twice, with errors that they share and others; the second's are ``worse`` times as large."""
    target = rng.uniform(0.4, 0.6, size=n)
    shared, *own = rng.normal(scale=0.03, size=(3, n))
    weight = rng.uniform(0.5, 1.5, size=n)
    return {
        "best": Predicted(target=target, prediction=target + shared + own[0], weight=weight),
        "other": Predicted(target=target, prediction=target + worse * (shared + own[1]), weight=weight),
    }


def compared(views: dict[str, Predicted], seed: int = 0, resamples: int = 200) -> Comparison:
    (comparison,) = compare_regressions(views, "best", resamples=resamples, seed=seed)
    return comparison


def rmse(predicted: Predicted) -> float:
    return reference.rmse((predicted.prediction - predicted.target).tolist(), predicted.weight.tolist())


def test_the_difference_is_other_minus_best() -> None:
    views = two_views(np.random.default_rng(1), 300, worse=1.3)
    found = compared(views)
    assert found.difference.value == pytest.approx(rmse(views["other"]) - rmse(views["best"]), abs=1e-12)
    assert found.significant
    # The error by the delta method, to which that of 200 resamples comes within 5 % (1/√400).
    residuals = np.stack([views[name].prediction - views[name].target for name in ("best", "other")])
    shares = views["best"].weight / views["best"].weight.sum()
    rmses = np.sqrt((residuals**2 * shares).sum(axis=1))
    slopes = (residuals**2 - rmses[:, None] ** 2) / (2 * rmses[:, None])
    error = np.sqrt(np.sum((shares * (slopes[1] - slopes[0])) ** 2))
    assert found.p_value == found.p_adjusted
    assert found.p_value is not None
    assert -norm.ppf(found.p_value / 2) == pytest.approx((rmses[1] - rmses[0]) / error, rel=0.2)


def test_models_that_predict_alike_do_not_differ() -> None:
    views = two_views(np.random.default_rng(1), 300)
    same = compared({"best": views["best"], "other": views["best"]})
    assert same.difference == Quantity(value=0, low=0, high=0)
    assert same.p_value == 1


def test_pairs_are_sharper_than_separate_samples() -> None:
    views = two_views(np.random.default_rng(1), 2000)
    paired = compared(views).difference
    other = views["other"]
    order = np.random.default_rng(2).permutation(2000)
    # The same residuals on other events: the same RMSE, but no pairs.
    shuffled = replace(other, prediction=other.target + (other.prediction - other.target)[order])
    alone = compared({"best": views["best"], "other": shuffled}).difference
    assert width(paired) < 0.9 * width(alone)


def width(quantity: Quantity) -> float:
    assert quantity.low is not None
    assert quantity.high is not None
    return quantity.high - quantity.low


def test_equal_models_are_called_different_as_rarely_as_asked() -> None:
    """Of 200 samples of equally good models at most 18 have p < 0.05, and at most 18 intervals leave 0 out.

    At a true rate of 5 % more than 18 of 200 would come once in 150 (binomial, below); p-values and intervals are
    nearly the same events. And the p-values are spread: about half are below one half.
    """
    rng = np.random.default_rng(7)
    found = [compared(two_views(rng, 150), seed) for seed in range(200)]
    p = np.array([one.p_value for one in found], dtype=np.float64)
    low, high = (np.array([getattr(one.difference, end) for one in found], dtype=np.float64) for end in ("low", "high"))
    assert binom.sf(18, 200, 0.05) < 1 / 140
    assert (p < 0.05).sum() <= 18
    assert ((low > 0) | (high < 0)).sum() <= 18
    assert 0.36 < np.mean(p < 0.5) < 0.64


def test_many_models_that_are_clearly_worse_are_all_significant() -> None:
    rng = np.random.default_rng(5)
    views = two_views(rng, 150)
    worse = {f"m{k}": two_views(np.random.default_rng(5), 150, worse=3 + k / 30)["other"] for k in range(30)}
    comparisons = compare_regressions({"best": views["best"], **worse}, "best", resamples=100)
    assert [one.model for one in comparisons] == list(worse)
    assert all(one.significant for one in comparisons)


def test_equal_differences_of_all_events_are_a_sign_test() -> None:
    best = Predicted(target=np.full(12, 0.5), prediction=np.full(12, 0.5), weight=np.ones(12))
    found = compared({"best": best, "other": replace(best, prediction=np.full(12, 0.75))})
    assert found.difference.value == 0.25
    assert found.p_value == 2**-11


def test_p_values_are_corrected_for_their_number() -> None:
    rng = np.random.default_rng(3)
    views = two_views(rng, 150, worse=1.1)
    for k in range(3):
        prediction: Floats = views["best"].prediction + rng.normal(scale=0.01 * k, size=150)
        views[f"m{k}"] = replace(views["best"], prediction=prediction)
    comparisons = compare_regressions(views, "best", resamples=200)
    assert [one.model for one in comparisons] == ["other", "m0", "m1", "m2"]
    p = [one.p_value for one in comparisons if one.p_value is not None]
    assert len(p) == 4
    assert [one.p_adjusted for one in comparisons] == holm(p)


def test_only_the_same_events_are_compared() -> None:
    views = two_views(np.random.default_rng(1), 50)
    assert compare_regressions({"best": views["best"]}, "best") == ()
    with pytest.raises(DataError, match="no predictions of best, which the others are compared to; there are other"):
        compare_regressions({"other": views["other"]}, "best")
    with pytest.raises(DataError, match="other and best differ in weight: compare models on the same events only"):
        compared({**views, "other": replace(views["other"], weight=np.ones(50))})
