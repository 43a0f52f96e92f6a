from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hepsieve.errors import IntegrityError, TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.models.load import load_model
from hepsieve.models.trees import TreesPredictor
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.figures import weighted_auc

Toy = Callable[..., Part]
SETTINGS = TrainConfig()
STUMPS = TreesConfig(rounds=500, patience=30, learning_rate=0.2, max_depth=1)


def ignore(record: EpochRecord) -> None:
    return


def fit(config: TreesConfig, train: Part, validation: Part, settings: TrainConfig = SETTINGS, seed: int = 1) -> Trained:
    return train_model("t", config, train, validation, settings, seed=seed, progress=Silent(), on_epoch=ignore)


def dump(trained: Trained) -> list[str]:
    assert isinstance(trained.model, TreesPredictor)
    return list(trained.model.booster.get_dump())


def test_a_learnable_toy_reaches_its_optimum(toy: Toy, best_auc: float) -> None:
    trained = fit(STUMPS, toy(20_000, seed=1), toy(5000, seed=2))
    test = toy(40_000, seed=3)
    auc = weighted_auc(trained.model.scores(test.inputs), test.target == 1, test.weight.astype(float))
    assert auc == pytest.approx(best_auc, abs=0.01)
    assert trained.warnings == ()


def test_rounds_stop_after_patience_and_only_the_best_are_kept(toy: Toy) -> None:
    told: list[EpochRecord] = []
    config = TreesConfig(rounds=400, patience=10, learning_rate=0.3, max_depth=4)
    validation = toy(500, seed=2)
    trained = train_model(
        "t", config, toy(500, seed=1), validation, SETTINGS, seed=1, progress=Silent(), on_epoch=told.append
    )
    losses = [record.validation_loss for record in told]
    assert trained.history == tuple(told)
    assert [record.epoch for record in told] == list(range(1, len(told) + 1))
    assert trained.best_epoch == int(np.argmin(np.array(losses, float))) + 1
    assert len(told) == trained.best_epoch + 10
    assert isinstance(trained.model, TreesPredictor)
    assert trained.model.rounds == trained.best_epoch
    scores = trained.model.scores(validation.inputs)
    kept = -np.mean(np.log(np.where(validation.target == 1, scores, 1 - scores)))
    assert kept == pytest.approx(losses[trained.best_epoch - 1], abs=1e-6)
    right = np.mean((scores > 0.5) == (validation.target == 1))
    assert told[trained.best_epoch - 1].validation_accuracy == pytest.approx(right)


def test_two_bins_cut_each_feature_in_one_place(toy: Toy) -> None:
    config = STUMPS.model_copy(update={"max_bin": 2, "rounds": 40})
    cuts = set(re.findall(r"\[(f\d+)<([^\]]+)\]", "".join(dump(fit(config, toy(2000, seed=1), toy(500, seed=2))))))
    features = [feature for feature, _ in cuts]
    assert len(features) > 1
    assert len(set(features)) == len(features)


def test_one_seed_gives_the_same_trees(toy: Toy) -> None:
    config = TreesConfig(rounds=20, max_depth=3, subsample=0.5, colsample=0.5)
    parts = toy(500, seed=1), toy(200, seed=2)
    first = dump(fit(config, *parts))
    assert dump(fit(config, *parts)) == first
    assert dump(fit(config, *parts, seed=2)) != first


def test_validation_only_chooses_the_number_of_rounds(toy: Toy) -> None:
    config = TreesConfig(rounds=15, patience=50, max_depth=3)
    validation = toy(200, seed=2)
    corrupt = replace(validation, inputs=validation.inputs[::-1] * np.float32(100), target=1 - validation.target)
    one, other = (dump(fit(config, toy(500, seed=1), part)) for part in (validation, corrupt))
    assert one[: len(other)] == other[: len(one)]


def test_a_weight_of_two_is_the_event_twice(toy: Toy) -> None:
    # Few distinct values: both samples have the same bins. Without regularisation only ratios of weights matter.
    train = toy(200, seed=1)
    train = replace(train, inputs=np.round(train.inputs))
    heavy = replace(train, weight=np.where(np.arange(200) < 80, 2, 1).astype(np.float32))
    rows = np.concatenate([np.arange(200), np.arange(80)])
    twice = Part(inputs=train.inputs[rows], target=train.target[rows], weight=np.ones(280, np.float32))
    config = TreesConfig(rounds=10, max_depth=2, reg_lambda=0.0, min_child_weight=0.0)
    validation = toy(300, seed=2)
    one, other, light = (
        fit(config, part, validation).model.scores(validation.inputs) for part in (heavy, twice, train)
    )
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert np.max(np.abs(one - light)) > 1e-3


def test_the_scale_of_weights_does_not_matter(toy: Toy) -> None:
    train, validation = toy(500, seed=1), toy(200, seed=2)
    config = TreesConfig(rounds=10, max_depth=3, min_child_weight=10)
    small = replace(train, weight=train.weight * np.float32(1e-4))
    assert dump(fit(config, train, validation)) == dump(fit(config, small, validation))


def test_negative_weights_need_a_policy_that_xgboost_can_follow(toy: Toy) -> None:
    train = toy(300, seed=1)
    train = replace(train, weight=np.where(np.arange(300) < 7, -1, 1).astype(np.float32))
    validation = toy(100, seed=2)
    config = TreesConfig(rounds=5)
    keep = SETTINGS.model_copy(update={"negative_weights": "keep"})
    with pytest.raises(TrainingError, match=r"^t: train: 7 of 300 weights are negative, which xgboost refuses"):
        fit(config, train, validation, keep)
    positive = Part(inputs=train.inputs[7:], target=train.target[7:], weight=train.weight[7:])
    assert dump(fit(config, train, validation)) == dump(fit(config, positive, validation))


def test_trees_that_may_not_split_are_dead(toy: Toy) -> None:
    trained = fit(TreesConfig(rounds=5, min_child_weight=1e9), toy(300, seed=1), toy(200, seed=2))
    assert trained.warnings == ("dead model: the same score for all 200 validation events",)


def test_a_saved_model_scores_identically(toy: Toy, tmp_path: Path) -> None:
    model = fit(TreesConfig(rounds=30, max_depth=3), toy(500, seed=1), toy(200, seed=2)).model
    model.save(tmp_path)
    loaded = load_model(TreesConfig(), tmp_path, (3,))
    test = toy(1000, seed=3)
    assert loaded.framework == "xgboost"
    assert loaded.parameters == model.parameters
    assert np.array_equal(loaded.scores(test.inputs), model.scores(test.inputs))
    with pytest.raises(IntegrityError, match=r"model\.ubj: trees for 3 inputs; the preparation gives 4"):
        load_model(TreesConfig(), tmp_path, (4,))
    (tmp_path / "model.ubj").write_bytes(b"no trees")
    with pytest.raises(IntegrityError, match=r"model\.ubj: no xgboost model"):
        load_model(TreesConfig(), tmp_path, (3,))
    (tmp_path / "model.ubj").unlink()
    with pytest.raises(IntegrityError, match=r"model\.ubj: missing"):
        load_model(TreesConfig(), tmp_path, (3,))


def test_parameters_are_splits_and_leaves(toy: Toy) -> None:
    trained = fit(TreesConfig(rounds=6, max_depth=1, min_child_weight=0), toy(500, seed=1), toy(200, seed=2))
    # A stump has one split and two leaves.
    assert trained.model.parameters == 3 * trained.best_epoch
