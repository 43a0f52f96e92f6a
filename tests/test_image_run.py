"""From images to trained models that are judged, explained, applied, stored and exported like those of tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Told

from hepsieve import explain
from hepsieve.apply import apply
from hepsieve.config import EvaluateConfig, ExplainConfig, PrepareConfig, TaskConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.explain import rank_features
from hepsieve.folder import MODELS
from hepsieve.judge import judge
from hepsieve.models.config import CNNConfig, MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.occlusion import occlusion_maps
from hepsieve.prepare import split
from hepsieve.progress import Silent
from hepsieve.regions import regions_of
from hepsieve.score.bundle import load_bundle
from hepsieve.score.export import export_keras
from hepsieve.shower_shapes import ENERGY_SHAPES, TIME_SHAPES
from hepsieve.train.run import Run, train
from hepsieve.workflow import _save_models

SIZE = 14
SEED, BESIDE = (7, 6), (7, 9)
SMALL = CNNConfig(filters=(4,), dense=(8,), channels=("energy",), epochs=12)
NETWORKS: dict[str, ModelConfig] = {
    "both": CNNConfig(filters=(4,), dense=(8,), epochs=1),
    "time": CNNConfig(filters=(4,), dense=(), channels=("time",), epochs=1),
    "dense": MLPConfig(widths=(4,), epochs=1),
    "shapes": TreesConfig(shower_shapes=True, rounds=20, max_depth=2, without=("hits",)),
}
MODELS_ASKED: dict[str, ModelConfig] = {"cnn": SMALL, **NETWORKS}


def images(n: int = 1000, *, seed: int = 1) -> Events:
    """A hot crystal in the centre, noise around it, and for signal some energy three columns to the right."""
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 2
    pixels = np.zeros((n, SIZE, SIZE, 2))
    pixels[..., 0] = rng.exponential(0.001, (n, SIZE, SIZE)) * (rng.random((n, SIZE, SIZE)) < 0.2)
    pixels[:, *SEED, 0] = rng.normal(1, 0.05, n)
    pixels[:, *BESIDE, 0] += rng.exponential(0.05, n) * (rng.random(n) < 0.2 + 0.7 * target)
    pixels[..., 1] = rng.normal(3, 1, (n, SIZE, SIZE))
    return Events.from_arrays(pixels, target, names=("energy", "time"), units=("50 GeV", "ns"))


def task(**explained: bool | int) -> TaskConfig:
    return TaskConfig(
        task="toy",
        models={**MODELS_ASKED},
        evaluate=EvaluateConfig(resamples=100, slice_by="total energy", slice_bins=2),
        explain=ExplainConfig.model_validate(explained),
        seed=3,
    )


@pytest.fixture(scope="module")
def run() -> Run:
    settings = TrainConfig(batch_size=64, learning_rate=0.01)
    return train(MODELS_ASKED, split(images(), seed=1), prepare=PrepareConfig(), settings=settings, seed=1)


@pytest.fixture(scope="module")
def stored(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    _save_models(run, task(), folder)
    return folder / MODELS


def test_models_get_what_they_ask_for(run: Run) -> None:
    used = {name: fitted.members[0].preparation.features for name, fitted in run.models.items()}
    both = ("energy", "time")
    assert used == {"cnn": ("energy",), "both": both, "time": ("time", "energy"), "dense": both, "shapes": both}
    assert run.models["shapes"].members[0].preparation.shape == (22,)


def test_images_are_shown_by_their_shower_shapes(run: Run) -> None:
    evaluation = judge(run, task(), reason="a test", progress=Silent()).evaluation
    assert tuple(one.name for one in evaluation.features) == ENERGY_SHAPES + TIME_SHAPES
    assert {one.name: one.unit for one in evaluation.features}["seed time"] == "ns"
    side = next(one for one in evaluation.features if one.name == "column offset")
    assert side.auc.value is not None
    assert side.auc.value > 0.7
    assert len(evaluation.correlations["signal"]) == len(evaluation.features)
    assert evaluation.slices is not None
    assert evaluation.slices.column == "total energy"
    shifted = images(400, seed=5)
    shifted = shifted.replace(features=shifted.features * np.array([1.3, 1], np.float32))
    application = apply(run, evaluation, shifted, progress=Silent())
    found = {(one.feature, one.events): one.status for one in application.drift}
    assert found["total energy", "signal"] in ("drift", "far")
    assert found["e1", "background"] == "far"
    # Some models look at energy only, others at both channels.
    assert {name for name, _ in found} == {*ENERGY_SHAPES, *TIME_SHAPES}


def test_channels_are_shuffled_for_pixels_and_shapes_for_who_learned_from_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("row width", "e1", "side", "far hits")
    monkeypatch.setattr(explain, "names_of", lambda channels, *, ndim: few if "energy" in channels else ())
    openings = run.parts.test.openings
    ranking = rank_features(run, task(permutations=2, backward=True), progress=Silent())
    regions = tuple(region.name for region in regions_of(run.parts.train.features.shape[1:3]))
    assert len(regions) == 9
    assert {name: tuple(worth) for name, worth in ranking.importances.items()} == {
        # A single channel is all that these see.
        "cnn": regions,
        "time": regions,
        "both": ("energy", "time"),
        "dense": ("energy", "time"),
        "shapes": tuple(name for name in ENERGY_SHAPES + TIME_SHAPES if name != "hits"),
    }
    worth = {name: one.value or 0.0 for name, one in ranking.importances["shapes"].items()}
    assert max(worth.values()) > 0.05
    assert abs(worth["row width"]) < 0.02
    assert run.parts.test.openings == openings
    assert {step.left_out for step in ranking.backward} == {"row width", "e1", "far hits"}
    assert ranking.last_feature == "side"


def test_the_map_shows_the_crystal_that_tells_the_classes_apart(run: Run) -> None:
    maps = {(one.model, one.label): np.array(one.drop) for one in occlusion_maps(run, task(maps=60), progress=Silent())}
    assert {name for name, _ in maps} == {"cnn", "both", "time", "dense"}
    signal = maps["cnn", 1]
    # Every square around it holds the crystal, and only those next to it.
    assert tuple(map(int, np.unravel_index(signal.argmax(), signal.shape))) == BESIDE
    assert signal[BESIDE] > 5 * np.abs(signal[:3]).max()
    assert signal[BESIDE] > 2 * maps["cnn", 0][BESIDE]


def test_a_stored_model_scores_images_as_it_did(run: Run, stored: Path) -> None:
    new = images(30, seed=8)
    for name, fitted in run.models.items():
        bundle = load_bundle(stored / name)
        columns = [new.names.index(channel) for channel in bundle.schema.features]
        np.testing.assert_allclose(bundle.scores(new.features[..., columns]), fitted.scores(new), atol=1e-6)
        assert len(np.load(stored / name / "reference.npz")["features"]) == 20
    assert json.loads((stored / "cnn" / "schema.json").read_text(encoding="utf-8"))["units"] == ["50 GeV"]


@pytest.mark.parametrize("name", ["both", "time", "dense"])
def test_an_exported_network_takes_raw_images(run: Run, stored: Path, tmp_path: Path, name: str) -> None:
    bundle = load_bundle(stored / name)
    file, _ = export_keras(bundle, stored / name, tmp_path / "model.keras")
    import keras

    new = images(30, seed=8)
    wanted = [new.names.index(channel) for channel in bundle.members[0].preparation.features]
    exported = np.asarray(keras.saving.load_model(file).predict_on_batch(new.features[..., wanted]))[:, 0]
    np.testing.assert_allclose(exported, run.models[name].scores(new), atol=1e-5)


def test_shower_shapes_are_not_exported(stored: Path, tmp_path: Path) -> None:
    bundle = load_bundle(stored / "shapes")
    with pytest.raises(ConfigError, match="shapes is no network"):
        export_keras(bundle, stored / "shapes", tmp_path / "model.keras")


def test_images_of_unknown_channels_run_and_are_reported(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    target = rng.integers(0, 2, 160)
    images = rng.normal(size=(160, 8, 8, 1)) + 0.3 * target[:, None, None, None]
    np.savez(tmp_path / "a.npz", X=images.astype(np.float32), y=target)
    (tmp_path / "task.yaml").write_text(
        "task: pictures\ndata: {files: [a.npz]}\nmodels: {net: {kind: cnn, filters: [4], dense: [4]}}\n"
        "train: {epochs: 1, batch_size: 32}\n",
        encoding="utf-8",
    )
    told = hepsieve("run", tmp_path / "task.yaml", "--out", tmp_path / "run")
    assert told.status == 0, told.err
    assert (tmp_path / "run" / "report.html").exists()
    told = hepsieve("evaluate", tmp_path / "run", "--data", tmp_path / "b.npz")
    assert told.status == 2
    np.savez(tmp_path / "b.npz", X=images[:40].astype(np.float32) + 0.5, y=target[:40])
    told = hepsieve("evaluate", tmp_path / "run", "--data", tmp_path / "b.npz")
    assert told.status == 0, told.err
