"""Scores averaged over symmetric copies: in a run, from its folder, in a file of Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.collisions import NAMES, OBJECTS, collisions

from hepsieve.config import PrepareConfig
from hepsieve.data_config import DataConfig
from hepsieve.errors import IntegrityError
from hepsieve.events import Events, TargetScale
from hepsieve.manifest import write_manifest
from hepsieve.models.config import CNNConfig, Flip, MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.models.learner import Symmetry
from hepsieve.prepare import split
from hepsieve.prepare.copies import turned
from hepsieve.prepare.mirrored import mirrored
from hepsieve.score.bundle import COPIES_FILE, Schema, load_bundle, save_bundle
from hepsieve.score.export import export_keras
from hepsieve.score_map import ScoreCalibration, Temperature
from hepsieve.train.run import Fitted, mixture_width, train

ALL: tuple[Symmetry, ...] = ("rotation", "reflection", "mirror")
FLIPS: tuple[Flip, ...] = ("rows", "columns")
SETTINGS = TrainConfig(epochs=2, batch_size=50, symmetries=ALL, flips=FLIPS, device="cpu")


def images(n: int, seed: int) -> Events:
    rng = np.random.default_rng(seed)
    pixels = rng.exponential(size=(n, 8, 9, 1)) * (rng.random((n, 8, 9, 1)) < 0.6)
    return Events.from_arrays(pixels.astype(np.float32), rng.integers(0, 2, n), names=("energy",))


def fitted(config: ModelConfig, draw: Callable[[int, int], Events]) -> Fitted:
    """A model of a run, trained on 120 of 200 events."""
    events = draw(200, 1)
    settings = SETTINGS if events.features.ndim == 2 else SETTINGS.model_copy(update={"symmetries": ()})
    parts = split(events, validation=0.2, test=0.2, seed=1)
    return train({"net": config}, parts, prepare=PrepareConfig(), settings=settings, seed=1).models["net"]


def saved(folder: Path, model: Fitted, events: Events, **data: Any) -> Path:
    schema = Schema(
        task="toy",
        classes=("no", "yes"),
        features=events.names,
        units=("",) * len(events.names),
        data=DataConfig(**data),
        model="net",
        config=model.config,
        members=len(model.members),
    )
    save_bundle(folder, model, schema, events.features)
    return folder


TABLES = [
    MLPConfig(widths=(6,), average=8),
    MLPConfig(widths=(6,), backend="keras", average=2, symmetries=("reflection",)),
    TreesConfig(rounds=5, average=4, symmetries=("reflection", "mirror")),
]


@pytest.mark.parametrize("config", TABLES, ids=lambda config: f"{config.kind}{config.average}")
def test_a_model_of_tables_scores_mirror_images_alike(config: Any, tmp_path: Path) -> None:
    model, events = fitted(config, collisions), collisions(90, 7)
    scores = model.scores(events)
    once = Fitted(name="net", config=config, members=model.members)
    for member, alone in zip(once.members, model.members, strict=True):
        inputs = alone.preparation.apply(events.features, NAMES)
        assert np.abs(member.trained.model.scores(inputs) - scores).max() > 1e-3  # the average is another score
    changes: dict[str, Any] = {
        "reflection": {"reflected": True},
        "mirror": {"mirrored": True},
        "rotation": {"angle": 0.5},
    }
    for name in config.symmetries or ALL:
        image = events.replace(features=turned(events.features, NAMES, OBJECTS, **changes[name]))
        np.testing.assert_allclose(model.scores(image), scores, atol=2e-6)
    bundle = load_bundle(saved(tmp_path / "net", model, events))
    np.testing.assert_allclose(bundle.scores(events.features), scores, atol=1e-6)
    (predicted,) = bundle.predict(events.features)
    np.testing.assert_array_equal(predicted, bundle.scores(events.features))


@pytest.mark.parametrize(
    "config",
    [CNNConfig(filters=(2,), dense=(4,), average_flips=True), MLPConfig(widths=(5,), average_flips=True)],
    ids=["images", "flattened"],
)
def test_a_model_of_images_scores_mirrored_ones_alike(config: Any, tmp_path: Path) -> None:
    model, events = fitted(config, images), images(40, 7)
    scores, (member,) = model.scores(events), model.members
    alone = member.trained.model.scores(member.preparation.apply(events.features, events.names))
    assert np.abs(alone - scores).max() > 1e-4
    for flip in FLIPS:
        image = events.replace(features=mirrored(events.features, flip))
        np.testing.assert_allclose(model.scores(image), scores, atol=1e-6)
    folder = saved(tmp_path / "net", model, events)
    np.testing.assert_allclose(load_bundle(folder).scores(events.features), scores, atol=1e-6)
    if config.kind == "cnn":
        export_keras(load_bundle(folder), folder, tmp_path / "net.keras")  # compares with the reference scores itself


def test_a_keras_file_takes_the_mean_too(tmp_path: Path) -> None:
    events = collisions(90, 7)
    model = fitted(MLPConfig(widths=(6,), average=8), collisions)
    cool = ScoreCalibration(
        method="temperature",
        applied=True,
        why="",
        fitted=Temperature(temperature=1.7, low=1.0, high=2.0),
        n_events=9,
    )
    model = Fitted(name="net", config=model.config, members=model.members, calibration=cool)
    folder = saved(tmp_path / "net", model, events)
    bundle = load_bundle(folder)
    file, _ = export_keras(bundle, folder, tmp_path / "net.keras")
    import keras  # its backend was chosen by then

    # The columns of the file are those of the preparation.
    (member,) = bundle.members
    columns = [NAMES.index(name) for name in member.preparation.features]
    loaded = keras.saving.load_model(file, compile=False)
    found = np.asarray(loaded.predict_on_batch(events.features[:, columns]))[:, 0]
    np.testing.assert_allclose(found, model.scores(events), atol=1e-5)


def test_widths_are_those_of_the_mixture_of_copies(tmp_path: Path) -> None:
    def lines(n: int, seed: int) -> Events:
        target = np.random.default_rng(seed).random(n).astype(np.float32)
        return collisions(n, seed).replace(target=target, scale=TargetScale(name="m"))

    config = MLPConfig(widths=(6,), loss="gaussian", average=2, symmetries=("reflection",))
    model, events = fitted(config, lines), lines(30, 7)
    (member,) = model.members
    assert member.copies is not None
    said = []
    for copy in member.copies.of(events.features, NAMES):
        inputs = member.preparation.apply(copy, NAMES)
        said.append((member.trained.model.scores(inputs), member.trained.model.widths(inputs)))
    means, widths = zip(*said, strict=True)
    found = model.widths(events)
    assert found is not None
    np.testing.assert_allclose(found, mixture_width(means, widths), rtol=1e-6)
    np.testing.assert_allclose(model.scores(events), np.mean(means, axis=0), rtol=1e-6)


def test_a_damaged_average_is_refused(tmp_path: Path) -> None:
    events = collisions(30, 7)
    folder = saved(tmp_path / "net", fitted(MLPConfig(widths=(4,), average=4), collisions), events)
    (folder / COPIES_FILE).write_text('{"kind": "images", "flips": []}')
    with pytest.raises(IntegrityError, match=COPIES_FILE):
        load_bundle(folder)
    (folder / "manifest.json").unlink()
    write_manifest(folder, {})
    with pytest.raises(IntegrityError, match=f"{COPIES_FILE} can't be read"):
        load_bundle(folder)


def test_no_file_is_written_where_nothing_is_averaged(tmp_path: Path) -> None:
    events = collisions(30, 7)
    model = fitted(MLPConfig(widths=(4,)), collisions)
    assert not (saved(tmp_path / "net", model, events) / COPIES_FILE).exists()
    (member,) = model.members
    inputs = member.preparation.apply(events.features, NAMES)
    np.testing.assert_array_equal(model.scores(events), member.trained.model.scores(inputs))
