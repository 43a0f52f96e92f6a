"""Image networks layer by layer in float64, as textbooks define them: slow and obvious."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
)

Values = NDArray[np.float64]
Weights = dict[str, NDArray[np.float32]]


def logit(layers: Layers, image: Values, weights: Weights) -> float:
    """The logit of one image of shape (rows, columns, channels)."""
    vector = after(layers, image, weights, "layers.")
    return float(vector @ weights["logit.weight"][0].astype(float) + weights["logit.bias"][0])


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
        case MaxPool():
            return pool(layer, values)
        case GlobalAverage():
            return np.asarray(values.mean((0, 1)))
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


def convolve(layer: Convolution, image: Values, weights: Weights, prefix: str) -> Values:
    kernel = weights[prefix + "weight"].astype(float)  # (out, in, rows, columns)
    high, wide = layer.kernel
    image = np.pad(image, ((high // 2,) * 2, (wide // 2,) * 2, (0, 0)))
    rows = range(0, image.shape[0] - high + 1, layer.stride[0])
    columns = range(0, image.shape[1] - wide + 1, layer.stride[1])
    found = np.array(
        [[np.einsum("ijc,ocij->o", image[i : i + high, j : j + wide], kernel) for j in columns] for i in rows]
    )
    return np.asarray(found + (weights[prefix + "bias"] if layer.bias else 0.0))


def pool(layer: MaxPool, image: Values) -> Values:
    high, wide = layer.window
    rows, columns = range(0, image.shape[0] - high + 1, high), range(0, image.shape[1] - wide + 1, wide)
    return np.array([[np.max(image[i : i + high, j : j + wide], axis=(0, 1)) for j in columns] for i in rows])
