"""The test part is sealed: nobody but the judges opens it, nothing is read before, nothing learned depends on it."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.audit.showers import showers
from tests.conftest import Told, toy_rows, write_toy_csv

import hepsieve as hs
from hepsieve.config import CutConfig, EvaluateConfig, ExplainConfig, TaskConfig
from hepsieve.events import Events, TargetScale
from hepsieve.explain import rank_features
from hepsieve.judge import judge, require_reachable_cuts
from hepsieve.occlusion import occlusion_maps
from hepsieve.prepare import SealedPart, split
from hepsieve.progress import Silent
from hepsieve.report import html

Command = Callable[..., Told]
SOURCES = Path(hs.__file__).parent
JUDGES = {"judge.py", "judge_regression.py", "judge_again.py"}
MODE = re.compile(r"[rwax][bt+]*")
FILES = {"uproot", "archive", "igzip", "os", "urllib"}


def openings_in(tree: ast.AST) -> Iterator[str]:
    """The expressions whose method ``open`` is taken without opening a file by it."""
    files = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "open":
            modes = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if any(MODE.fullmatch(mode) for mode in modes):
                files.add(node.func)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "open" and node not in files:
            whose = ast.unparse(node.value)
            if whose.split(".")[0] not in FILES:
                yield whose


@cache
def parsed() -> tuple[tuple[str, ast.AST], ...]:
    return tuple(
        (path.relative_to(SOURCES).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(SOURCES.rglob("*.py"))
    )


def test_only_the_judges_open_the_test_part() -> None:
    found = {name: set(openings_in(tree)) for name, tree in parsed()}
    assert {name for name, whose in found.items() if whose} == JUDGES
    assert set().union(*(found[name] for name in JUDGES)) <= {"parts.test", "run.parts.test"}


def test_nobody_reaches_behind_the_seal() -> None:
    reached = {
        name
        for name, tree in parsed()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("_events", "_openings"))
        or (isinstance(node, ast.Constant) and node.value in ("_events", "_openings"))
    }
    assert reached == {"prepare/split.py"}


def test_the_search_for_openings_finds_them() -> None:
    hidden = "def f(parts):\n    look = parts.test.open\n    path.open('rb')\n    return look('r')\n"
    assert list(openings_in(ast.parse(hidden))) == ["parts.test"]


class Watched(SealedPart):
    """Writes down who reads the events before they are opened: the name of every method that does."""

    def __init__(self, events: Events) -> None:
        """Seal these events."""
        self.readers: list[str] = []
        super().__init__(events)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__("kept" if name == "_events" else name, value)

    def __getattr__(self, name: str) -> Any:
        if name != "_events":
            raise AttributeError(name)
        self.readers.append(sys._getframe(1).f_code.co_name)
        return self.kept


def watched_parts(events: Events) -> tuple[hs.Split, Watched]:
    parts = split(events, seed=1)
    sealed = Watched(parts.test.open("for the test"))
    return replace(parts, test=sealed), sealed


MODELS: dict[str, hs.Model | hs.Grid | hs.Search] = {
    "trees": hs.Trees(rounds=5, max_depth=2),
    "net": hs.MLP(widths=(4,)),
    "scan": hs.Grid(model={"kind": "mlp", "widths": [3]}, over={"learning_rate": (0.01, 0.1)}),
    "search": hs.Search(model={"kind": "mlp", "widths": [3]}, over={"batch_size": (50, 100)}, trials=2, startup=1),
}
CUTS = {"tight": CutConfig(background_efficiency=0.1)}
QUICK = hs.Training(epochs=2, batch_size=100)


def table_config(run: hs.Run) -> TaskConfig:
    return TaskConfig(
        task="seal",
        models={name: fitted.config for name, fitted in run.models.items()},
        evaluate=EvaluateConfig(working_points=CUTS, resamples=100),
        explain=ExplainConfig(permutations=2, backward=True),
    )


def toy_events(n: int = 600) -> Events:
    return Events.from_arrays(*toy_rows(n), names=("a", "b", "c"))


def test_nothing_is_read_before_the_opening() -> None:
    parts, sealed = watched_parts(toy_events())
    run = hs.train(MODELS, parts, settings=QUICK, seed=1)
    config = table_config(run)
    require_reachable_cuts(parts, config)
    rank_features(run, config, progress=Silent())
    repr(parts)
    # Sizes of the part and of its classes are no secret: no model can be judged by them.
    assert set(sealed.readers) <= {"__len__", "class_counts"}
    assert list(sealed.openings) == []
    judge(run, config, reason="a test", progress=Silent())
    assert "open" in sealed.readers
    assert list(sealed.openings) == ["a test"]


def test_nothing_of_a_regression_is_read_before_the_opening() -> None:
    features, label = toy_rows(300)
    d = (np.random.default_rng(3).random(300) + label) / 2
    parts, sealed = watched_parts(Events.from_arrays(features, d, scale=TargetScale(name="d")))
    run = hs.train({"trees": hs.Trees(rounds=5, max_depth=2)}, parts, seed=1)
    assert set(sealed.readers) <= {"__len__"}
    hs.evaluate_regression(run)
    assert list(sealed.openings) == ["hepsieve.evaluate_regression"]


def test_nothing_is_read_for_the_maps_of_images() -> None:
    parts, sealed = watched_parts(showers(240))
    run = hs.train({"net": hs.MLP(widths=(3,))}, parts, settings=QUICK, seed=1)
    hs.occlusion_maps(run, images=10)
    config = TaskConfig(task="seal", models={"net": run.models["net"].config}, explain=ExplainConfig(maps=10))
    occlusion_maps(run, config, progress=Silent())
    assert set(sealed.readers) <= {"__len__"}


TASK = """\
task: seal
data: {files: [train.csv], test_files: [test.csv], label: kind}
models:
  trees: {kind: trees, rounds: 20, max_depth: 3}
  search: {kind: search, trials: 2, startup: 1, model: {kind: mlp, widths: [3]}, over: {batch_size: [50, 100]}}
train: {epochs: 3, batch_size: 64}
evaluate:
  resamples: 100
  signal_yield: 10
  background_yield: 100
  working_points: {tight: {background_efficiency: 0.1}, pure: {no_background: true}}
explain: {permutations: 2}
"""


def write_test_rows(path: Path, how: str) -> None:
    """A hundred events of each class: like those of training; or garbage, thousands of times as large."""
    features, label = toy_rows(200, seed=7)
    if how == "garbage":
        rng = np.random.default_rng(8)
        features, label = rng.normal(size=features.shape) * 1e3 + 400, rng.permutation(label)
    rows = [f"{k},{','.join(map(repr, row))}" for k, row in zip(label, features.tolist(), strict=True)]
    path.write_text("\n".join(["kind,a,b,c", *rows]) + "\n", encoding="utf-8")


def learned_files(run: Path) -> dict[str, bytes]:
    """The content of all files of the models, but for manifests, which have times."""
    found = {path.relative_to(run).as_posix(): path.read_bytes() for path in (run / "models").rglob("*.*")}
    return {name: content for name, content in found.items() if not name.endswith("manifest.json")}


def set_beforehand(content: dict[str, Any]) -> dict[str, Any]:
    """What was decided without the test part: thresholds, choice, validation figures, rankings, calibrations."""
    return {
        "best": (content["best"], content["best_by"]),
        "ranking": content["ranking"],
        "features": (content["features"], content["correlations"]),
        "cuts": {name: [cut["threshold"] for cut in cuts] for name, cuts in content["working_points"].items()},
        "validation": {name: model["validation"] for name, model in content["models"].items()},
        "calibration": {
            name: _fitted_calibration(model.get("calibration")) for name, model in content["models"].items()
        },
        "physics": {name: _cuts_and_bins(one) for name, one in content.get("physics", {}).items()},
        "epochs": {name: model["epochs"] for name, model in content["models"].items()},
    }


def _fitted_calibration(found: dict[str, Any] | None) -> Any:
    """The method, whether it was applied, and its constant: all by validation."""
    return None if found is None else {key: found[key] for key in ("method", "applied", "parameter")}


def _cuts_and_bins(found: dict[str, Any]) -> Any:
    """Where events are cut for their significance, and the ends of the bins of scores."""
    return found["cut"]["threshold"], [(one["low"], one["high"]) for one in found["bins"]]


def test_garbage_in_the_test_part_changes_nothing_that_is_learned(
    hepsieve: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "write", lambda folder: None)  # the page comes after all that is asked about here
    (tmp_path / "seal.yaml").write_text(TASK, encoding="utf-8")
    write_toy_csv(tmp_path / "train.csv", 500)
    found, quoted = [], []
    for how in ("honest", "garbage"):
        write_test_rows(tmp_path / "test.csv", how)
        run = tmp_path / how
        told = hepsieve("run", "seal.yaml", "--out", run)
        assert told.err == ""
        content = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
        histories = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
        curves = [{key: value for key, value in one.items() if key != "seconds"} for one in histories]
        found.append((learned_files(run), set_beforehand(content), curves))
        quoted.append(content["models"][content["best"]]["metrics"]["auc"]["value"])
    assert len(found[0][0]) >= 12
    assert found[0] == found[1]
    assert quoted[0] > 0.7 > 0.65 > quoted[1]  # the test part was another one indeed


def test_a_sealed_part_gives_nothing_away_and_is_not_copied() -> None:
    sealed = split(toy_events(), seed=1).test
    assert repr(sealed) == "SealedPart(120 events, opened 0 times)"
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="can't be copied or pickled"):
            way(sealed)
    with pytest.raises(TypeError):
        iter(sealed)  # type: ignore[call-overload]


def test_a_part_that_is_recorded_elsewhere_shares_its_openings() -> None:
    heard: list[str] = []
    sealed = split(toy_events(), seed=1).test
    recorded = sealed.recorded_by(heard.append)
    recorded.open("first")
    sealed.open("second")
    assert sealed.openings == recorded.openings == ("first", "second")
    assert heard == ["first"]


def test_every_opening_is_on_record_with_who_asked_and_when(hepsieve: Command, toy: Path) -> None:
    run = toy.parent / "run"
    assert hepsieve("run", toy, "--models", "trees", "--out", run).status == 0
    assert hepsieve("evaluate", run).status == 0
    lines = [json.loads(line) for line in (run / "events.log").read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["test opened"] * 2
    assert [line["by"] for line in lines] == ["hepsieve run: trees", "hepsieve evaluate"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", line["time"]) for line in lines)
    assert json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["test_openings"] == 2
    assert "2 times" in (run / "report.html").read_text(encoding="utf-8")


def test_a_notebook_counts_too() -> None:
    parts = hs.split(toy_events(), seed=1)
    run = hs.train({"trees": hs.Trees(rounds=5)}, parts, seed=1)
    assert "opened 1 time;" in repr(hs.evaluate(run))
    again = hs.evaluate(run)
    assert "opened 2 times; a model that was chosen after looking" in repr(again)
    assert again.evaluation.test_openings == 2
    assert parts.test.openings == ("hepsieve.evaluate",) * 2
