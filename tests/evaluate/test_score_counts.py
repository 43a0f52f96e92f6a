from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import beta
from tests.evaluate.samples import Floats, Sample, samples, shifted
from tests.reference import evaluate as reference

from hepsieve.evaluate import behind_cut, counted, evaluate_model, working_points
from hepsieve.evaluate.results import Quantity
from hepsieve.evaluate.score_counts import PartCounts, Passing, ScoreCounts
from hepsieve.evaluate.significance import asimov
from hepsieve.evaluate.working_points import measure_cut


def both(validation: Sample, test: Sample, **options: object) -> ScoreCounts:
    return counted(validation=validation.scored(), test=test.scored(), **options)  # type: ignore[arg-type]


def gaussian(seed: int, n: int = 3000, *, weighted: bool = False, distance: float = 1.5) -> Sample:
    drawn = shifted(np.random.default_rng(seed), n, distance=distance, weighted=weighted)
    # As networks give them.
    return Sample(drawn.target, drawn.score.astype(np.float32).astype(np.float64), drawn.weight)


@settings(max_examples=60, deadline=None)
@given(samples(negative=True), samples(negative=True))
def test_counts_agree_with_the_definition(validation: Sample, test: Sample) -> None:
    counts = both(validation, test)
    for sample, part in ((validation, counts.validation), (test, counts.test)):
        for label, passing in ((0, part.background), (1, part.signal)):
            for k, edge in enumerate(counts.edges):
                chosen = (sample.target == label) & (sample.score >= edge)
                assert passing.events[k] == chosen.sum()
                assert passing.weight[k] == pytest.approx(sample.weight[chosen].sum(), abs=1e-12)
                assert passing.squares[k] == pytest.approx((sample.weight[chosen] ** 2).sum(), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(samples(), samples())
def test_few_distinct_scores_each_have_an_edge(validation: Sample, test: Sample) -> None:
    edges = np.array(both(validation, test).edges)
    scores = {*validation.score.tolist(), *test.score.tolist()}
    assert len({tuple(score >= edges) for score in scores}) == len(scores)


@pytest.mark.parametrize(("n", "distance"), [(150, 1.0), (3000, 1.5), (60_000, 4.0)])
def test_edges_resolve_both_efficiencies(n: int, distance: float) -> None:
    counts = both(gaussian(1, n, distance=distance), gaussian(2, n, distance=distance))
    assert 150 < len(counts.edges) < 300
    assert np.all(np.diff(counts.edges) > 0)
    assert 0.5 in counts.edges
    for part in (counts.test, counts.validation):
        for passing in (part.background, part.signal):
            assert passing.events[0] == n
            # 64 steps along the scores of both parts together, of which each has its own fluctuations.
            assert -np.diff(passing.events).min() < 0.03 * n + 10
    # The strictest cuts that let a few background events pass, and the loosest that lose a few of signal.
    assert {k for k in counts.test.background.events if k <= 10} >= {1, 2}
    assert len({n - k for k in counts.test.signal.events if n - k <= 10}) >= 3


def test_edges_have_few_digits_and_part_the_same_events() -> None:
    validation, test = gaussian(1), gaussian(2)
    counts = both(validation, test)
    assert np.median([len(repr(edge)) for edge in counts.edges]) <= 9
    # Nearly every edge takes another event than the one before.
    passed = [sum(side.events[k] for side in sides(counts)) for k in range(len(counts.edges))]
    assert len(set(passed)) > 0.9 * len(passed)


def sides(counts: ScoreCounts) -> list[Passing]:
    return [side for part in (counts.test, counts.validation) for side in (part.background, part.signal)]


def test_an_event_at_the_edge_passes() -> None:
    sample = Sample(np.array([0, 1, 0, 1.0]), np.array([0.5, 0.5, 0.25, 0.75]), np.array([2.0, 3.0, 5.0, 7.0]))
    counts = both(sample, sample)
    k = counts.edges.index(0.5)
    assert (counts.test.background.weight[k], counts.test.signal.weight[k]) == (2, 10)
    assert (counts.test.background.squares[k], counts.test.signal.squares[k]) == (4, 58)
    assert counts.nearest(0.51) == k


def test_scores_of_one_value_and_parts_of_one_class() -> None:
    constant = Sample(np.array([0, 1.0]), np.array([0.3, 0.3]), np.ones(2))
    only = Sample(np.array([1, 1.0]), np.array([0.2, 0.9]), np.ones(2))
    counts = both(constant, only)
    assert counts.test.background.events == (0,) * len(counts.edges)
    assert behind_cut(counts, 0).background_efficiency.value is None
    assert counts.validation.signal.events[counts.edges.index(0.3)] == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_figures_equal_those_of_working_points_and_of_the_model(weighted: bool) -> None:
    validation, test = gaussian(1, 400, weighted=weighted), gaussian(2, 400, weighted=weighted)
    points = working_points(
        validation=validation.scored(),
        test=test.scored(),
        signal_efficiencies=[0.3, 0.99],
        background_efficiencies=[0.01, 0.001],
        significance_cut=0.65,
    )
    counts = both(validation, test, points=points)
    for point in points:
        found = behind_cut(counts, counts.edges.index(point.threshold), signal_yield=30, background_yield=500)
        for name in ("signal_efficiency", "background_efficiency", "background_rejection"):
            close(getattr(found, name), getattr(point, name))
    model = evaluate_model(
        train=test.scored(), validation=validation.scored(), test=test.scored(), classes=("b", "s"), framework="",
        kind="", parameters=0, epochs=0, train_seconds=0, signal_yield=30, background_yield=500, resamples=100,
        significance_cut=0.65,
    )  # fmt: skip
    found = behind_cut(counts, counts.edges.index(0.65), signal_yield=30, background_yield=500)
    assert found.significance.value == pytest.approx(model.metrics["significance"].value, abs=1e-12)
    half = behind_cut(counts, counts.edges.index(0.5))
    assert np.array(half.confusion) == pytest.approx(np.array(model.confusion.counts), rel=1e-12)
    # At the test part's own yields purity is the precision.
    assert half.purity.value == pytest.approx(model.metrics["precision"].value, abs=1e-12)
    close(half.signal_efficiency, model.metrics["recall"])


def close(found: Quantity, wanted: Quantity) -> None:
    for end in ("value", "low", "high"):
        a, b = getattr(found, end), getattr(wanted, end)
        assert (a is None) == (b is None)
        assert a is None or a == pytest.approx(b, rel=1e-12, abs=1e-12)


def test_figures_by_hand() -> None:
    target = np.repeat([0.0, 1.0], [10, 10])
    score = np.concatenate([np.repeat([0.2, 0.8], [8, 2]), np.repeat([0.2, 0.8], [5, 5])])
    sample = Sample(target, score, np.ones(20))
    point = measure_cut(sample.ranked(), "tight", 0.85)
    counts = both(sample, sample, points=[point])
    found = behind_cut(counts, counts.edges.index(0.5), signal_yield=20, background_yield=100)
    # s = 20 · 5/10, b = 100 · 2/10.
    assert (found.expected_signal.value, found.expected_background.value) == (10, 20)
    assert found.purity.value == pytest.approx(1 / 3)
    assert found.significance.value == pytest.approx(np.sqrt(2 * (30 * np.log(1.5) - 10)))
    assert (found.confusion, found.events) == (((8, 2), (5, 5)), (2, 5))
    low, high = beta.ppf(0.025, 5, 6), beta.ppf(0.975, 6, 5)
    assert (found.signal_efficiency.low, found.signal_efficiency.high) == pytest.approx((low, high))
    # Nothing is left above 0.8: the rest are limits.
    top = behind_cut(counts, len(counts.edges) - 1, signal_yield=20, background_yield=100)
    assert counts.edges[-1] == 0.85
    assert (top.background_rejection.value, top.significance.value, top.purity.value) == (None, None, None)
    assert top.background_rejection.low == pytest.approx(1 / (1 - 0.025**0.1))
    assert behind_cut(counts, 0, part="validation").signal_efficiency.value == 1


def test_intervals_of_purity_and_significance_cover() -> None:
    # Both are functions of two independent binomial shares; 95 % intervals hold the truth in 93 to 99 % of samples.
    rng = np.random.default_rng(3)
    n, true = 400, (0.02, 0.4)
    purity, z = 12 / (12 + 20), float(asimov(np.array(12.0), np.array(20.0)))
    held = np.zeros(2)
    rounds = 1500
    target = np.repeat([0.0, 1.0], n)
    for passed, kept in zip(rng.binomial(n, true[0], rounds), rng.binomial(n, true[1], rounds), strict=True):
        score = np.repeat([0.2, 0.8, 0.2, 0.8], [n - passed, passed, n - kept, kept])
        part = PartCounts.model_construct(background=_two(score[target == 0]), signal=_two(score[target == 1]))
        counts = ScoreCounts.model_construct(edges=(0.0, 0.5), test=part, validation=part)
        found = behind_cut(counts, 1, signal_yield=30, background_yield=1000)
        for k, (quantity, truth) in enumerate(((found.purity, purity), (found.significance, z))):
            assert quantity.low is not None
            held[k] += quantity.low <= truth and (quantity.high is None or truth <= quantity.high)
    assert np.all(held / rounds > 0.93)
    assert np.all(held / rounds < 0.99)


def _two(score: Floats) -> Passing:
    counts = (float(len(score)), float((score >= 0.5).sum()))
    return Passing(weight=counts, squares=counts, events=(int(counts[0]), int(counts[1])))


def test_equal_arguments_give_equal_bytes_on_any_number_of_threads() -> None:
    validation, test = gaussian(1, weighted=True), gaussian(2, weighted=True)
    once = both(validation, test).model_dump_json()
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: both(validation, test).model_dump_json(), range(8))) == {once}
    assert ScoreCounts.model_validate_json(once).model_dump_json() == once
    rows = np.random.default_rng(5).permutation(len(test.score))
    shuffled = Sample(test.target[rows], test.score[rows], test.weight[rows])
    assert both(validation, shuffled).edges == both(validation, test).edges
    assert reference.efficiency(*test.lists(), 1, 0.5) == pytest.approx(
        behind_cut(both(validation, test), both(validation, test).nearest(0.5)).signal_efficiency.value, abs=1e-12
    )
