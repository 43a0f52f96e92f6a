"""An architecture for images or waveforms to a PyTorch module that gives a logit for each, or also a raw width."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.models.architecture import (
    Architecture,
    SpatialConfig,
    architecture,
    initial_weights,
    weight_shapes,
)
from hepsieve.models.layers import Shape, shapes_on_the_way
from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import scores_of, widths_of
from hepsieve.models.torch.blocks import sequence
from hepsieve.models.torch.gradient import input_gradient
from hepsieve.models.torch.mlp import WEIGHTS_FILE, as_tensor
from hepsieve.models.torch.team import score_in_batches
from hepsieve.models.weights import load_shaped, save_arrays

# A batch has so many values in the network's widest layer: they stay in the processor's caches.
_VALUES_AT_ONCE = 1_200_000


class SpatialNetwork(torch.nn.Module):
    """A network from images or waveforms to one logit each, or to a logit and a raw width.

    Attributes:
        axes: 2 of images, 1 of waveforms.
        layers: from the image, channels before rows, to a vector; a waveform is an image of one row.
        logit: the weighted sums of that vector.
        widest: how many numbers one image or waveform is at most, on its way through the network.
    """

    def __init__(self, network: Architecture) -> None:
        """A network whose weights are still unset."""
        super().__init__()
        self.axes = len(network.shape) - 1
        self.widest = max(map(prod, shapes_on_the_way(network.layers, network.shape)))
        self.layers = sequence(network.layers, network.shape)
        # On the device "meta" torch's own initialisation is skipped; it would draw from the global generator.
        self.logit = torch.nn.Linear(network.width, network.outputs, device="meta").to_empty(device="cpu")
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n,), or logits and raw widths, shape (n, 2), float32.

        Args:
            inputs: shape (n, rows, columns, channels) or (n, samples, channels).
        """
        images = inputs if self.axes == 2 else inputs.unsqueeze(1)
        # They lie in memory by channels last already: this copies nothing.
        vector = self.layers(images.permute(0, 3, 1, 2))
        # Outputs in float32 whatever the precision: the loss needs theirs.
        with torch.autocast(inputs.device.type, enabled=False):
            outputs: torch.Tensor = self.logit(vector.float())
        return outputs.squeeze(-1)


def build(config: SpatialConfig, shape: Shape, *, seed: int) -> SpatialNetwork:
    """An untrained network; torch's global random state is neither read nor changed.

    Raises:
        ConfigError: if the images or waveforms are too small for it.
    """
    model = SpatialNetwork(architecture(config, shape))
    set_weights(model, initial_weights(config, shape, seed=seed))
    return model


def weights(model: SpatialNetwork) -> Weights:
    """A copy of the weights under their canonical names, running means and variances among them."""
    # channels_last tensors are copied into the canonical order.
    return {name: np.array(value.detach().cpu().numpy(), order="C", copy=True) for name, value in _named(model).items()}


@torch.no_grad()
def set_weights(model: SpatialNetwork, values: Weights) -> None:
    """Write canonical weights into the model, in place."""
    for name, value in _named(model).items():
        value.copy_(torch.tensor(values[name]))


def logits(model: SpatialNetwork, inputs: torch.Tensor) -> NDArray[np.float64]:
    """Logits, shape (n,), or logits and raw widths, shape (n, 2), in inference mode and float32.

    Batch by batch, on the device of ``inputs``.
    """
    found = score_in_batches(model, inputs, rows=rows_at_once(model), outputs=model.logit.out_features)
    return np.asarray(found.cpu().numpy())


def rows_at_once(model: SpatialNetwork) -> int:
    """How many images or waveforms one batch of ``logits`` has: a function of the network alone."""
    return max(1, _VALUES_AT_ONCE // model.widest)


@dataclass(frozen=True, kw_only=True, eq=False)
class TorchSpatialPredictor:
    """A trained PyTorch network for images or waveforms, on the CPU."""

    framework: ClassVar[str] = "torch"
    model: SpatialNetwork

    @property
    def parameters(self) -> int:
        """Number of weights and biases; running means and variances are not counted."""
        return sum(p.numel() for p in self.model.parameters())

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sigmoids of the logits, shape (n,), of images or waveforms (n, …, channels)."""
        return scores_of(logits(self.model, as_tensor(inputs)))

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Predicted standard deviations, shape (n,), of a network with two outputs."""
        if self.model.logit.out_features == 1:
            return None
        return widths_of(logits(self.model, as_tensor(inputs)))

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """How fast the logit of each image or waveform rises with each of its values, the shape of ``inputs``."""
        return input_gradient(self.model, as_tensor(inputs), rows=rows_at_once(self.model))

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``."""
        save_arrays(weights(self.model), folder / WEIGHTS_FILE)


def load(config: SpatialConfig, folder: Path, shape: Shape) -> TorchSpatialPredictor:
    """The network that a predictor of either framework wrote.

    Raises:
        IntegrityError: if the weights are damaged or don't fit the config.
    """
    model = SpatialNetwork(architecture(config, shape))
    set_weights(model, load_shaped(folder / WEIGHTS_FILE, weight_shapes(config, shape)))
    return TorchSpatialPredictor(model=model.eval())


def _named(model: SpatialNetwork) -> dict[str, torch.Tensor]:
    """The tensors that are weights, in their canonical shapes; PyTorch's count of batches is none."""
    found = model.state_dict().items()
    tensors = {name: value for name, value in found if not name.endswith("num_batches_tracked")}
    if model.axes == 2:
        return tensors
    return {name: value.squeeze(2) if value.ndim == 4 else value for name, value in tensors.items()}
