"""Conformal prediction intervals: the half width by hand, and coverage counted over toys."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluate.regressions import measured, repeated
from tests.reference import regression as reference

from hepsieve.evaluate.conformal import conformal_half_width, prediction_intervals
from hepsieve.evaluate.intervals import clopper_pearson
from hepsieve.evaluate.results import Quantity


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=60), st.sampled_from([0.1, 0.5, 0.68, 0.8, 0.9, 0.95]),
    st.sampled_from([0.1, 1.0, 7.0]),
)  # fmt: skip
def test_the_half_width_is_an_order_statistic(moduli: list[int], nominal: float, weight: float) -> None:
    found = conformal_half_width(np.array(moduli, dtype=np.float64), np.full(len(moduli), weight), nominal)
    assert found == reference.conformal_half_width(moduli, nominal)


def test_weights_move_it_to_where_the_weight_is() -> None:
    moduli = np.arange(1.0, 101.0)
    weight = np.where(moduli <= 50, 3.0, 1.0)
    # Kish's number is 200²/500 = 80; 0.7 · 81/80 of the 200 is 141.75, which 47.25 of the heavy events hold.
    assert conformal_half_width(moduli, weight, 0.7) == 48
    # A heavy event is not several: only where all weigh the same does the correction differ from that of rows.
    whole = measured(np.random.default_rng(1), 40)
    heavy = replace(whole, weight=np.full(40, 100.0))
    single, many = (
        conformal_half_width(np.abs(x.prediction - x.target), x.weight, 0.9) for x in (heavy, repeated(heavy))
    )
    # 0.9 · 41 = 36.9: the 37th of 40; 0.9 · 4001 = 3600.9: the 3601st of 4000, also the 37th of the 40.
    assert single == many == np.sort(np.abs(whole.prediction - whole.target))[36]


def count(n: int, nominal: float, *, scaled: bool, weighted: bool, toys: int) -> tuple[float, float]:
    """The mean coverage over toys, by the true distribution of the errors, and its standard error."""
    rng = np.random.default_rng(12)
    covered = []
    for _ in range(toys):
        validation = measured(rng, n, widths=scaled, weighted=weighted)
        test = measured(rng, 400, widths=scaled)
        value = prediction_intervals(validation, test, nominal, resamples=100).coverage.value
        assert value is not None
        covered.append(value)
    return float(np.mean(covered)), float(np.std(covered) / np.sqrt(toys))


@pytest.mark.parametrize(
    ("n", "nominal", "scaled"), [(19, 0.68, False), (50, 0.95, False), (200, 0.68, True), (50, 0.9, True)]
)
def test_coverage_is_nominal_on_average_over_validation_samples(n: int, nominal: float, scaled: bool) -> None:
    """The mean over 250 toys lies within 3.5 standard errors of ⌈nominal (n + 1)⌉/(n + 1): one false alarm in 2000.

    Without the (n + 1) correction it would be lower by (1 − nominal)/n or more, and taking the next order statistic
    would raise it by 1/(n + 1).
    """
    mean, error = count(n, nominal, scaled=scaled, weighted=False, toys=250)
    expected = ceil(nominal * (n + 1) - 1e-9) / (n + 1)
    assert abs(mean - expected) < 3.5 * error
    assert error < 0.011


def test_weights_that_say_nothing_about_the_errors_leave_the_coverage() -> None:
    mean, error = count(100, 0.8, scaled=False, weighted=True, toys=250)
    # At most 1/(n_eff + 1) ≈ 1/83 above, by the same 3.5 standard errors.
    assert 0.8 - 3.5 * error < mean < 0.8 + 1 / 83 + 3.5 * error


def test_what_is_quoted_is_measured_on_test() -> None:
    rng = np.random.default_rng(1)
    validation, test = (measured(rng, n, widths=True) for n in (300, 500))
    found = prediction_intervals(validation, test, 0.68, set_on="out-of-fold", resamples=100)
    assert test.width is not None
    assert found.half_width is not None
    inside = float(np.mean(np.abs(test.prediction - test.target) / test.width <= found.half_width))
    assert found.coverage.value == pytest.approx(inside, abs=1e-12)
    assert (found.coverage.low, found.coverage.high) == pytest.approx(clopper_pearson(inside, 500))
    assert found.mean_half_width.value == pytest.approx(found.half_width * test.width.mean(), rel=1e-12)
    assert (found.scaled, found.set_on, found.nominal) == (True, "out-of-fold", 0.68)
    plain = prediction_intervals(replace(validation, width=None), replace(test, width=None), 0.68)
    assert not plain.scaled
    assert plain.mean_half_width == Quantity(value=plain.half_width, low=plain.half_width, high=plain.half_width)


def test_too_few_events_have_no_half_width() -> None:
    rng = np.random.default_rng(1)
    # 0.95 of 19 + 1 is 19, the largest of 19; of 18 none is large enough.
    enough, few = (prediction_intervals(measured(rng, n), measured(rng, 50), 0.95) for n in (19, 18))
    assert enough.half_width is not None
    assert few.half_width is None
    assert few.coverage == few.mean_half_width == Quantity(value=None, low=None, high=None)
