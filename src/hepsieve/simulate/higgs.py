"""Simulated events like the public HIGGS data: numbers of rows and a seed in, ``Events`` out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepsieve.engines import Jobs
from hepsieve.events import Events, FloatArray, Origin
from hepsieve.progress import Progress, Silent
from hepsieve.simulate.blocks import check_request
from hepsieve.simulate.higgs_detector import reconstruct
from hepsieve.simulate.higgs_features import NAMES, UNITS, features, scale
from hepsieve.simulate.higgs_generator import Process, open_generator
from hepsieve.simulate.higgs_tuning import TUNING
from hepsieve.simulate.kept import in_order_kept
from hepsieve.simulate.pythia import SEEDS, load_pythia

BLOCK_ROWS = 1000
BATCH_EVENTS = 250
SILENT = Silent()


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows of one process that are made in one go, from seeds that depend on nothing but these attributes."""

    process: Process
    number: int
    rows: int
    seed: int


def simulate_higgs(
    rows: int, *, seed: int, jobs: Jobs = 1, kept: Path | None = None, progress: Progress = SILENT
) -> Events:
    """Events of gg → H0 → W∓H± → W∓W±h0 → ℓν qq̄ bb̄ (target 1) and of tt̄ (target 0) at 8 TeV, half of each, mixed.

    Pythia 8 makes the collisions and a model of PGS 4 the detector. The 28 columns have the names, definitions and
    scales of the public HIGGS data.

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
    with progress.task("Simulating HIGGS collisions", rows) as advance:
        for table in in_order_kept(simulate_block, blocks, jobs, kept):
            tables.append(table)
            advance(len(table))
    target = np.repeat([block.process == "signal" for block in blocks], [block.rows for block in blocks])
    order = np.random.default_rng([seed, 2]).permutation(rows)
    return _events(np.concatenate(tables)[order], target[order].astype(np.float32), seed)


def simulate_block(block: Block) -> FloatArray:
    """The scaled features of one block, shape (rows, 28).

    The lepton is positive in even blocks and negative in odd ones: at leading order neither process, nor the detector,
    tells one charge from the other, and Pythia's initialisation costs as much as a hundred rows.
    """
    code = int(block.process == "signal")
    offset = int(np.random.SeedSequence(block.seed).generate_state(1, np.uint64)[0])
    pythia_seed = 1 + (offset + 2 * block.number + code) % SEEDS
    hook_rng, rng = np.random.default_rng([block.seed, code, block.number]).spawn(2)
    generator = open_generator(block.process, charge=-1 if block.number % 2 else 1, seed=pythia_seed, rng=hook_rng)
    tables: list[NDArray[np.float64]] = []
    while sum(map(len, tables)) < block.rows:
        tables.append(features(reconstruct(generator.generate(BATCH_EVENTS), rng)))
    return scale(np.concatenate(tables)[: block.rows]).astype(np.float32)


def _blocks(rows: int, seed: int) -> list[Block]:
    """The work in pieces that do not depend on who does them, both classes in turn."""
    shares: tuple[tuple[Process, int], ...] = (("signal", rows // 2), ("background", rows - rows // 2))
    blocks = [
        Block(process=process, number=number, rows=min(BLOCK_ROWS, share - start), seed=seed)
        for process, share in shares
        for number, start in enumerate(range(0, share, BLOCK_ROWS))
    ]
    return sorted(blocks, key=lambda block: block.number)


def _events(table: FloatArray, target: FloatArray, seed: int) -> Events:
    version = metadata.version("pythia8mc")
    digest = hashlib.sha256(" ".join(NAMES).encode())
    for array in (table, target):
        digest.update(array.tobytes())
    origin = Origin(
        kind="simulated",
        sources=(f"Pythia {version} with a model of the PGS 4 detector",),
        fingerprint=digest.hexdigest(),
        details={
            "seed": str(seed),
            "rows": str(len(table)),
            "signal": f"gg → H0(425) → W∓H±(325), H± → W±h0({TUNING.light_higgs_mass:g}), h0 → bb̄",
            "background": "tt̄",
            "collisions": "proton–proton, 8 TeV",
        },
    )
    return Events.from_arrays(table, target, names=NAMES, units=UNITS, origin=origin)
