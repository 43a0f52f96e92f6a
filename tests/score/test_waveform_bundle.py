"""A network for waveforms as a folder: it scores the same after loading, and as a Keras file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.waveform_files import COUNT, SCALE, SEPARATION, pulses, separations

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError, IntegrityError
from hepsieve.events import Events
from hepsieve.models.architecture import initial_weights
from hepsieve.models.config import TreesConfig
from hepsieve.models.torch.spatial import TorchSpatialPredictor, build, set_weights
from hepsieve.models.waveform_config import WaveCNNConfig
from hepsieve.prepare.waveforms import WaveformPreparation
from hepsieve.score.bundle import Schema, load_bundle, save_bundle
from hepsieve.score.export import export_keras
from hepsieve.train.run import Fitted, Member, mixture_width
from hepsieve.train.trained import Trained

NEW = pulses(30, seed=9)


def fitted(config: WaveCNNConfig, *, members: int, normalise: str = "set", impute: bool = False) -> Fitted:
    """Networks with weights of chance, each with a preparation of its own."""
    trainings = []
    for seed in range(members):
        train = Events.from_arrays(pulses(40, seed=seed), separations(40), names=("light",), scale=SCALE)
        settings = PrepareConfig.model_validate({"waveform": {"normalise": normalise}})
        preparation = WaveformPreparation.fit(train, settings, impute=impute)
        rng, shape = np.random.default_rng(seed), preparation.shape
        weights = {
            name: (value + rng.normal(size=value.shape) * 0.05).astype(np.float32)
            for name, value in initial_weights(config, shape, seed=seed).items()
        }
        network = build(config, shape, seed=seed)
        set_weights(network, weights)
        trained = Trained(
            model=TorchSpatialPredictor(model=network.eval()), history=(), best_epoch=0, seconds=1.0, warnings=()
        )
        trainings.append(Member(preparation=preparation, trained=trained))
    return Fitted(name="wave", config=config, members=tuple(trainings))


def saved(folder: Path, model: Fitted, **more: Any) -> Path:
    schema = Schema(
        task="toy",
        classes=("1S2", "2S2"),
        features=("light",),
        units=("phd",),
        model="wave",
        config=model.config,
        members=len(model.members),
        **{"data": SEPARATION, **more},
    )
    save_bundle(folder, model, schema, pulses(12, seed=3))
    return folder


SMALL = WaveCNNConfig(filters=4, dense=6)


@pytest.mark.parametrize("loss", ["squared", "gaussian"])
@pytest.mark.parametrize("members", [1, 3])
def test_a_loaded_regression_predicts_the_same(tmp_path: Path, loss: str, members: int) -> None:
    model = fitted(SMALL.model_copy(update={"loss": loss}), members=members)
    bundle = load_bundle(saved(tmp_path / "wave", model))
    assert (bundle.shape, bundle.schema.data.target) == ((200, 1), SEPARATION.target)
    found = bundle.predict(NEW)
    np.testing.assert_allclose(found[0], model.score_features(NEW, ("light",)), atol=1e-6)
    assert found[0].std() > 1e-3
    widths = model.feature_widths(NEW, ("light",))
    assert (len(found), widths is None) == ((1, True) if loss == "squared" else (2, False))
    assert bundle.columns("score") == ("score", "score_width")[: len(found)]
    if widths is not None:
        np.testing.assert_allclose(found[1], widths, atol=1e-6)


def test_reference_waveforms_that_score_differently(tmp_path: Path) -> None:
    folder = saved(tmp_path / "wave", fitted(SMALL, members=1), data=COUNT)
    bundle = load_bundle(folder)
    assert bundle.predict(NEW)[0].tolist() == bundle.scores(NEW).tolist()
    with np.load(folder / "reference.npz") as reference:
        np.savez(folder / "reference.npz", features=reference["features"], scores=reference["scores"] + 0.1)
    with pytest.raises(IntegrityError):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("normalise", "loss", "members"),
    [("set", "squared", 1), ("each", "gaussian", 2), ("area", "gaussian", 1), ("none", "cross_entropy", 2)],
)
def test_a_keras_file_takes_raw_waveforms(tmp_path: Path, normalise: str, loss: str, members: int) -> None:
    model = fitted(SMALL.model_copy(update={"loss": loss}), members=members, normalise=normalise, impute=True)
    folder = saved(tmp_path / "wave", model)
    file, _ = export_keras(load_bundle(folder), folder, tmp_path / "wave.keras")
    import keras  # its backend was chosen by then

    loaded, raw = keras.saving.load_model(file), NEW.copy()
    raw[3, 10, 0], raw[5] = np.nan, 0.0
    found = np.asarray(loaded.predict_on_batch(raw), np.float64)
    scores = [member.scores(raw, ("light",)) for member in model.members]
    np.testing.assert_allclose(found[:, 0], np.mean(scores, axis=0), atol=1e-5)
    widths = [width for member in model.members if (width := member.widths(raw, ("light",))) is not None]
    assert found.shape[1] == (2 if widths else 1)
    if widths:
        np.testing.assert_allclose(found[:, 1], mixture_width(scores, widths), atol=1e-5)


def test_keras_can_not_hold_what_measures_shapes(tmp_path: Path) -> None:
    folder = saved(tmp_path / "wave", fitted(SMALL, members=1))
    bundle = load_bundle(folder)
    schema = bundle.schema.model_copy(update={"config": TreesConfig(pulse_shapes=True)})
    with pytest.raises(ConfigError, match="wave is no network"):
        export_keras(type(bundle)(schema=schema, members=bundle.members, shape=bundle.shape), folder, tmp_path / "a")
