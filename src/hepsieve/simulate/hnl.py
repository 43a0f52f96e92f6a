"""Simulated rows like the heavy-neutral-lepton course files: numbers of rows and a seed in, ``Events`` out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np

from hepsieve.engines import Jobs
from hepsieve.events import Events, Origin
from hepsieve.progress import Progress, Silent
from hepsieve.simulate.blocks import check_request
from hepsieve.simulate.hnl_background import background_rows
from hepsieve.simulate.hnl_columns import NAMES, UNITS
from hepsieve.simulate.hnl_signal import signal_rows
from hepsieve.simulate.hnl_tuning import TUNING
from hepsieve.simulate.kept import in_order_kept
from hepsieve.simulate.particles import Bools, Floats, Ints
from hepsieve.simulate.pythia import SEEDS, load_pythia

SIGNAL_ROWS, BACKGROUND_ROWS = 2000, 500
SPECTATORS = ("Good Reco", "Event Type")
SPECTATOR_VALUES = {"signal": (1.0, 1.0), "background": (-1.0, 4.0)}
SILENT = Silent()

Process = Literal["signal", "background"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows of one class that are made in one go, from seeds that depend on nothing but these attributes."""

    process: Process
    number: int
    rows: int
    seed: int


def simulate_hnl(
    rows: int, *, seed: int, jobs: Jobs = 1, kept: Path | None = None, progress: Progress = SILENT
) -> Events:
    """Decays N → πμ of heavy neutral leptons (target 1) and pairs of tracks from neutrinos (target 0), half of each.

    Pythia 8 makes charm, neutrinos and their interactions; a model of the SHiP decay vessel, its surroundings and its
    spectrometer makes the 16 columns of the course's files. What was tuned by eye is listed in ``Tuning``. Rows of one
    neutrino interaction share a ``group``; the spectators ``Good Reco`` and ``Event Type`` are those of the files.

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
    tables: list[Floats] = []
    groups: list[Ints] = []
    # Samples of other seeds have other group numbers: they may be read together, or one judged by the other's models.
    first = int(np.random.SeedSequence([seed, 4]).generate_state(1, np.uint64)[0] >> np.uint64(2))
    with progress.task("Simulating decays and neutrinos", rows) as advance:
        for table, group in in_order_kept(simulate_block, blocks, jobs, kept):
            tables.append(table)
            groups.append(first + group)
            first += len(table)
            advance(len(table))
    signal = np.repeat([block.process == "signal" for block in blocks], [block.rows for block in blocks])
    order = np.random.default_rng([seed, 2]).permutation(rows)
    return _events(np.concatenate(tables)[order], signal[order], np.concatenate(groups)[order], seed)


def simulate_block(block: Block) -> tuple[Floats, Ints]:
    """The 16 columns of one block, shape (rows, 16), and the number of the origin of each row, below ``rows``."""
    rng = np.random.default_rng([block.seed, int(block.process == "signal"), block.number])
    if block.process == "signal":
        return signal_rows(block.rows, TUNING, rng), np.arange(block.rows)
    # All blocks share one flux, which takes seconds to make.
    flux_seed = int(np.random.SeedSequence([block.seed, 3]).generate_state(1)[0]) % SEEDS
    table, interaction = background_rows(block.rows, TUNING, flux_seed, rng)
    return table, np.unique(interaction, return_inverse=True)[1]


def _blocks(rows: int, seed: int) -> list[Block]:
    """The work in pieces that do not depend on who does them, both classes in turn."""
    shares: tuple[tuple[Process, int, int], ...] = (
        ("background", rows - rows // 2, BACKGROUND_ROWS),
        ("signal", rows // 2, SIGNAL_ROWS),
    )
    blocks = [
        Block(process=process, number=number, rows=min(size, share - start), seed=seed)
        for process, share, size in shares
        for number, start in enumerate(range(0, share, size))
    ]
    return sorted(blocks, key=lambda block: block.number)


def _events(table: Floats, signal: Bools, group: Ints, seed: int) -> Events:
    # float32, as Events keeps it, so that the fingerprint is of what is kept.
    features, target = table.astype(np.float32), signal.astype(np.float32)
    digest = hashlib.sha256(" ".join(NAMES).encode())
    for array in (features, target, group):
        digest.update(array.tobytes())
    origin = Origin(
        kind="simulated",
        sources=(f"Pythia {metadata.version('pythia8mc')} with a model of the SHiP vessel and spectrometer",),
        fingerprint=digest.hexdigest(),
        details={
            "seed": str(seed),
            "rows": str(len(table)),
            "signal": "D → ℓN, KℓN; N → πμ with masses of 0.7 to 1.4 GeV",
            "background": "neutrino deep-inelastic scattering in the surroundings of the vessel",
            "collisions": "protons of 400 GeV on a fixed target",
        },
    )
    events = Events.from_arrays(features, target, names=NAMES, units=UNITS, group=group, origin=origin)
    values = np.where(signal[:, None], SPECTATOR_VALUES["signal"], SPECTATOR_VALUES["background"])
    return events.replace(spectators=values, spectator_names=SPECTATORS)
