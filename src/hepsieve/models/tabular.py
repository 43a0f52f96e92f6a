"""What is the same about a network for tables in every framework: shapes, first weights and how members are joined."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import assert_never

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, logsumexp

from hepsieve.models.initialise import draw
from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import NARROWEST, WIDEST, outputs_of, width
from hepsieve.models.tabular_config import Periodic, Piecewise, TabMConfig

EDGES = "embedding.edges"
"""The one array of weights that is not learned: where the bins of each input begin and end."""
LINEAR = "embedding.linear"
"""What an input is multiplied with beside its piecewise encoding."""
# Rows whose quantiles are the edges: more would change little, and would have to be in memory.
_ROWS_OF_QUANTILES = 200_000
_DEVIATION_OF_LINEAR = 0.3


def layer_shapes(config: TabMConfig, inputs: int) -> tuple[tuple[int, int], ...]:
    """(nodes out, nodes in) of each hidden layer.

    >>> layer_shapes(TabMConfig(blocks=2, width=16), 5)
    ((16, 5), (16, 16))
    >>> layer_shapes(TabMConfig(blocks=1, width=16, residual=True), 5)
    ((16, 5), (16, 16), (16, 16))
    """
    embedded = inputs if config.embedding is None else inputs * config.embedding.size
    layers = 1 + 2 * config.blocks if config.residual else config.blocks
    widths = (embedded, *(config.width,) * layers)
    return tuple((out, into) for into, out in pairwise(widths))


def normalisations(config: TabMConfig) -> int:
    """How many layers normalise."""
    if config.normalisation == "none":
        return 0
    return config.blocks + 1 if config.residual else config.blocks


def weight_shapes(config: TabMConfig, inputs: int) -> dict[str, tuple[int, ...]]:
    """The canonical names and shapes of a network's weights, for every framework.

    >>> for name, shape in weight_shapes(TabMConfig(members=4, blocks=1, width=3), 2).items():
    ...     print(name, shape)
    layers.0.weight (3, 2)
    layers.0.input_scale (4, 2)
    layers.0.output_scale (4, 3)
    layers.0.bias (4, 3)
    heads.weight (4, 3, 1)
    heads.bias (4, 1)
    """
    members, shapes = config.members, _embedding_shapes(config, inputs)
    for number, (out, into) in enumerate(layer_shapes(config, inputs)):
        shapes[f"layers.{number}.weight"] = (out, into)
        shapes[f"layers.{number}.input_scale"] = (members, into)
        shapes[f"layers.{number}.output_scale"] = (members, out)
        shapes[f"layers.{number}.bias"] = (members, out)
    for number in range(normalisations(config)):
        shapes[f"norms.{number}.weight"] = (config.width,)
        shapes[f"norms.{number}.bias"] = (config.width,)
    shapes["heads.weight"] = (members, config.width, outputs_of(config))
    shapes["heads.bias"] = (members, outputs_of(config))
    return shapes


def parameter_count(config: TabMConfig, inputs: int) -> int:
    """How many numbers a training chooses; the edges of bins are none of them.

    >>> parameter_count(TabMConfig(members=4, blocks=1, width=3), 2)
    54
    """
    shapes = weight_shapes(config, inputs)
    return sum(int(np.prod(shape)) for name, shape in shapes.items() if name != EDGES)


def multiplications(config: TabMConfig, inputs: int) -> int:
    """Products of a weight with a number, about, for the logit of one event."""
    shapes = _embedding_shapes(config, inputs)
    embedding = sum(int(np.prod(shapes[name])) for name in ("embedding.weight", LINEAR) if name in shapes)
    each = sum(out * into for out, into in layer_shapes(config, inputs)) + config.width
    return embedding + config.members * each


def initial_weights(config: TabMConfig, inputs: int, *, train: NDArray[np.float32], seed: int) -> Weights:
    """First weights; drawn here once, so that every framework starts from the same numbers.

    As in the paper's code, members differ in their first factors alone: random signs, or normal numbers, one for all
    numbers of an input, where inputs are embedded. Their heads are drawn by themselves.

    Args:
        config: the architecture.
        inputs: number of prepared inputs, q.
        train: the prepared inputs of the training part, shape (n, q), whose quantiles become edges of bins.
        seed: equal seeds give equal weights.
    """
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in weight_shapes(config, inputs).items():
        drawn = bin_edges(train, shape[1] - 1) if name == EDGES else _first(config, name, shape, random)
        weights[name] = drawn.astype(np.float32)
    return weights


def bin_edges(train: NDArray[np.float32], bins: int) -> NDArray[np.float64]:
    """Edges between bins of about equal numbers of events, shape (q, bins + 1), rising.

    Where quantiles coincide, the bins before the last are of no width, and encode nothing.

    >>> bin_edges(np.array([[0.0, 7.0], [1.0, 7.0], [2.0, 7.0], [3.0, 7.0]], np.float32), 3).tolist()
    [[0.0, 1.0, 2.0, 3.0], [7.0, 7.0, 7.0, 7.0]]
    """
    chosen = np.linspace(0, len(train) - 1, min(len(train), _ROWS_OF_QUANTILES)).astype(np.int64)
    edges = np.empty((train.shape[1], bins + 1))
    for column in range(train.shape[1]):
        values = np.asarray(train[chosen, column])
        # Nothing between two values that occur: edges are then the values of a discrete input.
        found = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1), method="nearest"))
        inner = found[-2:-1] if len(found) > 1 else found
        edges[column] = np.concatenate([found[:-1], np.repeat(inner, bins + 1 - len(found)), found[-1:]])
    return edges


def joined(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The outputs of all members as those of one network, in float64.

    The score is the mean of scores; a predicted width that of the mixture of the members' normal distributions.
    ``joined`` in ``models/torch/tabular.py`` and ``models/keras/tabular.py`` are the same for tensors.

    Args:
        outputs: shape (n, members, 1) of logits, or (n, members, 2) of logits and raw widths.

    Returns:
        Logits, shape (n,), or logits and raw widths, shape (n, 2).
    """
    each = outputs[..., 0]
    # The logarithms of both classes' shares: precise also near 1.
    logit: NDArray[np.float64] = logsumexp(log_expit(each), axis=1) - logsumexp(log_expit(-each), axis=1)
    if outputs.shape[2] == 1:
        return logit
    spread = np.exp(log_expit(each)).var(axis=1)
    deviation = np.sqrt((width(outputs[..., 1]) ** 2).mean(axis=1) + spread)
    share = np.clip((deviation - NARROWEST) / (WIDEST - NARROWEST), 1e-6, 1 - 1e-6)
    return np.stack([logit, np.log(share / (1 - share))], axis=1)


def _embedding_shapes(config: TabMConfig, inputs: int) -> dict[str, tuple[int, ...]]:
    match config.embedding:
        case None:
            return {}
        case Piecewise(bins=bins, size=size, linear=linear):
            return {
                EDGES: (inputs, bins + 1),
                "embedding.weight": (inputs, bins, size),
                **({LINEAR: (inputs, size)} if linear else {}),
                "embedding.bias": (inputs, size),
            }
        case Periodic(frequencies=frequencies, size=size):
            return {
                "embedding.frequencies": (inputs, frequencies),
                "embedding.weight": (inputs, 2 * frequencies, size),
                "embedding.bias": (inputs, size),
            }
        case _:
            assert_never(config.embedding)


def _first(config: TabMConfig, name: str, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """The first values of one array of weights."""
    part, _, kind = name.rpartition(".")
    match part.partition(".")[0], kind:
        case "embedding", "frequencies":
            assert isinstance(config.embedding, Periodic)
            return random.normal(0.0, config.embedding.sigma, shape)
        case "embedding", "linear":
            return random.normal(0.0, _DEVIATION_OF_LINEAR, shape)
        case "layers", "input_scale" if part == "layers.0":
            return _first_factors(config, shape, random)
        case "layers", "input_scale" | "output_scale":
            return np.ones(shape)
        case "norms", "weight":
            return np.ones(shape)
        case _, "weight":
            into, out = (shape[1], shape[0]) if len(shape) == 2 else (shape[1], shape[2])
            if config.initialiser == "default":
                return random.uniform(-1 / sqrt(into), 1 / sqrt(into), shape)
            return draw(config.initialiser, shape, random, into=into, out=out)
        case _:
            return np.zeros(shape)


def _first_factors(config: TabMConfig, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    members, width = shape
    if config.embedding is None:
        return random.choice([-1.0, 1.0], size=shape)
    drawn = random.normal(size=(members, width // config.embedding.size))
    return np.repeat(drawn, config.embedding.size, axis=1)
