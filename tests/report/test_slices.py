"""Slices in bins, as a table, a figure and in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hepsieve.evaluate.results import Evaluation, Quantity, Slice, Slices
from hepsieve.report.slices import slice_caption, slice_curves, slice_intro, slice_note, slice_rows, slice_texts


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
