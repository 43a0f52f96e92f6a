"""A network of several members as one file of Keras, from raw features to the mean of the members' scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.collisions import NAMES, collisions

from hepsieve.config import PrepareConfig
from hepsieve.data_config import DataConfig
from hepsieve.events import TargetScale
from hepsieve.models.config import Periodic, Piecewise, TabMConfig, TrainConfig
from hepsieve.prepare import split
from hepsieve.score.bundle import Schema, load_bundle, save_bundle
from hepsieve.score.export import export_keras
from hepsieve.score_map import ScoreCalibration, Temperature
from hepsieve.train.run import Fitted, train

SMALL = TabMConfig(members=3, width=8, embedding=Piecewise(bins=4, size=2))
SETTINGS = TrainConfig(epochs=1, batch_size=50, device="cpu")
COOL = ScoreCalibration(
    method="temperature",
    applied=True,
    why="",
    fitted=Temperature(temperature=1.7, low=1.0, high=2.0),
    n_events=9,
)


@pytest.mark.parametrize(
    ("config", "calibration"),
    [
        (SMALL, COOL),
        (SMALL.model_copy(update={"average": 2, "symmetries": ("reflection",)}), COOL),
        (SMALL.model_copy(update={"loss": "gaussian", "embedding": Periodic(frequencies=2, size=2)}), None),
    ],
    ids=["temperature", "copies", "widths"],
)
def test_a_keras_file_has_the_scores_of_all_members(config: TabMConfig, calibration: Any, tmp_path: Path) -> None:
    events, new = collisions(200, 1), collisions(60, 7)
    if config.loss == "gaussian":
        target = np.random.default_rng(1).random(200).astype(np.float32)
        events = events.replace(target=target, scale=TargetScale(name="m"))
    parts = split(events, validation=0.2, test=0.2, seed=1)
    model = train({"net": config}, parts, prepare=PrepareConfig(), settings=SETTINGS, seed=1).models["net"]
    model = Fitted(name="net", config=config, members=model.members, calibration=calibration)
    schema = Schema(
        task="toy",
        classes=("no", "yes"),
        features=NAMES,
        units=("",) * len(NAMES),
        data=DataConfig(),
        model="net",
        config=config,
        members=1,
    )
    folder = tmp_path / "net"
    save_bundle(folder, model, schema, new.features)
    bundle = load_bundle(folder)
    file, _ = export_keras(bundle, folder, tmp_path / "net.keras")
    import keras  # its backend was chosen by then

    columns = [NAMES.index(name) for name in bundle.members[0].preparation.features]
    found = np.asarray(keras.saving.load_model(file, compile=False).predict_on_batch(new.features[:, columns]))
    expected = model.scores(new)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)
    if config.loss == "gaussian":
        widths = model.widths(new)
        assert widths is not None
        np.testing.assert_allclose(found[:, 1], widths, rtol=1e-4)
