from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import norm
from tests.evaluate.samples import Sample, shifted
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate.best_cut import best_cut, spread
from hepsieve.evaluate.physics_results import BestCut
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.significance import asimov


def cut_of(sample: Sample, **options: float) -> BestCut:
    chosen = {"signal_yield": 10, "background_yield": 200, **options}
    return best_cut(sample.ranked(), **chosen)  # type: ignore[arg-type]


def test_the_luckiest_cut_is_the_best_of_all_cuts() -> None:
    sample = shifted(np.random.default_rng(1), 80, distance=2.0)

    def z(cut: float) -> float:
        b, s = (reference.efficiency(*sample.lists(), of, cut) for of in (0, 1))
        return reference.asimov(10 * s, 200 * b)

    ten_left = np.sort(sample.score[sample.target == 0])[-10]
    assert z(cut_of(sample).luckiest) == pytest.approx(max(z(cut) for cut in sample.score if cut <= ten_left))


def test_the_mean_of_the_best_cuts_loses_less_than_the_luckiest_on_unseen_events() -> None:
    # Unit normals 1.5 apart: what a cut is worth on infinitely many unseen events is known, and need not be sampled.
    distance, signal, background = 1.5, 20.0, 400.0

    def truth(score: float) -> float:
        x = logit(score) / distance + distance / 2
        return float(asimov(signal * norm.sf(x - distance), background * norm.sf(x)))

    differences, boasts = [], []
    for seed in range(50):
        sample = shifted(np.random.default_rng(seed), 1000, distance=distance)
        cut = cut_of(sample, signal_yield=signal, background_yield=background, resamples=100, seed=seed)
        assert cut.threshold.value is not None
        differences.append(truth(cut.threshold.value) - truth(cut.luckiest))
        b, s = (np.mean(sample.score[sample.target == of] >= cut.luckiest) for of in (0, 1))
        boasts.append(float(asimov(signal * s, background * b)) - truth(cut.luckiest))
    # The mean gain is five standard errors, and so is the luckiest cut's boast: less than 1e-6 by chance.
    for gains in (differences, boasts):
        assert np.mean(gains) > 5 * np.std(gains, ddof=1) / np.sqrt(len(gains))


def test_the_spread_holds_the_cut_and_shrinks_with_the_events() -> None:
    few, many = (cut_of(shifted(np.random.default_rng(3), n)).threshold for n in (300, 30_000))
    for cut in (few, many):
        assert cut.low is not None
        assert cut.value is not None
        assert cut.high is not None
        assert cut.low <= cut.value <= cut.high
    assert (few.high or 0) - (few.low or 0) > (many.high or 0) - (many.low or 0) > 0


def test_only_the_order_of_the_scores_matters() -> None:
    sample = shifted(np.random.default_rng(4), 400, weighted=True)
    bent = Sample(sample.target, sample.score**3, sample.weight)
    one, other = cut_of(sample), cut_of(bent)
    assert other.threshold.value == (one.threshold.value or 0) ** 3
    assert other.luckiest == one.luckiest**3


def test_equal_seeds_give_equal_cuts_for_any_number_of_threads() -> None:
    ranked = shifted(np.random.default_rng(5), 12_000, weighted=True).ranked()
    one, three = (
        best_cut(ranked, signal_yield=10, background_yield=200, seed=7, resamples=40, threads=threads)
        for threads in (1, 3)
    )
    assert one == three
    assert best_cut(ranked, signal_yield=10, background_yield=200, seed=8, resamples=40).threshold != one.threshold


def test_ten_background_events_stay() -> None:
    sample = shifted(np.random.default_rng(6), 500, distance=4.0)
    cut = cut_of(sample)
    assert cut.background_events >= 10
    assert cut.background_events == np.sum(sample.score[sample.target == 0] >= (cut.threshold.value or 0))


def test_an_uncertain_background_asks_for_a_tighter_cut() -> None:
    sample = shifted(np.random.default_rng(7), 4000, distance=2.0)
    known, unsure = (cut_of(sample, background_uncertainty=f).threshold.value for f in (0.0, 0.5))
    assert known is not None
    assert unsure is not None
    assert known < unsure


def test_perfect_scores_still_have_a_threshold() -> None:
    sample = Ranked.of(np.repeat([0, 1], 4), np.arange(8.0) / 8)
    # Fewer than ten background events: all of them must stay.
    assert best_cut(sample, signal_yield=1, background_yield=1).threshold.value == 0


def test_background_without_weight_has_no_cut() -> None:
    sample = Ranked.of(np.array([0, 0, 1, 1]), np.arange(4.0), np.array([0.0, 0.0, 1.0, 1.0]))
    with pytest.raises(DataError, match="no cut on validation keeps background of positive weight"):
        best_cut(sample, signal_yield=1, background_yield=1)


def test_candidates_are_close_where_the_scores_are_high() -> None:
    rows = spread(100_000, 2000)
    assert (rows[0], rows[-1]) == (0, 99_999)
    assert len(rows) <= 2000
    assert rows[100] - rows[99] < rows[-1] - rows[-2]
    assert spread(5, 10).tolist() == [0, 1, 2, 3, 4]
