"""An image network's architecture to a PyTorch module that gives one logit per image."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from hepsieve.models.architecture import (
    Architecture,
    ImageConfig,
    architecture,
    initial_weights,
    weight_shapes,
)
from hepsieve.models.layers import Shape, shapes_on_the_way
from hepsieve.models.mlp import Weights
from hepsieve.models.torch.blocks import sequence
from hepsieve.models.torch.mlp import WEIGHTS_FILE, as_tensor
from hepsieve.models.torch.team import score_in_batches
from hepsieve.models.weights import load_shaped, save_arrays

# A batch has so many values in the network's widest layer: they stay in the processor's caches.
_VALUES_AT_ONCE = 1_200_000


class ImageClassifier(torch.nn.Module):
    """A network from images to one logit each.

    Attributes:
        layers: from the image, channels before rows, to a vector.
        logit: the weighted sum of that vector.
        widest: how many numbers one image is at most, on its way through the network.
    """

    def __init__(self, network: Architecture) -> None:
        """A network whose weights are still unset."""
        super().__init__()
        self.widest = max(map(prod, shapes_on_the_way(network.layers, network.shape)))
        self.layers = sequence(network.layers, network.shape)
        # On the device "meta" torch's own initialisation is skipped; it would draw from the global generator.
        self.logit = torch.nn.Linear(network.width, 1, device="meta").to_empty(device="cpu")
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n,), float32, of images of shape (n, rows, columns, channels)."""
        # The images lie in memory by channels last already: this copies nothing.
        vector = self.layers(inputs.permute(0, 3, 1, 2))
        # Logits in float32 whatever the precision: the loss needs theirs.
        with torch.autocast(inputs.device.type, enabled=False):
            logits: torch.Tensor = self.logit(vector.float())
        return logits.squeeze(-1)


def build(config: ImageConfig, shape: Shape, *, seed: int) -> ImageClassifier:
    """An untrained network; torch's global random state is neither read nor changed.

    Raises:
        ConfigError: if the images are too small for it.
    """
    model = ImageClassifier(architecture(config, shape))
    set_weights(model, initial_weights(config, shape, seed=seed))
    return model


def weights(model: ImageClassifier) -> Weights:
    """A copy of the weights under their canonical names, running means and variances among them."""
    # channels_last tensors are copied into the canonical order.
    return {name: np.array(value.detach().cpu().numpy(), order="C", copy=True) for name, value in _named(model).items()}


@torch.no_grad()
def set_weights(model: ImageClassifier, values: Weights) -> None:
    """Write canonical weights into the model, in place."""
    for name, value in _named(model).items():
        value.copy_(torch.tensor(values[name]))


def logits(model: ImageClassifier, inputs: torch.Tensor) -> NDArray[np.float64]:
    """Logits, shape (n,), in inference mode and float32, batch by batch on the device of ``inputs``."""
    return np.asarray(score_in_batches(model, inputs, rows=rows_at_once(model)).cpu().numpy())


def rows_at_once(model: ImageClassifier) -> int:
    """How many images one batch of ``logits`` has: a function of the network alone."""
    return max(1, _VALUES_AT_ONCE // model.widest)


@dataclass(frozen=True, kw_only=True, eq=False)
class TorchImagePredictor:
    """A trained PyTorch image network on the CPU."""

    framework: ClassVar[str] = "torch"
    model: ImageClassifier

    @property
    def parameters(self) -> int:
        """Number of weights and biases; running means and variances are not counted."""
        return sum(p.numel() for p in self.model.parameters())

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sigmoids of the logits, shape (n,), of images of shape (n, rows, columns, channels)."""
        return np.asarray(expit(logits(self.model, as_tensor(inputs))))

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``."""
        save_arrays(weights(self.model), folder / WEIGHTS_FILE)


def load(config: ImageConfig, folder: Path, shape: Shape) -> TorchImagePredictor:
    """The network that a predictor of either framework wrote.

    Raises:
        IntegrityError: if the weights are damaged or don't fit the config.
    """
    model = ImageClassifier(architecture(config, shape))
    set_weights(model, load_shaped(folder / WEIGHTS_FILE, weight_shapes(config, shape)))
    return TorchImagePredictor(model=model.eval())


def _named(model: ImageClassifier) -> dict[str, torch.Tensor]:
    """The tensors that are weights; PyTorch's count of batches is none."""
    return {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
