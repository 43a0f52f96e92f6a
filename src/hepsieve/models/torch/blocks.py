"""Layers to PyTorch modules, whose names are the canonical ones; a waveform is an image of one row to them.

On a CPU PyTorch's convolutions of images with channels last are several times as fast as those along one axis.
"""

from __future__ import annotations

from math import sqrt
from typing import assert_never

import torch

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
    Sizes,
    shape_after,
)
from hepsieve.models.torch.pooled_convolution import PooledConvolution, is_worth_pooling
from hepsieve.models.torch.rectify import Rectify


class Sum(torch.nn.Module):
    """The sum of two ways through the network."""

    def __init__(self, body: torch.nn.Module, shortcut: torch.nn.Module) -> None:
        """An empty sequence is the identity."""
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shape as ``body`` gives it."""
        total: torch.Tensor = self.body(image) + self.shortcut(image)
        return total


class Window(torch.nn.Module):
    """Some rows and columns of an image."""

    def __init__(self, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        """First and one past the last of each."""
        super().__init__()
        self.rows = slice(*rows)
        self.columns = slice(*columns)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shape (n, channels, rows, columns)."""
        return image[:, :, self.rows, self.columns]


class Vector(torch.nn.Module):
    """Images to vectors, channels changing fastest; of images in channels-last memory this copies nothing."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shape (n, rows · columns · channels)."""
        return image.permute(0, 2, 3, 1).flatten(1)


class Mean(torch.nn.Module):
    """The mean value of each channel."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shape (n, channels)."""
        return image.mean((2, 3))


class RootAbove(torch.nn.Module):
    """The square root of what is above 0 and of a floor, less that of the floor, in float32 whatever the precision."""

    def __init__(self, floor: float) -> None:
        """The floor."""
        super().__init__()
        self.floor = floor

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The same shape."""
        return torch.sqrt(torch.relu(values.float()) + self.floor) - sqrt(self.floor)


class MeanPosition(torch.nn.Module):
    """The mean position of each channel under its softmax along the row, in float32 whatever the precision."""

    def __init__(self, positions: tuple[float, ...]) -> None:
        """The position of each value along the row."""
        super().__init__()
        self.positions: torch.Tensor
        self.register_buffer("positions", torch.tensor(positions), persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shape (n, channels) of images of one row, shape (n, channels, 1, samples)."""
        # No matrix product, which autocast would round.
        return (torch.softmax(image.float().squeeze(2), 2) * self.positions).sum(2)


def sequence(layers: Layers, shape: Shape) -> torch.nn.Sequential:
    """These layers, one after the other, their weights unset.

    Args:
        layers: from input to output.
        shape: what goes in: (rows, columns, channels), (samples, channels) or (width,).
    """
    modules: list[torch.nn.Module] = []
    while len(modules) < len(layers):
        rest = layers[len(modules) :]
        together = _pooled(rest, shape)
        some = rest[: len(together) or 1]
        modules += together or [_module(rest[0], shape)]
        shape = shape_after(some, shape)
    return torch.nn.Sequential(*modules)


def in_rows(sizes: Sizes, *, row: int = 1) -> tuple[int, int]:
    """The sizes along rows and columns; along a waveform's samples they are those of its one row.

    >>> in_rows((3, 5)), in_rows((16,)), in_rows((2,), row=0)
    ((3, 5), (1, 16), (0, 2))
    """
    rows, columns = sizes if len(sizes) == 2 else (row, *sizes)
    return rows, columns


def _pooled(layers: Layers, shape: Shape) -> list[torch.nn.Module]:
    """A convolution with the layers behind it as one module, their places empty; none where that gains nothing."""
    match layers:
        case (
            Convolution(kernel=(kernel,), stride=(1,), dilation=1, padded=False, bias=True) as first,
            Activate(),
            MaxPool(window=(window,)),
            *_,
        ) if is_worth_pooling(channels=shape[-1], kernel=kernel, window=window):
            pooled = PooledConvolution(shape[-1], first.filters, kernel=kernel, window=window, device="meta")
            return [_unset(pooled), torch.nn.Identity(), torch.nn.Identity()]
        case _:
            return []


def _module(layer: Layer, shape: Shape) -> torch.nn.Module:
    match layer:
        case Convolution():
            return _unset(
                torch.nn.Conv2d(
                    shape[-1],
                    layer.filters,
                    in_rows(layer.kernel),
                    in_rows(layer.stride),
                    in_rows(layer.margins(), row=0),
                    layer.dilation,
                    bias=layer.bias,
                    device="meta",
                )
            )
        case Dense():
            return _unset(torch.nn.Linear(shape[0], layer.width, device="meta"))
        case Normalise():
            normalise = torch.nn.BatchNorm2d if len(shape) > 1 else torch.nn.BatchNorm1d
            return normalise(shape[-1], eps=EPSILON, momentum=1 - MOMENTUM)
        case Activate():
            return Rectify()
        case Root():
            return RootAbove(layer.floor)
        case MaxPool():
            return torch.nn.MaxPool2d(in_rows(layer.window))
        case AveragePool():
            return torch.nn.AvgPool2d(in_rows(layer.window))
        case GlobalAverage():
            return Mean()
        case Positions():
            return MeanPosition(layer.of(shape[0]))
        case Crop():
            return Window(*layer.bounds(shape))
        case Flatten():
            return Vector()
        case Dropout():
            return torch.nn.Dropout(layer.share)
        case Residual():
            return Sum(sequence(layer.body, shape), sequence(layer.shortcut, shape))
        case _:
            assert_never(layer)


def _unset(module: torch.nn.Module) -> torch.nn.Module:
    # Made on the device "meta" torch's own initialisation is skipped; it would draw from the global generator.
    return module.to_empty(device="cpu")
