from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import expit
from scipy.stats import binomtest
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.evaluate import threshold_scan
from hepsieve.evaluate.scan import POINTS


@settings(max_examples=60, deadline=None)
@given(samples(negative=True))
def test_few_scores_are_all_there_and_agree_with_the_definition(sample: Sample) -> None:
    scan = threshold_scan(sample.scored())
    assert list(scan.threshold) == sorted(set(sample.score))
    for k, cut in enumerate(scan.threshold):
        assert scan.signal_efficiency[k] == pytest.approx(reference.efficiency(*sample.lists(), 1, cut), abs=1e-12)
        assert scan.background_efficiency[k] == pytest.approx(reference.efficiency(*sample.lists(), 0, cut), abs=1e-12)
        assert scan.signal_low[k] <= scan.signal_efficiency[k] <= scan.signal_high[k]
        assert scan.background_low[k] <= scan.background_efficiency[k] <= scan.background_high[k]


def test_intervals_are_clopper_pearsons() -> None:
    sample = shifted(np.random.default_rng(1), 40)
    scan = threshold_scan(sample.scored())
    for k in (0, 17, len(scan.threshold) - 1):
        passed = round(40 * scan.background_efficiency[k])
        exact = binomtest(passed, 40).proportion_ci(method="exact")
        assert (scan.background_low[k], scan.background_high[k]) == pytest.approx((exact.low, exact.high), abs=1e-9)


@pytest.mark.parametrize("distance", [0.3, 1.0, 4.0, 6.0])
def test_many_scores_are_thinned_so_that_both_ends_are_drawn(distance: float) -> None:
    sample = shifted(np.random.default_rng(2), 20_000, distance=distance)
    scan = threshold_scan(sample.scored())
    assert 60 < len(scan.threshold) <= POINTS + 2
    assert (scan.threshold[0], scan.threshold[-1]) == (sample.score.min(), sample.score.max())
    for values in (scan.signal_efficiency, scan.background_efficiency):
        assert max(-np.diff(values)) < 0.05
    # On a logarithmic axis no gap is wider than a factor of two before single events make it so.
    background = np.array(scan.background_efficiency)
    background = background[background > 5 / 20_000]
    assert max(background[:-1] / background[1:]) < 2


def test_scores_that_round_to_one_can_be_scanned() -> None:
    rng = np.random.default_rng(3)
    score = np.round(expit(rng.normal(size=4000) * 20), 9)
    scan = threshold_scan(Sample(np.repeat([0.0, 1.0], 2000), score, np.ones(4000)).scored())
    assert scan.threshold[-1] == 1
    assert scan.signal_efficiency[0] == 1
