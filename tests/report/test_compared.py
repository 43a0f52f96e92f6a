"""Comparisons and slices in words, tables and figures, from results made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from hepsieve.evaluate.results import Comparison, Evaluation, Quantity, Slice, Slices
from hepsieve.report.compared import comparison_family, comparison_sentence, difference_points
from hepsieve.report.figures import auc_comparison
from hepsieve.report.html import render
from hepsieve.report.slices import slice_caption, slice_columns, slice_curves, slice_note, slice_rows, slice_table
from hepsieve.report.summary import results_parts, results_table

EvaluateByHand = Callable[..., Evaluation]
UNDEFINED = Quantity(value=None, low=None, high=None)
MASSES = (500.0, 1000.0, 1500.0)


def compared(model: str, value: float, p: float) -> Comparison:
    difference = Quantity(value=value, low=value - 0.002, high=value + 0.002)
    return Comparison(model=model, difference=difference, p_value=p / 3, p_adjusted=p)


def sliced(models: list[str]) -> Slices:
    slices = tuple(
        Slice(
            value=mass,
            n_signal=1000 + k,
            n_background=2000 + k,
            auc={
                name: Quantity(value=0.7 + 0.1 * k, low=0.69 + 0.1 * k, high=0.71 + 0.1 * k)
                if (name, mass) != ("adaboost", 500)
                else UNDEFINED
                for name in models
            },
        )
        for k, mass in enumerate(MASSES)
    )
    return Slices(column="mass", unit="GeV", slices=slices, trained_on={"mlp-keras": (500.0, 1500.0)})


@pytest.fixture
def evaluation(evaluate_by_hand: EvaluateByHand) -> Evaluation:
    """Four models; trees is the best, adaboost significantly lower, the networks not."""
    plain = evaluate_by_hand(features=["a", "b"])
    comparisons = (compared("adaboost", -0.06, 1e-9), compared("mlp-torch", -0.001, 0.21), compared("mlp-keras", 0, 1))
    return plain.model_copy(update={"comparisons": comparisons, "slices": sliced(list(plain.models))})


def points(figure: Figure, marker: str = "o") -> list[tuple[float, bool]]:
    """The abscissa of every single point, and whether it is filled."""
    lines = [line for line in figure.axes[0].get_lines() if line.get_marker() == marker]
    places = [(np.asarray(line.get_xdata(), dtype=np.float64), line.get_markerfacecolor() != "none") for line in lines]
    return [(float(x[0]), filled) for x, filled in places if len(x) == 1]


def test_the_results_table_has_the_comparisons(evaluation: Evaluation) -> None:
    rows = {row["model"].removesuffix(" ★"): row for row in results_table(evaluation)}
    titles = list(rows["trees"])
    assert titles[:8] == [
        *("model", "framework", "parameters", "epochs", "seconds", "validation AUC", "AUC", "accuracy"),
    ]
    assert titles[8:10] == ["AUC − best", "against best"]
    assert (rows["trees"]["AUC − best"], rows["trees"]["against best"]) == ("–", "best")
    assert rows["adaboost"]["AUC − best"] == "−0.0600 (−0.0620 to −0.0580)"
    assert rows["adaboost"]["against best"] == "lower (p < 0.001)"
    assert rows["mlp-torch"]["against best"] == "not significant (p = 0.210)"
    assert rows["mlp-keras"]["against best"] == "not significant (p = 1.000)"
    first, second = results_parts(evaluation)
    assert list(first[0]) == [*titles[:2], *titles[5:10]]
    assert list(second[0]) == ["model", *titles[2:5], *titles[10:]]


def test_one_model_alone_keeps_its_table(evaluate_by_hand: EvaluateByHand) -> None:
    alone = evaluate_by_hand(features=["a"], models=["trees"])
    assert "against best" not in results_table(alone)[0]
    first, second = results_parts(alone)
    assert len(first[0]) == 9
    assert {*first[0], *second[0]} == set(results_table(alone)[0])
    assert comparison_sentence(alone) == ""
    assert slice_rows(alone) == []
    assert (slice_table(alone), slice_columns(alone), slice_note(alone), slice_caption(alone)) == (None, (), "", "")


def test_the_sentence_says_what_differs(evaluation: Evaluation) -> None:
    assert comparison_sentence(evaluation) == (
        "Test AUC against trees after correcting for 3 comparisons (5 %): adaboost lies significantly below; no "
        "significant difference for the other 2."
    )
    higher = (compared("adaboost", -0.06, 0.001), compared("mlp-torch", 0.01, 0.04), compared("mlp-keras", 0, 1))
    assert comparison_sentence(evaluation.model_copy(update={"comparisons": higher})) == (
        "Test AUC against trees after correcting for 3 comparisons (5 %): adaboost lies significantly below, mlp-torch "
        "lies significantly above; no significant difference for mlp-keras."
    )
    none = evaluation.model_copy(update={"comparisons": (compared("adaboost", -0.001, 0.06),)})
    assert comparison_sentence(none) == "No significant difference in test AUC between trees and adaboost (5 %)."
    unknown = Comparison(model="adaboost", difference=UNDEFINED, p_value=None, p_adjusted=None)
    told = comparison_sentence(evaluation.model_copy(update={"comparisons": (unknown,)}))
    assert told == "Too few test events to compare the AUCs with that of trees."


def test_the_family_is_named(evaluation: Evaluation) -> None:
    assert "Holm's correction for these 3 comparisons" in comparison_family(evaluation)
    one = evaluation.model_copy(update={"comparisons": (compared("adaboost", -0.001, 0.06),)})
    assert comparison_family(one).startswith("adaboost is compared with trees on the same test events")
    assert "Holm" not in comparison_family(one)


def test_differences_are_drawn_hollow_where_not_significant(evaluation: Evaluation) -> None:
    assert points(difference_points(evaluation)) == [(-0.06, True), (-0.001, False), (0.0, False)]


def test_test_and_validation_points_of_twelve_models() -> None:
    aucs = {f"scan-{k}": (0.8 + 0.01 * k, 0.79 + 0.01 * k, 0.81 + 0.01 * k) for k in range(12)}
    validation = {"scan-3": (0.5, 0.4, 0.6)}
    figure = auc_comparison(aucs, validation)
    drawn = points(figure)
    assert [x for x, filled in drawn if filled] == [value for value, _, _ in aucs.values()]
    assert [x for x, filled in drawn if not filled] == [0.5]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(aucs)


def test_the_slice_table_marks_what_a_model_never_saw(evaluation: Evaluation) -> None:
    rows = slice_rows(evaluation)
    assert [row["mass [GeV]"] for row in rows] == ["500", "1000", "1500", "all"]
    assert (rows[1]["signal events"], rows[1]["background events"]) == ("1,001", "2,001")
    assert rows[1]["mlp-keras"] == "0.8000° (0.7900–0.8100)"
    assert rows[1]["mlp-torch"] == "0.8000 (0.7900–0.8100)"
    assert rows[0]["adaboost"] == "–"
    assert rows[3]["signal events"] == "1,200"
    assert rows[3]["mlp-keras"].startswith("0.7647 (")
    assert "° the model learned from no event with this mass" in slice_note(evaluation)
    assert "mlp-keras learned from 500, 1500 only." in slice_caption(evaluation)


def test_a_terminal_shows_the_best_and_those_that_miss_values(evaluation: Evaluation) -> None:
    shown = slice_columns(evaluation)
    # Then the next best on validation: mlp-torch (0.7707) before adaboost.
    assert shown == ("mass [GeV]", "signal events", "trees", "mlp-keras", "mlp-torch")


def test_values_that_lie_close_stand_evenly(evaluation: Evaluation) -> None:
    assert evaluation.slices is not None
    models = list(evaluation.models)
    figure = slice_curves(evaluation.slices, models)
    assert figure.axes[0].get_xticks().tolist() == list(MASSES)
    hollow = [x for x, filled in points(figure, "D") if not filled]
    assert len(hollow) == 1
    assert abs(hollow[0] - 1000) < 250
    close = tuple(
        one.model_copy(update={"value": value})
        for one, value in zip(evaluation.slices.slices, (1, 2, 1e6), strict=True)
    )
    even = slice_curves(evaluation.slices.model_copy(update={"slices": close}), models)
    assert even.axes[0].get_xticks().tolist() == [0, 1, 2]
    assert [label.get_text() for label in even.axes[0].get_xticklabels()] == ["1", "2", "1e+06"]


def test_a_single_slice_can_be_drawn(evaluation: Evaluation) -> None:
    assert evaluation.slices is not None
    one = evaluation.slices.model_copy(update={"slices": evaluation.slices.slices[:1]})
    assert slice_curves(one, list(evaluation.models)).axes[0].get_xticks().tolist() == [0]


@pytest.mark.usefixtures("undrawn")
def test_the_page_tells_all_of_it(evaluation: Evaluation, make_run: Callable[..., Path]) -> None:
    page = render(make_run(evaluation))
    assert '<section id="slices">' in page
    assert '<a href="#slices">Slices</a>' in page
    assert comparison_sentence(evaluation) in page
    assert "Differences from trees" in page
    assert "0.8000°" in page
    assert "drawn by chance" not in page
    plain = render(make_run(evaluation.model_copy(update={"comparisons": (), "slices": None}), name="plain"))
    assert "slices" not in plain
    assert "Which differences are significant" not in plain


@pytest.mark.usefixtures("undrawn")
def test_the_page_says_where_only_some_training_events_were_looked_at(
    evaluation: Evaluation, make_run: Callable[..., Path]
) -> None:
    data = evaluation.data.model_copy(
        update={"n_train": 5_040_000, "n_train_judged": 500_000, "n_train_shown": 1_000_000}
    )
    page = render(make_run(evaluation.model_copy(update={"data": data})))
    assert page.count("Train figures from 500,000 of 5,040,000 training events, drawn by chance.") == 2
    assert page.count("Drawn from 1,000,000 of 5,040,000 training events, drawn by chance.") == 2
