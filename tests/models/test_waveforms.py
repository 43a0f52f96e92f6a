"""Waveform networks: one description, two frameworks, one definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.models.spatial import in_torch, some_inputs, some_weights
from tests.reference.image_network import outputs

from hepsieve.errors import IntegrityError
from hepsieve.models.architecture import WaveformConfig, architecture, parameter_count
from hepsieve.models.config import ModelConfig, PulseNetConfig, WaveCNNConfig, WaveResNetConfig
from hepsieve.models.keras import spatial as keras_spatial
from hepsieve.models.load import load_model
from hepsieve.models.outputs import scores_of, widths_of
from hepsieve.models.predictor import Predictor
from hepsieve.models.torch import spatial as torch_spatial

Shape = tuple[int, int]

SMALL_RESNET = WaveResNetConfig(kernel=3, stem=5, stride=2, filters=(3, 4), blocks=(1, 2))
SMALL_PULSE = PulseNetConfig(rebin=3, stem=5, filters=4, dilations=(1, 2), positions=3, dense=(5,), loss="gaussian")
CASES: list[tuple[WaveformConfig, Shape]] = [
    (WaveCNNConfig(), (500, 1)),
    (WaveCNNConfig(filters=4, kernel=8, pool=5, dense=6, dropout=0.3, loss="gaussian"), (61, 2)),
    (WaveResNetConfig(loss="gaussian"), (500, 1)),
    (WaveResNetConfig(filters=(3, 4, 5), blocks=(1, 1, 2), normalise=False, dropout=0.2), (251, 2)),
    (PulseNetConfig(loss="gaussian"), (1000, 1)),
    (PulseNetConfig(rebin=7, root=False, filters=6, dilations=(1, 3), normalise=False, dropout=0.3), (203, 2)),
]
# Small enough for a definition in loops.
DEFINED: list[tuple[WaveformConfig, Shape]] = [
    (WaveCNNConfig(filters=3, kernel=4, pool=5, dense=6, loss="gaussian"), (50, 1)),
    (WaveCNNConfig(filters=3, kernel=3, pool=1, dense=6), (12, 2)),
    (SMALL_RESNET, (40, 1)),
    (SMALL_RESNET, (37, 2)),
    (SMALL_PULSE, (60, 1)),
    (SMALL_PULSE, (67, 2)),
]


def named(value: object) -> str:
    return str(getattr(value, "kind", value))


def require_same(ours: Predictor, theirs: Predictor, config: WaveformConfig, waveforms: NDArray[np.float32]) -> None:
    """Scores and, where there are any, widths that agree to 1e-5 and are not all alike."""
    scores, widths = ours.scores(waveforms), ours.widths(waveforms)
    assert scores.std() > 0.05
    np.testing.assert_allclose(theirs.scores(waveforms), scores, rtol=0, atol=1e-5)
    assert (widths is not None) == (config.loss == "gaussian")
    if widths is None:
        assert theirs.widths(waveforms) is None
        return
    assert widths.std() > 0.05
    found = theirs.widths(waveforms)
    assert found is not None
    np.testing.assert_allclose(found, widths, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("config", "shape"), CASES, ids=named)
def test_copied_weights_give_the_same_scores_and_widths(config: WaveformConfig, shape: Shape) -> None:
    weights = some_weights(config, shape)
    ours = in_torch(config, shape, weights)
    theirs = keras_spatial.KerasSpatialPredictor(model=keras_spatial.build(config, shape, seed=8))
    keras_spatial.set_weights(theirs.model, torch_spatial.weights(ours.model))
    require_same(ours, theirs, config, some_inputs(shape))
    back = keras_spatial.weights(theirs.model)
    assert back.keys() == weights.keys()
    assert all(np.array_equal(back[name], weights[name]) for name in weights)
    assert ours.parameters == theirs.parameters == parameter_count(config, shape)


@pytest.mark.parametrize(("config", "shape"), DEFINED, ids=named)
def test_outputs_follow_the_definition(config: WaveformConfig, shape: Shape) -> None:
    weights = some_weights(config, shape)
    waveforms = some_inputs(shape, rows=3)
    layers = architecture(config, shape).layers
    expected = np.array([outputs(layers, waveform.astype(float), weights) for waveform in waveforms])
    found = torch_spatial.logits(in_torch(config, shape, weights).model, torch.from_numpy(waveforms))
    np.testing.assert_allclose(found.reshape(3, -1), expected, rtol=0, atol=2e-5)


def test_the_slides_network_has_its_parameters() -> None:
    # 32 · 3 + 32, then 312 windows of 16 of 4998 values in 32 channels: 9984 · 100 + 100, and at last 100 + 1.
    assert 32 * 3 + 32 + 312 * 32 * 100 + 100 + 100 + 1 == 998_729
    config, shape = WaveCNNConfig(), (5000, 1)
    ours = torch_spatial.TorchSpatialPredictor(model=torch_spatial.build(config, shape, seed=1))
    theirs = keras_spatial.build(config, shape, seed=1)
    assert ours.parameters == theirs.count_params() == parameter_count(config, shape) == 998_729


def test_the_slides_network_in_keras_as_anybody_writes_it() -> None:
    import keras

    config, shape = WaveCNNConfig(), (500, 1)
    plain = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv1D(32, 3, activation="relu"),
            keras.layers.MaxPooling1D(16),
            keras.layers.Flatten(),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    ours = keras_spatial.build(config, shape, seed=1)
    keras_spatial.set_weights(ours, some_weights(config, shape))
    plain.set_weights(ours.get_weights())
    waveforms = some_inputs(shape)
    expected = np.asarray(plain.predict_on_batch(waveforms))[:, 0]
    found = in_torch(config, shape, keras_spatial.weights(ours)).scores(waveforms)
    assert found.std() > 0.05
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("config", "shape"), [(WaveResNetConfig(), (500, 1)), (PulseNetConfig(loss="gaussian"), (500, 2))], ids=named
)
def test_both_frameworks_start_from_the_same_weights(config: WaveformConfig, shape: Shape) -> None:
    ours = torch_spatial.weights(torch_spatial.build(config, shape, seed=3))
    theirs = keras_spatial.weights(keras_spatial.build(config, shape, seed=3))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    other = torch_spatial.weights(torch_spatial.build(config, shape, seed=4))
    assert not np.array_equal(ours["logit.weight"], other["logit.weight"])


@pytest.mark.parametrize("written_by", ["torch", "keras"])
@pytest.mark.parametrize("read_by", ["torch", "keras"])
def test_a_saved_network_scores_the_same_in_either_framework(written_by: str, read_by: str, tmp_path: Path) -> None:
    shape, waveforms = (90, 2), some_inputs((90, 2))
    weights = some_weights(SMALL_PULSE, shape)
    models: dict[str, Predictor] = {
        "torch": in_torch(SMALL_PULSE, shape, weights),
        "keras": keras_spatial.from_weights(SMALL_PULSE, shape, weights),
    }
    models[written_by].save(tmp_path)
    config: ModelConfig = SMALL_PULSE.model_copy(update={"backend": read_by})
    loaded = load_model(config, tmp_path, shape)
    assert loaded.framework == read_by
    assert loaded.parameters == parameter_count(SMALL_PULSE, shape)
    require_same(models[written_by], loaded, SMALL_PULSE, waveforms)
    with pytest.raises(IntegrityError, match=r"weight has shape \(4, 2, 5\), the model's config asks for \(4, 1, 5\)$"):
        load_model(config, tmp_path, (90, 1))
    with pytest.raises(IntegrityError, match=r"a model of kind pulse leaves nothing of waveforms of 2 samples; .*$"):
        load_model(config, tmp_path, (2, 2))
    with pytest.raises(IntegrityError, match=r"looks at waveforms; inputs of shape 90 × 9 × 2 are none; .*together$"):
        load_model(config, tmp_path, (90, 9, 2))
    one = config.model_copy(update={"loss": "squared"})
    with pytest.raises(IntegrityError, match=r"logit\.bias has shape \(2,\), the model's config asks for \(1,\)$"):
        load_model(one, tmp_path, shape)


def test_a_keras_file_of_the_pulse_network_needs_keras_alone(tmp_path: Path) -> None:
    import keras

    shape, waveforms = (90, 1), some_inputs((90, 1))
    model = keras_spatial.build(SMALL_PULSE, shape, seed=8)
    keras_spatial.set_weights(model, some_weights(SMALL_PULSE, shape))
    model.save(tmp_path / "pulse.keras")
    loaded = keras.models.load_model(tmp_path / "pulse.keras", compile=False)
    assert all(type(layer).__module__.startswith("keras.") for layer in loaded.layers)
    np.testing.assert_allclose(loaded.predict_on_batch(waveforms), model.predict_on_batch(waveforms), atol=1e-6)


def test_scores_and_widths_do_not_depend_on_threads_or_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (90, 1)
    monkeypatch.setattr(torch_spatial, "_VALUES_AT_ONCE", 20_000)
    predictor = in_torch(SMALL_PULSE, shape, some_weights(SMALL_PULSE, shape))
    waveforms = some_inputs(shape, rows=501)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(np.stack([predictor.scores(waveforms), np.asarray(predictor.widths(waveforms))]))
    finally:
        torch.set_num_threads(before)
    assert found[0].shape == (2, 501)
    assert all(np.array_equal(scores, found[0]) for scores in found)
    nobody = predictor.widths(waveforms[:0])
    assert nobody is not None
    assert nobody.shape == predictor.scores(waveforms[:0]).shape == (0,)
    np.testing.assert_allclose(predictor.scores(waveforms[-1:]), found[0][0, -1:], atol=1e-6)


def test_bf16_gives_float32_outputs_near_those_of_float32() -> None:
    shape, waveforms = (500, 1), some_inputs((500, 1))
    for config, near in ((WaveCNNConfig(loss="gaussian"), 0.1), (PulseNetConfig(loss="gaussian"), 0.2)):
        weights = some_weights(config, shape)
        model = in_torch(config, shape, weights).model.eval()
        exact = torch_spatial.logits(model, torch.from_numpy(waveforms))
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            ours = model(torch.from_numpy(waveforms))
        built = keras_spatial.build(config, shape, seed=1, precision="bf16")
        keras_spatial.set_weights(built, weights)
        theirs = built.predict_on_batch(waveforms)
        assert ours.dtype == torch.float32
        assert theirs.dtype == np.float32
        for found in (ours.numpy(), theirs):
            # The outputs' spread is 1.
            assert 1e-5 < np.abs(found - exact).max() < near


def test_fused_layers_learn_as_the_layers_one_by_one() -> None:
    """The derivatives of the slides' network, whose first layers are one module, and of the same layers in PyTorch."""
    config, shape = WaveCNNConfig(filters=4, dense=6), (100, 1)
    weights = some_weights(config, shape)
    model = in_torch(config, shape, weights).model.train()
    inputs = torch.from_numpy(some_inputs(shape))
    torch.autograd.backward(model(inputs).sum())
    plain = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    pooled = torch.nn.functional.conv1d(inputs.permute(0, 2, 1), plain["layers.0.weight"], plain["layers.0.bias"])
    vector = torch.nn.functional.max_pool1d(torch.relu(pooled), 16).permute(0, 2, 1).flatten(1)
    dense = torch.nn.functional.linear(vector, plain["layers.4.weight"], plain["layers.4.bias"])
    logit = torch.nn.functional.linear(torch.relu(dense), plain["logit.weight"], plain["logit.bias"])
    torch.autograd.backward(logit.sum())
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert found.keys() == plain.keys()
    for name, value in plain.items():
        ours, expected = found[name], value.grad
        assert ours is not None
        assert expected is not None
        np.testing.assert_allclose(ours.reshape(expected.shape), expected, rtol=1e-4, atol=1e-5, err_msg=name)


def test_scores_and_widths_of_outputs_by_hand() -> None:
    logits, both = np.array([0.0, 2.0]), np.array([[0.0, -np.log(3)], [2.0, 0.0]])
    assert scores_of(logits) == pytest.approx([0.5, 1 / (1 + np.exp(-2))])
    assert scores_of(both) == pytest.approx(scores_of(logits))
    assert widths_of(logits) is None
    # sigmoid(-ln 3) is a quarter, and of what lies above the smallest width 0.9999 are left.
    assert widths_of(both) == pytest.approx([1e-4 + 0.9999 / 4, 1e-4 + 0.9999 / 2])


def test_the_width_is_the_same_in_every_framework() -> None:
    from hepsieve.models.keras.outputs import width as keras_width
    from hepsieve.models.outputs import NARROWEST, WIDEST, width
    from hepsieve.models.torch.outputs import width as torch_width

    raw = np.linspace(-30, 30, 301)
    expected = width(raw)
    assert (np.diff(expected) >= 0).all()
    assert NARROWEST <= expected.min() < expected.max() <= WIDEST
    np.testing.assert_allclose(torch_width(torch.from_numpy(raw)).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(keras_width(raw)), expected, rtol=1e-5)
