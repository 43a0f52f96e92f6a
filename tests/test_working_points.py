"""Named working points, from the configuration through the run to a selected file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from tests.conftest import Told, write_toy_csv

from hepsieve.evaluate.results import Evaluation, WorkingPoint

Command = Callable[..., Told]
CUTS = (
    "evaluate.working_points={tight: {no_background: true}, loose: {signal_efficiency: 0.9}, "
    "few: {background_efficiency: 0.1}, fixed: {threshold: 0.75}}"
)


def points_of(run: Path, model: str = "trees") -> dict[str, WorkingPoint]:
    evaluation = Evaluation.from_json((run / "evaluation.json").read_text(encoding="utf-8"))
    return {point.name: point for point in evaluation.working_points[model]}


def shares_of(path: Path, threshold: float) -> tuple[float, float]:
    """Which share of background and of signal the stored test scores put at the threshold or above."""
    table = pyarrow.parquet.read_table(path)
    target, score = np.asarray(table["target"]), np.asarray(table["score_trees"])
    passing = score >= threshold
    return float(passing[target == 0].mean()), float(passing[target == 1].mean())


def test_a_run_keeps_its_named_cuts_and_scoring_applies_them(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("run", toy, "--models", "trees", "--set", CUTS, "--out", "run")
    assert (told.status, told.err) == (0, "")
    points = points_of(toy.parent / "run")
    assert list(points)[:4] == ["tight", "loose", "few", "fixed"]
    assert {point.set_on for name, point in points.items() if name != "fixed"} == {"validation"}
    for point in points.values():
        background, signal = shares_of(toy.parent / "run" / "predictions.parquet", point.threshold)
        assert point.background_efficiency.value == pytest.approx(background)
        assert point.signal_efficiency.value == pytest.approx(signal)
    new = write_toy_csv(toy.parent / "new.csv", 200, seed=4)
    for name in ("tight", "loose", "fixed"):
        assert hepsieve("score", "run", new, "--working-point", name, "-o", f"{name}.parquet").status == 0
        scores = np.asarray(pyarrow.parquet.read_table(toy.parent / f"{name}.parquet")["score_trees"])
        assert scores.min() >= points[name].threshold
    told = hepsieve("score", "run", new, "--working-point", "Tight", "-o", "x.parquet")
    assert told.status == 2
    assert "no working point 'Tight'; it has tight, loose, few, fixed, signal_efficiency@0.30" in told.err
    page = (toy.parent / "run" / "report.html").read_text(encoding="utf-8")
    assert "no background left" in page


@pytest.mark.usefixtures("undrawn")
def test_cross_validated_cuts_are_set_on_scores_out_of_fold(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("run", toy, "--models", "trees", "--set", CUTS, "--set", "train.folds=3", "-j", "1", "--out", "run")
    assert (told.status, told.err) == (0, "")
    run = toy.parent / "run"
    points = points_of(run)
    assert points["tight"].set_on == "out-of-fold"
    assert points["fixed"].set_on == "config"
    scores, loose = run / "out_of_fold.parquet", points["loose"].threshold
    assert shares_of(scores, points["tight"].threshold)[0] == 0
    # The highest cut that keeps 90 %.
    assert shares_of(scores, float(np.nextafter(loose, 1)))[1] < 0.9 <= shares_of(scores, loose)[1]
    everything = Evaluation.from_json((run / "evaluation.json").read_text(encoding="utf-8")).models["trees"].out_of_fold
    assert everything is not None
    assert everything.n_signal + everything.n_background == 600
    told = hepsieve("evaluate", run, "--data", write_toy_csv(toy.parent / "other.csv", 300, seed=9), "--json")
    assert json.loads(told.out)["evaluation"]["models"]["trees"]["out_of_fold"] is None


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        ("{signal_efficiency: 0.9999}", "no cut gives 99.99 % signal efficiency: "),
        ("{background_efficiency: 0.001}", "no cut gives 0.1 % background efficiency: "),
    ],
)
@pytest.mark.parametrize("folds", ["null", "3"])
def test_a_working_point_that_can_not_be_reached_stops_before_training(
    hepsieve: Command, toy: Path, monkeypatch: pytest.MonkeyPatch, cut: str, says: str, folds: str
) -> None:
    monkeypatch.setattr("hepsieve.workflow.train_and_search", lambda *_, **__: pytest.fail("a model was trained"))
    arguments = ["--set", f"evaluate.working_points.sharp={cut}", "--set", f"train.folds={folds}", "--out", "run"]
    told = hepsieve("run", toy, *arguments)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"hepsieve: evaluate.working_points.sharp: {says}")
    assert len(told.err.splitlines()) == 1
    # 120 of 600 events are test, and 120 validation; cross-validation sets its cuts on 480.
    assert " test " in told.err or (folds == "null" and " validation " in told.err)
    assert not (toy.parent / "run").exists()
    assert not list(toy.parent.glob(".part-*"))
