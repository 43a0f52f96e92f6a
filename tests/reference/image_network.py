"""Networks for images and waveforms layer by layer in float64, as textbooks define them: slow and obvious."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from hepsieve.models.layers import (
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
)

Values = NDArray[np.float64]
Weights = dict[str, NDArray[np.float32]]


def logit(layers: Layers, values: Values, weights: Weights) -> float:
    """The logit of one image of shape (rows, columns, channels), or waveform of shape (samples, channels)."""
    return float(outputs(layers, values, weights)[0])


def outputs(layers: Layers, values: Values, weights: Weights) -> Values:
    """The outputs for one image or waveform, the logit first."""
    vector = after(layers, values, weights, "layers.")
    return np.asarray(weights["logit.weight"].astype(float) @ vector + weights["logit.bias"])


def after(layers: Layers, values: Values, weights: Weights, prefix: str) -> Values:
    for number, layer in enumerate(layers):
        values = after_one(layer, values, weights, f"{prefix}{number}.")
    return values


def after_one(layer: Layer, values: Values, weights: Weights, prefix: str) -> Values:
    match layer:
        case Convolution():
            return convolve(layer, values, weights, prefix)
        case Normalise():
            scale, shift, mean, variance = (
                weights[prefix + name] for name in ("weight", "bias", "running_mean", "running_var")
            )
            return np.asarray((values - mean) / np.sqrt(variance.astype(float) + 1e-3) * scale + shift)
        case Activate():
            return np.maximum(values, 0)
        case Root():
            return np.asarray(np.sqrt(np.maximum(values, 0) + layer.floor) - np.sqrt(layer.floor))
        case MaxPool():
            return pool(layer, values, np.max)
        case AveragePool():
            return pool(layer, values, np.mean)
        case GlobalAverage():
            return np.asarray(values.reshape(-1, values.shape[-1]).mean(0))
        case Positions():
            position = (np.arange(len(values)) + 0.5) * 10 / len(values) - 5
            return np.asarray(position @ softmax(values, axis=0))
        case Crop():
            row, column = values.shape[0] // 2, values.shape[1] // 2
            kept = [
                [values[i, j] for j in range(values.shape[1]) if abs(j - column) <= layer.columns // 2]
                for i in range(values.shape[0])
                if abs(i - row) <= layer.rows // 2
            ]
            return np.array(kept)
        case Flatten():
            return values.reshape(-1)
        case Dense():
            return np.asarray(weights[prefix + "weight"].astype(float) @ values + weights[prefix + "bias"])
        case Dropout():
            return values
        case Residual():
            body = after(layer.body, values, weights, prefix + "body.")
            return body + after(layer.shortcut, values, weights, prefix + "shortcut.")


def convolve(layer: Convolution, values: Values, weights: Weights, prefix: str) -> Values:
    kernel = weights[prefix + "weight"].astype(float)  # (out, in, rows, columns) or (out, in, samples)
    gap, axes = layer.dilation, len(layer.kernel)
    margins = [gap * (size // 2) if layer.padded else 0 for size in layer.kernel]
    values = np.pad(values, [*((margin, margin) for margin in margins), (0, 0)])
    reach = [gap * (size - 1) + 1 for size in layer.kernel]
    steps = [range(0, n - r + 1, step) for n, r, step in zip(values.shape, reach, layer.stride, strict=False)]
    found = np.array(
        [
            np.tensordot(
                kernel, values[tuple(slice(p, p + r, gap) for p, r in zip(position, reach, strict=True))], seen(axes)
            )
            for position in product(*steps)
        ]
    )
    bias = weights[prefix + "bias"] if layer.bias else 0.0
    return np.asarray(found.reshape(*map(len, steps), -1) + bias)


def seen(axes: int) -> tuple[list[int], list[int]]:
    """What is summed over: all but the kernel's first axis, with the channels of the values last."""
    return list(range(1, axes + 2)), [axes, *range(axes)]


def pool(layer: MaxPool | AveragePool, values: Values, figure: Callable[..., Values]) -> Values:
    axes = tuple(range(len(layer.window)))
    steps = [range(0, n - size + 1, size) for n, size in zip(values.shape, layer.window, strict=False)]
    windows = (
        values[tuple(slice(p, p + size) for p, size in zip(position, layer.window, strict=True))]
        for position in product(*steps)
    )
    found = np.array([figure(window, axis=axes) for window in windows])
    return found.reshape(*map(len, steps), -1)
