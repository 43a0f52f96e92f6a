"""The run log, and runs that keep: nothing is overwritten, and a folder alone is enough years later."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from tests.conftest import TOY_TASK, Told, write_toy_csv
from tests.report.leaderboards import make_board
from tests.report.page import without_own_scripts

from hepsieve import folder as hepsieve_folder
from hepsieve.config import TaskConfig, dump_task, load_task
from hepsieve.differences import differing, in_words, most_common
from hepsieve.errors import HepsieveError
from hepsieve.evaluate.results import DataSummary, Quantity
from hepsieve.folder import new_run_name, open_run
from hepsieve.manifest import new_folder, verify, write_manifest
from hepsieve.report.leaderboard_sentences import portfolio_sentence
from hepsieve.runs import DamagedRun, LoggedRun, RunLog, read_log, write_page

Command = Callable[..., Told]
pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a task, its data and three runs of it; only to be copied."""
    place = tmp_path_factory.mktemp("three")
    write_toy_csv(place / "toy.csv")
    (place / "toy.yaml").write_text(TOY_TASK, encoding="utf-8")
    environment = {**os.environ, "HEPSIEVE_CACHE": str(place / "cache")}
    script = (
        "import sys; from hepsieve.cli import app\nfor line in sys.argv[1:]: app(line.split(), standalone_mode=False)"
    )
    common = "run toy.yaml --models trees --quiet --out runs"
    lines = [
        f"{common}/first",
        f"{common}/second --seed 2 --set models.trees.rounds=20 --set split.test=0.3",
        f"{common}/third,stumps --models trees,stumps",
    ]
    subprocess.run([sys.executable, "-c", script, *lines], cwd=place, env=environment, check=True, capture_output=True)
    for day, name in enumerate(("first", "second", "third,stumps"), start=1):
        redate(place / "runs" / name, f"2026-01-0{day}T03:04:05+00:00")
    return place / "runs"


@pytest.fixture
def runs(three: Path, hepsieve: Command, tmp_path: Path) -> Path:
    """A copy of the three runs in the folder that the command works in."""
    shutil.copytree(three, tmp_path / "runs")
    return tmp_path / "runs"


def redate(run: Path, when: str) -> None:
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["created"] = when
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def rewritten(run: Path, name: str, text: str) -> None:
    """Exchange a file as if the run had been written so."""
    facts = {key: value for key, value in verify(run).items() if key not in ("format", "files", "packages")}
    (run / name).write_text(text, encoding="utf-8")
    write_manifest(run, facts)


def test_the_log_says_what_each_run_used_and_reached(hepsieve: Command, runs: Path) -> None:
    rows = [line.split("\t") for line in hepsieve("runs").out.splitlines()]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:-1]]
    assert [row["run"] for row in table] == ["first", "second", "third,stumps"]
    assert [row["date (UTC)"] for row in table] == [f"2026-01-0{day} 03:04" for day in (1, 2, 3)]
    assert {row["task"] for row in table} == {"toy"}
    assert [row["models"] for row in table][:2] == ["trees ★", "trees ★"]
    assert "stumps" in table[2]["models"]
    fingerprint = open_run(runs / "first").evaluation.data.fingerprint
    assert table[0]["data"] == f"real {fingerprint[:8]} (toy.csv)"
    assert table[0]["AUC of ★"].startswith("0.")
    assert "–" in table[0]["AUC of ★"]
    # The first and third run agree in all but the models.
    assert [row["differs"] for row in table] == ["–", "split.test=0.3, models.trees.rounds=20, seed=2", "–"]
    assert rows[-1] == ["toy, where a run says nothing else: split.test=0.2, models.trees.rounds=30, seed=1"]


@pytest.mark.parametrize("width", [80, 100])
def test_on_a_terminal_names_stay_whole(
    hepsieve: Command, runs: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    (runs / "first").rename(runs / "toy-20260102T030405-0a1b")
    config = load_task(runs / "second" / "config.yaml", settings=["audit.sentinels=[-1, -2]"])
    rewritten(runs / "second", "config.yaml", dump_task(config))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", hepsieve("runs").out).splitlines()
    table = [line for line in lines if line[0] in "┏┃┡│└"]
    assert {len(line) for line in table} <= set(range(70, width + 1))
    assert any(line.startswith("│ toy-20260102T030405-0a1b │") for line in table)
    # What stands in square brackets is no markup.
    assert "[-1.0" in "".join(line.split("│")[4] for line in table if line[0] == "│")


def test_the_json_log_has_every_key_that_differs(hepsieve: Command, runs: Path) -> None:
    first, second, third = json.loads(hepsieve("runs", "--json").out)
    assert first["created"] == "2026-01-01T03:04:05+00:00"
    assert first["differs"] == {}
    assert first["settings"] == {"split.test": 0.2, "models": ["trees"], "models.trees.rounds": 30, "seed": 1}
    assert second["settings"] == {"split.test": 0.3, "models": ["trees"], "models.trees.rounds": 20, "seed": 2}
    assert second["differs"] == {"split.test": 0.3, "models.trees.rounds": 20, "seed": 2}
    assert third["differs"] == {"models": ["trees", "stumps"]}
    evaluation = open_run(runs / "second").evaluation
    assert second["auc"] == evaluation.models["trees"].metrics["auc"].model_dump()
    assert second["data"]["fingerprint"] == evaluation.data.fingerprint
    assert second["data"]["sources"] == ["toy.csv"]


def test_judging_a_run_again_leaves_it_at_its_place(hepsieve: Command, runs: Path) -> None:
    os.utime(runs / "first" / "manifest.json")
    assert [row["run"] for row in json.loads(hepsieve("runs", "--json").out)] == ["first", "second", "third,stumps"]


def test_the_page_leads_to_the_reports_and_shows_what_differs(hepsieve: Command, runs: Path) -> None:
    (runs / "second" / "config.yaml").write_text("task: other\n", encoding="utf-8")
    told = hepsieve("runs", "--html")
    assert told.out.splitlines() == ["runs/runs.html"]
    page = (runs / "runs.html").read_text(encoding="utf-8")
    assert '<a href="first/report.html">first</a>' in page
    assert '<a href="third%2Cstumps/report.html">third,stumps</a>' in page
    assert "models=[trees, stumps]" in page
    assert "2 runs and 1 damaged" in page
    assert "second</strong>: runs/second/config.yaml: changed since it was written" in page
    assert "<script" not in without_own_scripts(page)
    assert '<table class="log results sortable">' in page
    assert '<li><a href="#damaged">Damaged</a></li>' in page
    # The page itself is no run, and is written again over the old one only when whole.
    assert write_page(read_log(Path("runs"))).read_text(encoding="utf-8") == page


def test_an_empty_folder_says_so(hepsieve: Command, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert hepsieve("runs").out == "no runs in runs\n"
    told = hepsieve("runs", "elsewhere")
    assert (told.status, told.err) == (2, "hepsieve: elsewhere: no such folder\n")


def configs(toy: Path, **settings: list[str]) -> Mapping[Path, TaskConfig]:
    return {Path(name): load_task(toy, settings=chosen) for name, chosen in settings.items()}


def test_differences_stop_where_sections_have_other_keys(toy: Path) -> None:
    point = "evaluate.working_points={tight: {background_efficiency: 0.01}}"
    found = differing(
        configs(
            toy,
            plain=[],
            cosine=["train.schedule={kind: one_cycle}", "models.net.widths=[16, 16]"],
            cut=[point, "data.files=[elsewhere/toy.csv]", "data.test_files=[far/away/test.csv]"],
        )
    )
    plain, cosine, cut = found.values()
    assert set(plain) == {"data.test_files", "models.net.widths", "train.schedule", "evaluate.working_points"}
    assert cosine["models.net.widths"] == [16, 16]
    assert cosine["train.schedule"]["kind"] == "one_cycle"
    assert cut["data.test_files"] == ["test.csv"]
    assert in_words({"evaluate.working_points": cut["evaluate.working_points"]}) == (
        "evaluate.working_points={tight: {background_efficiency: 0.01}}"
    )
    usual = most_common(list(found.values()))
    assert usual["models.net.widths"] == [8]
    assert usual["evaluate.working_points"] == {}


def test_models_are_compared_among_the_runs_that_have_them(toy: Path) -> None:
    both = load_task(toy)
    few = both.model_copy(update={"models": {"trees": both.models["trees"]}})
    found = differing({Path("both"): both, Path("few"): few})
    assert found == {Path("both"): {"models": ["trees", "stumps", "net"]}, Path("few"): {"models": ["trees"]}}


def test_of_equally_common_values_the_oldest_is_the_usual_one() -> None:
    assert most_common([{"seed": 2}, {"seed": 1}]) == {"seed": 2}
    assert most_common([{"seed": 2}, {"seed": 1, "task.x": None}, {"seed": 1}]) == {"seed": 1, "task.x": None}


def test_long_values_and_many_settings_are_cut() -> None:
    text = in_words({"data.features": [f"feature_{k}" for k in range(20)], "a": 1, "b": 2}, most=2)
    assert text == "data.features=[feature_0, feature_1, feature_2, featu…, a=1, and 1 more"


def test_an_existing_folder_is_refused_before_any_work(hepsieve: Command, toy: Path) -> None:
    (toy.parent / "taken").mkdir()
    # With data that do not exist: whatever is read would complain about them.
    told = hepsieve("run", toy, "--data", "missing.csv", "--out", "taken")
    assert told.status == 2
    assert told.err == "hepsieve: taken: exists already; choose another folder or remove it\n"
    assert list((toy.parent / "taken").iterdir()) == []
    (toy.parent / "file").write_text("mine", encoding="utf-8")
    told = hepsieve("run", toy, "--data", "missing.csv", "--out", "file")
    assert told.err == "hepsieve: file: exists already; choose another folder or remove it\n"
    assert (toy.parent / "file").read_text(encoding="utf-8") == "mine"


class Stopped(datetime):
    """A clock that stands still."""

    at: ClassVar[datetime] = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls.at


def test_runs_of_the_same_second_do_not_collide(hepsieve: Command, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hepsieve_folder, "datetime", Stopped)
    for _ in range(2):
        assert hepsieve("run", toy, "--models", "stumps").status == 0
    names = sorted(path.name for path in (toy.parent / "runs").iterdir())
    assert len(names) == 2
    assert {name[:-4] for name in names} == {"toy-20260102T030405-"}
    assert new_run_name("toy")[:-4] == names[0][:-4]


def test_of_two_runs_into_one_folder_the_later_changes_nothing(tmp_path: Path) -> None:
    def write(name: str, meanwhile: Callable[[], None]) -> None:
        with new_folder(tmp_path / "run") as folder:
            (folder / f"{name}.txt").write_text(name, encoding="utf-8")
            meanwhile()

    with pytest.raises(HepsieveError, match=r"run: something else was written there meanwhile"):
        write("late", lambda: write("early", lambda: None))
    assert (tmp_path / "run" / "early.txt").read_text(encoding="utf-8") == "early"
    verify(tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_a_report_needs_the_folder_alone(hepsieve: Command, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hepsieve("report", runs / "third,stumps").status == 0
    kept = (runs / "third,stumps" / "report.html").read_bytes()
    archive = runs.parent / "archive" / "years" / "later"
    archive.parent.mkdir(parents=True)
    (runs / "third,stumps").rename(archive)
    shutil.rmtree(runs)
    bare = runs.parent / "bare"
    bare.mkdir()
    monkeypatch.chdir(bare)
    monkeypatch.setenv("HEPSIEVE_CACHE", str(bare / "no cache"))
    rewritten(archive, "report.html", "")
    told = hepsieve("report", archive)
    assert (told.status, told.err) == (0, "")
    assert (archive / "report.html").read_bytes() == kept
    verify(archive)
    assert list(bare.iterdir()) == []
    assert [row["run"] for row in json.loads(hepsieve("runs", archive.parent, "--json").out)] == ["later"]


NEWEST: dict[str, tuple[str, ...]] = {
    "evaluation.json": ("ranking", "thresholds", "out_of_fold", "folds", "separation", "wanted"),
    "history.jsonl": ("fold",),
    "config.yaml": (
        "explain", "file_order_blocks", "spectators", "unshared", "group_consecutive", "working_points", "log",
        "folds", "balance",
    ),
}  # fmt: skip


def without(value: Any, keys: tuple[str, ...]) -> Any:
    """The same content without these keys, at any depth; the evaluation's own working points stay."""
    match value:
        case dict():
            return {key: without(own, keys) for key, own in value.items() if key not in keys}
        case list():
            return [without(own, keys) for own in value]
        case _:
            return value


def test_runs_from_before_the_newest_fields_still_open_and_render(hepsieve: Command, runs: Path) -> None:
    run = runs / "first"
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    older = without(evaluation, NEWEST["evaluation.json"])
    assert older != evaluation
    epochs = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    old_epochs = [json.dumps(without(epoch, NEWEST["history.jsonl"])) for epoch in epochs]
    config = load_task(run / "config.yaml").model_dump(mode="json")
    old_config = without(config, NEWEST["config.yaml"])
    assert old_config != config
    rewritten(run, "evaluation.json", json.dumps(older))
    rewritten(run, "history.jsonl", "\n".join(old_epochs))
    assert "class_weight" not in old_config["train"]
    old_config["train"]["class_weight"] = "none"  # what ``balance`` was called
    rewritten(run, "config.yaml", json.dumps(old_config))
    opened = open_run(run)
    assert opened.config == load_task(runs / "third,stumps" / "config.yaml").model_copy(
        update={"models": opened.config.models}
    )
    assert hepsieve("report", run).status == 0
    assert "<h1" in (run / "report.html").read_text(encoding="utf-8")
    assert [row["run"] for row in json.loads(hepsieve("runs", "--json").out)] == ["first", "second", "third,stumps"]


def logged(name: str, figure_name: Literal["auc", "rmse"]) -> LoggedRun:
    data = DataSummary(
        origin="simulated", fingerprint="0" * 64, sources=("NEST",), details={}, train_fingerprint="0" * 64,
        trained_on="simulated", n_train=3, n_validation=1, n_test=1, n_signal={}, n_background={},
    )  # fmt: skip
    return LoggedRun(
        name=name, task=name, created=datetime(2026, 1, 2, tzinfo=UTC), data=data, models=("trees",), best="trees",
        figure=Quantity(value=0.02, low=0.01, high=0.03), figure_name=figure_name, test_openings=1, settings={},
        differs={},
    )  # fmt: skip


def test_a_portfolio_is_told_in_the_note_on_the_page_and_in_the_json(tmp_path: Path) -> None:
    board = make_board()
    runs = [logged("plain", "auc"), replace(logged("many", "auc"), leaderboard=board)]
    log = RunLog(folder=tmp_path, runs=tuple(runs), damaged=(), usual={"plain": {}, "many": {}})
    told = portfolio_sentence(board)
    assert log.note().splitlines()[-1] == f"many: {told}"
    assert "plain:" not in log.note()
    assert write_page(log).read_text(encoding="utf-8").count(f'<span class="interval">{told}</span>') == 1
    plain, many = json.loads(log.to_json())
    assert "portfolio" not in plain
    assert many["portfolio"]["gain"] == {"value": 0.003, "low": 0.001, "high": 0.005}
    assert many["portfolio"]["ensemble"]["weights"] == board.ensemble.weights


def test_the_figure_of_a_regression_is_its_rmse(tmp_path: Path) -> None:
    one, other, damaged = logged("apart", "rmse"), logged("count", "auc"), DamagedRun(name="bad", why="why")
    log = RunLog(folder=tmp_path, runs=(one,), damaged=(damaged,), usual={"apart": {}})
    assert [row["RMSE of ★"] for row in log.rows()] == ["0.0200 (0.0100–0.0300)", "–"]
    assert log.shown() == ("run", "models", "RMSE of ★", "differs")
    assert "RMSE of ★" in write_page(log).read_text(encoding="utf-8")
    both = RunLog(folder=tmp_path, runs=(one, other), damaged=(), usual={"apart": {}, "count": {}})
    title = "AUC or RMSE of ★"
    assert [row[title] for row in both.rows()] == ["RMSE 0.0200 (0.0100–0.0300)", "AUC 0.0200 (0.0100–0.0300)"]
    assert [run["rmse"]["value"] for run in json.loads(both.to_json()) if "rmse" in run] == [0.02]
    nothing = RunLog(folder=tmp_path, runs=(), damaged=(damaged,), usual={})
    assert nothing.rows()[0]["AUC of ★"] == "–"
