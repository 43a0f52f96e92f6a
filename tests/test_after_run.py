"""What can be done with a finished run: judge it again or on other data, score files, export a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import uproot
from tests.conftest import Told, without_times, write_toy_csv

import hepsieve as hs
from hepsieve.config import load_task
from hepsieve.data.read import read_files
from hepsieve.data.write import write_events
from hepsieve.evaluate.results import Evaluation
from hepsieve.events import Origin
from hepsieve.manifest import verify
from hepsieve.prepare import split

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")


def scores_of(path: Path, model: str = "net") -> np.ndarray:
    return np.asarray(pyarrow.parquet.read_table(path)[f"score_{model}"])


def elsewhere(told: Told) -> Evaluation:
    """The evaluation on other data of both classes."""
    return Evaluation.model_validate_json(json.dumps(json.loads(told.out)["evaluation"]))


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
    assert elsewhere(told).data.n_test == 300
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
    assert elsewhere(told).data.n_test == 300


def test_other_data_may_be_read_in_another_way(hepsieve: Command, run: Path) -> None:
    other = write_toy_csv(run.parent / "other.csv", 300, seed=9)
    other.write_text(other.read_text(encoding="utf-8").replace("kind", "is_pulse"), encoding="utf-8")
    assert hepsieve("evaluate", run, "--data", other).status == 2
    told = hepsieve("evaluate", run, "--data", other, "--set", "data.label=is_pulse", "--json")
    assert elsewhere(told).data.n_test == 300
    told = hepsieve("evaluate", run, "--set", "train.epochs=1")
    assert told.status == 2
    assert "the run stays as it was" in told.err


def test_figures_on_other_data_carry_the_other_datas_origin(hepsieve: Command, toy: Path) -> None:
    simulated = hs.read(toy.parent / "toy.csv", label="kind").replace(
        origin=Origin(kind="simulated", sources=("a generator",), fingerprint="1" * 64)
    )
    write_events(simulated, toy.parent / "toy.npz")
    arguments = ["--models", "trees", "--set", "data.label=label", "--out", "run", "--data", "toy.npz", "--json"]
    assert Evaluation.from_json(hepsieve("run", toy, *arguments).out).data.origin == "simulated"
    other = write_toy_csv(toy.parent / "other.csv", 300, seed=9)
    other.write_text(other.read_text(encoding="utf-8").replace("kind", "label"), encoding="utf-8")
    data = elsewhere(hepsieve("evaluate", "run", "--data", other, "--json")).data
    assert data.origin == "real"
    assert data.trained_on.startswith("simulated: a generator")
    assert data.fingerprint != data.train_fingerprint


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
