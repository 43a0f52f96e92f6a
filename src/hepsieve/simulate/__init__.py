"""Make events with a physics simulator, named by its process."""

from __future__ import annotations

from typing import Literal, assert_never

from hepsieve.events import Events
from hepsieve.progress import Progress, Silent

Process = Literal["higgs", "hnl", "hepmass", "egamma"]


def simulate(process: Process, rows: int, *, seed: int, jobs: int = 1, progress: Progress | None = None) -> Events:
    """Simulated events of a process.

    Args:
        process: which physics; ``higgs`` is a heavy Higgs cascade against top pairs, ``hnl`` a heavy neutral lepton
            against neutrinos, ``hepmass`` a heavy resonance of top pairs against others.
        rows: events in all, half of them signal.
        seed: equal seeds give equal events, for any number of jobs.
        jobs: processes to share the work.
        progress: shows how many rows are done.

    Raises:
        HepsieveError: if the arguments can't be used.
        MissingExtra: if the generator is not installed.
    """
    # Imported here so that only who simulates loads what the detector needs.
    match process:
        case "higgs":
            from hepsieve.simulate.higgs import simulate_higgs

            return simulate_higgs(rows, seed=seed, jobs=jobs, progress=progress if progress is not None else Silent())
        case "hnl":
            from hepsieve.simulate.hnl import simulate_hnl

            return simulate_hnl(rows, seed=seed, jobs=jobs, progress=progress if progress is not None else Silent())
        case "hepmass":
            from hepsieve.simulate.hepmass import simulate_hepmass

            return simulate_hepmass(rows, seed=seed, jobs=jobs, progress=progress if progress is not None else Silent())
        case _:
            assert_never(process)
