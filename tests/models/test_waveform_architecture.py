"""What a waveform network is made of, before any framework builds it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tests.reference.image_network import after_one

from hepsieve.errors import ConfigError
from hepsieve.models.architecture import WaveformConfig, architecture, parameter_count, weight_shapes
from hepsieve.models.config import ModelConfig, PulseNetConfig, WaveCNNConfig, WaveResNetConfig
from hepsieve.models.layers import AveragePool, Convolution, MaxPool, Positions, Root, shape_after
from hepsieve.models.outputs import outputs_of

KINDS = [WaveCNNConfig(), WaveResNetConfig(), PulseNetConfig()]


@pytest.mark.parametrize(
    ("filters", "kernel", "parameters"),
    # The full grid's sizes: filters · (kernel + 1), 312 windows of each to 100 nodes, 100 biases, and 101 at last.
    [(16, 3, 499_465), (32, 3, 998_729), (64, 3, 1_997_257)],
)
def test_parameters_of_the_slides_grid(filters: int, kernel: int, parameters: int) -> None:
    config = WaveCNNConfig(filters=filters, kernel=kernel)
    assert parameters == filters * (kernel + 1) + 312 * filters * 100 + 100 + 101
    assert parameter_count(config, (5000, 1)) == parameters


def test_parameters_of_the_pulse_network_by_hand() -> None:
    # 11 bins to 32 channels and a normalisation of 2 · 32; 5 blocks of two convolutions with theirs; 16 maps; 64 nodes.
    first, blocks = 11 * 32 + 2 * 32, 5 * 2 * (5 * 32 * 32 + 2 * 32)
    assert parameter_count(PulseNetConfig(), (5000, 1)) == first + blocks + 32 * 16 + 16 + 16 * 64 + 64 + 65
    # Its numbers don't depend on how long the waveforms are.
    assert parameter_count(PulseNetConfig(), (700, 1)) == parameter_count(PulseNetConfig(), (5000, 1))


def test_parameters_of_the_resnet_by_hand() -> None:
    stem = 31 * 16 + 2 * 16
    first = 4 * (7 * 16 * 16 + 2 * 16)
    second, third = (
        7 * into * out + 3 * 7 * out * out + into * out + 5 * 2 * out for into, out in ((16, 32), (32, 64))
    )
    assert parameter_count(WaveResNetConfig(), (5000, 1)) == stem + first + second + third + 65


@pytest.mark.parametrize("config", KINDS, ids=lambda config: str(config.kind))
def test_a_predicted_width_is_a_second_output(config: WaveformConfig) -> None:
    wide = config.model_copy(update={"loss": "gaussian"})
    one, two = weight_shapes(config, (5000, 1)), weight_shapes(wide, (5000, 1))
    assert (outputs_of(config), outputs_of(wide)) == (1, 2)
    width = architecture(config, (5000, 1)).width
    assert one["logit.weight"] == (1, width)
    assert two == one | {"logit.weight": (2, width), "logit.bias": (2,)}


@given(
    size=st.integers(1, 60),
    kernel=st.integers(1, 9),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 4),
    padded=st.booleans(),
)
def test_a_convolution_is_as_long_as_it_has_places(
    size: int, kernel: int, stride: int, dilation: int, padded: bool
) -> None:
    kernel += padded and kernel % 2 == 0  # a padded one is odd
    convolution = Convolution(2, (kernel,), (stride,), dilation, padded)
    # Without zeros at the ends a filter starts wherever its last sample is still there; with them, it stands anywhere.
    places = range(0, size if padded else size - dilation * (kernel - 1), stride)
    assert max(0, shape_after((convolution,), (size, 1))[0]) == len(places)


def test_pools_drop_what_is_left_at_the_end() -> None:
    values = np.array([[1.0], [3.0], [8.0], [2.0], [9.0]])
    assert after_one(AveragePool((2,)), values, {}, "").tolist() == [[2.0], [5.0]]
    assert after_one(MaxPool((2,)), values, {}, "").tolist() == [[3.0], [8.0]]
    assert shape_after((AveragePool((2,)),), (5, 1)) == shape_after((MaxPool((2,)),), (5, 1)) == (2, 1)


@given(samples=st.integers(2, 300), place=st.floats(0.2, 0.8))
def test_a_position_is_where_a_narrow_channel_is_large(samples: int, place: float) -> None:
    positions = np.array(Positions().of(samples))
    step = np.diff(positions)
    np.testing.assert_allclose(step, 10 / samples)
    assert positions.sum() == pytest.approx(0, abs=1e-9)
    channel = 1e4 * -((positions - (10 * place - 5)) ** 2)
    (found,) = after_one(Positions(), channel[:, np.newaxis], {}, "")
    assert found == pytest.approx(10 * place - 5, abs=0.5 * step[0] + 1e-9)


def test_the_root_evens_out_the_noise_of_counts() -> None:
    photons = np.random.default_rng(1).poisson(np.array([5.0, 20.0, 80.0, 320.0]), (20_000, 4))
    # The root of a Poisson count has a spread of a half; 20,000 counts know it to half a per cent.
    spread = after_one(Root(), photons.astype(float), {}, "").std(0)
    np.testing.assert_allclose(spread[1:], 0.5, rtol=0.03)
    assert after_one(Root(0.01), np.array([[0.0], [-3.0], [0.99]]), {}, "").ravel() == pytest.approx([0, 0, 0.9])


@pytest.mark.parametrize(
    ("config", "samples"), [(WaveCNNConfig(), 17), (WaveCNNConfig(pool=1), 2), (PulseNetConfig(), 19)]
)
def test_too_short_waveforms_are_refused_in_one_line(config: WaveformConfig, samples: int) -> None:
    message = f"^a model of kind {config.kind} leaves nothing of waveforms of {samples} samples; use smaller .*$"
    with pytest.raises(ConfigError, match=message):
        architecture(config, (samples, 1))
    assert architecture(config, (samples + 1, 1)).width > 0


@pytest.mark.parametrize("config", KINDS, ids=lambda config: str(config.kind))
def test_images_and_tables_are_no_waveforms(config: WaveformConfig) -> None:
    for shape in ((32, 32, 1), (28,)):
        with pytest.raises(ConfigError, match=f"^a model of kind {config.kind} looks at waveforms; inputs of shape "):
            architecture(config, shape)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "pulse", "kernel": 4}, "kernel: 4 has no middle; use an odd number"),
        ({"kind": "pulse", "stem": 10}, "stem: 10 has no middle; use an odd number"),
        ({"kind": "wave-resnet", "stem": 30}, "stem: 30 has no middle; use an odd number"),
        ({"kind": "wave-resnet", "filters": [16]}, "1 filters for 3 stages of blocks; give one for each"),
        ({"kind": "wave-cnn", "pulse_shapes": True}, "a model of kind wave-cnn looks at waveforms; shapes are for mlp"),
    ],
)
def test_networks_that_can_not_be_built_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(ModelConfig).validate_python(settings)
