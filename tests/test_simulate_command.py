"""Simulated events as files: they say what they are, and any number of processes makes the same ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Told

import hepsieve as hs
from hepsieve.data.catalog import dataset


def test_a_simulated_file_stays_simulated(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    for name, jobs in (("one.npz", "1"), ("two.parquet", "2"), ("three.root", "1")):
        told = hepsieve("simulate", "higgs", "-n", "60", "-o", name, "-j", jobs, "--seed", "7")
        assert (told.status, told.out.strip()) == (0, name)
        assert not list((tmp_path / "cache" / "simulating").glob("*"))  # blocks are kept until the file is written
    first, second, third = (hs.read(name, task="higgs") for name in ("one.npz", "two.parquet", "three.root"))
    assert first.origin.kind == second.origin.kind == third.origin.kind == "simulated"
    assert first.names == dataset("higgs").feature_names
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.features, third.features)
    assert first.target.sum() == 30
    told = hepsieve("inspect", "two.parquet", "--json")
    assert json.loads(told.out)["checked"] == {"events": 60, "features": 28}


@pytest.mark.slow
def test_without_data_the_task_simulates_and_says_so_and_keeps_the_events(
    hepsieve: Callable[..., Told], tmp_path: Path
) -> None:
    arguments = ["run", "higgs", "--models", "adaboost", "--set", "simulate.rows=200"]
    told = hepsieve(*arguments, "--out", "first")
    assert told.status == 0
    assert "40 simulated test events" in told.out
    assert "simulated test events" in (tmp_path / "first" / "report.html").read_text(encoding="utf-8")
    (kept,) = (tmp_path / "cache" / "simulated").iterdir()
    written = kept.stat().st_mtime_ns
    assert hepsieve(*arguments, "--out", "second").status == 0
    assert kept.stat().st_mtime_ns == written


def test_a_public_file_that_is_already_there_is_taken(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "HIGGS.csv.gz").write_bytes(b"not 2.8 gigabytes")
    told = hepsieve("fetch", "higgs", "--from", folder)
    assert told.status == 2
    assert "HIGGS.csv.gz" in told.err
    assert len(told.err.splitlines()) == 1
    assert not list((tmp_path / "cache").rglob("*HIGGS*"))
