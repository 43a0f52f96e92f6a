from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from hepsieve.errors import TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, TrainConfig
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.figures import measure, weighted_auc

Toy = Callable[..., Part]
SETTINGS = TrainConfig()


def ignore(record: EpochRecord) -> None:
    return


def fit(config: AdaBoostConfig, train: Part, validation: Part, settings: TrainConfig = SETTINGS) -> Trained:
    return train_model("ada", config, train, validation, settings, seed=1, progress=Silent(), on_epoch=ignore)


def test_a_learnable_toy_reaches_its_optimum(toy: Toy, best_auc: float) -> None:
    trained = fit(AdaBoostConfig(estimators=120), toy(8000, seed=1), toy(1000, seed=2))
    test = toy(40_000, seed=3)
    auc = weighted_auc(trained.model.scores(test.inputs), test.target == 1, test.weight.astype(float))
    assert auc == pytest.approx(best_auc, abs=0.01)
    assert trained.warnings == ()


def test_it_is_scikit_learns_classifier(toy: Toy) -> None:
    train, test = toy(500, seed=1), toy(500, seed=3)
    trained = fit(AdaBoostConfig(estimators=15, depth=2, learning_rate=0.5), train, toy(200, seed=2))
    theirs = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=15, learning_rate=0.5, random_state=1)
    theirs.fit(train.inputs, train.target)
    expected = theirs.predict_proba(test.inputs)[:, 1]
    np.testing.assert_allclose(trained.model.scores(test.inputs), expected, rtol=0, atol=1e-12)


def test_history_has_a_record_every_ten_trees_and_at_the_end(toy: Toy) -> None:
    told: list[EpochRecord] = []
    validation = toy(300, seed=2)
    config = AdaBoostConfig(estimators=25)
    trained = train_model(
        "ada", config, toy(400, seed=1), validation, SETTINGS, seed=1, progress=Silent(), on_epoch=told.append
    )
    assert tuple(told) == trained.history
    assert [record.epoch for record in told] == [10, 20, 25]
    assert trained.best_epoch == 25
    scores = trained.model.scores(validation.inputs)
    last = measure(np.log(scores / (1 - scores)), validation)
    assert told[-1].validation_loss == pytest.approx(last.loss)
    assert told[-1].validation_auc == pytest.approx(last.auc)


def test_a_weight_of_two_is_the_event_twice(toy: Toy) -> None:
    train, validation = toy(200, seed=1), toy(300, seed=2)
    heavy = replace(train, weight=np.where(np.arange(200) < 80, 2, 1).astype(np.float32))
    rows = np.concatenate([np.arange(200), np.arange(80)])
    twice = replace(train, inputs=train.inputs[rows], target=train.target[rows], weight=np.ones(280, np.float32))
    config = AdaBoostConfig(estimators=10)
    one, other, light = (
        fit(config, part, validation).model.scores(validation.inputs) for part in (heavy, twice, train)
    )
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    assert np.max(np.abs(one - light)) > 1e-3


def test_weights_count_and_negative_ones_need_a_policy(toy: Toy) -> None:
    train, validation = toy(300, seed=1), toy(200, seed=2)
    config = AdaBoostConfig(estimators=5)
    heavy = replace(train, weight=np.where(train.inputs[:, 0] > 1, 5, 1).astype(np.float32))
    one, other = (fit(config, part, validation).model.scores(validation.inputs) for part in (train, heavy))
    assert not np.allclose(one, other)
    negative = replace(train, weight=np.where(np.arange(300) < 3, -1, 1).astype(np.float32))
    keep = SETTINGS.model_copy(update={"negative_weights": "keep"})
    with pytest.raises(TrainingError, match=r"^ada: train: 3 of 300 weights are negative, which AdaBoost refuses"):
        fit(config, negative, validation, keep)
