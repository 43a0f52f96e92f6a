"""Faults about columns of a table: the label or the place in the file in one of them, or in two together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bench.canaries.planted import Fault, Sample, is_regression, is_table, with_column
from hepsieve.audit.separation import area
from hepsieve.events import Events

Floats = NDArray[np.float64]
Column = Callable[[Events, Generator], Floats]
IN_ONE, IN_TWO, IN_ORDER = ("label-in-feature",), ("label-in-two-features",), ("row-order-in-feature",)
_ENOUGH = 2000  # events in which an AUC of 0.9995 is no luck; one of 1 is none in half as many


def column_faults() -> Iterator[Fault]:
    """All of them."""
    for name, column in _COPIES.items():
        yield Fault(
            name=f"label in a feature, {name}",
            suits=is_table,
            plant=partial(_replaced, column=column),
            codes=IN_ONE,
            stops=lambda events: True,
        )
    yield Fault(
        name="label with noise, AUC 0.9995 alone",
        suits=is_table,
        plant=partial(_replaced, column=partial(_noisy, wanted=0.9995)),
        codes=IN_ONE,
        stops=lambda events: len(events) >= _ENOUGH,
    )
    for wanted in (0.998, 0.992):
        yield Fault(
            name=f"label with noise, AUC {wanted} alone",
            suits=is_table,
            plant=partial(_replaced, column=partial(_noisy, wanted=wanted)),
            codes=("strong-feature", *IN_ONE),
        )
    for name in ("sum", "difference", "product", "ratio", "exclusive or"):
        yield Fault(
            name=f"label in two features, {name}",
            suits=is_table,
            plant=partial(_in_two, how=name),
            codes=(*IN_TWO, *IN_ONE),
        )
    for name, column in _PLACES.items():
        yield Fault(name=name, suits=_rows, plant=partial(_replaced, column=column), codes=(*IN_ORDER, *IN_ONE))
    for name, column in _TELLING.items():
        yield Fault(
            name=name,
            suits=is_table,
            plant=partial(_by_class, column=column),
            codes=IN_ONE,
            stops=lambda events: len(events) >= _ENOUGH // 2,
        )
    yield Fault(
        name="label array used as input", suits=is_table, plant=_label_alone, codes=IN_ONE, stops=lambda events: True
    )
    for name, column in _TARGETS.items():
        yield Fault(
            name=f"target in a feature, {name}",
            suits=_regression_table,
            plant=partial(_replaced, column=column),
            codes=("target-in-feature",),
            stops=lambda events: True,
        )


def _rows(events: Events) -> bool:
    return events.features.ndim == 2


def _regression_table(events: Events) -> bool:
    return _rows(events) and is_regression(events)


def _replaced(events: Events, rng: Generator, *, column: Column) -> Sample:
    return Sample(events=with_column(events, column(events, rng)))


def _exact(events: Events, rng: Generator) -> Floats:
    return events.target.astype(np.float64)


def _negated(events: Events, rng: Generator) -> Floats:
    return 1.0 - events.target.astype(np.float64)


def _scaled(events: Events, rng: Generator) -> Floats:
    return 17.3 - 4.2e3 * events.target.astype(np.float64)


def _rounding(events: Events, rng: Generator) -> Floats:
    return np.asarray(events.target * (1 + 1e-6 * rng.normal(size=len(events))) + 1e-6 * rng.normal(size=len(events)))


def _curved(events: Events, rng: Generator) -> Floats:
    return np.asarray(np.exp(3 * events.target.astype(np.float64)))


_COPIES: dict[str, Column] = {"exact": _exact, "negated": _negated, "scaled": _scaled, "with float noise": _rounding}
_TARGETS: dict[str, Column] = {**_COPIES, "through a curve": _curved}


def _noisy(events: Events, rng: Generator, *, wanted: float) -> Floats:
    """The label and normal noise, of such a width that this sample's AUC is the wanted one."""
    noise, signal = rng.normal(size=len(events)), events.target == 1
    low, high = 1e-3, 10.0
    for _ in range(60):
        width = np.sqrt(low * high)
        low, high = (width, high) if area(signal + width * noise, signal) > wanted else (low, width)
    return np.asarray(signal + low * noise)


def _in_two(events: Events, rng: Generator, *, how: str) -> Sample:
    n, label = len(events), events.target.astype(np.float64)
    hidden = rng.normal(size=n)
    match how:
        case "sum":
            a, b = hidden, label - hidden
        case "difference":
            a, b = hidden, hidden - label
        case "product":
            a = np.exp(hidden) * rng.choice([-1, 1], n)
            b = (1 + label) / a
        case "ratio":
            a = np.exp(hidden)
            b = a * (1 + label)
        case _:
            a = rng.integers(0, 2, n).astype(np.float64)
            b = np.abs(label - a)
    return Sample(events=with_column(with_column(events, a, 0), b, 1))


def _row_number(events: Events, rng: Generator) -> Floats:
    return np.arange(len(events), dtype=np.float64)


def _row_number_of_two_files(events: Events, rng: Generator) -> Floats:
    return np.arange(len(events), dtype=np.float64) % ((len(events) + 1) // 2)


def _time(events: Events, rng: Generator) -> Floats:
    return np.cumsum(rng.exponential(size=len(events)))


def _shuffled_number(events: Events, rng: Generator) -> Floats:
    return rng.permutation(len(events)).astype(np.float64) + 1000


def _file_number(events: Events, rng: Generator) -> Floats:
    return np.asarray(np.arange(len(events)) * 5 // len(events), np.float64)


def _run_number(events: Events, rng: Generator) -> Floats:
    runs = rng.integers(300_000, 310_000, 12).astype(np.float64)
    return np.asarray(runs[np.sort(rng.integers(0, 12, len(events)))])


_PLACES: dict[str, Column] = {
    "row number as a feature": _row_number,
    "row number that begins anew in a second file": _row_number_of_two_files,
    "time as a feature": _time,
    "event number in random order": _shuffled_number,
    "number of the file, both classes in each": _file_number,
    "run number in blocks": _run_number,
}


def _by_class(events: Events, rng: Generator, *, column: Column) -> Sample:
    """One class after the other, then shuffled: the column alone remembers."""
    ordered = events[np.argsort(events.target, kind="stable")]
    whole = with_column(ordered, column(ordered, rng))
    return Sample(events=whole[rng.permutation(len(whole))])


def _class_files(events: Events, rng: Generator) -> Floats:
    """Three files of each class, numbered as they were found."""
    return np.asarray(rng.integers(0, 3, len(events)) * 2 + (events.target == 1), np.float64)


def _class_runs(events: Events, rng: Generator) -> Floats:
    runs = rng.permutation(20)
    return np.asarray(runs[rng.integers(0, 10, len(events)) + 10 * (events.target == 1).astype(int)], np.float64)


_TELLING: dict[str, Column] = {
    "row number, classes one after the other": _row_number,
    "time, classes one after the other": _time,
    "run number that gives the class": _class_runs,
    "number of the file, a class in each": _class_files,
}


def _label_alone(events: Events, rng: Generator) -> Sample:
    label = events.target[:, np.newaxis].copy()
    return Sample(events=events.replace(features=label, names=("X",), units=("",)))
