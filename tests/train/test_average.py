"""What is kept is the exponential moving average of the weights, and the training goes on as without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from hepsieve.models.config import MLPConfig, ModelConfig, ResNetConfig, TrainConfig
from hepsieve.models.keras import mlp as keras_mlp
from hepsieve.models.torch import mlp, spatial
from hepsieve.models.torch.team import team
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.autograd import AutogradNetwork
from hepsieve.train.averaging import newest_share
from hepsieve.train.fused import FusedNetwork

Draw = Callable[..., Part]
BACKENDS = ("torch", "keras")
NET = MLPConfig(widths=(8,))
RESNET, DEEPER = ResNetConfig(filters=(2,), blocks=(1,)), ResNetConfig(filters=(4, 8), blocks=(1, 1))
EMA = 0.6
# With every event in one batch, at a rate at which every epoch is better than the one before.
FULL = TrainConfig(epochs=1, batch_size=100, optimizer="sgd", learning_rate=0.2, patience=None, device="cpu")


def fit(parts: tuple[Part, Part], config: ModelConfig = NET, *, backend: str = "torch", **settings: object) -> Trained:
    chosen = TrainConfig.model_validate({**FULL.model_dump(), **settings})
    return train_model(
        "net",
        config.model_copy(update={"backend": backend}),
        *parts,
        chosen,
        seed=1,
        progress=Silent(),
        on_epoch=lambda record: None,
    )


def weights(trained: Trained) -> Mapping[str, NDArray[np.float32]]:
    match trained.model:
        case mlp.TorchPredictor(model=model):
            return mlp.weights(model)
        case keras_mlp.KerasPredictor(model=model):
            return keras_mlp.weights(model)
        case _:
            raise AssertionError(trained.model)


def losses(trained: Trained, part: str) -> NDArray[np.float64]:
    """Of each epoch, shape (epochs,)."""
    return np.array([getattr(record, f"{part}_loss") for record in trained.history], np.float64)


def averaged(*steps: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
    """The average after these weights, the first of which are the initial ones: by its definition."""
    average = {name: values.astype(np.float64) for name, values in steps[0].items()}
    for step, now in enumerate(steps[1:]):
        decay = min(EMA, (1 + step) / (10 + step))
        average = {name: decay * average[name] + (1 - decay) * now[name] for name in average}
    return average


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_average_is_kept_and_the_training_goes_on_from_its_own_weights(backend: str, toy: Draw) -> None:
    parts = toy(100, seed=1), toy(300, seed=2)
    initial = mlp.weights(mlp.build(NET, 3, seed=1))
    # Decays 1/10, 2/11, … 13/22; then 0.6, from the step of number 13 on.
    plain = [fit(parts, backend=backend, epochs=epochs) for epochs in range(1, 16)]
    for epochs in (1, 2, 3, 15):
        kept = fit(parts, backend=backend, epochs=epochs, ema=EMA)
        assert kept.best_epoch == epochs == plain[epochs - 1].best_epoch
        expected = averaged(initial, *(weights(each) for each in plain[:epochs]))
        for name, values in weights(kept).items():
            np.testing.assert_allclose(values, expected[name], rtol=0, atol=2e-6)
        # What is learned from is no average: the losses of the epochs while they ran are those of the plain training.
        np.testing.assert_allclose(losses(kept, "train"), losses(plain[epochs - 1], "train"), rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_validation_judges_the_average(backend: str, toy: Draw) -> None:
    parts = toy(100, seed=1), toy(300, seed=2)
    kept, plain = (fit(parts, backend=backend, epochs=4, ema=ema) for ema in (0.9, None))
    scores = kept.model.scores(parts[1].inputs)
    loss = -np.mean(np.log(np.where(parts[1].target == 1, scores, 1 - scores)))
    assert losses(kept, "validation")[-1] == pytest.approx(loss, abs=1e-6)
    # It falls, and the average is behind.
    assert losses(kept, "validation")[-1] > losses(plain, "validation")[-1] + 1e-4


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("kind", ["fused", "autograd", "images"])
def test_every_step_counts(kind: str, precision: str, toy: Draw, showers: Draw) -> None:
    part = showers(40, seed=1) if kind == "images" else toy(40, seed=1)
    settings = TrainConfig.model_validate({"ema": EMA, "precision": precision, "weight_decay": 0.1})
    shape = part.inputs.shape[1:]
    with team(1) as members:
        network: FusedNetwork | AutogradNetwork
        if kind == "fused":
            network = FusedNetwork(mlp.build(NET, 3, seed=1), settings, rows=40, team=members)
        elif kind == "autograd":
            network = AutogradNetwork(mlp.build(NET, 3, seed=1), settings, shape=shape)
        else:
            network = AutogradNetwork(spatial.build(RESNET, shape, seed=1), settings, shape=shape)
        assert (network.statistics.numel() > 0) == (kind == "images")
        inputs, outputs = network.input_block(40), torch.empty(40)
        inputs[:, : shape[0]] = torch.tensor(part.inputs)
        seen = [vectors(network)]
        for _ in range(16):
            network.step(inputs, torch.tensor(part.target), torch.full((40,), 1 / 40), outputs, 0.05)
            seen.append(vectors(network))
        expected = averaged(*seen)
        with network.average.in_place():
            for name, values in vectors(network).items():
                np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-6)
            assert np.max(np.abs(vectors(network)["parameters"] - seen[-1]["parameters"])) > 1e-3
            judged = [values.detach().clone() for values in network.model().parameters()]
        for name, values in vectors(network).items():
            assert values.tobytes() == seen[-1][name].tobytes()
        now = list(network.model().parameters())
        assert any(not torch.equal(one, other) for one, other in zip(judged, now, strict=True))


def vectors(network: FusedNetwork | AutogradNetwork) -> dict[str, NDArray[np.float32]]:
    return {
        "parameters": network.parameters.detach().numpy().copy(),
        "statistics": network.statistics.detach().numpy().copy(),
    }


def test_the_weights_come_back_whatever_happens() -> None:
    network = AutogradNetwork(mlp.build(NET, 3, seed=1), TrainConfig(ema=0.9), shape=(3,))
    network.parameters += 1
    before = network.parameters.clone()
    changed: list[bool] = []

    def judged() -> None:
        with network.average.in_place():
            changed.append(not torch.equal(network.parameters, before))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        judged()
    assert changed == [True]
    assert torch.equal(network.parameters, before)


@pytest.mark.parametrize(
    ("config", "draw", "chosen", "tolerance"),
    [
        (NET.model_copy(update={"activation": "tanh"}), "toy", {"learning_rate": 0.5}, 1e-5),
        # Adam enlarges the last bits, and Keras keeps the variance of the batch where PyTorch keeps the unbiased one.
        (DEEPER, "showers", {"optimizer": "adam", "learning_rate": 0.02}, 4e-3),
    ],
)
def test_both_frameworks_average_alike(
    config: ModelConfig, draw: str, chosen: dict[str, Any], tolerance: float, request: pytest.FixtureRequest
) -> None:
    drawn = request.getfixturevalue(draw)
    parts = drawn(60, seed=1), drawn(50, seed=2)
    ours, theirs, plain = (
        fit(parts, config, backend=backend, epochs=4, ema=ema, **chosen)
        for backend, ema in (("torch", EMA), ("keras", EMA), ("torch", None))
    )
    for part in ("train", "validation"):
        np.testing.assert_allclose(losses(ours, part), losses(theirs, part), rtol=tolerance)
    mine, its = (each.model.scores(parts[1].inputs) for each in (ours, theirs))
    np.testing.assert_allclose(mine, its, rtol=0, atol=tolerance)
    # The average is another network, by more than this.
    assert abs(losses(ours, "validation")[-1] / losses(plain, "validation")[-1] - 1) > 5 * tolerance


def test_averaging_takes_away_the_noise_of_large_steps(toy: Draw) -> None:
    parts = toy(2000, seed=1), toy(5000, seed=2)
    chosen: dict[str, Any] = {"epochs": 6, "batch_size": 20, "optimizer": "adam", "learning_rate": 0.05}
    plain, kept = (losses(fit(parts, ema=ema, **chosen), "validation") for ema in (None, 0.99))
    assert np.ptp(plain[2:]) > 0.005
    assert np.ptp(kept[2:]) < 0.003
    assert kept[-1] < plain.min()


def test_the_initial_weights_are_soon_forgotten() -> None:
    remembered = np.prod([1 - newest_share(0.998, step=step) for step in range(100)])
    # 1/10 · 2/11 · … · 100/109 = 9! 100! / 109!; 0.998 alone would leave 0.82.
    assert remembered == pytest.approx(1 / 4.26e12, rel=0.01)


def test_a_network_may_have_its_own() -> None:
    common = TrainConfig(ema=0.99)
    assert MLPConfig().own(common).ema == 0.99
    assert MLPConfig(ema=0.9).own(common).ema == 0.9
    assert MLPConfig(ema=0).own(common).ema == 0
    network = AutogradNetwork(mlp.build(NET, 3, seed=1), MLPConfig(ema=0).own(common), shape=(3,))
    assert network.average.state() == {}


@pytest.mark.parametrize("wrong", [1.0, -0.1, 998])
def test_other_decays_are_refused(wrong: float) -> None:
    with pytest.raises(ValidationError, match="ema"):
        TrainConfig(ema=wrong)
