"""Runs compared on the test events that all of them share: what is told, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.conftest import Told, toy_rows, write_toy_csv
from tests.report.page import Page
from tests.test_runs import rewritten

import hepsieve as hs
from hepsieve.compare_runs import compare_runs
from hepsieve.config import load_task
from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.roc import auc
from hepsieve.folder import TEST_OPENED, openings, record
from hepsieve.manifest import verify, write_manifest
from hepsieve.progress import Silent
from hepsieve.report import html
from hepsieve.workflow import choose_models, run_task

Command = Callable[..., Told]

TASK = """\
task: toy
classes: [noise, pulse]
data: {files: [toy.csv], label: kind, features: [a, b, c]}
models:
  trees: {kind: trees, rounds: 30, max_depth: 3}
  stumps: {kind: adaboost, estimators: 10}
  twig: {kind: trees, rounds: 1, max_depth: 1}
evaluate: {resamples: 100}
explain: {permutations: 0}
"""
REGRESSION = """\
task: mass
kind: regression
data: {files: [mass.csv], features: [a, b], target: {name: mass, range: [0, 2], full: 2, unit: GeV}}
models:
  deep: {kind: trees, rounds: 30, max_depth: 3}
  flat: {kind: trees, rounds: 5, max_depth: 1}
evaluate: {resamples: 100}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a toy classification, with two seeds, and of a toy regression; only to be copied."""
    place = tmp_path_factory.mktemp("made")
    write_toy_csv(place / "toy.csv", 1500)
    (place / "toy.yaml").write_text(TASK, encoding="utf-8")
    features, label = toy_rows(600, seed=1)
    mass = np.clip(0.5 + 0.2 * features[:, 0] + 0.3 * label, 0, 2)
    lines = [f"{a},{b},{m}" for (a, b), m in zip(features[:, :2].tolist(), mass.tolist(), strict=True)]
    (place / "mass.csv").write_text("\n".join(["a,b,mass", *lines]) + "\n", encoding="utf-8")
    (place / "mass.yaml").write_text(REGRESSION, encoding="utf-8")
    wanted: dict[str, tuple[str, list[str], list[str] | None]] = {
        "first": ("toy.yaml", [], None),
        "second": ("toy.yaml", ["seed=2", "models.trees.rounds=3"], ["trees", "stumps"]),
        "mass": ("mass.yaml", [], None),
    }
    with pytest.MonkeyPatch.context() as patch:
        # Most of the time of a small run goes into its page, which is tested elsewhere.
        patch.setattr(html, "write", lambda folder: (folder / "report.html").write_text("a page", encoding="utf-8"))
        for name, (task, settings, models) in wanted.items():
            config = choose_models(load_task(place / task, settings=settings), models)
            run_task(config, out=place / name, cache=place / "cache", jobs=1, command=["hepsieve"], progress=Silent())
    return place


@pytest.fixture
def runs(made: Path, hepsieve: Command, tmp_path: Path) -> Path:
    """A copy of the runs in the folder that the command works in."""
    for name in ("first", "second", "mass"):
        shutil.copytree(made / name, tmp_path / name)
    return tmp_path


def stored(run: Path) -> dict[str, Any]:
    table = pa.parquet.read_table(run / "predictions.parquet")
    return {name: np.asarray(table[name]) for name in table.column_names}


def with_predictions(run: Path, **changed: Any) -> None:
    """Exchange columns of the stored predictions as if the run had been written so."""
    facts = {key: value for key, value in verify(run).items() if key not in ("format", "files", "packages")}
    pa.parquet.write_table(pa.table({**stored(run), **changed}), run / "predictions.parquet")
    write_manifest(run, facts)


def with_evaluation(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    change(content)
    rewritten(run, "evaluation.json", json.dumps(content))


def test_runs_with_other_seeds_are_compared_on_what_both_hold_as_test(hepsieve: Command, runs: Path) -> None:
    content = json.loads(hepsieve("compare", "first", "second", "--model", "trees", "--json").out)
    first, second = stored(runs / "first"), stored(runs / "second")
    shared, at, there = np.intersect1d(first["row"], second["row"], return_indices=True)
    assert 0 < len(shared) < len(first["row"])
    assert content["n_events"] == len(shared)
    expected = {
        "first/trees": auc(Ranked.of(first["target"][at], first["score_trees"][at])),
        "second/trees": auc(Ranked.of(first["target"][at], second["score_trees"][there])),
    }
    assert {label: one["metrics"]["auc"]["value"] for label, one in content["models"].items()} == pytest.approx(
        expected
    )
    (pair,) = content["pairs"]
    difference = expected[pair["first"]] - expected[pair["second"]]  # type: ignore[operator]
    assert pair["difference"]["value"] == pytest.approx(difference)
    assert pair["difference"]["low"] < difference < pair["difference"]["high"]
    assert content["selection"]["on"] == "test"
    assert content["selection"]["winner"] == pair["first"]
    assert content["runs"]["second"]["settings"]["seed"] == 2
    assert content["runs"]["second"]["settings"]["models.trees.rounds"] == 3
    assert content["warnings"] == []


def test_one_run_has_the_figures_of_its_own_page(hepsieve: Command, runs: Path) -> None:
    content = json.loads(hepsieve("compare", "first", "--json").out)
    own = json.loads((runs / "first" / "evaluation.json").read_text(encoding="utf-8"))
    assert list(content["models"]) == ["trees", "stumps", "twig"]
    for name, one in content["models"].items():
        for metric in ("auc", "accuracy", "log_loss", "background_rejection@0.50"):
            quoted = own["models"][name]["metrics"][metric]["value"]
            assert one["metrics"][metric]["value"] == (None if quoted is None else pytest.approx(quoted))
    assert len(content["pairs"]) == 3
    assert {name for name, one in content["models"].items() if one["best"]} == {own["best"]}


def test_what_is_said(hepsieve: Command, runs: Path) -> None:
    told = hepsieve("compare", "first", "second")
    assert (told.status, told.err) == (0, "")
    assert "test events read from files" in told.out
    assert "those that stand in every run's test part (300 of first, 300 of second)" in told.out
    assert "has chosen on the test events" in told.out
    everything = hepsieve("compare", "first", "second", "--all").out.splitlines()
    labels = [line.partition("\t")[0] for line in everything[1:6]]
    assert labels == ["first/trees", "first/stumps", "first/twig", "second/trees", "second/stumps"]
    assert sum(line.count("\t") == 5 for line in everything) == 11  # ten pairs below their titles
    assert any("after correcting for 10 comparisons" in line for line in everything)


def test_models_that_score_alike_do_not_differ(hepsieve: Command, runs: Path) -> None:
    shutil.copytree(runs / "first", runs / "copy")
    told = hepsieve("compare", "first", "copy", "--model", "trees")
    assert "No significant difference in test AUC between first/trees and copy/trees (5 %)." in told.out
    assert "first/trees and copy/trees are level in AUC" in told.out
    assert "300 test events read from files" in told.out
    assert "the test part of every run." in told.out


def test_another_metric(hepsieve: Command, runs: Path) -> None:
    content = json.loads(hepsieve("compare", "first", "second", "--metric", "log_loss", "--json").out)
    (pair,) = content["pairs"]
    figures = {label: one["metrics"]["log_loss"]["value"] for label, one in content["models"].items()}
    assert figures[pair["first"]] <= figures[pair["second"]]
    told = hepsieve("compare", "first", "second", "--metric", "f1")
    assert told.err.startswith("hepsieve: --metric f1: pairs can be compared in auc, accuracy, log_loss, ")


def test_regressions_are_compared_in_rmse(hepsieve: Command, runs: Path) -> None:
    content = json.loads(hepsieve("compare", "mass", "--json").out)
    assert (content["kind"], content["by"], content["n_signal"]) == ("regression", "rmse", None)
    (pair,) = content["pairs"]
    assert (pair["first"], pair["second"]) == ("deep", "flat")
    assert pair["difference"]["high"] < 0
    assert content["selection"]["winner"] == "deep"
    assert hepsieve("compare", "mass", "--html", "m.html").status == 0
    page = Page(Path("m.html").read_text(encoding="utf-8"))
    assert "shares of the full scale of mass" in page.words
    assert "roc" not in page.sections


def test_looking_more_than_once_is_warned_of(hepsieve: Command, runs: Path) -> None:
    record(runs / "second", TEST_OPENED, "hepsieve evaluate")
    told = hepsieve("compare", "first", "second")
    assert "warning: second opened its test part 2 times: what was chosen after looking" in told.out


def test_that_test_figures_were_compared_stays_in_the_log(hepsieve: Command, runs: Path) -> None:
    (runs / "second" / "events.log").unlink(missing_ok=True)
    (runs / "second" / "events.log").mkdir()  # what can't be written, as in runs of others
    assert hepsieve("compare", "first", "second").status == 0
    last = json.loads((runs / "first" / "events.log").read_text(encoding="utf-8").splitlines()[-1])
    assert (last["event"], last["by"]) == ("test figures compared", "hepsieve compare: second")
    assert openings(runs / "first") == 1
    verify(runs / "first")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("first", "./first"), "first stands there twice; a run can't be compared with itself"),
        (("first", "--model", "twig"), "first: one model alone; name another run, or more models"),
        (("first", "second", "--model", "twig"), "second: none of the models twig; it has trees, stumps"),
        (("first", "--model", "nest"), "--model nest: no run has it; there are trees, stumps, twig"),
        (("first", "mass"), "first and mass: a classification and a regression have no figure in common"),
        (("first", "nowhere"), "nowhere: no such run folder"),
        (("first", "second", "--html", "page.txt"), "page.txt: a page needs the ending .html"),
        (("first", "second", "--html", "first/report.html"), "first/report.html: is a run's own page"),
    ],
)
def test_mistakes_get_one_line(hepsieve: Command, runs: Path, arguments: tuple[str, ...], message: str) -> None:
    told = hepsieve("compare", *arguments)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"hepsieve: {message}")
    assert told.err.count("\n") == 1


def rename_task(content: dict[str, Any]) -> None:
    content["task"] = "other"


def swap_classes(content: dict[str, Any]) -> None:
    content["classes"].reverse()


def other_data(content: dict[str, Any]) -> None:
    content["data"]["fingerprint"] = "f" * 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename_task, "first and second: other tasks, toy and other; compare runs of one task"),
        (swap_classes, "first and second: the classes are swapped, [noise, pulse] and [pulse, noise]"),
        (other_data, "first and second: other data (fingerprints "),
    ],
)
def test_other_questions_are_refused(
    hepsieve: Command, runs: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    with_evaluation(runs / "second", change)
    told = hepsieve("compare", "first", "second")
    assert (told.status, told.err.startswith(f"hepsieve: {message}")) == (2, True), told.err


def test_other_events_are_refused(hepsieve: Command, runs: Path) -> None:
    second = stored(runs / "second")
    with_predictions(runs / "second", target=1 - second["target"])
    assert "first and second: the target of row " in hepsieve("compare", "first", "second").err
    with_predictions(runs / "second", target=second["target"], weight=2 * second["weight"])
    assert "is 1 in one and 2 in the other" in hepsieve("compare", "first", "second").err
    with_predictions(runs / "second", weight=second["weight"], row=second["row"] + 10_000)
    told = hepsieve("compare", "first", "second")
    assert told.err.startswith("hepsieve: first and second: no event is in both test parts")


def test_events_of_one_class_are_refused(runs: Path) -> None:
    first, second = stored(runs / "first"), stored(runs / "second")
    shared = np.isin(second["row"], first["row"]) & (second["target"] == 1)
    rows = np.where(shared, second["row"], second["row"] + 10_000)
    with_predictions(runs / "second", row=rows)
    with pytest.raises(DataError, match=r"first and second: \d+ shared test events: .*background"):
        compare_runs([Path("first"), Path("second")], progress=Silent())


def test_a_changed_run_is_refused(hepsieve: Command, runs: Path) -> None:
    with (runs / "second" / "predictions.parquet").open("ab") as file:
        file.write(b"x")
    assert "predictions.parquet: changed since it was written" in hepsieve("compare", "first", "second").err


def test_the_page_is_whole_and_leads_to_the_runs(hepsieve: Command, runs: Path) -> None:
    told = hepsieve("compare", "first", "second", "--all", "--html", "pages/compared.html")
    assert told.out.endswith("page: pages/compared.html\n")
    text = Path("pages/compared.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.sections == ["results", "pairs", "roc", "runs"]
    links = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    to_runs = [link for link in links if link.endswith("report.html")]
    assert to_runs == ["../first/report.html", "../second/report.html"]
    assert all((Path("pages") / link).is_file() for link in to_runs)
    assert "models.trees.rounds" in page.words
    assert "What picking the best gives by itself" in page.words
    sources = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 3
    assert all(source.startswith("data:image/svg+xml") for source in sources)
    hepsieve("compare", "first", "second", "--all", "--html", "pages/compared.html")
    assert Path("pages/compared.html").read_text(encoding="utf-8") == text


def test_a_notebook_shows_the_same(hepsieve: Command, runs: Path) -> None:
    found = hs.compare("first", "second", every=True)
    assert "second/stumps" in repr(found)
    assert "<td>first/trees</td>" in found._repr_html_()
    assert "has chosen on the test events" in repr(found)


def test_folders_of_the_same_name_keep_apart(hepsieve: Command, runs: Path) -> None:
    shutil.copytree(runs / "second", runs / "elsewhere" / "first")
    content = json.loads(hepsieve("compare", "first", "elsewhere/first", "--model", "trees", "--json").out)
    assert list(content["runs"]) == ["first", "elsewhere/first"]
    assert list(content["models"]) == ["first/trees", "elsewhere/first/trees"]


def test_a_run_says_what_choosing_its_best_model_gives(runs: Path) -> None:
    content = json.loads((runs / "first" / "evaluation.json").read_text(encoding="utf-8"))
    selection = content["selection"]
    validation = {name: one["validation"]["auc"]["value"] for name, one in content["models"].items()}
    values = sorted(validation.values())
    assert (selection["on"], selection["by"], selection["winner"]) == ("validation", "auc", content["best"])
    assert selection["lead"]["value"] == pytest.approx(values[-1] - values[-2])
    of_mass = json.loads((runs / "mass" / "evaluation.json").read_text(encoding="utf-8"))["selection"]
    assert (of_mass["by"], of_mass["winner"]) == ("rmse", "deep")
