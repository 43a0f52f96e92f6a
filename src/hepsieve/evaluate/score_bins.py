"""Bins of the score for a shape analysis: found on other events than test, then filled with test events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.errors import DataError
from hepsieve.evaluate.intervals import kish
from hepsieve.evaluate.physics_results import Expected
from hepsieve.evaluate.ranked import Floats, Ranked, Rows, Side, cumulative

# A share that is 1 up to the rounding of sums is 1.
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class BinRule:
    """How many bins there may be, and the least that each must hold.

    Attributes:
        most: at most so many bins.
        least_background: expected background events, at the yields.
        least_effective: effective numbers of events of either class, on the events that set the bins.
    """

    most: int = 10
    least_background: float = 1.0
    least_effective: float = 25.0


def score_bins(sample: Ranked, rule: BinRule, *, background_yield: float) -> Floats:
    """The lower ends of the bins, from the highest to the lowest score; the last one is minus infinity.

    From the top score downwards a bin takes up events, and is closed at the first score at which it holds its share of
    the events (``most``/2 times the signal's share plus ``most``/2 times the background's is at least 1), the least
    expected background and the least effective events of both classes. What is left over at the lowest scores is a bin
    if it holds the latter two, and otherwise goes to the bin above. Only the order of the scores matters.

    Args:
        sample: ranked events that are not test.
        rule: the minimum statistics.
        background_yield: expected background events in all.

    Raises:
        DataError: if a class has no positive total weight.
    """
    steps = np.union1d(sample.background.steps, sample.signal.steps)[::-1]
    background, signal = (_Sums.of(side, steps, name) for side, name in _named(sample))
    lows: list[float] = []
    start = 0
    while start < len(steps):
        enough = (
            (background_yield * background.since(start) >= rule.least_background)
            & (background.effective_since(start) >= rule.least_effective)
            & (signal.effective_since(start) >= rule.least_effective)
        )
        share = (rule.most / 2) * (signal.since(start) + background.since(start))
        full = np.flatnonzero(enough & (share >= 1 - _ROUNDING))
        if not len(full):
            # Scores of a bin that holds less than its share of the events, but enough, or too little for a bin.
            return np.array([*(lows if enough[-1] else lows[:-1]), -np.inf])
        start += int(full[0]) + 1
        lows.append(float(steps[start - 1]))
    return np.array([*lows[:-1], -np.inf])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sums:
    """Running sums of one class at falling scores, shape (k + 1,): shares of the weight, and Σw and Σw²."""

    share: Floats
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, side: Side, steps: Floats, name: str) -> _Sums:
        passing = _passing(side, steps)
        total, squares = (cumulative(values)[[0, *passing]] for values in (side.weight, np.square(side.weight)))
        if not total[-1] > 0:
            raise DataError(f"no bins of the score: the {name} events have total weight {total[-1]:g}")
        return cls(share=total / total[-1], total=total, squares=squares)

    def since(self, start: int) -> Floats:
        """The share of the events from this place on, shape (k − start,)."""
        gained: Floats = self.share[start + 1 :] - self.share[start]
        return gained

    def effective_since(self, start: int) -> Floats:
        """Their effective numbers."""
        total, squares = self.total[start + 1 :] - self.total[start], self.squares[start + 1 :] - self.squares[start]
        # Negative weights may leave a bin nothing.
        kept = (squares > 0) & (total > 0)
        effective: Floats = np.divide(np.square(total), squares, out=np.zeros(len(total)), where=kept)
        return effective


def expected_between(side: Side, yielded: float, lows: Floats) -> list[Expected]:
    """Expected events of one class in every bin, from the highest to the lowest.

    Args:
        side: the class's ranked events.
        yielded: what is expected of them all.
        lows: the bins' lower ends, falling; the last is at most the lowest score.

    Raises:
        DataError: if the class has no positive total weight.
    """
    whole = float(side.weight.sum())
    if not whole > 0:
        raise DataError(f"no expected events: {len(side)} events of one class have total weight {whole:g}")
    places = np.concatenate([[0], _passing(side, lows)])
    sums, squares = (np.diff(cumulative(values)[places]) for values in (side.weight, np.square(side.weight)))
    scale = yielded / whole
    return [
        Expected(
            events=float(scale * total), error=float(scale * np.sqrt(square)), effective_events=kish(total, square)
        )
        for total, square in zip(sums.tolist(), squares.tolist(), strict=True)
    ]


def _passing(side: Side, thresholds: Floats) -> Rows:
    """How many of the class's events score at least each of the thresholds."""
    return len(side) - np.searchsorted(side.score[::-1], thresholds, side="left")


def _named(sample: Ranked) -> tuple[tuple[Side, str], tuple[Side, str]]:
    return (sample.background, "background"), (sample.signal, "signal")
