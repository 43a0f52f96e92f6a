"""Faults about images and waveforms: the label, or the target, in a pixel or a sample."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator

from bench.canaries.columns import _noisy
from bench.canaries.planted import Fault, Sample, is_array, is_regression
from hepsieve.events import Events

CODES = ("label-in-feature", "label-in-sample", "target-in-feature")


def array_faults() -> Iterator[Fault]:
    """All of them."""
    yield Fault(
        name="label in a pixel or sample",
        suits=is_array,
        plant=partial(_written, noise=0.0),
        codes=CODES,
        stops=lambda events: True,
    )
    yield Fault(
        name="label in a pixel or sample, AUC 0.998",
        suits=is_array,
        plant=_with_noise,
        codes=("strong-feature", *CODES),
    )
    yield Fault(name="label array used as image or waveform", suits=is_array, plant=_label_alone, codes=CODES)
    yield Fault(
        name="target in a sample",
        suits=_regression,
        plant=partial(_written, noise=1e-4),
        codes=CODES,
        stops=lambda events: True,
    )


def _regression(events: Events) -> bool:
    return events.features.ndim > 2 and is_regression(events)


def _into_one(events: Events, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Sample:
    features = events.features.copy()
    features.reshape(len(features), -1)[:, 7] = values
    return Sample(events=events.replace(features=features))


def _written(events: Events, rng: Generator, *, noise: float) -> Sample:
    return _into_one(events, 0.5 + events.target + noise * rng.normal(size=len(events)))


def _with_noise(events: Events, rng: Generator) -> Sample:
    return _into_one(events, 5 + _noisy(events, rng, wanted=0.998))


def _label_alone(events: Events, rng: Generator) -> Sample:
    """Every pixel or sample is the label, but for noise that makes an image or a waveform of it."""
    label = events.target.reshape(-1, *[1] * (events.features.ndim - 1))
    features = label + 0.01 * rng.normal(size=events.features.shape)
    return Sample(events=events.replace(features=features.astype(np.float32)))
