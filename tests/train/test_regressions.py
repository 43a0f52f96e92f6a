"""What holds for networks that predict numbers, in both frameworks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.train.conftest import NOISE

from hepsieve.errors import ConfigError, TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import Cosine, MLPConfig, PulseNetConfig, TrainConfig, WaveCNNConfig
from hepsieve.models.keras import mlp as keras_mlp
from hepsieve.models.keras import spatial as keras_spatial
from hepsieve.models.keras.mlp import KerasPredictor
from hepsieve.models.keras.spatial import KerasSpatialPredictor
from hepsieve.models.learner import Loss
from hepsieve.models.torch import mlp as torch_mlp
from hepsieve.models.torch import spatial as torch_spatial
from hepsieve.models.torch.mlp import TorchPredictor
from hepsieve.models.torch.spatial import TorchSpatialPredictor
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.arithmetic import NetworkConfig
from hepsieve.train.dead import dead_model
from hepsieve.train.figures import weighted_auc
from hepsieve.train.objective import Objective

Draw = Callable[..., Part]
BACKENDS = ["torch", "keras"]
LOSSES: list[Loss] = ["squared", "huber", "gaussian"]
LEARNS = TrainConfig(epochs=10, batch_size=64, learning_rate=0.02, schedule=Cosine(), patience=None, device="cpu")
QUICK = TrainConfig(epochs=2, batch_size=64, learning_rate=0.01, device="cpu")
SMALL = MLPConfig(widths=(8,))


def fit(
    backend: str,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    config: NetworkConfig = SMALL,
    **own: Any,
) -> Trained:
    config = config.model_copy(update={"backend": backend, **own})
    return train_model(
        "net", config, train, validation, settings, seed=1, progress=Silent(), on_epoch=lambda record: None
    )


def weights(trained: Trained) -> Mapping[str, NDArray[np.float32]]:
    match trained.model:
        case TorchPredictor(model=model):
            return torch_mlp.weights(model)
        case KerasPredictor(model=model):
            return keras_mlp.weights(model)
        case TorchSpatialPredictor(model=model):
            return torch_spatial.weights(model)
        case KerasSpatialPredictor(model=model):
            return keras_spatial.weights(model)
        case _:
            raise AssertionError(trained.model)


def rmse(trained: Trained, part: Part) -> float:
    return float(np.sqrt(np.mean((trained.model.scores(part.inputs) - part.target) ** 2)))


def best(trained: Trained) -> EpochRecord:
    return trained.history[trained.best_epoch - 1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_line_is_learned_down_to_its_noise(backend: str, loss: Loss, line: Draw) -> None:
    trained = fit(backend, line(2000, seed=1), line(1000, seed=2), LEARNS, loss=loss)
    # The noise alone gives 0.03, with a standard error of 0.03 / sqrt(2 · 4000) = 0.00034; a network of 41 weights
    # that is fitted to 2000 events adds 41 / 4000 = 1 %; so it stays below 0.0303 + 4 · 0.00034 = 0.0317.
    found = rmse(trained, line(4000, seed=3))
    assert NOISE - 4 * 0.00034 < found < 0.0317
    assert trained.warnings == ()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_predicted_width_is_the_noise(backend: str, line: Draw) -> None:
    settings = LEARNS.model_copy(update={"epochs": 20, "batch_size": 200, "learning_rate": 0.04})
    trained = fit(backend, line(4000, seed=1, uneven=True), line(1000, seed=2, uneven=True), settings, loss="gaussian")
    test = line(4000, seed=3, uneven=True)
    width = trained.model.widths(test.inputs)
    assert width is not None
    noisy = test.inputs[:, 0] > 0
    # The width of 2000 normal numbers is known to 1 / sqrt(2 · 2000) = 1.6 %; a smooth network can't follow the jump
    # at 0, so look away from it.
    far = np.abs(test.inputs[:, 0]) > 0.3
    assert np.median(width[noisy & far]) == pytest.approx(2 * NOISE, rel=0.1)
    assert np.median(width[~noisy & far]) == pytest.approx(NOISE, rel=0.1)
    pull = (test.target - trained.model.scores(test.inputs)) / width
    assert np.std(pull) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "config",
    [
        MLPConfig(widths=(8,)),
        MLPConfig(widths=(8,), activation="tanh"),
        WaveCNNConfig(filters=4, pool=8, dense=8),
        PulseNetConfig(rebin=4, filters=4, dilations=(1, 2), dense=(8,)),
    ],
    ids=["relu", "tanh", "wave-cnn", "pulse"],
)
def test_both_frameworks_take_the_same_step(loss: Loss, config: NetworkConfig, line: Draw, pulses: Draw) -> None:
    parts = [(line if isinstance(config, MLPConfig) else pulses)(50, seed=seed) for seed in (1, 2)]
    weight = np.random.default_rng(5).uniform(0.5, 2, 50).astype(np.float32)
    settings = TrainConfig(epochs=1, batch_size=50, optimizer="sgd", learning_rate=1.0, device="cpu")
    ours, theirs = (fit(b, replace(parts[0], weight=weight), parts[1], settings, config, loss=loss) for b in BACKENDS)
    for name, values in weights(ours).items():
        if not name.endswith("running_var"):  # Keras keeps the variance of the batch, PyTorch the unbiased one
            np.testing.assert_allclose(values, weights(theirs)[name], rtol=0, atol=1e-5)
    biases = [np.abs(values).max() for name, values in weights(ours).items() if name.endswith("bias")]
    assert max(biases) > 1e-3  # they were 0 before the step
    (a,), (b,) = ours.history, theirs.history
    for name in ("train_loss", "train_rmse", "train_tolerance_accuracy"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_wave_network_learns_separations(backend: str, pulses: Draw) -> None:
    config = WaveCNNConfig(filters=4, kernel=5, pool=4, dense=32)
    settings = TrainConfig(epochs=8, batch_size=32, learning_rate=3e-3, device="cpu")
    trained = fit(backend, pulses(800, seed=1), pulses(200, seed=2), settings, config)
    # The targets themselves have a standard deviation of 1 / sqrt(12) = 0.289.
    assert rmse(trained, pulses(400, seed=3)) < 0.1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_history_has_the_figures_of_a_regression(backend: str, loss: Loss, line: Draw) -> None:
    validation = line(300, seed=2)
    trained = fit(backend, line(500, seed=1), validation, QUICK, loss=loss)
    predicted, record = trained.model.scores(validation.inputs), best(trained)
    square = float(np.mean((predicted - validation.target) ** 2))
    assert record.validation_rmse == pytest.approx(square**0.5, rel=1e-4)
    assert record.validation_tolerance_accuracy == pytest.approx(
        np.mean(np.round(predicted * 10) == np.round(validation.target.astype(float) * 10)), abs=0.004
    )
    if loss == "squared":
        assert record.validation_loss == pytest.approx(square, rel=1e-4)
        assert [r.train_loss for r in trained.history] == pytest.approx(
            [(r.train_rmse or 0) ** 2 for r in trained.history], rel=1e-4
        )
    for other in (record.train_accuracy, record.validation_accuracy, record.validation_auc):
        assert other is None
    for value in (record.train_rmse, record.train_tolerance_accuracy):
        assert value is not None
        assert 0 < value < 1


def test_widths_there_are_only_with_a_gaussian_loss(line: Draw) -> None:
    parts = line(100, seed=1), line(50, seed=2)
    for backend in BACKENDS:
        assert fit(backend, *parts, QUICK).model.widths(parts[1].inputs) is None
        width = fit(backend, *parts, QUICK, loss="gaussian").model.widths(parts[1].inputs)
        assert width is not None
        assert width.shape == (50,)
        assert (width > 0).all()


@pytest.mark.parametrize("monitor", ["loss", "rmse", "tolerance_accuracy"])
def test_gains_below_min_delta_stop_a_training(monitor: str, line: Draw) -> None:
    settings = TrainConfig.model_validate(
        {"epochs": 30, "batch_size": 64, "monitor": monitor, "patience": 3, "min_delta": 2.0, "device": "cpu"}
    )
    trained = fit("torch", line(300, seed=1), line(100, seed=2), settings)
    # Nothing ever improves by 2 on the first epoch, as all figures lie in [0, 1]: three more, and that is all.
    assert (trained.best_epoch, len(trained.history)) == (1, 4)


@pytest.mark.parametrize("monitor", ["rmse", "tolerance_accuracy"])
def test_the_best_epoch_is_that_of_the_monitor(monitor: str, line: Draw) -> None:
    settings = TrainConfig.model_validate(
        {"epochs": 12, "batch_size": 16, "learning_rate": 0.1, "monitor": monitor, "patience": None, "device": "cpu"}
    )
    trained = fit("torch", line(200, seed=1), line(100, seed=2), settings)
    figures = np.array([getattr(record, f"validation_{monitor}") for record in trained.history])
    assert trained.best_epoch == 1 + int(figures.argmin() if monitor == "rmse" else figures.argmax())
    assert rmse(trained, line(100, seed=2)) == pytest.approx(best(trained).validation_rmse, rel=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_weight_of_two_is_the_event_twice(backend: str, loss: Loss, line: Draw) -> None:
    train, validation = line(50, seed=1), line(50, seed=2)
    heavy = replace(train, weight=np.where(np.arange(50) < 20, 2, 1).astype(np.float32))
    rows = np.concatenate([np.arange(50), np.arange(20)])
    twice = replace(train, inputs=train.inputs[rows], target=train.target[rows], weight=np.ones(70, np.float32))
    settings = QUICK.model_copy(update={"batch_size": 100, "optimizer": "sgd", "learning_rate": 0.5})
    one, other, light = (
        weights(fit(backend, part, validation, settings, activation="tanh", loss=loss))
        for part in (heavy, twice, train)
    )
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=2e-6)
    assert max(np.max(np.abs(one[name] - light[name])) for name in one) > 1e-4


@pytest.mark.parametrize("backend", BACKENDS)
def test_classes_can_be_learned_by_squared_error(backend: str, toy: Draw, best_auc: float) -> None:
    settings = TrainConfig(epochs=8, learning_rate=0.02, schedule=Cosine(), monitor="auc", device="cpu")
    validation = toy(2000, seed=2)
    trained = fit(backend, toy(6000, seed=1), validation, settings, loss="squared")
    test = toy(20_000, seed=3)
    auc = weighted_auc(trained.model.scores(test.inputs), test.target == 1, test.weight.astype(float))
    # 10,000 events a class: the AUC's standard error is 0.003.
    assert auc == pytest.approx(best_auc, abs=0.012)
    record = best(trained)
    # The Brier score, of which guessing has 0.25.
    brier = np.mean((trained.model.scores(validation.inputs) - validation.target) ** 2)
    assert record.validation_loss == pytest.approx(brier, rel=1e-3)
    assert record.validation_auc is not None
    assert record.validation_rmse is None
    assert trained.warnings == ()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_network_that_predicts_a_constant_is_dead(backend: str, line: Draw) -> None:
    validation = replace(line(200, seed=2), inputs=np.zeros((200, 3), np.float32))
    trained = fit(backend, line(200, seed=1), validation, QUICK)
    assert trained.warnings == ("dead model: the same prediction for all 200 validation events",)


def test_predictions_without_relation_to_the_truth_are_dead(line: Draw) -> None:
    part = line(4000, seed=1)
    noise = np.random.default_rng(1).normal(size=4000)
    # All weights are 1: the targets' variance is 0.15²/3 + 0.1²/3 + 0.03² = 0.0117.
    sentence = dead_model(1e-2 * noise, part, Objective(loss="squared"))
    assert sentence is not None
    assert sentence.startswith("dead model: the validation mean squared residual 0.01")
    # Far off, but in the right order: badly calibrated, not dead. So is a small gain that many events prove.
    logits = np.log(part.target / (1 - part.target))
    assert dead_model(3 + logits + noise, part, Objective(loss="huber")) is None
    assert dead_model(np.stack([0.1 * logits, noise], axis=1), part, Objective(loss="gaussian")) is None


def test_a_regression_needs_a_positive_sum_of_weights(line: Draw) -> None:
    part = line(10, seed=1)
    keep = QUICK.model_copy(update={"negative_weights": "keep"})
    with pytest.raises(TrainingError, match=r"^train: the weights of 10 events add up to -10 under negative_weights"):
        fit("torch", replace(part, weight=-part.weight), part, keep)
    # Negative ones are dropped, and what is left has a mean weight of 1 again.
    half = replace(part, weight=np.where(np.arange(10) < 5, -1, 3).astype(np.float32))
    alone = replace(part, inputs=part.inputs[5:], target=part.target[5:], weight=part.weight[5:])
    one, other = (weights(fit("torch", some, part, QUICK)) for some in (half, alone))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_does_not_suit_is_refused_before_the_first_step(backend: str, line: Draw, toy: Draw) -> None:
    parts = line(20, seed=1), line(20, seed=2)
    with pytest.raises(ConfigError, match=r"^loss: networks in a regression have"):
        fit(backend, *parts, QUICK, loss="cross_entropy")
    with pytest.raises(ConfigError, match=r"^train\.monitor: a regression has no auc"):
        fit(backend, *parts, QUICK.model_copy(update={"monitor": "auc"}))
    with pytest.raises(ConfigError, match=r"^loss: networks in a classification have"):
        fit(backend, toy(20, seed=1), toy(20, seed=2), QUICK, loss="gaussian")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loss", ["squared", "gaussian"])
def test_bfloat16_lands_near_float32(backend: str, loss: Loss, line: Draw) -> None:
    parts = line(2000, seed=1), line(1000, seed=2)
    config = MLPConfig(widths=(32, 16))
    half = fit(backend, *parts, LEARNS.model_copy(update={"precision": "bf16"}), config, loss=loss)
    # The noise is 0.03; a training in 8 bits finds the line a little less well.
    assert rmse(half, line(2000, seed=3)) < 0.036


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_lands_near_the_cpu(loss: Loss, line: Draw) -> None:
    parts = line(2000, seed=1), line(1000, seed=2)
    here, there = (
        fit("torch", *parts, LEARNS.model_copy(update={"device": device}), loss=loss) for device in ("cpu", "cuda")
    )
    assert there.history[-1].train_rmse == pytest.approx(here.history[-1].train_rmse, rel=0.05)
    assert rmse(there, parts[1]) == pytest.approx(rmse(here, parts[1]), rel=0.05)
