"""Files of made-up waveforms as people have them: arrays alone, with targets beside them, archives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data_config import TargetConfig
from hepsieve.events import Events, Origin, TargetScale

SEPARATION = DataConfig(catalog="xenon", target=TargetConfig(name="d", unit="mm", full=30))
COUNT = DataConfig(catalog="xenon", file_labels={"1s2.npz": 0, "2s2.npz": 1, "1s2.npy": 0, "2s2.npy": 1})
ORIGIN = Origin(kind="simulated", sources=("toy pulses",), details={"seed": "4", "note": "e⁻"})
SCALE = TargetScale(name="d", unit="mm", full=30.0)


def pulses(n: int, *, seed: int = 1, samples: int = 200) -> NDArray[np.float32]:
    """Two pulses above noise, float32, shape (n, samples, 1); no two alike."""
    rng = np.random.default_rng(seed)
    time, start = np.arange(samples), rng.uniform(samples / 4, samples / 2, (n, 1))
    light = sum(np.exp(-(((time - start - shift) / 9) ** 2)) for shift in (0, rng.uniform(0, samples / 3, (n, 1))))
    return (10 * light + rng.normal(size=(n, samples))).astype(np.float32)[..., None]


def separations(n: int) -> NDArray[np.float64]:
    """Targets on a grid of 1/800."""
    return np.arange(n) * 7 % 801 / 800


def regression(n: int) -> Events:
    """Simulated waveforms with separations and two spectators."""
    events = Events.from_arrays(pulses(n), separations(n), names=("light",), units=("phd",), origin=ORIGIN, scale=SCALE)
    known = np.column_stack([np.arange(n) + 0.1, np.arange(n) * 1.5])
    return events.replace(spectators=known, spectator_names=("drift time", "electrons"))
