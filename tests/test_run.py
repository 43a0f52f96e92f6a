"""The run command end to end on a toy task: the folder, its promises, and what can be done with it afterwards."""

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

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import uproot
from tests.conftest import Told, write_toy_csv

import hepsieve as hs
from hepsieve.config import load_task
from hepsieve.data.read import read_files
from hepsieve.data.write import write_events
from hepsieve.evaluate.results import Evaluation
from hepsieve.events import Origin
from hepsieve.manifest import verify
from hepsieve.prepare import split

Command = Callable[..., Told]


@pytest.fixture
def run(hepsieve: Command, toy: Path) -> Path:
    folder = toy.parent / "run"
    told = hepsieve("run", toy, "--out", folder)
    assert (told.status, told.err) == (0, "")
    return folder


def scores_of(path: Path, model: str = "net") -> np.ndarray:
    return np.asarray(pyarrow.parquet.read_table(path)[f"score_{model}"])


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


def without_times(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((path / "evaluation.json").read_text(encoding="utf-8"))
    for model in content["models"].values():
        del model["train_seconds"]
    return content


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


def test_evaluating_again_counts_the_opening_and_changes_nothing_else(hepsieve: Command, run: Path) -> None:
    before = without_times(run)
    told = hepsieve("evaluate", run, "--json")
    assert told.status == 0
    after = without_times(run)
    assert after.pop("test_openings") == 2
    assert before.pop("test_openings") == 1
    assert after == before
    assert len((run / "events.log").read_text(encoding="utf-8").splitlines()) == 2
    verify(run)


def test_evaluating_other_data_leaves_the_run_alone(hepsieve: Command, run: Path) -> None:
    other = write_toy_csv(run.parent / "other.csv", 300, seed=9)
    before = (run / "evaluation.json").read_bytes()
    told = hepsieve("evaluate", run, "--data", other, "--json")
    assert Evaluation.from_json(told.out).data.n_test == 300
    assert (run / "evaluation.json").read_bytes() == before
    told = hepsieve("evaluate", run, "--data", run.parent / "toy.csv")
    assert told.status == 2
    assert "600 of 600 test events" not in told.out
    assert "test events also stand in the training data" in told.err


def test_the_runs_own_validation_and_test_events_are_no_other_data(hepsieve: Command, run: Path) -> None:
    lines = (run.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    own = np.asarray(pyarrow.parquet.read_table(run / "predictions.parquet")["row"])
    (run.parent / "own.csv").write_text("\n".join([lines[0], *(lines[1 + row] for row in own)]), encoding="utf-8")
    assert hepsieve("evaluate", run, "--data", run.parent / "own.csv").status == 0
    log = (run / "events.log").read_text(encoding="utf-8")
    assert "own.csv holds 120 of the run's test events" in log
    assert Evaluation.from_json(hepsieve("evaluate", run, "--json").out).test_openings == 3
    config = load_task(run / "config.yaml")
    parts = split(read_files(config.data.files, config.data), validation=0.2, test=0.2, seed=config.seed)
    kept = {tuple(row) for row in parts.validation.features.tolist()}
    rows = [line for line in lines[1:] if tuple(float(np.float32(x)) for x in line.split(",")[1:]) in kept]
    assert len(rows) == 120
    (run.parent / "seen.csv").write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    told = hepsieve("evaluate", run, "--data", run.parent / "seen.csv")
    assert told.status == 2
    assert "120 of 120 test events also stand in the validation data" in told.err


def test_other_data_are_judged_by_the_runs_own_rules(hepsieve: Command, toy: Path) -> None:
    assert hepsieve("run", toy, "--models", "trees", "--set", "audit.missing=drop", "--out", "run").status == 0
    other = write_toy_csv(toy.parent / "other.csv", 300, seed=9)
    other.write_text(other.read_text(encoding="utf-8") + "1,nan,0.5,0.5\n", encoding="utf-8")
    told = hepsieve("evaluate", "run", "--data", "other.csv", "--json")
    assert Evaluation.from_json(told.out).data.n_test == 300


def test_figures_on_other_data_carry_the_other_datas_origin(hepsieve: Command, toy: Path) -> None:
    simulated = hs.read(toy.parent / "toy.csv", label="kind").replace(
        origin=Origin(kind="simulated", sources=("a generator",), fingerprint="1" * 64)
    )
    write_events(simulated, toy.parent / "toy.npz")
    arguments = ["--models", "trees", "--set", "data.label=label", "--out", "run", "--data", "toy.npz", "--json"]
    assert Evaluation.from_json(hepsieve("run", toy, *arguments).out).data.origin == "simulated"
    other = write_toy_csv(toy.parent / "other.csv", 300, seed=9)
    other.write_text(other.read_text(encoding="utf-8").replace("kind", "label"), encoding="utf-8")
    data = Evaluation.from_json(hepsieve("evaluate", "run", "--data", other, "--json").out).data
    assert data.origin == "real"
    assert data.trained_on.startswith("simulated: a generator")
    assert data.fingerprint != data.train_fingerprint


def test_a_task_file_may_be_named_from_where_it_lies(hepsieve: Command, toy: Path) -> None:
    assert hepsieve("run", toy.name, "--models", "trees", "--out", "run").status == 0
    assert hepsieve("evaluate", "run").status == 0
    assert hepsieve("run", "--models", "trees", "--data", "toy.csv", toy.name, "--out", "again").status == 0


def test_data_on_the_command_line_keep_the_tasks_test_files(hepsieve: Command, toy: Path) -> None:
    told = hepsieve("run", toy, "--data", "toy.csv", "--set", "data.test_files=toy.csv")
    assert told.status == 2
    assert "600 of 600 test events also stand in the training data" in told.err


def test_columns_that_are_carried_along_stay_as_they_are(hepsieve: Command, run: Path) -> None:
    text = 'number,a,b,c,trigger\n9007199254740993,1,2,3,"x,y"\n7,1,2,3,\n'
    (run.parent / "new.csv").write_text(text, encoding="utf-8")
    assert hepsieve("score", run, "new.csv", "-o", "out.csv", "--model", "net").status == 0
    lines = (run.parent / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].replace('"', "").startswith("9007199254740993,")
    assert '"x,y"' in lines[1]
    assert hepsieve("score", run, "new.csv", "-o", "out.parquet", "--model", "net").status == 0
    table = pyarrow.parquet.read_table(run.parent / "out.parquet")
    assert table["number"].to_pylist() == [9007199254740993, 7]


def test_several_files_are_scored_together_or_not_at_all(hepsieve: Command, run: Path) -> None:
    good = write_toy_csv(run.parent / "good.csv", 50, seed=3)
    bad = run.parent / "bad.csv"
    bad.write_text("a,b\n1,2\n", encoding="utf-8")
    told = hepsieve("score", run, good, bad, "-o", "scored")
    assert told.status == 2
    assert not (run.parent / "scored").exists()
    assert hepsieve("score", run, good, run.parent / "toy.csv", "-o", "scored").status == 0
    verify(run.parent / "scored")
    assert sorted(path.name for path in (run.parent / "scored").glob("*.csv")) == ["good.csv", "toy.csv"]
    told = hepsieve("score", run, good, "-o", good)
    assert "overwrite its own input" in told.err


def test_new_files_are_read_as_the_training_files_were(hepsieve: Command, toy: Path) -> None:
    text = (toy.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    text[7] = "1,NA,0.5,0.5"
    (toy.parent / "toy.csv").write_text("\n".join(text), encoding="utf-8")
    settings = ["--set", "data.missing=[NA]", "--set", "audit.missing=impute", "--models", "net", "--out", "run"]
    assert hepsieve("run", toy, *settings).status == 0
    told = hepsieve("score", "run", "toy.csv", "-o", "scored.parquet")
    assert (told.status, told.err) == (0, "")
    assert np.isfinite(scores_of(toy.parent / "scored.parquet")).all()


def test_a_damaged_run_stays_in_the_list(hepsieve: Command, run: Path) -> None:
    (run.parent / ".part-1.toy").mkdir()
    shutil.copytree(run, run.parent / ".part-1.toy", dirs_exist_ok=True)
    shutil.copytree(run, run.parent / "broken")
    (run.parent / "broken" / "config.yaml").write_text("task: other\n", encoding="utf-8")
    rows = {row["run"]: row for row in json.loads(hepsieve("runs", run.parent, "--json").out)}
    assert set(rows) == {"run", "broken"}
    assert rows["run"]["task"] == "toy"
    assert rows["broken"]["task"].startswith("damaged: ")


def test_an_interrupted_run_says_so(toy: Path) -> None:
    out = toy.parent / "stopped"
    arguments = [sys.executable, "-m", "hepsieve", "run", str(toy), "--out", str(out), "--set", "train.epochs=100000"]
    environment = {**os.environ, "HEPSIEVE_CACHE": str(toy.parent / "cache")}
    process = subprocess.Popen([*arguments, "--models", "net"], env=environment, stderr=subprocess.PIPE, text=True)
    wait_for_training(process, out)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert told == "hepsieve: interrupted; nothing was left at the output path\n"
    assert not list(toy.parent.glob("*stopped"))


def test_scores_of_a_file_are_those_of_the_run(hepsieve: Command, run: Path) -> None:
    predictions = pyarrow.parquet.read_table(run / "predictions.parquet")
    rows = np.asarray(predictions["row"])
    source = run.parent / "toy.csv"
    for name in ("scored.csv", "scored.parquet", "scored.root"):
        output = run.parent / name
        told = hepsieve("score", run, source, "-o", output, "--model", "net")
        assert (told.status, told.err) == (0, "")
        assert "600 rows with score_net" in told.out
        match output.suffix:
            case ".csv":
                table = pyarrow.csv.read_csv(output)
                assert table.column_names == ["kind", "a", "b", "c", "score_net"]
                scores = np.asarray(table["score_net"])
            case ".parquet":
                scores = scores_of(output)
            case _:
                with uproot.open(output) as file:
                    scores = file["events"]["score_net"].array(library="np")
        np.testing.assert_allclose(scores[rows], np.asarray(predictions["score_net"]), atol=1e-6)


def test_columns_are_found_by_name_or_the_file_is_refused(hepsieve: Command, run: Path) -> None:
    table = pyarrow.csv.read_csv(run.parent / "toy.csv")
    expected = run.parent / "expected.parquet"
    assert hepsieve("score", run, run.parent / "toy.csv", "-o", expected, "--model", "net").status == 0
    reordered = run.parent / "reordered.parquet"
    pyarrow.parquet.write_table(table.select(["c", "kind", "a", "b"]), reordered)
    output = run.parent / "out.parquet"
    assert hepsieve("score", run, reordered, "-o", output, "--model", "net").status == 0
    np.testing.assert_array_equal(scores_of(output), scores_of(expected))
    output.unlink()
    for broken, says in (
        (table.drop_columns(["b"]), "no column b"),
        (table.rename_columns(["kind", "a", "x", "c"]), "no column b"),
    ):
        pyarrow.parquet.write_table(broken, run.parent / "broken.parquet")
        told = hepsieve("score", run, run.parent / "broken.parquet", "-o", output)
        assert told.status == 2
        assert says in told.err
        assert len(told.err.splitlines()) == 1
        assert not output.exists()


def test_scoring_refuses_values_that_are_not_finite(hepsieve: Command, run: Path) -> None:
    text = (run.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    text[3] = "0,nan,1,1"
    (run.parent / "holes.csv").write_text("\n".join(text), encoding="utf-8")
    told = hepsieve("score", run, run.parent / "holes.csv", "-o", run.parent / "out.csv")
    assert told.status == 2
    assert "row 4: a is nan" in told.err
    assert not (run.parent / "out.csv").exists()


def test_a_damaged_run_is_not_used(hepsieve: Command, run: Path) -> None:
    weights = next((run / "models" / "net").glob("*.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    told = hepsieve("score", run, run.parent / "toy.csv", "-o", run.parent / "out.csv", "--model", "net")
    assert told.status == 2
    assert "changed since it was written" in told.err


def test_a_report_can_be_written_again(hepsieve: Command, run: Path) -> None:
    before = (run / "report.html").read_bytes()
    shutil.copy(run / "evaluation.json", run.parent)
    assert hepsieve("report", run).status == 0
    assert (run / "report.html").read_bytes() == before
    verify(run)


def test_an_exported_network_takes_raw_features_and_gives_the_same_scores(hepsieve: Command, run: Path) -> None:
    output = run.parent / "net.keras"
    told = hepsieve("export", run, "--to", "keras", "-o", output)
    assert told.status == 0
    assert told.out.splitlines() == [str(output), str(run.parent / "net.weights.h5")]
    script = (
        "import sys, numpy as np, keras; x = np.load(sys.argv[2]);"
        "m = keras.models.load_model(sys.argv[1]); np.save(sys.argv[3], m.predict(x, verbose=0)[:, 0])"
    )
    table = pyarrow.csv.read_csv(run.parent / "toy.csv")
    features = np.stack([np.asarray(table[name]) for name in "abc"], axis=1).astype(np.float32)
    np.save(run.parent / "x.npy", features)
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    arguments = [sys.executable, "-c", script, str(output), str(run.parent / "x.npy"), str(run.parent / "y.npy")]
    subprocess.run(arguments, check=True, env=environment, capture_output=True)
    predictions = pyarrow.parquet.read_table(run / "predictions.parquet")
    scores = np.load(run.parent / "y.npy")[np.asarray(predictions["row"])]
    np.testing.assert_allclose(scores, np.asarray(predictions["score_net"]), atol=1e-5)


def test_trees_are_not_exported_to_keras(hepsieve: Command, run: Path) -> None:
    told = hepsieve("export", run, "--to", "keras", "--model", "trees")
    assert told.status == 2
    assert "no network" in told.err


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
    assert [row["task"] for row in json.loads(hepsieve("tasks", "--json").out)] == ["higgs"]


def test_help_loads_nothing_heavy() -> None:
    script = "import sys, hepsieve, hepsieve.cli; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "typer" in loaded
    assert loaded.isdisjoint({"numpy", "pyarrow", "torch", "keras", "sklearn", "xgboost", "matplotlib", "uproot"})
