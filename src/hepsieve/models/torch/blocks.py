"""Layers of image networks to PyTorch modules, whose names are the canonical ones."""

from __future__ import annotations

from typing import assert_never

import torch

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


def sequence(layers: Layers, shape: Shape) -> torch.nn.Sequential:
    """These layers, one after the other, their weights unset.

    Args:
        layers: from input to output.
        shape: what goes in: (rows, columns, channels) or (width,).
    """
    modules = []
    for layer in layers:
        modules.append(_module(layer, shape))
        shape = shape_after((layer,), shape)
    return torch.nn.Sequential(*modules)


def _module(layer: Layer, shape: Shape) -> torch.nn.Module:
    match layer:
        case Convolution():
            return _unset(
                torch.nn.Conv2d(
                    shape[-1],
                    layer.filters,
                    layer.kernel,
                    layer.stride,
                    layer.margins(),
                    bias=layer.bias,
                    device="meta",
                )
            )
        case Dense():
            return _unset(torch.nn.Linear(shape[0], layer.width, device="meta"))
        case Normalise():
            normalise = torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d
            return normalise(shape[-1], eps=EPSILON, momentum=1 - MOMENTUM)
        case Activate():
            return Rectify()
        case MaxPool():
            return torch.nn.MaxPool2d(layer.window)
        case GlobalAverage():
            return Mean()
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
