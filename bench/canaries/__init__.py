"""Planted faults, each of which has to be caught, and clean data in which nothing may be found.

``python -m bench canaries`` plants every fault in every data set that it suits, and looks at clean samples of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from bench.canaries.arrays import array_faults
from bench.canaries.columns import column_faults
from bench.canaries.pipeline import pipeline_faults
from bench.canaries.planted import Fault, Sample, alarms, halved
from bench.canaries.rows import row_faults
from bench.canaries.sets import CleanSet, all_sets
from bench.result import Table
from hepsieve.evaluate.intervals import clopper_pearson

SEED = 1


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one fault in one data set; ``caught`` is empty where it was missed."""

    fault: str
    data: str
    caught: str


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Which false alarms clean samples of one kind gave."""

    data: str
    samples: int
    alarms: tuple[str, ...]


def faults() -> tuple[Fault, ...]:
    """All that are planted in data."""
    return (*row_faults(), *column_faults(), *array_faults())


def planted(sets: Iterable[CleanSet]) -> Iterator[Outcome]:
    """Every fault in every data set that it suits."""
    for data in sets:
        if not data.faults:
            continue
        events = data.events(SEED)
        for fault in faults():
            if fault.suits(events):
                rng = np.random.default_rng([SEED, crc32(f"{fault.name} in {data.title}".encode())])
                yield Outcome(fault=fault.name, data=data.title, caught=fault.caught(events, rng))


def in_pipeline() -> Iterator[Outcome]:
    """The faults that come after the audit."""
    for fault in pipeline_faults():
        rng = np.random.default_rng([SEED, crc32(f"{fault.name} in {fault.data}".encode())])
        yield Outcome(fault=fault.name, data=fault.data, caught=fault.caught(rng))


def silences(sets: Iterable[CleanSet]) -> Iterator[Silence]:
    """False alarms in samples of each kind, looked at as one file, and as a training and a test file."""
    for data in sets:
        found: list[str] = []
        for seed in range(data.seeds):
            events = data.events(1000 + seed)
            train, test = halved(events, np.random.default_rng(seed))
            samples = [Sample(events=events)]
            if events.group is None:  # a group that is torn apart is no clean sample
                samples.append(Sample(events=train, test=test))
            for sample in samples:
                found += alarms(sample, strong=data.strong)[:1]
        yield Silence(data=data.title, samples=data.seeds, alarms=tuple(found))


def measure() -> Table:
    """All faults and all clean sets: some minutes."""
    sets = tuple(all_sets())
    outcomes, quiet = [*planted(sets), *in_pipeline()], list(silences(sets))
    caught, samples = sum(bool(o.caught) for o in outcomes), sum(one.samples for one in quiet)
    alarmed = sum(min(len(one.alarms), one.samples) for one in quiet)
    rows = [(o.fault, o.data, o.caught or "MISSED") for o in outcomes]
    rows += [(f"clean, {one.samples} samples", one.data, ", ".join(one.alarms) or "silent") for one in quiet]
    rows.append(("all faults", f"{caught} of {len(outcomes)} caught", rate(caught, len(outcomes))))
    rows.append(("all clean samples", f"{alarmed} of {samples} with an alarm", rate(alarmed, samples)))
    return Table(title="planted faults and clean samples", columns=("fault", "data", "how caught"), rows=tuple(rows))


def rate(found: int, of: int) -> str:
    """A share with its 95 % interval of Clopper and Pearson."""
    low, high = clopper_pearson(found / of, of)
    return f"{found / of:.1%} ({low:.1%} to {high:.1%})"
