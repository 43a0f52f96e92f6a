from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.random import Generator
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from tests.evaluate.samples import Sample, samples
from tests.reference import calibration as reference

from hepsieve.evaluate.calibration import (
    calibrate,
    cross_fitted,
    cross_fitted_change,
    fit_temperature,
    losses,
)
from hepsieve.evaluate.isotonic import fit_isotonic, pool
from hepsieve.evaluate.results import Scored
from hepsieve.score_map import Temperature


def sure(rng: Generator, n: int, temperature: float, *, weighted: bool = False) -> Scored:
    """Events whose true logits are normal of width 2, with scores whose logits are this much larger."""
    logits = rng.normal(0, 2, n)
    target = (rng.random(n) < expit(logits)).astype(float)
    weight = rng.exponential(size=n) if weighted else np.ones(n)
    return Scored(target=target, score=expit(logits * temperature), weight=weight)


def inside(sample: Sample) -> Sample:
    """The same events with scores that are neither 0 nor 1."""
    return Sample(sample.target, 0.05 + 0.9 * sample.score, sample.weight)


def test_scaling_the_logits_by_hand_is_found_exactly() -> None:
    sample = sure(np.random.default_rng(1), 2000, 1.0)
    fitted = fit_temperature(sample)
    assert fitted is not None
    for factor in (0.5, 1.7, 2.0):
        scaled = Scored(target=sample.target, score=expit(factor * logit(sample.score)), weight=sample.weight)
        found = fit_temperature(scaled)
        assert found is not None
        assert found.temperature == pytest.approx(factor * fitted.temperature, rel=1e-9)
        assert (found.low, found.high) == pytest.approx((factor * fitted.low, factor * fitted.high), rel=1e-9)
        np.testing.assert_allclose(found(scaled.score), fitted(sample.score), rtol=0, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(samples())
def test_the_temperature_agrees_with_a_scan(sample: Sample) -> None:
    sample = inside(sample)
    found = fit_temperature(sample.scored())
    if found is None or not 0.06 < found.temperature < 18:
        ends = [reference.log_loss_at(t, *sample.lists()) for t in (0.06, 1.0, 18.0)]
        assert ends[1] >= min(ends)
        return
    assert found.temperature == pytest.approx(reference.temperature(*sample.lists()), rel=1e-5)


def test_a_half_stays_a_half_and_the_order_stays() -> None:
    fitted = fit_temperature(sure(np.random.default_rng(2), 1000, 2.0))
    assert fitted is not None
    score = np.sort(np.random.default_rng(3).random(10_000))
    calibrated = fitted(score)
    assert np.all(np.diff(calibrated) > 0)
    assert fitted(np.array([0.0, 0.5, 1.0])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("score", "target"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),  # all on the right side: ever lower temperatures are better
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]),  # the wrong way round: ever higher ones
        ([0.7, 0.7, 0.7, 0.7], [0, 1, 0, 1]),
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1]),
    ],
)
def test_no_temperature_where_events_determine_none(score: list[float], target: list[float]) -> None:
    sample = Scored(target=np.array(target, float), score=np.array(score), weight=np.ones(4))
    assert fit_temperature(sample) is None
    decided = calibrate(sample, "temperature", only_if_it_helps=False, seed=1)
    assert (decided.applied, decided.map, decided.fitted) == (False, None, None)
    assert decided.why == "The 4 validation events don't determine a temperature, so the scores stay as they are."


def test_the_interval_of_the_temperature_covers_also_with_weights() -> None:
    rng = np.random.default_rng(4)
    for weighted in (False, True):
        fitted = [fit_temperature(sure(rng, 400, 1.5, weighted=weighted)) for _ in range(400)]
        covered = np.mean([one is not None and one.low <= 1.5 <= one.high for one in fitted])
        # 400 toys: 0.95 ± 3 · 0.011.
        assert 0.917 <= covered <= 0.983


@settings(max_examples=60, deadline=None)
@given(samples())
def test_pools_agree_with_the_definition_and_with_scikit_learn(sample: Sample) -> None:
    low, high, share = pool(sample.score, sample.target, sample.weight)
    steps = np.unique(sample.score[sample.weight > 0])
    ours = share[np.searchsorted(low, steps, side="right") - 1]
    slow = reference.isotonic(*sample.lists())
    assert ours.tolist() == pytest.approx([slow[step] for step in steps.tolist()], abs=1e-12)
    theirs = IsotonicRegression().fit(sample.score, sample.target, sample_weight=sample.weight)
    np.testing.assert_allclose(ours, theirs.predict(steps), rtol=0, atol=1e-12)
    assert np.all(low <= high)
    assert np.all(high[:-1] < low[1:])
    assert np.all(np.diff(share) > 0)


@settings(max_examples=40, deadline=None)
@given(samples())
def test_a_weight_of_k_is_k_events(sample: Sample) -> None:
    sample = inside(sample)
    times = np.round(4 * sample.weight).astype(int)  # weights come in quarters
    counted = Scored(target=sample.target, score=sample.score, weight=times.astype(float))
    repeated = Scored(
        target=np.repeat(sample.target, times), score=np.repeat(sample.score, times), weight=np.ones(times.sum())
    )
    once, again = fit_temperature(counted), fit_temperature(repeated)
    if once is None or again is None:
        assert once is again
    else:
        assert once.temperature == pytest.approx(again.temperature, rel=1e-9)
    of_weights, of_rows = (pool(one.score, one.target, one.weight) for one in (counted, repeated))
    np.testing.assert_allclose(of_weights, of_rows, rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(samples(negative=True))
def test_isotonic_rises_and_stays_off_the_ends_also_with_negative_weights(sample: Sample) -> None:
    fitted = fit_isotonic(sample.scored())
    assert fitted is not None
    found = fitted(np.linspace(0, 1, 101))
    assert np.all(np.diff(found) >= 0)
    assert 0 < found[0] <= found[-1] < 1


def test_isotonic_stays_off_the_ends_where_negative_weights_cancel_all_background() -> None:
    sample = Scored(
        target=np.array([0, 0, 1, 1, 0, 0, 1, 0.0]),
        score=np.array([1, 3, 1, 3, 1, 2, 2, 1]) / 4,
        weight=np.array([1, -1, 1, 1, 1, -1, 1, 1.0]),
    )
    fitted = fit_isotonic(sample)
    assert fitted is not None
    assert 0 < fitted.calibrated[0] <= fitted.calibrated[-1] < 1


def test_no_temperature_without_weight_or_with_an_interval_of_hundreds_of_powers() -> None:
    target, score = np.array([0, 0, 1, 0, 0, 0.0]), np.array([0.4, 0.001, 0.4, 0.1, 0.6, 0.1])
    wide = Scored(target=target, score=score, weight=np.array([1, 1, 1, 1, -1, -1.0]))
    assert fit_temperature(wide) is None
    none = Scored(target=target, score=score, weight=np.array([1, -1, 1, 1, -1, -1.0]))
    for method in ("temperature", "isotonic"):
        decided = calibrate(none, method, only_if_it_helps=False, seed=1)
        assert not decided.applied
        assert "don't determine" in decided.why


def test_one_more_event_at_either_end_by_hand() -> None:
    # Three background events below two of signal: one signal event joins the lowest score and one background event the
    # highest, so that (1 + 0 + 0 + 0) / 4 and (1 + 1 + 0) / 3 are left.
    sample = Scored(
        target=np.array([0, 0, 0, 1, 1.0]), score=np.array([0.1, 0.2, 0.3, 0.7, 0.8]), weight=np.full(5, 2.5)
    )
    fitted = fit_isotonic(sample)
    assert fitted is not None
    assert fitted.score == (0.1, 0.3, 0.7, 0.8)
    assert fitted.calibrated == pytest.approx((0.25, 0.25, 2 / 3, 2 / 3))


def test_isotonic_needs_weight_of_both_classes() -> None:
    for weight in ([1.0, 1.0, -1.0], [0.0, 0.0, 1.0]):
        sample = Scored(target=np.array([0.0, 0.0, 1.0]), score=np.array([0.1, 0.2, 0.3]), weight=np.array(weight))
        assert fit_isotonic(sample) is None


def test_cross_fitting_uses_no_event_for_itself() -> None:
    sample = sure(np.random.default_rng(5), 500, 2.0)
    before = cross_fitted(sample, "temperature", seed=7)
    score = sample.score.copy()
    score[0] = 1 - score[0]
    after = cross_fitted(Scored(target=sample.target, score=score, weight=sample.weight), "temperature", seed=7)
    assert before is not None
    assert after is not None
    # It counts for all others but those of its own fold, a fifth of them (dealt class by class, so one more or less).
    assert abs(int(np.sum(before == after)) - 100) <= 2
    temperatures = logit(sample.score) / logit(before)
    assert len(np.unique(temperatures.round(9))) == 5
    change = cross_fitted_change(sample, "temperature", seed=7)
    fair = Scored(target=sample.target, score=before, weight=sample.weight)
    assert change.value == pytest.approx(float(np.mean(losses(fair) - losses(sample))), abs=1e-12)


@pytest.mark.parametrize(("method", "most"), [("temperature", 0.05), ("isotonic", 0.01)])
@pytest.mark.parametrize("weighted", [False, True])
def test_perfect_scores_are_rarely_calibrated(
    method: Literal["temperature", "isotonic"], most: float, weighted: bool
) -> None:
    rng = np.random.default_rng(6)
    toys = 300
    alarms = sum(
        calibrate(sure(rng, 300, 1.0, weighted=weighted), method, only_if_it_helps=True, seed=toy).applied
        for toy in range(toys)
    )
    # At most 5 % (1 % of isotonic regression), and three standard deviations of the number of toys.
    assert alarms <= toys * most + 3 * np.sqrt(toys * most)


def test_scores_that_are_too_sure_are_calibrated() -> None:
    rng = np.random.default_rng(8)
    found = [calibrate(sure(rng, 2000, 1.3), "temperature", only_if_it_helps=True, seed=toy) for toy in range(40)]
    assert all(one.applied for one in found)
    assert all(isinstance(one.fitted, Temperature) and 1.1 < one.fitted.temperature < 1.55 for one in found)


def test_the_sentence_says_what_was_found_and_what_follows() -> None:
    sample = sure(np.random.default_rng(9), 2000, 1.5)
    helped = calibrate(sample, "temperature", only_if_it_helps=True, seed=1)
    assert helped.why.startswith("A temperature of 1.")
    assert "fitted on 2,000 validation events, changes their log loss by −0." in helped.why
    assert helped.why.endswith("; it differs significantly from 1, and the scores are calibrated by it.")
    perfect = sure(np.random.default_rng(9), 2000, 1.0)
    left = calibrate(perfect, "isotonic", only_if_it_helps=True, seed=1, events="out-of-fold scores")
    assert left.why.endswith("; that does not help significantly, and the scores stay as they are.")
    same = calibrate(perfect, "temperature", only_if_it_helps=True, seed=1)
    assert same.why.endswith(
        "; it does not differ significantly from 1 for the better, and the scores stay as they are."
    )
    assert "2,000 out-of-fold scores" in left.why
    assert np.array_equal(left(perfect.score), perfect.score)
    forced = calibrate(perfect, "isotonic", only_if_it_helps=False, seed=1)
    assert forced.why.endswith(
        "; that does not help significantly, but it is applied because the configuration asks for it."
    )
    assert not np.array_equal(forced(perfect.score), perfect.score)
