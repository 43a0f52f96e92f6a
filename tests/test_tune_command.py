"""`hepsieve tune`: no test event has a part in its search; its winner and the untuned model are judged once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import Told

from hepsieve.config import load_task
from hepsieve.folder import open_run

SPACE = """\
tune:
  trials: 6
  startup: 3
  space:
    models.trees.max_depth: {int: [1, 4]}
    models.trees.learning_rate: {log: [0.01, 0.5]}
    models.net.widths: {choice: [[4], [8], [8, 8]]}
    train.learning_rate: {log: [1e-3, 1e-1], when: {model: net}}
"""


@pytest.fixture
def tuned_toy(toy: Path) -> Path:
    """The toy task with a space; the path of its file."""
    toy.write_text(toy.read_text() + SPACE)
    return toy


def content(folder: Path) -> dict[str, Any]:
    tuning: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())["tuning"]
    for trial in tuning["trials"]:
        trial["seconds"] = 0
    return tuning | {"notes": []}  # they tell of interruptions


@pytest.mark.usefixtures("undrawn")
def test_the_winner_is_trained_again_and_judged_once_beside_the_untuned_model(
    hepsieve: Callable[..., Told], tuned_toy: Path
) -> None:
    told = hepsieve("tune", tuned_toy, "--out", "r", "--jobs", 1, "--quiet")
    assert told.status == 0, told.err
    assert "Chosen among 6 trials by a validation AUC of" in told.out
    run = open_run(Path("r"))
    tuning = run.evaluation.tuning
    assert tuning is not None
    assert set(run.evaluation.models) == {tuning.untuned, tuning.tuned} == set(run.config.models)
    # The same training gives the same figure in another process.
    validation = run.evaluation.models[tuning.tuned].validation["auc"].value
    assert validation == pytest.approx(tuning.winner.figure, abs=1e-6)
    assert max(trial.figure or 0 for trial in tuning.trials) == tuning.winner.figure
    log = Path("r/events.log").read_text()
    assert log.count("test opened") == run.evaluation.test_openings == 1
    assert (Path("r") / "study" / "journal.jsonl").read_text().endswith("\n")
    assert "study/journal.jsonl" in run.manifest["files"]
    assert not list(Path("cache/studies").iterdir())
    page = Path("r/report.html").read_text()
    assert "Chosen among 6 trials" in page
    # The settings of the winner are a task by themselves.
    winner = load_task("r/tuned.yaml")
    assert winner.tune is None
    assert list(winner.models) == [str(tuning.untuned)]


@pytest.mark.cluster
def test_trials_are_the_same_on_more_workers(hepsieve: Callable[..., Told], tuned_toy: Path) -> None:
    for jobs in (1, 2):
        assert hepsieve("tune", tuned_toy, "--out", f"r{jobs}", "--jobs", jobs, "--quiet").status == 0
    assert content(Path("r1")) == content(Path("r2"))


@pytest.mark.cluster
def test_no_trial_sees_a_test_event(hepsieve: Callable[..., Told], tuned_toy: Path) -> None:
    rows = (tuned_toy.parent / "toy.csv").read_text().splitlines()
    judged = tuned_toy.parent / "test.csv"
    tuned_toy.write_text(tuned_toy.read_text().replace("files: [toy.csv]", "files: [toy.csv], test_files: [test.csv]"))
    found = []
    rng = np.random.default_rng(1)
    for number in range(2):
        values = rng.normal(size=(40, 3))
        kinds = rows[0].split(",").index("kind")
        lines = []
        for k, row in enumerate(values):
            cells = [f"{value:.6f}" for value in row]
            cells.insert(kinds, str(k % 2))
            lines.append(",".join(cells))
        judged.write_text("\n".join([rows[0], *lines]) + "\n")
        assert hepsieve("tune", tuned_toy, "--out", f"r{number}", "--quiet").status == 0
        found.append(content(Path(f"r{number}")))
    assert found[0]["trials"] == found[1]["trials"]
    assert found[0]["best"] == found[1]["best"]
    assert found[0]["optimism"] != found[1]["optimism"]


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        ("models.trees.max_depth:", "models.trees.max_dept:", "max_depth"),
        ("{int: [1, 4]}", "{float: [1, 4]}", "max_depth"),
        ("{log: [0.01, 0.5]}", "{log: [0.01, 50]}", "learning_rate"),
    ],
)
def test_a_wrong_space_gets_one_line(
    hepsieve: Callable[..., Told], tuned_toy: Path, replaced: str, by: str, said: str
) -> None:
    tuned_toy.write_text(tuned_toy.read_text().replace(replaced, by))
    told = hepsieve("tune", tuned_toy, "--out", "r", "--quiet")
    assert told.status == 2
    assert len(told.err.splitlines()) == 1
    assert f"{tuned_toy}:" in told.err
    assert said in told.err
    assert not Path("r").exists()


def test_a_task_without_a_space_is_told_what_to_do(hepsieve: Callable[..., Told], toy: Path) -> None:
    told = hepsieve("tune", toy, "--quiet")
    assert (told.status, len(told.err.splitlines())) == (2, 1)
    assert "a section tune with a space" in told.err


def test_that_a_search_chooses_among_models_alone_is_no_mistake(hepsieve: Callable[..., Told], toy: Path) -> None:
    told = hepsieve("tune", toy, "--set", "tune.models=[net, trees]", "--engine", "slurm", "--jobs", 1, "--dry-run")
    assert told.status == 0, told.err


def test_folds_of_the_task_and_others_are_too_many(hepsieve: Callable[..., Told], tuned_toy: Path) -> None:
    told = hepsieve("tune", tuned_toy, "--set", "train.folds=3", "--set", "tune.folds=5", "--quiet")
    assert (told.status, len(told.err.splitlines())) == (2, 1)
    assert "tune.folds: train.folds of the task (3) judge every trial" in told.err


def test_a_dry_run_is_for_batch_systems(hepsieve: Callable[..., Told], tuned_toy: Path) -> None:
    told = hepsieve("tune", tuned_toy, "--dry-run")
    assert (told.status, len(told.err.splitlines())) == (2, 1)
    assert "--engine slurm" in told.err


@pytest.mark.cluster
def test_killed_five_times_it_ends_with_the_same_trials(tmp_path: Path, tuned_toy: Path) -> None:
    tuned_toy.write_text(tuned_toy.read_text().replace("rounds: 30", "rounds: 400").replace("trials: 6", "trials: 16"))

    def command(name: str, cache: str) -> subprocess.Popen[str]:
        arguments = ["tune", str(tuned_toy), "--out", str(tmp_path / name), "--jobs", "2", "--quiet"]
        environment = {**os.environ, "HEPSIEVE_CACHE": str(tmp_path / cache)}
        return subprocess.Popen(
            [sys.executable, "-m", "hepsieve", *arguments],
            env=environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            text=True,
        )

    whole = command("whole", "one")
    whole.communicate()
    assert whole.returncode == 0
    rng = np.random.default_rng(5)
    journal = Path()
    for kill in range(5):
        process = command("killed", "other")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            journals = list((tmp_path / "other" / "studies").glob("*/journal.log"))
            journal = journals[0] if journals else Path()
            # Some way into the search, further each time.
            if journals and journal.read_bytes().count(b"event ") > 2 * kill:
                break
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 0.3))
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    finished = journal.read_bytes().count(b"event ")
    assert finished >= 8
    journal.write_bytes(journal.read_bytes()[:-7])
    last = command("killed", "other")
    said, _ = last.communicate()
    assert last.returncode == 0
    assert "Study: the journal's last" in said
    assert "were cut off" in said
    assert "Study: goes on after" in (tmp_path / "killed" / "report.html").read_text()
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
    shutil.rmtree(tmp_path / "other")


@pytest.mark.cluster
def test_interrupted_it_says_how_to_go_on_and_leaves_nobody_behind(tmp_path: Path, tuned_toy: Path) -> None:
    tuned_toy.write_text(tuned_toy.read_text().replace("rounds: 30", "rounds: 400").replace("trials: 6", "trials: 200"))
    arguments = ["tune", str(tuned_toy), "--out", str(tmp_path / "r"), "--jobs", "2", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hepsieve", *arguments],
        env={**os.environ, "HEPSIEVE_CACHE": str(tmp_path / "cache")},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((tmp_path / "cache").glob("studies/*/outcomes/*.json")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert said == (
        "hepsieve: interrupted; nothing was left at the output path; the same command goes on where it was\n"
    )
    assert not (tmp_path / "r").exists()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a worker outlived the search")
