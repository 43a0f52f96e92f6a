"""Trainings of regressions that were interrupted, that read their waveforms from a file, and that are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hepsieve import spill
from hepsieve.history import EpochRecord
from hepsieve.models.config import MLPConfig, TrainConfig, WaveCNNConfig
from hepsieve.models.load import load_model
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, batches, train_model
from hepsieve.train.arithmetic import NetworkConfig
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.trained import OnEpoch

Draw = Callable[..., Part]
SETTINGS = TrainConfig(epochs=5, batch_size=40, learning_rate=0.01, device="cpu")
NETWORKS: dict[str, NetworkConfig] = {
    "squared": MLPConfig(widths=(8, 4)),
    "huber with dropout": MLPConfig(widths=(8, 4), loss="huber", dropout=0.2),
    "gaussian": MLPConfig(widths=(8, 4), loss="gaussian"),
    "waveforms": WaveCNNConfig(filters=4, pool=8, dense=8, loss="gaussian", dropout=0.2),
}


class Cut(Exception):
    """What ends a process in the middle of a training."""


def fit(
    config: NetworkConfig,
    parts: tuple[Part, Part],
    *,
    checkpoint: Checkpoint | None = None,
    on_epoch: OnEpoch = lambda record: None,
) -> Trained:
    return train_model(
        "net", config, *parts, SETTINGS, seed=1, progress=Silent(), on_epoch=on_epoch, checkpoint=checkpoint
    )


def kept(trained: Trained, folder: Path) -> bytes:
    folder.mkdir(parents=True)
    trained.model.save(folder)
    (file,) = folder.iterdir()
    return file.read_bytes()


def figures(trained: Trained) -> list[EpochRecord]:
    return [record.model_copy(update={"seconds": 0.0}) for record in trained.history]


def sample(config: NetworkConfig, line: Draw, pulses: Draw) -> tuple[Part, Part]:
    draw = line if isinstance(config, MLPConfig) else pulses
    return draw(200, seed=1), draw(100, seed=2)


@pytest.mark.parametrize("backend", ["torch", "keras"])
@pytest.mark.parametrize("name", ["gaussian", "waveforms"])
def test_a_saved_model_predicts_identically(name: str, backend: str, line: Draw, pulses: Draw, tmp_path: Path) -> None:
    config = NETWORKS[name].model_copy(update={"backend": backend})
    parts = sample(config, line, pulses)
    model = fit(config, parts).model
    model.save(tmp_path)
    loaded, inputs = load_model(config, tmp_path, parts[0].inputs.shape[1:]), parts[1].inputs
    assert np.array_equal(loaded.scores(inputs), model.scores(inputs))
    ours, theirs = model.widths(inputs), loaded.widths(inputs)
    assert ours is not None
    assert theirs is not None
    assert np.array_equal(ours, theirs)


def test_waveforms_on_a_file_train_as_those_in_memory(
    pulses: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_VALUES_AT_ONCE", 20_000)  # two batches of 40 waveforms are gathered at a time
    parts, config = (pulses(250, seed=1), pulses(100, seed=2)), NETWORKS["waveforms"]
    mapped = []
    for part in parts:
        inputs = spill.empty((8 * len(part), *part.inputs.shape[1:]), np.float32)[: len(part)]
        inputs[:] = part.inputs
        mapped.append(replace(part, inputs=inputs))
    here, there = fit(config, parts), fit(config, (mapped[0], mapped[1]))
    assert kept(here, tmp_path / "here") == kept(there, tmp_path / "there")
    assert figures(here) == figures(there)
