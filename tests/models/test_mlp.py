from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hepsieve.errors import IntegrityError
from hepsieve.models.config import Activation, Initialiser, MLPConfig, Steps, Taper
from hepsieve.models.keras import mlp as keras_mlp
from hepsieve.models.load import load_model
from hepsieve.models.mlp import initial_weights, parameter_count
from hepsieve.models.predictor import Predictor
from hepsieve.models.torch import mlp as torch_mlp

CONFIGS = [
    MLPConfig(widths=(300, 300, 300), dropout=0.3),
    MLPConfig(widths=Taper(first=60, layers=5), activation="elu"),
    MLPConfig(widths=Steps(first=25, step=-5, layers=2), activation="tanh", initialiser="he_normal"),
    *(MLPConfig(widths=(14, 7), activation=name, dropout=0.5) for name in get_args(Activation)),
]
ORACLES = [
    (3, 400, 93_609),
    (3, 600, 200_409),
    (3, 800, 347_209),
    (5, 400, 216_351),
    (5, 600, 474_501),
    (5, 800, 832_651),
]


def some_inputs(rows: int = 200, inputs: int = 28) -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(size=(rows, inputs)).astype(np.float32)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_weights_copied_from_keras_to_torch_give_the_same_scores(config: MLPConfig) -> None:
    theirs = keras_mlp.build(config, 28, seed=1)
    ours = torch_mlp.build(config, 28, seed=2)
    torch_mlp.set_weights(ours, keras_mlp.weights(theirs))
    keras_scores = keras_mlp.KerasPredictor(model=theirs).scores(some_inputs())
    torch_scores = torch_mlp.TorchPredictor(model=ours).scores(some_inputs())
    assert np.ptp(keras_scores) > 1e-3
    np.testing.assert_allclose(torch_scores, keras_scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_weights_copied_from_torch_to_keras_give_the_same_scores(config: MLPConfig) -> None:
    ours = torch_mlp.build(config, 28, seed=1)
    theirs = keras_mlp.build(config, 28, seed=2)
    keras_mlp.set_weights(theirs, torch_mlp.weights(ours))
    keras_scores = keras_mlp.KerasPredictor(model=theirs).scores(some_inputs())
    torch_scores = torch_mlp.TorchPredictor(model=ours).scores(some_inputs())
    np.testing.assert_allclose(torch_scores, keras_scores, rtol=0, atol=1e-5)


def test_scores_follow_the_definition() -> None:
    config = MLPConfig(widths=(3, 2), activation="relu", dropout=0.9)
    weights = initial_weights(config, 4, seed=3)
    x = some_inputs(10, 4).astype(np.float64)
    for layer in (0, 1):
        x = np.maximum(x @ weights[f"layers.{layer}.weight"].T + weights[f"layers.{layer}.bias"], 0)
    logit = x @ weights["layers.2.weight"][0] + weights["layers.2.bias"]
    model = torch_mlp.TorchPredictor(model=torch_mlp.build(config, 4, seed=3))
    np.testing.assert_allclose(model.scores(some_inputs(10, 4)), 1 / (1 + np.exp(-logit)), atol=1e-6)


@pytest.mark.parametrize(("layers", "first", "expected"), ORACLES)
def test_parameter_counts_of_tapers(layers: int, first: int, expected: int) -> None:
    config = MLPConfig(widths=Taper(first=first, last=8, layers=layers))
    assert parameter_count(config, 28) == expected
    assert torch_mlp.TorchPredictor(model=torch_mlp.build(config, 28, seed=0)).parameters == expected
    assert keras_mlp.KerasPredictor(model=keras_mlp.build(config, 28, seed=0)).parameters == expected


@given(widths=st.lists(st.integers(1, 6), min_size=1, max_size=3), inputs=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_both_frameworks_start_from_the_same_weights(widths: list[int], inputs: int, seed: int) -> None:
    config = MLPConfig(widths=tuple(widths))
    ours = torch_mlp.weights(torch_mlp.build(config, inputs, seed=seed))
    theirs = keras_mlp.weights(keras_mlp.build(config, inputs, seed=seed))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("name", get_args(Initialiser))
def test_initialisers_draw_like_keras(name: Initialiser) -> None:
    import keras

    theirs = "glorot_uniform" if name == "default" else {"normal": "random_normal"}.get(name, name)
    drawn = np.asarray(keras.initializers.get(theirs)((400, 300)))
    weight = initial_weights(MLPConfig(widths=(300,), initialiser=name), 400, seed=1)["layers.0.weight"]
    assert weight.shape == (300, 400)
    # 120,000 draws: their standard deviation is known to 0.2 %.
    assert np.std(weight) == pytest.approx(np.std(drawn), rel=0.015)
    assert abs(np.mean(weight)) < 5 * np.std(weight) / sqrt(weight.size)


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("glorot_uniform", sqrt(6 / 700)),
        ("he_uniform", sqrt(6 / 400)),
        ("truncated_normal", 2 * 0.05),
        # Cut at two standard deviations of a normal that is wider by 1 / 0.8796, so that sqrt(2 / 400) remains.
        ("he_normal", 2 * sqrt(2 / 400) / 0.87962566),
    ],
)
def test_bounded_initialisers_fill_their_range(name: Initialiser, bound: float) -> None:
    weight = initial_weights(MLPConfig(widths=(300,), initialiser=name), 400, seed=1)["layers.0.weight"]
    assert 0.99 * bound < np.max(np.abs(weight)) < bound * (1 + 1e-6)


def test_building_leaves_the_global_random_state_alone() -> None:
    config = MLPConfig(widths=(5,), dropout=0.2)
    before, numpy_before = torch.random.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002
    torch_mlp.build(config, 3, seed=1)
    keras_mlp.build(config, 3, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert repr(np.random.get_state()) == numpy_before  # noqa: NPY002


@pytest.mark.parametrize("written_by", ["torch", "keras"])
@pytest.mark.parametrize("read_by", ["torch", "keras"])
def test_a_saved_network_scores_the_same_in_either_framework(written_by: str, read_by: str, tmp_path: Path) -> None:
    config = MLPConfig(widths=(14, 7), dropout=0.2)
    models: dict[str, Predictor] = {
        "torch": torch_mlp.TorchPredictor(model=torch_mlp.build(config, 28, seed=4)),
        "keras": keras_mlp.KerasPredictor(model=keras_mlp.build(config, 28, seed=4)),
    }
    model = models[written_by]
    model.save(tmp_path)
    loaded = load_model(config.model_copy(update={"backend": read_by}), tmp_path, (28,))
    assert loaded.framework == read_by
    tolerance = 0 if read_by == written_by else 1e-6
    np.testing.assert_allclose(loaded.scores(some_inputs()), model.scores(some_inputs()), rtol=0, atol=tolerance)


def test_scores_of_many_rows_equal_scores_of_their_batches() -> None:
    model = torch_mlp.TorchPredictor(model=torch_mlp.build(MLPConfig(widths=(4,)), 2, seed=4))
    inputs = some_inputs(70_000, 2)
    np.testing.assert_allclose(model.scores(inputs)[69_990:], model.scores(inputs[69_990:]), atol=1e-7)
    assert model.scores(inputs[:0]).shape == (0,)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    torch_mlp.TorchPredictor(model=torch_mlp.build(MLPConfig(widths=(4,)), 2, seed=4)).save(tmp_path)
    with pytest.raises(IntegrityError, match=r"layers\.0\.bias has shape \(4,\), the model's config asks for \(5,\)"):
        load_model(MLPConfig(widths=(5,)), tmp_path, (2,))
    file = tmp_path / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(IntegrityError, match=r"weights\.safetensors: can't be read as safetensors"):
        load_model(MLPConfig(widths=(4,)), tmp_path, (2,))


@pytest.mark.parametrize("written_by", ["torch", "keras"])
def test_a_network_with_a_width_gives_the_same_one_in_both_frameworks(written_by: str, tmp_path: Path) -> None:
    config = MLPConfig(widths=(14, 7), activation="gelu", dropout=0.2, loss="gaussian")
    models: dict[str, Predictor] = {
        "torch": torch_mlp.TorchPredictor(model=torch_mlp.build(config, 28, seed=4)),
        "keras": keras_mlp.KerasPredictor(model=keras_mlp.build(config, 28, seed=4)),
    }
    models[written_by].save(tmp_path)
    both = [load_model(config.model_copy(update={"backend": name}), tmp_path, (28,)) for name in ("torch", "keras")]
    scores = [model.scores(some_inputs()) for model in both]
    widths = [np.asarray(model.widths(some_inputs())) for model in both]
    assert scores[0].shape == widths[0].shape == (200,)
    assert np.ptp(scores[0]) > 0.1
    assert np.ptp(widths[0]) > 0.1
    np.testing.assert_allclose(scores[1], scores[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(widths[1], widths[0], rtol=0, atol=1e-5)
    # The second output's numbers: 7 weights and a bias more than without it.
    assert [model.parameters for model in both] == [parameter_count(MLPConfig(widths=(14, 7)), 28) + 8] * 2
    assert np.asarray(both[0].widths(some_inputs()[:0])).shape == (0,)
    with pytest.raises(IntegrityError, match=r"layers\.2\.bias has shape \(2,\), the model's config asks for \(1,\)$"):
        load_model(MLPConfig(widths=(14, 7)), tmp_path, (28,))


def test_a_network_with_one_output_predicts_no_width() -> None:
    config = MLPConfig(widths=(4,), loss="squared")
    assert torch_mlp.TorchPredictor(model=torch_mlp.build(config, 28, seed=4)).widths(some_inputs()) is None
    assert keras_mlp.KerasPredictor(model=keras_mlp.build(config, 28, seed=4)).widths(some_inputs()) is None
