"""Quantity: a figure with its 95 % interval, which every other result is made of."""

from __future__ import annotations

from hepsieve.evaluate.frozen import Result


class Quantity(Result):
    """A figure with its 95 % interval; a value of None is undefined, and ``low`` may still be a limit."""

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """To four decimals, the interval in brackets; a dash where there is no value."""
        if self.value is None:
            return "–"
        interval = "" if self.low is None or self.high is None else f" ({self.low:.4f}–{self.high:.4f})"
        return f"{self.value:.4f}{interval}"
