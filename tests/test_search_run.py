"""A search in a run: its models are the run's own, and Ctrl-C costs the training it hits, not the search."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conftest import Told, without_times, write_toy_csv

from hepsieve import console
from hepsieve.config import dump_task, load_task
from hepsieve.progress import Advance
from hepsieve.workflow import choose_models

TASK = """
task: toy
data: {files: [events.csv], label: kind}
models:
  search:
    kind: search
    trials: 4
    startup: 2
    model: {kind: mlp, widths: [4]}
    over:
      batch_size: [50, 100, 200]
      learning_rate: {low: 1e-3, high: 1e-1, log: true}
train: {epochs: 2}
evaluate: {resamples: 100}
explain: {permutations: 0}
"""
Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def task(tmp_path: Path) -> Path:
    write_toy_csv(tmp_path / "events.csv", 400)
    (tmp_path / "toy.yaml").write_text(TASK, encoding="utf-8")
    return tmp_path / "toy.yaml"


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """Ctrl-C as soon as the bar of so many trainings would appear."""
    whole, begun = console.Bars.task, []

    @contextmanager
    def bar(self: console.Bars, description: str, total: float | None = None) -> Iterator[Advance]:
        begun.extend([description] * description.startswith("train search"))
        if len(begun) == number:
            raise KeyboardInterrupt
        with whole(self, description, total) as advance:
            yield advance

    with monkeypatch.context() as patched:
        patched.setattr(console.Bars, "task", bar)
        yield


def test_a_search_goes_on_where_it_was_interrupted(
    hepsieve: Command, task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hepsieve("run", task, "--out", "whole").status == 0
    evaluation = json.loads(Path("whole/evaluation.json").read_text(encoding="utf-8"))
    names = list(evaluation["models"])
    assert len(names) == 4
    assert all(name.startswith("search-") for name in names)
    assert [path.name for path in sorted(Path("whole/models").iterdir())] == sorted(names)
    page = Path("whole/report.html").read_text(encoding="utf-8")
    assert all(name in page for name in names)
    with interrupted(monkeypatch, 4):
        assert hepsieve("run", task, "--out", "again").status == 130
    assert hepsieve("run", task, "--out", "again").status == 0
    log = [json.loads(line) for line in Path("again/events.log").read_text(encoding="utf-8").splitlines()]
    assert [line["by"] for line in log if line["event"] == "training taken over"] == names[:3]
    assert without_times(Path("again")) == without_times(Path("whole"))


def test_a_search_that_waits_is_trained_when_it_is_asked_for(hepsieve: Command, task: Path) -> None:
    waiting = choose_models(load_task("s2-separation"), None)
    assert waiting.searches() == {}
    asked = choose_models(load_task("s2-separation"), ["search"])
    assert list(asked.searches()) == ["search"]
    assert asked.trained() == {}
    Path("asked.yaml").write_text(dump_task(asked), encoding="utf-8")
    assert load_task("asked.yaml").searches() == asked.searches()
    later = TASK.replace("trials: 4", "trials: 2\n    on_request: true").replace(
        "models:", "models:\n  one: {kind: mlp}"
    )
    task.write_text(later, encoding="utf-8")
    # What a run keeps of its task is a task that trains the same.
    Path("kept.yaml").write_text(dump_task(choose_models(load_task(task), ["search"])), encoding="utf-8")
    assert hepsieve("run", "kept.yaml", "--out", "again").status == 0
    assert Path("again/config.yaml").read_text(encoding="utf-8") == Path("kept.yaml").read_text(encoding="utf-8")
    names = [path.name for path in Path("again/models").iterdir()]
    assert len(names) == 2
    assert all(name.startswith("search-") for name in names)


def test_a_training_that_fails_is_on_record_and_no_model_of_the_run(hepsieve: Command, task: Path) -> None:
    # Without a bound on the rate the loss of some becomes infinite, which ends that training only.
    settings = ("--set", "models.search.over.learning_rate=[0.001, 1e38]", "--set", "train.optimizer=sgd")
    assert hepsieve("run", task, *settings, "--out", "some").status == 0
    log = [json.loads(line) for line in Path("some/events.log").read_text(encoding="utf-8").splitlines()]
    failed = [line["by"] for line in log if line["event"] == "trial failed"]
    assert failed
    assert all("the loss is" in line for line in failed)
    models = json.loads(Path("some/evaluation.json").read_text(encoding="utf-8"))["models"]
    assert len(models) + len(failed) == 4
    assert all("1e_38" not in name for name in models)


def test_a_search_without_a_training_that_succeeds_is_one_line(hepsieve: Command, task: Path) -> None:
    settings = ("--set", "models.search.over.learning_rate=[1e38]", "--set", "train.optimizer=sgd")
    told = hepsieve("run", task, *settings, "--out", "none")
    assert told.status == 2
    assert "search: each of 3 trainings failed; the first: search-" in told.err
    assert not Path("none").exists()
    told = hepsieve("run", task, "--set", "models.search.over.learning_rate.low=abc", "--out", "none")
    assert told.status == 2
    assert "models.search.over.learning_rate" in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_optuna_is_loaded_by_a_search_alone() -> None:
    code = "import sys, hepsieve.cli, hepsieve.tune; print('optuna' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
