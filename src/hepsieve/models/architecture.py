"""What is the same about an image network in every framework: its layers, parameter count and initial weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import assert_never

import numpy as np

from hepsieve.errors import ConfigError
from hepsieve.models.image_config import CNNConfig, ResNetConfig, ShowerNetConfig, VGGConfig
from hepsieve.models.initialise import draw
from hepsieve.models.layers import (
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
    shapes_of_weights,
    shapes_on_the_way,
)
from hepsieve.models.mlp import Weights

ImageConfig = CNNConfig | ResNetConfig | VGGConfig | ShowerNetConfig

_RUNNING = ("running_mean", "running_var")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network from an image to one logit.

    Attributes:
        shape: rows, columns and channels of the image.
        layers: from the image to a vector.
        width: of that vector; a weighted sum of it is the logit.
    """

    shape: Shape
    layers: Layers
    width: int


def architecture(config: ImageConfig, shape: Shape) -> Architecture:
    """The layers of a network.

    Args:
        config: what the user chose.
        shape: rows, columns and channels of the images.

    Raises:
        ConfigError: if the images are so small that nothing is left of them on the way.
    """
    layers = _layers(config)
    if any(min(size) < 1 for size in shapes_on_the_way(layers, shape)):
        size = f"{shape[0]} × {shape[1]}"
        raise ConfigError(f"a model of kind {config.kind} halves images of {size} to nothing; use fewer stages")
    return Architecture(shape=shape, layers=layers, width=shape_after(layers, shape)[0])


def weight_shapes(config: ImageConfig, shape: Shape) -> dict[str, Shape]:
    """The canonical names and shapes of a network's weights, running means and variances among them.

    Convolutions are (out, in, rows, columns) and dense layers (out, in), as in PyTorch.
    """
    network = architecture(config, shape)
    last = {"logit.weight": (1, network.width), "logit.bias": (1,)}
    return shapes_of_weights(network.layers, shape, "layers.") | last


def is_trained(name: str) -> bool:
    """Whether the optimiser changes this weight; the running means and variances follow the batches instead.

    >>> is_trained("layers.0.weight"), is_trained("layers.1.running_var")
    (True, False)
    """
    return not name.endswith(_RUNNING)


def parameter_count(config: ImageConfig, shape: Shape) -> int:
    """Weights and biases, and the scales and shifts of normalisations; running means and variances are not counted.

    >>> parameter_count(ResNetConfig(), (32, 32, 1))
    84433
    """
    return sum(prod(size) for name, size in weight_shapes(config, shape).items() if is_trained(name))


def initial_weights(config: ImageConfig, shape: Shape, *, seed: int) -> Weights:
    """Random weights, zero biases, normalisations that change nothing; the same for every framework.

    Args:
        config: its initialiser chooses the distribution; ``default`` is Glorot's uniform one, as in Keras.
        shape: rows, columns and channels of the images.
        seed: equal seeds give equal weights.
    """
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for name, size in weight_shapes(config, shape).items():
        match size:
            case (width,):
                ones = name.endswith("running_var") or name.endswith(".weight")
                first = np.full(width, 1.0 if ones else 0.0)
            case (out, into, *kernel):
                area = prod(kernel)
                first = draw(config.initialiser, size, random, into=into * area, out=out * area)
        weights[name] = first.astype(np.float32)
    return weights


def _layers(config: ImageConfig) -> Layers:
    match config:
        case CNNConfig():
            return _cnn(config)
        case ResNetConfig():
            return _resnet(config)
        case VGGConfig():
            return _vgg16(config)
        case ShowerNetConfig():
            return _shower(config)
        case _:
            assert_never(config)


def _cnn(config: CNNConfig) -> Layers:
    layers: list[Layer] = []
    for filters in config.filters:
        layers += [*_plain(filters, config.convolutions), MaxPool()]
    return (*layers, Flatten(), *_dense(config.dense, config.dropout))


def _vgg16(config: VGGConfig) -> Layers:
    layers: list[Layer] = []
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        layers += [*_plain(filters, convolutions), MaxPool()]
    return (*layers, Flatten(), *_dense((config.dense, config.dense), config.dropout))


def _plain(filters: int, convolutions: int) -> Layers:
    one: Layers = (Convolution(filters), Activate())
    return one * convolutions


def _resnet(config: ResNetConfig) -> Layers:
    layers = [*_convolution(config.filters[0], config.normalise), Activate()]
    channels = config.filters[0]
    for stage, (filters, blocks) in enumerate(zip(config.filters, config.blocks, strict=True)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            layers += [_block(channels, filters, stride, config.normalise), Activate()]
            channels = filters
    return (*layers, GlobalAverage(), *_dropout(config.dropout))


def _block(channels: int, filters: int, stride: int, normalise: bool) -> Residual:
    first = _convolution(filters, normalise, stride=(stride, stride))
    body = (*first, Activate(), *_convolution(filters, normalise))
    if channels == filters and stride == 1:
        return Residual(body)
    return Residual(body, tuple(_convolution(filters, normalise, kernel=(1, 1), stride=(stride, stride))))


def _convolution(
    filters: int, normalise: bool, *, kernel: tuple[int, int] = (3, 3), stride: tuple[int, int] = (1, 1)
) -> list[Layer]:
    # A normalisation's shift stands in for the bias.
    convolution = Convolution(filters, kernel, stride, bias=not normalise)
    return [convolution, Normalise()] if normalise else [convolution]


def _shower(config: ShowerNetConfig) -> Layers:
    layers: list[Layer] = [Crop(*config.window)]
    kernel, stride = config.kernel, 1
    for filters, blocks in zip(config.filters, config.blocks, strict=True):
        layers += [*_convolution(filters, True, kernel=kernel, stride=(stride, stride)), Activate()]
        for _ in range(blocks):
            layers += [_block(filters, filters, 1, True), Activate()]
        kernel, stride = (3, 3), 2
    return (*layers, GlobalAverage(), *_dropout(config.dropout))


def _dense(widths: Iterable[int], dropout: float) -> Layers:
    layers: list[Layer] = []
    for width in widths:
        layers += [Dense(width), Activate(), *_dropout(dropout)]
    return tuple(layers)


def _dropout(share: float) -> Layers:
    return (Dropout(share),) if share > 0 else ()
