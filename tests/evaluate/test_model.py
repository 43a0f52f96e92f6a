from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from tests.evaluate.samples import shifted
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate import choose_best, evaluate_model, threshold_scan
from hepsieve.evaluate.results import ModelEvaluation, Quantity, Scored


def judged(train: Scored, validation: Scored, test: Scored, **options: Any) -> ModelEvaluation:
    settings: dict[str, Any] = {"resamples": 100, "rng_seed": 1, **options}
    return evaluate_model(
        train=train,
        validation=validation,
        test=test,
        classes=("background", "signal"),
        framework="PyTorch",
        kind="mlp",
        parameters=10,
        epochs=3,
        train_seconds=1.5,
        **settings,
    )


def parts(n: int = 300, seed: int = 1) -> tuple[Scored, Scored, Scored]:
    rng = np.random.default_rng(seed)
    train, validation, test = (shifted(rng, size, weighted=True).scored() for size in (2 * n, n, n))
    return train, validation, test


def test_everything_that_is_quoted() -> None:
    train, validation, test = parts()
    result = judged(train, validation, test, signal_yield=20, background_yield=300)
    assert list(result.metrics) == [
        "auc", "accuracy", "precision", "recall", "f1", "log_loss", "brier", "ece",
        "background_rejection@0.30", "background_rejection@0.50", "background_rejection@0.70",
        "signal_efficiency@0.01", "signal_efficiency@0.10", "significance",
    ]  # fmt: skip
    assert {"auc", "log_loss", "accuracy"} <= set(result.validation)
    lists = test.target.tolist(), test.score.tolist(), test.weight.tolist()
    expected = {
        "auc": reference.auc(*lists),
        "log_loss": reference.log_loss(*lists),
        "brier": reference.brier(*lists),
        "ece": reference.ece(*lists),
        "background_rejection@0.50": 1 / reference.background_at(*lists, 0.5),
        "signal_efficiency@0.10": reference.signal_at(*lists, 0.1),
    }
    for name, value in expected.items():
        assert result.metrics[name].value == pytest.approx(value, rel=1e-11), name
    for name, quantity in (result.metrics | result.validation).items():
        assert None not in (quantity.value, quantity.low, quantity.high), name
        assert (quantity.low or 0) <= (quantity.value or 0) <= (quantity.high or 0), name
    assert result.warnings == ()


def test_the_threshold_scan_comes_along() -> None:
    _, _, test = given = parts()
    assert judged(*given).thresholds == threshold_scan(test)


def test_the_band_holds_the_curve() -> None:
    roc = judged(*parts()).roc
    assert len(roc.background_efficiency) == len(roc.low) == len(roc.high) <= 600
    low, curve, high = (np.array(column) for column in (roc.low, roc.signal_efficiency, roc.high))
    assert (low <= curve).all()
    assert (curve <= high).all()
    middle = np.argmin(np.abs(np.array(roc.background_efficiency) - 0.3))
    # ε_s = 0.68 of 300 events of unequal weight: ±2 · 0.04, a little more for the background's part.
    assert 0.08 < high[middle] - low[middle] < 0.25
    assert (low[0], curve[0], curve[-1], high[-1]) == (0, 0, 1, 1)


def test_equal_arguments_give_equal_json_whatever_the_threads() -> None:
    given = parts(n=4000)
    one, three = (judged(*given, resamples=30, threads=threads) for threads in (1, 3))
    assert one.model_dump_json() == three.model_dump_json()
    assert judged(*given, resamples=30, rng_seed=2).metrics["auc"] != one.metrics["auc"]
    assert ModelEvaluation.model_validate_json(one.model_dump_json()) == one
    json.loads(one.model_dump_json(), parse_constant=pytest.fail)


def test_scaled_weights_change_nothing_but_the_counts() -> None:
    given = parts()
    scaled = [Scored(target=part.target, score=part.score, weight=1000 * part.weight) for part in given]
    one, other = judged(*given), judged(*scaled)
    for name, quantity in one.metrics.items():
        again = other.metrics[name]
        assert (again.value, again.low, again.high) == pytest.approx(
            (quantity.value, quantity.low, quantity.high), rel=1e-9
        )


def test_a_weight_of_two_is_the_event_twice() -> None:
    rng = np.random.default_rng(7)
    once = [shifted(rng, 150) for _ in range(3)]
    times = [rng.integers(1, 4, 300) for _ in once]
    heavy = [
        Scored(target=one.target, score=one.score, weight=k.astype(float)) for one, k in zip(once, times, strict=True)
    ]
    twice = [
        Scored(target=np.repeat(one.target, k), score=np.repeat(one.score, k), weight=np.ones(k.sum()))
        for one, k in zip(once, times, strict=True)
    ]
    given: dict[str, Any] = {"signal_yield": 20.0, "background_yield": 300.0, "significance_cut": 0.6, "resamples": 10}
    one, other, light = (judged(*three, **given) for three in (heavy, twice, [part.scored() for part in once]))
    assert one.confusion == other.confusion
    for a, b in ((one.metrics, other.metrics), (one.validation, other.validation)):
        # The ECE alone has bins of equal numbers of events, whatever these weigh.
        for name in a.keys() - {"ece"}:
            assert a[name].value == pytest.approx(b[name].value, abs=1e-12), name
    assert one.metrics["auc"].value != light.metrics["auc"].value
    for mine, theirs in zip(one.per_class, other.per_class, strict=True):
        for name in ("precision", "recall", "f1"):
            assert getattr(mine, name).value == pytest.approx(getattr(theirs, name).value, abs=1e-12)
    for name in ("ks_background", "ks_signal"):
        assert getattr(one.overtraining, name) == pytest.approx(getattr(other.overtraining, name), abs=1e-12)
    for name in ("auc_gap", "loss_gap", "validation_loss_gap", "train_auc"):
        mine, theirs = getattr(one.overtraining, name), getattr(other.overtraining, name)
        assert mine.value == pytest.approx(theirs.value, abs=1e-12)
    # An event of weight 2 is still one event, observed once: its interval is the wider one.
    assert width(one.metrics["accuracy"]) > 1.1 * width(other.metrics["accuracy"])


def width(quantity: Quantity) -> float:
    assert quantity.low is not None
    assert quantity.high is not None
    return quantity.high - quantity.low


def test_memorised_training_events_are_noticed() -> None:
    train, validation, test = parts()
    learned = Scored(target=train.target, score=0.5 * train.score + 0.5 * train.target, weight=train.weight)
    assert "looks better on the events it was trained on" in judged(learned, validation, test).overtraining.verdict
    assert "No sign of overtraining" in judged(train, validation, test).overtraining.verdict


def test_the_threshold_of_the_significance_does_not_see_the_test_part() -> None:
    train, validation, test = parts()
    yields = {"signal_yield": 20.0, "background_yield": 300.0}
    swapped = Scored(target=test.target, score=1 - test.score, weight=test.weight)
    good = judged(train, validation, test, **yields).metrics["significance"].value
    bad = judged(train, validation, swapped, **yields).metrics["significance"].value
    assert good is not None
    assert bad is not None
    # A threshold tuned on the swapped scores would at least keep everything: 20/√300 = 1.15.
    assert bad < 20 / np.sqrt(300) < good


def test_negative_weights_are_kept() -> None:
    train, validation, test = parts()
    weight = np.where(np.arange(len(test.weight)) % 10 == 0, -1.0, 1.0) * test.weight
    result = judged(train, validation, Scored(target=test.target, score=test.score, weight=weight))
    assert result.metrics["auc"].value == pytest.approx(
        reference.auc(test.target.tolist(), test.score.tolist(), weight.tolist()), abs=1e-12
    )
    assert sum(map(sum, result.confusion.counts)) == pytest.approx(weight.sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": np.zeros(4)}, "test part: 0 signal events of total weight 0"),
        ({"weight": np.zeros(4)}, "test part: 2 background events of total weight 0"),
        ({"score": np.array([0.1, 0.2, 0.3, 1.5])}, r"test part: a signal event has score 1\.5"),
        ({"score": np.array([0.1, np.nan, 0.3, 0.5])}, "test part: score of row 1 is nan"),
        ({"target": np.array([0, 0, 1])}, "test part: target"),
    ],
)
def test_what_no_figure_can_rest_on_is_named(change: dict[str, Any], message: str) -> None:
    arrays = {"target": np.array([0.0, 0, 1, 1]), "score": np.array([0.1, 0.6, 0.3, 0.5]), "weight": np.ones(4)}
    train, validation, _ = parts(n=20)
    with pytest.raises(DataError, match=message):
        judged(train, validation, Scored(**(arrays | change)))


@pytest.mark.parametrize("scores", [(0.2, 0.8), (0.5, 0.5), (0.0, 1.0), (1.0, 0.0)])
def test_two_events_are_enough_for_valid_json(scores: tuple[float, float]) -> None:
    pair = Scored(target=np.array([0.0, 1.0]), score=np.array(scores), weight=np.ones(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = judged(pair, pair, pair, signal_yield=1, background_yield=1)
    assert ModelEvaluation.model_validate_json(result.model_dump_json()) == result
    assert (result.metrics["auc"].low, result.metrics["auc"].high) == (None, None)
    assert result.overtraining.verdict.startswith("Too few events")


def _with(validation: dict[str, float | None], width: float = 0.01) -> ModelEvaluation:
    quantities = {
        name: Quantity(
            value=value, low=None if value is None else value - width, high=None if value is None else value + width
        )
        for name, value in validation.items()
    }
    return EXAMPLE.model_copy(update={"validation": quantities})


EXAMPLE = judged(*parts(n=20), resamples=20)


def test_the_best_is_chosen_on_validation() -> None:
    models = {"a": _with({"auc": 0.7, "log_loss": 0.5}), "b": _with({"auc": 0.8, "log_loss": 0.6})}
    assert choose_best(models, "auc") == (
        "b",
        "b has the largest validation AUC, 0.8000 (0.7900–0.8100), ahead of a with 0.7000 (0.6900–0.7100).",
    )
    assert choose_best(models, "log_loss")[0] == "a"
    corrupted = {name: model.model_copy(update={"metrics": {}}) for name, model in models.items()}
    assert choose_best(corrupted, "auc") == choose_best(models, "auc")


def test_the_choice_says_when_it_is_close_or_there_is_none() -> None:
    close = {"a": _with({"auc": 0.7}), "b": _with({"auc": 0.705})}
    assert choose_best(close, "auc")[1].endswith("within each other's intervals.")
    level = choose_best({"a": _with({"auc": 0.7}), "b": _with({"auc": 0.7})}, "auc")
    assert level[0] == "a"
    assert level[1].endswith("0.7000 (0.6900–0.7100), as has b; of equals the first is taken.")
    assert choose_best({"a": _with({"auc": 0.7}), "b": _with({"auc": None})}, "auc")[1].endswith(
        "the others have none."
    )
    assert choose_best({"a": _with({"auc": 0.7})}, "auc")[1].startswith("a is the only model")
    with pytest.raises(DataError, match="no model has a validation auc"):
        choose_best({"a": _with({"auc": None})}, "auc")
