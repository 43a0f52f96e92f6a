"""Runs that learn from simulated events, or begin with another run: what they tell, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from tests.conftest import Told, toy_rows, without_times, write_toy_csv

from hepsieve.data.write import write_events
from hepsieve.events import Events, Origin
from hepsieve.manifest import sha256

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")
TREES = ("--models", "trees")


def simulated(n: int = 300, *, seed: int = 7, shift: float = 0.0) -> Events:
    features, label = toy_rows(n, seed=seed)
    origin = Origin(kind="simulated", sources=("a toy",), fingerprint=f"{seed}")
    return Events.from_arrays(features + shift, label.astype(np.float32), names=("a", "b", "c"), origin=origin)


def beside(path: Path, weight: str = "1.0") -> tuple[str, str]:
    return "--set", f"train.simulation={{files: [{path}], weight: {weight}}}"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Simulated events in a file that says so."""
    write_events(simulated(), tmp_path / "sim.npz")
    return tmp_path / "sim.npz"


def test_a_run_tells_what_it_learned_from(hepsieve: Command, toy: Path, made: Path) -> None:
    told = hepsieve("run", toy, *TREES, *beside(made, "[0.5, 2]"), "--out", "run")
    assert told.status == 0, told.err
    before = without_times(Path("run"))
    data = before["data"]
    assert (data["simulated"]["n"], data["n_test"], data["origin"]) == (300, 120, "real")
    weight, tried = data["simulated"]["weights"]["trees"], data["simulated"]["tried"]["trees"]
    assert tried[f"{weight:g}"] == max(tried.values())
    assert set(tried) == {"0.5", "2"}
    sentence = "Learned from 360 genuine and 300 simulated events"
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert sentence in page
    assert "The weight for trees was chosen by AUC on genuine validation events (0.5: " in page
    assert sentence in " ".join(told.out.split())
    manifest = json.loads(Path("run/manifest.json").read_text(encoding="utf-8"))
    assert manifest["simulated_fingerprint"] == data["simulated"]["fingerprint"]
    made.unlink()  # it was learned from, and need not be read again to judge
    assert hepsieve("evaluate", "run").status == 0
    after = without_times(Path("run"))
    assert (before.pop("test_openings"), after.pop("test_openings")) == (1, 2)
    assert after == before


@pytest.mark.parametrize("role", ["validation_files", "test_files"])
def test_simulated_events_are_no_validation_and_no_test_of_genuine_ones(
    role: str, hepsieve: Command, toy: Path, made: Path, tmp_path: Path
) -> None:
    write_toy_csv(tmp_path / "more.csv", 100, seed=3)
    others = {"validation_files": "more.csv", "test_files": "more.csv", role: made.name}
    given = [option for name, file in others.items() for option in ("--set", f"data.{name}=[{file}]")]
    told = hepsieve("run", toy, *TREES, *given, "--out", "run")
    assert told.status == 2
    said = " ".join(told.err.split())
    assert f"data.{role}: sim.npz holds simulated events, and those of data.files are genuine" in said
    assert not Path("run").exists()


def test_simulated_and_genuine_files_are_not_divided_together(hepsieve: Command, toy: Path, made: Path) -> None:
    told = hepsieve("run", toy, *TREES, "--set", f"data.files=[toy.csv, {made}]", "--out", "run")
    assert told.status == 2
    assert "name the simulated ones in train.simulation.files" in " ".join(told.err.split())


def test_a_search_takes_one_weight_or_looks_for_it(hepsieve: Command, toy: Path, made: Path) -> None:
    space = "tune={models: [trees], trials: 2, space: {models.trees.max_depth: {choice: [2, 3]}}}"
    told = hepsieve("tune", toy, "--set", space, *beside(made, "[0.5, 2]"), "--out", "run")
    assert told.status == 2
    said = " ".join(told.err.split())
    assert "train.simulation.weight: a trial has one weight, and here are 0.5, 2; name one, or let the search" in said
    assert "{choice: [0.5, 2]} in tune.space" in said


def test_a_run_that_begins_with_another_tells_so(hepsieve: Command, toy: Path, run: Path) -> None:
    told = hepsieve("run", toy, "--models", "trees,net,stumps", "--set", f"train.start_from={run}", "--out", "more")
    assert told.status == 0, told.err
    before = without_times(Path("more"))
    assert before["data"]["started_from"] == {"trees": str(run), "net": str(run)}
    sentence = "trees began with what the model of the run run had learned"
    assert sentence in Path("more/report.html").read_text(encoding="utf-8")
    assert sentence in " ".join(told.out.split())
    manifest = json.loads(Path("more/manifest.json").read_text(encoding="utf-8"))
    assert manifest["started_from"] == {str(run): sha256(run / "manifest.json")}
    assert hepsieve("evaluate", "more").status == 0
    after = without_times(Path("more"))
    assert (before.pop("test_openings"), after.pop("test_openings")) == (1, 2)
    assert after == before


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (("--seed", "2"), "of this run's validation events, which it must not be judged on"),
        (("--set", "data.test_files=[toy.csv]", "--set", "data.files=[other.csv]"), "of this run's test events"),
        (("--set", "models.trees.without=[b]"), "other features: b of them, which this model does not get"),
        (("--set", "prepare.scale=minmax"), "prepare.scale: standardise, and here it is minmax"),
    ],
)
def test_a_start_that_knows_too_much_or_other_inputs_is_refused(
    settings: tuple[str, ...], says: str, hepsieve: Command, toy: Path, run: Path, tmp_path: Path
) -> None:
    write_toy_csv(tmp_path / "other.csv", 300, seed=9)
    told = hepsieve("run", toy, *TREES, "--set", f"models.trees.start_from={run}", *settings, "--out", "more")
    assert told.status == 2
    assert says in " ".join(told.err.split())
    assert not Path("more").exists()


def test_a_run_on_simulated_events_may_be_the_start_of_one_on_genuine_ones(
    hepsieve: Command, toy: Path, made: Path
) -> None:
    first = ("--set", f"data.files=[{made}]", "--set", "data.label=null")
    assert hepsieve("run", toy, *TREES, *first, "--out", "first").status == 0
    told = hepsieve("run", toy, *TREES, "--set", "train.start_from=first", "--out", "run")
    assert told.status == 0, told.err


def test_simulated_events_move_nothing_that_is_judged_on(hepsieve: Command, toy: Path, tmp_path: Path) -> None:
    """Absurd ones spoil the scores, and neither the events behind the figures nor how inputs are made."""
    found: list[Any] = []
    scores = []
    for number, shift in enumerate((0.0, 50.0)):
        file, folder = tmp_path / f"sim{number}.npz", tmp_path / f"run{number}"
        events = simulated(shift=shift)
        write_events(events.replace(target=1 - events.target) if shift else events, file)
        told = hepsieve("run", toy, *TREES, *beside(file, "50"), "--out", folder)
        assert told.status == 0, told.err
        tables = [pyarrow.parquet.read_table(folder / name) for name in ("predictions.parquet", "validation.parquet")]
        scores.append([table["score_trees"].to_pylist() for table in tables])
        kept = [table.drop_columns(["score_trees"]).to_pydict() for table in tables]
        found.append((kept, (folder / "models" / "trees" / "preparation.json").read_bytes()))
    assert found[0] == found[1]
    assert scores[0][0] != scores[1][0]


def test_test_events_move_no_weight(hepsieve: Command, toy: Path, made: Path, tmp_path: Path) -> None:
    """Other test events, and other bytes of them, leave the weight, its figures and the trees as they are."""
    write_toy_csv(tmp_path / "held.csv", 100, seed=3)
    write_toy_csv(tmp_path / "corrupt.csv", 100, seed=4)
    lines = (tmp_path / "corrupt.csv").read_text(encoding="utf-8").splitlines()
    lines[1:] = [
        f"{1 - int(line[0])},{','.join(str(99 * float(x)) for x in line[2:].split(','))}" for line in lines[1:]
    ]
    (tmp_path / "corrupt.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found: list[Any] = []
    for name in ("held", "corrupt"):
        given = ("--set", f"data.test_files=[{name}.csv]", *beside(made, "[0.5, 2]"))
        told = hepsieve("run", toy, *TREES, *given, "--out", name)
        assert told.status == 0, told.err
        data = without_times(Path(name))["data"]["simulated"]
        files = [path.read_bytes() for path in sorted(Path(name, "models", "trees").glob("*.ubj"))]
        found.append((data, files, Path(name, "models", "trees", "preparation.json").read_bytes()))
    assert found[0] == found[1]
