"""Three sentences at the top: what was asked, what came out with its interval, and the most serious doubt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.report.page import Page
from tests.report.regressions import CONFIG, make_history, make_regression

from hepsieve.evaluate.calibration_results import Calibration, Changed, Reliability, ReliabilityBin
from hepsieve.evaluate.results import Evaluation, Quantity
from hepsieve.evaluate.selection_results import Selection
from hepsieve.evaluate.slice_results import Difference
from hepsieve.report.html import render
from hepsieve.report.inputs import read_run
from hepsieve.report.summary_sentences import Summary, reasons, summary_sentences

Make = Callable[..., Path]
EvaluateByHand = Callable[..., Evaluation]
UNSURE = Quantity(value=0.001, low=-0.001, high=0.003)


def told(run: Path) -> Summary:
    record = read_run(run)
    return summary_sentences(record, record.evaluation)


@pytest.mark.usefixtures("undrawn")
def test_a_classification_in_three_sentences(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    run = make_run(evaluate_by_hand(models=["adaboost", "trees"], features=["m_bb"]))
    summary = told(run)
    assert summary.asked == (
        "2 models had to tell signal from background, judged on 2,400 simulated test events (1,200 signal, 1,200 "
        "background), on which nothing was fitted, stopped early or chosen."
    )
    # trees: AUC (1 + 2.6) / (2 + 2.6) = 0.7826 with a half width of 0.0129.
    assert summary.found == (
        "trees, the best of 2 models, chosen on the validation part, reaches an AUC of 0.7826, 95 % interval "
        "0.7697–0.7955."
    )
    assert summary.distrust == (
        "Every event was simulated, and how far the generator describes real data no interval here tells."
    )
    words = Page(render(run)).words
    for sentence in (summary.asked, summary.found, summary.distrust):
        assert sentence in words
        assert sentence.endswith(".")
        assert ". " not in sentence


def selection() -> Selection:
    return Selection(
        on="validation", by="auc", winner="trees", runner_up="adaboost", lead=UNSURE, lead_over_mean=UNSURE,
        expected_lead=0.002, expected_high=0.004, expected_over_mean=0.001, expected_over_mean_high=0.002, p_value=0.6,
        p_ahead=0.6, n_models=2, says="",
    )  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_the_most_serious_doubt_comes_first(
    make_run: Make, evaluate_by_hand: EvaluateByHand, some_findings: list[dict[str, Any]]
) -> None:
    evaluation = evaluate_by_hand(models=["adaboost", "trees"], features=["m_bb"])
    warned = evaluation.models["trees"].model_copy(update={"warnings": ("dead model: all scores are equal",)})
    doubtful = evaluation.model_copy(
        update={
            "models": {**evaluation.models, "trees": warned},
            "test_openings": 3,
            "selection": selection(),
            "data": evaluation.data.model_copy(update={"n_signal": {"test": 12}, "n_background": {"test": 1200}}),
        }
    )
    record = read_run(make_run(doubtful, findings=some_findings))
    found = list(reasons(record, record.evaluation))
    starts = (
        "the best model carries a warning, dead model: all scores are equal",
        "the test part was opened 3 times",
        "the audit would have stopped the run, had the config not accepted it: jet4_b-tag is 0",
        "the audit warns: 14 rows stand in the data more than once",
        "the lead of trees over adaboost is no more than choosing the best of 2 equal models",
        "every event was simulated",
        "there are only 12 signal test events",
        "all figures come from one data set and one training with seed 1",
        "the overtraining check of trees says that mild overtraining",
    )
    assert [one[: len(start)] for one, start in zip(found, starts, strict=True)] == list(starts)
    run = make_run(doubtful, name="again", findings=some_findings)
    summary = told(run)
    assert summary.distrust.startswith("The best model carries a warning")
    assert len(summary.further) == len(starts) - 1
    words = Page(render(run)).words
    assert "8 more doubts" in words
    assert all(doubt in words for doubt in summary.further)


@pytest.mark.parametrize("low", [0.01, 0.06])
def test_scores_that_are_no_probabilities_are_a_doubt(
    make_run: Make, evaluate_by_hand: EvaluateByHand, low: float
) -> None:
    evaluation = evaluate_by_hand(models=["trees"], features=["m_bb"])
    metrics = {**evaluation.models["trees"].metrics, "ece": Quantity(value=0.08, low=low, high=0.1)}
    model = evaluation.models["trees"].model_copy(update={"metrics": metrics})
    record = read_run(make_run(evaluation.model_copy(update={"models": {"trees": model}})))
    doubts = [one for one in reasons(record, record.evaluation) if "no probabilities" in one]
    assert bool(doubts) == (low > 0.05)


def reliability(off: int) -> Reliability:
    """Ten bins at scores of 0.05 to 0.95, the first ``off`` of them with a share of signal that is not the score."""
    bins = []
    for k in range(10):
        share = (k + 0.5) / 10
        signal = Quantity(value=share, low=share - 0.03, high=share + 0.03)
        bins.append(ReliabilityBin(score=share + 0.04 * (k < off), signal=signal, events=100, weight=100.0))
    return Reliability(bins=tuple(bins))


@pytest.mark.parametrize(("off", "doubted"), [(0, False), (3, False), (4, True), (10, True)])
def test_the_reliability_diagram_tells_whether_scores_are_probabilities(
    make_run: Make, evaluate_by_hand: EvaluateByHand, off: int, doubted: bool
) -> None:
    evaluation = evaluate_by_hand(models=["trees"], features=["m_bb"])
    trees = evaluation.models["trees"]
    calibration = Calibration(
        method="temperature", applied=True, why="A reason.", before=reliability(10), after=reliability(off),
        ece=Changed(before=UNSURE), log_loss=Changed(before=UNSURE), brier=Changed(before=UNSURE),
    )  # fmt: skip
    # A large error of old scores tells nothing beside the diagram of those that are quoted.
    metrics = {**trees.metrics, "ece": Quantity(value=0.08, low=0.06, high=0.1)}
    model = trees.model_copy(update={"calibration": calibration, "metrics": metrics})
    record = read_run(make_run(evaluation.model_copy(update={"models": {"trees": model}})))
    doubts = [one for one in reasons(record, record.evaluation) if "no probabilities" in one]
    assert bool(doubts) == doubted
    assert not doubted or f"in {off} of 10 bins" in doubts[0]


@pytest.mark.parametrize(
    ("column", "figure", "doubted"),
    [("d", "bias", False), ("d", "rmse", True), ("z", "bias", True), ("", "bias", False)],
)
def test_a_profile_that_differs_is_a_doubt(make_run: Make, column: str, figure: str, doubted: bool) -> None:
    evaluation = make_regression()
    best = evaluation.models[evaluation.best]
    differs = {figure: Difference(quantity=UNSURE, p_value=0.001, p_adjusted=0.002)}
    profiles = [
        profile.model_copy(
            update={
                "column": name,
                "bins": (profile.bins[0].model_copy(update={"differs": differs if name == column else {}}),),
            }
        )
        for name, profile in zip(("d", "z"), (best.profiles[0], best.profiles[0]), strict=True)
    ]
    model = best.model_copy(update={"profiles": tuple(profiles)})
    made = evaluation.model_copy(update={"models": {**evaluation.models, evaluation.best: model}})
    record = read_run(make_run(made, config=CONFIG, history=make_history(list(made.models))))
    doubts = [one for one in reasons(record, record.evaluation) if "differ significantly" in one]
    assert bool(doubts) == doubted
    assert not doubted or f"by {column}," in doubts[0]


def test_a_regression_in_three_sentences(make_run: Make) -> None:
    evaluation = make_regression()
    summary = told(make_run(evaluation, config=CONFIG, history=make_history(list(evaluation.models))))
    assert summary.asked == (
        "2 models had to measure d (1 is 30 mm), judged on 400 simulated test events, on which nothing was fitted, "
        "stopped early or chosen."
    )
    assert summary.found == (
        "trees, the best of 2 models, chosen on the validation part, reaches an RMSE of 0.0200, 95 % interval "
        "0.0190–0.0210, as a share of the full scale of d, significantly ahead of every other model."
    )
    assert summary.distrust.startswith("Every event was simulated")


def test_without_an_audit_nobody_knows(make_run: Make, evaluate_by_hand: EvaluateByHand) -> None:
    run = make_run(evaluate_by_hand(models=["trees"], features=["m_bb"], origin="real"))
    (run / "audit.json").unlink()
    assert told(run).distrust.startswith("The run folder holds no audit")
