"""Images are prepared as the definition says, by constants of the training part alone, and the same after a reload."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.reference.preparation import prepared

from hepsieve.config import ImageStepsConfig, PrepareConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events
from hepsieve.models.config import CNNConfig, MLPConfig, ModelConfig, ResNetConfig, TrainConfig, TreesConfig
from hepsieve.prepare import (
    PREPARATION,
    ImagePreparation,
    Preparation,
    ShapePreparation,
    Split,
    fit_preparation,
    split,
)
from hepsieve.prepare.fit import share
from hepsieve.prepare.median import median
from hepsieve.prepare.moments import Moments, together
from hepsieve.shower_shapes import ENERGY_SHAPES, shower_shapes
from hepsieve.train.inputs import inputs_of, require_inputs

CHANNELS = ("energy", "time")


def images(n: int = 40, *, seed: int = 1, names: tuple[str, ...] = CHANNELS, size: tuple[int, int] = (8, 9)) -> Events:
    """Sparse deposits, some below zero, and a time far from zero in every pixel, with or without energy."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((n, *size, 2))
    hit = rng.random((n, *size)) < 0.3
    pixels[hit, 0] = rng.exponential(0.05, hit.sum()) - 0.01
    pixels[..., 1] = rng.normal(40, 3, (n, *size))
    columns = [CHANNELS.index(name) for name in names]
    return Events.from_arrays(pixels[..., columns], np.arange(n) % 2, names=names)


def spoiled(events: Events) -> Events:
    return events.replace(features=events.features * 1e3 + 7)


@pytest.mark.parametrize("scale", ["standardise", "minmax", "none"])
@pytest.mark.parametrize("energy", ["log", "sqrt", "none"])
@pytest.mark.parametrize("mask_time", [True, False])
@pytest.mark.parametrize("channels", [("energy",), ("time",), ("time", "energy")])
def test_inputs_are_those_of_the_definition(
    scale: str, energy: str, mask_time: bool, channels: tuple[str, ...]
) -> None:
    steps = ImageStepsConfig.model_validate({"energy": energy, "unit": 0.01, "mask_time": mask_time})
    config = PrepareConfig.model_validate({"scale": scale, "image": steps})
    learned, others = images(25), images(6, seed=2)
    preparation = ImagePreparation.fit(learned, config, channels=channels)
    assert preparation.shape == (8, 9, len(channels))
    found = preparation(others)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, prepared(learned, others, config, channels), rtol=2e-6, atol=2e-6)
    # Channels are found by name, wherever they stand.
    turned = others.replace(features=others.features[..., ::-1], names=CHANNELS[::-1])
    np.testing.assert_array_equal(preparation(turned), found)
    reread = PREPARATION.validate_json(preparation.model_dump_json())
    assert reread == preparation
    np.testing.assert_array_equal(reread(others), found)


def test_standardised_pixels_have_mean_0_and_deviation_1_and_masked_ones_are_0() -> None:
    learned = images(300)
    inputs = ImagePreparation.fit(learned, PrepareConfig())(learned).astype(np.float64)
    there = learned.features[..., 0] > 0
    for values in (inputs[..., 0], inputs[there, 1]):
        assert abs(values.mean()) < 1e-6
        assert values.std() == pytest.approx(1, abs=1e-6)
    assert (inputs[~there, 1] == 0).all()
    assert ImagePreparation.fit(learned, PrepareConfig(), channels=("time",)).features == ("time", "energy")
    alone = images(20, names=("time",))  # nothing says where there is energy
    assert ImagePreparation.fit(alone, PrepareConfig()).absent == (None,)


def test_dense_networks_get_the_same_pixels_in_one_row() -> None:
    learned = images()
    flat = fit_preparation(learned, PrepareConfig(), MLPConfig())
    assert flat.shape == (8 * 9 * 2,)
    upright = fit_preparation(learned, PrepareConfig(), CNNConfig())
    assert upright.shape == (8, 9, 2)
    np.testing.assert_array_equal(flat(learned), upright(learned).reshape(len(learned), -1))
    assert share(MLPConfig()) == share(TreesConfig()) != share(CNNConfig()) == share(ResNetConfig())
    assert len({share(model) for model in (TreesConfig(), TreesConfig(shower_shapes=True))}) == 2


def test_models_on_shower_shapes_get_the_table_of_them() -> None:
    learned, others = images(60, size=(12, 12)), images(5, seed=2, size=(12, 12))
    config = PrepareConfig(features=("energy",), scale="none")
    trees = TreesConfig(shower_shapes=True, without=("hits", "side"))
    preparation = fit_preparation(learned, config, trees)
    assert isinstance(preparation, ShapePreparation)
    assert preparation.features == ("energy",)
    kept = [k for k, name in enumerate(ENERGY_SHAPES) if name not in ("hits", "side")]
    np.testing.assert_array_equal(preparation(others), shower_shapes(others.features[..., :1], ["energy"])[:, kept])
    assert preparation.shape == (18,)
    reread = PREPARATION.validate_json(preparation.model_dump_json())
    assert isinstance(reread, ShapePreparation)
    np.testing.assert_array_equal(reread(others), preparation(others))
    standard = fit_preparation(learned, PrepareConfig(), TreesConfig(shower_shapes=True))(learned)
    assert standard.shape == (60, 23)
    np.testing.assert_allclose(standard.mean(axis=0, dtype=np.float64), 0, atol=1e-5)


def test_a_table_is_read_back_as_a_table() -> None:
    events = Events.from_arrays(np.arange(12.0).reshape(6, 2), np.arange(6) % 2)
    preparation = fit_preparation(events, PrepareConfig(), MLPConfig())
    assert isinstance(PREPARATION.validate_json(preparation.model_dump_json()), Preparation)
    assert preparation.shape == (2,)


@pytest.mark.parametrize(
    "model",
    [
        CNNConfig(),
        CNNConfig(channels=("time",)),
        MLPConfig(),
        TreesConfig(shower_shapes=True),
    ],
)
def test_what_is_not_trained_on_moves_no_constant(model: ModelConfig) -> None:
    parts = split(images(80, size=(9, 9)), seed=1)
    sealed = split(spoiled(images(80, size=(9, 9))), seed=1)
    other = replace(parts, validation=spoiled(parts.validation), test=sealed.test)

    def fitted(some: Split) -> str:
        made = inputs_of(
            model,
            some.train,
            some.validation,
            prepare=PrepareConfig(),
            settings=TrainConfig(),
            seed=1,
            impute=True,
        )
        return made.preparation.model_dump_json()

    assert fitted(other) == fitted(parts)
    assert fitted(replace(parts, train=spoiled(parts.train))) != fitted(parts)


def test_missing_values_count_as_the_training_median_or_are_refused() -> None:
    learned = images(31)
    features = learned.features.copy()
    features[3, 2, 5, 0], features[7, 1, 1, 1], features[8, 0, 0, 1] = np.nan, np.inf, np.nan
    broken = learned.replace(features=features)
    with pytest.raises(DataError) as raised:
        ImagePreparation.fit(broken, PrepareConfig())
    assert str(raised.value) == (
        "channel 'energy' of training image 4 has a value that is not finite; drop such images or impute "
        "(audit.missing)"
    )
    preparation = ImagePreparation.fit(broken, PrepareConfig(), impute=True)
    energy, time = features[..., 0], features[..., 1]
    expected = [np.median(energy[np.isfinite(energy)]), np.median(time[(energy > 0) & np.isfinite(time)])]
    assert preparation.fill == pytest.approx(expected, rel=1e-7)
    inputs = preparation(broken)
    assert np.isfinite(inputs).all()
    mended = preparation.filled(broken)
    np.testing.assert_array_equal(mended[3, 2, 5, 0], np.float32(expected[0]))
    np.testing.assert_array_equal(preparation(broken.replace(features=mended)), inputs)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 1000])
def test_the_median_of_blocks_is_the_median_of_all(size: int) -> None:
    rng = np.random.default_rng(size)
    values = (rng.normal(size=size) * 10.0 ** rng.integers(-40, 30, size)).astype(np.float32)
    values = np.concatenate([values, np.zeros(size // 3, np.float32), [np.float32(np.nan)]])
    finite = values[np.isfinite(values)].astype(np.float64)
    found = median(lambda: np.array_split(values, 5))
    assert found == (np.median(finite) if len(finite) else 0.0)


def test_moments_lose_no_digits_to_a_large_mean() -> None:
    values = np.random.default_rng(1).normal(0, 0.25, 5000).astype(np.float32) + np.float32(3e4)
    exact = values.astype(np.float64)
    found = together([Moments.of(part) for part in np.array_split(values, 37)])
    centre, factor = found.scale("standardise")
    assert centre == pytest.approx(exact.mean(), rel=1e-14)
    assert 1 / factor == pytest.approx(exact.std(), rel=1e-10)
    empty = Moments.of(values[:0])
    assert together([empty, found, empty]) == found
    assert (empty.scale("standardise"), empty.scale("minmax")) == ((0.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize("learner", [CNNConfig(), TreesConfig(shower_shapes=True)])
def test_images_of_another_size_are_refused_in_one_line(learner: CNNConfig | TreesConfig) -> None:
    preparation = fit_preparation(images(), PrepareConfig(), learner)
    with pytest.raises(DataError, match=r"^images of 7 × 7 pixels, and the model learned from 8 × 9; bring images of"):
        preparation(images(3, size=(7, 7)))


TABLE = Events.from_arrays(np.arange(160.0).reshape(80, 2), np.arange(80) % 2, names=("a", "b"))


@pytest.mark.parametrize(
    ("events", "model", "prepare", "said"),
    [
        (TABLE, CNNConfig(), {}, "models.net: a network of kind cnn looks at images, and the data are a table of 2"),
        (TABLE, TreesConfig(shower_shapes=True), {}, "models.net.shower_shapes: the data are no images"),
        (
            images(80),
            ResNetConfig(channels=("tme",)),
            {},
            "models.net.channels: no channel 'tme', the nearest is 'time'; the data have energy, time",
        ),
        (images(80), MLPConfig(), {"features": ("enrgy",)}, "prepare.features: no channel 'enrgy', the nearest is"),
        (images(80), MLPConfig(without=CHANNELS), {}, "models.net.without: no channel is left for the model"),
        (images(80), MLPConfig(without=("far hits",)), {}, "models.net.without: no channel 'far hits'; the data have"),
        (images(80), MLPConfig(), {"log": ("energy",)}, "prepare.log: the data are images"),
        (images(80), CNNConfig(), {"pca": 3}, "prepare.pca: the data are images"),
        (
            images(80),
            TreesConfig(shower_shapes=True),
            {"features": ("time",)},
            "models.net.shower_shapes: shower shapes are measured in the channel 'energy'; the model gets time",
        ),
        (
            images(80),
            TreesConfig(shower_shapes=True, without=(*ENERGY_SHAPES, "mean time", "time spread", "seed time")),
            {},
            "models.net.without: no shower shape is left for the model",
        ),
        (images(80, size=(7, 9)), CNNConfig(), {}, "models.net: a model of kind cnn halves images of 7 × 9 to nothing"),
        (images(80), CNNConfig(train_on={"energy": (1.0,)}), {}, "models.net.train_on: no column 'energy'; the data"),
    ],
)
def test_what_the_data_cannot_give_is_refused_before_any_training(
    events: Events, model: ModelConfig, prepare: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(said)) as raised:
        require_inputs({"net": model}, split(events, seed=1), PrepareConfig.model_validate(prepare))
    assert "\n" not in str(raised.value)
