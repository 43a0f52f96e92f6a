"""A small version of ``python -m bench coverage``, and what it counts with held to what hepsieve computes."""

from __future__ import annotations

import numpy as np
import pytest
from bench.coverage import Covered, _verdict, study, table
from bench.coverage_cells import Cell, found, truths
from bench.replicas import drawn_classes, drawn_events, residual_figures, score_figures
from scipy.stats import binom
from tests.evaluate.regressions import measured
from tests.evaluate.samples import shifted

from hepsieve.evaluate.bootstrap import bootstrap, bootstrap_events
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.residuals import ResidualFigures, Residuals
from hepsieve.evaluate.results import Quantity

TOYS = 60
# The chance that a figure of 93 % coverage, the least that is aimed at, fails here; with 30 of them, 3 % in all.
FALSE_ALARM = 1e-3
SMALL = (
    Cell(family="scores", events=200, truth=0.95),
    Cell(family="scores", events=200, truth=0.8, weights="negative"),
    Cell(family="proportion", events=200, truth=0.1, weights="varying"),
    Cell(family="regression", events=200, weights="varying"),
    Cell(family="two scores", events=200, truth=0.8),
)


@pytest.mark.parametrize("negative", [False, True])
def test_all_resamples_at_once_are_one_after_the_other(negative: bool) -> None:
    sample = shifted(np.random.default_rng(1), 90, weighted=True)
    weight = np.where(np.arange(180) % 9 == 0, -1, 1) * sample.weight if negative else sample.weight
    ranked = type(sample)(sample.target, sample.score, weight).ranked()
    wanted = {"signal_efficiencies": [0.5, 0.9], "background_efficiencies": [0.01, 0.1]}
    slow = bootstrap(ranked, Figures(ranked, **wanted, cut=0.6), resamples=20, seed=3)  # type: ignore[arg-type]
    drawn = drawn_classes(ranked, resamples=20, seed=3)
    np.testing.assert_allclose(score_figures(ranked, *drawn, **wanted, cut=0.6), slow, rtol=1e-12)  # type: ignore[arg-type]

    residuals = Residuals.of(measured(np.random.default_rng(2), 80, weighted=True))
    measure = ResidualFigures(residuals.residual, residuals.weight)
    slow = bootstrap_events(residuals.weight, measure, resamples=20, seed=3)
    drawn_weights = drawn_events(residuals.weight, resamples=20, seed=3)
    np.testing.assert_allclose(residual_figures(residuals.residual, drawn_weights), slow, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "cell",
    [
        Cell(family="scores", events=400_000, truth=0.8),
        Cell(family="scores", events=400_000, truth=0.8, weights="rising", stretch=1.5),
        Cell(family="proportion", events=400_000, truth=0.1, weights="rising"),
        Cell(family="regression", events=400_000, law="long tails"),
        Cell(family="two scores", events=400_000, truth=0.95),
    ],
    ids=lambda cell: f"{cell.family}, {cell.weights}",
)
def test_the_truth_is_what_very_many_events_give(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.coverage_cells.RESAMPLES", 2)
    estimated = found(cell, np.random.default_rng(1), 1)
    for figure, truth in truths(cell).items():
        value = estimated[figure].value
        assert value is not None
        # The widest are the ECE's noise, 0.003, and the relative error of the rejection, 0.6 %.
        assert value == pytest.approx(truth, rel=0.025, abs=0.004), figure


def test_the_intervals_cover_in_a_few_toys() -> None:
    rows = study(SMALL, toys=TOYS, jobs=1)
    least = binom.ppf(FALSE_ALARM, TOYS, 0.93)
    for row in rows:
        assert row.without == 0, row
        assert row.share * TOYS >= least, row
    assert {row.figure for row in rows} >= {"AUC (bootstrap)", "AUC (DeLong)", "F1", "significance", "RMSE"}
    assert study(SMALL[2:3], toys=TOYS, jobs=1) == [row for row in rows if row.figure == "proportion"]


def test_the_table_says_on_which_side_the_truth_lay() -> None:
    assert list(_verdict(Quantity(value=2, low=1, high=3), 0.5)) == [True, True, False, False]
    assert list(_verdict(Quantity(value=None, low=1, high=None), 9.0)) == [True, False, False, False]
    assert list(_verdict(Quantity(value=None, low=None, high=None), 9.0)) == [True, False, False, True]
    cell = Cell(family="proportion", events=200, truth=0.1)
    row = Covered(cell=cell, figure="proportion", toys=110, below=3, above=4, without=10)
    found = table([row])
    assert found.rows == (("proportion", "share 0.1", 200, "1", 93.0, 3.0, 4.0, 10, 110),)
    assert found.text.splitlines()[2] == "| share 0.1 | 200 | 1 | 110 | 93.0 (10 without) |"
