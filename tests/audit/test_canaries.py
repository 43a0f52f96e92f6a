"""Every planted fault is caught, and clean data are passed in silence; ``python -m bench canaries`` does more of it."""

from __future__ import annotations

import numpy as np
import pytest
from bench.canaries import SEED, faults, in_pipeline, planted, rate, silences
from bench.canaries.planted import Sample, alarms
from bench.canaries.sets import CleanSet, small_sets

from hepsieve.events import Events

SETS = {data.title: data for data in small_sets()}


@pytest.mark.parametrize("title", [title for title, data in SETS.items() if data.faults])
def test_every_fault_is_caught_in(title: str) -> None:
    outcomes = list(planted([SETS[title]]))
    assert len(outcomes) >= 5
    assert [outcome.fault for outcome in outcomes if not outcome.caught] == []


@pytest.mark.parametrize("title", list(SETS))
def test_no_false_alarm_in(title: str) -> None:
    (quiet,) = silences([SETS[title]])
    assert quiet.alarms == ()


def test_the_pipeline_catches_its_faults() -> None:
    outcomes = list(in_pipeline())
    assert len(outcomes) >= 15
    assert [f"{outcome.fault}: {outcome.data}" for outcome in outcomes if not outcome.caught] == []


def test_each_fault_is_planted_somewhere() -> None:
    samples = [data.events(SEED) for data in SETS.values() if data.faults]
    assert [fault.name for fault in faults() if not any(fault.suits(events) for events in samples)] == []


def test_a_fault_that_nothing_is_wrong_with_is_not_caught() -> None:
    # What is planted must be the reason: the same findings are not there without it.
    for data in (SETS["four features, 300"], SETS["regression, 400"], SETS["showers, 300"], SETS["pulses, 200"]):
        clean = data.events(SEED)
        found = {finding.code for finding in Sample(events=clean).audit().findings}
        assert not found & {code for fault in faults() if fault.suits(clean) for code in fault.codes}


def test_a_loud_sample_counts_as_a_false_alarm() -> None:
    def make(n: int, rng: np.random.Generator) -> Events:
        events = SETS["four features, 300"].make(n, rng)
        features = events.features.copy()
        features[:, 0] = np.arange(n)
        return events.replace(features=features)

    events = CleanSet(name="loud", n=300, make=make).events(1)
    assert alarms(Sample(events=events), strong=False) == ["row-order-in-feature:x0"]


def test_rates_have_the_interval_of_clopper_and_pearson() -> None:
    # Of none in 20 the upper end solves (1 - p)^20 = 0.025: 1 - 0.025^0.05 = 0.1684.
    assert rate(0, 20) == "0.0% (0.0% to 16.8%)"
    assert rate(20, 20) == "100.0% (83.2% to 100.0%)"
