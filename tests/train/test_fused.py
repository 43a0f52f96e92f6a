"""Networks trained with derivatives written by hand do what PyTorch's autograd does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.models.learner import Loss
from hepsieve.models.mlp import parameter_count
from hepsieve.models.torch import mlp
from hepsieve.models.torch.team import Team
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, batches, threads, train_model
from hepsieve.train import torch as torch_loop
from hepsieve.train.autograd import AutogradNetwork
from hepsieve.train.fused import FusedNetwork, can_fuse
from hepsieve.train.network import Network
from hepsieve.train.objective import Objective

Toy = Callable[..., Part]
STEP = 1e6  # so large that a step shows the gradient alone


def network(kind: str, config: MLPConfig, inputs: int, chosen: TrainConfig, *, rows: int) -> Network:
    """A network whose biases are not zero."""
    model = mlp.build(config, inputs, seed=1)
    rng = np.random.default_rng(2)
    for layer in model.linears():
        layer.bias.data = torch.tensor(rng.normal(0, 0.3, layer.out_features), dtype=torch.float32)
    if kind == "autograd":
        return AutogradNetwork(model, chosen, shape=(inputs,))
    members = Team(1, None) if kind == "fused" else Team(3, ThreadPoolExecutor(3))
    return FusedNetwork(model, chosen, rows=rows, team=members)


def batch(rows: int, inputs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs, target and share in the loss of some events, every fifth with a negative weight."""
    rng = np.random.default_rng(3)
    share = np.where(np.arange(rows) % 5 == 4, -0.5, rng.uniform(0.5, 2, rows)) / rows
    target = rng.integers(0, 2, rows).astype(np.float32)
    return (
        torch.tensor(rng.normal(size=(rows, inputs)), dtype=torch.float32),
        torch.tensor(target),
        torch.tensor(share, dtype=torch.float32),
    )


def stepped(kind: str, config: MLPConfig, rows: int, inputs: int, chosen: TrainConfig) -> tuple[Network, torch.Tensor]:
    """The network after one step with a large rate, and the logits before it."""
    net = network(kind, config, inputs, chosen, rows=rows + 1)
    values, target, share = batch(rows, inputs)
    block = net.input_block(rows + 1)
    block[:rows, :inputs] = values
    logits = torch.empty(rows)
    net.step(block[:rows], target, share, logits, STEP)
    return net, logits


def gradient_by_definition(config: MLPConfig, rows: int, inputs: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The loss's derivatives with respect to weights and biases in float64, and the logits."""
    model = network("autograd", config, inputs, TrainConfig(), rows=rows).model().double().requires_grad_()
    values, target, share = (part.double() for part in batch(rows, inputs))
    logits = model(values)
    loss = (share * (torch.log1p(torch.exp(logits)) - target * logits)).sum()
    return list(torch.autograd.grad(loss, list(model.parameters()))), logits.detach()


def assert_one_step_is_the_gradient(
    kind: str, config: MLPConfig, rows: int, inputs: int, precision: str, *, tolerance: float
) -> None:
    chosen = TrainConfig.model_validate({"optimizer": "sgd", "precision": precision})
    before = [values.detach().clone() for values in network(kind, config, inputs, chosen, rows=1).model().parameters()]
    after, logits = stepped(kind, config, rows, inputs, chosen)
    expected, expected_logits = gradient_by_definition(config, rows, inputs)
    scale = max(float(values.norm()) for values in expected)
    for old, new, gradient in zip(before, after.model().parameters(), expected, strict=True):
        found = (old - new.detach()).double() / STEP
        assert float((found - gradient).norm()) <= tolerance * max(float(gradient.norm()), 0.1 * scale)
    np.testing.assert_allclose(logits, expected_logits, atol=tolerance * max(1.0, float(expected_logits.abs().max())))


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("kind", ["fused", "fused by three", "autograd"])
@pytest.mark.parametrize("widths", [(14, 7), (1,), (31, 32, 33), (200, 150, 100, 50)])
def test_a_step_follows_the_gradient(kind: str, widths: tuple[int, ...], precision: str) -> None:
    # bfloat16 has 8 bits: each number is off by up to 0.4 %, and units near 0 may be taken for active or not.
    tolerance = 1e-6 if precision == "float32" else 0.1
    assert_one_step_is_the_gradient(kind, MLPConfig(widths=widths), 400, 28, precision, tolerance=tolerance)


@settings(max_examples=40, deadline=None)
@given(
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple),
    rows=st.integers(1, 70),
    inputs=st.integers(1, 40),
)
def test_a_step_follows_the_gradient_for_any_shape(widths: tuple[int, ...], rows: int, inputs: int) -> None:
    config = MLPConfig(widths=widths)
    # Of few events, derivatives may cancel: more digits are lost.
    for kind in ("fused", "fused by three"):
        assert_one_step_is_the_gradient(kind, config, rows, inputs, "float32", tolerance=1e-4)


def test_relu_without_dropout_is_what_can_be_fused() -> None:
    assert can_fuse(MLPConfig())
    assert not can_fuse(MLPConfig(dropout=0.1))
    assert not can_fuse(MLPConfig(activation="elu"))
    assert can_fuse(MLPConfig(loss="huber"))
    assert not can_fuse(MLPConfig(loss="gaussian"))  # it has a second output


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_what_fills_up_the_widths_never_changes(precision: str) -> None:
    chosen = TrainConfig.model_validate({"precision": precision, "weight_decay": 0.1})
    config = MLPConfig(widths=(14, 7))
    net = network("fused", config, 28, chosen, rows=100)
    start = net.parameters.clone()
    values, target, share = batch(100, 28)
    block = net.input_block(100)
    block[:, :28] = values
    for _ in range(20):
        net.step(block, target, share, torch.empty(100), 0.01)
    constant = (start == 0) | (start == 1)
    assert int((~constant).sum()) == parameter_count(config, 28)
    assert torch.equal(net.parameters[constant], start[constant])
    # Weights of units that are never active feel the decay alone; so all of them have moved.
    assert bool((net.parameters[~constant] != start[~constant]).all())


def train(part: Part, validation: Part, chosen: TrainConfig, *, config: MLPConfig, seed: int = 1) -> Trained:
    return train_model("net", config, part, validation, chosen, seed=seed, progress=Silent(), on_epoch=lambda _: None)


def weights(trained: Trained) -> dict[str, NDArray[np.float32]]:
    assert isinstance(trained.model, mlp.TorchPredictor)
    return mlp.weights(trained.model.model)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_epochs_go_as_with_autograd(optimizer: str, schedule: str, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = TrainConfig.model_validate(
        {
            "epochs": 4,
            "batch_size": 64,
            "optimizer": optimizer,
            "momentum": 0.5 if optimizer == "sgd" else 0.0,
            "schedule": {"kind": schedule},
            "learning_rate": 0.05 if optimizer == "sgd" else 0.003,
            "weight_decay": 0.01,
            "balance": "class_weights",
            "negative_weights": "keep",
            "device": "cpu",
        }
    )
    part = toy(700, seed=1)
    part = replace(part, weight=np.where(np.arange(700) % 7 == 0, -0.3, 1.5).astype(np.float32))
    config = MLPConfig(widths=(20, 10))
    ours = train(part, toy(300, seed=2), chosen, config=config)
    monkeypatch.setattr(torch_loop, "can_fuse", lambda config: False)
    theirs = train(part, toy(300, seed=2), chosen, config=config)
    for a, b in zip(ours.history, theirs.history, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, rel=1e-4)
        assert a.train_accuracy == pytest.approx(b.train_accuracy, abs=0.005)
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=1e-4)
        assert a.learning_rate == b.learning_rate
    for name, values in weights(theirs).items():
        np.testing.assert_allclose(weights(ours)[name], values, rtol=0, atol=2e-3)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_how_many_batches_are_gathered_at_once_changes_nothing(
    dropout: float, toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, chosen = (toy(1000, seed=1), toy(200, seed=2)), TrainConfig(epochs=2, batch_size=30, device="cpu")
    config = MLPConfig(widths=(8,), dropout=dropout)
    at_once = train(*parts, chosen, config=config)
    monkeypatch.setattr(batches, "_VALUES_AT_ONCE", 200)  # two batches of three features
    one_by_one = train(*parts, chosen, config=config)
    assert all(np.array_equal(values, weights(one_by_one)[name]) for name, values in weights(at_once).items())
    for a, b in zip(at_once.history, one_by_one.history, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, rel=1e-6)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_equal_numbers_of_threads_give_equal_bits(dropout: float, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WORTH_THREADS", 0)
    parts, chosen = (toy(1000, seed=1), toy(200, seed=2)), TrainConfig(epochs=2, batch_size=300, device="cpu")
    config, before = MLPConfig(widths=(40, 20), dropout=dropout), torch.get_num_threads()
    found = {}
    for number in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", number)
        found[number], again = train(*parts, chosen, config=config), train(*parts, chosen, config=config)
        assert all(np.array_equal(values, weights(again)[name]) for name, values in weights(found[number]).items())
    assert torch.get_num_threads() == before
    for a, b in zip(found["1"].history, found["3"].history, strict=True):
        assert a.validation_loss == pytest.approx(b.validation_loss, rel=1e-5)


def test_inputs_that_cannot_be_written_are_read_in_place(toy: Toy) -> None:
    part = toy(200, seed=1)
    part.inputs.setflags(write=False)
    assert mlp.as_tensor(part.inputs).data_ptr() == part.inputs.ctypes.data
    chosen = TrainConfig(epochs=1, batch_size=50, device="cpu")
    assert len(train(part, part, chosen, config=MLPConfig(widths=(4,))).history) == 1


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_step_on_cuda_is_the_step_on_the_cpu(precision: str) -> None:
    chosen = TrainConfig.model_validate({"optimizer": "sgd", "precision": precision})
    values, target, share = batch(400, 28)
    found = []
    for device in ("cpu", "cuda"):
        net = FusedNetwork(
            mlp.build(MLPConfig(widths=(31, 14)), 28, seed=1).to(device), chosen, rows=400, team=Team(1, None)
        )
        block = net.input_block(400)
        block[:, :28] = values.to(device)
        net.step(block, target.to(device), share.to(device), torch.empty(400, device=device), 1.0)
        found.append(net.parameters.cpu())
    torch.testing.assert_close(*found, rtol=0, atol=1e-5 if precision == "float32" else 2e-2)


@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_step_of_a_regression_is_that_of_autograd(threads: int, loss: Loss) -> None:
    config, objective = MLPConfig(widths=(14, 7)), Objective(loss=loss, huber_delta=0.1)
    chosen = TrainConfig(optimizer="sgd")
    values, _, share = batch(100, 28)
    target = torch.rand(100, generator=torch.Generator().manual_seed(4))
    team = Team(threads, ThreadPoolExecutor(threads) if threads > 1 else None)
    fused = FusedNetwork(mlp.build(config, 28, seed=1), chosen, rows=100, team=team, objective=objective)
    plain = AutogradNetwork(mlp.build(config, 28, seed=1), chosen, shape=(28,), objective=objective)
    start = [value.detach().clone() for value in plain.model().parameters()]
    found = []
    for net in (fused, plain):
        block, logits = net.input_block(100), torch.empty(100)
        block[:, :28] = values
        net.step(block, target, share, logits, STEP)
        after = [value.detach() for value in net.model().parameters()]
        found.append([logits, *((now - old) / STEP for now, old in zip(after, start, strict=True))])
    assert max(float(value.abs().max()) for value in found[1][1:]) > 1e-3
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
