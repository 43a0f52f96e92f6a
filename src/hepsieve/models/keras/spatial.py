"""An architecture for images or waveforms to a Keras 3 model that gives a logit for each, or also a raw width."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from hepsieve.models.architecture import (
    Architecture,
    SpatialConfig,
    architecture,
    initial_weights,
    weight_shapes,
)
from hepsieve.models.keras.blocks import Builder, canonical_name
from hepsieve.models.keras.gradient import input_gradient
from hepsieve.models.keras.mlp import WEIGHTS_FILE, Precision, in_batches
from hepsieve.models.layers import Shape
from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import scores_of, widths_of
from hepsieve.models.weights import load_shaped, save_arrays

# A batch has so many values in the network's widest layer.
_VALUES_AT_ONCE = 16_000_000
# Canonical names in the order of Keras's own, by how many weights a layer has.
_IN_KERAS_ORDER = ("weight", "bias", "running_mean", "running_var")


def build(config: SpatialConfig, shape: Shape, *, seed: int, precision: Precision = "float32") -> Any:
    """An untrained ``keras.Model`` to logits (n, 1), or to logits and raw widths (n, 2).

    Images (n, rows, columns, channels) or waveforms (n, samples, channels) go in. No global random state is touched.

    Args:
        config: what the user chose.
        shape: of one image or waveform.
        seed: of the initial weights and of the dropout masks.
        precision: ``bf16`` computes all but the outputs in bfloat16 on float32 weights.

    Raises:
        ConfigError: if the images or waveforms are too small for it.
    """
    model = _skeleton(architecture(config, shape), seed=seed, precision=precision)
    set_weights(model, initial_weights(config, shape, seed=seed))
    return model


def weights(model: Any) -> Weights:
    """A copy of the weights under their canonical names, running means and variances among them."""
    found: Weights = {}
    for layer in model.layers:
        for name, value in zip(_names(layer), layer.get_weights(), strict=True):
            found[name] = np.ascontiguousarray(_from_keras(value), dtype=np.float32)
    return found


def set_weights(model: Any, values: Weights) -> None:
    """Write canonical weights into the model, in place."""
    for layer in model.layers:
        if names := _names(layer):
            layer.set_weights([_to_keras(values[name]) for name in names])


def logits(model: Any, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits, shape (n,), or logits and raw widths, shape (n, 2), in inference mode, batch by batch."""
    return in_batches(model, inputs, rows=_rows_at_once(model))


@dataclass(frozen=True, kw_only=True, eq=False)
class KerasSpatialPredictor:
    """A trained Keras network for images or waveforms."""

    framework: ClassVar[str] = "keras"
    model: Any

    @property
    def parameters(self) -> int:
        """Number of weights and biases; running means and variances are not counted."""
        return sum(prod(weight.shape) for weight in self.model.trainable_weights)

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sigmoids of the logits, shape (n,), of images or waveforms (n, …, channels)."""
        with keras.device("cpu"):
            return scores_of(logits(self.model, inputs))

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Predicted standard deviations, shape (n,), of a network with two outputs."""
        if self.model.output_shape[-1] == 1:
            return None
        with keras.device("cpu"):
            return widths_of(logits(self.model, inputs))

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """How fast the logit of each image or waveform rises with each of its values, the shape of ``inputs``.

        None on a backend other than PyTorch and TensorFlow.
        """
        with keras.device("cpu"):
            return input_gradient(self.model, inputs, rows=_rows_at_once(self.model))

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``, the same file that PyTorch's network writes."""
        save_arrays(weights(self.model), folder / WEIGHTS_FILE)


def from_weights(config: SpatialConfig, shape: Shape, values: Weights) -> KerasSpatialPredictor:
    """A float32 network with these weights, on the CPU."""
    with keras.device("cpu"):
        model = _skeleton(architecture(config, shape), seed=0, precision="float32")
        set_weights(model, values)
    return KerasSpatialPredictor(model=model)


def load(config: SpatialConfig, folder: Path, shape: Shape) -> KerasSpatialPredictor:
    """The network that a predictor of either framework wrote.

    Raises:
        IntegrityError: if the weights are damaged or don't fit the config.
    """
    return from_weights(config, shape, load_shaped(folder / WEIGHTS_FILE, weight_shapes(config, shape)))


def _rows_at_once(model: Any) -> int:
    return max(1, _VALUES_AT_ONCE // max(int(prod(layer.output.shape[1:])) for layer in model.layers))


def _skeleton(network: Architecture, *, seed: int, precision: Precision) -> Any:
    builder = Builder(policy="mixed_bfloat16" if precision == "bf16" else "float32", seeds=count(seed))
    inputs = keras.Input(network.shape)
    vector = builder.sequence(network.layers, inputs, network.shape, "layers.")
    # Outputs in float32 whatever the policy: the loss needs their precision.
    logit = keras.layers.Dense(network.outputs, kernel_initializer="zeros", dtype="float32", name="logit")
    return keras.Model(inputs, logit(vector))


def _names(layer: Any) -> list[str]:
    """Canonical names of a layer's weights, in Keras's order."""
    return [f"{canonical_name(layer.name)}.{name}" for name in _IN_KERAS_ORDER[: len(layer.weights)]]


def _to_keras(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keras keeps kernels as (rows, columns, in, out), (samples, in, out) and (in, out)."""
    return np.moveaxis(value, (0, 1), (-1, -2)) if value.ndim > 1 else value


def _from_keras(value: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.moveaxis(value, (-1, -2), (0, 1)) if value.ndim > 1 else value
