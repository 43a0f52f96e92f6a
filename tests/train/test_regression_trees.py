from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.train.conftest import NOISE

from hepsieve.errors import ConfigError
from hepsieve.history import EpochRecord
from hepsieve.models.config import AdaBoostConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.models.load import load_model
from hepsieve.models.trees import TreesPredictor
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model

Draw = Callable[..., Part]
TREES = TreesConfig(rounds=300, patience=20, learning_rate=0.2, max_depth=3)


def fit(train: Part, validation: Part, config: ModelConfig = TREES) -> Trained:
    return train_model(
        "t", config, train, validation, TrainConfig(), seed=1, progress=Silent(), on_epoch=lambda record: None
    )


def rmse(trained: Trained, part: Part) -> float:
    return float(np.sqrt(np.mean((trained.model.scores(part.inputs) - part.target) ** 2)))


def test_a_line_is_learned_nearly_down_to_its_noise(line: Draw) -> None:
    trained = fit(line(6000, seed=1), line(2000, seed=2))
    # Without the inputs it would be sqrt(0.15²/3 + 0.1²/3 + 0.03²) = 0.108. Steps instead of slopes cost a little.
    assert NOISE < rmse(trained, line(4000, seed=3)) < 1.08 * NOISE
    assert trained.warnings == ()


def test_rounds_stop_when_the_rmse_has_not_fallen_for_long(line: Draw) -> None:
    validation = line(300, seed=2)
    trained = fit(line(500, seed=1), validation, TREES.model_copy(update={"patience": 10}))
    figures = [record.validation_rmse for record in trained.history]
    assert trained.best_epoch == int(np.argmin(np.array(figures, float))) + 1
    assert len(figures) == trained.best_epoch + 10
    record = trained.history[trained.best_epoch - 1]
    assert rmse(trained, validation) == pytest.approx(record.validation_rmse, rel=1e-4)
    assert record.validation_loss == pytest.approx((record.validation_rmse or 0) ** 2)
    predicted = trained.model.scores(validation.inputs)
    same = np.round(predicted * 10) == np.round(validation.target.astype(float) * 10)
    assert record.validation_tolerance_accuracy == pytest.approx(np.mean(same), abs=1e-6)
    assert (record.train_accuracy, record.validation_accuracy, record.validation_auc) == (None, None, None)
    assert (record.train_rmse or 1) < (record.validation_rmse or 0)


def test_predictions_stay_in_the_unit_interval(line: Draw) -> None:
    # Targets of 0 or 1 by the sum of two inputs: where both say the same, a sum of stumps overshoots.
    part = line(400, seed=1)
    part = replace(part, target=(part.inputs[:, 0] + part.inputs[:, 1] > 0).astype(np.float32))
    trained = fit(part, part, TREES.model_copy(update={"max_depth": 1, "rounds": 100}))
    assert isinstance(trained.model, TreesPredictor)
    margins, scores = trained.model.margins(part.inputs), trained.model.scores(part.inputs)
    assert margins.min() < 0 < 1 < margins.max()
    assert (scores.min(), scores.max()) == (0, 1)


def test_a_weight_of_two_is_the_event_twice(line: Draw) -> None:
    # Few distinct values: both samples have the same bins.
    train, validation = line(200, seed=1), line(300, seed=2)
    train = replace(train, inputs=np.round(train.inputs * 4))
    heavy = replace(train, weight=np.where(np.arange(200) < 80, 2, 1).astype(np.float32))
    rows = np.concatenate([np.arange(200), np.arange(80)])
    twice = replace(train, inputs=train.inputs[rows], target=train.target[rows], weight=np.ones(280, np.float32))
    config = TreesConfig(rounds=10, max_depth=2, learning_rate=0.3, reg_lambda=0.0, min_child_weight=0.0)
    one, other, light = (
        fit(part, validation, config).model.scores(validation.inputs) for part in (heavy, twice, train)
    )
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert np.max(np.abs(one - light)) > 1e-3


def test_a_saved_model_knows_what_it_predicts(line: Draw, toy: Draw, tmp_path: Path) -> None:
    for name, part, numbers in (("line", line(200, seed=1), True), ("toy", toy(200, seed=1), False)):
        model = fit(part, part, TreesConfig(rounds=20, max_depth=3)).model
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
        loaded = load_model(TreesConfig(), tmp_path / name, (3,))
        assert isinstance(loaded, TreesPredictor)
        assert loaded.predicts_numbers == numbers
        assert np.array_equal(loaded.scores(part.inputs), model.scores(part.inputs))
        assert model.widths(part.inputs) is None


def test_trees_that_may_not_split_are_dead(line: Draw) -> None:
    trained = fit(line(300, seed=1), line(200, seed=2), TreesConfig(rounds=5, min_child_weight=1e9))
    assert trained.warnings == ("dead model: the same prediction for all 200 validation events",)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (TreesConfig(loss="gaussian"), "loss: trees in a regression have squared; found gaussian"),
        (AdaBoostConfig(), "loss: AdaBoost tells classes apart and predicts no number; take trees or mlp"),
    ],
)
def test_what_learns_no_numbers_is_one_line(config: ModelConfig, said: str, line: Draw) -> None:
    told: list[EpochRecord] = []
    with pytest.raises(ConfigError) as raised:
        train_model(
            "t",
            config,
            line(50, seed=1),
            line(50, seed=2),
            TrainConfig(),
            seed=1,
            progress=Silent(),
            on_epoch=told.append,
        )
    assert str(raised.value) == said
    assert told == []
