from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm
from tests.evaluate.samples import shifted
from tests.reference import evaluate as reference

from hepsieve.errors import DataError
from hepsieve.evaluate import auc_interval, out_of_fold
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import OutOfFold, Scored
from hepsieve.evaluate.working_points import measure_cut

FALSE_ALARM = 1e-4


def test_figures_agree_with_the_definition() -> None:
    sample = shifted(np.random.default_rng(1), 300, distance=2, weighted=True)
    result = out_of_fold(
        sample.scored(), signal_efficiencies=[0.99, 0.5], background_efficiencies=[0.01], resamples=100
    )
    assert (result.n_signal, result.n_background) == (300, 300)
    assert list(result.metrics) == [
        "auc", "log_loss", "background_efficiency@0.99", "background_efficiency@0.50",
        "signal_efficiency@0.01", "signal_efficiency@0",
    ]  # fmt: skip
    lists = sample.lists()
    expected = {
        "auc": reference.auc(*lists),
        "log_loss": reference.log_loss(*lists),
        "background_efficiency@0.99": reference.background_at(*lists, 0.99),
        "signal_efficiency@0.01": reference.signal_at(*lists, 0.01),
        "signal_efficiency@0": reference.signal_at(*lists, 0.0),
    }
    for name, value in expected.items():
        quantity = result.metrics[name]
        assert quantity.value == pytest.approx(value, rel=1e-11), name
        assert quantity.low is not None
        assert quantity.high is not None
        assert quantity.low < value < quantity.high, name
    assert OutOfFold.model_validate_json(result.model_dump_json()) == result


def test_the_seed_decides_and_zero_is_asked_once() -> None:
    scored = shifted(np.random.default_rng(2), 100).scored()
    first, again, other = (
        out_of_fold(scored, background_efficiencies=[0.0, 0.1], resamples=100, seed=k) for k in (3, 3, 4)
    )
    assert first == again != other
    assert list(first.metrics).count("signal_efficiency@0") == 1


def test_perfect_separation_leaves_limits() -> None:
    scored = Scored(target=np.repeat([0.0, 1.0], 40), score=np.linspace(0, 1, 80), weight=np.ones(80))
    metrics = out_of_fold(scored, resamples=100).metrics
    nothing = metrics["background_efficiency@0.99"]
    assert (nothing.value, nothing.low) == (0, 0)
    assert nothing.high == pytest.approx(1 - 0.025 ** (1 / 40))
    everything = metrics["signal_efficiency@0"]
    assert (everything.value, everything.high) == (1, 1)
    assert everything.low == pytest.approx(0.025 ** (1 / 40))
    assert metrics["auc"].low == auc_interval(Ranked.of(scored.target, scored.score), resamples=100).low


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(DataError):
        out_of_fold(Scored(target=np.ones(3), score=np.full(3, 0.5), weight=np.ones(3)))


def test_intervals_cover_the_efficiencies_of_the_true_curve() -> None:
    toys, n, distance = 150, 150, 2.0
    rng = np.random.default_rng(6)
    truth = {
        "background_efficiency@0.90": float(norm.sf(norm.isf(0.9) + distance)),
        "signal_efficiency@0.05": float(norm.sf(norm.isf(0.05) - distance)),
    }
    inside = dict.fromkeys(truth, 0)
    for toy in range(toys):
        metrics = out_of_fold(
            shifted(rng, n, distance=distance).scored(),
            signal_efficiencies=[0.9],
            background_efficiencies=[0.05],
            resamples=200,
            seed=toy,
        ).metrics
        for name, value in truth.items():
            low, high = metrics[name].low, metrics[name].high
            assert low is not None
            assert high is not None
            inside[name] += low <= value <= high
    assert min(inside.values()) >= binom.ppf(FALSE_ALARM / 2, toys, 0.95)


def test_above_every_background_event_the_limits_hold_for_this_very_cut() -> None:
    """The upper limit on the background left is exact (97.5 %); the signal's interval covers at least 95 %."""
    toys, n, distance = 2000, 60, 2.0
    rng = np.random.default_rng(7)
    background = rng.normal(size=(toys, n)).max(axis=1)
    nothing_left = measure_cut(Ranked.of(np.repeat([0, 1], [n, 1]), np.repeat([0.0, 1.0], [n, 1])), "tight", 0.5)
    limit = nothing_left.background_efficiency.high
    assert limit is not None
    below_limit = int((norm.sf(background) <= limit).sum())
    assert binom.ppf(FALSE_ALARM / 2, toys, 0.975) <= below_limit <= binom.ppf(1 - FALSE_ALARM / 2, toys, 0.975)
    covered, few = 0, 150
    for toy in range(few):
        sample = shifted(rng, n, distance=distance)
        quantity = out_of_fold(sample.scored(), resamples=100, seed=toy).metrics["signal_efficiency@0"]
        highest = sample.score[sample.target == 0].max()
        x = np.log(highest / (1 - highest)) / distance + distance / 2
        assert quantity.low is not None
        assert quantity.high is not None
        covered += quantity.low <= norm.sf(x - distance) <= quantity.high
    assert covered >= binom.ppf(FALSE_ALARM, few, 0.95)
