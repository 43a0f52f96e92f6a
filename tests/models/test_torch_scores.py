"""Scores of PyTorch networks: as accurate as float32 allows, however many threads and batches they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hepsieve.models.config import MLPConfig, Taper
from hepsieve.models.torch import mlp

WIDE = MLPConfig(widths=Taper(first=600, layers=5))


def some_inputs(rows: int) -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(size=(rows, 28)).astype(np.float32)


def by_definition(model: mlp.MLP, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores of a ReLU network in float64."""
    values = inputs.astype(np.float64)
    for number, layer in enumerate(model.linears()):
        active = np.maximum(values, 0) if number > 0 else values
        values = active @ layer.weight.detach().numpy().astype(float).T + layer.bias.detach().numpy()
    return np.asarray(1 / (1 + np.exp(-values[:, 0])))


def test_scores_are_those_of_the_definition() -> None:
    model = mlp.build(WIDE, 28, seed=1)
    inputs = some_inputs(5000)
    scores = mlp.TorchPredictor(model=model).scores(inputs)
    assert scores.std() > 0.01
    np.testing.assert_allclose(scores, by_definition(model, inputs), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "config", [WIDE, MLPConfig(widths=(14, 7), activation="gelu", dropout=0.3)], ids=["wide", "small"]
)
def test_scores_do_not_depend_on_threads(config: MLPConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp, "_VALUES_AT_ONCE", 60_000)  # batches of 100 and of 2143
    predictor = mlp.TorchPredictor(model=mlp.build(config, 28, seed=1))
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(predictor.scores(some_inputs(5001)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(scores, found[0]) for scores in found)


def test_a_mapped_file_is_scored_without_a_copy(tmp_path: Path) -> None:
    np.save(tmp_path / "inputs.npy", some_inputs(100))
    mapped = np.load(tmp_path / "inputs.npy", mmap_mode="r")
    assert mlp.as_tensor(mapped).data_ptr() == mapped.ctypes.data
    predictor = mlp.TorchPredictor(model=mlp.build(WIDE, 28, seed=1))
    np.testing.assert_array_equal(predictor.scores(mapped), predictor.scores(some_inputs(100)))


def test_no_events_have_no_scores() -> None:
    assert mlp.TorchPredictor(model=mlp.build(WIDE, 28, seed=1)).scores(some_inputs(0)).shape == (0,)
