from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Ranked, cumulative
from hepsieve.evaluate.roc import auc, background_at, interpolated, roc_curve, roc_vertices, signal_at, thin

EFFICIENCIES = st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.7, 0.99])


def test_auc_by_hand() -> None:
    # Pairs (signal, background): 0.4 > 0.1 counts 1, 0.4 = 0.4 counts ½, 0.8 beats both: 3.5 of 4.
    assert auc(Ranked.of(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8]))) == 0.875
    # With weight 3 for the signal at 0.4 (1.5 of 2 pairs right): (3 · 1.5 + 1 · 2) / (4 · 2).
    weighted = Ranked.of(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8]), np.array([1, 3, 1, 1]))
    assert auc(weighted) == 0.8125


@settings(max_examples=60, deadline=None)
@given(samples(negative=True))
def test_curve_and_area_agree_with_the_definition_also_for_ties_and_negative_weights(sample: Sample) -> None:
    ranked = sample.ranked()
    background, signal, thresholds = roc_vertices(ranked)
    np.testing.assert_allclose(np.stack([background, signal], 1), reference.roc(*sample.lists()), atol=1e-12)
    assert auc(ranked) == pytest.approx(reference.auc(*sample.lists()), abs=1e-12)
    assert auc(ranked) == pytest.approx(np.trapezoid(signal, background), abs=1e-12)
    assert thresholds[1:].tolist() == sorted(set(sample.score), reverse=True)


@settings(max_examples=60, deadline=None)
@given(samples(negative=True), EFFICIENCIES)
def test_cuts_agree_with_the_definition(sample: Sample, level: float) -> None:
    ranked = sample.ranked()
    sums = cumulative(ranked.background.weight), cumulative(ranked.signal.weight)
    expected = reference.background_at(*sample.lists(), level)
    assert background_at(ranked, *sums, level) == pytest.approx(expected, abs=1e-12)
    assert signal_at(ranked, *sums, level) == pytest.approx(reference.signal_at(*sample.lists(), level), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(samples(negative=True))
def test_at_no_background_the_cut_is_above_every_background_event_with_weight(sample: Sample) -> None:
    highest = max(s for y, s, w in zip(*sample.lists(), strict=True) if y == 0 and w != 0)
    target, score, weight = sample.lists()
    above = sum(w for y, s, w in zip(target, score, weight, strict=True) if y == 1 and s > highest)
    expected = above / sum(w for y, w in zip(target, weight, strict=True) if y == 1)
    ranked = sample.ranked()
    sums = cumulative(ranked.background.weight), cumulative(ranked.signal.weight)
    assert signal_at(ranked, *sums, 0.0) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(samples(), EFFICIENCIES)
def test_interpolation_lies_on_the_curve(sample: Sample, level: float) -> None:
    ranked = sample.ranked()
    sums = cumulative(ranked.background.weight), cumulative(ranked.signal.weight)
    points = reference.roc(*sample.lists())
    at_level = interpolated(ranked, *sums, np.array([0.0, level, 1.0]))
    assert at_level[1] == pytest.approx(reference.on_curve(points, level), abs=1e-9)
    assert at_level[0] == pytest.approx(max(s for b, s in points if b == 0), abs=1e-12)
    assert at_level[2] == 1


@settings(max_examples=60, deadline=None)
@given(samples(negative=True), st.floats(0.01, 100))
def test_area_knows_neither_the_scale_of_weights_nor_that_of_scores(sample: Sample, scale: float) -> None:
    area = auc(sample.ranked())
    assert auc(Ranked.of(sample.target, sample.score, scale * sample.weight)) == pytest.approx(area, abs=1e-12)
    assert auc(Ranked.of(sample.target, np.exp(3 * sample.score), sample.weight)) == pytest.approx(area, abs=1e-12)
    assert auc(Ranked.of(sample.target, -sample.score, sample.weight)) == pytest.approx(1 - (area or 0), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(samples())
def test_a_weight_of_k_is_an_event_that_stands_k_times(sample: Sample) -> None:
    times = (4 * sample.weight).astype(int)
    repeated = Ranked.of(np.repeat(sample.target, times), np.repeat(sample.score, times))
    assert auc(repeated) == pytest.approx(auc(sample.ranked()), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(samples())
def test_scikit_learn_agrees_for_positive_weights(sample: Sample) -> None:
    weight = sample.weight + 0.25
    ranked = Ranked.of(sample.target, sample.score, weight)
    assert auc(ranked) == pytest.approx(roc_auc_score(sample.target, sample.score, sample_weight=weight), abs=1e-12)
    background, signal, _ = sklearn_roc_curve(
        sample.target, sample.score, sample_weight=weight, drop_intermediate=False
    )
    np.testing.assert_allclose(roc_vertices(ranked)[:2], (background, signal), atol=1e-12)


@pytest.mark.parametrize(("n", "distance"), [(20_000, 1.0), (20_000, 4.0), (700, 0.0)])
def test_thinning_does_not_move_the_curve(n: int, distance: float) -> None:
    background, signal, _ = roc_vertices(shifted(np.random.default_rng(3), n, distance=distance).ranked())
    rows = thin(background, signal)
    assert len(rows) <= 600
    assert (rows[0], rows[-1]) == (0, len(background) - 1)
    x, y = background[rows], signal[rows]
    # The distance along the diagonal of a 0…1 plot; a screen resolves about 1/400 of it.
    moved = np.abs(np.interp(background + signal, x + y, y) - signal)
    assert moved.max() < 1 / 400
    assert np.trapezoid(y, x) == pytest.approx(np.trapezoid(signal, background), abs=5e-4)
    # Rejection is drawn in the logarithm: each decade of the background efficiency keeps its share of points.
    for low in 10.0 ** np.arange(-3, 0):
        inside = (background >= low) & (background < 10 * low)
        assert ((x >= low) & (x < 10 * low)).sum() >= min(15, len(np.unique(background[inside])))


def test_the_first_background_events_keep_every_corner() -> None:
    background, signal, _ = roc_vertices(shifted(np.random.default_rng(4), 20_000, distance=4).ranked())
    kept = set(thin(background, signal).tolist())
    n = len(background)
    corners = [
        k for k in range(1, n - 1) if (background[k] - background[k - 1] > 0) != (background[k + 1] - background[k] > 0)
    ]
    assert len(corners) > 400
    assert set(corners[:300]) <= kept


def test_short_curves_are_kept_whole() -> None:
    curve = roc_curve(Ranked.of(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8])))
    assert curve.background_efficiency == (0.0, 0.0, 0.5, 1.0)
    assert curve.signal_efficiency == (0.0, 0.5, 1.0, 1.0)
    assert curve.low == curve.high == curve.signal_efficiency


@pytest.mark.parametrize("target", [[0, 0], [1, 1]])
def test_one_class_has_no_curve(target: list[int]) -> None:
    ranked = Ranked.of(np.array(target), np.array([0.2, 0.3]))
    assert auc(ranked) is None
    with pytest.raises(DataError, match=r"no ROC curve: the (signal|background) events have total weight 0"):
        roc_vertices(ranked)


@pytest.mark.parametrize(
    ("target", "score", "weight", "message"),
    [
        ([0, 2], [0.1, 0.2], [1, 1], "sample: target of row 1 is 2"),
        ([0, 1], [np.nan, 0.2], [1, 1], "sample: score of row 0 is nan"),
        ([0, 1], [0.1, 0.2], [1, np.inf], "sample: weight of row 1 is inf"),
        ([0, 1], [0.1, 0.2, 0.3], [1, 1], "differ in shape"),
    ],
)
def test_bad_arrays_are_named(target: list[float], score: list[float], weight: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Ranked.of(np.array(target), np.array(score), np.array(weight))
