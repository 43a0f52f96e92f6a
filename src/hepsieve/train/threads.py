"""How many processor cores a training may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hepsieve.processes import cores

# Below so many products of a weight with a number a batch takes a few milliseconds. A second thread then gains little
# on an idle machine, and costs up to twenty times the time on a busy one: the threads wait for each other at every
# layer.
WORTH_THREADS = 10**8

_ordered: ContextVar[int | None] = ContextVar("ordered", default=None)


def thread_count() -> int:
    """What `using_threads` says, else ``OMP_NUM_THREADS``, else the cores that this process may run on."""
    ordered = _ordered.get()
    if ordered is not None:
        return ordered
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    return cores()


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Inside, a training may use so many threads, whatever this process was told.

    The last bits of a sum depend on how many threads share it: a training that is carried out elsewhere gives the very
    bytes of one here by using as many.
    """
    before = _ordered.set(count)
    try:
        yield
    finally:
        _ordered.reset(before)


@contextmanager
def torch_threads(multiplications: int, batch_size: int, *, safe: bool = True) -> Iterator[None]:
    """Let PyTorch use one thread where batches are small, all cores where they are large; restored afterwards.

    Args:
        multiplications: products of a weight with a number that one event takes.
        batch_size: events in a batch.
        safe: whether PyTorch's threads do no harm here (`arithmetic.is_thread_safe`).
    """
    import torch  # Keras on another backend trains without it being loaded before

    before = torch.get_num_threads()
    torch.set_num_threads(thread_count() if safe and multiplications * batch_size >= WORTH_THREADS else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
