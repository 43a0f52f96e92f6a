"""The engine of Dask: a cluster that runs already, or one of this machine's processes for the length of a block."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from types import MappingProxyType
from typing import Any, TypeVar

from hepsieve.engines.options import EngineOptions
from hepsieve.engines.piece import carry_out
from hepsieve.engines.threads import use_threads
from hepsieve.engines.versions import Versions, require_same
from hepsieve.errors import HepsieveError, WorkerLost, install_hint
from hepsieve.manifest import package_versions
from hepsieve.processes import cores

try:
    import dask
    from distributed import Client, LocalCluster, Security
    from distributed.comm.core import connect
    from distributed.core import send_recv
    from distributed.protocol.pickle import dumps
    from distributed.scheduler import KilledWorker
    from distributed.utils import get_ip_interface
except ImportError as error:
    raise install_hint("dask", "dask") from error

Work = TypeVar("Work")
Made = TypeVar("Made")
# Seconds until a scheduler that does not answer is given up.
_PATIENCE = 5
# Packages that have to understand each other, beside those that results depend on.
_TRANSPORT = ("dask", "distributed", "cloudpickle")
# Even without its page a scheduler answers to browsers: on this machine alone, at any free port.
NO_DASHBOARD: Mapping[str, Any] = MappingProxyType({"dashboard": False, "dashboard_address": "127.0.0.1:0"})


class DaskEngine:
    """The workers of a Dask cluster.

    A piece whose worker died is carried out again by another one; Dask gives up when as many workers died of it as its
    setting ``distributed.scheduler.allowed-failures`` says (three, and then one more).

    Attributes:
        workers: how many pieces are carried out at a time.
    """

    def __init__(self, client: Client, workers: int, *, threads: int = 1) -> None:
        """Use a cluster, which whoever made the client closes.

        Args:
            client: connected to the cluster.
            workers: that it has, or was asked for.
            threads: that each may use.
        """
        self.workers = workers
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._threads = threads
        self._numbers = count()
        self._lock = threading.Lock()
        self._open: set[Future[Any]] = set()
        self._given_up = ""

    @property
    def client(self) -> Client:
        """Connected to the cluster, for libraries that speak to its workers themselves."""
        return self._client

    def submit(self, make: Callable[[Work], Made], work: Work) -> Future[Made]:
        """Carry out one piece in a worker."""
        # Keys of one group: with many of them Dask keeps the pieces that no worker is free for, instead of giving them
        # out beforehand. Numbers alone would be those of another client of the same scheduler.
        key = f"{self._client.id}-piece-{next(self._numbers)}"
        inside = self._executor.submit(_carry_out, make, work, self._threads, key=key)
        told: Future[Made] = Future()
        with self._lock:
            self._open.add(told)

        def hand_over(done: Future[Made]) -> None:
            if not self._settles(told):
                return
            try:
                told.set_result(done.result())
            except BaseException as error:
                told.set_exception(_as_ours(error))

        def pass_on(cancelled: Future[Made]) -> None:
            if cancelled.cancelled():
                inside.cancel()

        inside.add_done_callback(hand_over)
        told.add_done_callback(pass_on)
        if self._given_up:
            self.give_up(self._given_up)
        return told

    def give_up(self, reason: str) -> None:
        """Nobody will come any more: every piece, also of those that are still submitted, fails in one line."""
        self._given_up = reason
        for told in list(self._open):
            if self._settles(told):
                told.set_exception(HepsieveError(reason))

    def _settles(self, told: Future[Any]) -> bool:
        """Whether the caller is the first to know how a piece ended, and somebody wants to hear of it."""
        with self._lock:
            if told not in self._open:
                return False
            self._open.remove(told)
        return told.set_running_or_notify_cancel()


@contextmanager
def open_dask(options: EngineOptions, *, threads: int) -> Iterator[DaskEngine]:
    """Join the cluster that the options name, or start one of this machine's processes.

    Raises:
        HepsieveError: if the cluster can't be reached, has no worker, or has other versions of what results depend on.
    """
    with quiet():
        if options.scheduler is None:
            require_interface(options.interface)
            workers = options.jobs if options.jobs is not None else cores()
            with _local_cluster(workers, options.interface, threads) as cluster, connected(cluster) as client:
                client.wait_for_workers(workers)
                yield DaskEngine(client, workers, threads=threads)
        else:
            with connected(options.scheduler) as client:
                workers = _require_workers(client, options)
                require_same_versions(client, options.scheduler)
                yield DaskEngine(client, workers, threads=threads)


@contextmanager
def connected(cluster: Any) -> Iterator[Client]:
    """A client of a cluster, or of the scheduler at an address.

    Raises:
        HepsieveError: if nobody answers in a few seconds.
    """
    if isinstance(cluster, str):
        _require_scheduler(cluster)
    client = Client(cluster, timeout=_PATIENCE, set_as_default=False)
    try:
        yield client
    finally:
        client.close()


def _require_scheduler(address: str) -> None:
    """Ask who is there, before a client begins, which would wait for ever and keep its thread if nobody is.

    Raises:
        HepsieveError: if no scheduler answers in a few seconds.
    """
    with ThreadPoolExecutor(1) as thread:  # a notebook has a loop of its own in this one
        try:
            kind = thread.submit(asyncio.run, _kind(address)).result()
        except Exception as error:
            # Whatever an address may be taken for, and whatever may come back from it.
            raise _no_scheduler(address) from error
    if kind != "Scheduler":
        raise HepsieveError(f"--scheduler {address}: that is a Dask {kind}; give the address of its scheduler")


async def _kind(address: str) -> str:
    """What a server of Dask's says that it is."""
    async with asyncio.timeout(_PATIENCE):
        comm = await connect(address, timeout=_PATIENCE, **Security().get_connection_args("client"))
        try:
            return str((await send_recv(comm, op="identity"))["type"])
        finally:
            comm.abort()


def _no_scheduler(address: str) -> HepsieveError:
    return HepsieveError(
        f"--scheduler {address}: no Dask scheduler answers there within {_PATIENCE} s; start one with dask scheduler, "
        "or leave the address out for workers on this machine"
    )


@contextmanager
def _local_cluster(workers: int, interface: str | None, threads: int) -> Iterator[LocalCluster]:
    environment = worker_environment(threads)
    with (
        settings(environment),
        started(
            lambda: LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1" if interface is None else None,
                interface=interface,
                scheduler_kwargs=NO_DASHBOARD,
                # What is mapped from files counts as a worker's memory, which Dask would end it for.
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                env=environment,
            )
        ) as cluster,
    ):
        yield cluster


@contextmanager
def started(start: Callable[[], Any]) -> Iterator[Any]:
    """A cluster that is started here, until the block ends."""
    # Ctrl-C reaches every process of a terminal. Those that are started now, and later by the threads that are, inherit
    # what this thread does not listen to: they end when the cluster is closed, without a word.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        cluster = start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with cluster:
        yield cluster


def require_interface(name: str | None) -> None:
    """Refuse a network that this machine does not have.

    Raises:
        HepsieveError: naming those that it has.
    """
    if name is not None:
        try:
            get_ip_interface(name)
        except ValueError as error:
            raise HepsieveError(f"--interface {name}: {error}") from None


def worker_environment(threads: int) -> dict[str, str]:
    """What a worker is to find in its environment when it begins."""
    return {"OMP_NUM_THREADS": str(threads), "DASK_LOGGING__DISTRIBUTED": "critical"}


def settings(environment: dict[str, str]) -> Any:
    """Dask's settings, for a block, of a cluster that is started here."""
    return dask.config.set(
        {
            "distributed.nanny.pre-spawn-environ": {
                **dask.config.get("distributed.nanny.pre-spawn-environ"),
                **environment,
            },
            # A worker that dies takes no other pieces with it that it was given beforehand.
            "distributed.scheduler.worker-saturation": 1.0,
        }
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing of Dask's own log on the terminal: what the user can mend is told in one line."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "distributed.gc", "asyncio")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def require_same_versions(client: Client, address: str) -> None:
    """Compare the versions of scheduler and workers with ours.

    Raises:
        HepsieveError: naming every package that differs, and where.
    """
    ours = package_versions()
    there = client.get_versions(packages=[name for name in ours if name != "python"])
    packages = there["client"]["packages"]
    compared = {name: packages[name] for name in ("python", *_TRANSPORT, *ours)}
    require_same(address, compared, scheduler=_packages(there["scheduler"]), workers=_all(there["workers"]))


def _all(workers: dict[str, Any]) -> dict[str, Versions]:
    return {address: _packages(told) for address, told in workers.items()}


def _packages(told: Any) -> Versions:
    return told["packages"] if isinstance(told, dict) and "packages" in told else {}


def _require_workers(client: Client, options: EngineOptions) -> int:
    """How many pieces a cluster that runs already carries out at a time."""
    if options.jobs is not None:
        return options.jobs
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=_PATIENCE)
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    if workers == 0:
        raise HepsieveError(
            f"--scheduler {options.scheduler}: has no worker; start some with dask worker {options.scheduler} "
            "--nthreads 1, or say with --jobs how many will come"
        )
    return workers


_ONE_AT_A_TIME = threading.Lock()


def _carry_out(make: Callable[[Work], Made], work: Work, threads: int) -> Made:
    """One piece, in a worker; a worker with several threads carries out one at a time all the same."""
    with _ONE_AT_A_TIME:
        use_threads(threads)
        made = carry_out(make, work)
        # What can't be sent is an error of its piece; Dask would ask for it again and again. No array is copied here.
        dumps(made, buffer_callback=lambda buffer: None)
        return made


def _as_ours(error: BaseException) -> BaseException:
    match error:
        case KilledWorker():
            deaths = error.allowed_failures + 1
            return WorkerLost(f"the workers that worked on it died, {deaths} times (out of memory?)")
        case CancelledError():
            return HepsieveError("the Dask scheduler is gone, and what it had to do; start the same command again")
        case _:
            return error
