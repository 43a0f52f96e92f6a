"""Options to an engine that runs for the length of a ``with`` block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import assert_never

from hepsieve.engines.engine import Engine, Jobs
from hepsieve.engines.local import LocalEngine
from hepsieve.engines.options import EngineOptions
from hepsieve.processes import cores


def open_engine(options: EngineOptions, *, threads: int = 1) -> AbstractContextManager[Engine]:
    """Begin an engine; after the block its workers are gone.

    Args:
        options: which one.
        threads: that every worker may use (``OMP_NUM_THREADS``).

    Raises:
        MissingExtra: if Dask is asked for and not installed.
        HepsieveError: if a cluster can't be reached, or has other versions of what results depend on.
    """
    match options.name:
        case "local":
            return LocalEngine(options.jobs if options.jobs is not None else cores(), threads=threads)
        case "dask":
            from hepsieve.engines.dask import open_dask

            return open_dask(options, threads=threads)
        case "slurm":
            from hepsieve.engines.slurm import open_slurm

            return open_slurm(options, threads=threads)
        case _:
            assert_never(options.name)


@contextmanager
def open_jobs(options: EngineOptions | None, jobs: int) -> Iterator[Jobs]:
    """Who shares work: the engine that was chosen, or else so many processes of this machine."""
    if options is None:
        yield jobs
        return
    with open_engine(options) as engine:
        yield engine
