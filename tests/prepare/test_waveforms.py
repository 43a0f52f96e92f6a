"""Waveforms are prepared by constants of the training part alone, without NaN, and the same after a reload."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, TargetScale
from hepsieve.models.config import (
    CNNConfig,
    MLPConfig,
    ModelConfig,
    PulseNetConfig,
    TrainConfig,
    TreesConfig,
    WaveCNNConfig,
    WaveResNetConfig,
)
from hepsieve.prepare import (
    PREPARATION,
    Preparation,
    ShapePreparation,
    Split,
    WaveformPreparation,
    fit_preparation,
    split,
)
from hepsieve.prepare.balance import undersample
from hepsieve.prepare.fit import share
from hepsieve.pulse_shapes import PULSE_SHAPES, pulse_shapes
from hepsieve.train.inputs import inputs_of, require_inputs

SCALE = TargetScale(name="d", unit="mm", full=30.0)
WAYS = ("set", "each", "area", "none")


def waveforms(n: int = 40, *, seed: int = 1, samples: int = 200, names: tuple[str, ...] = ("light",)) -> Events:
    """Pulses of light of several sizes, with some noise below zero; another channel is noise around 20."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(20, 1, (n, samples, len(names)))
    place, size = rng.uniform(0.3, 0.7, (n, 1)) * samples, rng.uniform(5, 50, (n, 1))
    pulse = size * np.exp(-(((np.arange(samples) - place) / 0.05 / samples) ** 2))
    if "light" in names:
        raw[..., names.index("light")] = rng.poisson(pulse) + 0.05 * rng.standard_normal((n, samples))
    return Events.from_arrays(raw, rng.random(n), names=names, scale=SCALE)


def steps(normalise: str, **others: object) -> PrepareConfig:
    return PrepareConfig.model_validate({"waveform": {"normalise": normalise}, **others})


def expected(train: Events, events: Events, how: str) -> NDArray[np.float64]:
    """The definition, one waveform after the other; shape (n, time), of the one channel."""

    def by_itself(raw: NDArray[np.float64]) -> NDArray[np.float64]:
        low, size = 0.0, 1.0
        if how == "each":
            low, size = raw.min(), (raw.max() - raw.min()) or 1.0
        if how == "area":
            size = max(raw.sum(), np.abs(raw).max()) or 1.0
        return np.asarray((raw - low) / size)

    learned = [by_itself(raw) for raw in train.features[..., 0].astype(np.float64)]
    found = np.stack([by_itself(raw) for raw in events.features[..., 0].astype(np.float64)])
    low, size = 0.0, 1.0
    if how == "set":
        low = min(float(raw.min()) for raw in learned)
        size = max(float(raw.max()) for raw in learned) - low
    if how == "area":
        size = float(np.mean([raw.max() for raw in learned]))
    return np.asarray((found - low) / size)


@pytest.mark.parametrize("normalise", WAYS)
def test_inputs_are_those_of_the_definition(normalise: str) -> None:
    learned, others = waveforms(150), waveforms(9, seed=2)
    others.features[3] -= others.features[3].mean()  # as noise alone, which has no area
    preparation = WaveformPreparation.fit(learned, steps(normalise))
    found = preparation(others)
    assert found.dtype == np.float32
    assert found.shape == (9, *preparation.shape) == (9, 200, 1)
    np.testing.assert_allclose(found[..., 0], expected(learned, others, normalise), rtol=1e-5, atol=1e-6)
    reread = PREPARATION.validate_json(preparation.model_dump_json())
    assert reread == preparation
    np.testing.assert_array_equal(reread(others), found)


def test_what_was_learned_from_fills_0_to_1() -> None:
    learned = waveforms(150)
    whole = WaveformPreparation.fit(learned, steps("set"))(learned)
    np.testing.assert_allclose((whole.min(), whole.max()), (0, 1), atol=1e-6)
    each = WaveformPreparation.fit(learned, steps("each"))(learned)
    assert (each.min(axis=1) == 0).all()
    assert (each.max(axis=1) == 1).all()
    area = WaveformPreparation.fit(learned, steps("area"))(learned)
    assert area.max(axis=1).mean() == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(WaveformPreparation.fit(learned, steps("none"))(learned), learned.features)


@pytest.mark.parametrize("normalise", ["each", "area"])
def test_more_light_is_the_same_to_what_normalises_every_waveform(normalise: str) -> None:
    preparation = WaveformPreparation.fit(waveforms(), steps(normalise))
    others = waveforms(5, seed=2)
    brighter = others.replace(features=others.features * np.float32(8))
    np.testing.assert_allclose(preparation(brighter), preparation(others), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("normalise", WAYS)
def test_a_shifted_waveform_has_shifted_inputs(normalise: str) -> None:
    preparation = WaveformPreparation.fit(waveforms(), steps(normalise))
    others = waveforms(5, seed=2)
    shifted = others.replace(features=np.roll(others.features, 7, axis=1))
    np.testing.assert_allclose(preparation(shifted), np.roll(preparation(others), 7, axis=1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("normalise", WAYS)
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_constant_waveforms_have_inputs_without_nan(normalise: str, value: float) -> None:
    learned = waveforms()
    features = learned.features.copy()
    features[7] = value
    preparation = WaveformPreparation.fit(learned.replace(features=features), steps(normalise))
    found = preparation(learned.replace(features=features))
    assert np.isfinite(found).all()
    assert len(np.unique(found[7])) == 1
    if value == 0 and normalise != "set":
        assert (found[7] == 0).all()


@pytest.mark.parametrize("normalise", WAYS)
def test_a_set_of_constants_is_refused_in_one_line(normalise: str) -> None:
    flat = waveforms(5).replace(features=np.full((5, 200, 1), 3, np.float32))
    with pytest.raises(DataError) as raised:
        WaveformPreparation.fit(flat, steps(normalise))
    assert str(raised.value) == (
        "every sample of the 5 training waveforms is 3 in channel 'light'; there is nothing to learn from it: "
        "check the array"
    )


def test_dense_networks_get_the_same_samples_in_one_row() -> None:
    learned = waveforms(names=("light", "veto"))
    flat = fit_preparation(learned, PrepareConfig(), MLPConfig())
    assert flat.shape == (400,)
    upright = fit_preparation(learned, PrepareConfig(), WaveCNNConfig())
    assert upright.shape == (200, 2)
    np.testing.assert_array_equal(flat(learned), upright(learned).reshape(len(learned), -1))
    # Channels are found by name, wherever they stand, and one can be left out.
    turned = learned.replace(features=learned.features[..., ::-1], names=("veto", "light"))
    np.testing.assert_array_equal(upright(turned), upright(learned))
    alone = fit_preparation(learned, PrepareConfig(), WaveCNNConfig(without=("veto",)))
    np.testing.assert_array_equal(alone(learned), upright(learned)[..., :1])
    assert share(MLPConfig()) == share(TreesConfig()) != share(WaveCNNConfig()) == share(PulseNetConfig())
    assert len({share(model) for model in (TreesConfig(), TreesConfig(pulse_shapes=True))}) == 2


def test_models_on_pulse_shapes_get_the_table_of_them() -> None:
    learned, others = waveforms(60, names=("light", "veto")), waveforms(5, seed=2, names=("light", "veto"))
    trees = TreesConfig(pulse_shapes=True, without=("maxima", "skewness"))
    preparation = fit_preparation(learned, PrepareConfig(scale="none"), trees)
    assert isinstance(preparation, ShapePreparation)
    kept = [k for k, name in enumerate(PULSE_SHAPES) if name not in ("maxima", "skewness")]
    np.testing.assert_array_equal(preparation(others), pulse_shapes(others.features, others.names)[:, kept])
    reread = PREPARATION.validate_json(preparation.model_dump_json())
    assert isinstance(reread, ShapePreparation)
    np.testing.assert_array_equal(reread(others), preparation(others))
    standard = fit_preparation(learned, PrepareConfig(), MLPConfig(pulse_shapes=True))(learned)
    np.testing.assert_allclose(standard.mean(axis=0, dtype=np.float64), 0, atol=1e-5)


def test_a_file_says_by_its_fields_which_preparation_it_holds() -> None:
    learned = waveforms()
    for learner, kind in ((MLPConfig(), WaveformPreparation), (MLPConfig(pulse_shapes=True), ShapePreparation)):
        text = fit_preparation(learned, PrepareConfig(), learner).model_dump_json()
        assert type(PREPARATION.validate_json(text)) is kind
    table = Events.from_arrays(np.arange(12.0).reshape(6, 2), np.arange(6) % 2)
    text = fit_preparation(table, PrepareConfig(), MLPConfig()).model_dump_json()
    assert type(PREPARATION.validate_json(text)) is Preparation


@pytest.mark.parametrize("normalise", ["set", "area"])
@pytest.mark.parametrize("model", [WaveCNNConfig(), MLPConfig(), TreesConfig(pulse_shapes=True)])
def test_what_is_not_trained_on_moves_no_constant(model: ModelConfig, normalise: str) -> None:
    def spoiled(events: Events) -> Events:
        # Light that grows along the waveform changes every constant: sizes, and maxima as shares of the area.
        growing = np.linspace(1, 50, events.features.shape[1], dtype=np.float32)[:, np.newaxis]
        return events.replace(features=events.features * growing + 7)

    parts = split(waveforms(80), seed=1)
    other = replace(parts, validation=spoiled(parts.validation), test=split(spoiled(waveforms(80)), seed=1).test)

    def fitted(some: Split) -> str:
        made = inputs_of(
            model,
            some.train,
            some.validation,
            prepare=steps(normalise),
            settings=TrainConfig(),
            seed=1,
            impute=True,
        )
        return made.preparation.model_dump_json()

    assert fitted(other) == fitted(parts)
    assert fitted(replace(parts, train=spoiled(parts.train))) != fitted(parts)


@pytest.mark.parametrize("normalise", WAYS)
def test_missing_values_count_as_the_training_median_or_are_refused(normalise: str) -> None:
    learned = waveforms(31)
    features = learned.features.copy()
    features[3, 2, 0], features[7, 1, 0] = np.nan, np.inf
    broken = learned.replace(features=features)
    with pytest.raises(DataError) as raised:
        WaveformPreparation.fit(broken, steps(normalise))
    assert str(raised.value) == (
        "channel 'light' of training waveform 4 has a value that is not finite; drop such waveforms or impute "
        "(audit.missing)"
    )
    preparation = WaveformPreparation.fit(broken, steps(normalise), impute=True)
    assert preparation.fill == pytest.approx([np.median(features[np.isfinite(features)])], rel=1e-6)
    inputs = preparation(broken)
    assert np.isfinite(inputs).all()
    mended = preparation.filled(broken)
    assert mended[3, 2, 0] == np.float32(preparation.fill[0] if preparation.fill else np.nan)
    np.testing.assert_array_equal(preparation(broken.replace(features=mended)), inputs)


@pytest.mark.parametrize("learner", [WaveCNNConfig(), MLPConfig(), TreesConfig(pulse_shapes=True)])
def test_waveforms_of_another_length_are_refused_in_one_line(learner: ModelConfig) -> None:
    preparation = fit_preparation(waveforms(), PrepareConfig(), learner)
    other = waveforms(3, samples=150)
    said = "^waveforms of 150 samples, and the model learned from 200; bring waveforms of that length$"
    with pytest.raises(DataError, match=said):
        preparation.apply(other.features, other.names)


def test_constants_do_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = waveforms(300)
    found = [WaveformPreparation.fit(learned, steps("area"))]
    for cores in (1, 3):
        monkeypatch.setattr("hepsieve.spill.cores", lambda cores=cores: cores)
        found.append(WaveformPreparation.fit(learned, steps("area")))
    assert found[0] == found[1] == found[2]


TABLE = Events.from_arrays(np.arange(160.0).reshape(80, 2), np.arange(80) % 2, names=("a", "b"))
IMAGES = Events.from_arrays(np.arange(80 * 64.0).reshape(80, 8, 8, 1), np.arange(80) % 2, names=("energy",))


@pytest.mark.parametrize(
    ("events", "model", "prepare", "said"),
    [
        (
            TABLE,
            WaveCNNConfig(),
            {},
            "models.net: a network of kind wave-cnn looks at waveforms, and the data are a table of 2 columns; take",
        ),
        (
            IMAGES,
            PulseNetConfig(),
            {},
            "models.net: a network of kind pulse looks at waveforms, and the data are images",
        ),
        (
            waveforms(80),
            CNNConfig(),
            {},
            "models.net: a network of kind cnn looks at images, and the data are waveforms; take wave-cnn,",
        ),
        (waveforms(80), TreesConfig(shower_shapes=True), {}, "models.net.shower_shapes: the data are no images"),
        (IMAGES, TreesConfig(pulse_shapes=True), {}, "models.net.pulse_shapes: the data are no waveforms"),
        (TABLE, TreesConfig(pulse_shapes=True), {}, "models.net.pulse_shapes: the data are no waveforms"),
        (waveforms(80), MLPConfig(), {"features": ("ligt",)}, "prepare.features: no channel 'ligt', the nearest is 'l"),
        (waveforms(80), MLPConfig(without=("light",)), {}, "models.net.without: no channel is left for the model"),
        (waveforms(80), MLPConfig(without=("maxima",)), {}, "models.net.without: no channel 'maxima'; the data have l"),
        (waveforms(80), MLPConfig(), {"log": ("light",)}, "prepare.log: the data are waveforms; leave it out"),
        (waveforms(80), WaveCNNConfig(), {"pca": 3}, "prepare.pca: the data are waveforms, which lose their neighb"),
        (
            waveforms(80, names=("light", "veto")),
            TreesConfig(pulse_shapes=True),
            {"features": ("veto",)},
            "models.net.pulse_shapes: pulse shapes are measured in the channel 'light'; the model gets veto",
        ),
        (
            waveforms(80),
            TreesConfig(pulse_shapes=True, without=PULSE_SHAPES),
            {},
            "models.net.without: no pulse shape is left for the model",
        ),
        (waveforms(80, samples=12), WaveCNNConfig(), {}, "models.net: "),
        (waveforms(80, samples=12), WaveResNetConfig(train_on={"light": (1.0,)}), {}, "models.net.train_on: no column"),
    ],
)
def test_what_the_data_cannot_give_is_refused_before_any_training(
    events: Events, model: ModelConfig, prepare: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(said)) as raised:
        require_inputs({"net": model}, split(events, seed=1), PrepareConfig.model_validate(prepare))
    assert "\n" not in str(raised.value)


def test_a_regression_has_no_classes_to_balance() -> None:
    with pytest.raises(ConfigError, match=r"^train\.balance: undersample is for two classes, and d is a number; leave"):
        undersample(waveforms(), seed=1)
