"""A portfolio's leaderboard holds the figures of the run that it belongs to."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from tests.report.regressions import make_regression

from hepsieve.config import load_task
from hepsieve.evaluate.compare import compare_to_best
from hepsieve.evaluate.evaluation import models_of, read_evaluation
from hepsieve.evaluate.leaderboard import Leaderboard, LeftOut, Span
from hepsieve.evaluate.results import Scored
from hepsieve.events import Events, Origin
from hepsieve.folder import RunFolder, open_run
from hepsieve.judge import Judged
from hepsieve.judge_regression import JudgedRegression
from hepsieve.portfolio_told import Told, judged_again
from hepsieve.report.leaderboard_sentences import ensemble_sentence, gain_how


def judged(run: RunFolder) -> Judged:
    """What judging the toy run gave, from what it stored."""
    table = pyarrow.parquet.read_table(run.path / "predictions.parquet")
    target, weight = np.asarray(table["target"]), np.asarray(table["weight"])
    test = Events(
        features=np.zeros((len(target), 1), np.float32),
        target=target.astype(np.float32),
        weight=weight.astype(np.float32),
        names=("a",),
        units=("",),
        group=None,
        origin=Origin(kind="real", sources=("toy.csv",), fingerprint="0" * 64, details={}),
    )
    scores = {name: np.asarray(table[f"score_{name}"]) for name in run.evaluation.models}
    evaluation = run.evaluation
    assert evaluation.kind == "classification"
    return Judged(evaluation=evaluation, test=test, scores=scores, held_out={})


@pytest.fixture(scope="module")
def run(finished: Path) -> RunFolder:
    return open_run(finished)


def told(run: RunFolder, ensemble: str, weights: dict[str, float]) -> Told:
    """As if this model of the run was an ensemble of the others."""
    return Told(
        config=run.config,
        ensemble=ensemble,
        weights=weights,
        budget=60.0,
        used=57.5,
        at_once=2,
        skipped=(LeftOut(name="wide", why="60 s were left", needs=90.0),),
        spans=(Span(what="net", begin=5, end=50), Span(what="trees", kind="pilot", begin=1, end=2)),
    )


def board_of(run: RunFolder, ensemble: str, weights: dict[str, float]) -> Leaderboard:
    found = told(run, ensemble, weights).beside(judged(run)).leaderboard
    assert found is not None
    return found


@pytest.mark.parametrize("ensemble", ["trees", "stumps", "net"])
def test_figures_and_differences_are_those_of_the_run(run: RunFolder, ensemble: str) -> None:
    others = [name for name in run.evaluation.models if name != ensemble]
    board = board_of(run, ensemble, dict.fromkeys(others, 0.5))
    models = models_of(run.evaluation)
    assert {row.name for row in board.rows} == set(models)
    best = max(others, key=lambda name: models[name].validation["auc"].value or 0)
    assert board.best_single == best == board.rows[1].name
    for row in board.rows[1:]:
        assert row.test == models[row.name].metrics["auc"]
        assert row.difference is not None
        apart = (row.test.value or 0) - (models[ensemble].metrics["auc"].value or 0)
        assert row.difference.value == pytest.approx(apart, abs=1e-9)
        assert row.seconds == models[row.name].train_seconds
    assert board.gain.value == pytest.approx(-(board.row(best).difference or board.gain).value, abs=0)  # type: ignore[operator]
    own = judged(run)
    scored = {
        name: Scored(target=own.test.target.astype(float), score=one, weight=own.test.weight.astype(float))
        for name, one in own.scores.items()
    }
    (same,) = [one for one in compare_to_best(scored, ensemble) if one.model == best]
    assert board.p_value == pytest.approx(same.p_value)
    assert [span.what for span in board.spans] == ["trees", "net"]


def test_weights_chosen_on_validation_make_its_lead_there_no_evidence(run: RunFolder) -> None:
    plain = judged(run)
    assert plain.evaluation.selection is not None
    found = told(run, "net", {"stumps": 0.25, "trees": 0.75}).beside(plain)
    assert found.selection is None
    assert found.leaderboard is not None
    assert list(found.leaderboard.ensemble.weights) == ["trees", "stumps"]
    assert found.leaderboard.on == "validation"
    assert read_evaluation(found.to_json()) == found


def test_judged_again_the_leaderboard_is_the_same_and_on_other_events_another(run: RunFolder) -> None:
    first = judged(run)
    board = told(run, "trees", {"stumps": 0.5, "net": 0.5}).beside(first).leaderboard
    assert judged_again(None, first, run.config) is first.evaluation
    assert judged_again(board, first, run.config).leaderboard == board
    half = np.arange(len(first.test)) % 2 == 0
    fewer = replace(first, test=first.test[half], scores={name: one[half] for name, one in first.scores.items()})
    # As judged on these events, another model is the best.
    other = replace(fewer, evaluation=first.evaluation.model_copy(update={"best": "net"}))
    again = judged_again(board, other, run.config).leaderboard
    assert again is not None
    assert board is not None
    assert again.gain != board.gain
    assert (again.best_single, again.budget, again.spans) == (board.best_single, board.budget, board.spans)


def test_cross_validated_it_was_chosen_out_of_fold(run: RunFolder) -> None:
    plain = judged(run)
    data = plain.evaluation.data.model_copy(update={"folds": 3})
    folds = replace(plain, evaluation=plain.evaluation.model_copy(update={"data": data}))
    board = told(run, "net", {"stumps": 0.25, "trees": 0.75}).beside(folds).leaderboard
    assert board is not None
    assert board.on == "out-of-fold"
    assert "the out-of-fold figure prefers" in gain_how(board)
    assert "on out-of-fold scores of the training events" in ensemble_sentence(board)
    again = judged_again(board, folds, run.config).leaderboard
    assert again == board


def test_the_example_of_the_docs_is_a_portfolio(toy: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "portfolio.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(portfolio:.*?)```", text, flags=re.DOTALL)
    toy.write_text(toy.read_text() + example)
    portfolio = load_task(toy).portfolio
    assert portfolio is not None
    assert list(portfolio.models) == ["trees", "mlp-torch"]
    # What the text says of both numbers.
    assert (portfolio.seeds, portfolio.steps) == (4, 40)


def test_of_a_regression_a_smaller_error_is_a_gain(run: RunFolder) -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(0.2, 0.8, 300)
    noise = rng.normal(scale=0.05, size=(2, 300))
    made = {"mean": noise.mean(axis=0), "one": noise[0], "two": noise[1]}
    predictions = {name: np.clip(truth + error, 0, 1) for name, error in made.items()}
    evaluation = make_regression(list(made), limit=False).model_copy(update={"best": "one"})
    own = judged(run).test
    test = own.replace(
        features=np.zeros((300, 1), np.float32), target=truth.astype(np.float32), weight=np.ones(300, np.float32)
    )
    regression = JudgedRegression(evaluation=evaluation, test=test, scores=predictions, widths={}, held_out={})
    config = run.config.model_copy(
        update={"evaluate": run.config.evaluate.model_copy(update={"select": "rmse", "resamples": 200})}
    )
    found = replace(told(run, "mean", {"one": 0.5, "two": 0.5}), config=config).beside(regression)
    board = found.leaderboard
    assert board is not None
    assert (board.metric, board.by, board.best_single) == ("rmse", "rmse", "one")
    errors = {name: float(np.sqrt(np.mean((one - test.target) ** 2))) for name, one in predictions.items()}
    assert board.gain.value == pytest.approx(errors["one"] - errors["mean"], rel=1e-6)
    assert (board.gain.low or 0) > 0
    assert board.significant
