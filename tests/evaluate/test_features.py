from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.features import correlations, feature_histogram, feature_histograms

CLASSES = ("background", "signal")


def test_bins_hold_99_per_cent_of_either_class_and_densities_integrate_to_that() -> None:
    rng = np.random.default_rng(1)
    target = np.repeat([0, 1], 2000)
    values = rng.normal(size=4000) + 3 * target
    values[0] = 1e6
    histogram = feature_histogram(values, target, name="m_bb", unit="GeV")
    assert len(histogram.edges) == 41
    assert histogram.edges[0] == pytest.approx(np.quantile(values[target == 0], 0.005))
    assert histogram.edges[-1] == pytest.approx(np.quantile(values[target == 1], 0.995))
    width = np.diff(histogram.edges)
    for density in (histogram.background, histogram.signal):
        assert (np.array(density) * width).sum() == pytest.approx(0.995, abs=0.001)
    assert histogram.auc.value == pytest.approx(reference.gaussian_auc(3), abs=0.01)


def test_discrete_values_get_a_bin_each() -> None:
    values = np.array([0, 2.17, 1.09, 0, 2.17, 0], dtype=np.float32)
    target = np.array([0, 1, 0, 0, 1, 1])
    histogram = feature_histogram(values, target, np.array([1.0, 2, 1, 2, 1, 1]), name="b-tag")
    np.testing.assert_allclose(histogram.edges, [-0.545, 0.545, 1.63, 2.71], rtol=1e-6)
    # Background: weight 3 of 4 at 0 and 1 of 4 at 1.09; signal: 1 of 4 at 0 and 3 of 4 at 2.17.
    shares = np.array([histogram.background, histogram.signal]) * np.diff(histogram.edges)
    np.testing.assert_allclose(shares, [[0.75, 0.25, 0], [0.25, 0, 0.75]])


def test_an_auc_below_half_is_quoted_as_it_is() -> None:
    # Signal at 1 and 2, background at 3 and 2: right in ½ of 4 pairs.
    histogram = feature_histogram(np.array([1.0, 2, 3, 2]), np.array([1, 1, 0, 0]), name="x")
    assert histogram.auc.value == 0.125
    assert histogram.auc.low is not None
    assert 0 <= histogram.auc.low < 0.125


def test_constant_and_one_class_features_have_histograms() -> None:
    constant = feature_histogram(np.full(4, 7.0), np.array([0, 1, 0, 1]), name="x")
    assert (constant.edges, constant.background) == ((6.5, 7.5), (1.0,))
    assert constant.auc.value == 0.5
    alone = feature_histogram(np.arange(30.0), np.zeros(30), name="x")
    assert alone.auc.value is None
    assert set(alone.signal) == {0.0}


def test_whole_numbers_fall_into_bins_of_equally_many() -> None:
    hits = np.random.default_rng(1).poisson(60, size=20_000)
    histogram = feature_histogram(hits, np.tile([0, 1], 10_000), name="hits")
    widths = np.diff(histogram.edges)
    # From about 41 to 80: as many numbers as bins, or hardly more.
    assert set(widths.tolist()) in ({1.0}, {2.0})
    assert len(widths) <= 40
    assert all(edge % 1 == 0.5 for edge in histogram.edges)
    assert sum(histogram.signal * widths) > 0.99


def test_a_narrow_peak_with_far_tails_still_has_bins() -> None:
    values = np.concatenate([np.zeros(10_000), np.arange(1.0, 21.0)])
    histogram = feature_histogram(values, np.tile([0, 1], 5010), name="x")
    assert (histogram.edges[0], histogram.edges[-1]) == (-0.5, 20.5)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(DataError, match="feature pt, row 1: nan is not finite"):
        feature_histograms(np.array([[1.0], [np.nan]]), np.array([0, 1]), names=["pt"], units=["GeV"])
    with pytest.raises(DataError, match=r"features have shape \(2, 1\) for 2 names"):
        feature_histograms(np.ones((2, 1)), np.array([0, 1]), names=["a", "b"], units=["", ""])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1e4, 1e4))
def test_correlations_are_numpys_and_know_no_offset(seed: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3)) + offset
    target, weight = np.tile([0, 1], 30), rng.integers(1, 5, size=60).astype(float)
    result = correlations(features, target, weight, classes=CLASSES)
    for k, name in enumerate(CLASSES):
        chosen = target == k
        repeated = np.repeat(features[chosen], weight[chosen].astype(int), axis=0)
        np.testing.assert_allclose(np.array(result[name]), np.corrcoef(repeated.T), atol=1e-7)


def test_constant_features_have_no_correlation() -> None:
    features = np.array([[1.0, 0.1], [2.0, 0.1], [4.0, 0.1], [3.0, 0.1]])
    result = correlations(features, np.array([0, 0, 0, 1]), classes=CLASSES)
    assert result["background"] == ((1.0, None), (None, None))
    assert result["signal"] == ((None, None), (None, None))
    assert correlations(features, np.zeros(4), classes=CLASSES)["signal"] == ((None, None), (None, None))


def test_large_samples_are_summed_in_blocks() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(450_000, 2)).astype(np.float32) + np.float32(50)
    result = correlations(features, np.zeros(450_000), classes=CLASSES)["background"]
    np.testing.assert_allclose(np.array(result), np.corrcoef(features.T.astype(np.float64)), atol=1e-9)
