"""Pieces of work that other processes can import."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from hepsieve.errors import DataError


def square(number: int) -> int:
    return number * number


def threads(piece: int) -> tuple[int, str]:
    """Which process carries it out, and how many threads its libraries may use."""
    time.sleep(0.1)  # or one process would do all of it
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


def refuse(row: int) -> int:
    raise DataError(f"events.csv: row {row}: not a number")


class Misread(Exception):
    """Can't be made again from its arguments."""

    def __init__(self, path: str, *, row: int) -> None:
        super().__init__(f"{path}: row {row}")


def misread(row: int) -> int:
    raise Misread("events.csv", row=row)


def leave(status: int) -> int:
    sys.exit(status)


def lock(piece: int) -> object:
    """What no process can send to another."""
    return threading.Lock()


def die(piece: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return piece


def die_first(mark: Path) -> int:
    """Dies where nobody has begun it before; tells who carried it out."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return os.getpid()
    return die(0)


def tell_and_wait(mark: Path) -> None:
    """Tells which process carries it out, and does not come back."""
    mark.with_suffix(".part").write_text(str(os.getpid()))
    mark.with_suffix(".part").rename(mark)
    time.sleep(600)


def leave_mark(mark: Path) -> int:
    mark.touch()
    return os.getpid()


def wait_first(mark: Path) -> int:
    """The first time, tells which process carries it out and does not come back; then gives that of the second time."""
    if not mark.exists():
        tell_and_wait(mark)
    return os.getpid()
