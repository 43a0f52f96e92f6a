"""Processes that end with the one that started them, however that one ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def when_abandoned(leave: Callable[[], object]) -> None:
    """Call this, in a thread of its own, as soon as the process at the other end of standard input is gone.

    It holds the pipe that is our standard input and never writes into it; when it ends, also by ``kill -9``, the
    system closes the pipe.
    """

    def watch() -> None:
        # Not through sys.stdin, whose lock the interpreter wants when it ends.
        while os.read(0, 1):
            pass
        leave()

    threading.Thread(target=watch, daemon=True).start()
