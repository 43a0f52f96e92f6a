"""Rows of simulated HIGGS data per second and core: hepsieve against a loop over events and particles.

Both include Pythia's initialisation. The loop draws a tag per jet and gives up events late, as the selection reads;
a block of hepsieve's gives the same distribution of rows from fewer generated events.
"""

from __future__ import annotations

from statistics import harmonic_mean
from time import process_time

from bench import higgs_event_loop
from bench.result import Result
from hepsieve.simulate.higgs import Block, simulate_block
from hepsieve.simulate.higgs_generator import Process

OURS, THEIRS = 1000, 50  # rows of each class
PROCESSES: tuple[Process, ...] = ("signal", "background")


def measure() -> Result:
    """Rows per second of processor time, for each class and for a sample that is half and half."""
    simulate_block(Block(process="background", number=0, rows=10, seed=0))  # imports and compiles
    ours: dict[str, float] = {process: _ours(process) for process in PROCESSES}
    theirs: dict[str, float] = {process: _theirs(process) for process in PROCESSES}
    for rates in (ours, theirs):
        rates["both"] = harmonic_mean(list(rates.values()))
    return Result(
        ratio=ours["both"] / theirs["both"],
        against="a Python loop over pythia.next() and its particles",
        unit="rows per second and core",
        ours=ours,
        theirs=theirs,
    )


def _ours(process: Process) -> float:
    start = process_time()
    simulate_block(Block(process=process, number=0, rows=OURS, seed=1))
    return OURS / (process_time() - start)


def _theirs(process: Process) -> float:
    start = process_time()
    higgs_event_loop.rows(process, THEIRS, seed=1)
    return THEIRS / (process_time() - start)
