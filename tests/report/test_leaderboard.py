"""What a page and a terminal show of a portfolio and its ensemble."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.browser import Browser
from tests.report.conftest import CONFIG, around, write_run
from tests.report.leaderboards import KINDS, make_board, portfolio_evaluation
from tests.report.page import Page
from tests.report.regressions import make_history, make_regression

from hepsieve.answers import Finished, LeaderboardShown
from hepsieve.console import show_results
from hepsieve.evaluate.evaluation import read_evaluation
from hepsieve.evaluate.leaderboard import EnsembleMembers, Leaderboard, Span
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.results import FeatureRanking
from hepsieve.report.contents import CLASSIFICATION, contents
from hepsieve.report.features import feature_table
from hepsieve.report.html import render, write
from hepsieve.report.inputs import RunRecord, read_run
from hepsieve.report.leaderboard_figures import difference_forest, far_rows, figure_forest
from hepsieve.report.leaderboard_pictures import leaderboard_pictures
from hepsieve.report.leaderboard_section import board_rows, leaderboard_section
from hepsieve.report.leaderboard_sentences import (
    budget_sentence,
    ensemble_sentence,
    gain_how,
    gain_sentence,
    only_some,
    portfolio_sentence,
)
from hepsieve.report.learning import learning_section
from hepsieve.report.summary_sentences import summary_sentences
from hepsieve.report.time_figure import time_bars, time_rows

Make = Callable[..., Path]
UNDEFINED = Quantity(value=None, low=None, high=None)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """A run with a portfolio of four models."""
    return read_run(write_run(tmp_path_factory.mktemp("portfolio") / "run", portfolio_evaluation(make_board())))


def said(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def board(**changed: Any) -> Leaderboard:
    return make_board().model_copy(update=changed)


def test_a_leaderboard_comes_back_from_json_and_older_evaluations_have_none() -> None:
    evaluation = portfolio_evaluation(make_board())
    assert read_evaluation(evaluation.to_json()) == evaluation
    older = json.loads(evaluation.to_json())
    del older["leaderboard"]
    assert read_evaluation(json.dumps(older)).leaderboard is None


def test_a_gain_is_told_with_its_interval_and_whether_it_is_significant() -> None:
    assert said(gain_sentence(make_board())) == (
        "The ensemble gained 0.0030 (0.0010–0.0050) in test AUC over tabm, the best single model; "
        "significant, p = 0.004."
    )
    assert said(gain_sentence(make_board(gain=around(0.001, 0.003), p=0.51))) == (
        "The ensemble gained 0.0010 (−0.0020 to 0.0040) in test AUC over tabm, the best single model; "
        "not significant, p = 0.510."
    )
    # A loss is told as what it is, with its ends in their order.
    assert said(gain_sentence(make_board(gain=around(-0.004, 0.001), p=1e-9))) == (
        "The ensemble lost 0.0040 (0.0030–0.0050) in test AUC against tabm, the best single model; "
        "significant, p < 0.001."
    )


def test_where_nothing_can_be_gained_or_told_the_sentence_says_so() -> None:
    alone = board(ensemble=EnsembleMembers(name="ensemble", weights={"tabm": 1.0}))
    assert gain_sentence(alone) == "The ensemble is tabm, the best single model, alone: no other model improved it."
    assert ensemble_sentence(alone).endswith("kept tabm alone.")
    assert "The gain is" not in gain_how(alone)
    assert portfolio_sentence(alone) == f"4 models within 10 min. {gain_sentence(alone)}"
    assert gain_sentence(board(gain=UNDEFINED, p_value=None)).startswith("Too few test events")
    assert "it gained nothing" in gain_sentence(board(gain=around(0.0, 0.0), p_value=1.0))
    # Of a single model nothing was selected, corrected or trained at the same time.
    single = make_board(1)
    assert gain_sentence(single).endswith("alone: no other model was trained.")
    assert (gain_how(single), ensemble_sentence(single)) == ("", "")
    assert budget_sentence(single).startswith("1 model trained within a budget")
    summary = Finished(evaluation=portfolio_evaluation(single), report=None).summary()
    assert summary.count("alone") == 1
    assert "No significant difference" not in summary


def test_of_an_ensemble_the_inputs_are_those_of_its_best_members() -> None:
    evaluation = portfolio_evaluation(make_board())
    looked = {"tabm": {"m_bb": around(0.1, 0.01)}, "mlp": {"m_bb": around(0.2, 0.01)}}
    some = evaluation.model_copy(update={"ranking": FeatureRanking(importances=looked)})
    assert only_some(some) == "Of the 4 models the best single one and those with the largest weights. "
    assert "AUC lost when shuffled, tabm" in feature_table(some).columns
    assert only_some(some.model_copy(update={"leaderboard": None})) == ""
    everything = FeatureRanking(importances={row.name: looked["mlp"] for row in make_board().rows[1:]})
    assert only_some(evaluation.model_copy(update={"ranking": everything})) == ""


def test_the_budget_and_the_ensemble_in_words() -> None:
    assert budget_sentence(make_board()) == (
        "4 models trained, 2 at a time, within a budget of 10 min, of which 9 min 41 s (97 %) went by before the "
        "evaluation. 1 model of the portfolio did not fit in and was left out. 1 model could not be trained."
    )
    told = ensemble_sentence(make_board())
    assert "weighted mean of 3 models: tabm (55 %), mlp (30 %) and trees (15 %)" in told
    assert "on the validation part" in told
    assert "out-of-fold scores" in ensemble_sentence(board(on="out-of-fold"))
    weights = {f"m{k}": 0.1 for k in range(10)}
    many = board(ensemble=EnsembleMembers(name="ensemble", weights=weights))
    assert "m0 (10 %), m1 (10 %), m2 (10 %), m3 (10 %) and 6 more." in ensemble_sentence(many)
    assert portfolio_sentence(make_board()).startswith(
        "4 models within 10 min; ensemble is the weighted mean of tabm (55 %)"
    )


@pytest.mark.usefixtures("undrawn")
def test_the_page_has_the_section_once_and_only_where_there_was_a_portfolio(make_run: Make) -> None:
    page = Page(render(make_run(portfolio_evaluation(make_board()))))
    assert page.sections.count("leaderboard") == 1
    assert ("a", {"href": "#leaderboard"}) in page.tags
    for words in (
        "tabm-large skipped: it would have taken about 700 s, and 95 s were left.",
        "forest failed: the loss is no number in epoch 2.",
        "stopped after 12 of 30 epochs",
        "One model was trained with a second seed.",
    ):
        assert words in page.words
    # The leaderboard's own pictures take the place of these two.
    assert "Differences from ensemble" not in page.words
    plain = portfolio_evaluation(make_board()).model_copy(update={"leaderboard": None})
    assert leaderboard_section(plain) == {"leaderboard": None}
    known = {one.needs: True for one in CLASSIFICATION} | {"leaderboard": None}
    assert "leaderboard" not in [one.id for one in contents(CLASSIFICATION, known)]
    assert Page(render(make_run(plain))).words.count("Differences from ensemble") == 1


@pytest.mark.usefixtures("undrawn")
def test_of_many_models_those_that_matter_have_learning_curves(make_run: Make) -> None:
    many = make_board(9)
    weights = {"tabm": 0.5, "trees-2": 0.3, "mlp": 0.2}
    rows = tuple(
        row.model_copy(update={"weight": None if row.name == "ensemble" else weights.get(row.name, 0.0)})
        for row in many.rows
    )
    changed = many.model_copy(
        update={"rows": rows, "ensemble": EnsembleMembers(name="ensemble", weights=weights), "best_single": "trees"}
    )
    names = [row.name for row in rows[1:]]
    run = make_run(portfolio_evaluation(changed), history=make_history(names))
    found = learning_section(read_run(run))
    assert [one.title for one in found["learning"]][:4] == ["trees", "tabm", "trees-2", "mlp"]
    assert (len(found["learning"]), found["learning_left"]) == (6, 3)
    assert found["curveless"] == {}
    assert "The numbers of the other 3 are in history.jsonl" in Page(render(run)).words
    few = read_run(make_run(portfolio_evaluation(make_board()), history=make_history(list(KINDS)), name="few"))
    assert (len(learning_section(few)["learning"]), learning_section(few)["learning_left"]) == (4, 0)


@pytest.mark.usefixtures("undrawn")
def test_a_regression_has_it_too(make_run: Make) -> None:
    regression = make_regression(["trees"], limit=False)
    with_board = regression.model_copy(update={"leaderboard": make_board(metric="rmse")})
    page = Page(render(make_run(with_board, history=make_history(["trees"]))))
    assert page.sections.count("leaderboard") == 1
    assert "in test RMSE over tabm, the best single model" in page.words
    assert "a paired bootstrap" in page.words


def test_the_summary_tells_the_gain_and_that_figures_on_validation_are_too_good(record: RunRecord) -> None:
    evaluation = record.evaluation
    summary = summary_sentences(record, evaluation)
    assert said(summary.found).endswith("significant, p = 0.004.")
    assert "the weights of ensemble were chosen on the validation events" in " ".join(
        (summary.distrust.lower(), *(one.lower() for one in summary.further))
    )
    # Where another model is the best, it is quoted, and no weights were chosen for it.
    other = summary_sentences(record, evaluation.model_copy(update={"best": "tabm"}))
    assert "weights of ensemble" not in " ".join((other.distrust, *other.further))


def test_the_table_has_every_model_and_terminals_what_fits() -> None:
    rows = board_rows(make_board())
    assert [row["model"] for row in rows] == ["ensemble ★", "tabm", "mlp", "trees", "adaboost"]
    assert [row["weight"] for row in rows] == ["–", "55 %", "30 %", "15 %", "0"]
    assert rows[1]["AUC − ensemble"] == "−0.0030 (−0.0050 to −0.0010)"
    assert (rows[0]["p (Holm)"], rows[1]["p (Holm)"], rows[2]["p (Holm)"]) == ("–", "0.004 *", "< 0.001 *")
    level = board_rows(make_board(gain=around(0.001, 0.003), p=0.51))
    assert level[1]["p (Holm)"] == "0.510"
    shown = LeaderboardShown(board=make_board())
    assert set(shown.shown()) < set(rows[0])
    assert "out-of-fold AUC" in board_rows(board(on="out-of-fold"))[0]


def test_on_a_terminal_of_80_columns_names_and_figures_stay_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    show_results(Finished(evaluation=portfolio_evaluation(make_board(6)), report=None))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    table = [line for line in lines if line[:1] in ("┏", "┃", "┡", "│", "└")]
    assert max(map(len, table)) <= 80
    assert any(line.startswith("│ adaboost ") for line in table)
    assert any("−0.0050 to −0.0010" in line for line in table)
    assert sum("The ensemble gained" in line for line in lines) == 1


def test_forests_mark_the_ensemble_its_members_and_what_is_not_significant() -> None:
    figure = figure_forest(make_board(), places=4)
    marks = [
        line
        for line in figure.axes[0].get_lines()
        if line.get_marker() in ("*", "o", "D") and line.get_markersize() > 5
    ]
    assert [line.get_marker() for line in marks] == ["*", "o", "o", "o", "D"]
    places = [float(np.asarray(line.get_xdata(), float)[0]) for line in marks]
    assert places == pytest.approx([row.test.value for row in make_board().rows])
    level = difference_forest(make_board(gain=around(0.001, 0.003), p=0.51), places=4)
    faces = [line.get_markerfacecolor() for line in level.axes[0].get_lines() if line.get_marker() in ("o", "D")]
    assert [face == "none" for face in faces] == [True, False, False, False]


def test_a_far_worse_model_does_not_squeeze_the_others() -> None:
    plain = make_board(8)
    assert far_rows(plain) == frozenset()
    worst = plain.rows[-1].model_copy(update={"test": around(0.5, 0.01), "difference": around(-0.31, 0.01)})
    spoilt = plain.model_copy(update={"rows": (*plain.rows[:-1], worst)})
    assert far_rows(spoilt) == {worst.name}
    for drawn in (figure_forest(spoilt, places=4), difference_forest(spoilt, places=4)):
        low, high = drawn.axes[0].get_xlim()
        assert high - low < 0.06
    pictures = leaderboard_pictures(spoilt)
    assert all("Arrows: far worse" in pictures[name].note for name in ("figures", "differences"))
    assert "Arrows" not in leaderboard_pictures(plain)["figures"].note


def test_time_has_a_row_for_each_model_and_lanes_for_folds_side_by_side() -> None:
    spans = (
        Span(what="reading the data", kind="other", begin=0, end=10),
        Span(what="tabm, fold 1 of 2", begin=10, end=100),
        Span(what="tabm, fold 2 of 2", begin=10, end=90),
        Span(what="trees, fold 1 of 2", kind="pilot", begin=100, end=102),
        Span(what="trees, fold 1 of 2", begin=102, end=150),
        Span(what="tabm-seed2, fold 1 of 2", begin=150, end=200),
        Span(what="mlp-seed3, fold 1 of 2", begin=200, end=250),
    )
    rows = time_rows(board(spans=spans))
    assert list(rows) == ["reading the data", "tabm", "trees", "further seeds, not kept"]
    assert [len(lanes) for lanes in rows.values()] == [1, 2, 1, 1]
    bars = time_bars(board(spans=spans)).axes[0].patches
    assert len(bars) == len(spans)
    # In minutes; the two folds side by side are half as high each, one above the other.
    boxes = [bar.get_extents().transformed(bar.axes.transData.inverted()) for bar in bars if bar.axes is not None]
    first, second = (box for box in boxes if box.x0 == pytest.approx(10 / 60))
    assert first.width == pytest.approx(1.5)
    assert max(first.y0, first.y1) <= min(second.y0, second.y1) + 1e-9
    short = board(spans=(Span(what="tabm", begin=0, end=20),), budget=30.0)
    assert time_bars(short).axes[0].get_xlabel() == "seconds since the start"


def test_what_is_plotted_can_be_downloaded_and_is_only_there_if_known() -> None:
    pictures = leaderboard_pictures(make_board())
    assert list(pictures) == ["figures", "differences", "weights", "time"]
    assert pictures["weights"].csv.splitlines() == ["model,weight", "tabm,0.55", "mlp,0.3", "trees,0.15"]
    assert list(pictures["differences"].numbers) == [
        "model",
        "AUC minus that of the ensemble",
        "low",
        "high",
        "p",
        "p after Holm",
    ]
    bare = board(spans=(), ensemble=EnsembleMembers(name="ensemble", weights={"tabm": 1.0}))
    assert list(leaderboard_pictures(bare)) == ["figures", "differences"]
    unknown = tuple(row.model_copy(update={"difference": None, "test": UNDEFINED}) for row in make_board().rows)
    assert list(leaderboard_pictures(board(rows=unknown, spans=()))) == ["figures", "weights"]


@pytest.mark.browser
def test_the_section_fits_a_phone_and_has_no_fault(browser: Browser, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", portfolio_evaluation(make_board(4)), config=CONFIG)
    browser.open(write(run), width=390)
    content, window = browser.widths()
    assert content <= window == 390
    assert browser.console() == []
    browser.look(width=390, scheme="dark")
    assert browser.faults() == []
    browser.look(width=1280)
    names = "return [...document.querySelectorAll('#leaderboard tbody tr')].map(r => r.cells[0].firstChild.textContent)"
    assert browser.run(names)[:3] == ["ensemble", "tabm ", "mlp"]
    browser.find("#leaderboard th:nth-child(6) button.sort").click()
    figures = browser.run(
        "return [...document.querySelectorAll('#leaderboard tbody tr')].map(r => Number(r.cells[5].dataset.sort))"
    )
    assert figures == sorted(figures)
    # Every figure is drawn within its column of the page.
    sizes = browser.run(
        "return [...document.querySelectorAll('#leaderboard img')].map(i => [i.naturalWidth, i.clientWidth])"
    )
    assert len(sizes) == 4
    assert all(natural > 0 and 300 < width <= 620 for natural, width in sizes)
