"""Made-up waveforms for the tests of the audit: one or two bell-shaped pulses over noise, in detected photons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events, TargetScale

SAMPLES = 300
NOISE = 0.05
D = TargetScale(name="d", unit="mm", full=30.0)


def pulses(n: int, seed: int, *, apart: NDArray[np.floating], samples: int = SAMPLES) -> NDArray[np.float32]:
    """Waveforms of two equal pulses so many samples apart, somewhere near the middle; shape (n, samples, 1)."""
    rng = np.random.default_rng(seed)
    at = samples * rng.uniform(0.4, 0.6, n)
    width = samples * rng.uniform(0.03, 0.04, n)
    size = rng.uniform(200, 600, n)
    t = np.arange(samples)
    light = np.zeros((n, samples))
    for side in (-0.5, 0.5):
        z = (t - (at + side * apart)[:, np.newaxis]) / width[:, np.newaxis]
        light += np.exp(-(z**2) / 2) * (size / width / 2 / np.sqrt(2 * np.pi))[:, np.newaxis]
    seen = rng.poisson(light) + NOISE * rng.normal(size=light.shape)
    return seen.astype(np.float32)[..., np.newaxis]


def separations(n: int = 120, seed: int = 0, *, samples: int = SAMPLES) -> Events:
    """A regression: two pulses, and how far apart they are."""
    d = np.random.default_rng(seed + 1000).uniform(0, 1, n)
    waveforms = pulses(n, seed, apart=d * samples / 4, samples=samples)
    return Events.from_arrays(waveforms, d, names=("light",), units=("phd",), scale=D)


def counts(n: int = 120, seed: int = 0, *, samples: int = SAMPLES) -> Events:
    """A classification: one pulse, or two of them."""
    rng = np.random.default_rng(seed + 2000)
    two = rng.permutation(np.arange(n) % 2)
    waveforms = pulses(n, seed, apart=two * rng.uniform(0, 1, n) * samples / 4, samples=samples)
    return Events.from_arrays(waveforms, two, names=("light",), units=("phd",))


def with_waveforms(events: Events, waveforms: NDArray[np.floating]) -> Events:
    """The same events with other waveforms."""
    return events.replace(features=waveforms.astype(np.float32))
