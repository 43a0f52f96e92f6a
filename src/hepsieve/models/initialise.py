"""First weights of a layer, drawn in numpy, so that every framework starts from the same numbers."""

from __future__ import annotations

from math import sqrt
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.learner import Initialiser

_PLAIN_DEVIATION = 0.05
# A standard normal cut at ±2 has this standard deviation.
_CUT_DEVIATION = 0.87962566103423978


def draw(
    initialiser: Initialiser, shape: tuple[int, ...], random: np.random.Generator, *, into: int, out: int
) -> NDArray[np.float64]:
    """Weights of one layer; variances after Glorot & Bengio (2010), eqs. 12 and 16, and He et al. (2015), eq. 10.

    Args:
        initialiser: the distribution; ``default`` is Glorot's uniform one, as in Keras.
        shape: of the weights.
        random: where they are drawn from.
        into: how many numbers each output is the weighted sum of.
        out: how many outputs each number takes part in.
    """
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
