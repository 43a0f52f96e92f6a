"""`hepsieve run --budget`: a portfolio by the clock, its ensemble a model of the run, and mistakes in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from tests.conftest import Told

from hepsieve.config import load_task
from hepsieve.errors import ConfigError
from hepsieve.folder import open_run
from hepsieve.models.portfolio import default_portfolio
from hepsieve.portfolio_run import TimeBudget
from hepsieve.tune.portfolio_plan import TooShort

PORTFOLIO = """\
explain: {permutations: 0, backward: false}
portfolio:
  seeds: 2
  models:
    trees: {kind: trees, rounds: 30, max_depth: 3, subsample: 0.7}
    deep: {kind: trees, rounds: 20, max_depth: 5, without: [b]}
    {NET}stumps: {kind: adaboost, estimators: 10}
"""
NET = "net: {kind: mlp, widths: [8], epochs: 3}\n    "


@pytest.fixture
def budgeted(toy: Path) -> Path:
    """The toy task with a portfolio of trees, which end long before any budget; the path of its file."""
    toy.write_text(toy.read_text() + PORTFOLIO.replace("{NET}", ""))
    return toy


@pytest.mark.usefixtures("undrawn")
def test_the_ensemble_is_a_model_of_the_run_that_scores_by_itself(
    hepsieve: Callable[..., Told], budgeted: Path
) -> None:
    told = hepsieve("run", budgeted, "--budget", "20m", "--jobs", 1, "--out", "r", "--quiet")
    assert told.status == 0, told.err
    run = open_run(Path("r"))
    board = run.evaluation.leaderboard
    assert board is not None
    assert {"ensemble", "trees", "deep", "stumps"} <= set(run.evaluation.models) == set(run.config.models)
    assert sum(board.ensemble.weights.values()) == pytest.approx(1)
    assert board.used <= board.budget == 1200
    assert {span.kind for span in board.spans} == {"pilot", "training", "other"}
    assert "with weights that were chosen without the events that they score" in told.out
    assert not any("-seed" in note for note in board.notes)
    log = Path("r/events.log").read_text()
    assert log.count("test opened") == run.evaluation.test_openings == 1
    assert hepsieve("score", "r", "toy.csv", "-o", "scored.csv", "--model", "ensemble", "--quiet").status == 0
    scores = pyarrow.csv.read_csv("scored.csv")["score_ensemble"].to_numpy()
    assert scores.shape == (600,)
    assert np.ptp(scores) > 0.3
    told = hepsieve("export", "r", "--to", "keras", "--model", "ensemble")
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "none of its models is a network" in told.err


@pytest.mark.cluster
@pytest.mark.usefixtures("undrawn")
def test_the_ensemble_is_judged_again_and_trained_again_as_it_was(
    hepsieve: Callable[..., Told], budgeted: Path
) -> None:
    assert hepsieve("run", budgeted, "--budget", "20m", "--jobs", 1, "--out", "r", "--quiet").status == 0
    run = open_run(Path("r"))
    assert hepsieve("evaluate", "r", "--quiet").status == 0
    again = open_run(Path("r")).evaluation
    assert again.models["ensemble"].metrics == run.evaluation.models["ensemble"].metrics
    # The record of the run is a task that trains and combines the same models.
    assert hepsieve("run", "r/config.yaml", "--out", "same", "--quiet").status == 0
    first, second = (json.loads(Path(name, "evaluation.json").read_text()) for name in ("r", "same"))
    assert first["models"]["ensemble"]["metrics"]["auc"] == second["models"]["ensemble"]["metrics"]["auc"]


@pytest.mark.cluster
@pytest.mark.usefixtures("undrawn")
def test_with_folds_all_that_is_selected_by_is_out_of_fold(hepsieve: Callable[..., Told], budgeted: Path) -> None:
    budgeted.write_text(budgeted.read_text().replace("    stumps: {kind: ada", f"    {NET}stumps: {{kind: ada"))
    told = hepsieve("run", budgeted, "--budget", "20m", "--out", "r", "--quiet", "--set", "train.folds=3")
    assert told.status == 0, told.err
    run = open_run(Path("r"))
    assert run.evaluation.leaderboard is not None
    assert run.evaluation.leaderboard.on == "out-of-fold"
    assert "out-of-fold AUC" in " ".join(run.evaluation.leaderboard.notes)
    board = run.evaluation.leaderboard
    history = [json.loads(line) for line in Path("r/history.jsonl").read_text().splitlines()]
    assert {record["fold"] for record in history} == {1, 2, 3}
    figures = {row.name: row.validation.value or 0 for row in board.rows}
    assert figures["ensemble"] >= max(value for name, value in figures.items() if name != "ensemble") - 1e-9


@pytest.mark.cluster
@pytest.mark.usefixtures("undrawn")
def test_the_same_trainings_give_the_same_ensemble_also_when_they_are_taken_over(
    hepsieve: Callable[..., Told], budgeted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgeted.write_text(budgeted.read_text().replace("    stumps: {kind: ada", f"    {NET}stumps: {{kind: ada"))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hepsieve.workflow.calibrated", interrupted)
        assert hepsieve("run", budgeted, "--budget", "20m", "--jobs", 2, "--out", "r", "--quiet").status == 130
    assert not Path("r").exists()
    assert hepsieve("run", budgeted, "--budget", "20m", "--jobs", 1, "--out", "r", "--quiet").status == 0
    assert Path("r/events.log").read_text().count("training taken over") >= 4
    assert hepsieve("run", budgeted, "--budget", "20m", "--jobs", 2, "--out", "anew", "--quiet").status == 0
    boards = [open_run(Path(name)).evaluation.leaderboard for name in ("r", "anew")]
    assert boards[0] is not None
    assert boards[1] is not None
    assert boards[0].ensemble == boards[1].ensemble
    assert [row.test for row in boards[0].rows] == [row.test for row in boards[1].rows]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "soon"], "--budget soon: write seconds, or a time such as 45s, 10m or 1h30m"),
        (["--budget", "0s"], "--budget 0s: must be above 0"),
        (["--budget", "1m", "--models", "nothing"], "no model 'nothing' in the portfolio of toy; it has trees, deep"),
        (["--budget", "1m", "--engine", "dask"], "is spent on this machine; leave --engine dask out"),
        (["--budget", "1m", "--set", "portfolio.models.trees.shards=2"], "leave shards out"),
        (["--budget", "1m", "--set", "portfolio.models.trees.kind=oak"], "portfolio.models.trees: "),
        (["--budget", "1m", "--set", "portfolio.models.net-seed2.kind=mlp"], "one of those of further seeds"),
        (["--budget", "1m", "--set", "train.processes=2"], "with --budget every training has one process"),
    ],
)
def test_a_mistake_gets_one_line(
    hepsieve: Callable[..., Told], budgeted: Path, arguments: list[str], said: str
) -> None:
    told = hepsieve("run", budgeted, *arguments, "--out", "r", "--quiet")
    assert (told.status, told.err.count("\n")) == (2, 1), told.err
    assert said in told.err
    assert not Path("r").exists()


@pytest.mark.cluster  # its times are those of a machine that does nothing else
@pytest.mark.usefixtures("undrawn")
def test_a_budget_that_is_too_short_names_one_that_is_not(hepsieve: Callable[..., Told], budgeted: Path) -> None:
    told = hepsieve("run", budgeted, "--budget", "0.01s", "--jobs", 1, "--out", "r", "--quiet")
    assert (told.status, told.err.count("\n")) == (2, 1), told.err
    assert "--budget 0.01s: too short for trees, the first model of the portfolio" in told.err
    assert not Path("r").exists()
    named = re.search(r"the shortest that works is about (\d+s)$", told.err.strip())
    assert named is not None
    assert hepsieve("run", budgeted, "--budget", named[1], "--jobs", 1, "--out", "r", "--quiet").status == 0


def test_the_shortest_budget_has_room_for_what_went_by_and_what_comes() -> None:
    budget = TimeBudget.of("10s", began=0.0, clock=lambda: 0.0)
    error = budget.too_short(TooShort("net", 5.0, 20.0))
    # 1.3 times 25 s and one more in 98 % of the time.
    assert str(error).endswith("the shortest that works is about 35s")


@pytest.mark.parametrize(("text", "seconds"), [("45s", 45), ("10m", 600), ("1h30m", 5400), ("90", 90), ("0.5m", 30)])
def test_a_budget_is_written_as_a_time(text: str, seconds: float) -> None:
    assert TimeBudget.of(text, began=0.0).seconds == seconds


def test_trainings_end_early_enough_for_what_comes_behind_them() -> None:
    budget = TimeBudget.of("100s", began=0.0)
    assert budget.deadline(0.0) == pytest.approx(98)
    assert budget.deadline(7.5) == pytest.approx(90.5)


@pytest.mark.parametrize("text", ["", "ten", "-5", "5 parsecs", "nan"])
def test_what_is_no_time_is_no_budget(text: str) -> None:
    with pytest.raises(ConfigError, match="write seconds, or a time such as"):
        TimeBudget.of(text, began=0.0)


@pytest.mark.parametrize("sees", ["tables", "images", "waveforms"])
def test_every_kind_of_data_has_a_portfolio(sees: str) -> None:
    portfolio = default_portfolio(sees)  # type: ignore[arg-type]
    assert len(portfolio.models) >= 3
    assert {model.kind for model in portfolio.models.values()} > {"trees"}


def test_an_ensemble_names_models_of_its_task(toy: Path) -> None:
    text = toy.read_text()
    toy.write_text(text.replace("  net:", "  both: {kind: ensemble, members: {trees: 1, net: 3}}\n  net:"))
    config = load_task(toy)
    assert config.ensembles()["both"].members == {"trees": 0.25, "net": 0.75}
    assert list(config.trained(["both"])) == ["trees", "net"]
    toy.write_text(text.replace("  net:", "  both: {kind: ensemble, members: {trees: 1, wood: 3}}\n  net:"))
    with pytest.raises(ConfigError, match=r"both\.members: no model 'wood'; there are trees, stumps, net"):
        load_task(toy)
