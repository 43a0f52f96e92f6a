"""A virtual clock: trials run side by side as if all of them trained equally fast.

Which trials a search begins depends on the figures that it knows by then. By the virtual clock these do not depend on
which worker happened to be faster: its time is the share of the training that is over, its events come in the order of
that time, and of equal times in the order of the trials' numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush

_LEAST = Fraction(1, 10)


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """After which parts of its training a trial is looked at.

    Attributes:
        steps: in units of virtual time, rising; the last is the whole training.
    """

    steps: tuple[int, ...]

    def share(self, rung: int) -> float:
        """Of the whole training, up to this rung."""
        return self.steps[rung] / self.steps[-1]

    def length(self, rung: int) -> int:
        """Virtual time from the rung before to this one."""
        return self.steps[rung] - (self.steps[rung - 1] if rung else 0)

    @property
    def last(self) -> int:
        """The rung that is the whole training."""
        return len(self.steps) - 1


WHOLE = Ladder(steps=(1,))
"""Of trials that are trained to their end."""


def halving(reduction: int) -> Ladder:
    """Rungs at 1/reduction, 1/reduction², … of the training, as many as are not below a tenth of it.

    >>> halving(3).steps, [round(halving(3).share(rung), 4) for rung in range(3)]
    ((1, 3, 9), [0.1111, 0.3333, 1.0])
    """
    rungs = 1
    while Fraction(1, reduction ** (rungs + 1)) >= _LEAST:
        rungs += 1
    return Ladder(steps=tuple(reduction**k for k in range(rungs + 1)))


class VirtualClock:
    """The trials that run, and when each of them is due next."""

    def __init__(self, now: int = 0) -> None:
        """Begin, or go on, at this time."""
        self.now = now
        self._due: list[tuple[int, int]] = []

    def __len__(self) -> int:
        """How many trials run."""
        return len(self._due)

    def expect(self, number: int, at: int) -> None:
        """A trial's next figure is due at this time."""
        heappush(self._due, (at, number))

    def next(self) -> int:
        """The trial that is due first; it becomes that time."""
        self.now, number = heappop(self._due)
        return number
