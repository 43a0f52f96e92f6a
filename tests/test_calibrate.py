"""Calibrated models: fitted on validation, kept in the model's folder, and the same score everywhere from then on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch
from scipy.special import expit, logit
from tests.conftest import TOY_TASK, Told, toy_rows, without_times, write_toy_csv

import hepsieve as hs
from hepsieve.calibrate import calibrated, scores_of
from hepsieve.config import DataConfig, TaskConfig, load_task
from hepsieve.errors import ConfigError, IntegrityError
from hepsieve.evaluate.calibration import cross_fitted, fit_temperature, losses
from hepsieve.evaluate.results import Scored
from hepsieve.events import Events
from hepsieve.judge import judge
from hepsieve.manifest import write_manifest
from hepsieve.models.config import MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.models.torch.mlp import TorchPredictor
from hepsieve.prepare import SealedPart, split
from hepsieve.progress import Silent
from hepsieve.report.calibration_section import calibration_remark, calibration_section
from hepsieve.score.bundle import CALIBRATION, Schema, load_bundle, save_bundle
from hepsieve.score.export import export_keras
from hepsieve.score_map import Isotonic, ScoreCalibration, Temperature
from hepsieve.train.run import Fitted, Run
from hepsieve.workflow import choose_models, run_task

EAGER = MLPConfig(widths=(16,), learning_rate=0.01, epochs=6)
SETTINGS = TrainConfig(batch_size=50, patience=None)
COOL = ScoreCalibration(
    method="temperature", applied=True, why="Tested.", fitted=Temperature(temperature=2.3, low=2.0, high=2.6)
)
STEPS = ScoreCalibration(
    method="isotonic", applied=True, why="Tested.", fitted=Isotonic(score=(0.2, 0.8), calibrated=(0.3, 0.7))
)


def events(n: int) -> Events:
    features, label = toy_rows(n)
    return Events.from_arrays(features.astype(np.float32), label, names=("a", "b", "c"))


@pytest.fixture(scope="module")
def eager() -> Run:
    parts = split(events(1500), validation=0.4, test=0.4, seed=1)
    models: dict[str, ModelConfig] = {"net": EAGER, "trees": TreesConfig(rounds=20)}
    run = hs.train(models, parts, settings=SETTINGS, calibrate="none")
    for member in run.models["net"].members:
        assert isinstance(member.trained.model, TorchPredictor)
        last = member.trained.model.model.linears()[-1]
        with torch.no_grad():  # twice the logits: too sure of themselves
            last.weight.mul_(2.0)
            last.bias.mul_(2.0)
    return run


def validation_of(run: Run, fitted: Fitted) -> Scored:
    parts = run.parts
    score = fitted.uncalibrated.held_out_scores(parts.validation, parts.fold)
    return Scored(
        target=parts.validation.target.astype(float), score=score, weight=parts.validation.weight.astype(float)
    )


def test_a_network_that_is_too_sure_gets_a_temperature_and_trees_are_left(eager: Run) -> None:
    run = calibrated(eager, "auto", progress=Silent())
    net, trees = run.models["net"], run.models["trees"]
    assert isinstance(net.calibration, ScoreCalibration)
    assert isinstance(net.calibration.map, Temperature)
    assert net.calibration.map == fit_temperature(validation_of(eager, net))
    assert net.calibration.map.low > 1
    assert trees.calibration is not None
    assert (trees.calibration.method, trees.calibration.applied) == ("none", False)
    assert trees.calibration.why == "evaluate.calibrate: auto calibrates networks only; the scores are the model's own."
    new = events(200)
    own = eager.models["net"].scores(new)
    np.testing.assert_allclose(net.scores(new), expit(logit(own) / net.calibration.map.temperature), atol=1e-15)
    assert np.array_equal(np.argsort(net.scores(new)), np.argsort(own))
    assert np.array_equal(trees.scores(new), eager.models["trees"].scores(new))
    for method in ("held_out_scores", "training_scores"):
        before, after = (getattr(one, method)(new, None) for one in (eager.models["net"], net))
        np.testing.assert_array_equal(after, net.calibrated(before))


def test_every_model_is_calibrated_when_asked_for_and_none_otherwise(eager: Run) -> None:
    for option in ("temperature", "isotonic"):
        run = calibrated(eager, option, progress=Silent())
        assert [one.calibration is not None and one.calibration.applied for one in run.models.values()] == [True, True]
    run = calibrated(eager, "none", progress=Silent())
    assert [one.calibration is not None and one.calibration.applied for one in run.models.values()] == [False, False]


def test_corrupting_the_test_part_moves_no_constant(eager: Run) -> None:
    parts = eager.parts
    spoiled = events(600)
    spoiled = spoiled.replace(features=spoiled.features * 1e3, target=1 - spoiled.target)
    other = replace(eager, parts=replace(parts, test=SealedPart(spoiled)))
    for option in ("auto", "isotonic"):
        first, second = (calibrated(run, option, progress=Silent()) for run in (eager, other))
        for name in eager.models:
            assert first.models[name].calibration == second.models[name].calibration
    assert (len(parts.test.openings), len(other.parts.test.openings)) == (0, 0)


def test_folds_are_calibrated_on_scores_of_trainings_that_saw_nothing() -> None:
    parts = split(events(300), folds=3, seed=1)
    run = hs.train({"net": MLPConfig(widths=(4,), epochs=2)}, parts, calibrate="temperature")
    net = run.models["net"]
    assert net.calibration is not None
    scored = validation_of(run, net)
    each = np.empty(len(parts.train))
    assert parts.fold is not None
    for number, member in enumerate(net.members):
        rows = parts.fold == number
        each[rows] = member.scores(parts.train.features[rows], parts.train.names)
    np.testing.assert_array_equal(scored.score, each)
    assert net.calibration.fitted == fit_temperature(scored)
    assert "out-of-fold scores" in net.calibration.why
    new = events(50)
    mean = np.mean([member.scores(new.features, new.names) for member in net.members], axis=0)
    np.testing.assert_array_equal(net.scores(new), net.calibrated(mean))


def test_validation_events_are_scored_once(eager: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {name: validation_of(eager, fitted).score for name, fitted in eager.models.items()}
    run = calibrated(eager, "temperature", progress=Silent())
    monkeypatch.setattr(Fitted, "held_out_scores", lambda *_: pytest.fail("scored again"))
    for name, fitted in run.models.items():
        np.testing.assert_array_equal(scores_of(fitted, run, events(20)).held_out, expected[name])


@pytest.mark.parametrize("option", ["temperature", "isotonic"])
def test_what_is_quoted_is_of_calibrated_scores_and_choices_are_not_flattered(eager: Run, option: str) -> None:
    config = TaskConfig.model_validate(
        {
            "task": "toy",
            "models": {"net": {"kind": "mlp"}},
            "evaluate": {"resamples": 100, "calibrate": option, "working_points": {"most": {"signal_efficiency": 0.9}}},
        }
    )
    alone = replace(eager, models={"net": eager.models["net"]})
    before = judge(alone, config, reason="before", progress=Silent())
    run = calibrated(alone, config.evaluate.calibrate, progress=Silent())
    judged = judge(run, config, reason="after", progress=Silent())
    net = run.models["net"]
    np.testing.assert_array_equal(judged.scores["net"], net.calibrated(before.scores["net"]))
    model, own = judged.evaluation.models["net"], before.evaluation.models["net"]
    assert model.calibration is not None
    assert own.calibration is not None
    assert model.calibration.applied
    assert (own.calibration.applied, own.calibration.after) == (False, None)
    assert model.calibration.before == own.calibration.before
    for name in ("log_loss", "brier", "ece"):
        changed = getattr(model.calibration, name)
        assert changed.after == model.metrics[name]
        assert changed.before.value == pytest.approx(own.metrics[name].value, abs=1e-12)
    if option == "temperature":
        assert model.metrics["auc"].value == own.metrics["auc"].value
        assert model.metrics["accuracy"] == own.metrics["accuracy"]
        assert (model.metrics["log_loss"].value or 1.0) < (own.metrics["log_loss"].value or 0.0)
    point, before_point = (
        next(one for one in evaluation.working_points["net"] if one.name == "most")
        for evaluation in (judged.evaluation, before.evaluation)
    )
    assert point.threshold == pytest.approx(float(net.calibrated(np.array([before_point.threshold]))[0]), abs=1e-9)
    scored = validation_of(eager, eager.models["net"])
    fair = cross_fitted(scored, "temperature" if option == "temperature" else "isotonic", seed=run.seed)
    assert fair is not None
    expected = float(np.mean(losses(Scored(target=scored.target, score=fair, weight=scored.weight))))
    assert model.validation["log_loss"].value == pytest.approx(expected, abs=1e-12)
    assert model.validation["auc"].value == pytest.approx(own.validation["auc"].value, abs=1e-12)
    section = calibration_section(judged.evaluation)
    assert section is not None
    assert section.calibrated
    assert [str(row[0]) for row in section.table.rows] == [
        "net: log loss", "net: Brier score", "net: calibration error"
    ]  # fmt: skip
    remark = calibration_remark(judged.evaluation)
    assert remark.startswith("Calibrated on validation: net by ")
    assert ("a temperature of" in remark) == (option == "temperature")
    assert calibration_remark(before.evaluation) == ""


def saved(folder: Path, fitted: Fitted) -> Path:
    schema = Schema(
        task="toy",
        classes=("background", "signal"),
        features=("a", "b", "c"),
        units=("", "", ""),
        data=DataConfig(),
        model="net",
        config=fitted.config,
        members=len(fitted.members),
    )
    save_bundle(folder, fitted, schema, events(20).features)
    return folder


@pytest.mark.parametrize("members", [1, 3])
def test_a_keras_file_has_the_temperature_inside(tmp_path: Path, eager: Run, members: int) -> None:
    net = eager.models["net"]
    if members == 3:
        run = hs.train({"net": EAGER}, split(events(200), folds=3, seed=1), settings=SETTINGS)
        net = run.models["net"]
    net = replace(net, calibration=COOL)
    folder = saved(tmp_path / "net", net)
    bundle = load_bundle(folder)
    new = events(400)
    np.testing.assert_allclose(bundle.scores(new.features), net.scores(new), atol=1e-7)
    file, _ = export_keras(bundle, folder, tmp_path / "net.keras")
    import keras  # its backend was chosen by then

    found = np.asarray(keras.saving.load_model(file).predict_on_batch(new.features), np.float64)[:, 0]
    np.testing.assert_allclose(found, net.scores(new), atol=1e-5)
    assert np.abs(net.uncalibrated.scores(new) - found).max() > 0.01


def test_keras_can_not_hold_an_isotonic_calibration(tmp_path: Path, eager: Run) -> None:
    folder = saved(tmp_path / "net", replace(eager.models["net"], calibration=STEPS))
    with pytest.raises(ConfigError, match="net was calibrated by isotonic regression, which is no layer of Keras"):
        export_keras(load_bundle(folder), folder, tmp_path / "net.keras")
    assert not (tmp_path / "net.keras").exists()


def test_a_folder_without_a_calibration_and_one_with_a_damaged_one(tmp_path: Path, eager: Run) -> None:
    net = eager.models["net"]
    older = load_bundle(saved(tmp_path / "older", replace(net, calibration=None)))
    assert older.calibration is None
    new = events(30)
    np.testing.assert_allclose(older.scores(new.features), net.uncalibrated.scores(new), atol=1e-7)
    folder = saved(tmp_path / "net", replace(net, calibration=STEPS))
    assert load_bundle(folder).calibration == STEPS
    text = (folder / CALIBRATION).read_text(encoding="utf-8")
    for broken in ("{", text.replace('"version": 1', '"version": 2'), text.replace("0.7", "0.1")):
        (folder / CALIBRATION).write_text(broken, encoding="utf-8")
        with pytest.raises(IntegrityError, match="changed since it was written"):
            load_bundle(folder)
        write_manifest(folder, {})
        with pytest.raises(IntegrityError, match=r"its calibration\.json can't be read"):
            load_bundle(folder)


def test_a_regression_takes_no_calibration() -> None:
    assert load_task("s2-separation").evaluate.calibrate == "auto"
    with pytest.raises(ConfigError, match="calibrate isotonic means nothing in a regression; leave it out"):
        load_task("s2-separation", settings=["evaluate.calibrate=isotonic"])
    with pytest.raises(ConfigError, match=r"evaluate\.calibrate"):
        load_task("higgs", settings=["evaluate.calibrate=platt"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with toy.csv and a run of the toy task, all of whose models are calibrated by a temperature."""
    folder = tmp_path_factory.mktemp("calibrated")
    write_toy_csv(folder / "toy.csv")
    (folder / "toy.yaml").write_text(TOY_TASK, encoding="utf-8")
    settings = ["evaluate.calibrate=temperature", "explain.permutations=0", "train.epochs=8"]
    config = choose_models(load_task(folder / "toy.yaml", settings=settings), ["net", "stumps"])
    run_task(config, out=folder / "run", cache=folder / "cache", jobs=1, command=[], progress=Silent())
    return folder


@pytest.fixture
def cool(tmp_path: Path, finished: Path) -> Path:
    """A copy of that run."""
    return shutil.copytree(finished / "run", tmp_path / "cool")


@pytest.mark.usefixtures("undrawn")
def test_a_run_scores_judges_and_shows_calibrated_scores(
    hepsieve: Callable[..., Told], cool: Path, finished: Path
) -> None:
    told = hepsieve("score", cool, finished / "toy.csv", "--model", "stumps", "-o", "out.parquet")
    assert told.status == 0
    predictions = pyarrow.parquet.read_table(cool / "predictions.parquet")
    scored = pyarrow.parquet.read_table("out.parquet")["score_stumps"].to_numpy()
    stored = predictions["score_stumps"].to_numpy()
    np.testing.assert_allclose(scored[predictions["row"].to_numpy()], stored, atol=1e-12)
    bundle = load_bundle(cool / "models" / "stumps")
    assert bundle.calibration is not None
    assert bundle.calibration.applied
    first = without_times(cool)
    assert first["models"]["stumps"]["calibration"]["applied"]
    page = (cool / "report.html").read_text(encoding="utf-8")
    assert '<section id="calibration">' in page
    assert 'href="#calibration"' in page
    told = hepsieve("evaluate", cool)
    assert (told.status, "Calibrated on validation: " in told.out) == (0, True)
    again = without_times(cool)
    assert again["models"] == first["models"]
    assert again["working_points"] == first["working_points"]


@pytest.mark.usefixtures("undrawn")
def test_a_run_from_before_there_was_calibration(hepsieve: Callable[..., Told], cool: Path) -> None:
    for name in ("net", "stumps"):
        without_calibration(cool / "models" / name)
    evaluation = json.loads((cool / "evaluation.json").read_text(encoding="utf-8"))
    for model in evaluation["models"].values():
        del model["calibration"]
    (cool / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    config = (cool / "config.yaml").read_text(encoding="utf-8").replace("  calibrate: temperature\n", "")
    assert "calibrate:" not in config
    (cool / "config.yaml").write_text(config, encoding="utf-8")
    write_manifest(cool, {})
    assert hepsieve("report", cool).status == 0
    assert 'id="calibration"' not in (cool / "report.html").read_text(encoding="utf-8")
    told = hepsieve("evaluate", cool)
    assert (told.status, "Calibrated" in told.out) == (0, False)
    found = json.loads((cool / "evaluation.json").read_text(encoding="utf-8"))["models"]["net"]["calibration"]
    assert (found["method"], found["applied"], found["after"]) == ("none", False, None)


def without_calibration(folder: Path) -> None:
    """Take the calibration out of a model folder; its reference rows are scored without."""
    bundle = load_bundle(folder)
    with np.load(folder / "reference.npz") as reference:
        features = reference["features"]
    (folder / CALIBRATION).unlink()
    np.savez(folder / "reference.npz", features=features, scores=replace(bundle, calibration=None).scores(features))
    write_manifest(folder, {})
