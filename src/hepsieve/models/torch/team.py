"""Threads that each compute by themselves: none waits for another within an operation of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")


class Team:
    """Threads to share work among."""

    def __init__(self, threads: int, pool: ThreadPoolExecutor | None) -> None:
        """So many threads; without a pool, the caller's own."""
        self.threads = threads
        self._pool = pool

    def do(self, work: Callable[[Item], object], items: Iterable[Item]) -> None:
        """Do this with every item, several at a time; no item may depend on another."""
        for _ in map(work, items) if self._pool is None else self._pool.map(work, items):
            pass


@contextmanager
def team(threads: int) -> Iterator[Team]:
    """So many threads; what PyTorch computes for one of them it computes on that thread alone.

    The bits of a sum depend on how many threads share it: here they depend on the items only. On a machine that does
    other work too, the threads lose as much time as they are kept waiting, not many times as much.
    """
    before = torch.get_num_threads()
    try:
        if threads == 1:
            torch.set_num_threads(1)
            yield Team(1, None)
            return
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Team(threads, pool)
    finally:
        torch.set_num_threads(before)
