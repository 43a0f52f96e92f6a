"""Bins of a profile against all other events: exact differences, few false alarms, and a flag where a bin is worse."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.regressions import measured

from hepsieve.evaluate.apart import differing
from hepsieve.evaluate.profile_departures import profile_departures
from hepsieve.evaluate.profiles import ProfileColumn, residual_profiles, target_edges
from hepsieve.evaluate.regression_results import Predicted, Profile
from hepsieve.evaluate.residuals import FIGURES, ResidualFigures, Residuals, tolerance_accuracy

NAMES = {"bias", "rmse", "mae", "resolution", "tolerance_accuracy@0.1"}


def some(predicted: Predicted, rows: np.ndarray) -> Predicted:
    return Predicted(
        target=predicted.target[rows], prediction=predicted.prediction[rows], weight=predicted.weight[rows]
    )


def test_differences_are_those_of_the_figures_of_both_parts() -> None:
    predicted = measured(np.random.default_rng(1), 900, weighted=True, bias=0.01)
    place = np.arange(900) % 4 - 1
    found = profile_departures(predicted, place, 3, tolerances=(0.1,))
    assert set(found) == NAMES
    for k in range(3):
        both = [Residuals.of(some(predicted, rows)) for rows in (place == k, place != k)]
        figures = [dict(zip(FIGURES, ResidualFigures(one.residual, one.weight).nominal, strict=True)) for one in both]
        accuracies = [tolerance_accuracy(some(predicted, rows), 0.1).value or 0.0 for rows in (place == k, place != k)]
        for name in NAMES:
            one = found[name][k]
            assert one is not None
            own, rest = accuracies if name.startswith("tolerance") else (figures[0][name], figures[1][name])
            assert one.quantity.value == pytest.approx(own - rest, abs=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_where_nothing_differs_at_most_one_sample_in_twenty_is_flagged(weighted: bool) -> None:
    rng = np.random.default_rng(4)
    flagged, below = 0, dict.fromkeys(NAMES, 0)
    for _ in range(150):
        predicted = measured(rng, 1200, weighted=weighted)
        found = profile_departures(predicted, rng.integers(6, size=1200), 6, tolerances=(0.1,))
        differs, tests = differing({"net": found}, 6)
        assert tests == 30
        flagged += any(differs)
        for name, ones in found.items():
            below[name] += sum(one is not None and one.p_value < 0.05 for one in ones)
    # At a rate of 5 %, 150 samples have 7.5 flagged ones, and more than 15 in 0.5 % of all cases.
    assert flagged <= 15
    # 45 of 900 single tests each; those of one sample depend on each other a little.
    assert all(9 <= count <= 75 for count in below.values()), below


def test_quantiles_of_residuals_on_a_grid_are_not_compared() -> None:
    rng = np.random.default_rng(5)
    predicted = measured(rng, 600)
    steps = np.round(predicted.prediction - predicted.target, 1)
    on_grid = Predicted(target=predicted.target, prediction=predicted.target + steps, weight=predicted.weight)
    found = profile_departures(on_grid, np.arange(600) % 3, 3, tolerances=(0.1,))
    assert set(found) == NAMES - {"resolution"}


def test_a_bin_with_wider_residuals_is_flagged() -> None:
    rng = np.random.default_rng(6)
    wide, usual = measured(rng, 400, noise=0.12), measured(rng, 3600, noise=0.04)
    both = Predicted(
        target=np.concatenate([wide.target, usual.target]),
        prediction=np.concatenate([wide.prediction, usual.prediction]),
        weight=np.ones(4000),
    )
    column = ProfileColumn(name="e", values=np.repeat([0.5, 1.5, np.nan], [400, 3500, 100]), edges=np.array([0, 1, 2]))
    whole = ProfileColumn(name="d", values=both.target, edges=target_edges())
    _, profile = residual_profiles(both, (whole, column), tolerances=(0.1,), resamples=50)
    assert {"rmse", "mae", "resolution", "tolerance_accuracy@0.1"} <= set(profile.bins[0].differs)
    rmse = profile.bins[0].differs["rmse"]
    assert rmse.quantity.value == pytest.approx(0.08, abs=0.01)
    assert rmse.quantity.low is not None
    assert rmse.quantity.low > 0.05
    assert set(profile.bins[0].metrics) == {"mae", "tolerance_accuracy@0.1"}
    assert "bias" not in profile.bins[0].differs
    # Targets lie in six of twelve bins; five figures each, and of two bins of the other column.
    assert profile.tests == 5 * (6 + 2)
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


def test_older_profiles_still_load() -> None:
    nothing = '{"value": null, "low": null, "high": null}'
    figures = ", ".join(f'"{name}": {nothing}' for name in ("bias", "resolution", "rmse"))
    bins = f'[{{"low": 0, "high": 1, "centre": 0.5, "n": 3, {figures}}}]'
    loaded = Profile.model_validate_json(f'{{"column": "d", "unit": "", "bins": {bins}}}')
    assert (loaded.tests, loaded.bins[0].differs, loaded.bins[0].metrics) == (0, {}, {})
