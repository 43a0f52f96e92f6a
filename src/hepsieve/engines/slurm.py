"""The engine of Slurm: its jobs as the workers of a Dask cluster, through dask-jobqueue."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hepsieve.engines.dask import (
    NO_DASHBOARD,
    DaskEngine,
    connected,
    quiet,
    require_interface,
    settings,
    started,
    worker_environment,
)
from hepsieve.engines.options import EngineOptions
from hepsieve.errors import HepsieveError, install_hint

try:
    import dask
    from dask_jobqueue import SLURMCluster
    from distributed.core import Status
except ImportError as error:
    raise install_hint("dask-jobqueue", "dask") from error

# What a job asks for where Dask's own jobqueue configuration says nothing else.
_MEMORY = "4GB"
_LOOPBACK = "lo"
# The last of an option counts. What is mapped from files is in a worker's memory, which Dask would end it for; a worker
# carries out one piece at a time, however many cores its job has; and it answers to browsers even without its page.
_OF_WORKERS = ("--memory-limit", "0", "--nthreads", "1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
# Seconds between two looks at the queue.
_LOOK_EVERY = 20.0


@contextmanager
def open_slurm(options: EngineOptions, *, threads: int) -> Iterator[DaskEngine]:
    """Submit jobs; each is a worker as soon as it runs, and after the block they are cancelled.

    Raises:
        HepsieveError: if this machine has no Slurm, or it refuses the jobs.
    """
    if shutil.which("sbatch") is None:
        raise HepsieveError("--engine slurm: no sbatch on this machine; start it where jobs are submitted from")
    jobs = options.jobs or 1
    with quiet(), _cluster(options, threads) as cluster, connected(cluster) as client:
        _require_accepted(cluster.job_script())
        cluster.scale(jobs=jobs)
        engine = DaskEngine(client, jobs, threads=threads)
        with _watched(cluster, engine):
            yield engine


@contextmanager
def _watched(cluster: Any, engine: DaskEngine) -> Iterator[None]:
    """Inside, the engine gives up when none of its jobs is left in the queue: its pieces would wait for ever."""
    ended = threading.Event()
    jobs: set[str] = set()

    def look() -> None:
        while not ended.wait(_LOOK_EVERY):
            submitted = [job.job_id for job in list(cluster.workers.values())]  # without a number: refused
            jobs.update(number for number in submitted if number is not None)
            if submitted and not cluster.scheduler.workers and not (jobs and _queued(jobs)):
                engine.give_up(
                    "--engine slurm: no job is left in the queue, and no worker is connected (sbatch refused them, "
                    f"their walltime is over, or they can't reach {cluster.scheduler_address}, which other nodes do "
                    "with --interface alone); see the jobs' output, and start the same command again"
                )
                return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        for job in list(cluster.workers.values()):
            if job.status == Status.created:  # refused, which closing the cluster would stumble over
                job.status = Status.failed


def _queued(jobs: set[str]) -> bool:
    """Whether one of the jobs waits or runs, as far as Slurm says."""
    told = subprocess.run(["squeue", "--noheader", "--me", "--format=%i"], capture_output=True, text=True, check=False)
    return told.returncode != 0 or not jobs.isdisjoint(told.stdout.split())


def _require_accepted(script: str) -> None:
    """Refuse at once what Slurm would refuse later, out of our sight."""
    tried = subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        reason = next(iter(tried.stderr.splitlines()), "without a reason").removeprefix("sbatch: error: ")
        raise HepsieveError(
            f"--engine slurm: sbatch refuses such a job ({reason}); change jobqueue.slurm in Dask's configuration"
        )


def job_script(options: EngineOptions, *, threads: int = 1) -> str:
    """What would be submitted for each job; nothing is."""
    with quiet(), _cluster(options, threads) as cluster:
        script: str = cluster.job_script()
    return script


@contextmanager
def _cluster(options: EngineOptions, threads: int) -> Iterator[Any]:
    environment = worker_environment(threads)
    interface = options.interface or _configured("interface", _LOOPBACK)
    require_interface(interface)
    told: dict[str, Any] = {
        "cores": _configured("cores", threads),
        "memory": _configured("memory", _MEMORY),
        "interface": interface,
        "scheduler_options": {**NO_DASHBOARD, **_configured("scheduler-options", {})},
        "job_script_prologue": [
            *_configured("job-script-prologue", []),
            *(f"export {name}={value}" for name, value in environment.items()),
        ],
        "worker_extra_args": [*_configured("worker-extra-args", []), *_OF_WORKERS],
    }
    with settings(environment), started(lambda: SLURMCluster(processes=1, silence_logs="critical", **told)) as cluster:
        yield cluster


def _configured(name: str, otherwise: Any) -> Any:
    """A setting of Dask's own jobqueue configuration."""
    found = dask.config.get(f"jobqueue.slurm.{name}", None)
    return otherwise if found is None else found
