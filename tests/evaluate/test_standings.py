"""The rows of a leaderboard: in an order that test has no part in, with the differences of paired tests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, ndtr
from tests.report.conftest import around, make_evaluation

from hepsieve.errors import DataError
from hepsieve.evaluate.compare import compare_to_best
from hepsieve.evaluate.evaluation import AnyModel
from hepsieve.evaluate.leaderboard import EnsembleMembers, Leaderboard
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Comparison, Quantity, Scored
from hepsieve.evaluate.roc import auc
from hepsieve.evaluate.standings import Standings, standings
from hepsieve.tune.ensemble_selection import select_ensemble

UNDEFINED = Quantity(value=None, low=None, high=None)
VALIDATION = {"ensemble": 0.83, "low": 0.78, "high": 0.82, "alike": 0.82, "unknown": None}
TEST = {"ensemble": 0.81, "low": 0.80, "high": 0.79, "alike": 0.805, "unknown": 0.7}


def models(by: str = "auc", metric: str = "auc") -> dict[str, AnyModel]:
    """Five models by name, with these figures."""
    (model,) = make_evaluation(features=["x"], models=["trees"]).models.values()
    return {
        name: model.model_copy(
            update={
                "metrics": {metric: around(TEST[name], 0.01)},
                "validation": {by: UNDEFINED if value is None else around(value, 0.01)},
            }
        )
        for name, value in VALIDATION.items()
    }


def difference(name: str, *, p: float = 0.01) -> Comparison:
    value = TEST[name] - TEST["ensemble"]
    quantity = Quantity(value=value, low=value - 0.001, high=value + 0.002)
    return Comparison(model=name, difference=quantity, p_value=p, p_adjusted=3 * p)


def standing(by: str = "auc", metric: str = "auc", changed: Mapping[str, AnyModel] = MappingProxyType({})) -> Standings:
    return standings(
        {**models(by, metric), **changed},
        [difference(name) for name in TEST if name != "ensemble"],
        ensemble="ensemble",
        weights={"high": 0.75, "low": 0.25},
        by=by,
        metric="auc" if metric == "auc" else "rmse",
        cut={"low": "cut off after 3 of 9 epochs"},
    )


def test_validation_orders_the_models_and_of_equals_the_first_is_the_best_single_one() -> None:
    found = standing()
    assert [row.name for row in found.rows] == ["ensemble", "high", "alike", "low", "unknown"]
    assert found.best_single == "high"
    smaller = standing(by="log_loss")
    assert [row.name for row in smaller.rows] == ["ensemble", "low", "high", "alike", "unknown"]


def test_no_test_figure_has_a_part_in_the_order_or_the_choice() -> None:
    spoilt = {name: model.model_copy(update={"metrics": {"auc": UNDEFINED}}) for name, model in models().items()}
    lucky = models()["low"].model_copy(update={"metrics": {"auc": around(0.99, 0.001)}})
    for other in (standing(changed=spoilt), standing(changed={"low": lucky})):
        assert [row.name for row in other.rows] == [row.name for row in standing().rows]
        assert other.best_single == "high"


def test_the_gain_is_the_paired_difference_the_other_way_round() -> None:
    found = standing()
    # high − ensemble is −0.02, from −0.021 to −0.018.
    assert found.gain.value == pytest.approx(0.02)
    assert [found.gain.low, found.gain.high] == pytest.approx([0.018, 0.021])
    # It is one question that was asked beforehand, the rows are a family.
    assert found.p_value == 0.01
    assert found.rows[1].p_adjusted == 0.03
    # Of errors the smaller is better: an ensemble with a larger one has lost.
    lost = standing(by="rmse", metric="rmse")
    assert lost.best_single == "low"
    assert lost.gain.value == pytest.approx(-0.01)


def test_rows_tell_weight_and_cut() -> None:
    rows = {row.name: row for row in standing().rows}
    assert {name: row.weight for name, row in rows.items()} == {
        **{"ensemble": None, "high": 0.75, "low": 0.25, "alike": 0.0, "unknown": 0.0},
    }
    assert [name for name, row in rows.items() if row.cut] == ["low"]
    assert (rows["ensemble"].difference, rows["ensemble"].p_value) == (None, None)


def test_without_another_model_there_is_no_leaderboard() -> None:
    alone = {"ensemble": models()["ensemble"], "unknown": models()["unknown"]}
    for given in (alone, {"ensemble": alone["ensemble"]}):
        with pytest.raises(DataError, match="no model beside ensemble has a validation auc"):
            standings(given, (), ensemble="ensemble", weights={}, by="auc", metric="auc", cut={})


def test_what_an_average_of_two_independent_scores_gains_is_found_and_covered() -> None:
    # Two scores with independent noise of variance 1 around a shift of 1: their mean has the variance 1/2, and AUCs
    # Φ(1/√2) = 0.76025 and Φ(1) = 0.84134. The gain is 0.08109.
    missed, toys = 0, 60
    for seed in range(toys):
        rng = np.random.default_rng(seed)
        target = np.repeat([0.0, 1.0], 200)
        first, second = target + rng.normal(size=(2, 400))
        seen = {"ensemble": (first + second) / 2, "one": first, "two": second}
        scored = {name: Scored(target=target, score=expit(x), weight=np.ones(400)) for name, x in seen.items()}
        by_name = models()
        areas = {name: auc(Ranked.of(one.target, one.score, one.weight)) for name, one in scored.items()}
        given = {
            name: by_name[at].model_copy(update={"metrics": {"auc": Quantity(value=areas[name], low=0, high=1)}})
            for name, at in (("ensemble", "ensemble"), ("one", "high"), ("two", "low"))
        }
        found = standings(
            given,
            compare_to_best(scored, "ensemble"),
            ensemble="ensemble",
            weights={"one": 0.5, "two": 0.5},
            by="auc",
            metric="auc",
            cut={},
        )
        assert found.best_single == "one"
        assert found.gain.value == pytest.approx((areas["ensemble"] or 0) - (areas["one"] or 0), abs=1e-12)
        missed += not (found.gain.low or 0) <= 0.08109 <= (found.gain.high or 0)
    # At 5 % more than 9 of 60 are missed once in a thousand.
    assert missed <= 9


def area(target: NDArray[np.float64], score: NDArray[np.float64]) -> float:
    return auc(Ranked.of(target, score, np.ones(len(target)))) or 0.0


def test_what_was_chosen_on_validation_leaves_the_gain_on_test_honest() -> None:
    # Five equally good scores with independent noise: on 60 validation events both the best one and the weights are
    # mostly chosen by luck. A mean with weights w has the AUC Φ(1 / √(2 Σ w²)), which each toy's interval is held to.
    missed, toys, n, names = 0, 60, 300, "abcde"
    for seed in range(toys):
        rng = np.random.default_rng([7, seed])
        few, target = np.repeat([0.0, 1.0], 30), np.repeat([0.0, 1.0], n)
        on_validation, on_test = (
            dict(zip(names, x + rng.normal(size=(5, len(x))), strict=True)) for x in (few, target)
        )
        weights = select_ensemble(on_validation, partial(area, few), steps=10)
        by_name = {
            name: models()["high"].model_copy(update={"validation": {"auc": around(area(few, score), 0.01)}})
            for name, score in on_validation.items()
        }
        mean = sum((weight * on_test[name] for name, weight in weights.items()), np.zeros(2 * n))
        found = standings(
            {"ensemble": models()["ensemble"], **by_name},
            compare_to_best(
                {
                    name: Scored(target=target, score=score, weight=np.ones(2 * n))
                    for name, score in {"ensemble": mean, **on_test}.items()
                },
                "ensemble",
            ),
            ensemble="ensemble",
            weights=weights,
            by="auc",
            metric="auc",
            cut={},
        )
        spread = np.sqrt(2 * sum(weight**2 for weight in weights.values()))
        gain = ndtr(1 / spread) - ndtr(1 / np.sqrt(2))
        missed += not (found.gain.low or 0.0) <= gain <= (found.gain.high or 0.0)
    # At 5 % more than 9 of 60 are missed once in a thousand.
    assert missed <= 9


def test_a_leaderboard_names_models_that_are_there() -> None:
    found = standing()
    given = {
        **{"metric": "auc", "by": "auc", "rows": found.rows, "gain": found.gain, "p_value": 0.01},
        **{"budget": 600.0, "used": 580.0},
    }
    ensemble = EnsembleMembers(name="ensemble", weights={"high": 1.0})
    board = Leaderboard.model_validate({**given, "ensemble": ensemble, "best_single": "high"})
    assert board.alone
    assert board.significant
    assert Leaderboard.model_validate_json(board.model_dump_json()) == board
    with pytest.raises(ValueError, match="the best single model, other, is none of the models"):
        Leaderboard.model_validate({**given, "ensemble": ensemble, "best_single": "other"})
