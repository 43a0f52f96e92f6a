"""The page says what the run folder holds, loads nothing, and shows names as text whatever they contain."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.report.page import without_own_scripts

from hepsieve.errors import HepsieveError
from hepsieve.evaluate.results import Evaluation, Quantity
from hepsieve.history import EpochRecord
from hepsieve.report.html import render, write
from hepsieve.report.scripts import policy

Make = Callable[..., Path]
EvaluateByHand = Callable[..., Evaluation]

# What the pages say, and not what their pictures show.
undrawn = pytest.mark.usefixtures("undrawn")

EVIL = [
    "<script>alert(1)</script>",
    "a & b $x$ _{",
    "$\\frac{",
    '" onerror="alert(2)',
    "_hidden",
    "{{ 7 * 191 }}",
    "fill: #3f90da",
    "質量",
    "x" * 300,
]


class _Page(HTMLParser):
    """Collects what a page is made of; fails on a tag that closes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _parse(text: str) -> _Page:
    page = _Page()
    page.feed(without_own_scripts(text))
    page.close()
    assert page.open == []
    return page


def _words(page: _Page) -> str:
    return " ".join(" ".join(page.text).split())


def _figures(page: _Page) -> list[str]:
    sources = [str(attributes["src"]) for tag, attributes in page.tags if tag == "img"]
    return [base64.b64decode(source.partition("base64,")[2]).decode() for source in sources]


@undrawn
def test_every_section_is_there_and_every_link_leads_to_one(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    page = _parse(render(make_run(evaluate_by_hand())))
    sections = {attributes["id"] for tag, attributes in page.tags if tag == "section"}
    assert sections >= {
        *("results", "asked", "data", "audit", "features", "correlations", "learning", "roc", "scores"),
        *("confusion", "working-points", "overtraining", "openings", "versions", "again"),
    }
    links = {str(attributes["href"]) for tag, attributes in page.tags if tag == "a"}
    assert {link.removeprefix("#") for link in links} <= sections
    assert [tag for tag, _ in page.tags].count("h1") == 1
    # 1 comparison, 6 features, 2 correlations, 3 learning curves (one model has one record), 3 ROC, 4 scores, 4 scans.
    assert len(_figures(page)) == 1 + 6 + 2 + 3 + 3 + 4 + 4


@undrawn
def test_named_working_points_come_first_with_what_was_wanted(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    words = _words(_parse(render(make_run(evaluate_by_hand(models=["trees"])))))
    table = words[words.index("The cuts were set on the validation part.") :]
    names = ("signal-30", "signal-70", "tight", "background_efficiency@0.01")
    assert [table.index(name) for name in names] == sorted(table.index(name) for name in names)
    assert "tight no background left 0.99962 0.0400 (0.0300–0.0500) 0 (0–0.0051) > 195" in table
    assert "1 % background efficiency 0.8700" not in table


@undrawn
def test_out_of_fold_figures_stand_beside_those_of_the_test_part(
    make_run: Make, evaluate_by_hand: EvaluateByHand
) -> None:
    evaluation = evaluate_by_hand(models=["trees", "mlp-torch"])
    words = _words(_parse(render(make_run(evaluation))))
    assert "All events, out of fold" in words
    assert "6,000 signal and 6,000 background" in words
    assert "background efficiency at 99 % signal 0.8100 (0.7990–0.8210) 0.8100 (0.7990–0.8210)" in words
    assert "signal efficiency above all background" in words
    models = {name: model.model_copy(update={"out_of_fold": None}) for name, model in evaluation.models.items()}
    assert "out of fold" not in _words(_parse(render(make_run(evaluation.model_copy(update={"models": models})))))


@undrawn
@pytest.mark.parametrize(
    ("set_on", "says"),
    [
        (["out-of-fold"], "set on the training part, each event scored by a training that did not see it. What"),
        (["validation", "config"], "set on the validation part; those marked “given” stand in the configuration. What"),
        (["config"], "The cuts were given in the configuration. What"),
    ],
)
def test_the_page_says_which_events_set_the_cuts(
    make_run: Make, evaluate_by_hand: EvaluateByHand, set_on: list[str], says: str
) -> None:
    evaluation = evaluate_by_hand(models=["trees"])
    points = tuple(
        point.model_copy(update={"set_on": set_on[k % len(set_on)]})
        for k, point in enumerate(evaluation.working_points["trees"])
    )
    page = render(make_run(evaluation.model_copy(update={"working_points": {"trees": points}})))
    assert says in _words(_parse(page))


@undrawn
def test_results_of_an_earlier_version_can_still_be_shown(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    run = make_run(evaluate_by_hand(models=["trees"]))
    content = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    for model in content["models"].values():
        del model["thresholds"], model["out_of_fold"]
    for points in content["working_points"].values():
        for point in points:
            del point["wanted"], point["set_on"]
    (run / "evaluation.json").write_text(json.dumps(content), encoding="utf-8")
    words = _words(_parse(render(run)))
    assert "The cuts were set on the validation part. What" in words
    assert "What each cut keeps" not in words


def test_the_page_loads_nothing_runs_nothing_and_is_small(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    run = make_run(evaluate_by_hand())
    path = write(run)
    assert path == run / "report.html"
    assert path.stat().st_size < 2_000_000
    assert [file.name for file in run.iterdir() if "part" in file.name] == []
    page = _parse(path.read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not {tag for tag, _ in page.tags} & {"link", "iframe", "object", "embed", "form"}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert str(attributes.get("src", "data:")).startswith("data:image/svg+xml;base64,") or "src" not in attributes
        assert str(attributes.get("href", "#")).startswith("#")
    policies = [attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes]
    assert policies == [policy()]
    assert "url(" not in path.read_text(encoding="utf-8")
    for svg in _figures(page):
        addresses = set(re.findall(r"https?://[^\s\"'<)]*", svg))
        assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@undrawn
def test_figures_have_a_text_for_those_who_do_not_see_them(make_run: Make) -> None:
    page = _parse(render(make_run()))
    texts = [str(attributes["alt"]) for tag, attributes in page.tags if tag == "img"]
    assert all(len(text) > 15 for text in texts)
    assert len(set(texts)) == len(texts)
    scopes = [attributes.get("scope") for tag, attributes in page.tags if tag == "th"]
    assert set(scopes) == {"col", "row", "rowgroup"}


def test_equal_folders_give_equal_bytes_wherever_they_lie(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = evaluate_by_hand(models=["trees"], features=["m_bb"])
    first, second = make_run(evaluation, name="one"), make_run(evaluation, name="two")
    assert render(first) == render(second)


@undrawn
def test_the_headline_quotes_the_best_model_with_interval_and_origin(
    make_run: Make, evaluate_by_hand: EvaluateByHand
) -> None:
    simulated = _words(_parse(render(make_run(name="simulated"))))
    # trees: AUC (1 + 2.6) / (2 + 2.6) = 0.7826 with a half width of 0.0129.
    assert "0.7826 (0.7697–0.7955)" in simulated
    assert "Measured on 2,400 simulated test events (1,200 signal, 1,200 background)" in simulated
    assert "Simulated events." in simulated
    assert "trees has the largest validation AUC, 0.7866" in simulated
    real = _words(_parse(render(make_run(evaluate_by_hand(origin="real", features=["m_bb"]), name="real"))))
    assert "Measured on 2,400 test events read from files" in real
    assert "Simulated events." not in real


@pytest.mark.parametrize("name", EVIL)
def test_names_are_shown_and_never_obeyed(make_run: Make, evaluate_by_hand: EvaluateByHand, name: str) -> None:
    features = ["m_jj", name]
    evaluation = evaluate_by_hand(features=features, models=["trees", "mlp-torch"], classes=("tt " + name, name))
    models = {name: evaluation.models["trees"], "mlp-torch": evaluation.models["mlp-torch"]}
    evaluation = evaluation.model_copy(
        update={"models": models, "best": name, "working_points": {}, "task": name, "best_by": name}
    )
    finding = {"code": name, "severity": "warn", "message": name, "column": name}
    page = _parse(render(make_run(evaluation, findings=[finding], history=[_record(name, k) for k in range(1, 4)])))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    headings = "".join(page.text)
    assert headings.count(name) > 10
    assert "1337" not in headings
    for svg in _figures(page):
        elements = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
        assert not elements & {"script", "foreignObject", "a"}


def _record(model: str, epoch: int) -> EpochRecord:
    return EpochRecord(model=model, epoch=epoch, seconds=0.1, train_loss=0.7 - 0.1 * epoch, validation_loss=0.6)


@undrawn
def test_undefined_figures_show_a_limit_or_a_dash(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = evaluate_by_hand(models=["trees"], features=["m_bb"])
    undefined = Quantity(value=None, low=None, high=None)
    model = evaluation.models["trees"]
    metrics = {
        "auc": undefined,
        "background_rejection@0.50": Quantity(value=None, low=812.4, high=None),
        "f1": Quantity(value=0.5, low=None, high=None),
        "accuracy": Quantity(value=0.5, low=0.25, high=None),
    }
    model = model.model_copy(update={"metrics": metrics, "validation": {}})
    words = _words(_parse(render(make_run(evaluation.model_copy(update={"models": {"trees": model}})))))
    assert "> 812" in words
    assert "AUC –" in words


@undrawn
@pytest.mark.parametrize("names", [["mlp-torch"], ["adaboost", "trees", "mlp-torch", "mlp-keras", "mlp-wide"]])
def test_one_model_or_five(make_run: Make, evaluate_by_hand: EvaluateByHand, names: list[str]) -> None:
    page = _parse(render(make_run(evaluate_by_hand(models=names, features=["m_bb"]))))
    words = _words(page)
    assert ("the only model" if len(names) == 1 else f"the best of {len(names)} models") in words
    assert all(name in words for name in names)


@undrawn
def test_a_dead_model_is_announced_at_the_top(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = evaluate_by_hand(features=["m_bb"])
    warning = "dead model: the loss stayed at ln 2 and all scores are equal"
    dead = evaluation.models["mlp-torch"].model_copy(update={"warnings": (warning,)})
    text = render(make_run(evaluation.model_copy(update={"models": {**evaluation.models, "mlp-torch": dead}})))
    assert text.index(warning) < text.index('<section id="results">')
    assert text.count('<span class="badge bad">warning</span>') == 1


@undrawn
def test_the_audit_section_tells_what_was_found_and_accepted(
    make_run: Make, some_findings: list[dict[str, Any]]
) -> None:
    found = _words(_parse(render(make_run(name="found", findings=some_findings))))
    assert "3 findings." in found
    assert "stop accepted by the config constant:jet4_b-tag jet4_b-tag is 0." in found
    assert found.count("accepted by the config") == 1
    clean = make_run(name="clean")
    assert "Nothing found. Looked at: 12,000 events, 28 features." in _words(_parse(render(clean)))
    (clean / "audit.json").unlink()
    assert "There is no audit.json in the run folder" in _words(_parse(render(clean)))


@undrawn
def test_repeated_openings_of_the_test_part_are_a_warning(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    once = _words(_parse(render(make_run(name="once"))))
    assert "The test part was opened once" in once
    assert "test opened" in once
    evaluation = evaluate_by_hand(features=["m_bb"]).model_copy(update={"test_openings": 3})
    assert "The test part was opened 3 times." in _words(_parse(render(make_run(evaluation, name="thrice"))))


@undrawn
def test_versions_seeds_and_the_way_back(make_run: Make) -> None:
    run = make_run()
    words = _words(_parse(render(run)))
    for expected in (
        "torch 2.13.0",
        "seeds: train 2",
        "git commit f00dfeed",
        "hepsieve run config.yaml --out ../again",
    ):
        assert expected in words
    assert "hepsieve run higgs --data 'my file.csv'" in words
    (run / "manifest.json").unlink()
    assert "the versions are not known" in _words(_parse(render(run)))


@undrawn
def test_an_unwritable_page_leaves_the_old_one(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    (run / "report.html").write_text("old", encoding="utf-8")

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(HepsieveError, match=r"report\.html: can't be written \(No space left"):
        write(run)
    assert (run / "report.html").read_text(encoding="utf-8") == "old"
