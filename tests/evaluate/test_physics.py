from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import norm
from tests.evaluate.samples import shifted

from hepsieve.evaluate.best_cut import best_cut
from hepsieve.evaluate.physics import physics
from hepsieve.evaluate.physics_results import ClassYield, Physics, Yields
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Scored
from hepsieve.evaluate.score_bins import BinRule
from hepsieve.evaluate.significance import ams, asimov, in_quadrature


def yields(signal: float = 20, background: float = 400, uncertainty: float = 0.0) -> Yields:
    return Yields(
        signal=ClassYield(events=signal),
        background=ClassYield(events=background),
        background_uncertainty=uncertainty,
    )


def parts(n: int = 2000, *, seed: int = 1, distance: float = 1.5, weighted: bool = True) -> tuple[Scored, Scored]:
    rng = np.random.default_rng(seed)
    validation, test = (shifted(rng, n, distance=distance, weighted=weighted).scored() for _ in range(2))
    return validation, test


def expected(given: tuple[Scored, Scored] | None = None, *, of: Yields | None = None, **options: Any) -> Physics:
    validation, test = given or parts()
    known = of or yields()
    ranked = Ranked.of(validation.target, validation.score, validation.weight)
    cut = best_cut(
        ranked, signal_yield=known.signal.events, background_yield=known.background.events, resamples=50, seed=1
    )
    return physics(validation=validation, test=test, yields=known, cut=cut, **{"resamples": 100, "seed": 1, **options})


def holds(quantity: Quantity | None, value: float) -> bool:
    assert quantity is not None
    assert quantity.low is not None
    assert quantity.high is not None
    return quantity.low <= value <= quantity.high


def test_everything_follows_from_the_counts_behind_the_cut() -> None:
    validation, test = parts()
    result = expected((validation, test), of=yields(uncertainty=0.2))
    threshold = result.cut.threshold.value
    counts = {}
    for name, label, total in (("signal", 1, 20), ("background", 0, 400)):
        weight = test.weight[test.target == label]
        passing = weight[test.score[test.target == label] >= threshold]
        counts[name] = total * passing.sum() / weight.sum()
        one = getattr(result, name)
        assert one.events == pytest.approx(counts[name])
        assert one.error == pytest.approx(total * np.sqrt((passing**2).sum()) / weight.sum())
        assert one.effective_events == pytest.approx(passing.sum() ** 2 / (passing**2).sum())
    s, b = counts["signal"], counts["background"]
    for quantity, value in (
        (result.significance, asimov(s, b)),
        (result.significance_with_uncertainty, asimov(s, b, 0.2 * b)),
        (result.ams, ams(s, b)),
    ):
        assert quantity is not None
        assert quantity.value == pytest.approx(float(value))
        assert holds(quantity, float(value))
    assert result.significance_with_uncertainty is not None
    assert (result.significance_with_uncertainty.value or 0) < (result.significance.value or 0)


def test_bins_hold_all_events_and_add_in_quadrature() -> None:
    result = expected(of=yields(uncertainty=0.1))
    assert result.bins[0].low == 0
    assert result.bins[-1].high == 1
    assert [one.high for one in result.bins[:-1]] == [one.low for one in result.bins[1:]]
    s, b = (np.array([getattr(one, name).events for one in result.bins]) for name in ("signal", "background"))
    assert s.sum() == pytest.approx(20)
    assert b.sum() == pytest.approx(400)
    assert [one.significance for one in result.bins] == pytest.approx(asimov(s, b).tolist())
    assert result.binned_significance.value == pytest.approx(float(in_quadrature(asimov(s, b))))
    assert result.binned_with_uncertainty is not None
    assert result.binned_with_uncertainty.value == pytest.approx(float(in_quadrature(asimov(s, b, 0.1 * b))))
    # A shape tells more than one count behind a cut.
    assert (result.binned_significance.value or 0) > (result.significance.value or 0)


def test_one_bin_is_a_count_of_everything() -> None:
    result = expected(rule=BinRule(most=1))
    assert [(one.low, one.high) for one in result.bins] == [(0, 1)]
    assert result.binned_significance.value == pytest.approx(float(asimov(20.0, 400.0)))


def test_the_curve_passes_through_the_cut_within_its_band() -> None:
    result = expected(parts(n=1000))
    curve = result.curve
    assert list(curve.threshold) == sorted(curve.threshold)
    low, value, high = (np.array(column) for column in (curve.low, curve.value, curve.high))
    assert (low <= value).all()
    assert (value <= high).all()
    at = np.interp(result.cut.threshold.value or 0, curve.threshold, value)
    assert at == pytest.approx(result.significance.value, rel=0.1)
    # The first point keeps everything, and knows the yields.
    assert value[0] == pytest.approx(float(asimov(20.0, 400.0)))


def test_intervals_hold_the_truth() -> None:
    # Unit normals 1.5 apart with scores in closed form; 95 % intervals of 60 samples hold the truth at least 50 times
    # with a chance of 99.9 % (binomial, 0.95).
    distance = 1.5
    validation, _ = parts(n=600, distance=distance, weighted=False)
    held = {"cut": 0, "binned": 0}
    for seed in range(60):
        _, test = parts(n=600, seed=100 + seed, distance=distance, weighted=False)
        result = expected((validation, test), seed=seed, rule=BinRule(most=6))
        thresholds = np.array([result.cut.threshold.value, *(one.low for one in result.bins[1:])])
        x = logit(thresholds) / distance + distance / 2
        signal, background = 20 * norm.sf(x - distance), 400 * norm.sf(x)
        held["cut"] += holds(result.significance, float(asimov(signal[0], background[0])))
        s, b = (-np.diff([total, *above[1:], 0.0]) for total, above in ((20, signal), (400, background)))
        held["binned"] += holds(result.binned_significance, float(in_quadrature(asimov(s, b))))
    assert min(held.values()) >= 50, held


def test_no_background_behind_the_cut_leaves_a_lower_limit() -> None:
    validation, test = parts(n=200)
    score = np.where(test.target == 0, 0.0, test.score)
    result = expected((validation, Scored(target=test.target, score=score, weight=test.weight)))
    assert result.background.events == 0
    assert result.significance.value is None
    assert (result.significance.low or 0) > 0
    assert result.significance.high is None
    assert result.bins[-1].significance is None
    assert result.binned_significance.value is None
    assert result.ams.value is not None


def test_equal_arguments_give_equal_json_whatever_the_threads() -> None:
    given = parts(n=11_000)
    one, three = (expected(given, resamples=20, threads=threads) for threads in (1, 3))
    assert one.model_dump_json() == three.model_dump_json()
    assert Physics.model_validate_json(one.model_dump_json()) == one
    json.loads(one.model_dump_json(), parse_constant=pytest.fail)
