"""A configuration of a waveform network to its layers."""

from __future__ import annotations

from typing import assert_never

from hepsieve.models.layers import (
    Activate,
    AveragePool,
    Convolution,
    Flatten,
    GlobalAverage,
    Layer,
    Layers,
    MaxPool,
    Positions,
    Root,
)
from hepsieve.models.stacks import convolution, dense_layers, dropout_layers, residual_block
from hepsieve.models.waveform_config import PulseNetConfig, WaveCNNConfig, WaveResNetConfig

WaveformConfig = WaveCNNConfig | WaveResNetConfig | PulseNetConfig


def waveform_layers(config: WaveformConfig) -> Layers:
    """From a waveform to a vector."""
    match config:
        case WaveCNNConfig():
            return _cnn(config)
        case WaveResNetConfig():
            return _resnet(config)
        case PulseNetConfig():
            return _pulse(config)
        case _:
            assert_never(config)


def _cnn(config: WaveCNNConfig) -> Layers:
    first = Convolution(config.filters, (config.kernel,), (1,), padded=False)
    return (first, Activate(), MaxPool((config.pool,)), Flatten(), *dense_layers((config.dense,), config.dropout))


def _resnet(config: WaveResNetConfig) -> Layers:
    channels, normalise = config.filters[0], config.normalise
    stem = convolution(channels, normalise, kernel=(config.stem,), stride=(config.stride,))
    layers: list[Layer] = [*stem, Activate()]
    for stage, (filters, blocks) in enumerate(zip(config.filters, config.blocks, strict=True)):
        for number in range(blocks):
            stride = (2,) if stage > 0 and number == 0 else (1,)
            block = residual_block(channels, filters, normalise, kernel=(config.kernel,), stride=stride)
            layers += [block, Activate()]
            channels = filters
    return (*layers, GlobalAverage(), *dropout_layers(config.dropout))


def _pulse(config: PulseNetConfig) -> Layers:
    filters, kernel, normalise = config.filters, (config.kernel,), config.normalise
    first = convolution(filters, normalise, kernel=(config.stem,), stride=(config.stride,))
    layers: list[Layer] = [AveragePool((config.rebin,)), *((Root(),) if config.root else ()), *first, Activate()]
    for dilation in config.dilations:
        block = residual_block(filters, filters, normalise, kernel=kernel, stride=(1,), dilation=dilation)
        layers += [block, Activate()]
    maps = Convolution(config.positions, (1,), (1,))
    return (*layers, maps, Positions(), *dense_layers(config.dense, config.dropout))
