"""Simulated events like the public HEPMASS data: numbers of rows and a seed in, ``Events`` out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from hepsieve.engines import Jobs
from hepsieve.events import Events, FloatArray, Origin
from hepsieve.progress import Progress, Silent
from hepsieve.simulate.blocks import check_request
from hepsieve.simulate.hepmass_detector import reconstruct
from hepsieve.simulate.hepmass_features import NAMES, UNITS, features, standardise
from hepsieve.simulate.hepmass_generator import MASSES, WIDTH, open_generator
from hepsieve.simulate.kept import in_order_kept
from hepsieve.simulate.particles import Floats
from hepsieve.simulate.pythia import SEEDS, load_pythia

BLOCK_ROWS = 1000
BATCH_EVENTS = 250
_ORDER, _BACKGROUND_MASSES, _BLOCKS = range(3)
SILENT = Silent()
KINDS = (None, *MASSES)


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows of one process that are made in one go, from seeds that depend on nothing but these attributes.

    Attributes:
        mass: of the resonance in GeV; None for background.
        number: of the block among those of its process.
        rows: how many.
        seed: of the whole sample.
    """

    mass: int | None
    number: int
    rows: int
    seed: int


def simulate_hepmass(
    rows: int, *, seed: int, jobs: Jobs = 1, kept: Path | None = None, progress: Progress = SILENT
) -> Events:
    """Events of qq̄ → Z′ → tt̄ (target 1) and of tt̄ (target 0) with one lepton at 8 TeV, half of each, mixed.

    Pythia 8 makes the collisions; the detector is the one of the HIGGS simulation with smaller jets and the tags of
    Delphes 3. The columns have the names and scales of the public HEPMASS data; their meanings, which were not
    published, are in ``hepmass_features.MEANINGS``. The masses 500, 750, … 1500 GeV have equal shares of the signal;
    a background row has one of them at random.

    Args:
        rows: how many rows; of an odd number the larger half is background.
        seed: from 0; the same seed gives the same events whatever ``jobs`` is.
        jobs: processes, or an engine, to share the work among. With more than one, a script must guard its main
            part with ``if __name__ == "__main__":``.
        kept: folder in which finished blocks are kept, to go on there when it is called again; None for none.
        progress: shows the rows that are done.

    Raises:
        HepsieveError: if a number is out of range.
        MissingExtra: if pythia8mc is not installed.
    """
    check_request(rows, seed, jobs)
    load_pythia()  # before any process is started
    blocks = _blocks(rows, seed)
    tables: list[FloatArray] = []
    with progress.task("Simulating top pairs", rows) as advance:
        for table in in_order_kept(simulate_block, blocks, jobs, kept):
            tables.append(table)
            advance(len(table))
    lengths = [block.rows for block in blocks]
    signal = np.repeat([block.mass is not None for block in blocks], lengths)
    at_random = _stream(seed, _BACKGROUND_MASSES).choice(MASSES, rows)
    mass = np.where(signal, np.repeat([block.mass or 0 for block in blocks], lengths), at_random)
    table = np.column_stack([np.concatenate(tables), mass.astype(np.float32)])
    order = _stream(seed, _ORDER).permutation(rows)
    return _events(table[order], signal[order].astype(np.float32), seed)


def simulate_block(block: Block) -> FloatArray:
    """The standardised features of one block, shape (rows, 27).

    The lepton is positive in even blocks and negative in odd ones: neither process, nor the detector, tells one charge
    from the other at leading order.
    """
    kind = KINDS.index(block.mass)
    offset = int(np.random.SeedSequence(block.seed).generate_state(1, np.uint64)[0])
    pythia_seed = 1 + (offset + len(KINDS) * block.number + kind) % SEEDS
    rng = _stream(block.seed, _BLOCKS, kind, block.number)
    generator = open_generator(block.mass, charge=-1 if block.number % 2 else 1, seed=pythia_seed)
    tables: list[Floats] = []
    while sum(map(len, tables)) < block.rows:
        tables.append(features(reconstruct(generator.generate(BATCH_EVENTS), rng)))
    return standardise(np.concatenate(tables)[: block.rows]).astype(np.float32)


def _stream(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, which no other one shares: neither here nor where the same seed is used later."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=purpose))


def _blocks(rows: int, seed: int) -> list[Block]:
    """The work in pieces that do not depend on who does them, all processes in turn."""
    signal, n = rows // 2, len(MASSES)
    shares = [(None, rows - signal), *((mass, (signal + n - 1 - k) // n) for k, mass in enumerate(MASSES))]
    blocks = [
        Block(mass=mass, number=number, rows=min(BLOCK_ROWS, share - start), seed=seed)
        for mass, share in shares
        for number, start in enumerate(range(0, share, BLOCK_ROWS))
    ]
    return sorted(blocks, key=lambda block: block.number)


def _events(table: FloatArray, target: FloatArray, seed: int) -> Events:
    version = metadata.version("pythia8mc")
    digest = hashlib.sha256(" ".join(NAMES).encode())
    for array in (table, target):
        digest.update(array.tobytes())
    masses = ", ".join(map(str, MASSES))
    origin = Origin(
        kind="simulated",
        sources=(f"Pythia {version} with a model of a detector",),
        fingerprint=digest.hexdigest(),
        details={
            "seed": str(seed),
            "rows": str(len(table)),
            "signal": "qq̄ → Z′ → tt̄ → ℓνb qq′b",
            "background": "tt̄ → ℓνb qq′b",
            "masses": f"{masses} GeV, width {WIDTH:.1%}",
            "collisions": "proton–proton, 8 TeV",
        },
    )
    return Events.from_arrays(table, target, names=NAMES, units=UNITS, origin=origin)
