"""What is the same about an MLP in every framework: layer shapes, parameter count and initial weights."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import Initialiser, MLPConfig

Weights = dict[str, NDArray[np.float32]]

_PLAIN_DEVIATION = 0.05
# A standard normal cut at ±2 has this standard deviation.
_CUT_DEVIATION = 0.87962566103423978


def layer_shapes(config: MLPConfig, inputs: int) -> tuple[tuple[int, int], ...]:
    """(nodes out, nodes in) of each layer, the single output last.

    >>> layer_shapes(MLPConfig(widths=(14, 7)), 28)
    ((14, 28), (7, 14), (1, 7))
    """
    widths = (inputs, *config.hidden(), 1)
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
        draw = np.zeros(shape) if len(shape) == 1 else _draw(config.initialiser, shape, random)
        weights[name] = draw.astype(np.float32)
    return weights


def _draw(initialiser: Initialiser, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """Weights of one layer; variances after Glorot & Bengio (2010), eqs. 12 and 16, and He et al. (2015), eq. 10."""
    out, into = shape
    match initialiser:
        case "default" | "glorot_uniform":
            return _uniform(sqrt(2 / (into + out)), shape, random)
        case "he_uniform":
            return _uniform(sqrt(2 / into), shape, random)
        case "glorot_normal":
            return _cut_normal(sqrt(2 / (into + out)) / _CUT_DEVIATION, shape, random)
        case "he_normal":
            return _cut_normal(sqrt(2 / into) / _CUT_DEVIATION, shape, random)
        case "normal":
            return random.normal(0.0, _PLAIN_DEVIATION, shape)
        case "truncated_normal":
            return _cut_normal(_PLAIN_DEVIATION, shape, random)
        case _:
            assert_never(initialiser)


def _uniform(deviation: float, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    limit = sqrt(3) * deviation
    return random.uniform(-limit, limit, shape)


def _cut_normal(scale: float, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """Normal numbers of this scale, those beyond two of it drawn again."""
    drawn = random.normal(size=shape)
    while (beyond := np.abs(drawn) > 2).any():
        drawn[beyond] = random.normal(size=np.count_nonzero(beyond))
    return scale * drawn
