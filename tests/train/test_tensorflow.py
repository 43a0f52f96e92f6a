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
from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.models.torch import mlp
from hepsieve.progress import Silent
from hepsieve.train import Part, train_model

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_copied_weights_score_alike_and_a_training_goes_alike(
    dropout: float, toy: Callable[..., Part], tmp_path: Path
) -> None:
    config = MLPConfig(widths=(16, 8), activation="elu", dropout=dropout)
    settings = TrainConfig(epochs=5, batch_size=400, learning_rate=0.01, device="cpu")
    part = toy(400, seed=1)
    ours = mlp.TorchPredictor(model=mlp.build(config, 3, seed=7))
    (tmp_path / "model").mkdir()
    ours.save(tmp_path / "model")
    on_keras = config.model_copy(update={"backend": "keras"})
    (tmp_path / "config.json").write_text(on_keras.model_dump_json())
    (tmp_path / "settings.json").write_text(settings.model_dump_json())
    for name in ("inputs", "target", "weight"):
        np.save(tmp_path / f"{name}.npy", getattr(part, name))

    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("on_tensorflow.py"), tmp_path],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), ours.scores(part.inputs), rtol=0, atol=1e-5)
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    theirs = [EpochRecord.model_validate_json(line) for line in lines]
    assert [record.epoch for record in theirs] == [1, 2, 3, 4, 5]
    losses = np.array([[record.train_loss, record.validation_loss] for record in theirs], float)
    assert np.isfinite(losses).all()
    assert (np.diff(losses[:, 1]) < 0).all()
    if dropout == 0:  # each framework draws its own units to drop
        here = train_model("net", config, part, part, settings, seed=1, progress=Silent(), on_epoch=lambda record: None)
        expected = [[record.train_loss, record.validation_loss] for record in here.history]
        np.testing.assert_allclose(losses, np.array(expected, float), rtol=2e-4)
        np.testing.assert_allclose(np.load(tmp_path / "trained.npy"), here.model.scores(part.inputs), atol=2e-3)
