"""What a page and a terminal show of a search for settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.report.browser import Browser
from tests.report.conftest import CONFIG, make_evaluation, write_run
from tests.report.page import Page
from tests.report.regressions import make_history, make_regression
from tests.report.tunings import make_six, make_tuning

from hepsieve.answers import TrialsShown
from hepsieve.evaluate.evaluation import read_evaluation
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.results import Comparison, Evaluation
from hepsieve.evaluate.tuning import Setting, TriedPoint, Tuning
from hepsieve.report.contents import CLASSIFICATION, contents
from hepsieve.report.html import render, write
from hepsieve.report.inputs import RunRecord, read_run
from hepsieve.report.summary_sentences import summary_sentences
from hepsieve.report.tuning_axes import Axis, axes_of
from hepsieve.report.tuning_figures import history_points, parallel_lines, rung_lines, shown_range
from hepsieve.report.tuning_pictures import tuning_pictures
from hepsieve.report.tuning_section import TuningSection, best_trials, settings_yaml, tuning_section
from hepsieve.report.tuning_sentences import failures, tuned_sentence
from hepsieve.tune_config import TuneConfig

Make = Callable[..., Path]
SPACE = TuneConfig.model_validate(
    {
        "space": {
            "models.trees.max_depth": {"int": [2, 8]},
            "models.mlp.dropout": {"float": [0, 0.5]},
            "models.mlp.widths": {"choice": [[64, 64], [300, 300, 300]]},
            "train.learning_rate": {"log": [1e-4, 1e-1]},
        }
    }
).space


def tuned_evaluation(tuning: Tuning) -> Evaluation:
    """Two models, the second with searched settings and ahead of the first."""
    evaluation = make_evaluation(features=["m_bb"], models=["adaboost", "trees"])
    models = {"trees": evaluation.models["adaboost"], "trees-tuned": evaluation.models["trees"]}
    ahead = Comparison(
        model="trees", difference=Quantity(value=-0.06, low=-0.07, high=-0.05), p_value=1e-9, p_adjusted=1e-9
    )
    update = {"models": models, "best": "trees-tuned", "tuning": tuning, "comparisons": (ahead,), "working_points": {}}
    return evaluation.model_copy(update=update)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """A run with the search of six trials."""
    return read_run(write_run(tmp_path_factory.mktemp("tuned") / "run", tuned_evaluation(make_six())))


@pytest.fixture(scope="module")
def section(record: RunRecord) -> TuningSection:
    found = tuning_section(record)["tuning"]
    assert isinstance(found, TuningSection)
    return found


def test_a_search_comes_back_from_json_and_older_evaluations_have_none() -> None:
    evaluation = tuned_evaluation(make_six())
    assert read_evaluation(evaluation.to_json()) == evaluation
    older = json.loads(evaluation.to_json())
    del older["tuning"]
    read = read_evaluation(json.dumps(older))
    assert read.tuning is None


@pytest.mark.usefixtures("undrawn")
def test_the_page_has_the_section_once_and_only_where_there_was_a_search(record: RunRecord, make_run: Make) -> None:
    page = Page(render(make_run(tuned_evaluation(make_six()))))
    assert page.sections.count("tuning") == 1
    assert ("a", {"href": "#tuning"}) in page.tags
    for words in ("Trial 3 failed: the training loss is no number (nan) in epoch 2", "6 trials of 4 settings"):
        assert words in page.words
    assert "The search was interrupted once and went on." in page.words
    plain = tuning_section(replace(record, evaluation=record.evaluation.model_copy(update={"tuning": None})))
    assert plain == {"tuning": None}
    known = {one.needs: True for one in CLASSIFICATION} | plain
    assert "tuning" not in [one.id for one in contents(CLASSIFICATION, known)]


@pytest.mark.usefixtures("undrawn")
def test_a_regression_has_it_too(make_run: Make) -> None:
    regression = make_regression(["trees"], limit=False)
    tuning = make_tuning(20, 3, metric="rmse", folds=5)
    run = make_run(regression.model_copy(update={"tuning": tuning}), history=make_history(["trees"]))
    page = Page(render(run))
    assert page.sections.count("tuning") == 1
    assert "by the RMSE on held-out events of 5 folds inside the training part, the smaller the better" in page.words


def test_few_trials_are_all_in_the_table_and_of_many_the_best_ones_first(section: TuningSection) -> None:
    assert [row.number for row in section.rows] == [0, 1, 2, 3, 4, 5]
    assert section.all_rows == ()
    assert [row.number for row in section.rows if row.best] == [4]
    failed = section.rows[3]
    assert (failed.state, failed.figure, failed.epochs) == ("failed", "–", "–")
    # The columns are model, max_depth, dropout and batch_size; a network has no depth.
    assert failed.settings == ("mlp", "–", "0.3", "512")
    many = make_tuning(200, 3)
    best = best_trials(many, 5)
    figures = [trial.figure or 0.0 for trial in best]
    assert best[0].number == many.best
    assert figures == sorted((t.figure or 0.0 for t in many.trials), reverse=True)[:5]


def test_a_stopped_trial_is_not_among_the_best_before_finished_ones() -> None:
    six = make_six()
    ahead = six.trials[5].model_copy(update={"figure": 0.99})
    ordered = best_trials(six.model_copy(update={"trials": (*six.trials[:5], ahead)}), 4)
    assert [trial.number for trial in ordered] == [4, 0, 1, 5]


def test_equal_reasons_are_told_once() -> None:
    told = failures(make_tuning(200, 1))
    assert len(told) == 2
    assert told[0].startswith("Trials 4, 22, 40")
    assert told[0].endswith("failed: the loss is no number")
    assert failures(make_tuning(3, 1)) == ()


def test_the_summary_tells_of_the_search_and_of_a_choice_that_was_luck(record: RunRecord) -> None:
    evaluation = tuned_evaluation(make_six())
    said = summary_sentences(record, evaluation)
    assert said.found.endswith("Its settings are the best of 6 trials, by validation AUC.")
    doubts = " ".join((said.distrust, *said.further))
    assert "chosen among" not in doubts
    six = make_six()
    assert six.optimism is not None
    luck = six.optimism.model_copy(update={"difference": Quantity(value=0.02, low=0.01, high=0.03)})
    lucky = evaluation.model_copy(update={"tuning": six.model_copy(update={"optimism": luck})})
    said = summary_sentences(record, lucky)
    doubts = " ".join((said.distrust, *said.further))
    assert "by which trees-tuned was chosen among 6 trials looks better than that on test by 0.0200" in doubts
    other = evaluation.model_copy(update={"best": "trees"})
    assert summary_sentences(record, other).found.endswith("gave trees-tuned, which is not ahead of it.")


def test_the_tuned_model_stands_beside_the_untuned_one(record: RunRecord) -> None:
    said = tuned_sentence(tuned_evaluation(make_six()))
    assert "a significant difference (−0.060" in said
    assert "trees minus trees-tuned, paired" in said
    without = make_six().model_copy(update={"untuned": None})
    assert tuned_sentence(tuned_evaluation(without)) == ""


def test_settings_to_copy_are_a_piece_of_a_task() -> None:
    settings: dict[str, Setting] = {"model": "mlp", "models.mlp.widths": "300, 300, 300", "train.learning_rate": 1e-05}
    assert settings_yaml(settings, SPACE) == (
        "models:\n  mlp:\n    widths: [300, 300, 300]\ntrain: {learning_rate: 1e-05}\n"
    )
    assert settings_yaml({"model": "trees"}, SPACE) == ""


def axis(path: str, *values: str | float | bool | None, known: bool = True) -> Axis:
    trials = tuple(
        TriedPoint(number=k, settings={path: value}, state="finished", figure=0.5, seconds=1.0)
        for k, value in enumerate(values)
    )
    tuning = Tuning(
        metric="auc", better="larger", method="random", parameters=(path,), trials=trials, best=0, tuned="mlp"
    )
    (found,) = axes_of(tuning, SPACE if known else {})
    return found


def test_axes_are_as_long_as_what_was_to_be_searched() -> None:
    dropout = axis("models.mlp.dropout", 0.1, 0.3)
    assert (dropout.low, dropout.high, dropout.log) == (0.0, 0.5, False)
    assert dropout.at(0.125) == pytest.approx(0.25)
    rate = axis("train.learning_rate", 0.001, 0.01)
    assert (rate.ends, rate.log) == (("0.0001", "0.1"), True)
    # 10⁻² is two of three decades up; marks stand at the decades between the ends.
    assert rate.at(0.01) == pytest.approx(2 / 3)
    assert rate.ticks() == pytest.approx((1 / 3, 2 / 3))
    widths = axis("models.mlp.widths", "300, 300, 300")
    assert list(widths.places) == ["64, 64", "300, 300, 300"]
    assert widths.at("300, 300, 300") == 1.0


def test_axes_of_an_unknown_space_follow_the_values() -> None:
    assert axis("a.b", 1.0, 1000.0, known=False).log
    assert not axis("a.b", 1.0, 50.0, known=False).log
    mixed = axis("a.b", None, True, 3, known=False)
    assert mixed.places == {"null": 0.0, "true": 0.5, "3": 1.0}
    # A single value stands in the middle.
    assert axis("a.b", 3, known=False).at(3) == 0.5
    assert axis("a.b", "only", known=False).at("only") == 0.5


def test_a_setting_that_a_trial_lacks_is_a_gap() -> None:
    six = make_six()
    searched = axes_of(six, {})
    drawn = parallel_lines(six, searched)
    orange = [line for line in drawn.axes[0].get_lines() if line.get_linewidth() == 2.8]
    (winner,) = orange
    places = np.asarray(winner.get_ydata(), float)
    # model, max_depth, dropout (of networks alone), batch_size, figure, and the end of the line.
    assert np.isfinite(places).tolist() == [True, True, False, True, True, False]
    low, high = shown_range(six)
    assert places[4] == pytest.approx((0.7934 - low) / (high - low))


def test_of_errors_the_smaller_is_above() -> None:
    tuning = make_tuning(20, 3, metric="rmse")
    drawn = parallel_lines(tuning, axes_of(tuning, {}))
    ends = [np.asarray(line.get_ydata(), float)[3] for line in drawn.axes[0].get_lines() if line.get_linewidth() == 2.8]
    assert ends[0] > 0.8


def test_the_history_marks_each_state_and_the_best_so_far() -> None:
    figure = history_points(make_six(), untuned=0.76)
    lines = {str(line.get_label()): line for line in figure.axes[0].get_lines()}
    assert set(lines) >= {"finished", "stopped", "failed", "best", "best so far", "the task's own settings"}
    assert np.asarray(lines["best so far"].get_ydata()).tolist() == [0.7801, 0.7801, 0.7934]
    assert np.asarray(lines["failed"].get_xdata()).tolist() == [3]
    assert np.asarray(lines["stopped"].get_xdata()).tolist() == [2, 5]
    rungs = rung_lines(make_six()).axes[0].get_lines()
    assert any(np.asarray(line.get_xdata()).tolist() == [0.3333, 1.0] for line in rungs)


def test_far_worse_trials_do_not_squeeze_the_others() -> None:
    tuning = make_tuning(20, 1)
    far = tuning.trials[3].model_copy(update={"figure": -50.0})
    spoilt = tuning.model_copy(update={"trials": (*tuning.trials[:3], far, *tuning.trials[4:])})
    assert shown_range(spoilt)[0] > 0.5
    note = tuning_pictures(spoilt, {}, untuned=None)["history"].note
    assert "far worse than the others: pale, at the edge." in note


def test_what_is_plotted_can_be_downloaded() -> None:
    pictures = tuning_pictures(make_six(), {}, untuned=None)
    assert set(pictures) == {"history", "lines", "importance", "optimism", "rungs"}
    assert pictures["history"].csv.splitlines()[4] == "3,failed,,4.5"
    assert pictures["lines"].numbers["models.mlp.dropout"] == [None, 0.1, 0.45, 0.3, None, None]
    assert pictures["importance"].numbers["importance"] == [0.55, 0.3, 0.1, 0.05]
    bare = make_tuning(1, 1).model_copy(update={"importance": {}, "optimism": None})
    assert set(tuning_pictures(bare, {}, untuned=None)) == {"history", "lines"}


def test_two_hundred_trials_take_little_of_the_page() -> None:
    pictures = tuning_pictures(make_tuning(200, 10, method="halving"), {}, untuned=None)
    assert sum(len(one.source) + len(one.csv) for one in pictures.values()) < 230_000


def test_a_terminal_shows_the_best_five_and_what_the_choice_is_worth() -> None:
    shown = TrialsShown(tuning=make_tuning(20, 10))
    rows = shown.rows()
    assert len(rows) == 5
    assert rows[0]["trial"].endswith(" ★")
    figures = [float(row["validation AUC"]) for row in rows]
    assert all(first >= second for first, second in pairwise(figures))
    assert set(shown.shown()) < set(rows[0])
    assert len(shown.shown()) == 7
    note = shown.note().splitlines()
    assert note[0].startswith("20 trials, 2 failed; the best is trial ")
    assert note[-1].startswith("Chosen among 18 trials by a validation AUC of ")


@pytest.mark.browser
def test_the_section_fits_a_phone_and_has_no_fault(browser: Browser, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", tuned_evaluation(make_tuning(20, 10, method="halving")), config=CONFIG)
    browser.open(write(run), width=380)
    content, window = browser.widths()
    assert content <= window == 380
    assert browser.console() == []
    browser.run("document.querySelectorAll('#tuning details').forEach(one => one.open = true)")
    assert browser.faults() == []
    browser.look(width=380, scheme="dark")
    assert browser.faults() == []
    browser.find("#tuning details th:nth-child(3) button.sort").click()
    figures = browser.run(
        "return [...document.querySelectorAll('#tuning details tbody tr')].map(r => r.cells[2].textContent)"
    )
    judged = [float(value) for value in figures if value != "–"]
    assert judged == sorted(judged)
    browser.command("Emulation.setEmulatedMedia", media="print")
    assert browser.find("#tuning details th:nth-child(3)").text.startswith("validation AUC")
    assert figures[len(judged) :] == ["–"] * (len(figures) - len(judged))
