"""A regression's predictions as a classifier: thresholds from one half, shares from the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.reference import evaluate, regression

from hepsieve.errors import DataError
from hepsieve.evaluate.intervals import clopper_pearson
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted, TargetDescription
from hepsieve.evaluate.results import Quantity
from hepsieve.evaluate.told_apart import ToldApart
from hepsieve.evaluate.told_apart import tell_apart as tell_apart_of

TARGET = TargetDescription(name="d", unit="mm", full=30.0)


def pulses(n: int, seed: int, *, single: bool) -> Predicted:
    """Predicted separations with an error of 0.05, cut off at 0; single pulses have none to predict."""
    rng = np.random.default_rng(seed)
    target: Floats = np.zeros(n) if single else rng.uniform(size=n)
    prediction = np.clip(target + rng.normal(scale=0.05, size=n), 0, 1)
    return Predicted(target=np.full(n, np.nan) if single else target, prediction=prediction, weight=np.ones(n))


def tell_apart(
    others: Predicted,
    own: Predicted,
    *,
    seed: int,
    shares: tuple[float, ...] = (0.01,),
    validation: Predicted | None = None,
) -> ToldApart:
    watched = pulses(50, 90, single=False) if validation is None else validation
    return tell_apart_of(others, own, validation=watched, target=TARGET, seed=seed, shares=shares)


def value(quantity: Quantity) -> float:
    assert quantity.value is not None
    return quantity.value


def test_cuts_are_set_on_one_half_and_measured_on_the_other() -> None:
    singles, doubles = pulses(401, 1, single=True), pulses(300, 2, single=False)
    found = tell_apart(singles, doubles, seed=9, shares=(0.05,))
    assert (found.n_set, found.n_measured) == (200, 201)
    share, balanced = found.cuts
    assert (share.wanted, balanced.wanted) == ("at most 5 % of the others kept", "best balanced")
    # Half of the single pulses are predicted at 0 exactly; the highest 10 of 200 and no more pass the threshold there.
    order = np.random.default_rng(9).permutation(401)
    chosen, rest = order[:200], order[200:]
    assert share.threshold == np.sort(singles.prediction[chosen])[-10]
    passed = int((singles.prediction[rest] >= share.threshold).sum())
    assert value(share.other_share) == pytest.approx(passed / 201, abs=1e-12)
    assert (share.other_share.low, share.other_share.high) == pytest.approx(clopper_pearson(passed / 201, 201))
    assert value(share.efficiency) == pytest.approx(np.mean(doubles.prediction >= share.threshold), abs=1e-12)
    # No threshold can keep doubles whose target is below it by several errors, and none loses those above.
    assert value(share.bins[0].efficiency) < 0.5
    assert value(share.bins[-1].efficiency) == 1
    assert sum(one.n for one in share.bins) == 300
    kept = sum(one.n * value(one.efficiency) for one in share.bins if one.n)
    assert kept == pytest.approx(300 * value(share.efficiency))
    assert [one.low for one in share.bins][:3] == [0, 0.02, 0.04]
    assert (share.bins[9].high, share.bins[10].low, share.bins[-1].high) == (0.2, 0.2, 1)


def test_a_sentence_says_from_which_target_on() -> None:
    cut = tell_apart(pulses(4000, 1, single=True), pulses(20_000, 2, single=False), seed=9).cuts[0]
    # The 1 % that pass lie 2.33 errors of 0.05 above 0; where the target is as large, half of the events pass.
    assert cut.threshold == pytest.approx(0.1163, abs=0.01)
    assert cut.says == "From d = 0.12 (3.6 mm) on more than half of the events are kept (lower ends of 95 % intervals)."
    blind = replace(pulses(300, 2, single=False), prediction=np.full(300, 0.01))
    assert tell_apart(pulses(400, 1, single=True), blind, seed=9).cuts[0].says == (
        "There is no d from which on more than half of the events are kept for certain (95 %)."
    )


def test_the_balanced_cut_is_set_on_validation_and_measured_on_all_of_test() -> None:
    singles, doubles = pulses(200, 1, single=True), pulses(300, 2, single=False)
    validation = pulses(120, 3, single=False)
    balanced = tell_apart(singles, doubles, seed=4, validation=validation).cuts[-1]
    order = np.random.default_rng(4).permutation(200)
    arrays = (singles.prediction[order[:100]].tolist(), validation.prediction.tolist())
    assert balanced.threshold == regression.balanced_threshold(*arrays)
    assert value(balanced.efficiency) == pytest.approx((doubles.prediction >= balanced.threshold).mean(), abs=1e-12)
    assert sum(one.n for one in balanced.bins) == 300
    rest = singles.prediction[order[100:]] >= balanced.threshold
    assert value(balanced.other_share) == pytest.approx(rest.mean(), abs=1e-12)
    # Other test events leave every cut where it is.
    again = tell_apart(singles, pulses(300, 7, single=False), seed=4, validation=validation)
    first = tell_apart(singles, doubles, seed=4, validation=validation)
    assert [cut.threshold for cut in again.cuts] == [cut.threshold for cut in first.cuts]


def test_the_auc_is_that_of_all_pairs() -> None:
    singles, doubles = pulses(60, 1, single=True), pulses(80, 2, single=False)
    found = tell_apart(singles, doubles, seed=1).auc
    score = np.concatenate([singles.prediction, doubles.prediction]).tolist()
    expected = evaluate.auc([0.0] * 60 + [1.0] * 80, score, [1.0] * 140)
    assert value(found) == pytest.approx(expected, abs=1e-12)
    assert found.low is not None
    assert found.low < expected


def test_the_share_that_is_asked_for_is_kept_of_new_events() -> None:
    """Measured shares of 100 samples are what was asked for, on average: no event sets its own threshold.

    Setting and measuring on the same events would leave exactly 5 % or less in every sample. Of a continuous
    distribution the threshold of 200 events at the 10th from above keeps 10/201 of others on average; the mean of 100
    samples has an error of at most √(2 · 0.05 · 0.95/200/100) = 0.0022, and 3.5 of these are allowed (1 in 2000).
    """
    doubles, shares = pulses(10, 1, single=False), []
    for seed in range(100):
        singles = replace(pulses(400, seed, single=True), prediction=np.random.default_rng(seed).uniform(size=400))
        shares.append(value(tell_apart(singles, doubles, seed=seed, shares=(0.05,)).cuts[0].other_share))
    assert abs(np.mean(shares) - 10 / 201) < 3.5 * 0.0022
    # About half of the samples lie above; 25 or fewer of 100 would come once in a million.
    assert (np.array(shares) > 0.05).sum() > 25


def test_targets_at_an_edge_are_above_it_as_they_are_stored() -> None:
    steps = np.arange(801) / 800
    own = Predicted(target=steps.astype(np.float32).astype(np.float64), prediction=steps, weight=np.ones(801))
    cut = tell_apart(pulses(40, 1, single=True), own, seed=1).cuts[0]
    # Sixteen steps make 0.02, eighty make 0.1; the last bin holds 1 too.
    assert [one.n for one in cut.bins] == [16] * 10 + [80] * 7 + [81]


def test_weights_count() -> None:
    singles, doubles = pulses(400, 1, single=True), pulses(300, 2, single=False)
    heavy = replace(doubles, weight=np.where(doubles.target > 0.5, 3.0, 1.0))
    cut = tell_apart(singles, heavy, seed=4).cuts[0]
    kept = heavy.prediction >= cut.threshold
    assert value(cut.efficiency) == pytest.approx(heavy.weight[kept].sum() / heavy.weight.sum(), abs=1e-12)


def test_too_few_events_are_refused() -> None:
    with pytest.raises(DataError, match=r"^3 other events set and measure no cut; give 4 or more$"):
        tell_apart(pulses(3, 1, single=True), pulses(30, 2, single=False), seed=1)
    bad = replace(pulses(8, 1, single=True), weight=np.zeros(8))
    with pytest.raises(DataError, match=r"^4 events of total weight 0 set and measure no cut; it must be positive$"):
        tell_apart(bad, pulses(30, 2, single=False), seed=1)
    few, some = pulses(3, 4, single=False), pulses(8, 1, single=True)
    with pytest.raises(DataError, match=r"^3 test events set and measure no cut; give 4 or more$"):
        tell_apart(some, few, seed=1)
    with pytest.raises(DataError, match=r"^3 validation events set and measure no cut; give 4 or more$"):
        tell_apart(some, pulses(30, 2, single=False), seed=1, validation=few)
