"""Count, mean, squared deviations and range of values, put together from blocks without losing digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hepsieve.events import FloatArray


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What is known of some values.

    Attributes:
        count: how many they are.
        mean: 0 where there is none; not finite where one of them is not.
        squares: the sum of their squared deviations from the mean.
        low: the least, infinite where there is none.
        high: the largest, −infinite where there is none.
    """

    count: int
    mean: float
    squares: float
    low: float
    high: float

    @classmethod
    def of(cls, values: FloatArray) -> Moments:
        """Of one block, in float64."""
        if not values.size:
            return cls(count=0, mean=0.0, squares=0.0, low=np.inf, high=-np.inf)
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            return cls(count=values.size, mean=np.nan, squares=np.nan, low=low, high=high)
        mean = float(values.mean(dtype=np.float64))
        centred = np.subtract(values, mean, dtype=np.float64).ravel()
        return cls(count=values.size, mean=mean, squares=float(centred @ centred), low=low, high=high)

    def scale(self, how: Literal["standardise", "minmax", "none"]) -> tuple[float, float]:
        """What to subtract from such values and what to multiply them with; constant ones go to 0."""
        match how:
            case "standardise":
                centre, spread = self.mean, float(np.sqrt(self.squares / max(self.count, 1)))
            case "minmax":
                centre, spread = (self.low, self.high - self.low) if self.count else (0.0, 0.0)
            case "none":
                return 0.0, 1.0
        return centre, 1 / spread if self.high > self.low else 1.0


def together(parts: Sequence[Moments]) -> Moments:
    """The moments of all values of the parts.

    Pairs of neighbours are joined by Chan, Golub and LeVeque's formula (The American Statistician 37 (1983) 242), then
    pairs of pairs, so that errors of rounding grow with the logarithm of the number of parts only.
    """
    while len(parts) > 1:
        parts = [_joined(*parts[k : k + 2]) if k + 1 < len(parts) else parts[k] for k in range(0, len(parts), 2)]
    return parts[0]


def _joined(a: Moments, b: Moments) -> Moments:
    count = a.count + b.count
    if not a.count or not b.count:
        return a if a.count else b
    apart = b.mean - a.mean
    return Moments(
        count=count,
        mean=a.mean + apart * (b.count / count),
        squares=a.squares + b.squares + apart**2 * (a.count * b.count / count),
        low=min(a.low, b.low),
        high=max(a.high, b.high),
    )
