"""A grid of models on one task: trained on request, taken up after Ctrl-C with the bytes of an uninterrupted scan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conftest import Told, without_times, write_toy_csv

from hepsieve import console
from hepsieve.progress import Advance
from hepsieve.train import trainings

TASK = """
task: toy
data: {files: [events.csv], label: kind}
models:
  single: {kind: mlp, widths: [3]}
  scan:
    kind: grid
    on_request: true
    model: {kind: mlp, widths: {last: 2}}
    over: {batch_size: [50, 100], widths.layers: [2, 3], widths.first: [6]}
train: {epochs: 2}
evaluate: {resamples: 100}
explain: {permutations: 0}
"""
NAMES = ["scan-50-2-6", "scan-50-3-6", "scan-100-2-6", "scan-100-3-6"]
Command = Callable[..., Told]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    write_toy_csv(tmp_path / "events.csv", 500)
    (tmp_path / "toy.yaml").write_text(TASK, encoding="utf-8")
    return tmp_path / "toy.yaml"


def interrupt_at(monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    """Ctrl-C as soon as the bar of this title would appear."""
    whole = console.Bars.task

    @contextmanager
    def task(self: console.Bars, description: str, total: float | None = None) -> Iterator[Advance]:
        if description == title:
            raise KeyboardInterrupt
        with whole(self, description, total) as advance:
            yield advance

    monkeypatch.setattr(console.Bars, "task", task)


def test_a_grid_waits_to_be_asked_for(hepsieve: Command, task: Path) -> None:
    assert hepsieve("run", task, "--out", "plain").status == 0
    assert list(json.loads(Path("plain/evaluation.json").read_text(encoding="utf-8"))["models"]) == ["single"]


def test_a_scan_goes_on_where_it_was_interrupted(
    hepsieve: Command, task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = ("run", task, "--models", "scan")
    assert hepsieve(*scan, "--out", "whole").status == 0
    with monkeypatch.context() as patched:
        interrupt_at(patched, "train scan-100-2-6")
        stopped = hepsieve(*scan, "--out", "again")
    assert stopped.status == 130
    assert stopped.err.strip().endswith("nothing was left at the output path; the same command goes on where it was")
    assert not Path("again").exists()
    assert hepsieve(*scan, "--out", "again").status == 0
    log = [json.loads(line) for line in Path("again/events.log").read_text(encoding="utf-8").splitlines()]
    assert [line["by"] for line in log if line["event"] == "training taken over"] == NAMES[:2]
    assert without_times(Path("again")) == without_times(Path("whole"))
    for name in NAMES:
        weights = [(Path(run) / "models" / name / "weights.safetensors").read_bytes() for run in ("whole", "again")]
        assert weights[0] == weights[1]
    assert list((task.parent / "cache" / "unfinished").iterdir()) == []


def test_one_model_of_a_grid_can_be_asked_for(hepsieve: Command, task: Path) -> None:
    told = hepsieve("run", task, "--models", "scan-50-3-6,single", "--out", "two", "--json")
    models = json.loads(told.out)["models"]
    assert list(models) == ["scan-50-3-6", "single"]
    assert models["scan-50-3-6"]["parameters"] == (3 * 6 + 6) + (6 * 4 + 4) + (4 + 1)  # widths 6, 4 and the output


@pytest.mark.cluster
@pytest.mark.parametrize("shared", [("--jobs", "2"), ("--engine", "dask", "--jobs", "2")], ids=["processes", "dask"])
def test_a_shared_scan_gives_the_same_models(
    shared: tuple[str, ...], hepsieve: Command, task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "_WORTH_A_PROCESS", 0)  # so short a training would else not be shared
    scan = ("run", task, "--models", "scan")
    assert hepsieve(*scan, "--jobs", "1", "--out", "alone").status == 0
    told = hepsieve(*scan, *shared, "--out", "shared")
    assert told.status == 0, told.err
    assert without_times(Path("shared")) == without_times(Path("alone"))
    for name in NAMES:
        weights = [(Path(run) / "models" / name / "weights.safetensors").read_bytes() for run in ("alone", "shared")]
        assert weights[0] == weights[1]
    epochs = [
        [{**json.loads(line), "seconds": 0} for line in (Path(run) / "history.jsonl").read_text("utf-8").splitlines()]
        for run in ("alone", "shared")
    ]
    assert epochs[0] == epochs[1]
    assert not (task.parent / "cache" / "inputs").exists()
    assert list((task.parent / "cache" / "unfinished").iterdir()) == []
