"""Where recoils happen in the detector, and how many electrons of each enter the gas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.simulate.xenon_detector import FULL, XenonDetector

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = 800
"""Separations are multiples of ``FULL / STEPS``, as those of the data that this imitates."""
ENERGY = (20.0, 100.0)
"""keV of the one recoil that sets free as many electrons as all recoils of a waveform together; drawn evenly."""
SHARE = (0.2, 0.8)
"""Share of the electrons that belongs to the first of two pulses, drawn evenly."""
START = (8.0, 16.0)
"""µs into the window at which the first pulse's drift is expected to end, drawn evenly."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recoils:
    """One or two nuclear recoils for each of n waveforms, the second below the first.

    Attributes:
        separation: mm in depth between both, shape (n,); 0 where there is no second one.
        drift_time: of the electrons of each recoil, in µs, shape (n, 2).
        end: expected end of the drift of each recoil's electrons, in µs after the window's beginning, shape (n, 2).
        electrons: that enter the gas, shape (n, 2).
    """

    separation: Floats
    drift_time: Floats
    end: Floats
    electrons: Ints


def draw_recoils(steps: Ints, detector: XenonDetector, rng: np.random.Generator) -> Recoils:
    """Recoils whose electrons, in all, don't tell whether they are one or two.

    Args:
        steps: separation of each waveform's two recoils in units of ``FULL / STEPS``, shape (n,); 0 for one recoil.
        detector: in which they happen.
        rng: of all that is drawn.
    """
    n = len(steps)
    separation = steps.astype(np.float64) * (FULL / STEPS)
    first = rng.uniform(*detector.drift_times, n)
    drift_time = np.stack([first, first + separation / detector.drift_velocity], axis=1)
    end = rng.uniform(*START, n)[:, np.newaxis] + drift_time - drift_time[:, :1]
    share = np.where(steps > 0, rng.uniform(*SHARE, n), 1.0)
    free = detector.electrons(rng.uniform(*ENERGY, n))[:, np.newaxis] * np.stack([share, 1 - share], axis=1)
    electrons = rng.poisson(free * detector.arriving(drift_time))
    return Recoils(separation=separation, drift_time=drift_time, end=end, electrons=electrons)


def draw_steps(separation: tuple[float, float], rows: int, rng: np.random.Generator) -> Ints:
    """Separations from this range in mm, each multiple of ``FULL / STEPS`` but 0 equally often, shape (rows,)."""
    low, high = step_range(separation)
    return rng.integers(low, high, rows, endpoint=True)


def step_range(separation: tuple[float, float]) -> tuple[int, int]:
    """First and last multiple of ``FULL / STEPS`` above 0 in this range in mm; the last is below the first if none."""
    low, high = (value / FULL * STEPS for value in separation)
    # A bound such as 0.3 mm is a multiple that rounding must not lose.
    return max(1, int(np.ceil(low - 1e-9))), int(np.floor(high + 1e-9))
