"""S2 waveforms per second and core: pulses drawn as arrays against NEST's own, which follow every photon.

NEST's part is asked for single pulses of recoils of the same energies and depths, without the waveform of the first
scintillation light; it adds no noise.
"""

from __future__ import annotations

from time import process_time

import numpy as np

from bench.result import Result
from hepsieve.simulate.xenon import Block, simulate_block
from hepsieve.simulate.xenon_detector import NAME, load_nestpy, lz
from hepsieve.simulate.xenon_recoils import ENERGY

BLOCKS, ROWS = 8, 250
NEST_ROWS = 40


def measure() -> Result:
    """Waveforms per second of processor time, of one pulse and of two."""
    simulate_block(_block(two=False, number=BLOCKS))  # imports, and NEST's yields
    ours = {"one": _rate(two=False), "two": _rate(two=True)}
    theirs = {"one": _nest_rate()}
    return Result(
        ratio=ours["one"] / theirs["one"],
        against="NEST's own waveforms",
        unit="waveforms per second and core",
        ours=ours,
        theirs=theirs,
    )


def _block(*, two: bool, number: int) -> Block:
    return Block(pulses="both", two=two, separation=(0.0, 30.0), number=number, rows=ROWS, seed=1)


def _rate(*, two: bool) -> float:
    start = process_time()
    for number in range(BLOCKS):
        simulate_block(_block(two=two, number=number))
    return BLOCKS * ROWS / (process_time() - start)


def _nest_rate() -> float:
    nestpy, detector, rng = load_nestpy(), lz(), np.random.default_rng(1)
    described = getattr(nestpy.detectors, NAME)()
    drift = rng.uniform(*detector.drift_times, NEST_ROWS)
    zeros = np.zeros(NEST_ROWS)
    start = process_time()
    nestpy.array.runNESTvec(
        described,
        nestpy.interactions.NR,
        rng.uniform(*ENERGY, NEST_ROWS),
        np.stack([zeros, zeros, described.TopDrift - drift * detector.drift_velocity], axis=1),
        described.field_at_center,
        1,
        described.er_parameters,
        described.nr_parameters,
        described.nr_er_width_parameters,
        nestpy._nestpy.S1CalculationMode.Parametric,
        nestpy.S2CalculationMode.Waveform,
    )
    return NEST_ROWS / (process_time() - start)
