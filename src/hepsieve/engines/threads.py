"""How many threads a worker uses, also in libraries that it has loaded before it was told."""

from __future__ import annotations

import os
from functools import cache

from threadpoolctl import threadpool_limits


@cache  # once in a process: looking through its libraries takes milliseconds
def use_threads(threads: int) -> None:
    """Let this process use so many threads: the libraries that are loaded, and those that will be."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    threadpool_limits(threads)
