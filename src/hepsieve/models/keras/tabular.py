"""TabMConfig to a Keras 3 model of every member's outputs, for training, and to one of their joint outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any, ClassVar, assert_never

import keras
import numpy as np
from numpy.typing import NDArray

from hepsieve.models.keras.gradient import input_gradient
from hepsieve.models.keras.mlp import WEIGHTS_FILE, Precision, in_batches
from hepsieve.models.keras.outputs import width
from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import NARROWEST, WIDEST, outputs_of, scores_of, widths_of
from hepsieve.models.tabular import EDGES, initial_weights, layer_shapes, parameter_count, weight_shapes
from hepsieve.models.tabular_config import Periodic, Piecewise, TabMConfig
from hepsieve.models.weights import load_shaped, save_arrays

# A batch has so many values in the network's widest layer.
_VALUES_AT_ONCE = 4_000_000
_INVERSE = "embedding_inverse"  # of the bins' widths, which follow from their edges


def build(
    config: TabMConfig, inputs: int, *, train: NDArray[np.float32], seed: int, precision: Precision = "float32"
) -> Any:
    """An untrained ``keras.Model``, (n, q) in and the outputs of every member, (n, members, 1 or 2), out.

    No global random state is touched.

    Args:
        config: the architecture.
        inputs: number of prepared inputs, q.
        train: prepared inputs of the training part, shape (n, q), whose quantiles become edges of bins.
        seed: of the first weights and of the dropout masks.
        precision: ``bf16`` computes hidden layers in bfloat16 on float32 weights.
    """
    model = _skeleton(config, inputs, seed=seed, precision=precision)
    set_weights(config, model, initial_weights(config, inputs, train=train, seed=seed))
    return model


def weights(config: TabMConfig, model: Any) -> Weights:
    """A copy of the weights under their canonical names, the edges of bins among them."""
    found: Weights = {}
    for name, layer, number in _places(config, model):
        value = np.asarray(keras.ops.convert_to_numpy(layer.weights[number].value), np.float32)
        if name == EDGES:
            value = 0.0 - value
        found[name] = np.array(value.T if name.startswith("layers") and name.endswith("weight") else value, order="C")
    return found


def set_weights(config: TabMConfig, model: Any, values: Weights) -> None:
    """Write canonical weights into the model, in place; Keras keeps kernels as (in, out)."""
    for name, layer, number in _places(config, model):
        value = values[name]
        if name == EDGES:
            layer.weights[0].assign(np.ones(layer.weights[0].shape, np.float32))
            # Of 0 - edge no zero is negative when it comes back.
            layer.weights[number].assign(0.0 - value)
            size = np.diff(value, axis=1)
            inverse = np.divide(np.float32(1), size, out=np.zeros_like(size), where=size > 0)
            model.get_layer(_INVERSE).weights[0].assign(inverse)
            continue
        layer.weights[number].assign(value.T if name.startswith("layers") and name.endswith("weight") else value)


def joint(model: Any) -> Any:
    """The same layers to joint outputs: logits (n, 1), or logits and raw widths (n, 2)."""
    return keras.Model(model.input, joined(model.output))


def joined(members: Any) -> Any:
    """As ``hepsieve.models.tabular.joined``: shape (n, members, 1 or 2) to (n, 1) or (n, 2)."""
    each = members[:, :, :1]
    signal, background = keras.ops.log_sigmoid(each), keras.ops.log_sigmoid(-each)
    logit = keras.ops.logsumexp(signal, axis=1) - keras.ops.logsumexp(background, axis=1)
    if members.shape[2] == 1:
        return logit
    variance = keras.ops.mean(keras.ops.square(width(members[:, :, 1:])), axis=1)
    variance = variance + keras.ops.var(keras.ops.exp(signal), axis=1)
    share = keras.ops.clip((keras.ops.sqrt(variance) - NARROWEST) / (WIDEST - NARROWEST), 1e-6, 1 - 1e-6)
    return keras.ops.concatenate([logit, keras.ops.log(share) - keras.ops.log(1 - share)], axis=1)


def logits(config: TabMConfig, model: Any, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Joint logits, shape (n,), or logits and raw widths, shape (n, 2), in inference mode.

    Args:
        config: the architecture.
        model: one that ``build`` or ``joint`` gave.
        inputs: prepared inputs, shape (n, q).
    """
    joint_model = joint(model) if len(model.output_shape) == 3 else model
    return in_batches(joint_model, inputs, rows=_rows(config, inputs.shape[1]))


@dataclass(frozen=True, kw_only=True, eq=False)
class KerasTabularPredictor:
    """A trained Keras network for tables.

    Attributes:
        config: its architecture.
        model: to joint outputs.
    """

    framework: ClassVar[str] = "keras"
    config: TabMConfig
    model: Any

    @property
    def parameters(self) -> int:
        """Number of weights, factors and biases; edges of bins are not counted."""
        return parameter_count(self.config, self.model.input_shape[-1])

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Means of the members' scores, shape (n,)."""
        with keras.device("cpu"):
            return scores_of(logits(self.config, self.model, inputs))

    def widths(self, inputs: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Predicted standard deviations, shape (n,), of a network with two outputs."""
        if outputs_of(self.config) == 1:
            return None
        with keras.device("cpu"):
            return widths_of(logits(self.config, self.model, inputs))

    def input_gradient(self, inputs: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """How fast the logit of each event rises with each of its inputs, shape (n, q).

        None on a backend other than PyTorch and TensorFlow.
        """
        with keras.device("cpu"):
            return input_gradient(self.model, inputs, rows=_rows(self.config, inputs.shape[1]))

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``, the same file that PyTorch's network writes."""
        save_arrays(weights(self.config, self.model), folder / WEIGHTS_FILE)


def from_weights(config: TabMConfig, inputs: int, values: Weights) -> KerasTabularPredictor:
    """A float32 network with these weights, on the CPU."""
    with keras.device("cpu"):
        model = _skeleton(config, inputs, seed=0, precision="float32")
        set_weights(config, model, values)
        return KerasTabularPredictor(config=config, model=joint(model))


def load(config: TabMConfig, folder: Path, inputs: int) -> KerasTabularPredictor:
    """The network that a predictor of either framework wrote.

    Raises:
        IntegrityError: if the weights are damaged or don't fit the config.
    """
    return from_weights(config, inputs, load_shaped(folder / WEIGHTS_FILE, weight_shapes(config, inputs)))


def _rows(config: TabMConfig, inputs: int) -> int:
    return max(1, _VALUES_AT_ONCE // (config.members * max(config.width, inputs)))


def _places(config: TabMConfig, model: Any) -> Iterator[tuple[str, Any, int]]:
    """Canonical name, Keras layer, and which of its weights, of all weights of the network."""
    for name in weight_shapes(config, model.input_shape[-1]):
        part, _, kind = name.rpartition(".")
        match part.partition(".")[0], kind:
            case "embedding", "edges":
                yield name, model.get_layer("embedding_edges"), 1
            case "embedding", "linear":
                yield name, model.get_layer("embedding_linear"), 0
            case "embedding", "frequencies":
                yield name, model.get_layer("embedding_frequencies"), 0
            case "layers", "bias":
                yield name, model.get_layer(f"{part}.output_scale".replace(".", "_")), 1
            case "layers", _:
                yield name, model.get_layer(name.replace(".", "_")), 0
            case _:
                yield name, model.get_layer(part.replace(".", "_")), int(kind == "bias")


def _skeleton(config: TabMConfig, inputs: int, *, seed: int, precision: Precision) -> Any:
    """Layers whose weights are still to be set: Keras's own initialisers would draw from the global generator."""
    return _Skeleton(config, inputs, seed=seed, policy="mixed_bfloat16" if precision == "bf16" else "float32").model()


class _Skeleton:
    """The layers of one network, of Keras's own kinds alone: whoever has Keras can load an exported model."""

    def __init__(self, config: TabMConfig, inputs: int, *, seed: int, policy: str) -> None:
        self._config, self._inputs, self._policy, self._seed = config, inputs, policy, seed
        self._widths = [out for out, _ in layer_shapes(config, inputs)]

    def model(self) -> Any:
        """From inputs to the outputs of every member."""
        inputs = keras.Input((self._inputs,))
        values = keras.layers.RepeatVector(self._config.members, dtype=self._policy)(self._embedded(inputs))
        values = self._residual(values) if self._config.residual else self._plain(values)
        # Outputs in float32 whatever the policy: the loss needs their precision.
        shape = (self._config.members, outputs_of(self._config))
        heads = self._einsum("heads", "nkw,kwo->nko", shape, bias="ko", dtype="float32")
        return keras.Model(inputs, heads(values))

    def _plain(self, values: Any) -> Any:
        for number in range(self._config.blocks):
            values = self._activated(self._normalised(number, self._linear(number, values)))
            values = self._dropped(number, values)
        return values

    def _residual(self, values: Any) -> Any:
        values = self._linear(0, values)
        for number in range(self._config.blocks):
            inside = self._activated(self._linear(2 * number + 1, self._normalised(number, values)))
            inside = self._linear(2 * number + 2, self._dropped(number, inside))
            values = keras.layers.Add(dtype=self._policy)([values, inside])
        return self._activated(self._normalised(self._config.blocks, values))

    def _linear(self, number: int, values: Any) -> Any:
        members, into, out = self._config.members, values.shape[-1], self._widths[number]
        values = self._einsum(f"layers_{number}_input_scale", "nki,ki->nki", (members, into))(values)
        values = keras.layers.Dense(
            out, use_bias=False, kernel_initializer="zeros", dtype=self._policy, name=f"layers_{number}_weight"
        )(values)
        return self._einsum(f"layers_{number}_output_scale", "nko,ko->nko", (members, out), bias="ko")(values)

    def _normalised(self, number: int, values: Any) -> Any:
        if self._config.normalisation == "none":
            return values
        layer = keras.layers.LayerNormalization(epsilon=1e-5, dtype=self._policy, name=f"norms_{number}")
        return layer(values)

    def _activated(self, values: Any) -> Any:
        return keras.layers.Activation(self._config.activation, dtype=self._policy)(values)

    def _dropped(self, number: int, values: Any) -> Any:
        if self._config.dropout == 0:
            return values
        return keras.layers.Dropout(self._config.dropout, seed=self._seed + number, dtype=self._policy)(values)

    def _embedded(self, inputs: Any) -> Any:
        match self._config.embedding:
            case None:
                return inputs
            case Piecewise(size=size, linear=linear):
                encoded = self._piecewise(inputs, self._config.embedding)
            case Periodic(frequencies=frequencies, size=size):
                linear = False
                shape = (self._inputs, frequencies)
                angles = self._einsum("embedding_frequencies", "nq,qf->nqf", shape, dtype="float32")(inputs) * (2 * pi)
                encoded = keras.ops.concatenate([keras.ops.sin(angles), keras.ops.cos(angles)], axis=2)
            case _:
                assert_never(self._config.embedding)
        shape = (self._inputs, size)
        embedded = self._einsum("embedding", "nqe,qed->nqd", shape, bias="qd", dtype="float32")(encoded)
        if linear:
            embedded = embedded + self._einsum("embedding_linear", "nq,qd->nqd", shape, dtype="float32")(inputs)
        return keras.layers.Reshape((self._inputs * size,))(keras.ops.relu(embedded))

    def _piecewise(self, inputs: Any, embedding: Piecewise) -> Any:
        bins = embedding.bins
        edges = self._einsum(
            "embedding_edges", "nq,qb->nqb", (self._inputs, bins + 1), bias="qb", trainable=False, dtype="float32"
        )
        inverse = self._einsum(_INVERSE, "nqb,qb->nqb", (self._inputs, bins), trainable=False, dtype="float32")
        shares = inverse(edges(inputs)[:, :, :-1])
        if embedding.linear:
            return keras.ops.clip(shares, 0.0, 1.0)
        first, last = keras.ops.minimum(shares[:, :, :1], 1.0), keras.ops.maximum(shares[:, :, -1:], 0.0)
        middle = [keras.ops.clip(shares[:, :, 1:-1], 0.0, 1.0)] if bins > 2 else []
        return keras.ops.concatenate([first, *middle, last], axis=2)

    def _einsum(
        self, name: str, equation: str, shape: tuple[int, ...], *, bias: str | None = None, **settings: Any
    ) -> Any:
        return keras.layers.EinsumDense(
            equation,
            shape,
            bias_axes=bias,
            kernel_initializer="zeros",
            name=name,
            **{"dtype": self._policy, **settings},
        )
