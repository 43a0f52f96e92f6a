"""Slices in bins, as a table, a figure and in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hepsieve.answers import Finished
from hepsieve.evaluate.results import Evaluation, Quantity, Slice, Slices
from hepsieve.evaluate.slice_results import Difference
from hepsieve.report.html import render
from hepsieve.report.slice_figures import slice_flags, slice_metric_tables
from hepsieve.report.slices import (
    efficiency_table,
    slice_below,
    slice_caption,
    slice_columns,
    slice_curves,
    slice_intro,
    slice_names,
    slice_note,
    slice_rows,
    slice_texts,
)


def bins(*ends: tuple[float | None, float | None]) -> tuple[Slice, ...]:
    auc = {"trees": Quantity(value=0.8, low=0.7, high=0.9)}
    return tuple(Slice(low=low, high=high, n_signal=20, n_background=30, auc=auc) for low, high in ends)


@pytest.fixture
def evaluation(evaluate_by_hand: Callable[..., Evaluation]) -> Evaluation:
    taken = Slices(
        column="total energy",
        unit="50 GeV",
        slices=bins((None, 1.1), (1.1, 1.25), (1.25, None)),
        trained_on={"trees": (1.15,)},
        events_without_value=2,
    )
    return evaluate_by_hand(features=["a"], models=["trees"]).model_copy(update={"slices": taken})


def test_bins_are_told_by_their_ends() -> None:
    assert slice_texts(bins((None, 40), (40, 55), (55, None))) == ["< 40", "40–55", "≥ 55"]
    assert slice_texts(bins((None, -1.5), (-1.5, 2), (2, None))) == ["< −1.5", "−1.5 to 2.0", "≥ 2.0"]
    assert slice_texts(bins((None, 2e-7), (2e-7, 1), (1, None))) == ["< 2e−07", "2e−07–1", "≥ 1"]
    assert slice_texts(bins((None, None))) == ["any"]


def test_the_table_marks_bins_that_a_model_never_saw(evaluation: Evaluation) -> None:
    rows = slice_rows(evaluation)
    assert [row["total energy [50 GeV]"] for row in rows] == ["< 1.10", "1.10–1.25", "≥ 1.25", "all"]
    assert [row["trees"].startswith("0.800°") for row in rows] == [True, False, True, False]
    assert slice_note(evaluation).splitlines() == [
        "AUC among the test events in a bin of total energy, 95 % intervals",
        "° the model learned from no event in this bin",
    ]


def test_words_say_who_cut_the_bins(evaluation: Evaluation) -> None:
    assert "about as many training events are in each; the test events had no say in them" in slice_intro(evaluation)
    caption = slice_caption(evaluation)
    assert "AUC among the test events in each bin of total energy" in caption
    assert "1 stands for 50 GeV." in caption
    assert "trees learned from 1.15 only." in caption
    assert "Hollow: the model learned from no event in this bin" in caption


def test_bins_stand_evenly_under_their_ends(evaluation: Evaluation) -> None:
    assert evaluation.slices is not None
    axes = slice_curves(evaluation.slices, ["trees"]).axes[0]
    assert axes.get_xticks().tolist() == [0, 1, 2]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["< 1.10", "1.10–1.25", "≥ 1.25"]


POINT = "background_efficiency@0.01"
SAYS = "At 1 % background efficiency trees keeps more than half of the signal from d = 0.1 on."


@pytest.fixture
def of_signal(evaluate_by_hand: Callable[..., Evaluation]) -> Evaluation:
    """Signal alone in two bins of d, four models; the working points are at 1 % background."""
    evaluation = evaluate_by_hand(features=["a"])
    auc = {name: Quantity(value=0.8, low=0.7, high=0.9) for name in evaluation.models}
    shares = (Quantity(value=0.25, low=0.2, high=0.3), Quantity(value=0.75, low=0.7, high=0.8))
    taken = Slices(
        column="d",
        unit="",
        of="signal",
        says=SAYS,
        slices=tuple(
            Slice(
                low=low,
                high=high,
                n_signal=600,
                n_background=1200,
                auc=auc,
                efficiencies={name: {POINT: share, "tight": share} for name in evaluation.models},
            )
            for (low, high), share in zip(((None, 0.1), (0.1, None)), shares, strict=True)
        ),
        events_without_value=3,
    )
    return evaluation.model_copy(update={"slices": taken})


def test_of_signal_the_table_has_the_share_that_is_kept(of_signal: Evaluation) -> None:
    rows = slice_rows(of_signal)
    assert [row["d"] for row in rows] == ["< 0.1", "≥ 0.1", "all"]
    assert rows[0]["trees: AUC"] == "0.800 (0.700–0.900)"
    assert rows[0]["trees: kept"] == "0.2500 (0.2000–0.3000)"
    # All signal at this cut, as the working point has it.
    assert rows[2]["mlp-torch: kept"] == "0.0900 (0.0600–0.1200)"
    assert list(rows[0])[:3] == ["d", "signal events", "background events"]
    assert len(rows[0]) == 3 + 2 * len(of_signal.models)


def test_a_terminal_shows_two_models_of_signal(of_signal: Evaluation) -> None:
    assert slice_columns(of_signal) == ("d", "signal events", "trees: AUC", "trees: kept", "mlp-torch: kept")
    assert slice_below(of_signal) == {}
    finished = Finished(evaluation=of_signal, report=None)
    assert SAYS in finished.summary().splitlines()
    assert finished.slices_note().splitlines() == [
        "AUC of the signal events in a bin of d beside all 1,200 background events; kept: the share of these signal "
        "events that passes the cut at 1 % background efficiency; 95 % intervals",
        "2 more models in the report, in a pipe and with --json",
    ]


def test_words_say_that_all_background_stands_beside(of_signal: Evaluation) -> None:
    assert slice_intro(of_signal) == (
        f"{SAYS} The signal events of the test part are taken apart in bins of d, each slice beside all background "
        "events. The bins were cut so that about as many signal events of the training part are in each; the test "
        "events had no say in them."
    )
    caption = slice_caption(of_signal)
    assert caption.startswith("AUC among the signal events of the test part in each bin of d and all background events")
    assert caption.endswith("3 signal events have another value, or none, and stand in no slice.")


def test_the_efficiency_is_drawn_beside_a_half(of_signal: Evaluation) -> None:
    assert of_signal.slices is not None
    axes = slice_curves(of_signal.slices, list(of_signal.models), kept_at=POINT).axes[0]
    curve = next(line for line in axes.get_lines() if line.get_label() == "trees")
    assert np.asarray(curve.get_ydata()).tolist() == [0.25, 0.75]
    assert any(set(np.asarray(line.get_ydata()).tolist()) == {0.5} for line in axes.get_lines())
    assert axes.get_ylabel() == "signal efficiency on the test part"


def test_without_a_cut_on_background_there_is_no_efficiency(of_signal: Evaluation) -> None:
    bare = of_signal.model_copy(update={"working_points": {}})
    assert efficiency_table(bare) is None
    assert "trees" in slice_rows(bare)[0]
    assert "kept" not in slice_note(bare)


def test_many_long_labels_are_turned() -> None:
    taken = Slices(column="d", unit="", slices=bins(*((k / 8, (k + 1) / 8) for k in range(8))))
    labels = slice_curves(taken, ["trees"]).axes[0].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {90}


def test_the_page_shows_both(
    of_signal: Evaluation, make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is drawn does not matter here, and takes long.
    monkeypatch.setattr("hepsieve.report.picture.to_data_uri", lambda figure: "data:,")
    page = render(make_run(of_signal))
    assert SAYS in page
    assert "Efficiency by d" in page
    assert "AUC by d" in page
    assert "Share of signal events that passes the cut at 1 % background efficiency, with 95 % intervals" in page


@pytest.fixture
def differing(evaluation: Evaluation) -> Evaluation:
    """Three bins of total energy; in the first one two figures lie below the rest, and one in the second one above."""
    assert evaluation.slices is not None

    def difference(value: float) -> Difference:
        quantity = Quantity(value=value, low=value - 0.02, high=value + 0.02)
        return Difference(quantity=quantity, p_value=1e-6, p_adjusted=1e-4)

    figures = {"auc": Quantity(value=0.8, low=0.7, high=0.9), "brier": Quantity(value=0.2, low=0.1, high=0.3)}
    below = {"auc": difference(-0.18), "signal_efficiency[tight]": difference(-0.3)}
    above = {"brier": difference(0.07)}
    slices = tuple(
        one.model_copy(update={"metrics": {"trees": figures}, "differs": {"trees": differs} if differs else {}})
        for one, differs in zip(evaluation.slices.slices, (below, above, {}), strict=True)
    )
    taken = evaluation.slices.model_copy(update={"slices": slices, "tests": 18, "resamples": 200})
    return evaluation.model_copy(update={"slices": taken})


def test_words_say_what_differs_from_the_rest(differing: Evaluation) -> None:
    flags = slice_flags(differing, slice_names(differing))
    assert flags is not None
    assert flags.sentences == (
        "AUC of trees at total energy < 1.10 lies significantly below the rest: −0.180 (−0.200 to −0.160).",
        "Signal efficiency at the working point tight of trees at total energy < 1.10 lies significantly below the "
        "rest: −0.300 (−0.320 to −0.280).",
        "Brier score of trees at total energy 1.10–1.25 lies significantly above the rest: +0.070 (0.050–0.090).",
    )
    assert flags.further == ""
    assert "Holm's correction for 18 comparisons" in flags.how
    assert "200 bootstrap resamples" in flags.how


def test_tables_mark_what_differs(differing: Evaluation, evaluation: Evaluation) -> None:
    assert [row["trees"].partition(" (")[0] for row in slice_rows(differing)][:2] == ["0.800° ▼", "0.800"]
    assert "▲ ▼ significantly above or below all other events" in slice_note(differing)
    (brier,) = slice_metric_tables(differing, slice_names(differing))
    assert brier.title == "Brier score"
    assert [str(row[1]).partition(" (")[0] for row in brier.table.rows][:3] == ["0.200", "0.200 ▲", "0.200"]
    # An older evaluation has neither figures nor comparisons.
    assert slice_flags(evaluation, slice_names(evaluation)) is None
    assert slice_metric_tables(evaluation, slice_names(evaluation)) == ()


def test_the_page_tells_what_differs(
    differing: Evaluation, make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hepsieve.report.picture.to_data_uri", lambda figure: "data:,")
    page = render(make_run(differing))
    assert '<span class="badge warn">differs</span> AUC of trees at total energy &lt; 1.10' in page
    assert "<summary>Every further figure by total energy</summary>" in page
