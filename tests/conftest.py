"""Fixtures that all tests share."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from hepsieve.cli import main

# How long an example takes says how busy the machine is; speed is measured in bench/.
hypothesis.settings.register_profile("untimed", hypothesis.settings(deadline=None))
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def genuine() -> Callable[[str], Path]:
    """Paths of genuine data files below HEPSIEVE_REAL_DATA; without them the test skips, but fails in CI."""

    def find(name: str) -> Path:
        folder = os.environ.get("HEPSIEVE_REAL_DATA")
        path = Path(folder, name) if folder else None
        if path is not None and path.is_file():
            return path
        message = f"no genuine file {name}: set HEPSIEVE_REAL_DATA to the folder that holds it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)

    return find


@dataclass(frozen=True)
class Told:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def hepsieve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Told]:
    """Runs a command in a folder of its own, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path / "cache"))

    def call(*arguments: str | Path) -> Told:
        monkeypatch.setattr(sys, "argv", ["hepsieve", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        told = capsys.readouterr()
        return Told(status=status, out=told.out, err=told.err)

    return call


TOY_TASK = """\
task: toy
title: Two overlapping clouds
classes: [noise, pulse]
data: {files: [toy.csv], label: kind, features: [a, b, c]}
models:
  trees: {kind: trees, rounds: 30, max_depth: 3}
  stumps: {kind: adaboost, estimators: 10}
  net: {kind: mlp, widths: [8]}
train: {epochs: 3, batch_size: 64}
evaluate: {resamples: 100}
"""


def toy_rows(n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of two clouds whose means differ by 1 in each of 3 dimensions."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    return rng.normal(size=(n, 3)) + label[:, None], label


def write_toy_csv(path: Path, n: int = 600, *, seed: int = 0) -> Path:
    """A CSV file with the columns kind, a, b, c."""
    features, label = toy_rows(n, seed=seed)
    rows = [f"{k},{','.join(map(repr, row))}" for k, row in zip(label, features.tolist(), strict=True)]
    path.write_text("\n".join(["kind,a,b,c", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A task file on 600 toy events beside it, which trains in a second."""
    write_toy_csv(tmp_path / "toy.csv")
    task = tmp_path / "toy.yaml"
    task.write_text(TOY_TASK, encoding="utf-8")
    return task


def without_times(path: Path) -> dict[str, Any]:
    """The figures of a run without the seconds that its trainings took."""
    content: dict[str, Any] = json.loads((path / "evaluation.json").read_text(encoding="utf-8"))
    for model in content["models"].values():
        del model["train_seconds"]
    return content


def finish_toy(folder: Path, *arguments: str) -> Path:
    """A run of the toy task that lies in a folder of its own, for many tests: only to be read, or copied."""
    write_toy_csv(folder / "toy.csv")
    (folder / "toy.yaml").write_text(TOY_TASK, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HEPSIEVE_CACHE", str(folder / "cache"))
        patch.setattr(sys, "argv", ["hepsieve", "run", "toy.yaml", *arguments, "--out", "run"])
        with pytest.raises(SystemExit) as end:
            main()
    assert not end.value.code
    return folder / "run"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the toy task, which nobody may change."""
    return finish_toy(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def run(finished: Path, toy: Path) -> Path:
    """A finished run of the toy task, beside it; its data lie where it was made."""
    return shutil.copytree(finished, toy.parent / "run")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages with empty pictures, for tests of something else: drawing takes most of what a toy run takes."""
    monkeypatch.setattr("hepsieve.report.picture.to_data_uri", lambda figure: "data:,")
