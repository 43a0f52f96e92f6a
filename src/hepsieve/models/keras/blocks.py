"""Layers of image networks to Keras layers, whose names are the canonical ones with underscores for dots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

import keras

from hepsieve.models.layers import (
    EPSILON,
    MOMENTUM,
    Activate,
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
    Residual,
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
            values: a Keras tensor, images with channels last or vectors.
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
            case _:
                return self._layer(layer, name)(values)

    def _convolve(self, layer: Convolution, values: Any, name: str) -> Any:
        # Keras's own "same" pads one side alone where the stride is two, and differs between its backends.
        if any(layer.margins()):
            padding = keras.layers.ZeroPadding2D(layer.margins(), dtype=self.policy, data_format="channels_last")
            values = padding(values)
        return keras.layers.Conv2D(
            layer.filters,
            layer.kernel,
            layer.stride,
            use_bias=layer.bias,
            kernel_initializer="zeros",
            data_format="channels_last",
            dtype=self.policy,
            name=keras_name(name),
        )(values)

    def _layer(
        self, layer: Normalise | Activate | MaxPool | GlobalAverage | Flatten | Dense | Dropout, name: str
    ) -> Any:
        last = "channels_last"
        match layer:
            case Normalise():
                return keras.layers.BatchNormalization(
                    epsilon=EPSILON, momentum=MOMENTUM, dtype=self.policy, name=keras_name(name)
                )
            case Activate():
                return keras.layers.ReLU(dtype=self.policy)
            case MaxPool():
                return keras.layers.MaxPooling2D(layer.window, data_format=last, dtype=self.policy)
            case GlobalAverage():
                return keras.layers.GlobalAveragePooling2D(data_format=last, dtype=self.policy)
            case Flatten():
                return keras.layers.Flatten(data_format=last, dtype=self.policy)
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
