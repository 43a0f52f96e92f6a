"""Layers to Keras layers, whose names are the canonical ones with underscores for dots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any, assert_never

import keras
import numpy as np

from hepsieve.models.layers import (
    EPSILON,
    MOMENTUM,
    Activate,
    AveragePool,
    Convolution,
    Crop,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    Layer,
    Layers,
    MaxPool,
    Normalise,
    Positions,
    Residual,
    Root,
    Shape,
    shape_after,
)


@dataclass(frozen=True, kw_only=True)
class Builder:
    """How Keras layers are made.

    Attributes:
        policy: Keras's name of the precision.
        seeds: of the dropout masks, one for each layer.
    """

    policy: str
    seeds: Iterator[int]

    def sequence(self, layers: Layers, values: Any, shape: Shape, prefix: str) -> Any:
        """What these layers make of ``values``, one after the other; kernels are zero.

        Args:
            layers: from input to output.
            values: a Keras tensor, images or waveforms with channels last, or vectors.
            shape: of one of them.
            prefix: what the canonical names of their weights begin with.
        """
        for number, layer in enumerate(layers):
            values = self._apply(layer, values, shape, f"{prefix}{number}")
            shape = shape_after((layer,), shape)
        return values

    def _apply(self, layer: Layer, values: Any, shape: Shape, name: str) -> Any:
        match layer:
            case Convolution():
                return self._convolve(layer, values, name)
            case Residual():
                body = self.sequence(layer.body, values, shape, f"{name}.body.")
                shortcut = self.sequence(layer.shortcut, values, shape, f"{name}.shortcut.")
                return keras.layers.Add(dtype=self.policy)([body, shortcut])
            case Crop():
                (top, bottom), (left, right) = layer.bounds(shape)
                edges = ((top, shape[0] - bottom), (left, shape[1] - right))
                return keras.layers.Cropping2D(edges, dtype=self.policy, data_format="channels_last")(values)
            case MaxPool() | AveragePool() | GlobalAverage():
                return self._pool(layer, len(shape) - 1)(values)
            case Root():
                rectified = keras.layers.ReLU(dtype="float32")(values)
                return keras.ops.sqrt(rectified + layer.floor) - sqrt(layer.floor)
            case Positions():
                share = keras.layers.Softmax(axis=1, dtype="float32")(values)
                return keras.ops.sum(share * np.array(layer.of(shape[0]), np.float32)[:, np.newaxis], axis=1)
            case _:
                return self._layer(layer, name)(values)

    def _convolve(self, layer: Convolution, values: Any, name: str) -> Any:
        # Keras's own "same" pads one side alone where the stride is two, and differs between its backends.
        alone, margins = len(layer.kernel) == 1, layer.margins()
        if any(margins):
            last: dict[str, Any] = {"dtype": self.policy, "data_format": "channels_last"}
            padding = (
                keras.layers.ZeroPadding1D(margins[0], **last) if alone else keras.layers.ZeroPadding2D(margins, **last)
            )
            values = padding(values)
        convolution = keras.layers.Conv1D if alone else keras.layers.Conv2D
        return convolution(
            layer.filters,
            layer.kernel,
            layer.stride,
            dilation_rate=layer.dilation,
            use_bias=layer.bias,
            kernel_initializer="zeros",
            data_format="channels_last",
            dtype=self.policy,
            name=keras_name(name),
        )(values)

    def _pool(self, layer: MaxPool | AveragePool | GlobalAverage, axes: int) -> Any:
        layers, alone = keras.layers, axes == 1
        last: dict[str, Any] = {"data_format": "channels_last", "dtype": self.policy}
        match layer:
            case MaxPool():
                return (layers.MaxPooling1D if alone else layers.MaxPooling2D)(layer.window, **last)
            case AveragePool():
                # Of what comes in first bfloat16 would round every sample before their mean is taken.
                exact = last | {"dtype": "float32"}
                return (layers.AveragePooling1D if alone else layers.AveragePooling2D)(layer.window, **exact)
            case GlobalAverage():
                return (layers.GlobalAveragePooling1D if alone else layers.GlobalAveragePooling2D)(**last)
            case _:
                assert_never(layer)

    def _layer(self, layer: Normalise | Activate | Flatten | Dense | Dropout, name: str) -> Any:
        match layer:
            case Normalise():
                return keras.layers.BatchNormalization(
                    epsilon=EPSILON, momentum=MOMENTUM, dtype=self.policy, name=keras_name(name)
                )
            case Activate():
                return keras.layers.ReLU(dtype=self.policy)
            case Flatten():
                return keras.layers.Flatten(data_format="channels_last", dtype=self.policy)
            case Dense():
                return keras.layers.Dense(
                    layer.width, kernel_initializer="zeros", dtype=self.policy, name=keras_name(name)
                )
            case Dropout():
                return keras.layers.Dropout(
                    layer.share, seed=next(self.seeds), dtype=self.policy, name=keras_name(name)
                )
            case _:
                assert_never(layer)


def keras_name(name: str) -> str:
    """A canonical name as Keras allows it.

    >>> keras_name("layers.2.body.0")
    'layers_2_body_0'
    """
    return name.replace(".", "_")


def canonical_name(name: str) -> str:
    """A Keras layer's name as it begins the names of its weights.

    >>> canonical_name("layers_2_body_0")
    'layers.2.body.0'
    """
    return name.replace("_", ".")
