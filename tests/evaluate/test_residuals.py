"""The figures of a regression against their definitions, with ties, weights and repeated events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluate.regressions import measured, predictions, repeated
from tests.reference import regression as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.intervals import clopper_pearson, effective_events
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.residuals import (
    FIGURES,
    ResidualFigures,
    Residuals,
    require_predictions,
    tolerance_accuracy,
    weighted_quantile,
)


def figures(predicted: Predicted) -> Floats:
    ranked = Residuals.of(predicted)
    return ResidualFigures(ranked.residual, ranked.weight).nominal


def defined(predicted: Predicted) -> list[float]:
    residual, weight = (predicted.prediction - predicted.target).tolist(), predicted.weight.tolist()
    return [f(residual, weight) for f in (reference.mae, reference.rmse, reference.mean, reference.resolution)]


@settings(max_examples=60, deadline=None)
@given(predictions(negative=True))
def test_figures_are_their_definitions(predicted: Predicted) -> None:
    residual, weight = (predicted.prediction - predicted.target).tolist(), predicted.weight.tolist()
    square = reference.mean([r * r for r in residual], weight)
    found = dict(zip(FIGURES, figures(predicted), strict=True))
    assert found["mae"] == pytest.approx(reference.mae(residual, weight), abs=1e-12)
    assert found["bias"] == pytest.approx(reference.mean(residual, weight), abs=1e-12)
    # With negative weights the running sums of equal residuals may pass a share more than once, in any order.
    if min(weight) >= 0:
        assert found["resolution"] == pytest.approx(reference.resolution(residual, weight), abs=1e-12)
    if square > 1e-12:
        assert found["rmse"] == pytest.approx(np.sqrt(square), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(predictions())
def test_a_weight_is_as_many_events(predicted: Predicted) -> None:
    np.testing.assert_allclose(figures(predicted), figures(repeated(predicted)), atol=1e-12)
    many = tolerance_accuracy(repeated(predicted), 0.25).value
    assert tolerance_accuracy(predicted, 0.25).value == pytest.approx(many, abs=1e-12)


@given(predictions(negative=True), st.floats(0.01, 100))
def test_figures_do_not_depend_on_the_scale_of_the_weights(predicted: Predicted, scale: float) -> None:
    scaled = replace(predicted, weight=predicted.weight * scale)
    np.testing.assert_allclose(figures(scaled), figures(predicted), rtol=1e-9, atol=1e-9)


def test_figures_by_hand() -> None:
    # Residuals −0.1, 0, 0.1, 0.3: mae 0.5/4, rmse √(0.11/4), bias 0.3/4; 16 % and 84 % of four are reached at the
    # first and at the fourth residual, half of whose distance is 0.2.
    predicted = Predicted(
        target=np.array([0.5, 0.5, 0.5, 0.5]), prediction=np.array([0.6, 0.4, 0.8, 0.5]), weight=np.ones(4)
    )
    np.testing.assert_allclose(figures(predicted), [0.125, np.sqrt(0.0275), 0.075, 0.2], atol=1e-12)
    np.testing.assert_allclose(figures(predicted), defined(predicted), atol=1e-12)


def test_a_share_that_is_reached_exactly_is_reached() -> None:
    # 0.16 of 25 is 4 and 0.84 of 25 is 21, whatever the rounding of their sums says.
    assert weighted_quantile(np.arange(25.0), np.full(25, 0.1), 0.16) == 3
    assert weighted_quantile(np.arange(25.0), np.full(25, 0.1), 0.84) == 20


@settings(max_examples=60, deadline=None)
@given(predictions(negative=True), st.sampled_from([0.1, 0.05, 0.2, 0.25, 0.03]))
def test_tolerance_accuracy_is_its_definition(predicted: Predicted, tolerance: float) -> None:
    arrays = (predicted.target.tolist(), predicted.prediction.tolist(), predicted.weight.tolist())
    expected = reference.tolerance_accuracy(*arrays, tolerance)
    found = tolerance_accuracy(predicted, tolerance)
    assert found.value == pytest.approx(expected, abs=1e-12)
    low, high = clopper_pearson(expected, effective_events(predicted.weight))
    assert found.low == pytest.approx(min(low, expected), abs=1e-12)
    assert found.high == pytest.approx(max(high, expected), abs=1e-12)


def test_halves_round_to_even_also_where_they_were_stored_as_float32() -> None:
    # In tenths: 2.5 rounds to 2 and 3.5 to 4, which is not 3; as float32, 0.35 is 0.34999999 and 0.45 is 0.44999999.
    target = np.array([0.25, 0.35, 0.35, 0.45, 0.45])
    prediction = np.array([0.2, 0.4, 0.3, 0.4, 0.5])
    right = [True, True, False, True, False]
    for stored in (target, target.astype(np.float32).astype(np.float64)):
        for k, expected in enumerate(right):
            one = Predicted(target=stored[k : k + 1], prediction=prediction[k : k + 1], weight=np.ones(1))
            assert tolerance_accuracy(one, 0.1).value == expected
    # What is clearly off a half is not taken for one.
    near = Predicted(target=np.array([0.349999]), prediction=np.array([0.3]), weight=np.ones(1))
    assert tolerance_accuracy(near, 0.1).value == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": np.array([0.1, np.nan])}, "test part: the target of event 2 is nan; it must be a number in [0, 1]"),
        ({"target": np.array([1.5, 0.1])}, "test part: the target of event 1 is 1.5; it must be a number in [0, 1]"),
        ({"prediction": np.array([0.1, -0.1])}, "test part: the prediction of event 2 is -0.1; it must be a number in"),
        ({"weight": np.array([np.inf, 1.0])}, "test part: the weight of event 1 is inf; it must be a finite number"),
        ({"weight": np.array([-1.0, 1.0])}, "test part: 2 events of total weight 0; no figure can be quoted"),
        ({"width": np.array([0.1, 0.0])}, "test part: the width of event 2 is 0; it must be a number above 0"),
        ({"width": np.array([0.1, np.inf])}, "test part: the width of event 2 is inf; it must be a number above 0"),
        ({"prediction": np.array([0.1])}, "test part: prediction (1,) for 2 targets; give one per event"),
    ],
)
def test_what_no_figure_can_be_computed_from_is_refused(changes: dict[str, Floats], message: str) -> None:
    sound = Predicted(target=np.array([0.1, 0.2]), prediction=np.array([0.1, 0.3]), weight=np.ones(2))
    require_predictions({"test": sound})
    with pytest.raises(DataError) as error:
        require_predictions({"test": replace(sound, **changes)})
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_the_resolution_of_normal_errors_is_their_width() -> None:
    found = dict(zip(FIGURES, figures(measured(np.random.default_rng(1), 40_000, noise=0.02)), strict=True))
    # The quantile of a standard normal at 84 % is 0.9945; the standard error of each figure is below 1 %.
    assert found["resolution"] == pytest.approx(0.9945 * 0.02, rel=0.03)
    assert found["rmse"] == pytest.approx(0.02, rel=0.02)
    assert found["mae"] == pytest.approx(np.sqrt(2 / np.pi) * 0.02, rel=0.02)
