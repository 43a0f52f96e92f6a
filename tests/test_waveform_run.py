"""From simulated waveforms to a finished regression that is judged again, applied to single pulses, scored, listed."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from hepsieve.cli import main
from hepsieve.evaluate.evaluation import read_evaluation
from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.folder import open_run

ROWS = 420
SMALL = """
task: apart
kind: regression
title: Two pulses
data:
  catalog: xenon
  target: {name: d, unit: mm, full: 30}
  spectators: [separation time, drift time, electrons, first electrons, second electrons]
  unshared: drop
simulate: {process: xenon, pulses: two, rows: 420}
models:
  trees: {kind: trees, pulse_shapes: true, max_depth: 3, rounds: 60}
  coarse: {kind: wave-resnet, filters: [4], blocks: [1], stride: 25, loss: gaussian}
train: {epochs: 2, batch_size: 32, learning_rate: 2e-3}
evaluate: {profiles: [electrons], classical_fits: 40, resamples: 200}
seed: 3
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("waveforms")


@pytest.fixture(scope="module")
def finished(place: Path) -> Path:
    (place / "apart.yaml").write_text(SMALL, encoding="utf-8")
    told = _do(place, "run", "apart.yaml", "--out", "run", "--jobs", "1", "--quiet")
    assert "Cramér–Rao bound" in told
    return place / "run"


@pytest.fixture(scope="module")
def single(place: Path) -> Path:
    wanted = ["--set", "simulate.pulses=one", "--seed", "8"]
    _do(place, "simulate", "s2-separation", "-n", "150", "-o", "1s2.npy", *wanted, "--quiet")
    return place / "1s2.npy"


def _do(place: Path, *words: str, code: int = 0) -> str:
    """What a command says in this folder, once it has ended with this status."""
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.chdir(place)
        patch.setenv("HEPSIEVE_CACHE", str(place / "cache"))
        patch.setattr(sys, "argv", ["hepsieve", *words])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    assert status == code, said.getvalue()
    return said.getvalue()


def test_the_run_quotes_what_a_regression_is_judged_by(finished: Path) -> None:
    evaluation = read_evaluation((finished / "evaluation.json").read_text(encoding="utf-8"))
    assert isinstance(evaluation, RegressionEvaluation)
    assert set(evaluation.models) == {"trees", "coarse"}
    assert evaluation.best == "trees"
    for model in evaluation.models.values():
        assert {"mae", "rmse", "bias", "resolution", "tolerance_accuracy@0.1"} <= set(model.metrics)
        assert all(q.low is not None and q.high is not None for q in model.metrics.values())
        assert [profile.column for profile in model.profiles] == ["d", "electrons"]
    rmse = evaluation.models["trees"].metrics["rmse"].value
    # Whoever knows nothing but that d is uniform over [0, 1] has 1/√12 = 0.289.
    assert rmse is not None
    assert rmse < 0.06
    assert evaluation.models["coarse"].pulls is not None
    assert evaluation.data.n_test == round(0.2 * ROWS)
    assert evaluation.waveforms is not None
    limit = evaluation.limit
    assert limit is not None
    assert limit.n_fits == 40
    assert 0.05 < limit.pulse_width < 0.25
    fit, trees = limit.fit_ratio.value, limit.ratios["trees"].value
    # A fit that knows the detector comes near the bound, trees after 250 waveforms stay above it.
    assert fit is not None
    assert trees is not None
    assert 0.7 < fit < 2
    assert trees > 1


def test_predictions_are_stored_with_their_widths(finished: Path) -> None:
    table = pyarrow.parquet.read_table(finished / "predictions.parquet")
    assert {"row", "target", "score_trees", "score_coarse", "width_coarse", "electrons"} <= set(table.column_names)
    assert "width_trees" not in table.column_names
    assert (np.asarray(table["width_coarse"]) > 0).all()


def test_the_page_has_what_a_regression_needs(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    for section in ("results", "limit", "resolution", "against", "intervals", "pulls", "waveforms", "learning"):
        assert f'<section id="{section}">' in page
    assert "Simulated events." in page
    for section in ("roc", "confusion", "working-points"):
        assert f'id="{section}"' not in page
    assert "http" not in page.split("</style>")[1].replace("http://www.w3.org", "")


def test_judging_again_gives_the_same_figures_and_counts(finished: Path) -> None:
    before = open_run(finished).evaluation
    _do(finished.parent, "evaluate", "run", "--quiet")
    after = open_run(finished).evaluation
    assert isinstance(before, RegressionEvaluation)
    assert isinstance(after, RegressionEvaluation)
    assert after.test_openings == before.test_openings + 1
    assert {name: one.metrics for name, one in after.models.items()} == {
        name: one.metrics for name, one in before.models.items()
    }
    assert after.limit == before.limit


def test_single_pulses_are_told_from_two(finished: Path, single: Path) -> None:
    told = json.loads(_do(finished.parent, "evaluate", "run", "--data", single.name, "--json", "--quiet"))
    assert told["evaluation"] is None
    assert told["n"] == 150
    assert told["truth"] == "unknown"
    trees = told["models"]["trees"]
    assert trees["median"]["value"] < 0.2 < trees["own_median"]["value"]
    apart = trees["told_apart"]
    assert apart["auc"]["value"] > 0.9
    assert apart["n_set"] + apart["n_measured"] == 150
    table = _do(finished.parent, "evaluate", "run", "--data", single.name, "--html", "1s2.html", "--quiet")
    assert "trees ★" in table
    page = (finished.parent / "1s2.html").read_text(encoding="utf-8")
    for section in ("predictions", "kept", "drift"):
        assert f'<section id="{section}">' in page
    refused = _do(finished.parent, "evaluate", "run", "--html", "own.html", "--quiet", code=2)
    assert "only a regression on other data has a page" in refused
    assert not (finished.parent / "own.html").exists()


def test_conversions_of_other_waveforms_are_said(finished: Path, single: Path) -> None:
    place = finished.parent
    np.save(place / "counts.npy", np.round(100 * np.load(single)).astype(np.int16))
    told = _do(place, "evaluate", "run", "--data", "counts.npy", "--quiet")
    assert "int16 in counts.npy: converted to float32" in told
    assert "converted to float32" not in _do(place, "evaluate", "run", "--data", single.name, "--quiet")


def test_refusals_of_other_waveforms_name_their_file(finished: Path, single: Path) -> None:
    place = finished.parent
    waveforms, d = np.load(single), np.full(150, 0.5)
    d[50] = np.nan
    np.savez(place / "short.npz", waveforms=waveforms[:, :-1])
    np.savez(place / "partly.npz", waveforms=waveforms, d=d)
    for name, problem in (
        ("short.npz", "waveforms of 4999 samples, and the model learned from 5000; bring waveforms of that length"),
        ("partly.npz", "event 51 has no target, and 149 others have one: give targets for all, or for none"),
    ):
        told = _do(place, "evaluate", "run", "--data", name, "--quiet", code=2)
        assert told.endswith(f"{name}: {problem}\n")
        assert len(told.splitlines()) == 1


def test_new_waveforms_are_scored(finished: Path, single: Path) -> None:
    _do(finished.parent, "score", "run", single.name, "-o", "scored.csv", "--model", "coarse", "--quiet")
    head, *lines = (finished.parent / "scored.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 150
    assert "score_coarse" in head
    refused = _do(
        finished.parent, "score", "run", single.name, "-o", "cut.csv", "--working-point", "loose", "--quiet", code=2
    )
    assert "a regression has no working points" in refused


def test_the_log_of_runs_knows_a_regression(finished: Path) -> None:
    listed = json.loads(_do(finished.parent, "runs", ".", "--json"))
    mine = next(one for one in listed if one["run"] == "run")
    assert mine["rmse"]["value"] > 0
    page = _do(finished.parent, "runs", ".", "--html")
    assert "runs.html" in page
    assert "RMSE of ★" in (finished.parent / "runs.html").read_text(encoding="utf-8")
