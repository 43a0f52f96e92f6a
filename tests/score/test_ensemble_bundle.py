"""The bundle of an ensemble: models of several kinds and preparations in one folder that scores by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import toy_rows

from hepsieve.config import DataConfig, PrepareConfig
from hepsieve.errors import ConfigError, IntegrityError
from hepsieve.events import Events, TargetScale
from hepsieve.models.config import MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.prepare import Split, split
from hepsieve.score.bundle import Schema, load_bundle, save_bundle
from hepsieve.score.export import export_keras
from hepsieve.score_map import ScoreCalibration, Temperature
from hepsieve.train.combined import combine
from hepsieve.train.run import Fitted, Run, train

MODELS: dict[str, ModelConfig] = {
    "trees": TreesConfig(rounds=5, without=("b",)),
    "net": MLPConfig(widths=(4,)),
    "small": MLPConfig(widths=(3,), without=("a", "c"), seed=9),
}
WEIGHTS = {"trees": 0.5, "net": 0.3, "small": 0.2}


def toy_parts(*, folds: int | None = None) -> Split:
    features, label = toy_rows(300, seed=2)
    events = Events.from_arrays(features, label, names=("a", "b", "c"))
    return split(events, validation=0.2, test=0.2, folds=folds, seed=1)


def trained(parts: Split) -> Run:
    settings = TrainConfig(epochs=2, patience=None)
    return train(MODELS, parts, prepare=PrepareConfig(), settings=settings, seed=1)


@pytest.fixture(scope="module")
def run() -> Run:
    return trained(toy_parts())


def ensemble_of(run: Run) -> Fitted:
    return combine("ensemble", EnsembleConfig(members=WEIGHTS), run.models)


def schema_of(run: Run, fitted: Fitted) -> Schema:
    train = run.parts.train
    return Schema(
        task="toy",
        classes=("noise", "pulse"),
        features=train.names,
        units=train.units,
        data=DataConfig(),
        model=fitted.name,
        config=fitted.config,
        members=len(fitted.members),
    )


def test_it_is_the_weighted_mean_of_its_models(run: Run) -> None:
    events = run.parts.validation
    expected = sum(weight * run.models[name].scores(events) for name, weight in WEIGHTS.items())
    np.testing.assert_allclose(ensemble_of(run).scores(events), expected, rtol=1e-12)


def test_with_folds_each_event_is_scored_by_trainings_that_did_not_see_it() -> None:
    run = trained(toy_parts(folds=3))
    events, fold = run.parts.validation, run.parts.fold
    expected = sum(weight * run.models[name].held_out_scores(events, fold) for name, weight in WEIGHTS.items())
    np.testing.assert_allclose(ensemble_of(run).held_out_scores(events, fold), expected, rtol=1e-12)
    seen = sum(weight * run.models[name].training_scores(events, fold) for name, weight in WEIGHTS.items())
    np.testing.assert_allclose(ensemble_of(run).training_scores(events, fold), seen, rtol=1e-12)


def test_a_calibrated_member_takes_part_with_its_own_scores(run: Run) -> None:
    cool = ScoreCalibration(
        method="temperature", applied=True, why="", fitted=Temperature(temperature=3, low=2, high=4), n_events=9
    )
    calibrated = {name: Fitted(**{**vars(one), "calibration": cool}) for name, one in run.models.items()}
    events = run.parts.validation
    found = combine("ensemble", EnsembleConfig(members=WEIGHTS), calibrated).scores(events)
    np.testing.assert_array_equal(found, ensemble_of(run).scores(events))


def test_one_folder_scores_by_itself(run: Run, tmp_path: Path) -> None:
    fitted = ensemble_of(run)
    save_bundle(tmp_path / "e", fitted, schema_of(run, fitted), run.parts.train.features)
    shutil.move(tmp_path / "e", tmp_path / "elsewhere")
    bundle = load_bundle(tmp_path / "elsewhere")
    features = run.parts.validation.features
    np.testing.assert_allclose(bundle.scores(features), fitted.scores(run.parts.validation), atol=1e-7)
    assert bundle.folder == tmp_path / "elsewhere"
    assert [one.schema.features for one in bundle.combined] == [("a", "c"), ("a", "b", "c"), ("b",)]
    alone = load_bundle(tmp_path / "elsewhere" / "members" / "small")
    np.testing.assert_allclose(
        alone.scores(features[:, 1:2]), run.models["small"].scores(run.parts.validation), atol=1e-7
    )


def test_a_member_that_was_changed_is_refused(run: Run, tmp_path: Path) -> None:
    fitted = ensemble_of(run)
    save_bundle(tmp_path / "e", fitted, schema_of(run, fitted), run.parts.train.features)
    preparation = tmp_path / "e" / "members" / "net" / "preparation.json"
    preparation.write_text(preparation.read_text().replace("1", "2"))
    with pytest.raises(IntegrityError, match="preparation"):
        load_bundle(tmp_path / "e")


def test_a_missing_member_is_refused(run: Run, tmp_path: Path) -> None:
    fitted = ensemble_of(run)
    save_bundle(tmp_path / "e", fitted, schema_of(run, fitted), run.parts.train.features)
    shutil.rmtree(tmp_path / "e" / "members" / "net")
    with pytest.raises(IntegrityError):
        load_bundle(tmp_path / "e")


def test_keras_holds_no_ensemble_but_networks_of_it(run: Run, tmp_path: Path) -> None:
    fitted = ensemble_of(run)
    save_bundle(tmp_path / "e", fitted, schema_of(run, fitted), run.parts.train.features)
    with pytest.raises(ConfigError, match=r"combines 3 models.*take one of its networks with --model: net, small"):
        export_keras(load_bundle(tmp_path / "e"), tmp_path / "e", tmp_path / "e.keras")
    assert not (tmp_path / "e.keras").exists()


def test_widths_are_those_of_the_mixture() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(300, 2))
    target = 1 / (1 + np.exp(-features[:, 0]))
    events = Events.from_arrays(features, target, names=("a", "b"), scale=TargetScale(name="d", unit="mm", full=30))
    parts = split(events, validation=0.2, test=0.2, seed=1)
    settings = TrainConfig(epochs=2, patience=None)
    models = {name: MLPConfig(widths=(4,), loss="gaussian", seed=seed) for name, seed in (("one", 1), ("two", 2))}
    run = train(models, parts, prepare=PrepareConfig(), settings=settings, seed=1)
    config = EnsembleConfig(members={"one": 0.25, "two": 0.75}, loss="gaussian")
    fitted = combine("ensemble", config, run.models)
    found = fitted.widths(parts.validation)
    means = [one.scores(parts.validation) for one in run.models.values()]
    widths = [one.widths(parts.validation) for one in run.models.values()]
    first, second = widths
    assert found is not None
    assert first is not None
    assert second is not None
    mean = 0.25 * means[0] + 0.75 * means[1]
    variance = 0.25 * (first**2 + means[0] ** 2) + 0.75 * (second**2 + means[1] ** 2) - mean**2
    np.testing.assert_allclose(found, np.sqrt(variance), rtol=1e-6)
