"""Trainings that begin where others ended: trees that stay, weights that count as epoch 0, and what is refused."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import xgboost
from tests.conftest import toy_rows
from tests.train.interruptions import Cut, assert_same, content, cut_at, small_blocks

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError, IntegrityError
from hepsieve.events import Events, TargetScale
from hepsieve.history import EpochRecord
from hepsieve.models.config import (
    AdaBoostConfig,
    MLPConfig,
    ModelConfig,
    Piecewise,
    TabMConfig,
    TrainConfig,
    TreesConfig,
)
from hepsieve.models.mlp import Weights
from hepsieve.models.trees import TreesPredictor
from hepsieve.models.weights import load_arrays
from hepsieve.prepare import split
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.inputs import inputs_key, inputs_of, require_inputs
from hepsieve.train.run import train
from hepsieve.train.start import TREES, load_start, start_of
from hepsieve.train.stored_inputs import store_inputs

FIRST = TreesConfig(rounds=5, max_depth=3)
MORE = TreesConfig(rounds=12, patience=3, max_depth=2, learning_rate=0.05)
NET = MLPConfig(widths=(8,))
MEMBERS = TabMConfig(members=2, width=8, embedding=Piecewise(bins=3, size=2))
SETTINGS = TrainConfig(epochs=3, batch_size=40, device="cpu")
Draw = Callable[..., Part]


def fit(config: ModelConfig, parts: tuple[Part, Part], **options: Any) -> Trained:
    chosen = {"settings": SETTINGS, "on_epoch": lambda record: None, **options}
    settings = chosen.pop("settings")
    return train_model("model", config, *parts, settings, seed=1, progress=Silent(), **chosen)


def liar(part: Part) -> Part:
    """The same events in the other class."""
    return replace(part, target=1 - part.target)


def booster(trained: Trained) -> xgboost.Booster:
    assert isinstance(trained.model, TreesPredictor)
    found: xgboost.Booster = trained.model.booster
    return found


def trees_of(trained: Trained) -> Weights:
    return cast("Weights", {TREES: np.frombuffer(booster(trained).save_raw("ubj"), np.uint8)})


def test_trees_of_the_start_stay_and_others_follow(toy: Draw) -> None:
    first = fit(FIRST, (toy(400, seed=1), toy(200, seed=2)))
    validation = toy(300, seed=4)
    both = fit(MORE, (toy(500, seed=3), validation), start=trees_of(first))
    former, all_of_them = (booster(one).get_dump() for one in (first, both))
    assert all_of_them[: len(former)] == former
    assert len(all_of_them) == len(former) + both.best_epoch
    assert [record.epoch for record in both.history] == list(range(1, len(both.history) + 1))
    assert both.best_epoch > 0
    # In bins of the new events thresholds of the former trees would lie elsewhere, and losses would not be these.
    margins = booster(both).predict(xgboost.DMatrix(validation.inputs), output_margin=True).astype(float)
    loss = np.mean(np.logaddexp(0, margins) - validation.target * margins)
    assert both.history[both.best_epoch - 1].validation_loss == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("kind", ["toy", "line"])
def test_trees_that_nothing_improves_are_kept_as_they_were(kind: str, request: pytest.FixtureRequest) -> None:
    draw: Draw = request.getfixturevalue(kind)
    first = fit(FIRST, (draw(400, seed=1), draw(200, seed=2)))
    worse = fit(MORE, (liar(draw(400, seed=3)), draw(200, seed=4)), start=trees_of(first))
    assert (worse.best_epoch, len(worse.history)) == (0, MORE.patience)
    assert booster(worse).get_dump() == booster(first).get_dump()
    assert any("no epoch was better" in warning for warning in worse.warnings)


def test_trees_with_a_start_go_on_after_a_break(toy: Draw, tmp_path: Path) -> None:
    start = trees_of(fit(FIRST, (toy(400, seed=1), toy(200, seed=2))))
    parts = toy(500, seed=3), toy(300, seed=4)
    whole = fit(MORE, parts, start=start)
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0, told=told.append)

    def cut(record: EpochRecord) -> None:
        if record.epoch == 4:
            raise Cut

    with pytest.raises(Cut):
        fit(MORE, parts, start=start, checkpoint=checkpoint, on_epoch=cut)
    assert_same(whole, fit(MORE, parts, start=start, checkpoint=checkpoint), tmp_path)
    assert told == ["model: taken up after round 3"]


@pytest.mark.parametrize("backend", ["torch", "keras"])
@pytest.mark.parametrize("config", [NET, MEMBERS], ids=["mlp", "tabm"])
def test_a_network_that_nothing_improves_keeps_the_weights_of_the_start(
    backend: str, config: MLPConfig | TabMConfig, toy: Draw, tmp_path: Path
) -> None:
    first = fit(config, (toy(200, seed=1), toy(100, seed=2)))
    first_weights = weights(first, tmp_path / "first")
    config = config.model_copy(update={"backend": backend})
    parts = liar(toy(200, seed=3)), toy(100, seed=4)
    worse = fit(config, parts, start=first_weights, settings=SETTINGS.model_copy(update={"learning_rate": 0.1}))
    assert worse.best_epoch == 0
    assert "no epoch was better on validation than what it began with, which is kept" in worse.warnings
    kept = weights(worse, tmp_path / "kept")
    assert all(np.array_equal(kept[name], first_weights[name]) for name in first_weights)
    last = fit(config, parts, start=first_weights, settings=TrainConfig(epochs=1, keep="last", patience=None))
    assert last.best_epoch == 1


def weights(trained: Trained, folder: Path) -> Weights:
    content(trained, folder)
    return load_arrays(folder / "weights.safetensors")


def test_a_network_with_a_start_goes_on_after_a_break(toy: Draw, tmp_path: Path) -> None:
    start = weights(fit(NET, (toy(200, seed=1), toy(100, seed=2))), tmp_path / "first")
    parts = toy(300, seed=3), toy(100, seed=4)
    with small_blocks(parts[0]):
        whole = fit(NET, parts, start=start)
        checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
        with pytest.raises(Cut), cut_at(11):
            fit(NET, parts, start=start, checkpoint=checkpoint)
        resumed = fit(NET, parts, start=start, checkpoint=checkpoint)
    assert_same(whole, resumed, tmp_path)
    assert figures_of(whole) != figures_of(fit(NET, parts))


def figures_of(trained: Trained) -> list[float | None]:
    return [record.validation_loss for record in trained.history]


# Below, the start is a run of the toy task: trees, stumps (AdaBoost) and net on a, b, c.


def events(n: int = 240, *, seed: int = 5, names: tuple[str, ...] = ("a", "b", "c")) -> Events:
    features, label = toy_rows(n, seed=seed)
    return Events.from_arrays(features[:, : len(names)], label.astype(np.float32), names=names)


def test_a_start_is_found_by_name_or_else_by_architecture(finished: Path) -> None:
    for name in ("net", "other"):
        start = load_start(name, NET, finished, events(), PrepareConfig())
        assert set(start.weights) == set(load_arrays(finished / "models" / "net" / "weights.safetensors"))
        stored = (finished / "models" / "net" / "preparation.json").read_text(encoding="utf-8")
        assert start.preparation == type(start.preparation).model_validate_json(stored)
    trees = load_start("mine", TreesConfig(max_depth=6), finished, events(), PrepareConfig())
    assert bytes(trees.weights[TREES]) == (finished / "models" / "trees" / "model.ubj").read_bytes()


@pytest.mark.parametrize(
    ("config", "data", "prepare", "says"),
    [
        (MLPConfig(widths=(9,)), {}, {}, r"no model of the architecture kind mlp.*net is kind mlp"),
        (TabMConfig(), {}, {}, "no model of the architecture kind tabm"),
        (NET, {"names": ("a", "b")}, {}, "other features: c of them, which this model does not get"),
        (NET.model_copy(update={"without": ("b",)}), {}, {}, "other features: b of them"),
        (TreesConfig(without=("b", "c")), {}, {}, "other features: b, c of them"),
        (NET, {}, {"scale": "minmax"}, "prepare.scale: standardise, and here it is minmax; set it alike"),
        (NET, {}, {"log": ("a",)}, r"prepare.log: \(\), and here it is"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    config: Any, data: dict[str, Any], prepare: dict[str, Any], says: str, finished: Path
) -> None:
    with pytest.raises(ConfigError, match=says) as told:
        load_start("net", config, finished, events(**data), PrepareConfig.model_validate(prepare))
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(f"models.net: start_from {finished}: ")


def test_features_that_the_run_did_not_have_are_named(finished: Path) -> None:
    features, label = toy_rows(50)
    more = np.concatenate([features, features[:, :1]], axis=1)
    wide = Events.from_arrays(more, label.astype(np.float32), names=("a", "b", "c", "d"))
    with pytest.raises(ConfigError, match="other features: not from d; leave them out"):
        load_start("net", NET, finished, wide, PrepareConfig())


def test_a_changed_run_is_no_start(finished: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(finished, tmp_path / "copy")
    file = copy / "models" / "trees" / "model.ubj"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(IntegrityError, match=r"model\.ubj"):
        load_start("trees", FIRST, copy, events(), PrepareConfig())


def test_who_begins_with_a_run() -> None:
    own, common = Path("own"), TrainConfig(start_from=Path("common"))
    assert start_of(NET, common) == start_of(FIRST, common) == common.start_from
    assert start_of(FIRST.model_copy(update={"start_from": own}), common) == own
    assert start_of(NET.model_copy(update={"start_from": own}), common) == own
    assert start_of(AdaBoostConfig(), common) is None
    assert start_of(TreesConfig(shards=2), common) is None
    with pytest.raises(ValueError, match="begin anew"):
        TreesConfig(shards=2, start_from=own)


def test_all_models_are_checked_before_one_is_trained(finished: Path) -> None:
    parts, chosen = split(events(), seed=1), TrainConfig(epochs=1, start_from=finished)
    told: list[str] = []
    with pytest.raises(ConfigError, match=r"models\.wide: start_from"):
        train(
            {"net": NET, "wide": MLPConfig(widths=(9,))},
            parts,
            prepare=PrepareConfig(),
            settings=chosen,
            seed=1,
            on_epoch=lambda record: told.append(record.model),
        )
    assert told == []


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.cluster)])
def test_every_fold_begins_with_the_run_wherever_it_is_trained(finished: Path, jobs: int) -> None:
    parts, chosen = split(events(), folds=3, seed=1), TrainConfig(epochs=1, start_from=finished)
    models: dict[str, ModelConfig] = {"trees": TreesConfig(rounds=2), "net": NET}
    run = train(models, parts, prepare=PrepareConfig(), settings=chosen, seed=1, jobs=jobs)
    former = xgboost.Booster(model_file=finished / "models" / "trees" / "model.ubj").get_dump()
    stored = (finished / "models" / "trees" / "preparation.json").read_text(encoding="utf-8")
    assert len(run.models["trees"].members) == 3
    for member in run.models["trees"].members:
        assert booster(member.trained).get_dump()[: len(former)] == former
        assert member.preparation == type(member.preparation).model_validate_json(stored)


@pytest.mark.cluster
def test_processes_that_share_a_training_begin_with_the_run(finished: Path) -> None:
    parts = split(events(), seed=1)
    chosen = TrainConfig(epochs=1, batch_size=40, start_from=finished, device="cpu")
    runs = [
        train({"net": NET}, parts, prepare=PrepareConfig(), settings=chosen.model_copy(update={"processes": n}), seed=1)
        for n in (1, 2)
    ]
    held = parts.validation
    one, two = (run.models["net"].scores(held) for run in runs)
    assert np.allclose(one, two, atol=1e-5)
    assert math.isfinite(one.sum())


def test_the_start_is_part_of_what_a_training_is_known_by(finished: Path, tmp_path: Path) -> None:
    parts = split(events(), seed=1)
    given: dict[str, Any] = {"prepare": PrepareConfig(), "seed": 1, "impute": False, "name": "trees"}
    begun = TrainConfig(start_from=finished)
    inputs = inputs_of(FIRST, parts.train, parts.validation, settings=begun, **given)
    assert inputs.start is not None
    assert inputs_key("trees", FIRST, begun) != inputs_key("trees", FIRST, TrainConfig())
    anew = replace(inputs, start=None)
    assert inputs.fingerprint != anew.fingerprint
    stored = store_inputs(inputs, tmp_path).mapped()
    assert stored.start is not None
    assert stored.start[TREES].dtype == np.uint8
    assert np.array_equal(stored.start[TREES], inputs.start[TREES])
    assert store_inputs(anew, tmp_path).mapped().start is None


def test_derived_features_and_frames_are_compared_as_they_were_chosen(finished: Path) -> None:
    """The toy run derived nothing."""
    with pytest.raises(ConfigError, match=r"made with derive: \(\), and here it is \('delta_r',\)"):
        load_start("net", NET, finished, events(), PrepareConfig(derive=("delta_r",)))
    require_inputs({"net": NET}, split(events(), seed=1), PrepareConfig(), TrainConfig(start_from=finished))


def test_classes_are_no_start_for_numbers(finished: Path) -> None:
    numbers = events().replace(scale=TargetScale(name="d"))
    with pytest.raises(ConfigError, match="that run is a classification, and this one a regression"):
        load_start("net", NET, finished, numbers, PrepareConfig())
