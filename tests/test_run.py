"""The run command end to end on a toy task: the folder, its promises, and what stops it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest
from tests.conftest import Told, without_times

from hepsieve.evaluate.results import Evaluation
from hepsieve.manifest import verify

Command = Callable[..., Told]
undrawn = pytest.mark.usefixtures("undrawn")


def test_a_run_folder_holds_what_others_rely_on(run: Path) -> None:
    verify(run)
    for model in ("trees", "stumps", "net"):
        verify(run / "models" / model)
    content = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert content["task"] == "toy"
    assert content["kind"] == "classification"
    assert content["data"]["origin"] == "real"
    assert [content["data"][f"n_{part}"] for part in ("train", "validation", "test")] == [360, 120, 120]
    assert content["test_openings"] == 1
    assert content["best"] in content["models"]
    for model in content["models"].values():
        assert {"framework", "kind", "parameters", "epochs", "train_seconds", "metrics", "validation"} <= set(model)
        wanted = {"auc", "accuracy", "f1", "log_loss", "brier", "ece", "background_rejection@0.50"}
        assert wanted | {"signal_efficiency@0.01"} <= set(model["metrics"])
        for figure in model["metrics"].values():
            assert set(figure) == {"value", "low", "high"}
    assert content["models"]["net"]["parameters"] == 3 * 8 + 8 + 8 + 1
    validation = {name: model["validation"]["auc"]["value"] for name, model in content["models"].items()}
    assert content["best"] == max(validation, key=lambda name: validation[name])
    epochs = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in epochs if line["model"] == "net"] == [1, 2, 3]
    log = [json.loads(line) for line in (run / "events.log").read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in log] == ["test opened"]
    table = pyarrow.parquet.read_table(run / "predictions.parquet")
    assert table.column_names == ["row", "target", "weight", "score_trees", "score_stumps", "score_net"]
    assert len(set(table["row"].to_pylist())) == 120
    assert "<h1" in (run / "report.html").read_text(encoding="utf-8")
    assert [path.name for path in run.parent.iterdir() if path.name.startswith(".")] == []


@undrawn
def test_equal_seeds_give_equal_figures_and_weights(hepsieve: Command, toy: Path, run: Path) -> None:
    assert hepsieve("run", toy, "--out", toy.parent / "again").status == 0
    assert without_times(toy.parent / "again") == without_times(run)
    for model in ("trees", "stumps", "net"):
        files = sorted(path.name for path in (run / "models" / model).iterdir())
        for file in (name for name in files if name != "manifest.json"):
            again = toy.parent / "again" / "models" / model / file
            assert again.read_bytes() == (run / "models" / model / file).read_bytes()
    assert hepsieve("run", toy, "--out", toy.parent / "other", "--seed", "2").status == 0
    assert without_times(toy.parent / "other") != without_times(run)


@undrawn
def test_results_are_printed_with_intervals_and_the_report(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("run", toy, "--models", "trees")
    assert told.status == 0
    assert re.search(r"trees.*\t0\.\d+ \(0\.\d+–[01]\.\d+\)", told.out)
    report = re.search(r"^report: (runs/toy-\d{8}T\d{6}-[0-9a-f]{4}/report\.html)$", told.out, re.MULTILINE)
    assert report is not None
    assert (toy.parent / report[1]).is_file()
    listed = json.loads(hepsieve("runs", "--json").out)
    assert [row["best"] for row in listed] == ["trees"]
    assert hepsieve("runs", "--html").status == 0
    assert "report.html" in (toy.parent / "runs" / "runs.html").read_text(encoding="utf-8")


@undrawn
def test_a_task_file_may_be_named_from_where_it_lies(hepsieve: Command, toy: Path) -> None:
    assert hepsieve("run", toy.name, "--models", "trees", "--out", "run").status == 0
    assert hepsieve("evaluate", "run").status == 0
    assert hepsieve("run", "--models", "trees", "--data", "toy.csv", toy.name, "--out", "again").status == 0


def test_data_on_the_command_line_keep_the_tasks_test_files(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("run", toy, "--data", "toy.csv", "--set", "data.test_files=toy.csv")
    assert told.status == 2
    assert "600 of 600 test events also stand in the training data" in told.err


def test_a_damaged_run_stays_in_the_list(hepsieve: Command, run: Path) -> None:
    (run.parent / ".part-1.toy").mkdir()
    shutil.copytree(run, run.parent / ".part-1.toy", dirs_exist_ok=True)
    shutil.copytree(run, run.parent / "broken")
    (run.parent / "broken" / "config.yaml").write_text("task: other\n", encoding="utf-8")
    rows = {row["run"]: row for row in json.loads(hepsieve("runs", run.parent, "--json").out)}
    assert set(rows) == {"run", "broken"}
    assert rows["run"]["task"] == "toy"
    assert rows["broken"]["task"].startswith("damaged: ")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so(toy: Path, by: signal.Signals) -> None:
    out = toy.parent / "stopped"
    # A shell makes what it runs in the background deaf to Ctrl-C, and so would be all that starts from here.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from hepsieve.cli import main; main()"
    )
    arguments = [sys.executable, "-c", script, "run", str(toy), "--out", str(out), "--set", "train.epochs=100000"]
    environment = {**os.environ, "HEPSIEVE_CACHE": str(toy.parent / "cache")}
    process = subprocess.Popen([*arguments, "--models", "net"], env=environment, stderr=subprocess.PIPE, text=True)
    wait_for_training(process, out)
    process.send_signal(by)
    _, told = process.communicate()
    assert process.returncode == 130
    assert told == (
        "hepsieve: interrupted; nothing was left at the output path; the same command goes on where it was\n"
    )
    assert not list(toy.parent.glob("*stopped"))


def test_a_report_can_be_written_again(hepsieve: Command, run: Path) -> None:
    before = (run / "report.html").read_bytes()
    shutil.copy(run / "evaluation.json", run.parent)
    assert hepsieve("report", run).status == 0
    assert (run / "report.html").read_bytes() == before
    verify(run)


def wait_for_training(process: subprocess.Popen[Any], out: Path) -> None:
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in out.parent.glob(f".part-*.{out.name}/history.jsonl")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        os.sched_yield()


def test_a_killed_run_leaves_nothing_at_its_path(toy: Path) -> None:
    out = toy.parent / "killed"
    arguments = [sys.executable, "-m", "hepsieve", "run", str(toy), "--out", str(out), "--set", "train.epochs=100000"]
    environment = {**os.environ, "HEPSIEVE_CACHE": str(toy.parent / "cache")}
    process = subprocess.Popen(
        [*arguments, "--models", "net"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for_training(process, out)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()


def test_a_full_disk_leaves_nothing(toy: Path) -> None:
    # A limit on the size of files makes writing fail as a full disk does: first while training, then at the end.
    script = "import resource, sys; from hepsieve.cli import main; size = int(sys.argv.pop(1));"
    script += "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); main()"
    environment = {**os.environ, "HEPSIEVE_CACHE": str(toy.parent / "cache")}
    for size in (1_000, 60_000):
        arguments = [sys.executable, "-c", script, str(size), "run", str(toy), "--models", "net", "--out", "full"]
        done = subprocess.run(arguments, env=environment, cwd=toy.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert "can't be written" in done.stderr
        assert not list(toy.parent.glob("*full"))


def test_the_notebooks_mistake_is_stopped_with_its_number(hepsieve: Command, toy: Path) -> None:
    # Fitted on all rows, judged on 120 of them.
    lines = (toy.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    (toy.parent / "test.csv").write_text("\n".join([lines[0], *lines[1:121]]) + "\n", encoding="utf-8")
    told = hepsieve("run", toy, "--set", "data.test_files=[test.csv]", "--out", toy.parent / "run")
    assert told.status == 2
    assert "120 of 120 test events also stand in the training data" in told.err
    assert len(told.err.splitlines()) == 1
    assert not (toy.parent / "run").exists()


@undrawn
def test_an_accepted_finding_is_on_record(hepsieve: Command, toy: Path) -> None:
    lines = (toy.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    leaking = [f"{line},{'d' if k == 0 else line[0]}" for k, line in enumerate(lines)]
    (toy.parent / "toy.csv").write_text("\n".join(leaking) + "\n", encoding="utf-8")
    arguments = ["run", toy, "--models", "stumps", "--set", "data.features=[a, b, c, d]", "--out", toy.parent / "run"]
    told = hepsieve(*arguments)
    assert told.status == 2
    assert "[label-in-feature:d]" in told.err
    told = hepsieve(*arguments, "--set", 'audit.accept=["label-in-feature:d"]')
    assert told.status == 0
    assert "finding accepted" in (toy.parent / "run" / "events.log").read_text(encoding="utf-8")


@undrawn
@pytest.mark.parametrize(("policy", "events"), [("drop", 599), ("impute", 600)])
def test_missing_values_follow_the_policy(hepsieve: Command, toy: Path, policy: str, events: int) -> None:
    lines = (toy.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    lines[5] = "1,nan,0.5,0.5"
    (toy.parent / "toy.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = hepsieve("run", toy, "--set", f"audit.missing={policy}", "--out", toy.parent / "run", "--json")
    assert told.status == 0
    data = Evaluation.from_json(told.out).data
    assert data.n_train + data.n_validation + data.n_test == events
    assert f"audit.missing: {policy}" in (toy.parent / "run" / "audit.json").read_text(encoding="utf-8")


def test_a_file_of_a_task_can_be_inspected(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("inspect", toy)
    assert told.status == 0
    assert "nothing to complain about" in told.out
    findings = json.loads(hepsieve("inspect", toy, "--json").out)
    assert findings["findings"] == []
    assert findings["checked"]["events"] == 600


def test_the_tasks_are_listed(hepsieve: Command) -> None:
    listed = [row["task"] for row in json.loads(hepsieve("tasks", "--json").out)]
    assert listed == ["egamma", "hepmass", "higgs", "hnl", "s2-count", "s2-separation"]


def test_help_loads_nothing_heavy() -> None:
    script = "import sys, hepsieve, hepsieve.cli; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "typer" in loaded
    assert loaded.isdisjoint({"numpy", "pyarrow", "torch", "keras", "sklearn", "xgboost", "matplotlib", "uproot"})
