"""Pieces of work to whoever carries them out: processes of this machine, a Dask cluster, or a batch system's jobs."""

from hepsieve.engines.engine import DaskCluster, Engine, Jobs, in_order, workers_of
from hepsieve.engines.local import LocalEngine
from hepsieve.engines.opened import open_engine, open_jobs
from hepsieve.engines.options import EngineName, EngineOptions

__all__ = [
    "DaskCluster",
    "Engine",
    "EngineName",
    "EngineOptions",
    "Jobs",
    "LocalEngine",
    "in_order",
    "open_engine",
    "open_jobs",
    "workers_of",
]
