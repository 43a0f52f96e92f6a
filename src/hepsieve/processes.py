"""Share work among processes whose results do not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

Work = TypeVar("Work")
Made = TypeVar("Made")


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(make: Callable[[Work], Made], work: Sequence[Work], jobs: int) -> Iterator[Made]:
    """What ``make`` gives for each piece of work, in their order.

    Args:
        make: a function of a module, which a new process can import; its result depends on the piece alone.
        work: at least one piece.
        jobs: processes to share the work among; with 1 everything happens in this one.
    """
    workers = min(jobs, len(work))
    if workers == 1:
        yield from map(make, work)
        return
    # A forked copy of a process with threads (of a learning library, say) may hang: start anew instead.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        # Only so far ahead: what was made and not yet taken fills the memory.
        pieces = iter(work)
        ahead = deque(pool.submit(make, piece) for piece in islice(pieces, 4 * workers))
        while ahead:
            made = ahead.popleft().result()
            ahead.extend(pool.submit(make, piece) for piece in islice(pieces, 1))
            yield made
    except BaseException:
        # Whoever is interrupted does not want to wait for what was begun. Nothing is cancelled: the pool's own thread
        # would stumble over a cancelled piece when it finds its workers gone.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(wait=False)
        raise
    pool.shutdown()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
