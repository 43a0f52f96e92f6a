"""Networks that look at images or waveforms learn from a weight of two what they learn from the event twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.models.config import CNNConfig, TrainConfig, WaveCNNConfig
from hepsieve.models.keras import spatial as keras_spatial
from hepsieve.models.torch import spatial as torch_spatial
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model

# All events in one batch: what is left of the order is the rounding of sums.
WHOLE = TrainConfig(epochs=3, batch_size=100, optimizer="sgd", learning_rate=0.3, patience=None, device="cpu")
CNN = CNNConfig(filters=(4,), dense=(8,), dropout=0.0)
WAVES = WaveCNNConfig(filters=4, pool=8, dense=8)


def weights(trained: Trained) -> Mapping[str, NDArray[np.float32]]:
    match trained.model:
        case torch_spatial.TorchSpatialPredictor(model=model):
            return torch_spatial.weights(model)
        case keras_spatial.KerasSpatialPredictor(model=model):
            return keras_spatial.weights(model)
        case _:
            raise AssertionError(trained.model)


@pytest.mark.parametrize("backend", ["torch", "keras"])
@pytest.mark.parametrize("kind", ["images", "waveforms"])
def test_a_weight_of_two_is_the_event_twice(
    kind: str, backend: str, showers: Callable[..., Part], pulses: Callable[..., Part]
) -> None:
    draw, config = (showers, CNN) if kind == "images" else (pulses, WAVES)
    train, validation = draw(40, seed=1), draw(20, seed=2)
    heavy = replace(train, weight=np.where(np.arange(40) < 15, 2, 1).astype(np.float32))
    rows = np.concatenate([np.arange(40), np.arange(15)])
    twice = replace(train, inputs=train.inputs[rows], target=train.target[rows], weight=np.ones(55, np.float32))

    def fitted(part: Part) -> Mapping[str, NDArray[np.float32]]:
        chosen = config.model_copy(update={"backend": backend})
        return weights(
            train_model("net", chosen, part, validation, WHOLE, seed=1, progress=Silent(), on_epoch=lambda record: None)
        )

    one, other, light = (fitted(part) for part in (heavy, twice, train))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-5)
    assert max(np.max(np.abs(one[name] - light[name])) for name in one) > 1e-4
