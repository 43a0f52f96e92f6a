"""What an image network is made of, before any framework builds it."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hepsieve.errors import ConfigError
from hepsieve.models.architecture import architecture, initial_weights, is_trained, parameter_count, weight_shapes
from hepsieve.models.config import CNNConfig, ResNetConfig, ShowerNetConfig, VGGConfig
from hepsieve.models.layers import Convolution, Crop, Layers, Residual, shape_after


def along_the_way(layers: Layers) -> list[Convolution]:
    """The convolutions of a network, those of shortcuts left out."""
    found: list[Convolution] = []
    for layer in layers:
        match layer:
            case Convolution():
                found.append(layer)
            case Residual():
                found += along_the_way(layer.body)
    return found


def test_resnet_15_has_fifteen_convolutions_and_one_halving() -> None:
    convolutions = along_the_way(architecture(ResNetConfig(), (32, 32, 1)).layers)
    assert [convolution.filters for convolution in convolutions] == [16] * 7 + [32] * 8
    assert [convolution.stride for convolution in convolutions].count((2, 2)) == 1


def test_parameters_of_resnet_15_by_hand() -> None:
    # Stem and first stage: 9 · 16 + 6 · 9 · 16 · 16 weights, 7 normalisations of 2 · 16.
    first = 9 * 16 + 6 * 9 * 16 * 16 + 7 * 2 * 16
    # Second: 9 · 16 · 32 + 7 · 9 · 32 · 32 weights, a shortcut of 16 · 32, 9 normalisations of 2 · 32; the logit's 33.
    second = 9 * 16 * 32 + 7 * 9 * 32 * 32 + 16 * 32 + 9 * 2 * 32 + 33
    assert parameter_count(ResNetConfig(), (32, 32, 1)) == first + second
    running = {name for name in weight_shapes(ResNetConfig(), (32, 32, 1)) if not is_trained(name)}
    assert len(running) == 2 * (7 + 9)


def test_plain_networks_halve_by_pooling() -> None:
    shapes = weight_shapes(CNNConfig(), (32, 32, 2))
    kernels = [shape for shape in shapes.values() if len(shape) == 4]
    assert kernels == [(16, 2, 3, 3), (32, 16, 3, 3), (64, 32, 3, 3)]
    assert (64, 4 * 4 * 64) in shapes.values()
    vgg = [shape for shape in weight_shapes(VGGConfig(), (32, 32, 1)).values() if len(shape) != 1]
    assert len(vgg) == 16
    assert vgg[-3:] == [(4096, 512), (4096, 4096), (1, 4096)]


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    window=st.tuples(st.integers(0, 20), st.integers(0, 20)),
)
def test_a_crop_keeps_the_centre_crystal_in_its_centre(rows: int, columns: int, window: tuple[int, int]) -> None:
    crop = Crop(2 * window[0] + 1, 2 * window[1] + 1)
    for (first, end), size, half in zip(crop.bounds((rows, columns, 1)), (rows, columns), window, strict=True):
        assert 0 <= first <= size // 2 < end <= size
        assert size // 2 - first == min(half, size // 2)
        assert end - 1 - size // 2 == min(half, size - 1 - size // 2)


@given(size=st.integers(1, 50), half=st.integers(0, 4), stride=st.integers(1, 3))
def test_same_padding_looks_at_every_crystal_from_the_first(size: int, half: int, stride: int) -> None:
    convolution = Convolution(2, (2 * half + 1, 1), (stride, 1))
    # Kernels stand centred on crystals 0, stride, 2 · stride, ...
    assert shape_after((convolution,), (size, 1, 1)) == (len(range(0, size, stride)), 1, 2)


def test_initial_weights_know_how_many_numbers_a_filter_sums() -> None:
    he = initial_weights(ResNetConfig(filters=(64, 64), blocks=(1, 1), initialiser="he_normal"), (8, 8, 1), seed=1)
    # 9 · 64 numbers into each filter; 36,864 draws know their deviation to 0.4 %.
    assert np.std(he["layers.3.body.0.weight"]) == pytest.approx(sqrt(2 / (9 * 64)), rel=0.02)
    # Glorot: 9 · 2 numbers in, 9 · 64 out; a uniform density up to sqrt(6 / sum).
    drawn = initial_weights(CNNConfig(filters=(64,)), (8, 8, 2), seed=1)["layers.0.weight"]
    bound = sqrt(6 / (9 * 2 + 9 * 64))
    assert 0.98 * bound < np.abs(drawn).max() <= bound


def test_normalisations_begin_by_changing_nothing() -> None:
    weights = initial_weights(ResNetConfig(), (32, 32, 1), seed=1)
    ones = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
    for name, value in ones.items():
        assert np.all(weights[f"layers.3.body.1.{name}"] == value)
    assert all(np.all(weights[name] == 0) for name in weights if name.endswith("bias"))


@pytest.mark.parametrize("config", [CNNConfig(), VGGConfig()], ids=lambda config: str(config.kind))
def test_too_small_images_are_refused_in_one_line(config: CNNConfig | VGGConfig) -> None:
    with pytest.raises(ConfigError, match=f"a model of kind {config.kind} halves images of 7 × 30 to nothing; use"):
        architecture(config, (7, 30, 1))


@pytest.mark.parametrize("size", [(4, 3), (16, 16), (32, 32)])
def test_the_shower_network_takes_images_of_any_size(size: tuple[int, int]) -> None:
    # Each stage: one convolution from the channels before, two of its own, three normalisations; at last the logit.
    stages = [9 * into * out + 2 * 9 * out * out + 3 * 2 * out for into, out in ((1, 16), (16, 32), (32, 64))]
    assert parameter_count(ShowerNetConfig(), (*size, 1)) == sum(stages) + 65


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": (12, 21)}, r"window: \(12, 21\) has no crystal in its centre; use odd numbers"),
        ({"kernel": (5, 4)}, r"kernel: \(5, 4\) has no crystal in its centre; use odd numbers"),
        ({"filters": (32,)}, "1 filters for 3 stages of blocks; give one for each"),
    ],
)
def test_a_shower_network_without_a_centre_is_refused(settings: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ShowerNetConfig.model_validate(settings)
