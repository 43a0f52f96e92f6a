"""Inputs and weights to compare networks for images and waveforms with."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.models.architecture import SpatialConfig
from hepsieve.models.mlp import Weights
from hepsieve.models.torch import spatial


def some_inputs(shape: tuple[int, ...], rows: int = 12) -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(size=(rows, *shape)).astype(np.float32)


def some_weights(config: SpatialConfig, shape: tuple[int, ...], seed: int = 1) -> Weights:
    """Weights as after a training: no bias, scale or running statistic is 0 or 1, and the outputs have spread 1."""
    drawn = np.random.default_rng(seed)
    he = config.model_copy(update={"initialiser": "he_uniform"})
    weights = spatial.weights(spatial.build(he, shape, seed=seed))
    for name, value in weights.items():
        if name.endswith("running_var") or (value.ndim == 1 and name.endswith("weight")):
            weights[name] = drawn.uniform(0.5, 2, value.shape).astype(np.float32)
        elif value.ndim == 1:
            weights[name] = drawn.normal(0, 0.3, value.shape).astype(np.float32)
    model = spatial.build(config, shape, seed=seed)
    spatial.set_weights(model, weights)
    found = spatial.logits(model, torch.from_numpy(some_inputs(shape))).reshape(12, -1)
    mean, spread = found.mean(0).astype(np.float32), found.std(0).astype(np.float32)
    weights["logit.weight"] /= spread[:, np.newaxis]
    weights["logit.bias"] = (weights["logit.bias"] - mean) / spread
    return weights


def in_torch(config: SpatialConfig, shape: tuple[int, ...], weights: Weights) -> spatial.TorchSpatialPredictor:
    model = spatial.build(config, shape, seed=9)
    spatial.set_weights(model, weights)
    return spatial.TorchSpatialPredictor(model=model)
