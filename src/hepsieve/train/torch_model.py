"""What the PyTorch loop asks of a model, whichever kind it is: copied, scored and kept."""

from __future__ import annotations

from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.models.mlp import Weights
from hepsieve.models.predictor import Predictor
from hepsieve.models.torch import mlp, spatial, tabular
from hepsieve.models.torch.mlp import as_tensor
from hepsieve.spill import blocks, let_go

TorchModel = mlp.MLP | tabular.TabM | spatial.SpatialNetwork
# Images or waveforms that are scored together: enough to share among threads, and no more memory than that.
_IMAGES_AT_ONCE = 1 << 13


def weights(model: TorchModel) -> Weights:
    """A copy of its weights, running means and variances included, under their canonical names."""
    match model:
        case mlp.MLP():
            return mlp.weights(model)
        case tabular.TabM():
            return tabular.weights(model)
        case spatial.SpatialNetwork():
            return spatial.weights(model)
        case _:
            assert_never(model)


def set_weights(model: TorchModel, values: Weights) -> None:
    """Write canonical weights into the model, in place."""
    match model:
        case mlp.MLP():
            mlp.set_weights(model, values)
        case tabular.TabM():
            tabular.set_weights(model, values)
        case spatial.SpatialNetwork():
            spatial.set_weights(model, values)
        case _:
            assert_never(model)


def statistics(model: TorchModel) -> list[torch.Tensor]:
    """The running means and variances of its normalisations."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)]
    found = [(layer.running_mean, layer.running_var) for layer in layers]
    return [tensor for pair in found for tensor in pair if tensor is not None]


def logits(model: TorchModel, inputs: NDArray[np.float32], device: torch.device) -> NDArray[np.float64]:
    """Logits, shape (n,), in inference mode and float32, with predicted widths (n, 2).

    Images and waveforms on a file are no longer in memory afterwards.
    """
    match model:
        case mlp.MLP():
            return mlp.logits(model, as_tensor(inputs).to(device))
        case tabular.TabM():
            return tabular.logits(model, as_tensor(inputs).to(device))
        case spatial.SpatialNetwork():
            found = []
            for part in blocks(inputs, rows=_IMAGES_AT_ONCE):
                found.append(spatial.logits(model, as_tensor(inputs[part]).to(device)))
                let_go(inputs)
            return np.concatenate(found)
        case _:
            assert_never(model)


def predictor(model: TorchModel, values: Weights) -> Predictor:
    """The model with these weights, on the CPU."""
    match model:
        case mlp.MLP():
            mlp.set_weights(model, values)
            return mlp.TorchPredictor(model=model.cpu().eval())
        case tabular.TabM():
            tabular.set_weights(model, values)
            return tabular.TorchTabularPredictor(model=model.cpu().eval())
        case spatial.SpatialNetwork():
            spatial.set_weights(model, values)
            return spatial.TorchSpatialPredictor(model=model.cpu().eval())
        case _:
            assert_never(model)
