"""What is quoted beside the Cramér–Rao bound, against arrays whose figures are known and pulses that are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.random import SeedSequence, default_rng
from tests.report.regressions import make_regression

from hepsieve.config import TaskConfig
from hepsieve.evaluate.intervals import UNDEFINED
from hepsieve.evaluate.profiles import target_edges
from hepsieve.events import Events
from hepsieve.judge_regression import JudgedRegression
from hepsieve.limit import _averaged, _ratio, limit, pulse_width
from hepsieve.progress import Silent
from hepsieve.simulate import simulate
from hepsieve.simulate.xenon_bins import TwoPulses
from hepsieve.simulate.xenon_detector import FULL, lz
from hepsieve.simulate.xenon_limit import bound

TASK: dict[str, Any] = {
    "task": "apart",
    "kind": "regression",
    "data": {"catalog": "xenon", "target": {"name": "d", "unit": "mm", "full": 30}},
    "simulate": {"process": "xenon", "pulses": "two", "rows": 40},
    "models": {"any": {"kind": "trees"}},
    "evaluate": {"classical_fits": 4, "resamples": 100},
}
CONFIG = TaskConfig.model_validate(TASK)
OFF = 0.03


@pytest.fixture(scope="module")
def events() -> Events:
    return simulate("xenon", 40, seed=2, pulses="two")


def judged(test: Events) -> JudgedRegression:
    """As if a model's predictions lay off by 0.03, and those of another not at all."""
    target = test.target.astype(np.float64)
    return cast(
        JudgedRegression,
        SimpleNamespace(evaluation=make_regression(), test=test, scores={"off": target + OFF, "right": target}),
    )


def ratio(error: Any, bounds: Any, weight: Any) -> Any:
    return _ratio(error, bounds, weight, resamples=1000, seed=SeedSequence(1))


def test_a_ratio_that_is_the_same_for_all_events_has_no_spread() -> None:
    bounds = default_rng(1).uniform(0.01, 0.02, 50)
    found = ratio(2 * bounds * np.where(np.arange(50) % 2, 1, -1), bounds, np.ones(50))
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


def test_a_ratio_is_that_of_root_mean_squares_with_the_spread_of_so_many_errors() -> None:
    rng = default_rng(2)
    bounds = rng.uniform(0.01, 0.02, 800)
    error = 1.5 * bounds.mean() * rng.normal(size=800)
    found = ratio(error, bounds, np.ones(800))
    assert found.value == pytest.approx(np.sqrt(np.mean(error**2) / np.mean(bounds**2)))
    # The root mean square of n normal deviates is known to 1/√(2n); a quantile of 1000 replicas to some 5 %.
    assert (found.high - found.low) / (2 * 1.96 * found.value / np.sqrt(1600)) == pytest.approx(1, abs=0.2)


def test_events_count_by_their_weights() -> None:
    bounds, weight = np.full(40, 0.01), np.repeat([3.0, 1.0], 20)
    found = ratio(np.repeat([0.01, 0.03], 20), bounds, weight)
    assert found.value == pytest.approx(np.sqrt((3 * 1 + 1 * 9) / 4))
    assert found.low < found.value < found.high


def test_of_fewer_than_ten_events_there_is_no_ratio() -> None:
    assert ratio(np.ones(9), np.ones(9), np.ones(9)) == UNDEFINED
    assert ratio(np.ones(10), np.ones(10), np.ones(10)).value == 1


def test_bounds_are_averaged_in_the_bins_of_the_target() -> None:
    edges = target_edges()
    target = np.array([0.0, edges[1], (edges[1] + edges[2]) / 2, edges[2], edges[3], edges[3], edges[4], 1.0])
    bounds = np.array([0.01, 0.03, 0.04, 0.02, 0.02, np.inf, 0.3, 0.05])
    found = _averaged(target, bounds)
    # An edge begins its bin, the last one ends it; one infinite bound, or more than 1/√12, is none at all.
    assert found[:5] == pytest.approx((0.01, np.sqrt((0.03**2 + 0.04**2) / 2), 0.02, None, None))
    assert found[5:-1] == (None,) * 6
    assert found[-1] == 0.05


def test_a_pulse_of_diffusion_alone_is_as_wide_as_a_normal_distribution() -> None:
    detector = replace(lz(), trapping=0.02, gas_transit=0.02, diffusion=4 * lz().diffusion)
    spread = float(detector.diffusion_time(np.array(500.0)))
    by_hand = 2 * np.sqrt(2 * np.log(2)) * spread * detector.drift_velocity / FULL
    # The gas adds the decay of its light, 0.1 µs beside 2 µs, in quadrature.
    assert pulse_width(detector, 500.0) == pytest.approx(by_hand, rel=0.01)
    assert pulse_width(lz(), 800.0) > pulse_width(lz(), 200.0)


def test_only_events_with_a_bound_and_apart_are_in_the_ratios(events: Events) -> None:
    far = np.flatnonzero(events.target > 0.3)
    assert events.spectators is not None
    spectators = events.spectators.copy()
    spectators[far[:2], events.spectator_names.index("first electrons")] = 0
    test = events.replace(spectators=spectators)
    found = limit(judged(test), CONFIG, jobs=1, progress=Silent())
    assert found is not None
    assert (found.n_averaged, found.n_fits, found.n_unbounded) == (40, 4, 2)
    apart = [row for row in np.flatnonzero(test.target > found.pulse_width) if row not in far[:2]]
    assert found.n_apart == len(apart)
    assert found.n_fits_apart <= 4
    assert found.fit_ratio == UNDEFINED
    names = ("separation time", "drift time", "first electrons", "second electrons")
    bounds = []
    for row in apart:
        later, drift, first, second = (float(test.spectator(name)[row]) for name in names)
        bounds.append(bound(TwoPulses(separation=later, end=12.0, drift_time=drift, first=first, second=second), lz()))
    by_hand = OFF / np.sqrt(np.mean(np.square(np.array(bounds, dtype=np.float64))))
    assert found.ratios["off"].value == pytest.approx(by_hand, rel=1e-6)
    assert found.ratios["right"].value == 0
    # Light tells less than the electrons behind it, but not by much.
    assert found.light_ratio is not None
    assert 1 < found.light_ratio < 1.1


@pytest.mark.parametrize(
    "changed",
    [
        lambda test: (test, {**TASK, "evaluate": {"classical_fits": 0}}),
        lambda test: (test, {**TASK, "simulate": None}),
        lambda test: (test, {**TASK, "simulate": {"process": "higgs", "rows": 40}}),
        lambda test: (test.replace(origin=replace(test.origin, kind="real")), TASK),
        lambda test: (test.replace(spectators=None, spectator_names=()), TASK),
        lambda test: (test.replace(features=test.features[:, :, 0], units=("",) * 5000, names=_names()), TASK),
    ],
    ids=["unwanted", "not simulated", "other physics", "real", "truth unknown", "a table"],
)
def test_of_other_events_nobody_knows_the_bound(
    events: Events, changed: Callable[[Events], tuple[Events, dict[str, Any]]]
) -> None:
    test, task = changed(events)
    assert limit(judged(test), TaskConfig.model_validate(task), jobs=1, progress=Silent()) is None


def _names() -> tuple[str, ...]:
    return tuple(f"x{k}" for k in range(5000))
