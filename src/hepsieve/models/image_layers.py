"""A configuration of an image network to its layers."""

from __future__ import annotations

from typing import assert_never

from hepsieve.models.image_config import CNNConfig, ResNetConfig, ShowerNetConfig, VGGConfig
from hepsieve.models.layers import Activate, Convolution, Crop, Flatten, GlobalAverage, Layer, Layers, MaxPool
from hepsieve.models.stacks import convolution, dense_layers, dropout_layers, residual_block

ImageConfig = CNNConfig | ResNetConfig | VGGConfig | ShowerNetConfig


def image_layers(config: ImageConfig) -> Layers:
    """From an image to a vector."""
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
    return (*layers, Flatten(), *dense_layers(config.dense, config.dropout))


def _vgg16(config: VGGConfig) -> Layers:
    layers: list[Layer] = []
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        layers += [*_plain(filters, convolutions), MaxPool()]
    return (*layers, Flatten(), *dense_layers((config.dense, config.dense), config.dropout))


def _plain(filters: int, convolutions: int) -> Layers:
    one: Layers = (Convolution(filters), Activate())
    return one * convolutions


def _resnet(config: ResNetConfig) -> Layers:
    layers = [*convolution(config.filters[0], config.normalise), Activate()]
    channels = config.filters[0]
    for stage, (filters, blocks) in enumerate(zip(config.filters, config.blocks, strict=True)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            layers += [residual_block(channels, filters, config.normalise, stride=(stride, stride)), Activate()]
            channels = filters
    return (*layers, GlobalAverage(), *dropout_layers(config.dropout))


def _shower(config: ShowerNetConfig) -> Layers:
    layers: list[Layer] = [Crop(*config.window)]
    kernel, stride = config.kernel, 1
    for filters, blocks in zip(config.filters, config.blocks, strict=True):
        layers += [*convolution(filters, True, kernel=kernel, stride=(stride, stride)), Activate()]
        for _ in range(blocks):
            layers += [residual_block(filters, filters, True), Activate()]
        kernel, stride = (3, 3), 2
    return (*layers, GlobalAverage(), *dropout_layers(config.dropout))
