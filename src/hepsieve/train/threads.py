"""How many processor cores a training may use."""

from __future__ import annotations

import os


def thread_count() -> int:
    """``OMP_NUM_THREADS`` where it is set, else the cores that this process may run on."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
