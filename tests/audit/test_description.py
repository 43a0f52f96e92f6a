"""What is said about a sample, against definitions that sort and loop, and whatever blocks the events come in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from tests.reference import description as reference

from hepsieve.audit import audit, description
from hepsieve.audit.description import Description, FeatureSummary, describe
from hepsieve.audit.moments import Moments
from hepsieve.audit.sketch import FEW, Sketch
from hepsieve.config import AuditConfig, DataConfig
from hepsieve.data.read import read_files
from hepsieve.events import Events
from hepsieve.progress import Silent

CLASSES = ("noise", "pulse")
BIN = 2.0**-9


def events_of(*columns: Sequence[float] | NDArray[np.float64], target: Sequence[float] | None = None) -> Events:
    values = np.column_stack(columns).astype(np.float32)
    return Events.from_arrays(values, np.arange(len(values)) % 2 if target is None else np.asarray(target))


def described(events: Events, *, correlated: float = 0.96) -> Description:
    return describe(events, classes=CLASSES, correlated=correlated)


def only(values: Sequence[float] | NDArray[np.float64]) -> FeatureSummary:
    return described(events_of(values)).features[0]


def spread(n: int = 5000, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return {
        "normal": rng.normal(size=n),
        "exponential": rng.exponential(size=n),
        "over decades": rng.choice([-1, 1], n) * 10 ** rng.uniform(-30, 30, n),
        "narrow and far": 125 + 0.4 * rng.normal(size=n),
        "half zero": np.where(rng.random(n) < 0.5, 0, rng.normal(size=n)),
        "many integers": rng.integers(-700, 900, n).astype(float),
        "few integers": rng.integers(0, 5, n) * 0.25,
        "sixty integers": rng.poisson(30, n).astype(float),
    }


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 256 rows instead of 65,536."""
    monkeypatch.setattr(description, "_ROWS", 1)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shape", list(spread(10)))
def test_the_row_of_a_feature_agrees_with_its_definition(shape: str) -> None:
    values = spread()[shape].astype(np.float32).astype(np.float64)
    row = only(values)
    assert (row.count, row.missing, row.infinite) == (5000, 0, 0)
    assert (row.min, row.max) == (values.min(), values.max())
    assert row.mean == pytest.approx(reference.mean(values.tolist()), rel=1e-12, abs=1e-12 * np.abs(values).max())
    assert row.std == pytest.approx(reference.deviation(values.tolist()), rel=1e-12)
    for share, found in ((0.25, row.q25), (0.5, row.median), (0.75, row.q75)):
        assert found is not None
        exact, low, high = reference.quantile(values.tolist(), share)
        assert abs(found - exact) <= BIN * max(abs(low), abs(high))
    distinct = len(set(values.tolist()))
    assert row.distinct == (distinct if distinct <= FEW else None)


@pytest.mark.parametrize("shape", ["normal", "exponential", "narrow and far"])
def test_quartiles_of_smooth_features_are_far_better_than_promised(shape: str) -> None:
    values = spread(100_000)[shape].astype(np.float32).astype(np.float64)
    row = only(values)
    quartiles = np.quantile(values, [0.25, 0.5, 0.75])
    assert np.abs(np.array([row.q25, row.median, row.q75]) - quartiles).max() < 1e-3 * values.std()


@pytest.mark.parametrize("shape", ["few integers", "sixty integers", "half zero"])
def test_few_values_and_heaps_have_exact_quartiles(shape: str) -> None:
    values = spread()[shape].astype(np.float32).astype(np.float64)
    row, middle = only(values), float(np.median(values))
    assert row.median == middle
    if row.distinct is not None:
        assert (row.q25, row.q75) == tuple(np.quantile(values, [0.25, 0.75]).tolist())


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shape", [name for name in spread(10) if name != "over decades"])
def test_histograms_count_each_class_by_itself(shape: str) -> None:
    values = spread()[shape].astype(np.float32).astype(np.float64)
    target = np.random.default_rng(3).random(5000) < 0.3
    row = described(events_of(values, target=target.astype(float).tolist())).features[0]
    widths = np.diff(row.edges)
    for side, density in ((~target, row.background), (target, row.signal)):
        counts = np.asarray(density) * widths * side.sum()
        exact = np.array(reference.histogram(values[side].tolist(), row.edges))
        if row.distinct is not None:
            assert counts == pytest.approx(exact, abs=1e-9)
        else:
            # An edge is wrong by what lies in the narrow bin that it cuts; a heap there may be all of it.
            near = [int((np.abs(values[side] - edge) <= BIN * abs(edge)).sum()) for edge in row.edges]
            assert (np.abs(counts - exact) <= np.array(near)[:-1] + np.array(near)[1:] + 1e-9).all()
        assert counts.sum() >= 0.985 * side.sum()


def test_bins_lie_around_few_values_and_over_most_of_many() -> None:
    row = only([0, 1, 1, 4])
    assert row.edges == (-0.5, 0.5, 2.5, 5.5)
    # Background are the first and third event, signal the second and fourth: one of two per bin of width 1, 2 and 3.
    assert row.background == pytest.approx((0.5, 0.25, 0))
    assert row.signal == pytest.approx((0, 0.25, 1 / 6))
    assert only([7, 7]).edges == (6.5, 7.5)
    values = np.concatenate([np.linspace(0, 1, 1000), [1e6, -1e6]])
    edges = only(values).edges
    assert len(edges) == 41
    assert -0.01 < edges[0] < 0.01
    assert 0.99 < edges[-1] < 1.01


def test_missing_and_infinite_values_are_counted_and_leave_the_rest_alone() -> None:
    nan, inf = np.nan, np.inf
    result = described(events_of([1, nan, 3, nan, nan, 6], [inf, 2, -inf, 4, 5, 6], [1, 2, 3, 4, 5, 6]))
    first, second, third = result.features
    assert (first.count, first.missing, first.infinite, first.missing_by_class) == (3, 3, 0, (1, 2))
    # 1, 3, 6: mean 10/3, variance (49 + 1 + 64) / 9 / 2 = 19/3.
    assert (first.mean, first.std) == pytest.approx((10 / 3, (19 / 3) ** 0.5))
    assert (first.min, first.median, first.max) == (1, 3, 6)
    assert (second.count, second.missing, second.infinite) == (4, 0, 2)
    assert (second.min, second.max) == (2, 6)
    assert (third.count, third.missing, third.infinite) == (6, 0, 0)
    assert result.complete == 1


def test_a_feature_without_any_value_has_no_figures() -> None:
    row = only([np.nan, np.nan, np.inf])
    assert (row.count, row.missing, row.infinite, row.distinct) == (0, 2, 1, 0)
    assert {row.mean, row.std, row.min, row.q25, row.median, row.q75, row.max} == {None}
    assert sum(row.background) == sum(row.signal) == 0
    single = only([4, np.nan])
    assert (single.mean, single.std, single.median) == (4, None, 4)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_correlations_are_of_the_events_in_which_both_are_known(missing: float) -> None:
    rng = np.random.default_rng(5)
    target = rng.random(900) < 0.4
    # Ordered by class, with large means: neither the blocks nor the sums may lose what is small beside them.
    x = rng.normal(size=(900, 3)) @ rng.normal(size=(3, 3)) + 1e4 * target[:, None] + [0, 1000, -3e4]
    x[rng.random(x.shape) < missing] = np.nan
    order = np.argsort(target, kind="stable")
    events = events_of(*x[order].T, target=target[order].astype(float).tolist())
    pairs = described(events, correlated=0).correlated
    assert len(pairs) == 3
    values = events.features.astype(np.float64)
    sides = (slice(None), events.target == 0, events.target == 1)
    for pair in pairs:
        first, second = events.names.index(pair.first), events.names.index(pair.second)
        exact = [reference.correlation(values[side, first].tolist(), values[side, second].tolist()) for side in sides]
        assert (pair.r, pair.background, pair.signal) == pytest.approx(exact, rel=1e-9, abs=1e-9)
    assert [pair.strength for pair in pairs] == sorted((pair.strength for pair in pairs), reverse=True)


def test_pairs_above_the_threshold_are_listed_and_the_strongest_always() -> None:
    rng = np.random.default_rng(7)
    x, y, z = rng.normal(size=(3, 4000))
    target = np.arange(4000) % 2
    # b follows a in signal only: 1 / sqrt(1.04) = 0.98 there, about half of it in all.
    b = np.where(target == 1, x + 0.2 * y, y)
    events = events_of(x, b, z, np.full(4000, 2.5), target=target.tolist())
    result = described(events)
    (pair,) = result.correlated
    assert (pair.first, pair.second, result.strongest) == ("x0", "x1", pair)
    assert pair.signal == pytest.approx(1 / 1.04**0.5, abs=0.003)
    assert pair.r is not None
    assert pair.r < 0.6
    none = described(events, correlated=0.99)
    assert (none.correlated, none.strongest, none.threshold) == ((), pair, 0.99)
    # The audit, on a look at some of the events, uses the same threshold.
    for threshold, found in ((0.96, 1), (0.99, 0)):
        report = audit(events, AuditConfig(correlated=threshold), classes=CLASSES)
        assert [finding.code for finding in report.findings].count("correlated-features") == found
    # A constant goes with nothing.
    assert all("x3" not in (one.first, one.second) for one in described(events, correlated=0).correlated)
    assert described(events_of([1, 1, 1], [2, 2, 2])).strongest is None


def test_the_classes_are_counted_and_weights_are_only_summed() -> None:
    events = events_of([1, 2, 3, 4, 5], target=[0, 1, 1, 7, np.nan])
    result = described(events)
    assert (result.counts, result.unlabelled, result.weights) == ((1, 2), 2, None)
    assert (result.features[0].count, result.features[0].max) == (3, 3)
    heavy = described(events.replace(weight=np.array([2, -0.5, np.nan, 1, 1], np.float32)))
    assert heavy.weights == (2, -0.5)
    assert heavy.features == result.features


@pytest.mark.usefixtures("small_blocks")
def test_a_feature_that_is_constant_where_the_other_is_known_goes_with_nothing() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=900)
    known = rng.random(900) < 0.5
    x[known] = 0.1
    result = described(events_of(x, np.where(known, rng.normal(size=900), np.nan)), correlated=0)
    assert (result.correlated, result.strongest) == ((), None)


@pytest.mark.usefixtures("small_blocks")
def test_neither_blocks_nor_order_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = spread(3000)
    events = events_of(*columns.values())
    small = described(events)
    shuffled = described(events[np.random.default_rng(1).permutation(3000)])
    monkeypatch.setattr(description, "_ROWS", 1 << 16)
    for other in (described(events), shuffled):
        for ours, theirs in zip(small.features, other.features, strict=True):
            for name in ("count", "min", "max", "distinct", "q25", "median", "q75", "edges", "background", "signal"):
                assert getattr(ours, name) == getattr(theirs, name), (ours.name, name)
            assert (ours.mean, ours.std) == pytest.approx((theirs.mean, theirs.std), rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float32, st.integers(1, 400), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    st.sampled_from([0, 0.01, 0.25, 0.5, 0.9, 1]),
)
def test_quantiles_of_any_numbers_are_right_to_a_bin(values: NDArray[np.float32], share: float) -> None:
    sketch = Sketch()
    for block in np.array_split(values, 3):
        sketch.add(block, np.zeros(len(block), np.bool_))
    (found,) = sketch.bins().quantiles((share,))
    exact, low, high = reference.quantile(values.astype(np.float64).tolist(), share)
    # Nobody needs what is smaller than float32's smallest normal number.
    assert abs(found - exact) <= BIN * max(abs(low), abs(high)) + 1.2e-38
    assert sketch.bins().counts.sum() == len(values)


def test_a_sketch_of_all_powers_of_two_stays_small_and_keeps_every_count() -> None:
    rng = np.random.default_rng(0)
    values = (rng.choice([-1, 1], 200_000) * np.exp2(rng.uniform(-126, 127.9, 200_000))).astype(np.float32)
    sketch = Sketch()
    sketch.add(values[:1000], values[:1000] > 0)
    sketch.add(values[1000:], values[1000:] > 0)
    bins = sketch.bins()
    assert len(bins.low) <= 1 << 18
    assert bins.counts.sum(axis=1).tolist() == [(values <= 0).sum(), (values > 0).sum()]
    assert (bins.low[1:] >= bins.high[:-1]).all()
    assert (bins.high - bins.low <= BIN * np.maximum(np.abs(bins.low), np.abs(bins.high))).all()
    assert (bins.low[0], bins.high[-1]) == (values.min(), values.max())


def test_quantiles_are_no_more_often_too_low_than_too_high() -> None:
    rng = np.random.default_rng(2)
    values = np.exp2(rng.uniform(-126, 127.9, 200_000)).astype(np.float32)
    sketch = Sketch()
    sketch.add(values, np.zeros(len(values), np.bool_))
    shares = np.linspace(0.01, 0.99, 2001)
    exact = np.quantile(values.astype(np.float64), shares)
    wrong = (np.array(sketch.bins().quantiles(tuple(shares.tolist()))) - exact) / exact / BIN
    # Within ±1/2 at random in the worst case: the mean of 2001 has an error of 0.007.
    assert abs(wrong.mean()) < 0.03


def test_counts_survive_the_change_from_few_values_to_many() -> None:
    values = np.concatenate([np.tile([1.0, 2.0, -0.0, 0.0], 50), np.linspace(3, 4, 101)]).astype(np.float32)
    sketch = Sketch()
    sketch.add(values[:200], np.arange(200) % 2 == 1)
    assert sketch.distinct == 3
    sketch.add(values[200:], np.zeros(101, np.bool_))
    assert sketch.distinct is None
    # Both zeros are one value still.
    sketch.add(np.array([0.0, -0.0], np.float32), np.zeros(2, np.bool_))
    bins = sketch.bins()
    at = {value: bins.counts[:, np.flatnonzero(bins.low <= value)[-1]].tolist() for value in (0.0, 1.0, 2.0)}
    assert at == {0.0: [52, 50], 1.0: [50, 0], 2.0: [0, 50]}


def test_moments_of_blocks_lose_nothing_that_is_small_beside_the_mean() -> None:
    # 4096 float32 values around 1e6, 1/16 apart: the naive sum of squares would keep three digits of the variance.
    values = (1e6 + np.arange(4096) / 16).astype(np.float32)[:, None]
    parts = [Moments.of(block) for block in np.array_split(values, 7)]
    n, mean, deviation = sum(parts[1:], start=parts[0]).columns()
    exact = [float(value) for value in values[:, 0]]
    assert (n[0], mean[0]) == (4096, reference.mean(exact))
    assert deviation[0] == pytest.approx(reference.deviation(exact), rel=1e-12)


def test_the_text_is_valid_json_and_comes_back_equal() -> None:
    events = events_of([1, np.nan, np.inf, 4], [np.nan] * 4, [0, 1e38, 3e38, -3e38])
    result = described(events)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(result.to_json(), parse_constant=refuse)
    assert Description.from_json(result.to_json()) == result
    with pytest.raises(ValueError, match="classes"):
        Description.from_json("{}")


def test_of_images_and_of_nothing_the_classes_are_told() -> None:
    images = Events.from_arrays(np.zeros((4, 3, 3, 2)), np.array([0, 1, 1, 1]))
    assert (described(images).counts, described(images).features, described(images).strongest) == ((1, 3), (), None)
    nothing = described(Events.from_arrays(np.zeros((0, 2)), np.zeros(0)))
    assert (nothing.counts, nothing.features[0].count, nothing.features[0].median) == ((0, 0), 0, None)


def test_progress_and_events_from_a_memory_map(tmp_path: Path) -> None:
    values = spread()["normal"].astype(np.float32)
    np.save(tmp_path / "x.npy", values[:, None])
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    told: list[float] = []

    class Watch(Silent):
        def task(self, description: str, total: float | None = None):  # type: ignore[no-untyped-def]
            from contextlib import nullcontext

            return nullcontext(lambda amount=1, note="": told.append(amount))

    events = Events.from_arrays(values[:, None], np.arange(5000) % 2).replace(features=mapped)
    result = describe(events, classes=CLASSES, correlated=0.9, progress=Watch())
    assert sum(told) == 5000
    assert result == described(Events.from_arrays(values[:, None], np.arange(5000) % 2), correlated=0.9)


@pytest.mark.genuine
def test_genuine_higgs_rows(genuine: Callable[[str], Path], tmp_path: Path) -> None:
    config = DataConfig(catalog="higgs", trees={"sig_tree": 1, "bkg_tree": 0})
    events = read_files([genuine("higgs/Higgs_data.root")], config, cache=tmp_path, progress=Silent())
    result = described(events)
    assert (result.counts, result.complete, result.correlated) == ((10_000, 10_000), 20_000, ())
    tags = [row for row in result.features if row.name.endswith("b-tag")]
    assert [row.distinct for row in tags] == [3, 3, 3, 3]
    values = events.features.astype(np.float64)
    for k, row in enumerate(result.features):
        low, middle, high = np.quantile(values[:, k], [0.25, 0.5, 0.75])
        assert (row.q25, row.median, row.q75) == pytest.approx((low, middle, high), rel=2e-3, abs=1e-4)
        assert row.mean == pytest.approx(values[:, k].mean(), abs=1e-9)
        assert row.std == pytest.approx(values[:, k].std(ddof=1), rel=1e-9)
    r = np.abs(np.corrcoef(values.T) - np.eye(len(events.names)))
    assert result.strongest is not None
    first, second = (events.names.index(name) for name in (result.strongest.first, result.strongest.second))
    assert r[first, second] == pytest.approx(abs(result.strongest.r or 0), abs=1e-9)
