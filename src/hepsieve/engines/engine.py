"""Engine: what hepsieve asks of a set of workers; and a sequence of pieces carried out by one, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, Protocol, TypeVar, runtime_checkable

from hepsieve.engines.local import LocalEngine

Work = TypeVar("Work")
Made = TypeVar("Made")


class Engine(Protocol):
    """Processes, here or elsewhere, that carry out pieces of work. What a piece gives does not depend on which.

    A piece whose worker died is carried out again by another one; if its workers go on dying (two on this machine, four
    of Dask's), its future holds a ``WorkerLost``.
    """

    @property
    def workers(self) -> int:
        """How many pieces are carried out at a time; of a cluster that grows, as many as it was asked for."""

    def submit(self, make: Callable[[Work], Made], work: Work) -> Future[Made]:
        """Carry out one piece.

        Args:
            make: a function of a module, which another process can import; its result depends on the piece alone.
            work: small, as it is sent there: no array but paths of files.
        """


@runtime_checkable
class DaskCluster(Protocol):
    """An engine whose workers are those of a Dask cluster, which other libraries may speak to as well."""

    @property
    def workers(self) -> int:
        """How many there are."""

    @property
    def client(self) -> Any:
        """Connected to the cluster, a ``distributed.Client``; whoever made it closes it."""


Jobs = int | Engine
"""Who shares work: so many processes of this machine, or an engine."""


def workers_of(jobs: Jobs) -> int:
    """How many pieces are carried out at a time."""
    return jobs if isinstance(jobs, int) else jobs.workers


def in_order(make: Callable[[Work], Made], work: Sequence[Work], jobs: Jobs) -> Generator[Made, None, None]:
    """What ``make`` gives for each piece of work, in their order.

    Args:
        make: a function of a module, which another process can import; its result depends on the piece alone.
        work: at least one piece.
        jobs: who shares the work; with 1 everything happens in this process.
    """
    if jobs == 1 or (isinstance(jobs, int) and len(work) == 1):
        yield from map(make, work)
    elif isinstance(jobs, int):
        with LocalEngine(min(jobs, len(work))) as engine:
            yield from _carried_out(make, work, engine)
    else:
        yield from _carried_out(make, work, jobs)


def _carried_out(make: Callable[[Work], Made], work: Sequence[Work], engine: Engine) -> Iterator[Made]:
    # Only so far ahead: what was made and not yet taken fills the memory.
    pieces = iter(work)
    ahead: deque[Future[Made]] = deque(engine.submit(make, piece) for piece in islice(pieces, 4 * engine.workers))
    try:
        while ahead:
            made = ahead.popleft().result()
            ahead.extend(engine.submit(make, piece) for piece in islice(pieces, 1))
            yield made
    finally:
        for future in ahead:
            future.cancel()
