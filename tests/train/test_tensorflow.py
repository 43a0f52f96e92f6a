"""Keras on TensorFlow scores and trains as PyTorch does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from hepsieve.history import EpochRecord
from hepsieve.models.config import MLPConfig, ResNetConfig, TrainConfig, WaveCNNConfig
from hepsieve.models.predictor import Predictor
from hepsieve.models.torch import mlp, spatial
from hepsieve.progress import Silent
from hepsieve.train import Part, train_model
from hepsieve.train.arithmetic import NetworkConfig
from hepsieve.train.figures import weighted_auc

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]


def on_tensorflow(
    config: NetworkConfig, settings: TrainConfig, part: Part, ours: Predictor, folder: Path
) -> list[EpochRecord]:
    """The epochs of a training on TensorFlow, in a process of its own that leaves scores in the folder."""
    (folder / "model").mkdir()
    ours.save(folder / "model")
    (folder / "config.json").write_text(config.model_copy(update={"backend": "keras"}).model_dump_json())
    (folder / "settings.json").write_text(settings.model_dump_json())
    (folder / "kind").write_text(part.kind)
    for name in ("inputs", "target", "weight"):
        np.save(folder / f"{name}.npy", getattr(part, name))
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("on_tensorflow.py"), folder],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [EpochRecord.model_validate_json(line) for line in lines]


@pytest.mark.parametrize(("dropout", "ema"), [(0.0, None), (0.3, None), (0.0, 0.6)])
def test_copied_weights_score_alike_and_a_training_goes_alike(
    dropout: float, ema: float | None, toy: Callable[..., Part], tmp_path: Path
) -> None:
    config = MLPConfig(widths=(16, 8), activation="elu", dropout=dropout)
    settings = TrainConfig(epochs=5, batch_size=400, learning_rate=0.01, ema=ema, device="cpu")
    part = toy(400, seed=1)
    ours = mlp.TorchPredictor(model=mlp.build(config, 3, seed=7))
    theirs = on_tensorflow(config, settings, part, ours, tmp_path)

    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), ours.scores(part.inputs), rtol=0, atol=1e-5)
    assert [record.epoch for record in theirs] == [1, 2, 3, 4, 5]
    losses = np.array([[record.train_loss, record.validation_loss] for record in theirs], float)
    assert np.isfinite(losses).all()
    assert (np.diff(losses[:, 1]) < 0).all()
    if dropout == 0:  # each framework draws its own units to drop
        here = train_model("net", config, part, part, settings, seed=1, progress=Silent(), on_epoch=lambda record: None)
        expected = [[record.train_loss, record.validation_loss] for record in here.history]
        np.testing.assert_allclose(losses, np.array(expected, float), rtol=2e-4)
        np.testing.assert_allclose(np.load(tmp_path / "trained.npy"), here.model.scores(part.inputs), atol=2e-3)


def test_a_resnet_scores_and_learns_alike(showers: Callable[..., Part], tmp_path: Path) -> None:
    config = ResNetConfig(filters=(4, 8), blocks=(1, 1))
    settings = TrainConfig(
        epochs=5, batch_size=50, learning_rate=0.01, monitor="auc", flips=("rows", "columns"), device="cpu"
    )
    part = showers(600, seed=1)
    ours = spatial.TorchSpatialPredictor(model=spatial.build(config, (12, 12, 1), seed=7).eval())
    theirs = on_tensorflow(config, settings, part, ours, tmp_path)

    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), ours.scores(part.inputs), rtol=0, atol=1e-5)
    losses = [record.train_loss for record in theirs if record.train_loss is not None]
    assert len(losses) == 5
    assert losses[-1] < 0.7 * losses[0]
    here = train_model("net", config, part, part, settings, seed=1, progress=Silent(), on_epoch=lambda record: None)
    signal, weight = part.target == 1, part.weight.astype(float)
    there = weighted_auc(np.load(tmp_path / "trained.npy"), signal, weight)
    # Each framework draws its own orders and flips: the best of five epochs differs between seeds by 0.005 or so.
    assert there == pytest.approx(weighted_auc(here.model.scores(part.inputs), signal, weight), abs=0.02)
    assert there > 0.95


def test_separations_and_their_widths_are_learned_alike(pulses: Callable[..., Part], tmp_path: Path) -> None:
    config = WaveCNNConfig(filters=4, kernel=5, pool=8, dense=8, loss="gaussian")
    settings = TrainConfig(epochs=5, batch_size=100, learning_rate=0.01, monitor="rmse", device="cpu")
    part = pulses(100, seed=1)
    ours = spatial.TorchSpatialPredictor(model=spatial.build(config, (200, 1), seed=7).eval())
    theirs = on_tensorflow(config, settings, part, ours, tmp_path)

    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), ours.scores(part.inputs), rtol=0, atol=1e-5)
    here = train_model("net", config, part, part, settings, seed=1, progress=Silent(), on_epoch=lambda record: None)
    for a, b in zip(here.history, theirs, strict=True):
        for name in ("train_loss", "train_rmse", "validation_loss", "validation_rmse"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-3, abs=1e-3)
    widths = here.model.widths(part.inputs)
    assert widths is not None
    np.testing.assert_allclose(np.load(tmp_path / "widths.npy"), widths, rtol=0.02)
