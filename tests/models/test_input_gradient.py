"""Derivatives of logits with respect to inputs: those of finite differences, in both frameworks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit
from tests.models.spatial import in_torch, some_inputs, some_weights

from hepsieve.models.architecture import SpatialConfig
from hepsieve.models.config import CNNConfig, MLPConfig, PulseNetConfig, ResNetConfig, WaveCNNConfig
from hepsieve.models.keras import mlp as keras_mlp
from hepsieve.models.keras import spatial as keras_spatial
from hepsieve.models.predictor import Differentiable, Predictor
from hepsieve.models.torch import mlp as torch_mlp
from hepsieve.models.trees import TreesPredictor

# Smooth where the steps are small against the distance to the next kink of a rectified unit.
STEP = 2e-3
CASES: list[tuple[SpatialConfig, tuple[int, ...]]] = [
    (CNNConfig(filters=(3, 5), dense=(7,)), (9, 12, 2)),
    (ResNetConfig(filters=(3, 4), blocks=(1, 1)), (10, 8, 1)),
    (WaveCNNConfig(filters=4, pool=8, dense=6), (400, 1)),
    (PulseNetConfig(loss="gaussian"), (600, 2)),
]


def _column(values: NDArray[np.float32], at: tuple[int, ...]) -> NDArray[np.float32]:
    """One value of every input, as a view."""
    for index in reversed(at):
        values = values[..., index]
    return values


def steepness(model: Predictor, inputs: NDArray[np.float32], at: tuple[int, ...]) -> NDArray[np.float64]:
    """Half the difference of the logits on both sides, over the step."""
    ends = []
    for sign in (1, -1):
        moved = inputs.copy()
        _column(moved, at)[:] += sign * STEP
        ends.append(np.asarray(logit(model.scores(moved))))
    return np.asarray((ends[0] - ends[1]) / (2 * STEP))


def check(model: Predictor, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    assert isinstance(model, Differentiable)
    gradient = model.input_gradient(inputs)
    assert gradient is not None
    assert gradient.shape == inputs.shape
    size = np.abs(gradient).max()
    assert size > 0
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(8):
        at = tuple(int(rng.integers(n)) for n in inputs.shape[1:])
        errors.append(np.abs(steepness(model, inputs, at) - _column(gradient, at)))
    # A step over a kink is off by a part of the slope; most meet none.
    assert np.median(errors) < 0.01 * size
    assert np.mean(errors) < 0.05 * size
    return gradient


@pytest.mark.parametrize(("config", "shape"), CASES, ids=lambda value: getattr(value, "kind", ""))
def test_gradients_are_finite_differences_in_both_frameworks(config: SpatialConfig, shape: tuple[int, ...]) -> None:
    weights = some_weights(config, shape)
    inputs = some_inputs(shape)
    ours = check(in_torch(config, shape, weights), inputs)
    theirs = keras_spatial.from_weights(config, shape, weights)
    gradient = theirs.input_gradient(inputs)
    assert gradient is not None
    # Some inputs lie on a kink to the last bit.
    assert np.median(np.abs(gradient - ours)) < 1e-5
    assert np.mean(np.abs(gradient - ours) > 1e-4) < 0.02


def test_dense_networks_have_gradients_too() -> None:
    config = MLPConfig(widths=(8, 5), activation="tanh")
    model = torch_mlp.TorchPredictor(model=torch_mlp.build(config, 4, seed=3))
    inputs = some_inputs((4,))
    ours = check(model, inputs)
    theirs = keras_mlp.from_weights(config, torch_mlp.weights(model.model)).input_gradient(inputs)
    assert theirs is not None
    np.testing.assert_allclose(theirs, ours, atol=1e-6)
    assert model.input_gradient(inputs[:0]).shape == (0, 4)


def test_trees_have_none() -> None:
    assert not issubclass(TreesPredictor, Differentiable)
    assert issubclass(torch_mlp.TorchPredictor, Differentiable)
