"""What holds for networks in both frameworks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from hepsieve.errors import TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import Cosine, MLPConfig, OneCycle, ReduceOnPlateau, TrainConfig
from hepsieve.models.keras import mlp as keras_mlp
from hepsieve.models.keras.mlp import KerasPredictor
from hepsieve.models.torch import mlp as torch_mlp
from hepsieve.models.torch.mlp import TorchPredictor
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.figures import weighted_auc

Toy = Callable[..., Part]
BACKENDS = ["torch", "keras"]
SMALL = MLPConfig(widths=(8, 4), dropout=0.1)
QUICK = TrainConfig(epochs=3, batch_size=64, learning_rate=0.01, device="cpu")


def fit(
    backend: str, train: Part, validation: Part, settings: TrainConfig, *, config: MLPConfig = SMALL, seed: int = 1
) -> Trained:
    config = config.model_copy(update={"backend": backend})
    return train_model(
        "net", config, train, validation, settings, seed=seed, progress=Silent(), on_epoch=lambda record: None
    )


def final_weights(trained: Trained) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    match trained.model:
        case TorchPredictor(model=model):
            return torch_mlp.weights(model)
        case KerasPredictor(model=model):
            return keras_mlp.weights(model)
        case _:
            raise AssertionError(trained.model)


def rare_signal(part: Part) -> Part:
    rows = np.flatnonzero((part.target == 0) | (np.arange(len(part)) % 10 == 0))
    return Part(inputs=part.inputs[rows], target=part.target[rows], weight=part.weight[rows])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_learnable_toy_reaches_its_optimum(backend: str, toy: Toy, best_auc: float) -> None:
    settings = TrainConfig(epochs=8, learning_rate=0.01, schedule=Cosine(), device="cpu")
    trained = fit(backend, toy(6000, seed=1), toy(2000, seed=2), settings, config=MLPConfig(widths=(16,)))
    test = toy(40_000, seed=3)
    auc = weighted_auc(trained.model.scores(test.inputs), test.target == 1, test.weight.astype(float))
    # 20,000 events a class: the AUC's standard error is 0.002.
    assert auc == pytest.approx(best_auc, abs=0.01)
    assert trained.warnings == ()


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_seed_gives_one_network(backend: str, toy: Toy) -> None:
    parts = toy(500, seed=1), toy(200, seed=2)
    first, again = (final_weights(fit(backend, *parts, QUICK)) for _ in range(2))
    other = final_weights(fit(backend, *parts, QUICK, seed=2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["layers.0.weight"], other["layers.0.weight"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_callers_random_state_neither_matters_nor_changes(backend: str, toy: Toy) -> None:
    parts = toy(300, seed=1), toy(200, seed=2)
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    first = final_weights(fit(backend, *parts, QUICK))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(12)
    assert np.array_equal(final_weights(fit(backend, *parts, QUICK))["layers.1.weight"], first["layers.1.weight"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_history_tells_each_epoch(backend: str, toy: Toy) -> None:
    told: list[EpochRecord] = []
    config = SMALL.model_copy(update={"backend": backend})
    trained = train_model(
        "net", config, toy(500, seed=1), toy(200, seed=2), QUICK, seed=1, progress=Silent(), on_epoch=told.append
    )
    assert tuple(told) == trained.history
    assert [record.epoch for record in told] == [1, 2, 3]
    for record in told:
        assert record.model == "net"
        assert record.learning_rate == pytest.approx(0.01)
        assert record.train_loss is not None
        assert 0 < record.train_loss < 1
        assert record.train_accuracy is not None
        assert 0.4 < record.train_accuracy < 1
    assert sum(record.seconds for record in told) <= trained.seconds


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_best_epoch_on_validation_is_kept(backend: str, toy: Toy) -> None:
    # Few events, many weights, a large rate: validation soon gets worse.
    train, validation = toy(60, seed=1, q=10), toy(2000, seed=2, q=10)
    settings = TrainConfig(epochs=40, batch_size=16, learning_rate=0.02, patience=4, device="cpu")
    trained = fit(backend, train, validation, settings, config=MLPConfig(widths=(64,)))
    losses = [record.validation_loss for record in trained.history]
    assert trained.best_epoch == int(np.argmin(np.array(losses, float))) + 1
    assert len(losses) == trained.best_epoch + 4
    assert len(losses) < 40
    scores = trained.model.scores(validation.inputs)
    kept = -np.mean(np.log(np.where(validation.target == 1, scores, 1 - scores)))
    assert kept == pytest.approx(losses[trained.best_epoch - 1], abs=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_validation_moves_no_weight(backend: str, toy: Toy) -> None:
    train, validation = toy(300, seed=1), toy(200, seed=2)
    corrupt = replace(validation, inputs=validation.inputs[::-1] * np.float32(100), target=1 - validation.target)
    # One epoch: the choice of the best one, which may depend on validation, has nothing to choose.
    settings = QUICK.model_copy(update={"epochs": 1})
    one, other = (final_weights(fit(backend, train, part, settings)) for part in (validation, corrupt))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loss_that_is_no_number_stops_and_names_epoch_and_batch(backend: str, toy: Toy) -> None:
    train = toy(320, seed=1)
    inputs = train.inputs.copy()
    inputs[7, 0] = np.nan
    settings = QUICK.model_copy(update={"batch_size": 320})
    with pytest.raises(TrainingError, match=r"^net: epoch 1, batch 1: the loss is nan; lower train\.learning_rate"):
        fit(backend, replace(train, inputs=inputs), toy(200, seed=2), settings)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_divergence_later_on_stops_too(backend: str, toy: Toy) -> None:
    settings = TrainConfig(epochs=50, batch_size=64, optimizer="sgd", learning_rate=1e25, device="cpu")
    with pytest.raises(TrainingError, match=r"^net: epoch \d+, (batch \d+|validation): the loss is (nan|inf)"):
        fit(backend, toy(320, seed=1), toy(200, seed=2), settings, config=MLPConfig(widths=(8, 8)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_dead_network_is_called_dead(backend: str, toy: Toy) -> None:
    train = toy(500, seed=1)
    settings = QUICK.model_copy(update={"learning_rate": 1e-30})
    constant = fit(backend, train, replace(toy(200, seed=2), inputs=np.zeros((200, 3), np.float32)), settings)
    assert constant.warnings == ("dead model: the same score for all 200 validation events",)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_plateau_lowers_the_rate_of_the_next_epochs(backend: str, toy: Toy) -> None:
    # Nothing moves at this rate, so that no epoch improves on the first.
    settings = QUICK.model_copy(update={"schedule": ReduceOnPlateau(patience=1, minimum=0.0), "epochs": 4})
    trained = fit(backend, toy(300, seed=1), toy(200, seed=2), settings.model_copy(update={"learning_rate": 1e-20}))
    rates = [record.learning_rate for record in trained.history]
    assert rates == pytest.approx([1e-20, 1e-20, 0.5e-20, 0.25e-20], rel=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("schedule", [Cosine(warmup_epochs=0.5), OneCycle()], ids=str)
def test_schedules_set_the_rate_of_the_optimiser(backend: str, schedule: Cosine | OneCycle, toy: Toy) -> None:
    settings = QUICK.model_copy(update={"schedule": schedule, "epochs": 4})
    trained = fit(backend, toy(300, seed=1), toy(200, seed=2), settings)
    rates = [record.learning_rate for record in trained.history]
    # The curves end with the last step.
    assert rates[-1] == pytest.approx(0.01 * schedule.final, abs=1e-9)
    assert rates[0] != rates[1]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_both_frameworks_take_the_same_full_batch_steps(optimizer: str, decay: float, toy: Toy) -> None:
    train, validation = toy(100, seed=1), toy(100, seed=2)
    settings = TrainConfig.model_validate(
        {
            "epochs": 6,
            "batch_size": 100,
            "optimizer": optimizer,
            "learning_rate": 0.02,
            "weight_decay": decay,
            "momentum": 0.5 if optimizer == "sgd" else 0.0,
            # Keras's velocity keeps the rate of its step, PyTorch's takes the rate of now: equal while it is constant.
            "schedule": {"kind": "constant"} if optimizer == "sgd" else {"kind": "cosine", "warmup_epochs": 2},
            "patience": None,
            "device": "cpu",
        }
    )
    config = MLPConfig(widths=(8,), activation="tanh")
    ours, theirs = (fit(backend, train, validation, settings, config=config) for backend in BACKENDS)
    for a, b in zip(ours.history, theirs.history, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, rel=2e-4)
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=2e-4)
        assert a.learning_rate == pytest.approx(b.learning_rate, rel=1e-5, abs=1e-9)
    np.testing.assert_allclose(ours.model.scores(train.inputs), theirs.model.scores(train.inputs), atol=2e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_weight_of_two_is_the_event_twice(backend: str, toy: Toy) -> None:
    train, validation = toy(50, seed=1), toy(50, seed=2)
    heavy = replace(train, weight=np.where(np.arange(50) < 20, 2, 1).astype(np.float32))
    rows = np.concatenate([np.arange(50), np.arange(20)])
    twice = Part(inputs=train.inputs[rows], target=train.target[rows], weight=np.ones(70, np.float32))
    settings = QUICK.model_copy(update={"batch_size": 100, "optimizer": "sgd", "learning_rate": 0.5})
    config = MLPConfig(widths=(8,), activation="tanh")
    one, other = (final_weights(fit(backend, part, validation, settings, config=config)) for part in (heavy, twice))
    light = final_weights(fit(backend, train, validation, settings, config=config))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=2e-6)
    assert np.max(np.abs(one["layers.0.weight"] - light["layers.0.weight"])) > 1e-3


@pytest.mark.parametrize("backend", BACKENDS)
def test_balanced_classes_move_the_scores_to_one_half(backend: str, toy: Toy) -> None:
    train, validation = rare_signal(toy(4000, seed=1)), rare_signal(toy(4000, seed=2))
    settings = TrainConfig(epochs=4, batch_size=64, learning_rate=0.01, schedule=Cosine(), device="cpu")
    balanced = settings.model_copy(update={"balance": "class_weights"})
    config = MLPConfig(widths=(8,))
    plain, even = (
        fit(backend, train, validation, s, config=config).model.scores(validation.inputs) for s in (settings, balanced)
    )
    # Whoever minimises the cross-entropy has a mean score equal to the share of signal: 1/11, or 1/2 when balanced.
    signal = validation.target == 1
    assert plain.mean() == pytest.approx(1 / 11, abs=0.03)
    assert (even[signal].mean() + even[~signal].mean()) / 2 == pytest.approx(1 / 2, abs=0.04)


@pytest.mark.parametrize("backend", BACKENDS)
def test_negative_weights_can_be_kept_by_networks(backend: str, toy: Toy) -> None:
    train = toy(300, seed=1)
    weight = np.where(np.arange(300) % 5 == 0, -0.5, 1.0).astype(np.float32)
    keep = QUICK.model_copy(update={"negative_weights": "keep"})
    kept = final_weights(fit(backend, replace(train, weight=weight), toy(200, seed=2), keep))
    dropped = final_weights(fit(backend, replace(train, weight=weight), toy(200, seed=2), QUICK))
    assert not np.array_equal(kept["layers.0.weight"], dropped["layers.0.weight"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_bfloat16_lands_near_float32(backend: str, toy: Toy) -> None:
    train, validation = toy(2000, seed=1), toy(1000, seed=2)
    settings = TrainConfig(epochs=4, batch_size=100, learning_rate=0.01, device="cpu")
    config = MLPConfig(widths=(32, 16))
    full = fit(backend, train, validation, settings, config=config)
    half = fit(backend, train, validation, settings.model_copy(update={"precision": "bf16"}), config=config)
    assert half.history[-1].validation_loss == pytest.approx(full.history[-1].validation_loss, abs=0.02)
    assert half.history[-1].train_loss != full.history[-1].train_loss
    assert all(values.dtype == np.float32 for values in final_weights(half).values())
    # Scores are computed in float32 whatever the training did: many distinct values.
    assert len(np.unique(half.model.scores(validation.inputs))) > 950


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_one_line(backend: str, toy: Toy) -> None:
    settings = QUICK.model_copy(update={"device": "cuda"})
    with pytest.raises(TrainingError, match=r"^train\.device: cuda was asked for, but PyTorch finds no CUDA device"):
        fit(backend, toy(300, seed=1), toy(200, seed=2), settings)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_lands_near_the_cpu(backend: str, precision: str, toy: Toy) -> None:
    train, validation = toy(2000, seed=1), toy(1000, seed=2)
    settings = TrainConfig(epochs=4, batch_size=100, learning_rate=0.01, device="cpu")
    on_cuda = settings.model_copy(update={"device": "cuda", "precision": precision})
    here, there = (fit(backend, train, validation, s, config=MLPConfig(widths=(32,))) for s in (settings, on_cuda))
    assert there.history[-1].validation_loss == pytest.approx(here.history[-1].validation_loss, abs=0.02)
    assert there.model.scores(validation.inputs).shape == (1000,)
