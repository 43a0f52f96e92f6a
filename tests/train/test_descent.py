"""Optimisers of one vector take the steps of PyTorch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hepsieve.models.config import TrainConfig
from hepsieve.train.descent import descent
from hepsieve.train.keras import _optimizer
from hepsieve.train.schedule import Steps


def by_pytorch(name: str, values: torch.Tensor, momentum: float) -> torch.optim.Optimizer:
    match name:
        case "adam":
            return torch.optim.Adam([values], 0.1, eps=1e-7)
        case "sgd":
            return torch.optim.SGD([values], 0.1, momentum=momentum)
        case _:
            return torch.optim.RMSprop([values], 0.1, alpha=0.9, eps=1e-7, momentum=momentum)


@pytest.mark.parametrize(
    ("name", "momentum"), [("adam", 0.0), ("sgd", 0.0), ("sgd", 0.7), ("rmsprop", 0.0), ("rmsprop", 0.7)]
)
def test_steps_are_those_of_pytorch(name: str, momentum: float) -> None:
    random = torch.Generator().manual_seed(1)
    start = torch.randn(50, generator=random)
    theirs, ours = start.clone().requires_grad_(), start.clone()
    reference = by_pytorch(name, theirs, momentum)
    chosen = TrainConfig.model_validate({"optimizer": name, "momentum": momentum})
    optimiser = descent(chosen, ours)
    for rate in (0.1, 0.1, 0.02, 0.3):
        gradient = torch.randn(50, generator=random)
        theirs.grad = gradient.clone()
        reference.param_groups[0]["lr"] = rate
        reference.step()
        optimiser.step(ours, gradient, rate)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-6)
    assert not torch.equal(ours, start)


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop"])
def test_a_step_leaves_the_gradient_as_it_was(name: str) -> None:
    ours, gradient = torch.ones(5), torch.arange(5.0)
    optimiser = descent(TrainConfig.model_validate({"optimizer": name, "momentum": 0.5}), ours)
    optimiser.step(ours, gradient, 0.1)
    assert torch.equal(gradient, torch.arange(5.0))


def test_keras_follows_small_derivatives_as_rmsprop_does_here() -> None:
    import keras  # after hepsieve has chosen its backend

    random = torch.Generator().manual_seed(1)
    ours = torch.zeros(50)
    theirs = keras.Variable(ours.numpy())
    settings = TrainConfig(optimizer="rmsprop", learning_rate=0.01)
    optimiser = descent(settings, ours)
    of_keras = _optimizer(settings, Steps(per_epoch=3, epochs=1))
    for _ in range(3):
        gradient = 1e-4 * torch.randn(50, generator=random)
        optimiser.step(ours, gradient, 0.01)
        of_keras.apply([keras.ops.convert_to_tensor(gradient.numpy())], [theirs])
    # The first step alone is 0.01 / √0.1, however small the derivative.
    assert ours.abs().mean() > 0.03
    # 1e-7 beside the root, or its square under it: a few per cent where a derivative is as small as 1e-6.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(theirs), ours.numpy(), rtol=0, atol=0.004)
