"""Losses in numpy, PyTorch and Keras against their definitions; their derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.reference import losses as reference

from hepsieve.errors import ConfigError
from hepsieve.models.config import (
    AdaBoostConfig,
    Learner,
    MLPConfig,
    Monitor,
    PulseNetConfig,
    TrainConfig,
    TreesConfig,
    WaveCNNConfig,
)
from hepsieve.models.learner import Loss
from hepsieve.train import figures
from hepsieve.train.keras_losses import loss_of_batch, metrics_of_batch
from hepsieve.train.losses import within_tolerance
from hepsieve.train.objective import Kind, Objective, loss_of, objective_of, require_settings
from hepsieve.train.torch_losses import logit_derivatives, weighted_losses
from hepsieve.train.trained import Part

Array = NDArray[np.float64]
DELTA = 0.05
LOSSES: tuple[Loss, ...] = ("cross_entropy", "squared", "huber", "gaussian")
ONE_OUTPUT: tuple[Loss, ...] = ("cross_entropy", "squared", "huber")


def case(loss: Loss, *, seed: int = 1, n: int = 200) -> tuple[Objective, Array, Array]:
    """Outputs of a network and targets: residuals on both sides of ``DELTA``, widths from 0.01 to 0.9."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n).astype(float) if loss == "cross_entropy" else rng.uniform(0.02, 0.98, n)
    near = np.log(np.clip(target, 0.02, 0.98) / (1 - np.clip(target, 0.02, 0.98)))
    logits = near + rng.normal(0, 0.5, n)
    outputs = np.stack([logits, rng.uniform(-4.5, 2, n)], axis=1) if loss == "gaussian" else logits
    return Objective(loss=loss, huber_delta=DELTA), outputs, target.astype(np.float32).astype(float)


def by_definition(loss: Loss, outputs: Array, target: Array) -> Array:
    rows = zip(outputs.reshape(len(target), -1).tolist(), target.tolist(), strict=True)
    return np.array([reference.loss(loss, row, truth, delta=DELTA) for row, truth in rows])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_framework_has_the_losses_of_the_definition(loss: Loss) -> None:
    objective, outputs, target = case(loss)
    expected = by_definition(loss, outputs, target)
    found = figures.losses(outputs, target.astype(np.float32), objective)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(target))
    ours = weighted_losses(objective, torch.tensor(outputs), torch.tensor(target), torch.tensor(weight))
    np.testing.assert_allclose(ours, weight * expected, rtol=1e-10, atol=1e-12)
    # Keras takes columns, and gives the weighted mean over the batch, in float32.
    columns = outputs.reshape(len(target), -1)
    theirs = float(loss_of_batch(objective)(target[:, np.newaxis], columns, sample_weight=weight))
    assert theirs == pytest.approx(float(np.mean(weight * expected)), rel=1e-5)


def test_huber_joins_at_delta() -> None:
    # Of a residual r: r²/2 = 0.00125 at 0.05, and from there on 0.05 (r - 0.025): 0.01 - 0.00125 = 0.00875 at 0.2.
    logits = np.log(np.array([0.55, 0.7]) / np.array([0.45, 0.3]))
    found = figures.losses(logits, np.array([0.5, 0.5], np.float32), Objective(loss="huber", huber_delta=0.05))
    assert found.tolist() == pytest.approx([0.00125, 0.00875], rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_derivatives_are_what_differences_say(loss: Loss) -> None:
    objective, outputs, target = case(loss, n=60)
    expected = [
        reference.slopes(loss, row, truth, delta=DELTA)
        for row, truth in zip(outputs.reshape(len(target), -1).tolist(), target.tolist(), strict=True)
    ]
    values = torch.tensor(outputs, requires_grad=True)
    ones = torch.ones(len(target), dtype=torch.float64)
    weighted_losses(objective, values, torch.tensor(target), ones).sum().backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    np.testing.assert_allclose(values.grad.reshape(len(target), -1), expected, rtol=1e-5, atol=1e-8)
    if loss in ONE_OUTPUT:
        by_hand = logit_derivatives(objective, torch.tensor(outputs), torch.tensor(target))
        np.testing.assert_allclose(by_hand, np.array(expected)[:, 0], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("predicted", "target", "right"),
    [
        (0.34, 0.26, True),
        (0.34, 0.36, False),
        (0.249, 0.251, False),
        (0.949, 0.951, False),
        (0.951, 1.0, True),
        (0.049, 0.0, True),
    ],
)
def test_right_is_the_same_tenth(predicted: float, target: float, right: bool) -> None:
    import keras

    assert reference.right(predicted, target) == right
    assert bool(within_tolerance(np.float64(predicted), np.float32(target), np)) == right
    assert bool(within_tolerance(torch.tensor(predicted), torch.tensor(target), torch)) == right
    logit = np.log(predicted / (1 - predicted))
    truth, output = (keras.ops.convert_to_tensor([[value]], "float32") for value in (target, logit))
    counted, square = metrics_of_batch("regression")
    assert float(counted(truth, output)) == right
    assert float(square(truth, output)) == pytest.approx((predicted - target) ** 2, abs=1e-6)


def test_halves_that_a_file_rounds_are_halves() -> None:
    # 0.35 is 0.34999999 as a float32; half way from 0.3 to 0.4 it goes to the even multiple, 0.4. So does 0.45.
    grid = np.arange(1, 20, 2, dtype=np.float32) / np.float32(20)
    even = np.array([0.0, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 0.8, 0.8, 1.0])
    assert within_tolerance(even, grid, np).all()


@pytest.mark.parametrize(
    ("config", "kind", "loss"),
    [
        (MLPConfig(), "classification", "cross_entropy"),
        (MLPConfig(), "regression", "squared"),
        (MLPConfig(loss="squared"), "classification", "squared"),
        (WaveCNNConfig(loss="huber"), "regression", "huber"),
        (PulseNetConfig(loss="gaussian", backend="keras"), "regression", "gaussian"),
        (TreesConfig(), "classification", "cross_entropy"),
        (TreesConfig(), "regression", "squared"),
        (AdaBoostConfig(), "classification", "cross_entropy"),
    ],
)
def test_a_loss_is_chosen_by_the_kind_unless_it_is_named(config: Learner, kind: Kind, loss: Loss) -> None:
    assert loss_of(config, kind) == loss


def test_the_point_where_huber_turns_is_the_networks() -> None:
    assert objective_of(MLPConfig(loss="huber", huber_delta=0.2), "regression") == Objective(
        loss="huber", huber_delta=0.2
    )


@pytest.mark.parametrize(
    ("config", "kind", "said"),
    [
        (
            MLPConfig(loss="cross_entropy"),
            "regression",
            "loss: networks in a regression have squared or huber or gaussian; found cross_entropy",
        ),
        (
            MLPConfig(loss="gaussian"),
            "classification",
            "loss: networks in a classification have cross_entropy or squared; found gaussian",
        ),
        (TreesConfig(loss="huber"), "regression", "loss: trees in a regression have squared; found huber"),
        (
            TreesConfig(loss="squared"),
            "classification",
            "loss: trees in a classification have cross_entropy; found squared",
        ),
        (
            AdaBoostConfig(),
            "regression",
            "loss: AdaBoost tells classes apart and predicts no number; take trees or mlp",
        ),
        (
            AdaBoostConfig(loss="squared"),
            "classification",
            "loss: AdaBoost has an exponential loss of its own; leave squared out",
        ),
    ],
)
def test_a_loss_that_does_not_suit_is_one_line(config: Learner, kind: Kind, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loss_of(config, kind)
    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"monitor": "auc"}, "regression", "train.monitor: a regression has no auc to watch; take one of loss, rmse, "),
        ({"monitor": "accuracy"}, "regression", "train.monitor: a regression has no accuracy to watch"),
        ({"monitor": "rmse"}, "classification", "train.monitor: a classification has no rmse to watch"),
        ({"balance": "class_weights"}, "regression", "train.balance: a regression has no classes for class_weights"),
        ({"balance": "undersample"}, "regression", "train.balance: a regression has no classes for undersample"),
    ],
)
def test_settings_that_mean_nothing_are_one_line(settings: dict[str, str], kind: Kind, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        require_settings(TrainConfig.model_validate(settings), kind)
    assert str(raised.value).startswith(said)


def test_waveforms_are_not_mirrored() -> None:
    mirrored = TrainConfig(flips=("rows",))
    require_settings(mirrored, "classification")
    with pytest.raises(ConfigError, match=r"^train\.flips: waveforms are never mirrored"):
        require_settings(mirrored, "classification", flips_apply=False)


@pytest.mark.parametrize("monitor", ["loss", "rmse", "tolerance_accuracy"])
def test_what_a_regression_watches_is_measured(monitor: Monitor) -> None:
    require_settings(TrainConfig(monitor=monitor), "regression")
    part = Part(
        inputs=np.zeros((3, 1), np.float32),
        target=np.array([0.5, 0.2, 0.9], np.float32),
        weight=np.array([1, 2, 1], np.float32),
        kind="regression",
    )
    # All predictions are 0.5. Residuals 0, 0.3 and 0.4 with weights 1, 2, 1: (0 + 0.18 + 0.16) / 4 = 0.085.
    found = figures.measure(np.zeros(3), part, Objective(loss="squared"))
    expected = {"loss": 0.085, "rmse": 0.085**0.5, "tolerance_accuracy": 0.25}
    assert found.of(monitor) == pytest.approx(expected[monitor], rel=1e-6)
    assert set(found.named("validation")) == {"validation_loss", "validation_rmse", "validation_tolerance_accuracy"}
