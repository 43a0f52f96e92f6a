"""Simulated images like the public electron-photon data: numbers of rows and a seed in, ``Events`` out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, assert_never

import numpy as np

from hepsieve import spill
from hepsieve.engines import Jobs
from hepsieve.events import Events, FloatArray, Origin
from hepsieve.progress import Progress, Silent
from hepsieve.shower_shapes import ENERGY, TIME
from hepsieve.simulate import egamma_geant4
from hepsieve.simulate.blocks import check_request
from hepsieve.simulate.egamma_geant4 import PHYSICS, load_calzone
from hepsieve.simulate.egamma_particles import SIZE, Engine
from hepsieve.simulate.egamma_readout import READOUT, UNIT, read_out
from hepsieve.simulate.egamma_tables import tables
from hepsieve.simulate.egamma_upstream import ETA_EDGE, FIELD, LAYERS, MATTER_SCALE, PT, draw_primaries, through_tracker
from hepsieve.simulate.kept import in_order_kept

EngineName = Literal["geant4", "fast"]

NAMES, UNITS = (ENERGY, TIME), (f"{UNIT:.0f} GeV", "ns")
BLOCK_ROWS: dict[EngineName, int] = {"geant4": 50, "fast": 500}
_ORDER, _BLOCKS = range(2)
SILENT = Silent()


@dataclass(frozen=True, kw_only=True)
class Block:
    """Images of one class that are made in one go, from seeds that depend on nothing but these attributes.

    Attributes:
        engine: which program makes the showers.
        electron: whether they are electrons and positrons, else photons.
        number: of the block among those of its class.
        rows: how many.
        seed: of the whole sample.
    """

    engine: EngineName
    electron: bool
    number: int
    rows: int
    seed: int


def simulate_egamma(
    rows: int,
    *,
    seed: int,
    jobs: Jobs = 1,
    engine: EngineName = "fast",
    kept: Path | None = None,
    progress: Progress = SILENT,
) -> Events:
    """Images of electrons or positrons (target 1) and photons (target 0) in lead tungstate, half of each, mixed.

    Each particle leaves the collision with 50 GeV of transverse momentum at |η| < 1.2, radiates, converts and bends in
    the tracker, and showers in the calorimeter. The read-out makes an image of 32 × 32 crystals with energy (in
    50 GeV) and time (in ns); its rows run in η, its columns in φ, and the shower is centred on its
    hottest crystal at [16, 16], before noise and soft hits are added.

    Args:
        rows: how many images; of an odd number the larger half is photons.
        seed: from 0; the same seed gives the same events whatever ``jobs`` is.
        jobs: processes, or an engine, to share the work among. With more than one, a script must guard its main
            part with ``if __name__ == "__main__":``.
        engine: ``geant4`` follows every particle of a shower, about ten images a second; ``fast`` draws showers from
            a parametrisation of Geant4's.
        kept: folder in which finished blocks are kept, to go on there when it is called again; None for none.
        progress: shows the rows that are done.

    Raises:
        HepsieveError: if a number is out of range, or Geant4's tables can't be written.
        MissingExtra: if calzone or xraydb is not installed and the engine is ``geant4``.
    """
    check_request(rows, seed, jobs)
    if engine == "geant4":  # before any process is started
        load_calzone()
        tables()
    blocks = _blocks(rows, seed, engine)
    order = _stream(seed, _ORDER).permutation(rows)
    features: FloatArray = spill.empty((rows, SIZE, SIZE, len(NAMES)), np.float32)
    target = np.empty(rows, np.float32)
    done = 0
    with progress.task("Simulating showers", rows) as advance:
        for block, images in zip(blocks, in_order_kept(simulate_block, blocks, jobs, kept), strict=True):
            places = order[done : done + block.rows]
            features[places], target[places] = images, block.electron
            done += block.rows
            advance(block.rows)
    return _events(features, target, seed, engine)


def simulate_block(block: Block) -> FloatArray:
    """The images of one block, shape (rows, 32, 32, 2)."""
    rng = _stream(block.seed, _BLOCKS, int(block.electron), block.number)
    particles = through_tracker(draw_primaries(np.full(block.rows, block.electron), rng), rng)
    return read_out(shower_engine(block.engine)(particles, block.rows, rng), rng)


def shower_engine(name: EngineName) -> Engine:
    """The function that makes showers of particles on the calorimeter's face.

    Raises:
        MissingExtra: when called, if what it needs is not installed.
    """
    match name:
        case "geant4":
            return egamma_geant4.deposit
        case "fast":
            # Imported here so that Geant4's images need nothing of it.
            from hepsieve.simulate import egamma_fast

            return egamma_fast.deposit
        case _:
            assert_never(name)


def _stream(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, which no other one shares: neither here nor where the same seed is used later."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=purpose))


def _blocks(rows: int, seed: int, engine: EngineName) -> list[Block]:
    """The work in pieces that do not depend on who does them, both classes in turn."""
    size = BLOCK_ROWS[engine]
    blocks = [
        Block(engine=engine, electron=electron, number=number, rows=min(size, share - start), seed=seed)
        for electron, share in ((False, rows - rows // 2), (True, rows // 2))
        for number, start in enumerate(range(0, share, size))
    ]
    return sorted(blocks, key=lambda block: block.number)


def _events(features: FloatArray, target: FloatArray, seed: int, engine: EngineName) -> Events:
    digest = hashlib.sha256(" ".join(NAMES).encode())
    for part in spill.blocks(features):
        digest.update(features[part].tobytes())
    digest.update(target.tobytes())
    low, high = MATTER_SCALE
    origin = Origin(
        kind="simulated",
        sources=(f"{_engine_title(engine)} with a model of tracker and read-out",),
        fingerprint=digest.hexdigest(),
        details={
            "seed": str(seed),
            "rows": str(len(target)),
            "engine": engine,
            "signal": "electrons and positrons, equally often",
            "background": "photons",
            "momentum": f"{PT:.0f} GeV transverse, |η| < {ETA_EDGE}",
            "matter": f"({low}–{high}) × (0.40 + 0.55 |η|^2.5) radiation lengths in {len(LAYERS)} layers of a tracker",
            "field": f"{FIELD} T",
            "noise": f"{1e3 * READOUT.noise:.0f} MeV a crystal, zero suppression at {1e3 * READOUT.threshold:.0f} MeV",
        },
    )
    return Events.from_arrays(features, target, names=NAMES, units=UNITS, origin=origin)


def _engine_title(engine: EngineName) -> str:
    match engine:
        case "geant4":
            calzone = load_calzone()
            return f"Geant4 {calzone.GEANT4_VERSION} (calzone {calzone.VERSION}, physics {PHYSICS})"
        case "fast":
            return f"Fast shower of hepsieve {metadata.version('hepsieve')}"
        case _:
            assert_never(engine)
