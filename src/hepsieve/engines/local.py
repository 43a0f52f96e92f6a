"""The engine of this machine: processes of their own, among which its cores are divided."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from hepsieve.engines.piece import carry_out
from hepsieve.engines.threads import use_threads
from hepsieve.errors import HepsieveError, WorkerLost
from hepsieve.processes import cores

Work = TypeVar("Work")
Made = TypeVar("Made")
_ATTEMPTS = 2


class LocalEngine:
    """Processes of this machine, for the length of a ``with`` block.

    Each thread of a pool looks after one process: so it is known whose piece was lost when a process dies, and nobody
    else's is.

    Attributes:
        workers: how many pieces are carried out at a time.
    """

    def __init__(self, workers: int, *, threads: int | None = None) -> None:
        """Begin; processes are started as they are needed.

        Args:
            workers: processes.
            threads: that each may use (``OMP_NUM_THREADS``); the cores divided among them if not given.

        Raises:
            HepsieveError: if there is to be no process.
        """
        if workers < 1:
            raise HepsieveError(f"{workers} workers: take at least 1")
        self.workers = workers
        self._threads = threads if threads is not None else max(1, cores() // workers)
        self._pool = ThreadPoolExecutor(workers, initializer=_leave_interrupts_to_others)
        self._seat = threading.local()
        self._lock = threading.Lock()
        self._processes: list[ProcessPoolExecutor] = []
        self._ended = False

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what was submitted; after an error, or when interrupted, end the processes instead."""
        finished = False
        try:
            if kind is None:
                self._pool.shutdown()
                finished = True
        finally:
            if not finished:
                self.terminate()
            for process in self._processes:
                process.shutdown()

    def submit(self, make: Callable[[Work], Made], work: Work) -> Future[Made]:
        """Carry out one piece in a process of its own."""
        return self._pool.submit(self._carry_out, make, work)

    def _carry_out(self, make: Callable[[Work], Made], work: Work) -> Made:
        lost = 0
        while lost < _ATTEMPTS:
            try:
                future = self._given(make, work)
            except BrokenProcessPool:  # died before it was given this piece
                self._seat.process = None
                continue
            try:
                return future.result()
            except BrokenProcessPool:
                self._seat.process = None
                lost += 1
        raise WorkerLost(
            f"the process that worked on it died, {_ATTEMPTS} times (out of memory? a script without "
            "if __name__ == '__main__' around its main part?)"
        )

    def _given(self, make: Callable[[Work], Made], work: Work) -> Future[Made]:
        """The piece, given to this thread's process."""
        with self._lock:  # none is started behind the back of whoever ends them
            if self._ended:
                raise WorkerLost("interrupted")
            process: ProcessPoolExecutor | None = getattr(self._seat, "process", None)
            if process is None:
                # A forked copy of a process with threads (of a learning library, say) may hang: start anew instead.
                process = self._seat.process = ProcessPoolExecutor(
                    1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=(self._threads,),
                )
                self._processes.append(process)
            return process.submit(carry_out, make, work)

    def terminate(self) -> None:
        """End all processes, whatever they are at; nothing can be submitted any more."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                for worker in list((process._processes or {}).values()):
                    with suppress(ValueError):  # it is gone already
                        worker.terminate()
        self._pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_others() -> None:
    """Ctrl-C reaches every process of a terminal; those that a thread starts inherit what it does not listen to."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _begin(threads: int) -> None:
    use_threads(threads)
    _end_with_parent()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
