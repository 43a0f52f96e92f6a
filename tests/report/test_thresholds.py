"""Figures of cuts: the efficiencies they are given, and working points where they belong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hepsieve.evaluate.results import Evaluation, Quantity, RocCurve, ThresholdScan, WorkingPoint
from hepsieve.report.style import to_svg
from hepsieve.report.thresholds import low_background_roc, threshold_curves

EvaluateByHand = Callable[..., Evaluation]
CLASSES = ("noise", "pulse")


def scan(threshold: list[float]) -> ThresholdScan:
    n = len(threshold)
    signal, background = np.linspace(1, 0.4, n), np.linspace(1, 0, n) ** 2
    return ThresholdScan(
        threshold=tuple(threshold),
        signal_efficiency=tuple(signal),
        signal_low=tuple(signal - 0.1),
        signal_high=tuple(np.minimum(signal + 0.1, 1)),
        background_efficiency=tuple(background),
        background_low=tuple(np.maximum(background - 0.1, 0)),
        background_high=tuple(np.minimum(background + 0.1, 1)),
    )


def point(threshold: float, *, signal: float = 0.9, background: float = 0.05, name: str = "tight") -> WorkingPoint:
    nothing = Quantity(value=None, low=None, high=None)
    return WorkingPoint(
        name=name,
        threshold=threshold,
        signal_efficiency=Quantity(value=signal, low=None, high=None),
        background_efficiency=Quantity(value=background, low=None, high=None),
        background_rejection=nothing,
    )


def drawn(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_xydata(), dtype=float)


def marks(axes: Axes) -> list[list[float]]:
    return [drawn(line)[0].tolist() for line in axes.get_lines() if line.get_marker() == "o"]


def test_both_efficiencies_are_drawn_against_the_cut_and_none_where_no_background_is_left() -> None:
    given = scan([0.001, 0.2, 0.5, 0.9, 0.9999])
    upper, lower = threshold_curves(given, [], CLASSES).axes
    np.testing.assert_allclose(drawn(upper.get_lines()[0]), np.stack([given.threshold, given.signal_efficiency], 1))
    background = drawn(lower.get_lines()[0])
    np.testing.assert_allclose(background[:-1, 1], given.background_efficiency[:-1])
    assert np.isnan(background[-1, 1])
    assert lower.get_yscale() == "log"
    # The band goes on to its upper limit, 0.1.
    band = np.asarray(lower.collections[0].get_paths()[0].vertices, dtype=float)
    assert band[np.isclose(band[:, 0], 0.9999)][:, 1].max() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("threshold", "scale"),
    [
        ([0.2, 0.4, 0.8], "linear"),
        ([0.5], "linear"),
        ([0.0, 0.5, 1.0], "logit"),
        ([0.2, 0.99], "logit"),
        ([1.0], "logit"),
    ],
)
def test_the_axis_shows_the_ends_where_scores_are(threshold: list[float], scale: str) -> None:
    figure = threshold_curves(scan(threshold), [point(0.7)], CLASSES)
    assert figure.axes[1].get_xscale() == scale
    assert "<svg" in to_svg(figure)


def test_working_points_are_marked_in_both_panels_also_beyond_the_scores() -> None:
    points = [point(0.5), point(0.99999, signal=0.2, background=0.0, name="beyond")]
    upper, lower = threshold_curves(scan([0.1, 0.3, 0.95]), points, CLASSES).axes
    assert marks(upper) == [[0.5, 0.9], [0.99999, 0.2]]
    assert marks(lower) == [[0.5, 0.05]]
    assert upper.get_xlim()[1] > 0.99999
    assert {text.get_text() for text in upper.texts} == {"tight", "beyond"}


def with_roc(evaluation: Evaluation, *, events: int) -> Evaluation:
    roc = RocCurve(
        background_efficiency=(0.0, 0.0, 0.01, 0.01, 0.1, 1.0),
        signal_efficiency=(0.0, 0.9, 0.9, 0.95, 0.99, 1.0),
        low=(0.0, 0.8, 0.85, 0.9, 0.97, 1.0),
        high=(0.1, 0.95, 0.96, 0.97, 1.0, 1.0),
    )
    model = evaluation.models["trees"].model_copy(update={"roc": roc})
    data = evaluation.data.model_copy(update={"n_background": {"test": events}})
    return evaluation.model_copy(update={"models": {"trees": model}, "data": data})


def test_the_curve_begins_at_a_single_background_event_and_fills_the_axis(evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = with_roc(evaluate_by_hand(models=["trees"]), events=100)
    (axes,) = low_background_roc(evaluation, []).axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (0.01, 1)
    # The lower edge of the band there is 0.85 to 0.9.
    assert 0.8 < axes.get_ylim()[0] < 0.9
    (line,) = axes.get_lines()
    assert drawn(line)[0].tolist() == [0.01, 0.9]


def test_marks_lie_on_the_curve_or_open_at_the_edge(evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = with_roc(evaluate_by_hand(models=["trees"]), events=100)
    points = [point(0.5, signal=0.99, background=0.1), point(0.9, signal=0.8, background=0.0, name="clean")]
    far = point(0.99, signal=0.1, background=0.0, name="far")
    (axes,) = low_background_roc(evaluation, [*points, far]).axes
    assert sorted(marks(axes)) == [[0.01, 0.8], [0.1, 0.99]]
    assert axes.get_ylim()[0] < 0.8
    assert {text.get_text() for text in axes.texts} == {"tight", "clean", "hepsieve", "Simulation"}
    fills = {tuple(drawn(line)[0]): line.get_markerfacecolor() for line in axes.get_lines() if line.get_marker() == "o"}
    assert fills[(0.01, 0.8)] == "none"
    assert fills[(0.1, 0.99)] != "none"


def test_perfect_separation_can_be_drawn(evaluate_by_hand: EvaluateByHand) -> None:
    evaluation = evaluate_by_hand(models=["trees"])
    roc = RocCurve(background_efficiency=(0, 0, 1), signal_efficiency=(0, 1, 1), low=(0, 0.9, 1), high=(0.1, 1, 1))
    model = evaluation.models["trees"].model_copy(update={"roc": roc})
    figure = low_background_roc(evaluation.model_copy(update={"models": {"_t": model}}), [point(0.5)])
    assert "_t" in to_svg(figure)
