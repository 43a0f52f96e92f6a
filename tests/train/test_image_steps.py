"""A step of an image network on flat vectors moves its weights as PyTorch's own gradients say."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from hepsieve.models.architecture import ImageConfig
from hepsieve.models.config import CNNConfig, ResNetConfig, ShowerNetConfig, TrainConfig
from hepsieve.models.torch import spatial
from hepsieve.train.autograd import AutogradNetwork

SHAPE = (12, 12, 2)
EVENTS = 42
NETWORKS: dict[str, ImageConfig] = {
    "resnet": ResNetConfig(filters=(4, 8), blocks=(1, 2)),
    "resnet without normalisation": ResNetConfig(filters=(4, 8), blocks=(1, 1), normalise=False),
    "cnn": CNNConfig(filters=(4, 8), dense=(8,)),
    "shower": ShowerNetConfig(window=(9, 11), filters=(4,), blocks=(1,)),
}


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images, targets and shares."""
    rng = np.random.default_rng(1)
    images = np.maximum(rng.normal(size=(EVENTS, *SHAPE)), 0)
    target = rng.integers(0, 2, EVENTS)
    share = rng.uniform(0.5, 2, EVENTS) / EVENTS
    return tuple(torch.tensor(values, dtype=torch.float32) for values in (images, target, share))  # type: ignore[return-value]


def by_pytorch(model: spatial.SpatialNetwork) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Logits in training mode, gradients by name, and running statistics after the batch."""
    images, target, share = batch()
    model.train()
    logits = model(images)
    binary_cross_entropy_with_logits(logits, target, weight=share, reduction="sum").backward()  # type: ignore[no-untyped-call]
    gradients = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return logits.detach(), gradients, dict(model.named_buffers())


def one_step(model: spatial.SpatialNetwork, **settings: Any) -> tuple[torch.Tensor, spatial.SpatialNetwork]:
    """Logits, and the model after a step of gradient descent of rate 1."""
    images, target, share = batch()
    chosen = TrainConfig.model_validate({"optimizer": "sgd", **settings})
    network = AutogradNetwork(model, chosen, shape=SHAPE)
    inputs, logits = network.input_block(EVENTS), torch.empty(EVENTS)
    inputs.copy_(images)
    network.step(inputs, target, share, logits, 1.0)
    return logits, model


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_goes_down_the_gradient(name: str) -> None:
    before = spatial.build(NETWORKS[name], SHAPE, seed=3)
    start = {key: values.clone() for key, values in before.state_dict().items()}
    logits, gradients, statistics = by_pytorch(deepcopy(before))
    found, after = one_step(before)
    torch.testing.assert_close(found, logits, rtol=0, atol=1e-5)
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for key, gradient in gradients.items():
        moved = start[key] - after.state_dict()[key]
        torch.testing.assert_close(moved, gradient, rtol=0, atol=5e-6 * largest)
    for key, values in after.named_buffers():
        if not key.endswith("num_batches_tracked"):
            torch.testing.assert_close(values, statistics[key], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_gives_nearly_the_gradient_of_float32(name: str) -> None:
    model = spatial.build(NETWORKS[name], SHAPE, seed=3)
    start = torch.cat([values.detach().flatten().clone() for values in model.parameters()])
    logits, gradients, _ = by_pytorch(deepcopy(model))
    found, after = one_step(model, precision="bf16")
    assert not torch.equal(found, logits)
    torch.testing.assert_close(found, logits, rtol=0, atol=0.05)
    exact = torch.cat([gradient.flatten() for gradient in gradients.values()])
    moved = start - torch.cat([values.flatten() for values in after.parameters()])
    assert torch.cosine_similarity(moved, exact, dim=0) > 0.99
    assert all(values.dtype == torch.float32 for values in after.parameters())


def test_decay_shrinks_the_weights_apart_from_the_gradient() -> None:
    plain, decayed = (
        one_step(spatial.build(NETWORKS["cnn"], SHAPE, seed=3), weight_decay=decay)[1] for decay in (0.0, 0.25)
    )
    start = spatial.build(NETWORKS["cnn"], SHAPE, seed=3)
    for first, a, b in zip(start.parameters(), plain.parameters(), decayed.parameters(), strict=True):
        torch.testing.assert_close(b, a - 0.25 * first.detach(), rtol=1e-5, atol=1e-6)
