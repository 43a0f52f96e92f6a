"""MLPConfig to a Keras 3 model that gives one logit per row, or a logit and a raw width."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, assert_never

import keras
import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import Activation, MLPConfig
from hepsieve.models.keras.gradient import input_gradient
from hepsieve.models.mlp import Weights, initial_weights, weight_shapes
from hepsieve.models.outputs import outputs_of, scores_of, widths_of
from hepsieve.models.weights import load_shaped, save_arrays

WEIGHTS_FILE = "weights.safetensors"
_ROWS_AT_ONCE = 65_536
Precision = Literal["float32", "bf16"]


def build(config: MLPConfig, inputs: int, *, seed: int, precision: Precision = "float32") -> Any:
    """An untrained ``keras.Sequential``, (n, q) in and logits (n, 1), or logits and raw widths (n, 2), out.

    No global random state is touched.

    Args:
        config: the architecture.
        inputs: number of prepared inputs, q.
        seed: of the initial weights and of the dropout masks.
        precision: ``bf16`` computes hidden layers in bfloat16 on float32 weights.
    """
    model = _skeleton(config, inputs, seed=seed, precision=precision)
    set_weights(model, initial_weights(config, inputs, seed=seed))
    return model


def weights(model: Any) -> Weights:
    """A copy of the weights under their canonical names: ``layers.0.weight`` (out, in), ``layers.0.bias``, …"""
    found: Weights = {}
    for number, layer in enumerate(_dense_layers(model)):
        kernel, bias = layer.get_weights()
        found[f"layers.{number}.weight"] = np.ascontiguousarray(kernel.T)
        found[f"layers.{number}.bias"] = np.array(bias)
    return found


def set_weights(model: Any, values: Weights) -> None:
    """Write canonical weights into the model, in place; Keras keeps kernels as (in, out)."""
    for number, layer in enumerate(_dense_layers(model)):
        layer.set_weights([values[f"layers.{number}.weight"].T, values[f"layers.{number}.bias"]])


def logits(model: Any, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits, shape (n,), or logits and raw widths, shape (n, 2), in inference mode."""
    return in_batches(model, inputs, rows=_ROWS_AT_ONCE)


def in_batches(model: Any, inputs: NDArray[np.float32], *, rows: int) -> NDArray[np.float64]:
    """What a model of one output or two gives for each of the inputs, shape (n,) or (n, 2), ``rows`` at a time."""
    batches = (np.asarray(inputs[k : k + rows]) for k in range(0, len(inputs), rows))
    parts = [np.asarray(model.predict_on_batch(batch), dtype=np.float64) for batch in batches]
    found = np.concatenate([np.empty((0, model.output_shape[-1])), *parts])
    return found[:, 0] if found.shape[1] == 1 else found


@dataclass(frozen=True, kw_only=True, eq=False)
class KerasPredictor:
    """A trained Keras network."""

    framework: ClassVar[str] = "keras"
    model: Any

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return int(self.model.count_params())

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sigmoids of the logits, shape (n,)."""
        with keras.device("cpu"):
            return scores_of(logits(self.model, inputs))

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Predicted standard deviations, shape (n,), of a network with two outputs."""
        if self.model.output_shape[-1] == 1:
            return None
        with keras.device("cpu"):
            return widths_of(logits(self.model, inputs))

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """How fast the logit of each event rises with each of its inputs, shape (n, q).

        None on a backend other than PyTorch and TensorFlow.
        """
        with keras.device("cpu"):
            return input_gradient(self.model, inputs, rows=_ROWS_AT_ONCE)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``, the same file that PyTorch's network writes."""
        save_arrays(weights(self.model), folder / WEIGHTS_FILE)


def from_weights(config: MLPConfig, values: Weights) -> KerasPredictor:
    """A float32 network with these weights, on the CPU."""
    with keras.device("cpu"):
        model = _skeleton(config, values["layers.0.weight"].shape[1], seed=0, precision="float32")
        set_weights(model, values)
    return KerasPredictor(model=model)


def load(config: MLPConfig, folder: Path, inputs: int) -> KerasPredictor:
    """The network that ``KerasPredictor.save`` or ``TorchPredictor.save`` wrote.

    Raises:
        IntegrityError: if the weights are damaged or don't fit the config.
    """
    return from_weights(config, load_shaped(folder / WEIGHTS_FILE, weight_shapes(config, inputs)))


def _skeleton(config: MLPConfig, inputs: int, *, seed: int, precision: Precision) -> Any:
    """Layers with zero kernels: Keras's own initialisers would draw from the global generator."""
    policy = "mixed_bfloat16" if precision == "bf16" else "float32"
    layers = [keras.Input((inputs,))]
    for number, nodes in enumerate(config.hidden()):
        layers.append(
            keras.layers.Dense(
                nodes,
                activation=_activation(config.activation),
                kernel_initializer="zeros",
                dtype=policy,
                name=f"hidden_{number}",
            )
        )
        if config.dropout > 0:
            layers.append(keras.layers.Dropout(config.dropout, seed=seed + number, dtype=policy))
    # Outputs in float32 whatever the policy: the loss needs their precision.
    layers.append(keras.layers.Dense(outputs_of(config), kernel_initializer="zeros", dtype="float32", name="logit"))
    return keras.Sequential(layers)


def _dense_layers(model: Any) -> list[Any]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def _activation(name: Activation) -> str:
    """Keras's name; its gelu is the exact one unless asked otherwise, as PyTorch's."""
    match name:
        case "relu" | "elu" | "gelu" | "silu" | "tanh" | "sigmoid":
            return name
        case _:
            assert_never(name)
