"""What the choice of the best trial is worth: intervals by hand, and toys in which theory knows the answer."""

from __future__ import annotations

from math import hypot, pi, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.evaluate.optimism import expected_largest, optimism
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.tuning import Optimism, TriedPoint, Tuning

TOYS = 2000
NORMAL = 1.959964


def quantity(value: float, below: float, above: float) -> Quantity:
    return Quantity(value=value, low=value - below, high=value + above)


def found(metric: str, validation: Quantity, test: Quantity, *, chosen: float | None = None) -> Optimism:
    at = chosen if chosen is not None else validation.value
    result = optimism(at or 0.0, validation=validation, test=test, metric=metric, trials=20)
    assert result is not None
    return result


def test_each_side_of_an_interval_goes_with_the_other_side_of_the_other() -> None:
    worth = found("auc", quantity(0.80, 0.03, 0.02), quantity(0.79, 0.04, 0.01))
    assert worth.difference.value == pytest.approx(0.01)
    # The difference is least where the chosen figure is low and that on test is high.
    assert worth.difference.low == pytest.approx(0.01 - hypot(0.03, 0.01))
    assert worth.difference.high == pytest.approx(0.01 + hypot(0.02, 0.04))


def test_of_errors_the_smaller_looked_better() -> None:
    worth = found("rmse", quantity(0.20, 0.03, 0.02), quantity(0.21, 0.04, 0.01))
    assert worth.difference.value == pytest.approx(0.01)
    # Least where the chosen error is large and that on test is small.
    assert worth.difference.low == pytest.approx(0.01 - hypot(0.02, 0.04))
    assert worth.difference.high == pytest.approx(0.01 + hypot(0.03, 0.01))


def test_the_figure_that_chose_counts_and_not_that_of_the_training_after_it() -> None:
    worth = found("auc", quantity(0.80, 0.01, 0.01), quantity(0.79, 0.01, 0.01), chosen=0.81)
    assert worth.chosen == 0.81
    assert worth.difference.value == pytest.approx(0.02)


def test_without_a_figure_on_test_nothing_is_known_and_without_intervals_the_difference_has_none() -> None:
    unknown, bare = Quantity(value=None, low=0.5, high=None), Quantity(value=0.78, low=None, high=None)
    known = quantity(0.8, 0.01, 0.01)
    assert optimism(0.8, validation=known, test=unknown, metric="auc", trials=3) is None
    worth = found("auc", known, bare)
    assert (worth.difference.low, worth.difference.high) == (None, None)
    assert found("auc", bare, known, chosen=0.8).at_most is None
    assert "(" not in worth.says


def test_the_largest_of_normal_draws() -> None:
    assert expected_largest(1) == 0.0
    assert expected_largest(2) == pytest.approx(1 / sqrt(pi), abs=1e-9)
    assert expected_largest(3) == pytest.approx(1.5 / sqrt(pi), abs=1e-9)
    # Teichroew, Ann. Math. Stat. 27 (1956) 410.
    assert expected_largest(20) == pytest.approx(1.8674750598, abs=1e-8)


def toys(rng: np.random.Generator, trials: int, *, shared: float) -> tuple[NDArray[np.float64], list[Optimism]]:
    """Equal trials whose true figure is 0.8, with a noise of 0.01 on validation and on test, part of it shared.

    Returns:
        By toy, how far the figure that chose is above 0.8; and what is found of it.
    """
    common = rng.normal(scale=0.01 * sqrt(shared), size=(TOYS, 1))
    chosen = (0.8 + common + rng.normal(scale=0.01 * sqrt(1 - shared), size=(TOYS, trials))).max(axis=1)
    test = 0.8 + rng.normal(scale=0.01, size=TOYS)
    half = NORMAL * 0.01
    results = [
        optimism(v, validation=quantity(v, half, half), test=quantity(t, half, half), metric="auc", trials=trials)
        for v, t in zip(chosen.tolist(), test.tolist(), strict=True)
    ]
    return chosen - 0.8, [one for one in results if one is not None]


@pytest.mark.parametrize("trials", [2, 20])
def test_equal_trials_look_as_much_too_good_as_theory_says(trials: int) -> None:
    luck, worth = toys(np.random.default_rng(trials), trials, shared=0.0)
    difference = np.array([one.difference.value for one in worth])
    expected = 0.01 * expected_largest(trials)
    # Three standard errors: a false alarm in 370.
    assert difference.mean() == pytest.approx(expected, abs=3 * difference.std() / sqrt(TOYS))
    assert luck.mean() == pytest.approx(expected, abs=3 * luck.std() / sqrt(TOYS))
    assert worth[0].at_most == pytest.approx(expected)


@pytest.mark.parametrize(("trials", "shared"), [(1, 0.0), (2, 0.0), (20, 0.0), (20, 0.8)])
def test_the_interval_holds_the_mean_optimism_and_the_luck_of_each_choice(trials: int, shared: float) -> None:
    luck, worth = toys(np.random.default_rng(100 + trials), trials, shared=shared)
    low, high = (np.array([getattr(one.difference, end) for one in worth]) for end in ("low", "high"))
    mean = 0.01 * sqrt(1 - shared) * expected_largest(trials)
    held = np.mean((low <= mean) & (mean <= high))
    # Binomial, 2,000 toys: 95 % less three standard deviations.
    least = 0.95 - 3 * sqrt(0.95 * 0.05 / TOYS)
    assert held > least
    assert np.mean((low <= luck) & (luck <= high)) > least
    if trials == 1:  # nothing was chosen: the coverage is what the interval says
        assert held < 0.95 + 3 * sqrt(0.95 * 0.05 / TOYS)


def test_what_trials_share_makes_the_choice_flatter_less_than_the_bound() -> None:
    luck, worth = toys(np.random.default_rng(7), 20, shared=0.8)
    assert 0 < luck.mean() < (worth[0].at_most or 0.0)


def test_the_sentence_says_what_chose_and_what_test_says() -> None:
    chance = found("auc", quantity(0.801, 0.006, 0.006), quantity(0.796, 0.006, 0.006))
    assert chance.says == (
        "Chosen among 20 trials by a validation AUC of 0.801; on the test events it has 0.796: it looked better by "
        "0.005 (−0.003 to 0.013) where it was chosen, by the luck of the choice or by chance."
    )
    luck = found("log_loss", quantity(0.50, 0.006, 0.006), quantity(0.53, 0.006, 0.006))
    assert luck.says.endswith("(0.022 to 0.038) where it was chosen, more than chance explains: part of that was the "
                              "luck of the choice.")  # fmt: skip
    better = found("auc", quantity(0.801, 0.006, 0.006), quantity(0.806, 0.006, 0.006))
    assert better.says.endswith("it has 0.806, 0.005 better (−0.003 to 0.013): no sign that the choice was luck.")
    folds = optimism(
        0.8, validation=quantity(0.8, 0.01, 0.01), test=quantity(0.79, 0.01, 0.01), metric="auc", trials=1, folds=5
    )
    assert folds is not None
    assert folds.says.startswith("Chosen as the only trial by a mean held-out (of 5 folds) AUC of 0.80")


def test_the_best_trial_is_one_that_has_a_figure() -> None:
    failed = TriedPoint(number=0, settings={}, state="failed", figure=None, seconds=0.1, error="no number")
    with pytest.raises(ValueError, match="best trial, 0"):
        Tuning(
            metric="auc", better="larger", method="tpe", parameters=(), trials=(failed,), best=0, tuned="trees-tuned"
        )
