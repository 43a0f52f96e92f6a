"""Images of electrons and photons per second and core: the fast shower against Geant4.

Both include the same matter in front of the calorimeter and the same read-out; Geant4's initialisation is left out.
"""

from __future__ import annotations

from statistics import harmonic_mean
from time import process_time

from bench.result import Result
from hepsieve.simulate.egamma import Block, EngineName, simulate_block

IMAGES: dict[EngineName, int] = {"fast": 1000, "geant4": 40}  # of each class
CLASSES = {"electrons": True, "photons": False}


def measure() -> Result:
    """Images per second of processor time, for each class and for a sample that is half and half."""
    ours, theirs = _rates("fast"), _rates("geant4")
    return Result(
        ratio=ours["both"] / theirs["both"],
        against="showers in Geant4",
        unit="images per second and core",
        ours=ours,
        theirs=theirs,
    )


def _rates(engine: EngineName) -> dict[str, float]:
    _images(engine, electron=True, rows=2)  # imports, and Geant4's tables
    rates = {name: IMAGES[engine] / _images(engine, electron, IMAGES[engine]) for name, electron in CLASSES.items()}
    return rates | {"both": harmonic_mean(list(rates.values()))}


def _images(engine: EngineName, electron: bool, rows: int) -> float:
    """Seconds of processor time for a block."""
    start = process_time()
    simulate_block(Block(engine=engine, electron=electron, number=0, rows=rows, seed=1))
    return process_time() - start
