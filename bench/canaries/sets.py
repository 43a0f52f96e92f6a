"""Clean data sets, on which the audit has to be silent: tables, images and waveforms, made up or simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import hepsieve as hs
from hepsieve.events import Events, TargetScale

Floats = NDArray[np.float64]
Make = Callable[[int, Generator], Events]


@dataclass(frozen=True, kw_only=True)
class CleanSet:
    """A clean data set of some size.

    Attributes:
        name: what it is.
        n: how many events.
        make: makes them from a number and a generator of random numbers.
        seeds: how many samples are looked at for false alarms.
        faults: whether faults are planted in it too.
        strong: it has an honest feature above AUC 0.99, of which the audit may ask what it is.
    """

    name: str
    n: int
    make: Make
    seeds: int = 5
    faults: bool = True
    strong: bool = False

    def events(self, seed: int) -> Events:
        """The sample of this seed."""
        return self.make(self.n, np.random.default_rng([seed, self.n]))

    @property
    def title(self) -> str:
        """Name and size."""
        return f"{self.name}, {self.n:,}"


def higgs_like(n: int, rng: Generator) -> Events:
    """28 features like those of HIGGS: momenta, angles, tags of a few values, correlated masses; each AUC below 0.7."""
    signal = rng.permutation(np.arange(n) % 2)
    objects = []
    scale = 1 + 0.15 * signal
    for k in range(6):
        pt = np.exp(rng.normal(scale=0.5, size=n)) * scale
        objects += [pt, rng.normal(size=n) * (1 - 0.1 * signal), rng.uniform(-np.pi, np.pi, n)]
        if k in (2, 3, 4):
            objects.append(rng.choice([0.0, 1.087, 2.173], n, p=[0.5, 0.2, 0.3]))
    mass = np.exp(rng.normal(scale=0.3, size=n)) * (1.25 - 0.25 * signal)
    masses = [mass * np.exp(rng.normal(scale=s, size=n)) for s in (0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6)]
    return Events.from_arrays(np.column_stack([*objects, *masses]), signal)


def hnl_like(n: int, rng: Generator) -> Events:
    """Ten features over decades, the best of which is honest and has an AUC of 0.9963."""
    signal = rng.permutation(np.arange(n) % 2)
    best = np.exp(3.79 / 1.5 * (1 - signal) + rng.normal(scale=1 / 1.5, size=n))
    others = [np.exp(rng.normal(scale=s, size=n) + a * signal) for s, a in ((1, 1), (1, 0.3), (0.7, 0), (2, 1), (1, 2))]
    angles = [rng.normal(size=n) + a * signal for a in (0, 0.2, 0.5, 1)]
    return Events.from_arrays(np.column_stack([best, *others, *angles]), signal)


def clouds(n: int, rng: Generator) -> Events:
    """Four normal features."""
    signal = rng.permutation(np.arange(n) % 2)
    return Events.from_arrays(rng.normal(size=(n, 4)) + 0.7 * signal[:, np.newaxis], signal)


def weighted(n: int, rng: Generator) -> Events:
    """The features of HIGGS with weights, a tenth of which are negative, and a third of signal."""
    events = higgs_like(n, rng)
    kept = np.flatnonzero((events.target == 0) | (rng.random(n) < 0.5))
    weight = rng.gamma(4, 0.25, n) * np.where(rng.random(n) < 0.1, -1, 1)
    return events.replace(weight=weight.astype(np.float32))[kept]


def one_class_per_file(n: int, rng: Generator) -> Events:
    """All background first, as files of one class each are read."""
    events = higgs_like(n, rng)
    return events[np.argsort(events.target, kind="stable")]


def standardised(n: int, rng: Generator) -> Events:
    """Features that somebody scaled to mean 0 and standard deviation 1 over the whole file: legitimate, if unwise."""
    events = clouds(n, rng)
    values = events.features
    return events.replace(features=(values - values.mean(axis=0)) / values.std(axis=0))


def counted(n: int, rng: Generator) -> Events:
    """Tags and numbers of hits only, so that many rows are identical, also in both classes; and one energy."""
    signal = rng.permutation(np.arange(n) % 2)
    tags = rng.integers(0, 3, (n, 2))
    hits = rng.poisson(4 + signal[:, np.newaxis], (n, 2))
    return Events.from_arrays(np.column_stack([tags, hits, np.round(rng.gamma(3, size=n), 2)]), signal)


def tags_only(n: int, rng: Generator) -> Events:
    """Four columns of a few values, sorted by class."""
    signal = np.arange(n) >= n // 2
    share = np.where(signal[:, np.newaxis], (0.9, 0.6, 0.5, 0.3), (0.1, 0.4, 0.5, 0.3))
    return Events.from_arrays((rng.random((n, 4)) < share).astype(float), signal.astype(float))


def in_rows_of_tracks(n: int, rng: Generator) -> Events:
    """Rows that follow each other share a track, and say so in their group."""
    events = higgs_like(n, rng)
    features = events.features.copy()
    features[1::2, :3] = features[::2, :3][: n // 2]
    return events.replace(features=features, group=np.arange(n) // 2)


def with_sentinels(n: int, rng: Generator) -> Events:
    """Ten columns in which half of the events have no value, and -999 stands for it: few events lack the same ones."""
    signal = rng.permutation(np.arange(n) % 2)
    values = rng.normal(size=(n, 10)) + 0.5 * signal[:, np.newaxis]
    values[rng.random((n, 10)) < 0.5] = -999
    return Events.from_arrays(values, signal)


def dithered(n: int, rng: Generator) -> Events:
    """Numbers of hits with a little noise, and an energy."""
    signal = rng.permutation(np.arange(n) % 2)
    hits = rng.poisson(4 + signal[:, np.newaxis], (n, 4)) + 1e-4 * rng.normal(size=(n, 4))
    return Events.from_arrays(np.column_stack([hits, rng.gamma(3, size=n)]), signal)


def in_slices(n: int, rng: Generator) -> Events:
    """Nine tenths of background, simulated in ten slices of an energy, one file after the other; then the signal."""
    background = 9 * n // 10
    slices = np.arange(background) * 10 // background
    energy = np.concatenate([slices + rng.random(background), rng.uniform(2, 8, n - background)])
    jets = np.concatenate([2 + slices // 2, rng.integers(2, 7, n - background)])
    signal = (np.arange(n) >= background).astype(float)
    return Events.from_arrays(np.column_stack([energy, jets, rng.normal(size=(n, 3))]), signal)


def scanned(n: int, rng: Generator) -> Events:
    """A number that was scanned from its lowest to its highest value, and five features that know it."""
    events = table_regression(n, rng)
    target = np.sort(events.target)
    width = np.array([0.03, 0.1, 0.5, 1, 2])
    features = target[:, np.newaxis] + width * rng.normal(size=(n, 5))
    return events.replace(features=features.astype(np.float32), target=target)


def table_regression(n: int, rng: Generator) -> Events:
    """Five features that know a number more or less."""
    target = rng.uniform(0, 1, n)
    width = np.array([0.2, 0.3, 0.5, 1, 2])
    features = target[:, np.newaxis] + width * rng.normal(size=(n, 5))
    return Events.from_arrays(features, target, scale=TargetScale(name="d", unit="mm", full=30))


def showers(n: int, rng: Generator) -> Events:
    """Images of 12 × 12 crystals with energy; signal is a little wider."""
    signal = rng.permutation(np.arange(n) % 2)
    away = np.arange(12) - 6
    distance = np.hypot(away[:, np.newaxis], away / (1 + 0.15 * signal[:, np.newaxis, np.newaxis]))
    energy = np.exp(-1.6 * distance) * rng.gamma(20, 0.05, (n, 1, 1)) * rng.gamma(6, 1 / 6, distance.shape)
    energy[energy < 0.004] = 0
    return Events.from_arrays(energy[..., np.newaxis], signal, names=("energy",), units=("50 GeV",))


def pulses(n: int, rng: Generator) -> Events:
    """Waveforms of 200 samples with one pulse or two."""
    two = rng.permutation(np.arange(n) % 2)
    apart = two * rng.uniform(5, 50, n)
    return Events.from_arrays(_light(apart, rng), two, names=("light",), units=("phd",))


def pulse_regression(n: int, rng: Generator) -> Events:
    """Waveforms of two pulses, and how far they are apart."""
    d = rng.uniform(0, 1, n)
    scale = TargetScale(name="d", unit="mm", full=30)
    return Events.from_arrays(_light(50 * d, rng), d, names=("light",), units=("phd",), scale=scale)


def _light(apart: Floats, rng: Generator) -> Floats:
    at = rng.uniform(80, 120, len(apart))
    size, width = rng.uniform(20, 60, len(apart)), rng.uniform(6, 8, len(apart))
    t = np.arange(200)
    sides = [(t - (at + side * apart)[:, np.newaxis]) / width[:, np.newaxis] for side in (-0.5, 0.5)]
    mean = sum(np.exp(-(z**2) / 2) * size[:, np.newaxis] / 10 for z in sides)
    light: Floats = rng.poisson(mean) + 0.05 * rng.normal(size=(len(apart), 200))
    return light[..., np.newaxis]


def simulated(task: str) -> Make:
    """Events of a task's own simulator; of a heavy neutral lepton without its mass, as the task itself takes them."""

    def make(n: int, rng: Generator) -> Events:
        events = hs.simulate(task, n, seed=int(rng.integers(2**31)), engine="fast" if task == "egamma" else None)
        kept = [k for k, name in enumerate(events.names) if name != "Invariant Mass"]
        if len(kept) == len(events.names):
            return events
        names, units = (tuple(what[k] for k in kept) for what in (events.names, events.units))
        return events.replace(features=np.ascontiguousarray(events.features[:, kept]), names=names, units=units)

    return make


def small_sets() -> Iterator[CleanSet]:
    """What is fast enough for a test."""
    yield CleanSet(name="four features", n=300, make=clouds)
    yield CleanSet(name="HNL-like", n=600, make=hnl_like, seeds=2, strong=True)
    yield CleanSet(name="HIGGS-like", n=300, make=higgs_like, seeds=1, faults=False)
    yield CleanSet(name="weighted", n=500, make=weighted, seeds=1, faults=False)
    yield CleanSet(name="a file per class", n=300, make=one_class_per_file, seeds=1, faults=False)
    yield CleanSet(name="scaled outside", n=400, make=standardised, faults=False)
    yield CleanSet(name="tags and hits", n=600, make=counted, faults=False)
    yield CleanSet(name="tags only", n=400, make=tags_only, faults=False)
    yield CleanSet(name="pairs of tracks", n=300, make=in_rows_of_tracks, seeds=1, faults=False)
    yield CleanSet(name="missing as -999", n=1000, make=with_sentinels, seeds=1, faults=False)
    yield CleanSet(name="hits with noise", n=1000, make=dithered, seeds=1, faults=False)
    yield CleanSet(name="background in slices", n=600, make=in_slices, seeds=1, faults=False)
    yield CleanSet(name="a scan", n=400, make=scanned, seeds=1, faults=False)
    yield CleanSet(name="regression", n=400, make=table_regression)
    yield CleanSet(name="showers", n=300, make=showers)
    yield CleanSet(name="pulses", n=200, make=pulses)
    yield CleanSet(name="pulse separations", n=200, make=pulse_regression)


def all_sets() -> Iterator[CleanSet]:
    """What the table in docs/canaries.md rests on."""
    yield CleanSet(name="HIGGS-like", n=300, make=higgs_like, seeds=10)
    yield CleanSet(name="HIGGS-like", n=20_000, make=higgs_like, seeds=3)
    yield CleanSet(name="HNL-like", n=300, make=hnl_like, seeds=10, strong=True)
    yield CleanSet(name="HNL-like", n=20_000, make=hnl_like, seeds=3, strong=True)
    yield CleanSet(name="four features", n=1000, make=clouds, seeds=10)
    yield CleanSet(name="weighted", n=2000, make=weighted)
    yield CleanSet(name="a file per class", n=2000, make=one_class_per_file, faults=False)
    yield CleanSet(name="scaled outside", n=1000, make=standardised, seeds=10, faults=False)
    yield CleanSet(name="tags and hits", n=5000, make=counted, faults=False)
    yield CleanSet(name="tags only", n=5000, make=tags_only, faults=False)
    yield CleanSet(name="pairs of tracks", n=1000, make=in_rows_of_tracks, faults=False)
    yield CleanSet(name="missing as -999", n=4000, make=with_sentinels, faults=False)
    yield CleanSet(name="hits with noise", n=4000, make=dithered, faults=False)
    yield CleanSet(name="background in slices", n=4000, make=in_slices, faults=False)
    yield CleanSet(name="a scan", n=2000, make=scanned, faults=False)
    yield CleanSet(name="regression", n=2000, make=table_regression, seeds=10)
    yield CleanSet(name="showers", n=600, make=showers)
    yield CleanSet(name="pulses", n=400, make=pulses)
    yield CleanSet(name="pulse separations", n=400, make=pulse_regression)
    yield CleanSet(name="simulated higgs", n=1000, make=simulated("higgs"), seeds=2)
    yield CleanSet(name="simulated hepmass", n=500, make=simulated("hepmass"), seeds=2, faults=False)
    yield CleanSet(name="simulated hnl", n=400, make=simulated("hnl"), seeds=1, faults=False, strong=True)
    yield CleanSet(name="simulated egamma", n=2000, make=simulated("egamma"), seeds=2)
    yield CleanSet(name="simulated s2-count", n=200, make=simulated("s2-count"), seeds=2)
    yield CleanSet(name="simulated s2-separation", n=200, make=simulated("s2-separation"), seeds=2)
