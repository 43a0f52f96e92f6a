from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from hepsieve.evaluate.means import freedom, mean_interval
from hepsieve.evaluate.noisy_moduli import noisy_moduli_interval

# A correct 95 % interval fails a coverage test with this probability, per case.
FALSE_ALARM = 1e-3


def test_symmetric_values_give_students_interval() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    # Mean 3, error √(2.5/5); v = (x − 3)²/20 is 0.2, 0.05, 0, 0.05, 0.2: Σv² = 0.085, (Σv)² = 0.25.
    degrees = 2 / (0.085 / 0.25 - 1 / 5)
    half = t.ppf(0.975, degrees) * np.sqrt(0.5)
    assert mean_interval([(np.ones(5), values)]) == pytest.approx((3 - half, 3 + half))


def test_neither_scale_of_weights_nor_of_values_matters() -> None:
    rng = np.random.default_rng(1)
    weight, values = rng.uniform(0.5, 2, 40), rng.exponential(size=40)
    low, high = mean_interval([(weight, values)]) or (0.0, 0.0)
    assert mean_interval([(1000 * weight, 5 - 2 * values)]) == pytest.approx((5 - 2 * high, 5 - 2 * low))
    # A long tail upwards leaves more room above.
    mean = np.average(values, weights=weight)
    assert high - mean > 1.1 * (mean - low)


def test_events_of_each_kind_vary_by_themselves() -> None:
    few = np.array([0.9, 1.0, 1.1])
    apart = mean_interval([(np.ones(3), few), (np.ones(3), few + 10)])
    assert apart is not None
    # The classes are ten apart and fixed in number: this adds nothing to the error of their mean, 0.1/√6.
    assert apart[1] - apart[0] < 6 * 2 * 0.1 / np.sqrt(6)


def test_what_does_not_vary_has_no_error() -> None:
    assert mean_interval([(np.ones(3), np.ones(3))]) is None
    assert mean_interval([(np.ones(1), np.ones(1))]) is None
    assert mean_interval([(np.array([1.0, -1.0]), np.array([1.0, 2.0]))]) is None


def test_degrees_of_freedom() -> None:
    # Squares of many normal numbers: (Σv)²/Σv² = n/3, so 2/(3/n − 1/n) = n. Two equal ones among many: 2/(1/2 − 1/n).
    squares = norm.ppf((np.arange(100_000) + 0.5) / 100_000) ** 2
    assert freedom(squares) == pytest.approx(100_000, rel=0.01)
    assert freedom(np.array([1.0, 1.0] + [0.0] * 98)) == pytest.approx(2 / (1 / 2 - 1 / 100))
    assert freedom(np.ones(5)) == np.inf


def test_the_interval_of_a_skewed_mean_covers() -> None:
    rng = np.random.default_rng(3)
    toys, inside = 1000, 0
    for values in rng.lognormal(sigma=1.0, size=(toys, 60)):
        low, high = mean_interval([(np.ones(60), values)]) or (0.0, 0.0)
        inside += low <= np.exp(0.5) <= high
    # Student's own interval covers 90 % here. Percentiles: 88 %.
    assert binom.ppf(FALSE_ALARM, toys, 0.93) <= inside <= binom.ppf(1 - FALSE_ALARM, toys, 0.97)


@pytest.mark.parametrize("truth", [0.0, 0.5, 1.0, 3.0])
def test_the_interval_of_noisy_moduli_covers(truth: float) -> None:
    rng = np.random.default_rng(4)
    errors = np.linspace(0.5, 1.5, 15)
    toys, inside = 300, 0
    for noise in rng.normal(size=(toys, 15)):
        low, high = noisy_moduli_interval(truth + errors * noise, errors)
        inside += low <= 15 * truth <= high
    # Where all truths are about as large as the noise, values vary more than they do: 93 % at least.
    assert inside >= binom.ppf(FALSE_ALARM, toys, 0.93)


def test_moduli_without_noise_are_known() -> None:
    assert noisy_moduli_interval(np.array([1.0, -2.0]), np.zeros(2)) == (3.0, 3.0)
    low, high = noisy_moduli_interval(np.array([100.0, -100.0]), np.ones(2))
    # √2 · 1.96 about 200, to the step of what is tried.
    assert (low, high) == pytest.approx((200 - 2.77, 200 + 2.77), abs=1.0)
    assert noisy_moduli_interval(np.full(15, 1e-3), np.ones(15)) == (0.0, 0.0)
