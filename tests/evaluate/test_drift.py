"""Drift of features: hand-made cases, exact probabilities, and how often equal distributions give an alarm."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.random import Generator
from scipy.stats import binom, ks_2samp

from hepsieve.errors import DataError
from hepsieve.evaluate.drift import FALSE_ALARM, FeatureDrift, Table, chance_outside, drift
from hepsieve.evaluate.intervals import clopper_pearson

NAMES = ("normal", "lifetime", "hits")
UNITS = ("cm", "ps", "")


def cloud(rng: Generator, n: int, *, weighted: bool = False) -> Table:
    """A symmetric feature, one with a long tail and one of few whole values, the same for both classes."""
    columns = (rng.normal(size=n), rng.exponential(size=n), rng.integers(0, 4, n))
    return Table(
        features=np.stack(columns, axis=1).astype(np.float32),
        weight=rng.uniform(0.2, 1.8, n) if weighted else np.ones(n),
        target=np.arange(n) % 2,
    )


def one_feature(values: object, weight: object = None, *, target: object = None) -> Table:
    column = np.asarray(values, dtype=np.float64)
    return Table(
        features=column[:, None],
        weight=np.ones(len(column)) if weight is None else np.asarray(weight, dtype=np.float64),
        target=None if target is None else np.asarray(target),
    )


def compare(new: Table, training: Table) -> FeatureDrift:
    (found,) = drift(new, training, names=["x"], units=["cm"], classes=("noise", "pulse"))
    return found


@pytest.mark.parametrize("cut_off", [1, 2])
def test_the_chance_to_lie_outside_is_the_share_of_all_orders(cut_off: int) -> None:
    new, training = 3, 5
    outside = []
    for places in combinations(range(new + training), new):
        span = np.setdiff1d(np.arange(new + training), places)[cut_off - 1 : training - cut_off + 1]
        outside.append(sum(place < span[0] or place > span[-1] for place in places))
    assert len(outside) == 56
    for k in range(new + 1):
        share = np.mean(np.array(outside) >= k)
        assert chance_outside(k, new, training, cut_off=cut_off) == pytest.approx(share, abs=1e-12)


def test_shares_outside_use_weights_and_carry_their_interval() -> None:
    # Training spans 0 to 10. Of the new weight 1 + 2 + 3 + 4 = 10, the events at −1 and 11 hold 1 + 4; Σw² is 30.
    found = compare(one_feature([-1, 0, 10, 11], [1, 2, 3, 4]), one_feature(np.arange(11)))
    assert (found.training_low, found.training_high) == (0, 10)
    assert found.outside_range.value == pytest.approx(0.5)
    low, high = clopper_pearson(0.5, 100 / 30)
    assert found.outside_range.low == pytest.approx(low)
    assert found.outside_range.high == pytest.approx(high)
    assert (found.n, found.n_training, found.events) == (4, 11, "all")


def test_the_central_part_leaves_out_one_in_a_thousand_on_either_side() -> None:
    # 1,999 training events: the second lowest is 1, the second highest 1997.
    found = compare(one_feature([0.5, 1, 1997, 1997.5, 5000]), one_feature(np.arange(1999)))
    assert found.outside_range.value == pytest.approx(1 / 5)
    assert found.outside_central.value == pytest.approx(3 / 5)


def test_the_median_moves_in_half_widths_of_the_training() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=20_000)
    found = compare(one_feature(values * 3 + 6), one_feature(rng.normal(size=20_000) * 3))
    # The central 68 % of a normal of width 3 reaches 0.994 widths to either side: 6 / (3 × 0.994) = 2.01.
    assert found.median_shift.value == pytest.approx(2.01, abs=0.05)
    assert found.status == "far"
    assert "half widths above the training's" in found.verdict
    still = compare(one_feature(values), one_feature(np.ones(50)))
    assert still.median_shift.value is None


def test_the_distance_is_the_two_sample_one() -> None:
    rng = np.random.default_rng(2)
    new, training = rng.normal(size=400) + 0.5, rng.normal(size=600)
    found = compare(one_feature(new), one_feature(training))
    expected = ks_2samp(new, training, method="asymp")
    assert found.ks == pytest.approx(expected.statistic)
    assert found.ks_p == pytest.approx(expected.pvalue, rel=0.5)


def test_classes_are_compared_with_their_own() -> None:
    training = one_feature([0.0] * 50 + [100.0] * 50 + [1.0], target=[0] * 50 + [1] * 51)
    new = one_feature([50.0] * 30, target=[1] * 30)
    found = compare(new, training)
    assert found.events == "pulse"
    assert found.n_training == 51
    assert found.outside_range.value == 0
    new = one_feature([50.0] * 30, target=[0] * 30)
    found = compare(new, training)
    assert found.events == "noise"
    assert found.outside_range.value == 1
    assert found.status == "far"


def test_the_strongest_drift_comes_first_and_says_what_it_is() -> None:
    rng = np.random.default_rng(3)
    training, new = cloud(rng, 4000), cloud(rng, 1000)
    moved = new.features.copy()
    moved[:, 1] += 8
    moved[:, 0] *= 1.5
    found = drift(
        Table(features=moved, weight=new.weight, target=new.target),
        training,
        names=NAMES,
        units=UNITS,
        classes=("noise", "pulse"),
    )
    assert [one.feature for one in found] == ["lifetime"] * 2 + ["normal"] * 2 + ["hits"] * 2
    assert [one.status for one in found] == ["far"] * 2 + ["drift"] * 2 + ["same"] * 2
    first = next(one for one in found if one.events == "pulse")
    share = first.outside_range
    assert share.value is not None
    assert f"{100 * share.value:.1f} % (" in first.verdict
    assert " of the pulse events lie outside the training range (" in first.verdict
    assert " ps)" in first.verdict


def test_a_long_new_tail_inside_a_wide_range_is_seen() -> None:
    rng = np.random.default_rng(4)
    training = np.append(rng.normal(size=20_000), [-50, 50])
    new = np.append(rng.normal(size=950), np.linspace(10, 40, 50))
    found = compare(one_feature(new), one_feature(training))
    assert found.outside_range.value == 0
    assert found.status == "drift"
    assert "outside the central 99.8 %" in found.verdict


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n_new", "n_training"), [(1000, 1000), (100, 3000), (2000, 300)])
def test_equal_distributions_give_few_alarms(n_new: int, n_training: int, weighted: bool) -> None:
    rng = np.random.default_rng([n_new, n_training, weighted])
    samples = 300
    alarms = 0
    covered = 0
    for _ in range(samples):
        new, training = (cloud(rng, n, weighted=weighted) for n in (n_new, n_training))
        found = drift(new, training, names=NAMES, units=UNITS, classes=("noise", "pulse"))
        alarms += any(one.status != "same" for one in found)
        shift = next(one.median_shift for one in found if (one.feature, one.events) == ("normal", "pulse"))
        assert shift.low is not None
        assert shift.high is not None
        covered += shift.low <= 0 <= shift.high
    # At most 1 % of such samples may give an alarm: more than 9 of 300 have a probability of 1 in 1,000 then.
    assert alarms <= binom.ppf(0.999, samples, FALSE_ALARM)
    # The 95 % interval of the shift, which is 0, covers at least 91 % (4 % are three standard deviations of the count).
    assert covered >= 0.91 * samples


def test_a_shift_by_one_width_is_always_seen() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        new, training = cloud(rng, 200), cloud(rng, 1000)
        moved = Table(features=new.features + np.float32(1), weight=new.weight, target=new.target)
        found = drift(moved, training, names=NAMES, units=UNITS, classes=("noise", "pulse"))
        assert all(one.status != "same" for one in found)


def test_one_event_can_not_show_a_drift() -> None:
    training = one_feature(np.arange(100.0))
    # A new event falls outside a hundred others with a probability of 2/101; two of them with 6/(101 × 102) only.
    found = compare(one_feature([1e6]), training)
    assert (found.status, found.verdict) == ("unknown", "too few events to tell")
    assert compare(one_feature([1e6, -1e6]), training).status == "far"


def test_what_can_not_be_compared_is_refused() -> None:
    training = one_feature([0.0, 1.0], target=[0, 0])
    with pytest.raises(DataError, match="no event to compare"):
        compare(one_feature([0.0], target=[1]), training)
    with pytest.raises(DataError, match="feature x, new event 2: nan is not finite"):
        compare(one_feature([1.0, np.nan]), training)
