from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.random import Generator
from scipy.special import expit
from tests.evaluate.samples import Sample, samples
from tests.reference import calibration as reference

from hepsieve.evaluate.bootstrap import bootstrap
from hepsieve.evaluate.calibration import fit_temperature
from hepsieve.evaluate.held_out_figures import held_out_figures
from hepsieve.evaluate.intervals import clopper_pearson
from hepsieve.evaluate.isotonic import fit_isotonic
from hepsieve.evaluate.metrics import Figures
from hepsieve.evaluate.quantities import loss_quantities
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.reliability import calibration_result, reliability
from hepsieve.evaluate.results import Quantity, Scored
from hepsieve.score_map import Isotonic, ScoreCalibration, Temperature


def logistic(rng: Generator, n: int, *, factor: float = 1.0) -> Scored:
    """Events with normal logits of width 2, and scores whose logits are this many times the true ones."""
    logits = rng.normal(0, 2, n)
    target = (rng.random(n) < expit(logits)).astype(float)
    return Scored(target=target, score=expit(factor * logits), weight=np.ones(n))


def quoted(sample: Scored) -> dict[str, Quantity]:
    ranked = Ranked.of(sample.target, sample.score, sample.weight)
    figures = Figures(ranked)
    return loss_quantities(ranked, figures, bootstrap(ranked, figures, resamples=150, seed=0, threads=1))


def values(sample: Scored) -> dict[str, Quantity]:
    """The same without intervals, which take long."""
    nominal = Figures(Ranked.of(sample.target, sample.score, sample.weight)).nominal
    return {name: Quantity(value=nominal[name], low=None, high=None) for name in ("log_loss", "brier", "ece")}


def decided(fitted: Temperature | Isotonic) -> ScoreCalibration:
    return ScoreCalibration(method=fitted.kind, applied=True, why="Tested.", fitted=fitted)


@settings(max_examples=40, deadline=None)
@given(samples(negative=True))
def test_bins_agree_with_the_definition(sample: Sample) -> None:
    many = Sample(*(np.tile(values, 4) for values in (sample.target, sample.score, sample.weight)))
    found = reliability(many.scored(), bins=6).bins
    target, score, weight = many.lists()
    expected = reference.bins(score, max(1, min(6, len(score) // 20)))
    assert [one.events for one in found] == [len(rows) for rows in expected]
    for one, rows in zip(found, expected, strict=True):
        total = sum(weight[k] for k in rows)
        assert one.weight == pytest.approx(total, abs=1e-9)
        if total <= 0:
            assert (one.score, one.signal.value) == (None, None)
            continue
        share = sum(weight[k] * target[k] for k in rows) / total
        assert one.score == pytest.approx(sum(weight[k] * score[k] for k in rows) / total)
        assert one.signal.value == pytest.approx(share)
        events = total**2 / sum(weight[k] ** 2 for k in rows)
        if 0 < share < 1:
            # So many events give a binomial share this variance.
            variance = sum((weight[k] * (target[k] - share)) ** 2 for k in rows) / total**2
            events = min(events, share * (1 - share) / variance)
        low, high = clopper_pearson(share, events)
        assert one.signal.low == pytest.approx(min(low, share))
        assert one.signal.high == pytest.approx(max(high, share))


def test_there_are_fifteen_bins_of_equal_numbers_and_fewer_with_few_events() -> None:
    rng = np.random.default_rng(1)
    assert [one.events for one in reliability(logistic(rng, 1500)).bins] == [100] * 15
    assert len(reliability(logistic(rng, 100)).bins) == 5
    assert len(reliability(logistic(rng, 12)).bins) == 1
    # Equal scores stay together.
    constant = Scored(target=np.tile([0.0, 1.0], 50), score=np.full(100, 0.3), weight=np.ones(100))
    (only,) = reliability(constant).bins
    assert (only.events, only.signal.value) == (100, 0.5)
    assert only.score == pytest.approx(0.3)


def test_intervals_of_bins_cover_the_true_shares() -> None:
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(150):
        sample = logistic(rng, 600)  # perfectly calibrated: the true share is the mean score
        for one in reliability(sample).bins:
            assert one.score is not None
            assert one.signal.low is not None
            assert one.signal.high is not None
            covered.append(one.signal.low <= one.score <= one.signal.high)
    # 2,250 bins; Clopper–Pearson covers at least 95 %, with 40 events about 97 %.
    assert 0.95 <= np.mean(covered) <= 0.99


def test_what_a_temperature_changes_on_the_same_events() -> None:
    rng = np.random.default_rng(3)
    fitted = fit_temperature(logistic(rng, 3000, factor=1.6))
    assert fitted is not None
    raw = logistic(rng, 2000, factor=1.6)
    after = Scored(target=raw.target, score=fitted(raw.score), weight=raw.weight)
    found = calibration_result(decided(fitted), raw=raw, quoted=quoted(after), resamples=300, seed=1)
    assert (found.method, found.applied, found.why) == ("temperature", True, "Tested.")
    assert found.parameter == Quantity(value=fitted.temperature, low=fitted.low, high=fitted.high)
    for changed, name in ((found.log_loss, "log_loss"), (found.brier, "brier"), (found.ece, "ece")):
        assert changed.before.value == pytest.approx(quoted(raw)[name].value)
        assert changed.after == quoted(after)[name]
        assert changed.difference is not None
        before, now = quoted(raw)[name].value, quoted(after)[name].value
        assert changed.difference.value == pytest.approx((now or 0.0) - (before or 0.0))
        assert changed.difference.low is not None
        assert changed.difference.high is not None
        assert changed.difference.low < (changed.difference.value or 0.0) < changed.difference.high
        assert changed.difference.high < (0.02 if name == "ece" else 0.0)
        assert changed.before.low is not None
        assert changed.before.high is not None
        if name != "ece":  # paired, the difference is known better than either figure
            assert changed.difference.high - changed.difference.low < changed.before.high - changed.before.low
    assert found.after is not None
    assert [one.events for one in found.after.bins] == [one.events for one in found.before.bins]


def test_isotonic_ties_are_paired_event_by_event() -> None:
    rng = np.random.default_rng(4)
    fitted = fit_isotonic(logistic(rng, 500, factor=2.0))
    assert fitted is not None
    raw = logistic(rng, 400, factor=2.0)
    after = Scored(target=raw.target, score=fitted(raw.score), weight=raw.weight)
    assert len(np.unique(after.score)) < len(np.unique(raw.score))
    found = calibration_result(decided(fitted), raw=raw, quoted=quoted(after), resamples=200, seed=1, threads=1)
    again = calibration_result(decided(fitted), raw=raw, quoted=quoted(after), resamples=200, seed=1, threads=3)
    assert found == again
    assert found.parameter is None
    assert found.log_loss.difference is not None
    assert found.log_loss.difference.value == pytest.approx(
        (quoted(after)["log_loss"].value or 0.0) - (quoted(raw)["log_loss"].value or 0.0)
    )


def test_the_differences_interval_covers() -> None:
    rng = np.random.default_rng(5)
    map_ = Temperature(temperature=1.5, low=1.4, high=1.6)
    large = logistic(rng, 200_000, factor=1.5)
    truth = values(Scored(target=large.target, score=map_(large.score), weight=large.weight))
    true_change = (truth["log_loss"].value or 0.0) - (values(large)["log_loss"].value or 0.0)
    covered = []
    for toy in range(40):
        raw = logistic(rng, 400, factor=1.5)
        after = Scored(target=raw.target, score=map_(raw.score), weight=raw.weight)
        change = calibration_result(
            decided(map_), raw=raw, quoted=values(after), resamples=100, seed=toy
        ).log_loss.difference
        assert change is not None
        assert change.low is not None
        assert change.high is not None
        covered.append(change.low <= true_change <= change.high)
    # 0.95 ± 3 · 0.034.
    assert np.mean(covered) >= 0.84


def test_without_a_calibration_there_is_only_before() -> None:
    raw = logistic(np.random.default_rng(6), 300)
    left = ScoreCalibration(method="none", applied=False, why="Not asked for.")
    found = calibration_result(left, raw=raw, quoted=quoted(raw))
    assert (found.after, found.parameter, found.ece.after, found.ece.difference) == (None, None, None, None)
    assert found.ece.before == quoted(raw)["ece"]


def test_validation_figures_are_of_cross_fitted_scores_and_the_auc_of_the_models_own() -> None:
    rng = np.random.default_rng(7)
    own = logistic(rng, 300)
    fair = Scored(target=own.target, score=rng.permutation(own.score), weight=own.weight)
    found = held_out_figures(fair, own=own, resamples=100, seed=np.random.SeedSequence(1))
    nominal = [Figures(Ranked.of(one.target, one.score, one.weight)).nominal for one in (fair, own)]
    assert found["auc"].value == nominal[1]["auc"] != nominal[0]["auc"]
    for name in ("log_loss", "brier", "ece"):
        assert found[name].value == nominal[0][name]
    assert found["accuracy"].value == pytest.approx(float(np.mean((fair.score >= 0.5) == (fair.target == 1))))
