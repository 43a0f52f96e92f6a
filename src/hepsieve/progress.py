"""How long work tells that it moves; the command line decides how that looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Reports that ``amount`` more units are done; ``note`` says where it stands ("loss 0.52")."""

    def __call__(self, amount: float = 1, note: str = "") -> None:
        """Move on by ``amount``."""


class Progress(Protocol):
    """Something that can show one line per piece of long work."""

    def task(self, description: str, total: float | None = None) -> AbstractContextManager[Advance]:
        """Begin a piece of work of ``total`` units (unknown if None) that ends with the block."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Begin a piece of work that nobody watches."""
        yield _ignore


def _ignore(amount: float = 1, note: str = "") -> None:
    return
