"""A regression applied to other events, in words and in columns that fit a terminal."""

from __future__ import annotations

import numpy as np
import pytest
from tests.report.regressions import around, make_profile, make_regression

from hepsieve.answers import JudgedAgain
from hepsieve.evaluate.histograms import share_histogram
from hepsieve.evaluate.regression_application import (
    AppliedFigures,
    AppliedInterval,
    AppliedModel,
    RegressionApplication,
    Truth,
)
from hepsieve.evaluate.told_apart import TellingCut, ToldApart
from hepsieve.report.applied_regression import regression_columns, regression_rows, regression_summary

FIGURES = AppliedFigures(
    metrics={"mae": around(0.02, 0.001), "rmse": around(0.03, 0.001), "bias": around(0, 0.002)}
    | {"tolerance_accuracy@0.1": around(0.8, 0.02)},
    profile=make_profile("d", 1, 0.03),
    intervals=(AppliedInterval(nominal=0.68, coverage=around(0.6, 0.03)),),
)


def told_apart() -> ToldApart:
    cuts = tuple(
        TellingCut(
            wanted=wanted,
            threshold=threshold,
            other_share=around(0.012, 0.008),
            efficiency=around(0.91, 0.01),
            bins=(),
            says="From d = 0.1 (3 mm) on more than half of the events are kept.",
        )
        for wanted, threshold in (("at most 1 % of the others kept", 0.12), ("best balanced", 0.08))
    )
    return ToldApart(auc=around(0.95, 0.01), cuts=cuts, n_set=150, n_measured=150)


def applied(truth: Truth) -> RegressionApplication:
    values = share_histogram(np.array([0.05, 0.06]), np.ones(2))
    model = AppliedModel(
        predictions=values,
        own_predictions=values,
        mean=around(0.06, 0.002),
        median=around(0.055, 0.002),
        own_mean=around(0.5, 0.03),
        own_median=around(0.51, 0.03),
        told_apart=None if truth == "known" else told_apart(),
        figures=None if truth == "unknown" else FIGURES,
    )
    return RegressionApplication(
        task="apart",
        target=make_regression().target,
        origin="simulated",
        sources=("NEST", "1s2.npy"),
        fingerprint="0" * 64,
        n=300,
        n_own=4000,
        truth=truth,
        best="trees",
        models={"trees": model, "pulse": model},
        notes=("The test part was not opened.",),
    )


def test_each_cut_has_a_row() -> None:
    rows = regression_rows(applied("unknown"))
    assert [(row["model"], row["wanted"], row["cut"]) for row in rows] == [
        ("trees ★", "at most 1 % of the others kept", "≥ 0.1200"),
        ("trees ★", "best balanced", "≥ 0.0800"),
        ("pulse", "at most 1 % of the others kept", "≥ 0.1200"),
        ("pulse", "best balanced", "≥ 0.0800"),
    ]
    assert {row["AUC"] for row in rows} == {"0.9500 (0.9400–0.9600)"}
    assert {(row["others kept"], row["own kept"]) for row in rows} == {
        ("0.0120 (0.0040–0.0200)", "0.910 (0.900–0.920)")
    }
    assert "RMSE" not in rows[0]


def test_events_with_targets_have_a_row_a_model_with_figures() -> None:
    rows = regression_rows(applied("known"))
    assert [row["model"] for row in rows] == ["trees ★", "pulse"]
    assert rows[0]["RMSE"] == "0.0300 (0.0290–0.0310)"
    assert rows[0]["accuracy to 0.1"] == "0.8000 (0.7800–0.8200)"
    assert rows[0]["coverage of 68.0 %"] == "0.6000 (0.5700–0.6300)"
    assert "AUC" not in rows[0]


@pytest.mark.parametrize("truth", ["unknown", "zero", "known"])
def test_columns_for_a_terminal_are_there_and_fit(truth: Truth) -> None:
    application = applied(truth)
    only, below, whole = regression_columns(application)
    rows = regression_rows(application)
    stacked = [title for titles in below.values() for title in titles]
    assert {*only, *stacked, *whole} <= set(rows[0])
    # Values stand above their intervals, whose brackets are left out; what may be folded has room for ten letters.
    widths = [max(len(part) for part in [title, *rows[0][title].strip(")").split(" (")]) for title in whole]
    assert sum(widths) + 10 * (len(only) - len(whole)) + 3 * len(only) + 1 <= 80


def test_the_summary_explains_the_columns() -> None:
    assert regression_summary(applied("unknown")).splitlines() == [
        "NEST, 1s2.npy: 300 simulated events, 95 % intervals",
        "medians are of the predictions of d (shares of 30 mm): for these events, and for the run's own 4,000 test "
        "events",
        "AUC: how often an own event has the larger prediction; kept: the share of these, the others, and of the own "
        "events that passes the cut",
        "trees, at most 1 % of the others kept: from d = 0.1 (3 mm) on more than half of the events are kept.",
        "trees, best balanced: from d = 0.1 (3 mm) on more than half of the events are kept.",
        "The test part was not opened.",
    ]
    assert "AUC" not in regression_summary(applied("known"))


def test_what_is_answered_can_be_shown() -> None:
    judged = JudgedAgain(finished=None, application=applied("zero"))
    only, below, whole = judged.applied_shown()
    assert only == ("model", "median", "AUC", "others kept", "own kept")
    assert below["model"] == ("wanted", "cut")
    assert whole == only[1:]
    assert JudgedAgain(finished=None, application=None).applied_shown() == ((), {}, ())
