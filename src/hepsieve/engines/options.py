"""What a user says about an engine, and what of it does not fit together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from hepsieve.errors import HepsieveError

EngineName = Literal["local", "dask", "slurm"]


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Which engine, and what it is told.

    Attributes:
        name: ``local`` for processes of this machine, ``dask`` for a cluster of Dask's, ``slurm`` for a batch system.
        scheduler: the address of a Dask cluster that runs already; without it ``dask`` starts one on this machine.
        jobs: how many workers; all cores of this machine if not given.
        interface: the network that a cluster started here may be reached through; nobody else's machine if not given.
    """

    name: EngineName
    scheduler: str | None = None
    jobs: int | None = None
    interface: str | None = None

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        if self.jobs is not None and self.jobs < 1:
            raise HepsieveError(f"--jobs {self.jobs}: take at least 1")
        if self.scheduler is not None:
            if self.name != "dask":
                raise HepsieveError(f"--scheduler {self.scheduler}: goes with --engine dask, not with {self.name}")
            if not self.scheduler.startswith(("tcp://", "tls://")):
                raise HepsieveError(f"--scheduler {self.scheduler}: no address such as tcp://127.0.0.1:8786")
            if self.interface is not None:
                raise HepsieveError(
                    f"--interface {self.interface}: the cluster at {self.scheduler} runs already; leave it out"
                )
        if self.interface is not None and self.name == "local":
            raise HepsieveError(
                f"--interface {self.interface}: goes with --engine dask or slurm; local uses no network"
            )
        if self.name == "slurm" and self.jobs is None:
            raise HepsieveError("--engine slurm: say with --jobs how many jobs to submit")

    @classmethod
    def chosen(
        cls,
        name: EngineName | None,
        *,
        scheduler: str | None = None,
        jobs: int | None = None,
        interface: str | None = None,
    ) -> Self | None:
        """What the command line says; None where it names no engine.

        Raises:
            HepsieveError: if options don't fit together.
        """
        if name is not None:
            return cls(name=name, scheduler=scheduler, jobs=jobs, interface=interface)
        if scheduler is not None:
            raise HepsieveError(f"--scheduler {scheduler}: goes with --engine dask")
        if interface is not None:
            raise HepsieveError(f"--interface {interface}: goes with --engine dask or slurm")
        return None
