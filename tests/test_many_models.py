"""Runs of several models: comparisons, slices by a mass that one model never saw, and very many training events."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import Told

import hepsieve as hs
from hepsieve import judge as judging
from hepsieve.evaluate.compare import compare_to_best
from hepsieve.evaluate.results import Evaluation, Scored

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")

TASK = """\
task: masses
classes: [noise, pulse]
data: {files: [masses.csv], label: kind, features: [x, mass], spectators: [run]}
models:
  with-mass: {kind: trees, rounds: 40, learning_rate: 0.3, max_depth: 4}
  blind: {kind: trees, rounds: 40, learning_rate: 0.3, max_depth: 4, without: [mass]}
  two-masses: {kind: trees, rounds: 40, learning_rate: 0.3, max_depth: 4, train_on: {mass: [500, 1500]}}
  same: {kind: trees, rounds: 40, learning_rate: 0.3, max_depth: 4}
prepare: {log: [mass]}
evaluate: {resamples: 100, slice_by: mass}
explain: {permutations: 0}
"""
MASSES = (500, 1000, 1500)


@pytest.fixture
def masses(tmp_path: Path) -> Path:
    """A signal whose place depends on its mass, flat background, and a task on them."""
    rng = np.random.default_rng(1)
    label, mass = rng.integers(0, 2, 3000), rng.choice(MASSES, 3000)
    x = np.where(label == 1, rng.normal(mass / 1000, 0.2), rng.uniform(0, 2, 3000))
    rows = [f"{k},{v!r},{m},{r}" for k, v, m, r in zip(label, x.tolist(), mass, rng.integers(1, 3, 3000), strict=True)]
    (tmp_path / "masses.csv").write_text("\n".join(["kind,x,mass,run", *rows]) + "\n", encoding="utf-8")
    task = tmp_path / "masses.yaml"
    task.write_text(TASK, encoding="utf-8")
    return task


def evaluation_of(run: Path) -> Evaluation:
    return Evaluation.from_json((run / "evaluation.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["score_blind", "width_x", "row", "target", "weight", "fold"])
def test_spectators_that_stored_predictions_could_not_hold_are_refused(
    hepsieve: Command, masses: Path, name: str
) -> None:
    for path in (masses, masses.parent / "masses.csv"):
        path.write_text(path.read_text(encoding="utf-8").replace("run", name, 1), encoding="utf-8")
    told = hepsieve("run", masses, "--out", "refused")
    assert told.status == 2
    assert f"data.spectators: {name!r} is the name of a column that predictions.parquet has of its own" in told.err
    assert len(told.err.splitlines()) == 1
    assert not Path("refused").exists()


def test_a_run_compares_its_models_and_slices_them(hepsieve: Command, masses: Path) -> None:
    run = masses.parent / "run"
    told = hepsieve("run", masses, "--out", run)
    assert (told.status, told.err) == (0, "")
    evaluation = evaluation_of(run)
    assert [one.model for one in evaluation.comparisons] == [n for n in evaluation.models if n != evaluation.best]
    compared = {one.model: one for one in evaluation.comparisons}
    # Equal configurations and seeds are equal models.
    twin = compared["same" if evaluation.best == "with-mass" else "with-mass"]
    assert (twin.difference.value, twin.p_adjusted, twin.significant) == (0, 1, False)
    assert compared["blind"].significant
    assert compared["blind"].difference.high is not None
    assert compared["blind"].difference.high < 0
    slices = evaluation.slices
    assert slices is not None
    assert [one.value for one in slices.slices] == list(MASSES)
    assert sum(one.n_signal + one.n_background for one in slices.slices) == evaluation.data.n_test
    assert slices.trained_on == {"two-masses": (500, 1500)}
    assert "after correcting for 3 comparisons" in told.out
    lines = told.out.splitlines()
    assert lines[0].split("\t")[5:11] == [
        *("validation AUC", "validation accuracy", "AUC", "accuracy", "AUC − best", "against best"),
    ]
    header = next(k for k, line in enumerate(lines) if line.startswith("mass\t"))
    assert lines[header].split("\t") == ["mass", "pulse events", "noise events", *evaluation.models]
    assert "°" in lines[header + 2].split("\t")[5]
    assert '<section id="slices">' in (run / "report.html").read_text(encoding="utf-8")
    assert json.loads(hepsieve("evaluate", run, "--json").out)["slices"] == slices.model_dump(mode="json")
    # Another file is judged without its spectators, of which the mass is none.
    other = hepsieve("evaluate", run, "--data", _others(masses), "--json")
    assert [one["value"] for one in json.loads(other.out)["evaluation"]["slices"]["slices"]] == list(MASSES)


def _others(task: Path) -> Path:
    lines = (task.parent / "masses.csv").read_text(encoding="utf-8").splitlines()
    other = task.parent / "others.csv"
    # The same rows moved by a little are other events.
    moved = [",".join((k, repr(float(x) + 1e-4), m, r)) for k, x, m, r in (line.split(",") for line in lines[1:])]
    other.write_text("\n".join([lines[0], *moved]) + "\n", encoding="utf-8")
    return other


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("mas", "evaluate.slice_by: no column 'mas' among x, mass, run; did you mean 'mass'?"),
        ("energy", "evaluate.slice_by: no column 'energy' among x, mass, run; name it in data.spectators"),
        ("x", "distinct values, and at most 50 make slices"),
    ],
)
def test_a_column_that_makes_no_slices_stops_before_training(
    hepsieve: Command, masses: Path, column: str, said: str
) -> None:
    told = hepsieve("run", masses, "--set", f"evaluate.slice_by={column}", "--out", masses.parent / "run")
    assert told.status == 2
    assert said in told.err
    assert told.err.count("\n") == 1
    assert not (masses.parent / "run").exists()


def test_a_spectator_makes_slices_too(hepsieve: Command, masses: Path) -> None:
    run = masses.parent / "run"
    told = hepsieve("run", masses, "--set", "evaluate.slice_by=run", "--models", "blind", "--out", run)
    assert (told.status, told.err) == (0, "")
    evaluation = evaluation_of(run)
    assert evaluation.comparisons == ()
    assert evaluation.slices is not None
    assert [one.value for one in evaluation.slices.slices] == [1, 2]


def test_a_notebook_slices_too(two_models: hs.TaskConfig) -> None:
    run = _trained(two_models)
    slices = hs.evaluate(run, slice_by="mass").evaluation.slices
    assert slices is not None
    assert [one.value for one in slices.slices] == list(MASSES)
    with pytest.raises(hs.HepsieveError, match="did you mean 'mass'"):
        hs.evaluate(run, slice_by="maas")


@pytest.fixture
def two_models(masses: Path) -> hs.TaskConfig:
    config = hs.load_task(masses)
    return config.model_copy(update={"models": config.trained(["with-mass", "blind"])})


def test_of_very_many_training_events_some_are_judged(
    two_models: hs.TaskConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _trained(two_models)
    everything = hs.evaluate(run).evaluation
    assert (everything.data.n_train_judged, everything.data.n_train_shown) == (None, None)
    monkeypatch.setattr(judging, "MOST_JUDGED", 700)
    monkeypatch.setattr(judging, "MOST_SHOWN", 900)
    some, again = hs.evaluate(run).evaluation, hs.evaluate(run).evaluation
    assert (some.data.n_train_judged, some.data.n_train_shown) == (700, 900)
    assert _without_openings(again) == _without_openings(some)
    assert some.features != everything.features
    for name, model in some.models.items():
        before = everything.models[name]
        # Nothing that is quoted changes, only the check on train.
        changed = {"overtraining", "scores"}
        assert model.model_dump(exclude=changed) == before.model_dump(exclude=changed)
        assert model.overtraining != before.overtraining
        assert model.overtraining.train_auc.value == pytest.approx(before.overtraining.train_auc.value, abs=0.05)


def test_at_the_limit_all_are_judged(two_models: hs.TaskConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _trained(two_models)
    everything = hs.evaluate(run).evaluation
    monkeypatch.setattr(judging, "MOST_JUDGED", len(run.parts.train))
    monkeypatch.setattr(judging, "MOST_SHOWN", len(run.parts.train))
    assert _without_openings(hs.evaluate(run).evaluation) == _without_openings(everything)


def test_with_folds_the_drawn_events_keep_their_trainings(
    two_models: hs.TaskConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _trained(two_models, folds=3)
    monkeypatch.setattr(judging, "MOST_JUDGED", 500)
    seen = hs.evaluate(run).evaluation.models["blind"].overtraining.train_auc.value
    all_events = run.models["blind"].training_scores(run.parts.train, run.parts.fold)
    weight = np.ones(len(all_events))
    scored = Scored(target=run.parts.train.target.astype(np.float64), score=all_events, weight=weight)
    assert compare_to_best({"a": scored, "b": scored}, "a")[0].difference.value == 0
    everything = _trained(two_models, folds=3)
    monkeypatch.undo()
    expected = hs.evaluate(everything).evaluation.models["blind"].overtraining.train_auc.value
    assert seen == pytest.approx(expected, abs=0.06)


def _trained(config: hs.TaskConfig, folds: int | None = None) -> Any:
    events = hs.read(config.data.files[0], label="kind")
    parts = hs.split(events, seed=1) if folds is None else hs.split(events, folds=folds, seed=1)
    return hs.train(config.trained(), parts)


def _without_openings(evaluation: Evaluation) -> Evaluation:
    return evaluation.model_copy(update={"test_openings": 0})


def test_more_values_in_the_test_part_than_in_training_stop_nothing(hepsieve: Command, masses: Path) -> None:
    run, other = masses.parent / "run", masses.parent / "other.csv"
    assert hepsieve("run", masses, "--models", "blind", "--out", run).status == 0
    lines = (masses.parent / "masses.csv").read_text(encoding="utf-8").splitlines()[:600]
    spread = [
        line if k == 0 else ",".join([*line.split(",")[:2], str(400 + k % 60), "1"]) for k, line in enumerate(lines)
    ]
    spread += [f"{k % 2},{1 + k / 100},1000,1" for k in range(40)]
    other.write_text("\n".join(spread) + "\n", encoding="utf-8")
    told = hepsieve("evaluate", run, "--data", other, "--json")
    assert told.status == 0
    taken = json.loads(told.out)["evaluation"]["slices"]
    assert [one["value"] for one in taken["slices"]] == list(MASSES)
    assert taken["events_without_value"] > 500


def test_a_model_without_a_feature_scores_files_without_it(hepsieve: Command, masses: Path) -> None:
    run, bare = masses.parent / "run", masses.parent / "bare.csv"
    assert hepsieve("run", masses, "--models", "with-mass,blind", "--out", run).status == 0
    bare.write_text("x\n0.5\n1.5\n", encoding="utf-8")
    assert hepsieve("score", run, bare, "--model", "blind", "-o", masses.parent / "scored.csv").status == 0
    told = hepsieve("score", run, bare, "--model", "with-mass", "-o", masses.parent / "refused.csv")
    assert told.status == 2
    assert "no column mass" in told.err
