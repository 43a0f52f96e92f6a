"""Make events with a physics simulator, named by its process."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, assert_never

from hepsieve.engines import Jobs
from hepsieve.errors import HepsieveError
from hepsieve.events import Events
from hepsieve.progress import Progress, Silent

Process = Literal["higgs", "hnl", "hepmass", "egamma", "xenon"]
Engine = Literal["geant4", "fast"]
ENGINES = ("geant4", "fast")
Pulses = Literal["one", "two", "both"]


def simulate(
    process: Process,
    rows: int,
    *,
    seed: int,
    jobs: Jobs = 1,
    engine: Engine | None = None,
    pulses: Pulses | None = None,
    separation: tuple[float, float] | None = None,
    kept: Path | None = None,
    progress: Progress | None = None,
) -> Events:
    """Simulated events of a process.

    Args:
        process: which physics; ``higgs`` is a heavy Higgs cascade against top pairs, ``hnl`` a heavy neutral lepton
            against neutrinos, ``hepmass`` a heavy resonance of top pairs against others, ``egamma`` electrons against
            photons in a calorimeter, ``xenon`` waveforms of a dual-phase xenon detector with one or two pulses.
        rows: events in all, half of them signal.
        seed: equal seeds give equal events, for any number of jobs.
        jobs: processes, or an engine, to share the work.
        engine: of ``egamma`` alone: ``geant4``, or ``fast`` (also when not given), which draws showers from a
            parametrisation.
        pulses: of ``xenon`` alone, how many a waveform has: ``one`` or ``two``, to be regressed, or ``both`` (also
            when not given), to be classified.
        separation: of ``xenon`` alone, of two pulses from where to where in mm; 0 to 30 when not given.
        kept: folder in which finished blocks are kept, to go on there when it is called again; None for none.
        progress: shows how many rows are done.

    Raises:
        HepsieveError: if the arguments can't be used.
        MissingExtra: if the generator is not installed.
    """
    if engine is not None and process != "egamma":
        raise HepsieveError(f"engine {engine!r}: {process} has no choice of engine; leave it out")
    if engine not in (None, *ENGINES):
        raise HepsieveError(f"engine {engine!r}: take one of {', '.join(ENGINES)}")
    if pulses is not None and process != "xenon":
        raise HepsieveError(f"pulses {pulses!r}: {process} has no choice of pulses; leave it out")
    if separation is not None and process != "xenon":
        low, high = separation
        raise HepsieveError(f"separation {low:g} to {high:g} mm: {process} has no pulses to separate; leave it out")
    shown = progress if progress is not None else Silent()
    # Imported here so that only who simulates loads what the detector needs.
    match process:
        case "higgs":
            from hepsieve.simulate.higgs import simulate_higgs

            return simulate_higgs(rows, seed=seed, jobs=jobs, kept=kept, progress=shown)
        case "hnl":
            from hepsieve.simulate.hnl import simulate_hnl

            return simulate_hnl(rows, seed=seed, jobs=jobs, kept=kept, progress=shown)
        case "hepmass":
            from hepsieve.simulate.hepmass import simulate_hepmass

            return simulate_hepmass(rows, seed=seed, jobs=jobs, kept=kept, progress=shown)
        case "egamma":
            from hepsieve.simulate.egamma import simulate_egamma

            return simulate_egamma(rows, seed=seed, jobs=jobs, engine=engine or "fast", kept=kept, progress=shown)
        case "xenon":
            from hepsieve.simulate.xenon import SEPARATION, simulate_xenon

            return simulate_xenon(
                rows,
                seed=seed,
                jobs=jobs,
                pulses=pulses if pulses is not None else "both",
                separation=separation if separation is not None else SEPARATION,
                kept=kept,
                progress=shown,
            )
        case _:
            assert_never(process)
