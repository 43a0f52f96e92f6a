"""Tables with a column of numbers to regress."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hepsieve.config import DataConfig
from hepsieve.data.measured import Use
from hepsieve.data.read import read_files
from hepsieve.data.write import write_events
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, Origin, TargetScale

MASS = {"name": "mass", "range": (50, 250), "full": 200, "unit": "GeV"}
VALUES = [50.0, 100.0, 250.0, 125.0]
SHARES = [0.0, 0.25, 1.0, 0.375]


def config(**more: object) -> DataConfig:
    return DataConfig.model_validate({"target": MASS, **more})


def write(path: Path, values: list[object], name: str = "mass") -> Path:
    rows = [f"{k},{value},{k * k}" for k, value in enumerate(values)]
    path.write_text("\n".join([f"a,{name},b", *rows, ""]))
    return path


def line_for(path: Path, data: DataConfig, use: Use = "learn") -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        read_files([path], data, use=use)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("name", "label"), [("mass", None), ("Mass", None), ("m", "m"), ("m", 1), ("mass", "mass")])
def test_a_number_becomes_a_share_of_its_range(tmp_path: Path, name: str, label: str | int | None) -> None:
    path = write(tmp_path / "a.csv", [*VALUES], name)
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        events = read_files([path], config(label=label), cache=cache)
        assert events.target.tolist() == SHARES
        assert (events.names, events.scale) == (("a", "b"), TargetScale(name="mass", unit="GeV", full=200))
        assert events.features.tolist() == [[0, 0], [1, 1], [2, 4], [3, 9]]


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*VALUES], "m")
    assert line_for(path, config()) == (
        f"{path}: no column mass to regress; name it in data.label, the file has a, m, b"
    )
    alone = read_files([path], config(features=("a", "b")), use="apply")
    assert np.isnan(alone.target).all()


def test_a_value_outside_the_range_or_none_at_all(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [50, 260, 70])
    assert line_for(path, config()) == (
        f"{path}: row 3, column 'mass': the target mass is 260, outside 50 to 250; mend it, or see data.target.range"
    )
    path = write(tmp_path / "b.csv", [50, 100, "nan"])
    assert line_for(path, config()).startswith(f"{path}: row 4, column 'mass': the target mass is missing (NaN); a ")
    assert read_files([path], config(), use="apply").target[:2].tolist() == [0, 0.25]
    path = write(tmp_path / "c.csv", [50, "inf"])
    assert "the target mass is inf, outside 50 to 250" in line_for(path, config(), "apply")


@pytest.mark.parametrize("ending", ["parquet", "npz", "root"])
def test_own_files_keep_what_the_target_measures(tmp_path: Path, ending: str) -> None:
    scale = TargetScale(name="mass", unit="GeV", full=200)
    origin = Origin(kind="simulated", sources=("toy",))
    events = Events.from_arrays(np.arange(8.0).reshape(4, 2), np.array(SHARES), scale=scale, origin=origin)
    write_events(events, path := tmp_path / f"a.{ending}")
    back = read_files([path], config())  # shares already, whatever range other files have
    assert (back.target.tolist(), back.scale, back.names, back.origin.kind) == (
        SHARES,
        scale,
        ("x0", "x1"),
        "simulated",
    )
    assert "no label column" in line_for(path, DataConfig())
    said = read_files([path], DataConfig(file_labels={path.name: 1}, spectators=("mass",)))
    assert (said.target.tolist(), said.names) == ([1] * 4, ("x0", "x1"))
    np.testing.assert_array_equal(said.spectator("mass"), SHARES)


def test_a_file_with_classes_is_no_regression(tmp_path: Path) -> None:
    write_events(Events.from_arrays(np.ones((4, 2)), np.array([0, 1, 0, 1])), path := tmp_path / "a.npz")
    assert "no column mass to regress" in line_for(path, config())
    line = line_for(path, config(file_labels={"a.npz": 1}))
    assert line.startswith("data.file_labels: gives the class 1 to a.npz, but the task regresses mass")
