"""Text files with blanks after their commas and units in their header, scored into every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import uproot
from tests.conftest import Told, toy_rows

Command = Callable[..., Told]
TASK = """\
task: units
data: {files: [train.dat], label: kind, label_values: [4, [1, 2]], spectators: [run, mark]}
models: {trees: {kind: trees, rounds: 20, max_depth: 2}}
evaluate: {resamples: 100, working_points: {half: {signal_efficiency: 0.5}}}
"""


def write(
    path: Path, n: int, *, seed: int, unit: str = "GeV/c", left_out: tuple[str, ...] = (), one: bool = False
) -> Path:
    """Comma-separated text as the course's files have it."""
    features, label = toy_rows(n, seed=seed)
    kind = np.full(n, 1) if one else np.where(label == 1, 1, 4)
    columns = {
        f"p total ({unit})": features[:, 0],
        "angle (rad)": features[:, 1],
        "b": features[:, 2],
        "run": np.arange(n),
        "mark": np.full(n, "x"),
        "kind": kind,
    }
    names = [name for name in columns if name not in left_out]
    rows = [", ".join(str(columns[name][k]) for name in names) for k in range(n)]
    path.write_text("\n".join([",  ".join(names), *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def finished(hepsieve: Command, tmp_path: Path) -> Path:
    write(tmp_path / "train.dat", 600, seed=1)
    (tmp_path / "units.yaml").write_text(TASK.replace(", mark", ""), encoding="utf-8")
    told = hepsieve("run", "units.yaml", "--out", "run")
    assert (told.status, told.err) == (0, "")
    return tmp_path / "run"


@pytest.mark.parametrize("ending", ["parquet", "csv", "root"])
def test_numbers_stay_numbers(hepsieve: Command, finished: Path, ending: str) -> None:
    left_out = ("mark",) if ending == "root" else ()
    new = write(finished.parent / "new.dat", 50, seed=2, left_out=left_out)
    out = finished.parent / f"new.{ending}"
    assert hepsieve("score", finished, new, "-o", out).status == 0
    match ending:
        case "parquet":
            table = pyarrow.parquet.read_table(out)
        case "csv":
            table = pyarrow.csv.read_csv(out)
        case _:
            with uproot.open(out) as file:
                columns = list(file["events"].keys())
                table = pa.table({name: file["events"][name].array(library="np") for name in columns})
    assert table["run"].to_pylist() == list(range(50))
    assert set(table["kind"].to_pylist()) == {1, 4}
    if ending != "root":
        assert table["mark"].to_pylist() == ["x"] * 50
    told = hepsieve("evaluate", finished, "--data", out, "--json")
    assert (told.status, told.err) == (0, "")
    assert json.loads(told.out)["evaluation"]["data"]["n_test"] == 50


def test_another_unit_is_refused(hepsieve: Command, finished: Path) -> None:
    new = write(finished.parent / "mev.dat", 50, seed=2, unit="MeV/c")
    told = hepsieve("score", finished, new, "-o", finished.parent / "mev.csv")
    assert told.status == 2
    assert "'p total (MeV/c)' is in MeV/c, but 'p total' is expected in GeV/c; convert it" in told.err
    assert not (finished.parent / "mev.csv").exists()


def test_another_sample_needs_no_spectators(hepsieve: Command, finished: Path) -> None:
    new = write(finished.parent / "bare.dat", 60, seed=3, left_out=("run", "mark"), one=True)
    told = hepsieve("evaluate", finished, "--data", new, "--json")
    assert (told.status, told.err) == (0, "")
    content = json.loads(told.out)
    assert content["evaluation"] is None
    points = content["working_points"]["trees"]
    assert points[0]["name"] == "half"
    assert points[0]["background_efficiency"] is None or points[0]["background_efficiency"]["value"] is None
