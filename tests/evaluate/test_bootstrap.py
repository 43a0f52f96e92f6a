from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.samples import shifted

from hepsieve.errors import DataError
from hepsieve.evaluate import bootstrap as module
from hepsieve.evaluate.bootstrap import POISSON_FROM, bootstrap, percentile_interval
from hepsieve.evaluate.intervals import auc_interval, delong_error
from hepsieve.evaluate.ranked import Floats, Ranked


def totals(background: Floats, signal: Floats) -> Floats:
    return np.array([background.sum(), signal.sum()])


@pytest.mark.parametrize("n", [500, POISSON_FROM + 1])
def test_each_class_keeps_its_number_of_events(n: int) -> None:
    sample = shifted(np.random.default_rng(1), n).ranked()
    drawn = bootstrap(sample, totals, resamples=30, seed=4)
    np.testing.assert_allclose(drawn, n, rtol=1e-12)


@pytest.mark.parametrize("n", [500, POISSON_FROM + 1])
def test_an_event_is_drawn_as_often_as_resampling_draws_it(n: int) -> None:
    sample = shifted(np.random.default_rng(1), n).ranked()

    def shares(background: Floats, signal: Floats) -> Floats:
        return np.array([np.mean(background == 0), np.var(background), background @ signal / n])

    # Of many events 1/e are never drawn, the count's variance is 1, and the classes are drawn independently.
    # Standard errors over 60 resamples of n = 500 are 0.0028, 0.008 and 0.006; five of them never alarm in practice.
    found = bootstrap(sample, shares, resamples=60, seed=2).mean(axis=0)
    np.testing.assert_allclose(found, [np.exp(-1), 1, 1], atol=0.04)


def test_the_poisson_counts_have_mean_and_variance_1() -> None:
    counts = (np.arange(65536)[:, None] >= module._POISSON_STEPS).sum(axis=1)
    assert counts.mean() == pytest.approx(1, abs=1e-4)
    assert counts.var() == pytest.approx(1, abs=3e-4)
    # e⁻¹/k! of all numbers give k, to half of 1/65536.
    shares = np.bincount(counts)[:4] / 65536
    np.testing.assert_allclose(shares, np.exp(-1) / np.array([1, 1, 2, 6]), atol=1 / 65536)


def test_figures_depend_on_the_seed_and_not_on_threads() -> None:
    sample = shifted(np.random.default_rng(1), 10_500, weighted=True).ranked()
    one, three = (auc_interval(sample, resamples=45, seed=7, threads=threads) for threads in (1, 3))
    assert one == three
    assert auc_interval(sample, resamples=45, seed=8) != one


@pytest.mark.parametrize(("n", "weighted"), [(2000, False), (2000, True), (12_000, True)])
def test_the_width_is_delongs(n: int, weighted: bool) -> None:
    sample = shifted(np.random.default_rng(6), n, weighted=weighted).ranked()
    error = delong_error(sample)
    interval = auc_interval(sample, resamples=600, seed=1)
    assert interval.low is not None
    assert interval.high is not None
    assert error is not None
    # The 2.5 % and 97.5 % quantiles of 600 draws: their distance is known to about 4 %.
    assert (interval.high - interval.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.16)


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(DataError, match="one class alone"):
        bootstrap(Ranked.of(np.zeros(3), np.zeros(3)), totals, resamples=10, seed=1)


def test_percentiles_need_nearly_all_resamples() -> None:
    figures = np.arange(1001.0)
    assert percentile_interval(figures) == pytest.approx((25, 975))
    figures[:40] = np.nan
    assert percentile_interval(figures) is not None
    figures[:60] = np.nan
    assert percentile_interval(figures) is None
    assert percentile_interval(np.empty(0)) is None
