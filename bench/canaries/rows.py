"""Faults about rows: the same event on both sides, near copies, classes that mean something else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bench.canaries.planted import Fault, Sample, anything, halved, is_regression, joined
from hepsieve.events import Events

NEAR = ("test-near-duplicates-in-training",)


def row_faults() -> Iterator[Fault]:
    """All of them."""
    always = partial(_always, True)
    yield Fault(
        name="all test rows also in training",
        suits=anything,
        plant=partial(_shared, share=1.0),
        codes=("test-rows-in-training",),
        stops=always,
    )
    yield Fault(
        name="one test row in twenty also in training",
        suits=anything,
        plant=partial(_shared, share=0.05),
        codes=("test-rows-in-training",),
        stops=always,
    )
    for how in ("rounded to three digits", "with noise of 1e-6"):
        yield Fault(
            name=f"test rows in training, {how}",
            suits=anything,
            plant=partial(_near_in_test, how=how),
            codes=NEAR,
            stops=always,
        )
        yield Fault(
            name=f"copies in one file, {how}",
            suits=anything,
            plant=partial(_near_within, how=how),
            codes=("near-duplicate-rows",),
            stops=always,
        )
    classes = _classes
    yield Fault(name="one class only", suits=classes, plant=_one_class, codes=("one-class",), stops=always)
    yield Fault(
        name="classes swapped in the test file",
        suits=classes,
        plant=_swapped,
        codes=("test-classes-swapped",),
    )
    yield Fault(name="an event with both labels", suits=classes, plant=_both_labels, codes=("contradictory-labels",))


def _always(answer: bool, events: Events) -> bool:
    return answer


def _classes(events: Events) -> bool:
    return not is_regression(events)


def _shared(events: Events, rng: Generator, *, share: float) -> Sample:
    train, test = halved(events, rng)
    known = test[np.sort(rng.permutation(len(test))[: max(4, int(share * len(test)))])]
    return Sample(events=joined(train, known), test=test)


def near(values: NDArray[np.floating], how: str, rng: Generator) -> NDArray[np.float32]:
    """Values that are nearly the same."""
    if how == "with noise of 1e-6":
        return np.asarray(values * (1 + 1e-6 * rng.normal(size=values.shape)), np.float32)
    decade = 10.0 ** np.floor(np.log10(np.maximum(np.abs(values), 1e-30)))
    return np.asarray(np.round(values / decade, 2) * decade, np.float32)


def _copies(events: Events, how: str, rng: Generator) -> Events:
    """A tenth of the events, nearly as they are; but at least eight."""
    some = events[np.sort(rng.permutation(len(events))[: max(8, len(events) // 10)])]
    return some.replace(features=near(some.features, how, rng))


def _near_in_test(events: Events, rng: Generator, *, how: str) -> Sample:
    train, test = halved(events, rng)
    return Sample(events=train, test=joined(test, _copies(train, how, rng)))


def _near_within(events: Events, rng: Generator, *, how: str) -> Sample:
    whole = joined(events, _copies(events, how, rng))
    return Sample(events=whole[rng.permutation(len(whole))])


def _one_class(events: Events, rng: Generator) -> Sample:
    return Sample(events=events[np.flatnonzero(events.target == rng.integers(2))])


def _swapped(events: Events, rng: Generator) -> Sample:
    train, test = halved(events, rng)
    return Sample(events=train, test=test.replace(target=1 - test.target))


def _both_labels(events: Events, rng: Generator) -> Sample:
    again = events[rng.permutation(len(events))[:3]]
    return Sample(events=joined(events, again.replace(target=1 - again.target)))
