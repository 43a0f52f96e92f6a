"""Image networks: one description, two frameworks, one definition."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.spatial import in_torch, some_inputs, some_weights
from tests.reference.image_network import logit

from hepsieve.errors import IntegrityError
from hepsieve.models.architecture import ImageConfig, architecture, parameter_count
from hepsieve.models.config import CNNConfig, MLPConfig, ModelConfig, ResNetConfig, ShowerNetConfig, VGGConfig
from hepsieve.models.keras import mlp as keras_mlp
from hepsieve.models.keras import spatial as keras_spatial
from hepsieve.models.load import load_model
from hepsieve.models.predictor import Predictor
from hepsieve.models.torch import mlp as torch_mlp
from hepsieve.models.torch import spatial as torch_spatial

Shape = tuple[int, int, int]

SMALL_RESNET = ResNetConfig(filters=(4, 6), blocks=(1, 2))
CASES: list[tuple[ImageConfig, Shape]] = [
    (CNNConfig(), (32, 32, 1)),
    (CNNConfig(filters=(3, 5), convolutions=2, dense=(7, 4), dropout=0.4), (9, 12, 2)),
    (ResNetConfig(), (32, 32, 1)),
    (ResNetConfig(), (31, 32, 2)),
    (ResNetConfig(filters=(3, 4, 5), blocks=(1, 1, 2), normalise=False, dropout=0.2), (12, 14, 2)),
    (VGGConfig(dense=32, dropout=0.5), (32, 33, 1)),
    (ShowerNetConfig(), (32, 32, 1)),
    (ShowerNetConfig(dropout=0.3), (32, 32, 2)),
]
# Small enough for a definition in loops.
DEFINED: list[tuple[ImageConfig, Shape]] = [
    (CNNConfig(filters=(3, 5), convolutions=2, dense=(7,)), (9, 12, 2)),
    (SMALL_RESNET, (8, 8, 1)),
    (SMALL_RESNET, (7, 10, 2)),
    (ShowerNetConfig(), (20, 24, 1)),
]


def named(value: object) -> str:
    return str(getattr(value, "kind", value))


@pytest.mark.parametrize(("config", "shape"), CASES, ids=named)
def test_copied_weights_give_the_same_scores(config: ImageConfig, shape: Shape) -> None:
    weights = some_weights(config, shape)
    ours = in_torch(config, shape, weights)
    theirs = keras_spatial.KerasSpatialPredictor(model=keras_spatial.build(config, shape, seed=8))
    keras_spatial.set_weights(theirs.model, torch_spatial.weights(ours.model))
    scores = ours.scores(some_inputs(shape))
    assert scores.std() > 0.05
    np.testing.assert_allclose(theirs.scores(some_inputs(shape)), scores, rtol=0, atol=1e-5)
    back = keras_spatial.weights(theirs.model)
    assert back.keys() == weights.keys()
    assert all(np.array_equal(back[name], weights[name]) for name in weights)
    assert ours.parameters == theirs.parameters == parameter_count(config, shape)


@pytest.mark.parametrize(("config", "shape"), DEFINED, ids=named)
def test_logits_follow_the_definition(config: ImageConfig, shape: Shape) -> None:
    weights = some_weights(config, shape)
    images = some_inputs(shape, rows=3)
    layers = architecture(config, shape).layers
    expected = [logit(layers, image.astype(float), weights) for image in images]
    found = torch_spatial.logits(in_torch(config, shape, weights).model, torch.from_numpy(images))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("config", "shape"), [(ResNetConfig(), (32, 32, 1)), (ShowerNetConfig(), (32, 32, 2))], ids=named
)
def test_both_frameworks_start_from_the_same_weights(config: ImageConfig, shape: Shape) -> None:
    ours = torch_spatial.weights(torch_spatial.build(config, shape, seed=3))
    theirs = keras_spatial.weights(keras_spatial.build(config, shape, seed=3))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    other = torch_spatial.weights(torch_spatial.build(config, shape, seed=4))
    assert not np.array_equal(ours["logit.weight"], other["logit.weight"])


def test_vgg16_has_as_many_parameters_as_that_of_keras() -> None:
    import keras

    shape = (32, 32, 1)
    theirs = keras.applications.VGG16(include_top=True, weights=None, input_shape=shape, classes=1)
    ours = torch_spatial.TorchSpatialPredictor(model=torch_spatial.build(VGGConfig(), shape, seed=1))
    assert ours.parameters == theirs.count_params() == parameter_count(VGGConfig(), shape)


def test_the_dense_network_of_the_public_analysis_has_its_parameters() -> None:
    config = MLPConfig(widths=(512, 512, 256, 256, 256, 256, 256), dropout=0.5)
    assert torch_mlp.TorchPredictor(model=torch_mlp.build(config, 32 * 32, seed=1)).parameters == 1_182_209
    assert keras_mlp.KerasPredictor(model=keras_mlp.build(config, 32 * 32, seed=1)).parameters == 1_182_209


def test_running_statistics_follow_the_batches_alike() -> None:
    import keras

    shape = (8, 10, 1)
    weights = some_weights(SMALL_RESNET, shape)
    ours = in_torch(SMALL_RESNET, shape, weights).model
    theirs = keras_spatial.build(SMALL_RESNET, shape, seed=8)
    keras_spatial.set_weights(theirs, weights)
    images = some_inputs(shape, rows=300)
    before = weights["layers.1.running_mean"]
    found = ours.train()(torch.from_numpy(images)).detach().numpy()
    with torch.no_grad():
        expected = keras.ops.convert_to_numpy(theirs(images, training=True))[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    # Nine tenths of the old mean remain.
    stem = torch.nn.functional.conv2d(
        torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(weights["layers.0.weight"]), padding=1
    )
    after = torch_spatial.weights(ours)
    expected_mean = 0.9 * before + 0.1 * stem.mean((0, 2, 3)).numpy()
    np.testing.assert_allclose(after["layers.1.running_mean"], expected_mean, atol=1e-6)
    for name, value in keras_spatial.weights(theirs).items():
        # PyTorch divides a variance by n - 1, Keras by n; the smallest n here is 300 · 4 · 5.
        np.testing.assert_allclose(value, after[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_building_leaves_the_global_random_states_alone() -> None:
    config = CNNConfig(filters=(2,), dense=(3,), dropout=0.2)
    before, python = torch.random.get_rng_state(), random.getstate()
    legacy = repr(np.random.get_state())  # noqa: NPY002
    torch_spatial.build(config, (8, 8, 1), seed=1)
    keras_spatial.build(config, (8, 8, 1), seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert repr(np.random.get_state()) == legacy  # noqa: NPY002
    assert random.getstate() == python


@pytest.mark.parametrize("written_by", ["torch", "keras"])
@pytest.mark.parametrize("read_by", ["torch", "keras"])
def test_a_saved_network_scores_the_same_in_either_framework(written_by: str, read_by: str, tmp_path: Path) -> None:
    shape = (10, 8, 2)
    weights = some_weights(SMALL_RESNET, shape)
    models: dict[str, Predictor] = {
        "torch": in_torch(SMALL_RESNET, shape, weights),
        "keras": keras_spatial.from_weights(SMALL_RESNET, shape, weights),
    }
    models[written_by].save(tmp_path)
    config: ModelConfig = SMALL_RESNET.model_copy(update={"backend": read_by})
    loaded = load_model(config, tmp_path, shape)
    assert loaded.framework == read_by
    assert loaded.parameters == parameter_count(SMALL_RESNET, shape)
    expected = models[written_by].scores(some_inputs(shape))
    np.testing.assert_allclose(loaded.scores(some_inputs(shape)), expected, rtol=0, atol=1e-5)
    with pytest.raises(
        IntegrityError, match=r"layers\.0\.weight has shape \(4, 2, 3, 3\), the model's config asks for"
    ):
        load_model(config, tmp_path, (10, 8, 1))


def test_scores_do_not_depend_on_threads_or_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (16, 16, 1)
    monkeypatch.setattr(torch_spatial, "_VALUES_AT_ONCE", 20_000)
    predictor = in_torch(SMALL_RESNET, shape, some_weights(SMALL_RESNET, shape))
    images = some_inputs(shape, rows=333)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(predictor.scores(images))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    predictor.model.train()
    found.append(predictor.scores(images))
    assert predictor.model.training
    assert all(np.array_equal(scores, found[0]) for scores in found)
    assert predictor.scores(images[:0]).shape == (0,)
    np.testing.assert_allclose(predictor.scores(images[-1:]), found[0][-1:], atol=1e-6)


def test_bf16_gives_float32_logits_near_those_of_float32() -> None:
    shape = (16, 16, 1)
    weights = some_weights(SMALL_RESNET, shape)
    exact = torch_spatial.logits(in_torch(SMALL_RESNET, shape, weights).model, torch.from_numpy(some_inputs(shape)))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        ours = in_torch(SMALL_RESNET, shape, weights).model.eval()(torch.from_numpy(some_inputs(shape)))
    model = keras_spatial.build(SMALL_RESNET, shape, seed=1, precision="bf16")
    keras_spatial.set_weights(model, weights)
    theirs = model.predict_on_batch(some_inputs(shape))[:, 0]
    assert ours.dtype == torch.float32
    assert theirs.dtype == np.float32
    for found in (ours.numpy(), theirs):
        # The logits' spread is 1; bfloat16 has 8 bits, and rounds after each of seven convolutions.
        assert 1e-5 < np.abs(found - exact).max() < 0.1


def test_the_shower_network_looks_at_its_window_and_nowhere_else() -> None:
    shape, config = (32, 30, 1), ShowerNetConfig(window=(7, 11))
    model = in_torch(config, shape, some_weights(config, shape)).model.eval()
    images = torch.from_numpy(some_inputs(shape)).requires_grad_()
    (gradient,) = torch.autograd.grad(model(images).sum(), images)
    seen = np.any(gradient.numpy() != 0, axis=0)[..., 0]
    window = np.zeros((32, 30), bool)
    window[16 - 3 : 16 + 4, 15 - 5 : 15 + 6] = True
    assert np.array_equal(seen, window)


def test_equal_images_have_equal_logits_in_batches_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    model = torch_spatial.build(ResNetConfig(), (32, 32, 1), seed=1)
    one = torch.rand(1, 32, 32, 1, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(torch_spatial, "rows_at_once", lambda model: 16)
    logits = torch_spatial.logits(model, one.repeat(37, 1, 1, 1))  # two batches of 16, and five
    assert len(np.unique(logits)) == 1
