"""The split: exact sizes, stratified, groups and identical rows together, the test part sealed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import split as reference

from hepsieve import spill
from hepsieve.audit import identical
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, TargetScale
from hepsieve.prepare import SealedPart, folds, split, split_given_test
from hepsieve.prepare.assign import assign


def sample(n: int, *, signal: float = 0.5, seed: int = 0, copies: int = 1, groups: int | None = None) -> Events:
    rng = np.random.default_rng(seed)
    features = np.repeat(rng.normal(size=(n // copies, 3)), copies, axis=0)
    target = np.repeat(np.arange(n // copies) < signal * (n // copies), copies)
    group = None if groups is None else rng.integers(0, groups, n)
    return Events.from_arrays(features, target, group=group)


def test_the_published_counts_of_hepmass() -> None:
    # 7,000,000 rows with 3,500,879 signal, hold-out 10 %, then 20 % of the rest: 5,040,000 / 1,260,000 / 700,000.
    # A thousandth of it has the same shares; the full size differs by nothing but the factor.
    events = sample(7000, signal=0.5001256)
    parts = split(events, validation=0.18, test=0.1, seed=45)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (5040, 1260, 700)


@settings(max_examples=30, deadline=None)
@given(st.integers(50, 400), st.floats(0.2, 0.8), st.integers(0, 2**31), st.floats(0.1, 0.4), st.floats(0.1, 0.4))
def test_parts_are_stratified_and_lose_no_row(n: int, signal: float, seed: int, validation: float, test: float) -> None:
    events = sample(n, signal=signal)
    part = assign(events, (test, validation, 1 - test - validation), seed=seed)
    sizes = np.bincount(part, minlength=3)
    assert sizes.sum() == n
    assert abs(sizes[0] - n * test) <= 0.5 + 1e-6
    assert abs(sizes[1] - n * validation) <= 0.5 + 1e-6
    for number in range(3):
        share = events.target[part == number].sum()
        assert abs(share - sizes[number] * events.target.mean()) <= 1.5


def test_equal_seeds_give_equal_parts_and_others_do_not() -> None:
    events = sample(300)
    first, second, third = (assign(events, (0.2, 0.2, 0.6), seed=seed) for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != third).any()


def test_identical_rows_fall_on_one_side() -> None:
    events = sample(600, copies=3)
    part = assign(events, (0.2, 0.2, 0.6), seed=1).reshape(-1, 3)
    assert (part == part[:, :1]).all()
    assert abs(np.bincount(part[:, 0], minlength=3) - [40, 40, 120]).max() <= 4


def test_groups_stay_together_even_through_identical_rows() -> None:
    events = sample(900, copies=3, groups=60)
    assert events.group is not None
    part = assign(events, (0.2, 0.2, 0.6), seed=1)
    for number in range(60):
        assert len(np.unique(part[events.group == number])) == 1
    triplets = part.reshape(-1, 3)
    assert (triplets == triplets[:, :1]).all()


def test_signed_zeros_are_identical() -> None:
    features = np.zeros((100, 2))
    features[:, 1] = np.repeat(np.arange(50), 2)
    features[::2, 0] = -0.0
    events = Events.from_arrays(features, np.arange(100) % 4 < 2)
    part = assign(events, (0.3, 0.3, 0.4), seed=3).reshape(-1, 2)
    assert (part[:, 0] == part[:, 1]).all()


def test_folds_cover_every_row_once() -> None:
    events = sample(1003, signal=0.3)
    sizes = np.bincount(folds(events, 5, seed=1))
    assert len(sizes) == 5
    assert sizes.sum() == 1003
    assert sizes.max() - sizes.min() <= 2
    with pytest.raises(ConfigError, match="at least 3"):
        folds(events, 2, seed=1)


@pytest.mark.parametrize("blocks", [None, 1, 7, 40])
def test_blocks_in_file_order_keep_every_classs_share(blocks: int | None) -> None:
    events = sample(1500, signal=0.3)
    part = assign(events, (0.2, 0.2, 0.6), seed=1, file_order_blocks=blocks)
    signal = events.target == 1
    assert np.bincount(part[signal]).tolist() == [90, 90, 270]
    assert np.bincount(part[~signal]).tolist() == [210, 210, 630]
    if blocks is not None:
        for rows in np.array_split(np.flatnonzero(signal), blocks):
            assert abs((part[rows] == 0).sum() - 0.2 * len(rows)) < 1.5


def test_groups_of_a_block_reach_every_part() -> None:
    # One pair in each block of 25 rows: without a turn by chance all pairs would be learned from.
    events = sample(1000)
    group = np.arange(1000)
    group[1::25] = group[::25]
    parts = [assign(events.replace(group=group), (0.2, 0.2, 0.6), seed=s, file_order_blocks=20) for s in range(5)]
    pairs = np.concatenate([part[::25] for part in parts])
    assert all((part[1::25] == part[::25]).all() for part in parts)
    # 200 pairs: 20 % to within five standard deviations.
    assert abs((pairs == 0).mean() - 0.2) < 0.15


def test_too_many_blocks_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"60 blocks of the smaller class's 250 rows .* take at most 50"):
        assign(sample(500), (0.2, 0.2, 0.6), seed=1, file_order_blocks=60)


def test_a_part_without_a_class_is_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        split(sample(6, signal=0.2), validation=0.2, test=0.2, seed=1)


@pytest.mark.parametrize(("validation", "test", "seed"), [(20, 0.2, 1), (0.6, 0.6, 1), (0, 0.2, 1), (0.2, 0.2, -1)])
def test_shares_and_seeds_that_make_no_sense_are_refused(validation: float, test: float, seed: int) -> None:
    with pytest.raises(ConfigError, match=r"validation is|seed is"):
        split(sample(100), validation=validation, test=test, seed=seed)


def test_parts_show_their_sizes_and_nothing_else() -> None:
    parts = split(sample(100), validation=0.2, test=0.2, seed=1)
    assert repr(parts) == "Split(train 60, validation 20, test 20, opened 0 times)"


def test_files_of_their_own_stay_whole() -> None:
    events, test = sample(100, seed=1), sample(40, seed=2)
    parts = split_given_test(events, test, validation=0.25, seed=1)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (75, 25, 40)
    parts = split_given_test(events, test, validation=sample(30, seed=3), seed=1)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (100, 30, 40)


def test_every_opening_of_the_test_part_is_on_record() -> None:
    heard: list[str] = []
    sealed = SealedPart(sample(10)).recorded_by(heard.append)
    assert len(sealed) == 10
    assert heard == []
    assert len(sealed.open("evaluate")) == 10
    sealed.open("again")
    assert list(sealed.openings) == heard == ["evaluate", "again"]


def test_classes_of_the_test_part_are_counted_without_opening_it() -> None:
    heard: list[str] = []
    events = sample(40, signal=0.25)
    sealed = SealedPart(events).recorded_by(heard.append)
    signal = int((events.target == 1).sum())
    assert 0 < signal < 40
    assert sealed.class_counts() == (40 - signal, signal)
    assert heard == list(sealed.openings) == []


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 400),
    copies=st.integers(1, 4),
    groups=st.none() | st.integers(1, 60),
    signal=st.floats(0, 1),
    blocks=st.none() | st.integers(1, 5),
    seed=st.integers(0, 2**31),
    small=st.booleans(),
)
def test_parts_are_those_of_the_division_in_one_piece(
    n: int, copies: int, groups: int | None, signal: float, blocks: int | None, seed: int, small: bool
) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 2))[rng.integers(0, n, n)] if copies > 1 else rng.normal(size=(n, 2))
    group = None if groups is None else rng.integers(0, groups, n) - groups // 2
    events = Events.from_arrays(features, rng.random(n) < signal, group=group)
    shares = (0.1, 0.18, 0.72)
    with pytest.MonkeyPatch.context() as patch:
        if small:  # many batches and blocks, all on files
            patch.setattr(identical, "_BATCH", 20)
            patch.setattr(spill, "_BLOCK", 256)
            patch.setattr(spill, "LARGE", 64)
        try:
            part = assign(events, shares, seed=seed, file_order_blocks=blocks)
        except ConfigError:
            assert blocks is not None
            return
    expected = reference.assign(events, shares, seed=seed, file_order_blocks=blocks)
    np.testing.assert_array_equal(part, expected)


@pytest.mark.slow
def test_seven_million_rows_are_divided_as_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # all_train.csv of HEPMASS: 7,000,000 rows with 3,500,879 signal; 10 % for the test, then 20 % of the rest. Of the
    # signal, 700,000 · 3,500,879 / 7,000,000 = 350,087.9 belong into the test part, and 630,158.2 into validation.
    monkeypatch.setenv("HEPSIEVE_CACHE", str(tmp_path))
    n = 7_000_000
    features, target = spill.empty((n, 1), np.float32), spill.empty(n, np.float32)
    features[:, 0], target[:] = np.arange(n), 0
    target[np.random.default_rng(1).permutation(n)[:3_500_879]] = 1
    parts = split(Events.from_arrays(features, target), validation=0.18, test=0.1, seed=45)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (5_040_000, 1_260_000, 700_000)
    assert parts.test.class_counts() == (349_912, 350_088)
    assert int((parts.validation.target > 0.5).sum()) == 630_158


def numbers(n: int, *, seed: int = 0, copies: int = 1, grid: int | None = None) -> Events:
    """Events with a number to regress, most of them small; in steps of 1/grid where one is given."""
    rng = np.random.default_rng(seed)
    target = rng.random(n // copies) ** 3
    target = target if grid is None else np.round(target * grid) / grid
    features = np.repeat(rng.normal(size=(n // copies, 3)), copies, axis=0)
    return Events.from_arrays(features, np.repeat(target, copies), scale=TargetScale(name="d", unit="mm", full=30))


@pytest.mark.parametrize("grid", [None, 800, 4])
def test_all_parts_of_a_regression_cover_the_range_alike(grid: int | None) -> None:
    events = numbers(2000, grid=grid)
    part = assign(events, (0.2, 0.2, 0.6), seed=3)
    assert np.bincount(part).tolist() == [400, 400, 1200]
    # With 20 bins of 100 each, every part's share of a bin is exact but for rounding: no quantile can be off by more.
    for level in np.quantile(events.target, np.arange(1, 20) / 20):
        whole = (events.target <= level).mean()
        for number in range(3):
            assert abs((events.target[part == number] <= level).mean() - whole) < (0.003 if grid is None else 0.06)
    by_chance = np.random.default_rng(3).permutation(part)
    levels = np.quantile(events.target, (0.25, 0.5, 0.75))
    spread = [abs((events.target[by_chance == 0] <= q).mean() - (events.target <= q).mean()) for q in levels]
    assert max(spread) > 0.003  # which chance alone does not reach


def test_identical_rows_of_a_regression_fall_on_one_side() -> None:
    part = assign(numbers(900, copies=3), (0.2, 0.2, 0.6), seed=1).reshape(-1, 3)
    assert (part == part[:, :1]).all()
    assert abs(np.bincount(part[:, 0], minlength=3) - [60, 60, 180]).max() <= 12


def test_folds_of_a_regression_cover_the_range_alike() -> None:
    events = numbers(1000)
    fold = folds(events, 5, seed=1)
    means = [events.target[fold == number].mean(dtype=np.float64) for number in range(5)]
    assert np.ptp(means) < 0.01
    assert np.bincount(fold).tolist() == [200] * 5


def test_a_number_that_nobody_knows_is_refused_before_a_division() -> None:
    events = numbers(100)
    target = events.target.copy()
    target[[7, 30]] = np.nan
    unknown = events.replace(target=target)
    said = "^event 8 has no d: such events can be scored, but neither learned from nor judged by; leave them out$"
    with pytest.raises(DataError, match=said):
        split(unknown, seed=1)
    for learned, test in ((unknown, events), (events, unknown)):
        with pytest.raises(DataError, match=said):
            split_given_test(learned, test, validation=0.2, seed=1)
    with pytest.raises(DataError, match=said):
        split_given_test(events, numbers(50), validation=unknown, seed=1)


def test_one_value_alone_can_not_be_divided() -> None:
    events = numbers(100)
    with pytest.raises(DataError, match=r"^the test part would hold 1 values of d: 100 events in 100 units"):
        split(events.replace(target=np.full(100, 0.5, np.float32)), seed=1)
    with pytest.raises(DataError, match=r"^a fold would have one d only; 5 events are too few for 3 folds"):
        folds(numbers(5), 3, seed=1)


def test_blocks_of_the_file_are_divided_within_each_bin_of_values() -> None:
    events = numbers(2000)
    part = assign(events, (0.2, 0.2, 0.6), seed=3, file_order_blocks=4)
    assert np.bincount(part).tolist() == [400, 400, 1200]
    order = np.argsort(events.target, kind="stable")
    for rows in order.reshape(20, 100):
        # Of the 25 events of each bin that follow each other in the file, 5 go to test.
        counts = [int((part[block] == 0).sum()) for block in np.sort(rows).reshape(4, 25)]
        assert counts == [5, 5, 5, 5]
    with pytest.raises(
        ConfigError, match=r"^split\.file_order_blocks: 30 blocks of one bin of values' 100 rows are too"
    ):
        assign(events, (0.2, 0.2, 0.6), seed=3, file_order_blocks=30)
