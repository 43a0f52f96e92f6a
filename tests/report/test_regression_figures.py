"""Figures of a regression: what is drawn where, and what does not hide what."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from tests.report.regressions import make_limit, make_model, make_profile, make_pulls, make_regression

from hepsieve.evaluate.regression_results import Histogram, Pulls
from hepsieve.evaluate.results import Quantity
from hepsieve.report.regression_figures import (
    bound_curves,
    predicted_against_true,
    profile_curves,
    pull_histogram,
    residual_histograms,
    target_histogram,
)
from hepsieve.report.style import to_svg

TARGET = make_regression().target


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def drawn(line: Line2D) -> list[tuple[float, float]]:
    """The points of a line."""
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    return list(zip(x.tolist(), y.tolist(), strict=True))


def points(axes: Axes, marker: str) -> list[tuple[float, float]]:
    """Where the markers of this kind stand, first to last."""
    return [point for line in axes.get_lines() if line.get_marker() == marker for point in drawn(line)]


def heights(figure: Figure) -> list[list[float]]:
    """Of each histogram that is drawn as steps."""
    patches = [patch for patch in figure.axes[0].patches if isinstance(patch, StepPatch)]
    return [np.asarray(patch.get_data()[0]).tolist() for patch in patches]


def test_residuals_are_densities_whatever_the_bins() -> None:
    narrow = Histogram(edges=(-0.02, 0.0, 0.02), counts=(30.0, 60.0), below=4.0, above=6.0)
    wide = Histogram(edges=(-0.5, 0.0, 0.5), counts=(50.0, 50.0))
    figure = residual_histograms({"good": narrow, "_dead": wide}, ["good", "_dead"], TARGET)
    # 30 of 100 events in a bin of 0.02; 50 of 100 in one of 0.5.
    assert heights(figure) == [pytest.approx([15, 30]), pytest.approx([1, 1])]
    assert legend_texts(figure) == ["good", "_dead"]
    # The dead model's range would make the good one a line.
    assert figure.axes[0].get_xlim() == pytest.approx((-0.08, 0.08))
    assert figure.axes[0].get_xlabel() == "predicted minus true d (1 = 30 mm)"


def test_residuals_of_few_events_have_wider_bins() -> None:
    few = Histogram(edges=tuple(np.linspace(-0.06, 0.06, 7).tolist()), counts=(0.0, 1.0, 2.0, 2.0, 0.0, 1.0))
    assert heights(residual_histograms({"a": few}, ["a"], TARGET)) == [pytest.approx([3 / 6 / 0.06, 3 / 6 / 0.06])]
    many = few.model_copy(update={"counts": tuple(1000 * count for count in few.counts)})
    assert len(heights(residual_histograms({"a": many}, ["a"], TARGET))[0]) == 6


def test_a_profile_shows_models_side_by_side_below_the_bound() -> None:
    profiles = {"a": make_profile("d", 1, 0.02), "b": make_profile("d", 1, 0.03)}
    figure = profile_curves(profiles, ["a", "b"], figure_of="rmse", title="d", limit=make_limit(["a", "b"]))
    axes = figure.axes[0]
    assert legend_texts(figure) == ["a", "b", "Cramér–Rao bound", "maximum-likelihood fit"]
    # Four bins of 0.25, the second model moved by a tenth of one to the right of the first.
    assert points(axes, "o") == [pytest.approx((x - 0.0125, 0.02)) for x in (0.125, 0.375, 0.625, 0.875)]
    fits = [(x, y) for x, y in points(axes, "s") if y == 0.012]
    assert [x for x, _ in fits] == [0.125, 0.375, 0.625, 0.875]
    steps = [drawn(line) for line in axes.get_lines() if line.get_linewidth() == 1.6]
    assert [step for step in steps if len(step) == 2] == [
        [(0.25, 0.012), (0.5, 0.012)],
        [(0.5, 0.01), (0.75, 0.01)],
        [(0.75, 0.01), (1.0, 0.01)],
    ]


def test_what_was_not_fitted_stands_in_no_legend() -> None:
    profiles = {"a": make_profile("d", 1, 0.02)}
    limit = make_limit(["a"], fitted=False)
    assert legend_texts(profile_curves(profiles, ["a"], figure_of="rmse", title="d", limit=limit)) == [
        "a",
        "Cramér–Rao bound",
    ]
    assert legend_texts(profile_curves(profiles, ["a"], figure_of="bias", title="d", limit=limit)) == ["a"]


def test_far_apart_models_stand_on_a_logarithmic_axis() -> None:
    profiles = {"good": make_profile("d", 1, 0.01), "dead": make_profile("d", 1, 0.29)}
    far = profile_curves(profiles, list(profiles), figure_of="rmse", title="d")
    assert far.axes[0].get_yscale() == "log"
    near = profile_curves({"good": profiles["good"]}, list(profiles), figure_of="rmse", title="d")
    assert near.axes[0].get_yscale() == "linear"
    assert near.axes[0].get_ylim()[0] == 0


def test_bins_without_figures_are_left_out() -> None:
    empty = profile_curves({"a": make_profile("d", 1, 0.02, known=False)}, ["a"], figure_of="bias", title="d")
    assert points(empty.axes[0], "o") == []
    assert "<svg" in to_svg(empty)


def test_predictions_against_the_truth_share_one_scale() -> None:
    model = make_model("trees", 0.02)
    figure = predicted_against_true(model.against, TARGET)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true d (1 = 30 mm)", "predicted d (1 = 30 mm)")
    cells = axes.collections[0].get_array()
    assert isinstance(cells, np.ma.MaskedArray)
    assert cells.sum() == 400  # empty cells are masked
    # Truth along x: the prediction follows it, so most of a column's cells are empty.
    assert 40 <= cells.count() < 200


def test_cells_of_small_weights_have_different_colours() -> None:
    against = make_model("trees", 0.02).against
    light = against.model_copy(update={"counts": tuple(tuple(0.001 * one for one in row) for row in against.counts)})
    for shown, least, label in ((against, 1, "events"), (light, 0.001, "weighted events")):
        figure = predicted_against_true(shown, TARGET)
        cells = figure.axes[0].collections[0]
        assert cells.norm.vmin == pytest.approx(least)
        assert cells.norm.vmax == pytest.approx(least * max(max(row) for row in against.counts))
        assert figure.axes[1].get_ylabel() == label
    nothing = against.model_copy(update={"counts": tuple(tuple(0.0 for _ in row) for row in against.counts)})
    assert to_svg(predicted_against_true(nothing, TARGET))


def test_pulls_stand_beside_a_normal_distribution_of_as_many() -> None:
    rng_counts = make_pulls(np.random.default_rng(3))
    unit = Quantity(value=1, low=0.9, high=1.1)
    figure = pull_histogram(Pulls(mean=unit, width=unit, histogram=rng_counts))
    (curve,) = figure.axes[0].get_lines()
    # 400 events in bins of 0.2: 400 · 0.2 / √(2π) at the top.
    assert max(y for _, y in drawn(curve)) == pytest.approx(31.9, abs=0.1)


def test_a_bound_that_is_nowhere_finite_is_drawn_empty() -> None:
    limit = make_limit(["a"])
    curve = limit.curves[0].model_copy(update={"deviation": (None,) * 4})
    empty = bound_curves(limit.model_copy(update={"curves": (curve,)}), TARGET)
    assert empty.axes[0].get_legend() is None
    known = bound_curves(limit, TARGET).axes[0]
    legend = known.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["2 × 60 electrons"]
    assert drawn(known.get_lines()[0]) == [(0.1, 0.05), (0.5, 0.01), (1.0, 0.01)]


def test_the_target_is_drawn_as_it_is_trained_on() -> None:
    targets = make_regression().targets
    area, outline = heights(target_histogram(targets, TARGET))
    assert area == outline == list(targets.counts)
