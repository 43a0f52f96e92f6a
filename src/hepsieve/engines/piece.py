"""One piece of work, carried out in a worker, so that whatever it raises can be sent back."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable
from typing import TypeVar

Work = TypeVar("Work")
Made = TypeVar("Made")


def carry_out(make: Callable[[Work], Made], work: Work) -> Made:
    """What ``make`` gives for a piece.

    An error arrives as itself where it can be made again from its arguments. One that can't would look like a dead
    worker, and one that ends a process (``SystemExit``) would end the worker, or even the command.

    Raises:
        RuntimeError: instead of such an error, with its traceback as text.
    """
    try:
        return make(work)
    except BaseException as error:
        if isinstance(error, Exception) and _can_be_sent(error):
            raise
        told = "".join(traceback.format_exception(error)).strip()
    raise RuntimeError(f"a piece of work ended with an error that can't be sent:\n{told}")


def _can_be_sent(error: Exception) -> bool:
    """Whether it can be taken apart and made again, as its way to another process asks."""
    try:
        copy.deepcopy(error)
    except Exception:  # whatever its class raises then
        return False
    return True
