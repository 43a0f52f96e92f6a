"""Networks that look at images learn by the same rules in both frameworks, and leave off and go on exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.errors import TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.architecture import ImageConfig
from hepsieve.models.config import CNNConfig, ResNetConfig, ShowerNetConfig, TrainConfig
from hepsieve.models.keras import spatial as keras_spatial
from hepsieve.models.torch import spatial as torch_spatial
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, batches, threads, train_model
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.figures import weighted_auc
from hepsieve.train.trained import OnEpoch

Showers = Callable[..., Part]
BACKENDS = ("torch", "keras")
RESNET = ResNetConfig(filters=(4, 8), blocks=(1, 1))
SHOWER = ShowerNetConfig(window=(9, 11), filters=(8,), blocks=(1,))
QUICK = TrainConfig(epochs=2, batch_size=50, learning_rate=0.01, device="cpu")


def fit(
    train: Part,
    validation: Part,
    settings: TrainConfig,
    config: ImageConfig = RESNET,
    *,
    backend: str = "torch",
    seed: int = 1,
    checkpoint: Checkpoint | None = None,
    on_epoch: OnEpoch = lambda record: None,
) -> Trained:
    config = config.model_copy(update={"backend": backend})
    return train_model(
        "net",
        config,
        train,
        validation,
        settings,
        seed=seed,
        progress=Silent(),
        on_epoch=on_epoch,
        checkpoint=checkpoint,
    )


def weights(trained: Trained) -> Mapping[str, NDArray[np.float32]]:
    match trained.model:
        case torch_spatial.TorchSpatialPredictor(model=model):
            return torch_spatial.weights(model)
        case keras_spatial.KerasSpatialPredictor(model=model):
            return keras_spatial.weights(model)
        case _:
            raise AssertionError(trained.model)


def same(one: Trained, other: Trained) -> bool:
    return all(values.tobytes() == weights(other)[name].tobytes() for name, values in weights(one).items())


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with two cores, for networks large enough."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(threads, "WORTH_THREADS", 0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_resnet_tells_wide_showers_from_narrow_ones(backend: str, showers: Showers) -> None:
    settings = TrainConfig.model_validate(
        {**QUICK.model_dump(), "epochs": 3, "monitor": "auc", "flips": ("rows", "columns")}
    )
    trained = fit(showers(600, seed=1), showers(300, seed=2), settings, backend=backend)
    losses = [record.train_loss or np.nan for record in trained.history]
    assert losses[-1] < 0.8 * losses[0]
    test = showers(1000, seed=3)
    assert weighted_auc(trained.model.scores(test.inputs), test.target == 1, test.weight.astype(float)) > 0.95


@pytest.mark.parametrize("config", [CNNConfig(filters=(4,), dense=(8,)), SHOWER])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_kind_of_network_learns(backend: str, config: ImageConfig, showers: Showers) -> None:
    trained = fit(showers(600, seed=1), showers(300, seed=2), QUICK, config, backend=backend)
    # Guessing gives 0.5 with a standard error of 0.03.
    assert (trained.history[-1].validation_auc or 0) > 0.75


@pytest.mark.parametrize("config", [RESNET, SHOWER])
def test_both_frameworks_take_the_same_full_batch_steps(config: ImageConfig, showers: Showers) -> None:
    parts = showers(60, seed=1), showers(50, seed=2)
    settings = TrainConfig(
        epochs=4, batch_size=60, optimizer="sgd", learning_rate=0.1, weight_decay=0.01, patience=None, device="cpu"
    )
    ours, theirs = (fit(*parts, settings, config, backend=backend) for backend in BACKENDS)
    for a, b in zip(ours.history, theirs.history, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, rel=2e-4)
        # Validation goes by the running statistics: Keras keeps the variance of the batch, PyTorch the unbiased one.
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=2e-3)
    np.testing.assert_allclose(ours.model.scores(parts[1].inputs), theirs.model.scores(parts[1].inputs), atol=5e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_seeds_give_equal_bytes_and_flips_are_drawn(backend: str, showers: Showers) -> None:
    parts = showers(200, seed=1), showers(100, seed=2)
    mirrored = QUICK.model_copy(update={"flips": ("columns",)})
    one, again, plain, other = (
        fit(*parts, settings, backend=backend, seed=seed)
        for settings, seed in ((mirrored, 1), (mirrored, 1), (QUICK, 1), (mirrored, 2))
    )
    assert same(one, again)
    assert not same(one, plain)
    assert not same(one, other)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_best_epoch_is_kept_with_its_running_statistics(backend: str, showers: Showers) -> None:
    # At this rate the loss soon goes up and down.
    settings = TrainConfig(epochs=5, batch_size=50, learning_rate=0.5, device="cpu")
    validation = showers(200, seed=2)
    trained = fit(showers(200, seed=1), validation, settings, backend=backend)
    losses = [record.validation_loss or np.nan for record in trained.history]
    assert trained.best_epoch == 1 + int(np.argmin(losses))
    scores = trained.model.scores(validation.inputs)
    kept = -np.mean(np.log(np.where(validation.target == 1, scores, 1 - scores)))
    assert kept == pytest.approx(min(losses), abs=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bfloat16_lands_near_float32(backend: str, showers: Showers) -> None:
    parts = showers(600, seed=1), showers(400, seed=2)
    full, half = (
        fit(*parts, QUICK.model_copy(update={"precision": precision}), backend=backend)
        for precision in ("float32", "bf16")
    )
    assert half.history[-1].train_loss == pytest.approx(full.history[-1].train_loss, abs=0.03)
    assert half.history[-1].validation_auc == pytest.approx(full.history[-1].validation_auc, abs=0.03)
    assert half.history[-1].train_loss != full.history[-1].train_loss
    assert all(values.dtype == np.float32 for values in weights(half).values())


CASES: dict[str, tuple[ImageConfig, dict[str, Any]]] = {
    "normalised and mirrored": (RESNET, {"flips": ("rows", "columns")}),
    "bf16": (RESNET, {"precision": "bf16", "schedule": {"kind": "cosine"}, "weight_decay": 0.01}),
    "dropout": (CNNConfig(filters=(4,), dense=(8,), dropout=0.3), {"flips": ("columns",)}),
}


class Cut(Exception):
    """What ends a process in the middle of a training."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("two_threads")
def test_a_training_ends_with_the_same_bytes_wherever_it_was_cut(case: str, showers: Showers, tmp_path: Path) -> None:
    config, chosen = CASES[case]
    settings = TrainConfig.model_validate({**QUICK.model_dump(), "epochs": 5, **chosen})
    parts = showers(130, seed=1), showers(60, seed=2)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)

    def cut(record: EpochRecord) -> None:
        if record.epoch == 4:
            raise Cut

    with pytest.raises(Cut):
        fit(*parts, settings, config, checkpoint=checkpoint, on_epoch=cut)
    resumed = fit(*parts, settings, config, checkpoint=checkpoint)
    whole = fit(*parts, settings, config)
    assert same(whole, resumed)
    assert [r.validation_loss for r in whole.history] == [r.validation_loss for r in resumed.history]


def test_where_the_images_lie_makes_no_difference(showers: Showers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "LARGE", 0)
    let_go: list[int] = []
    monkeypatch.setattr(batches, "let_go", lambda array: let_go.append(len(array)))
    train, validation = showers(200, seed=1), showers(100, seed=2)
    mapped = spill.empty(train.inputs.shape, np.float32)
    mapped[:] = train.inputs
    monkeypatch.setattr(batches, "_VALUES_AT_ONCE", 50 * 144)
    on_file = fit(replace(train, inputs=mapped), validation, QUICK)
    assert set(let_go) == {200}
    assert len(let_go) >= 8  # at least once for each of the four blocks, in two epochs
    assert same(fit(train, validation, QUICK), on_file)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_that_is_no_number_stops_the_training(backend: str, showers: Showers) -> None:
    train = showers(200, seed=1)
    inputs = train.inputs.copy()
    inputs[7, 6, 6, 0] = np.nan
    settings = QUICK.model_copy(update={"batch_size": 200})
    with pytest.raises(TrainingError, match=r"^net: epoch 1, batch 1: the loss is nan; lower train\.learning_rate"):
        fit(replace(train, inputs=inputs), showers(50, seed=2), settings, backend=backend)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_lands_near_the_cpu(precision: str, showers: Showers) -> None:
    parts = showers(2000, seed=1), showers(1000, seed=2)
    settings = QUICK.model_copy(update={"flips": ("rows", "columns")})
    on_cuda = settings.model_copy(update={"device": "cuda", "precision": precision})
    here, there = (fit(*parts, chosen) for chosen in (settings, on_cuda))
    # Each device draws its own orders and flips.
    assert there.history[-1].train_loss == pytest.approx(here.history[-1].train_loss, abs=0.05)
    assert there.history[-1].validation_auc == pytest.approx(here.history[-1].validation_auc, abs=0.03)
