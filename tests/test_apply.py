"""A run applied to other samples: stored cuts, one class or both, and the drift of their features."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from tests.conftest import Told, finish_toy, toy_rows, write_toy_csv

from hepsieve.evaluate.intervals import clopper_pearson
from hepsieve.evaluate.results import Evaluation
from hepsieve.manifest import replace_files

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")
Floats = np.ndarray


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the toy task, trees and stumps only; only to be copied."""
    return finish_toy(tmp_path_factory.mktemp("both"), "--models", "trees,stumps")


@pytest.fixture
def trees(both: Path, toy: Path, hepsieve: Command) -> Path:
    """A copy of it, beside a copy of its data."""
    return shutil.copytree(both, toy.parent / "run")


def write_pulses(path: Path, *, shift: float = 0.0, n: int = 400, kind: int = 1) -> Path:
    """Events of one class, moved in feature b."""
    features, label = toy_rows(n, seed=5)
    features = features[label == kind]
    features[:, 1] += shift
    lines = [f"{kind},{','.join(map(repr, row))}" for row in features.tolist()]
    path.write_text("\n".join(["kind,a,b,c", *lines]) + "\n", encoding="utf-8")
    return path


def scored(hepsieve: Command, run: Path, file: Path, model: str) -> tuple[Floats, Floats]:
    """Labels and scores of a file, by way of the score command."""
    out = file.with_name(f"{file.stem}-{model}.parquet")
    assert hepsieve("score", run, file, "-o", out, "--model", model).status == 0
    table = pyarrow.parquet.read_table(out)
    return np.asarray(table["kind"]), np.asarray(table[f"score_{model}"])


def check_counted(points: list[dict[str, Any]], stored: list[dict[str, Any]], labels: Floats, scores: Floats) -> None:
    """Each stored threshold keeps what a count by hand says, with the binomial interval."""
    assert [point["threshold"] for point in points] == [point["threshold"] for point in stored]
    for point in points:
        for key, kind in (("signal_efficiency", 1), ("background_efficiency", 0)):
            of_class = scores[labels == kind]
            if not len(of_class):
                assert point[key] is None
                continue
            share = sum(score >= point["threshold"] for score in of_class.tolist()) / len(of_class)
            low, high = clopper_pearson(share, len(of_class))
            assert point[key]["value"] == pytest.approx(share, abs=1e-12)
            assert (point[key]["low"], point[key]["high"]) == pytest.approx((low, high), abs=1e-9)


def check_range(found: dict[str, Any], training: Path, new: Path) -> None:
    """The range of feature b is one of training signal, and the share outside is a count."""
    of_signal, ours = (
        rows[rows[:, 0] == 1, 2]
        for rows in (np.loadtxt(path, delimiter=",", skiprows=1).astype(np.float32) for path in (training, new))
    )
    low, high = found["training_low"], found["training_high"]
    assert {low, high} <= set(of_signal.tolist())
    outside = sum(not low <= value <= high for value in ours.tolist()) / len(ours)
    assert found["outside_range"]["value"] == pytest.approx(outside)
    assert outside > 0.5


def test_a_file_of_signal_alone_has_efficiencies_and_no_auc(hepsieve: Command, trees: Path) -> None:
    pulses = write_pulses(trees.parent / "pulses.csv", shift=3)
    before = {path.name: path.read_bytes() for path in trees.iterdir() if path.is_file() and path.suffix != ".log"}
    told = hepsieve("evaluate", trees, "--data", pulses, "--json")
    assert (told.status, told.err) == (0, "")
    content = json.loads(told.out)
    assert content["evaluation"] is None
    assert (content["n_signal"], content["n_background"]) == (187, 0)
    assert content["sources"] == ["pulses.csv"]
    stored = json.loads((trees / "evaluation.json").read_text(encoding="utf-8"))["working_points"]
    assert set(content["working_points"]) == {"trees", "stumps"}
    for model, points in content["working_points"].items():
        check_counted(points, stored[model], *scored(hepsieve, trees, pulses, model))
        assert [p["run_signal_efficiency"] for p in points] == [p["signal_efficiency"] for p in stored[model]]
    first, *others = content["drift"]
    assert (first["feature"], first["events"], first["status"]) == ("b", "pulse", "far")
    assert {one["feature"]: one["status"] for one in others} == {"a": "same", "c": "same"}
    check_range(first, trees.parent / "toy.csv", pulses)
    after = {path.name: path.read_bytes() for path in trees.iterdir() if path.is_file() and path.suffix != ".log"}
    assert after == before
    assert "judged on other data" in (trees / "events.log").read_text(encoding="utf-8")


def test_a_file_of_both_classes_has_the_evaluation_too(hepsieve: Command, trees: Path) -> None:
    other = write_toy_csv(trees.parent / "other.csv", 300, seed=9)
    content = json.loads(hepsieve("evaluate", trees, "--data", other, "--json").out)
    evaluation = Evaluation.model_validate_json(json.dumps(content["evaluation"]))
    assert evaluation.data.n_test == 300
    labels, scores = scored(hepsieve, trees, other, "trees")
    stored = json.loads((trees / "evaluation.json").read_text(encoding="utf-8"))["working_points"]["trees"]
    check_counted(content["working_points"]["trees"], stored, labels, scores)
    # The same cuts on the same events: what the evaluation measures is what the application measures.
    for point, measured in zip(content["working_points"]["trees"], evaluation.working_points["trees"], strict=True):
        assert point["signal_efficiency"] == measured.signal_efficiency.model_dump()
    assert {one["status"] for one in content["drift"]} == {"same"}
    assert len(content["drift"]) == 6


def test_thresholds_are_the_stored_ones_and_never_set_anew(hepsieve: Command, trees: Path) -> None:
    evaluation = Evaluation.from_json((trees / "evaluation.json").read_text(encoding="utf-8"))
    moved = tuple(
        point.model_copy(update={"threshold": 0.123, "name": f"mine-{k}"})
        for k, point in enumerate(evaluation.working_points["trees"])
    )
    points = {**evaluation.working_points, "trees": moved}
    replace_files(trees, {"evaluation.json": evaluation.model_copy(update={"working_points": points}).to_json()})
    other = write_toy_csv(trees.parent / "other.csv", 300, seed=9)
    content = json.loads(hepsieve("evaluate", trees, "--data", other, "--json").out)
    found = content["working_points"]["trees"]
    assert {point["threshold"] for point in found} == {0.123}
    labels, scores = scored(hepsieve, trees, other, "trees")
    check_counted(found, [{"threshold": 0.123}] * len(found), labels, scores)


def test_what_is_told_fits_a_terminal_and_says_what_is_missing(hepsieve: Command, trees: Path) -> None:
    write_pulses(trees.parent / "pulses.csv", shift=3)
    told = hepsieve("evaluate", trees, "--data", "pulses.csv")
    assert told.status == 0
    lines = told.out.splitlines()
    assert lines[0].split("\t") == ["working point", "wanted", "cut", "signal efficiency", "signal in the run"]
    assert "pulses.csv: 187 pulse events, real, 95 % intervals" in lines
    assert "no noise events: no AUC can be given" in lines
    assert any(line.startswith("drift: 1 of 3 features differ ") for line in lines)
    assert " of the pulse events lie outside the training range (" in told.out
    write_pulses(trees.parent / "noise.csv", kind=0)
    told = hepsieve("evaluate", trees, "--data", "noise.csv")
    assert told.out.splitlines()[0].split("\t")[3] == "background efficiency"
    assert "drift: none of the 3 features differs" in told.out


def test_the_audit_still_stops_what_no_efficiency_survives(hepsieve: Command, trees: Path) -> None:
    lines = (trees.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    own = [lines[0], *(line for line in lines if line.startswith("1,"))]
    (trees.parent / "own.csv").write_text("\n".join(own) + "\n", encoding="utf-8")
    told = hepsieve("evaluate", trees, "--data", "own.csv")
    assert told.status == 2
    assert "test events also stand in the training data" in told.err
    assert len(told.err.splitlines()) == 1
    pulses = write_pulses(trees.parent / "pulses.csv")
    pulses.write_text(pulses.read_text(encoding="utf-8") + "1,nan,0,0\n", encoding="utf-8")
    told = hepsieve("evaluate", trees, "--data", pulses)
    assert told.status == 2
    assert "[not-finite:a]" in told.err


def test_the_features_are_the_runs_whatever_order_a_file_has(hepsieve: Command, toy: Path) -> None:
    # Without data.features every column but the label is a feature, in the order of the file.
    toy.write_text(toy.read_text(encoding="utf-8").replace(", features: [a, b, c]", ""), encoding="utf-8")
    assert hepsieve("run", toy, "--models", "trees", "--out", "run").status == 0
    lines = (toy.parent / "toy.csv").read_text(encoding="utf-8").splitlines()
    turned = [",".join([*reversed(line.split(",")), "7" if k else "extra"]) for k, line in enumerate(lines)]
    (toy.parent / "turned.csv").write_text("\n".join(turned) + "\n", encoding="utf-8")
    told = hepsieve("evaluate", "run", "--data", "turned.csv")
    assert told.status == 2
    assert "test events also stand in the training data" in told.err
    (toy.parent / "short.csv").write_text("kind,a,c\n1,0,0\n", encoding="utf-8")
    told = hepsieve("evaluate", "run", "--data", "short.csv")
    assert told.status == 2
    assert "no column b" in told.err


def test_without_the_training_data_there_is_one_clear_line(hepsieve: Command, toy: Path) -> None:
    assert hepsieve("run", toy, "--models", "stumps", "--out", "run").status == 0
    pulses = write_pulses(toy.parent / "pulses.csv")
    (toy.parent / "toy.csv").unlink()
    shutil.rmtree(toy.parent / "cache")
    told = hepsieve("evaluate", "run", "--data", pulses)
    assert told.status == 2
    assert len(told.err.splitlines()) == 1
    assert "judging needs the events that it was trained on: " in told.err
    assert "toy.csv" in told.err
