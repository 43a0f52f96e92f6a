"""How long a search may go on, and how long it probably will."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Clock = Callable[[], float]
"""Seconds since any moment."""


class Budget:
    """Trials and time that a search may take; the time of former runs of a resumed search counts, too."""

    def __init__(self, *, trials: int | None, seconds: float | None, spent: float, clock: Clock) -> None:
        """Begin to count.

        Args:
            trials: after which none is begun; None sets no limit.
            seconds: likewise.
            spent: seconds that were spent on the search before.
            clock: tells seconds.
        """
        self._trials, self._seconds = trials, seconds
        self._clock = clock
        self._began = clock() - spent

    @property
    def spent(self) -> float:
        """Seconds, with those before."""
        return self._clock() - self._began

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self._seconds is not None and self.spent >= self._seconds

    def allows(self, number: int) -> bool:
        """Whether a trial of this number may begin; the first always may."""
        return number == 0 or not (self.over or (self._trials is not None and number >= self._trials))


def time_left(
    seconds: Sequence[float], *, trials_left: int | None, workers: int, time_budget_left: float | None = None
) -> float | None:
    """An estimate of how long a search will still take, in seconds.

    Args:
        seconds: that each finished trial took.
        trials_left: not finished yet; None where only time ends the search.
        workers: how many trials are carried out at a time.
        time_budget_left: seconds in which trials may still begin; None without such a limit.

    Returns:
        None as long as nothing is known: no finished trial, and no time budget.

    >>> time_left([10, 20], trials_left=8, workers=2)
    60.0
    >>> time_left([10, 20], trials_left=8, workers=2, time_budget_left=30)
    45.0
    """
    mean = sum(seconds) / len(seconds) if seconds else 0.0
    if trials_left == 0:
        return 0.0
    # A trial that begins at the last moment is still carried out.
    by_time = None if time_budget_left is None else max(0.0, time_budget_left) + mean
    by_trials = None if trials_left is None or not seconds else mean * -(-trials_left // workers)
    known = [estimate for estimate in (by_time, by_trials) if estimate is not None]
    return min(known) if known else None
