"""The page of a regression: its sentences, its tables, and pictures that stay readable with many models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.report.regressions import CONFIG, make_history, make_limit, make_regression

from hepsieve.answers import Finished
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.report.html import render
from hepsieve.report.inputs import read_run
from hepsieve.report.learning import learning_section
from hepsieve.report.regression import (
    drawn_models,
    light_sentence,
    limit_caption,
    limit_sentence,
    regression_context,
)
from hepsieve.report.summary import metric_title

Make = Callable[..., Path]
TWELVE = tuple(f"scan-{k}" for k in range(12))


@pytest.fixture
def make(make_run: Make) -> Callable[[RegressionEvaluation], Path]:
    """A run folder around a regression."""

    def folder(evaluation: RegressionEvaluation) -> Path:
        return make_run(evaluation, config=CONFIG, history=make_history(list(evaluation.models)))

    return folder


def words(page: str) -> str:
    """The text of a page in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.split("</style>")[1]).split())


def test_the_page_says_how_far_off_predictions_are(make: Callable[[RegressionEvaluation], Path]) -> None:
    page = render(make(make_regression()))
    text = words(page)
    assert "RMSE 0.0200 (0.0190–0.0210)" in text
    # 0.02 of 30 mm.
    assert "models had to measure d (1 is 30 mm), judged on 400 simulated test events" in text
    assert "as a share of the full scale of d" in text
    assert "0.600 (0.570–0.630) mm" in text
    assert "For d above one pulse width (0.123, 3.7 mm) the RMSE of trees is 1.50 (1.40–1.60) times" in text
    assert "a maximum-likelihood fit comes to 1.04 (0.94–1.14) times." in text
    assert "apart: regression of d, of which 1 is 30 mm" in text
    assert "with 95 % intervals, over 350 test events (of the fit: 130)" in text
    assert "maximum-likelihood fit 1.04 (0.94–1.14)" in text
    assert "What the light alone allows lies at most 1.7 % above the bound." in text
    assert 'alt="Of told, on train and validation, by epoch: loss, accuracy to 0.1, RMSE."' in page
    assert "open squares: fits of 150 waveforms" in text
    for section in ("results", "limit", "resolution", "against", "intervals", "pulls", "learning", "overtraining"):
        assert f'<section id="{section}">' in page
        assert f'<a href="#{section}">' in page
    assert "All networks on validation" not in page
    assert 'src="http' not in page


@pytest.mark.usefixtures("undrawn")
def test_without_a_bound_there_is_no_section_about_it(make: Callable[[RegressionEvaluation], Path]) -> None:
    page = render(make(make_regression(("trees",), limit=False)))
    assert 'href="#limit"' not in page
    assert 'href="#pulls"' not in page
    assert "Cramér" not in page
    assert "the only model" in page
    assert "is compared with" not in page


@pytest.mark.usefixtures("undrawn")
def test_widths_for_all_have_no_interval(make: Callable[[RegressionEvaluation], Path]) -> None:
    context = regression_context(read_run(make(make_regression())), make_regression())
    rows = [[str(entry) for entry in row] for row in context["intervals"].rows]
    assert rows == [
        ["trees", "68.0 %", "0.6700 (0.6400–0.7000)", "0.0200", "one width for all"],
        ["told", "68.0 %", "0.6700 (0.6400–0.7000)", "0.0250 (0.0225–0.0275)", "scaled by predicted widths"],
    ]


@pytest.mark.usefixtures("undrawn")
def test_of_many_models_pictures_show_the_best_on_validation(make: Callable[[RegressionEvaluation], Path]) -> None:
    evaluation = make_regression(TWELVE)
    last = evaluation.models["scan-11"].model_copy(update={"validation": evaluation.models["scan-0"].validation})
    unknown = evaluation.models["scan-1"].model_copy(update={"validation": {"rmse": UNDEFINED}})
    models = {**evaluation.models, "scan-11": last, "scan-1": unknown}
    evaluation = evaluation.model_copy(update={"models": models})
    assert drawn_models(evaluation) == ("scan-0", "scan-2", "scan-3", "scan-11")
    context = regression_context(read_run(make(evaluation)), evaluation)
    assert context["drawn_note"] == "Drawn: the 4 models that are best on validation."
    assert context["residuals"].note.endswith(context["drawn_note"])
    assert [one.title for one in context["profiles"]] == [
        "RMSE by d",
        "Bias by d",
        "RMSE by electrons",
        "Bias by electrons",
    ]
    # Every model still has a row, a picture of its own and learning curves; and all stand in one picture.
    assert len(context["limit_table"].rows) == 13
    assert len(context["against"]) == len(context["learning"]) == 12
    assert context["learning_overview"].note == "Each on its own is below. Thick: scan-0."


@pytest.mark.usefixtures("undrawn")
def test_trees_have_no_epochs_to_stand_beside_networks(make: Callable[[RegressionEvaluation], Path]) -> None:
    four = ("trees", "a", "b", "c", "d")
    assert learning_section(read_run(make(make_regression(four))))["learning_overview"] is None
    record = read_run(make(make_regression((*four, "e"))))
    assert learning_section(record)["learning_overview"].note == ""


def test_the_sentence_about_the_bound_says_when_nothing_is_known() -> None:
    evaluation = make_regression()
    assert evaluation.limit is not None
    ratios = {"trees": UNDEFINED, "told": UNDEFINED}
    unknown = evaluation.model_copy(update={"limit": evaluation.limit.model_copy(update={"ratios": ratios})})
    assert limit_sentence(unknown) == "Fewer than ten test events have d above one pulse width (0.123, 3.7 mm)."
    assert unknown.limit is not None
    unbounded = unknown.model_copy(update={"limit": unknown.limit.model_copy(update={"n_unbounded": 3})})
    assert limit_sentence(unbounded).endswith("(0.123, 3.7 mm) and a finite bound.")
    unfitted = evaluation.model_copy(update={"limit": evaluation.limit.model_copy(update={"fit_ratio": UNDEFINED})})
    assert limit_sentence(unfitted).endswith("is 1.50 (1.40–1.60) times the Cramér–Rao bound.")
    assert limit_sentence(make_regression(limit=False)) == ""


def test_the_bound_says_which_events_it_rests_on() -> None:
    limit = make_limit(["trees"])
    what = "RMSE over the bound, for pulses further apart than one pulse width, with 95 % intervals"
    some = limit.model_copy(update={"n_unbounded": 2, "light_ratio": None})
    assert limit_caption(some) == (
        f"{what}, over 350 test events (of the fit: 130); left out, without a finite bound: 2"
    )
    assert limit_caption(limit.model_copy(update={"n_fits_apart": 0})) == f"{what}, over 350 test events"
    assert limit_caption(limit.model_copy(update={"n_apart": 0})) == what
    assert light_sentence(some) == ""


def test_a_terminal_shows_the_figures_of_a_regression() -> None:
    few = Finished(evaluation=make_regression(), report=None)
    assert few.shown() == ("model", "RMSE", "bias", "resolution", metric_title("tolerance_accuracy@0.1"))
    assert set(few.shown()) <= set(few.table()[0])
    assert "times the Cramér–Rao bound" in few.summary()
    assert (few.slices(), few.slices_shown(), few.slices_below(), few.slices_note()) == ([], (), {}, "")
    many = Finished(evaluation=make_regression(TWELVE), report=None)
    assert many.shown() == ("model", "validation RMSE", "RMSE", "against best")
    assert set(many.shown()) <= set(many.table()[0])
