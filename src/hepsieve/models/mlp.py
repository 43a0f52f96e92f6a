"""What is the same about an MLP in every framework: layer shapes, parameter count and initial weights."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import MLPConfig
from hepsieve.models.initialise import draw
from hepsieve.models.outputs import outputs_of

Weights = dict[str, NDArray[np.float32]]


def layer_shapes(config: MLPConfig, inputs: int) -> tuple[tuple[int, int], ...]:
    """(nodes out, nodes in) of each layer, that of the outputs last.

    >>> layer_shapes(MLPConfig(widths=(14, 7)), 28)
    ((14, 28), (7, 14), (1, 7))
    """
    widths = (inputs, *config.hidden(), outputs_of(config))
    return tuple((out, into) for into, out in pairwise(widths))


def parameter_count(config: MLPConfig, inputs: int) -> int:
    """Weights and biases of all layers.

    >>> parameter_count(MLPConfig(widths=(14, 7)), 28)
    519
    """
    return sum(out * (into + 1) for out, into in layer_shapes(config, inputs))


def weight_shapes(config: MLPConfig, inputs: int) -> dict[str, tuple[int, ...]]:
    """The canonical names and shapes of an MLP's weights, for every framework.

    >>> weight_shapes(MLPConfig(widths=(3,)), 2)
    {'layers.0.weight': (3, 2), 'layers.0.bias': (3,), 'layers.1.weight': (1, 3), 'layers.1.bias': (1,)}
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (out, into) in enumerate(layer_shapes(config, inputs)):
        shapes[f"layers.{number}.weight"] = (out, into)
        shapes[f"layers.{number}.bias"] = (out,)
    return shapes


def initial_weights(config: MLPConfig, inputs: int, *, seed: int) -> Weights:
    """Random weights and zero biases; drawn here once, so that every framework starts from the same numbers.

    Args:
        config: its initialiser chooses the distribution; ``default`` is Glorot's uniform one, as in Keras.
        inputs: number of prepared inputs.
        seed: equal seeds give equal weights.
    """
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in weight_shapes(config, inputs).items():
        drawn = np.zeros(shape) if len(shape) == 1 else _drawn(config, shape, random)
        weights[name] = drawn.astype(np.float32)
    return weights


def _drawn(config: MLPConfig, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    out, into = shape
    return draw(config.initialiser, shape, random, into=into, out=out)
