"""How much a network computes for one event: what decides whether several threads are worth their trouble."""

from __future__ import annotations

from math import prod
from typing import assert_never

from hepsieve.models import mlp, tabular
from hepsieve.models.architecture import SpatialConfig, architecture
from hepsieve.models.config import (
    CNNConfig,
    MLPConfig,
    PulseNetConfig,
    ResNetConfig,
    ShowerNetConfig,
    TabMConfig,
    TrainConfig,
    VGGConfig,
    WaveCNNConfig,
    WaveResNetConfig,
)
from hepsieve.models.layers import (
    Activate,
    AveragePool,
    Convolution,
    Crop,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    Layers,
    MaxPool,
    Normalise,
    Positions,
    Residual,
    Root,
    Shape,
    shape_after,
)

_SAFE_CHANNELS = 16
NetworkConfig = MLPConfig | TabMConfig | SpatialConfig
"""A model that the loops of PyTorch and Keras train."""


def multiplications(config: NetworkConfig, shape: Shape) -> int:
    """Products of a weight with a number, about, for the logit of one event whose inputs have this shape.

    Biases of dense networks are counted too, which are few.

    Raises:
        ConfigError: if images of this shape are too small for the network.

    >>> multiplications(MLPConfig(widths=(3,)), (2,))
    13
    """
    match config:
        case MLPConfig():
            return mlp.parameter_count(config, prod(shape))
        case TabMConfig():
            return tabular.multiplications(config, prod(shape))
        case _:
            network = architecture(config, shape)
            return _products(network.layers, shape) + network.width


def is_thread_safe(config: NetworkConfig, settings: TrainConfig) -> bool:
    """Whether several of PyTorch's threads may share a batch.

    The float32 derivatives of convolutions of fewer than 16 channels, shared among threads, write beside their memory
    where the size of the batch changes (PyTorch 2.13 on a CPU); one thread does not, nor does bfloat16.
    """
    match config:
        case CNNConfig() | ResNetConfig() | ShowerNetConfig() | WaveResNetConfig():
            return settings.precision == "bf16" or min(config.filters) >= _SAFE_CHANNELS
        case WaveCNNConfig() | PulseNetConfig():
            return settings.precision == "bf16" or config.filters >= _SAFE_CHANNELS
        case MLPConfig() | TabMConfig() | VGGConfig():
            return True
        case _:
            assert_never(config)


def _products(layers: Layers, shape: Shape) -> int:
    total = 0
    for layer in layers:
        after = shape_after((layer,), shape)
        match layer:
            case Convolution():
                total += prod(after) * shape[-1] * prod(layer.kernel)
            case Dense():
                total += layer.width * shape[0]
            case Residual():
                total += _products(layer.body, shape) + _products(layer.shortcut, shape)
            case (
                Activate()
                | AveragePool()
                | Crop()
                | Dropout()
                | Flatten()
                | GlobalAverage()
                | MaxPool()
                | Normalise()
                | Positions()
                | Root()
            ):
                pass
            case _:
                assert_never(layer)
        shape = after
    return total
