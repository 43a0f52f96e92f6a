"""Comparisons of runs in words and tables, and what a run says about the choice of its best model."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from tests.report.regressions import CONFIG, make_history, make_regression

from hepsieve.answers import Finished
from hepsieve.evaluate.leaderboard import EnsembleMembers
from hepsieve.evaluate.results import Evaluation, Quantity
from hepsieve.evaluate.run_comparison_results import ComparedModel, ComparedRun, ModelPair, RunComparison
from hepsieve.evaluate.selection import selection_of
from hepsieve.evaluate.selection_results import Selection
from hepsieve.report.compared import selection_how, selection_says
from hepsieve.report.compared_runs import (
    choice_sentence,
    events_sentence,
    model_rows,
    paired_rows,
    pairs_family,
    pairs_sentence,
    said,
    settings_table,
)
from hepsieve.report.comparison_page import pair_points, render_comparison
from hepsieve.report.html import render
from hepsieve.report.summary import results_table
from hepsieve.shown import openings

EvaluateByHand = Callable[..., Evaluation]


def chosen(*values: float) -> Selection:
    """The choice among models whose AUCs have an error of 0.002 each."""
    names = {f"m{k}": value for k, value in enumerate(values)}
    shares = np.repeat(np.eye(len(values)), 1000, axis=1) * 0.002 / np.sqrt(1000)
    return selection_of(shares, names, by="auc", on="validation", fewest=1000)


def comparison(apart: dict[tuple[str, str], float], names: tuple[str, ...] = ("a", "b", "c")) -> RunComparison:
    """Models, the best first; pairs have the p-value that ``apart`` gives them, else 1."""
    auc = Quantity(value=0.8, low=0.79, high=0.81)
    pairs = tuple(
        ModelPair(
            first=first,
            second=second,
            difference=Quantity(value=0.01, low=-0.01, high=0.03),
            p_value=apart.get((first, second), 1.0),
            p_adjusted=apart.get((first, second), 1.0),
        )
        for first, second in combinations(names, 2)
    )
    run = ComparedRun(
        path="runs/one", created="", n_test=100, test_openings=1, models=names, best="a", settings={"seed": 1}
    )
    return RunComparison(
        task="toy",
        kind="classification",
        classes=("noise", "pulse"),
        target=None,
        origin="real",
        fingerprint="f" * 64,
        runs={"one": run, "two": run.model_copy(update={"path": "runs/two", "settings": {"seed": 2}})},
        models={name: ComparedModel(run="one", model=name, best=name == "a", metrics={"auc": auc}) for name in names},
        n_events=80,
        n_signal=30,
        by="auc",
        pairs=pairs,
        selection=chosen(0.8, 0.799, 0.798),
    )


def test_no_difference_is_said() -> None:
    expected = "No significant difference in test AUC between any of 3 models after correcting for 3 comparisons (5 %)."
    assert pairs_sentence(comparison({})) == expected
    two = comparison({}, names=("a", "b"))
    assert pairs_sentence(two) == "No significant difference in test AUC between a and b (5 %)."
    assert "Holm" not in pairs_family(two)
    assert "Holm's correction for these 3 pairs" in pairs_family(comparison({}))


def test_differences_are_told_the_shorter_way() -> None:
    one_better = comparison({("a", "b"): 0.01, ("a", "c"): 0.01})
    assert pairs_sentence(one_better) == (
        "In test AUC after correcting for 3 comparisons (5 %): a is significantly better than b and c; no significant "
        "difference in the other pair."
    )
    one_worse = comparison({("a", "c"): 0.01, ("b", "c"): 0.01})
    assert "c is significantly worse than a and b;" in pairs_sentence(one_worse)
    names = tuple("abcdefghijklmn")
    many = comparison(dict.fromkeys(combinations(names, 2), 0.001), names=names)
    assert pairs_sentence(many).startswith("91 of 91 pairs differ significantly in test AUC")


def test_too_few_events_are_said() -> None:
    found = comparison({})
    unknown = tuple(pair.model_copy(update={"p_value": None, "p_adjusted": None}) for pair in found.pairs)
    blank = found.model_copy(update={"pairs": unknown, "selection": None})
    assert pairs_sentence(blank) == "Too few shared test events to compare the models in AUC."
    assert choice_sentence(blank) == ""
    assert paired_rows(blank)[0]["verdict"] == "–"


def test_tables_and_events() -> None:
    found = comparison({("a", "b"): 0.0001})
    assert [row["model"] for row in model_rows(found)] == ["a", "b", "c"]
    assert paired_rows(found)[0] == {
        "model": "a",
        "against": "b",
        "AUC difference": "0.0100 (−0.0100 to 0.0300)",
        "p": "< 0.001",
        "p after Holm": "< 0.001",
        "verdict": "significant",
    }
    assert events_sentence(found) == (
        "80 test events read from files (30 pulse, 50 noise): those that stand in every run's test part (100 of one, "
        "100 of two), so that no model has seen them."
    )
    settings = settings_table(found)
    assert settings is not None
    assert [[cell.value for cell in row] for row in settings.rows] == [["seed", "1", "2"]]


def test_what_an_ensemble_is_made_of_is_told_once_in_words_and_on_the_page() -> None:
    found = comparison({})
    (name, run), *others = found.runs.items()
    made = EnsembleMembers(name="best", weights={"a": 0.75, "b": 0.25})
    combined = run.model_copy(update={"ensemble": made, "budget": 600.0})
    two = found.model_copy(update={"runs": {name: combined, **dict(others)}})
    told = "best is the weighted mean of a (75 %) and b (25 %), within 10 min"
    assert said(two).count(f"{name}: {told}") == 1
    assert render_comparison(two, beside=Path()).count(told) == 1
    assert not any("weighted mean" in line for line in said(found))
    alone = run.model_copy(update={"ensemble": EnsembleMembers(name="best", weights={"a": 1.0})})
    assert said(two.model_copy(update={"runs": {name: alone}}))[-1] == f"{name}: best is a alone"


def test_points_are_hollow_where_not_significant() -> None:
    found = comparison({("a", "b"): 0.01})
    lines = [line for line in pair_points(found, list(found.pairs)).axes[0].get_lines() if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() == "none" for line in lines] == [False, True, True]


def test_the_page_has_a_matrix_with_both_signs() -> None:
    page = render_comparison(comparison({("a", "b"): 0.01}), beside=Path("pages"))
    assert "Row minus column" in page
    assert "−0.0100" in page
    assert 'href="../runs/one/report.html"' in page
    without = render_comparison(comparison({}, names=("a", "b")), beside=Path("pages"))
    assert "Row minus column" not in without


@pytest.mark.usefixtures("undrawn")
def test_the_choice_is_told_on_the_page(evaluate_by_hand: EvaluateByHand, make_run: Callable[..., Path]) -> None:
    plain = evaluate_by_hand(features=["a"], models=["trees", "mlp-torch"])
    assert (selection_says(plain), selection_how(plain)) == ("", "")
    found = plain.model_copy(update={"selection": chosen(0.8, 0.799)})
    # E of the larger of two less their mean: half of 2/√π of the error, 0.002/√π = 0.00113.
    assert "would lie 0.0011 (up to 0.0028) above their mean by luck alone" in selection_how(found)
    page = render(make_run(found))
    assert selection_says(found) in page
    assert selection_how(found) in page
    assert selection_says(found) in Finished(evaluation=found, report=None).summary()
    assert "The test figures above played no part in the choice." in page


@pytest.mark.usefixtures("undrawn")
def test_a_model_chosen_after_looking_twice_is_labelled(
    evaluate_by_hand: EvaluateByHand, make_run: Callable[..., Path]
) -> None:
    label = "chosen after 3 openings of the test part"
    once = evaluate_by_hand(features=["a"], models=["trees", "mlp-torch"])
    assert label not in render(make_run(once))
    twice = once.model_copy(update={"test_openings": 3})
    page = render(make_run(twice, name="twice"))
    assert f'<span class="badge bad">{label}</span>' in page
    assert "played no part in the choice" not in page
    assert [row["model"] for row in results_table(twice) if "★" in row["model"]] == [f"{twice.best} ★ ({label})"]
    assert f"{twice.best} was {label}" in Finished(evaluation=twice, report=None).summary()
    assert openings(twice).endswith(f"best by validation: {twice.best} ({label})")


@pytest.mark.usefixtures("undrawn")
def test_a_regression_tells_the_choice_too(make_run: Callable[..., Path]) -> None:
    found = selection_of(np.repeat(np.eye(2), 100, axis=1) / 1e5, {"trees": 0.05, "told": 0.06}, by="rmse",
                         on="out-of-fold", fewest=100)  # fmt: skip
    evaluation = make_regression().model_copy(update={"selection": found})
    page = render(make_run(evaluation, config=CONFIG, history=make_history(list(evaluation.models))))
    assert escape(found.says) in page
    assert "trees leads told out of fold by 0.0100 in RMSE" in found.says
    assert "below their mean by luck alone" in page
