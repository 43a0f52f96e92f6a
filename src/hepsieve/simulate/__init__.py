"""Make events with a physics simulator, named by its process."""

from __future__ import annotations

from typing import Literal, assert_never

from hepsieve.errors import HepsieveError
from hepsieve.events import Events
from hepsieve.progress import Progress, Silent

Process = Literal["higgs", "hnl", "hepmass", "egamma"]
Engine = Literal["geant4", "fast"]
ENGINES = ("geant4", "fast")


def simulate(
    process: Process,
    rows: int,
    *,
    seed: int,
    jobs: int = 1,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Events:
    """Simulated events of a process.

    Args:
        process: which physics; ``higgs`` is a heavy Higgs cascade against top pairs, ``hnl`` a heavy neutral lepton
            against neutrinos, ``hepmass`` a heavy resonance of top pairs against others, ``egamma`` electrons against
            photons in a calorimeter.
        rows: events in all, half of them signal.
        seed: equal seeds give equal events, for any number of jobs.
        jobs: processes to share the work.
        engine: of ``egamma`` alone: ``geant4``, or ``fast`` (also when not given), which draws showers from a
            parametrisation.
        progress: shows how many rows are done.

    Raises:
        HepsieveError: if the arguments can't be used.
        MissingExtra: if the generator is not installed.
    """
    if engine is not None and process != "egamma":
        raise HepsieveError(f"engine {engine!r}: {process} has no choice of engine; leave it out")
    if engine not in (None, *ENGINES):
        raise HepsieveError(f"engine {engine!r}: take one of {', '.join(ENGINES)}")
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
        case "egamma":
            from hepsieve.simulate.egamma import simulate_egamma

            shown = progress if progress is not None else Silent()
            return simulate_egamma(rows, seed=seed, jobs=jobs, engine=engine or "fast", progress=shown)
        case _:
            assert_never(process)
