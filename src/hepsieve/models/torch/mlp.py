"""MLPConfig to a PyTorch module that gives one logit per row, or a logit and a raw width."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, assert_never

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.models.config import Activation, MLPConfig
from hepsieve.models.mlp import Weights, initial_weights, weight_shapes
from hepsieve.models.outputs import outputs_of, scores_of, widths_of
from hepsieve.models.torch.gradient import input_gradient
from hepsieve.models.torch.team import score_in_batches
from hepsieve.models.weights import load_shaped, save_arrays

WEIGHTS_FILE = "weights.safetensors"
# A batch's widest layer has so many values: they stay in the processor's caches.
_VALUES_AT_ONCE = 1_200_000
_ROWS_OF_GRADIENTS = 4096


class MLP(torch.nn.Sequential):
    """Linear layers with an activation and dropout between them; (n, q) in, logits (n,) or outputs (n, 2) out."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n,), or logits and raw widths, shape (n, 2), of inputs of shape (n, q)."""
        for layer in self:
            input = layer(input)
        return input.squeeze(-1)

    def linears(self) -> list[torch.nn.Linear]:
        """The layers that hold weights, from input to output."""
        return [layer for layer in self if isinstance(layer, torch.nn.Linear)]


def build(config: MLPConfig, inputs: int, *, seed: int) -> MLP:
    """An untrained network; torch's global random state is neither read nor changed."""
    model = _skeleton(config, inputs)
    set_weights(model, initial_weights(config, inputs, seed=seed))
    return model


def weights(model: MLP) -> Weights:
    """A copy of the weights under their canonical names: ``layers.0.weight`` (out, in), ``layers.0.bias``, …"""
    found: Weights = {}
    for number, layer in enumerate(model.linears()):
        found[f"layers.{number}.weight"] = np.array(layer.weight.detach().cpu().numpy())
        found[f"layers.{number}.bias"] = np.array(layer.bias.detach().cpu().numpy())
    return found


@torch.no_grad()
def set_weights(model: MLP, values: Weights) -> None:
    """Write canonical weights into the model, in place."""
    for number, layer in enumerate(model.linears()):
        layer.weight.copy_(torch.tensor(values[f"layers.{number}.weight"]))
        layer.bias.copy_(torch.tensor(values[f"layers.{number}.bias"]))


def logits(model: MLP, inputs: torch.Tensor) -> NDArray[np.float64]:
    """Logits, shape (n,), or logits and raw widths, shape (n, 2), in inference mode and float32.

    Batch by batch, on the device of ``inputs``.
    """
    linears = model.linears()
    rows = -(-_VALUES_AT_ONCE // max(max(layer.weight.shape) for layer in linears))
    found = score_in_batches(model, inputs, rows=rows, outputs=linears[-1].out_features)
    return np.asarray(found.cpu().numpy())


def as_tensor(values: NDArray[np.float32]) -> torch.Tensor:
    """The values as a tensor that is only read: their own memory wherever it is in order, also a mapped file's."""
    with warnings.catch_warnings():
        # Of arrays that can't be written it says that writing to the tensor would be a mistake.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(np.ascontiguousarray(values))


@dataclass(frozen=True, kw_only=True, eq=False)
class TorchPredictor:
    """A trained PyTorch network on the CPU."""

    framework: ClassVar[str] = "torch"
    model: MLP

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(p.numel() for p in self.model.parameters())

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sigmoids of the logits, shape (n,)."""
        return scores_of(logits(self.model, as_tensor(inputs)))

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Predicted standard deviations, shape (n,), of a network with two outputs."""
        if self.model.linears()[-1].out_features == 1:
            return None
        return widths_of(logits(self.model, as_tensor(inputs)))

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """How fast the logit of each event rises with each of its inputs, shape (n, q)."""
        return input_gradient(self.model, as_tensor(inputs), rows=_ROWS_OF_GRADIENTS)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``."""
        save_arrays(weights(self.model), folder / WEIGHTS_FILE)


def load(config: MLPConfig, folder: Path, inputs: int) -> TorchPredictor:
    """The network that ``TorchPredictor.save`` or ``KerasPredictor.save`` wrote.

    Raises:
        IntegrityError: if the weights are damaged or don't fit the config.
    """
    model = _skeleton(config, inputs)
    set_weights(model, load_shaped(folder / WEIGHTS_FILE, weight_shapes(config, inputs)))
    return TorchPredictor(model=model)


def _skeleton(config: MLPConfig, inputs: int) -> MLP:
    layers: list[torch.nn.Module] = []
    width = inputs
    for nodes in config.hidden():
        layers += [_linear(width, nodes), activation(config.activation)]
        if config.dropout > 0:
            layers.append(torch.nn.Dropout(config.dropout))
        width = nodes
    return MLP(*layers, _linear(width, outputs_of(config)))


def _linear(into: int, out: int) -> torch.nn.Linear:
    # On the device "meta" torch's own initialisation is skipped; it would draw from the global generator.
    return torch.nn.Linear(into, out, device="meta").to_empty(device="cpu")


def activation(name: Activation) -> torch.nn.Module:
    """The module of this name; the exact form of GELU."""
    match name:
        case "relu":
            return torch.nn.ReLU(inplace=True)
        case "elu":
            return torch.nn.ELU()
        case "gelu":
            return torch.nn.GELU()
        case "silu":
            return torch.nn.SiLU()
        case "tanh":
            return torch.nn.Tanh()
        case "sigmoid":
            return torch.nn.Sigmoid()
        case _:
            assert_never(name)
