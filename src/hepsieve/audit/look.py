"""Events to the few thousand rows of both classes that the audit's comparisons look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events, FloatArray

_DRAWN = 200_000
_PER_CLASS = 10_000
_LEAST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """Rows of a table, chosen by chance, in random order.

    Attributes:
        values: float32, shape (m, p); may hold values that are not finite.
        signal: shape (m,).
        learn: shape (m,): on these rows a rule is learned, on the others it is tested.
        names: p names.
        units: p units; an empty string where none is known.
    """

    values: FloatArray
    signal: NDArray[np.bool_]
    learn: NDArray[np.bool_]
    names: tuple[str, ...]
    units: tuple[str, ...]

    def finite(self, column: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The finite values of one feature in background and in signal."""
        values = self.values[:, column].astype(np.float64)
        known = np.isfinite(values)
        return values[known & ~self.signal], values[known & self.signal]


def look(events: Events) -> Look | None:
    """At most 10,000 rows of each class; None for images, waveforms, or where a class has fewer than ten events.

    The choice is random, because events may alternate between the classes or come in any other pattern, and always
    the same for the same sample.
    """
    if events.features.ndim != 2:
        return None
    rng = np.random.default_rng(0)
    n = len(events)
    drawn = np.sort(rng.choice(n, _DRAWN, replace=False, shuffle=False)) if n > _DRAWN else np.arange(n)
    target = np.asarray(events.target[drawn])
    sides = [rng.permutation(drawn[target == label])[:_PER_CLASS] for label in (0, 1)]
    if min(len(side) for side in sides) < _LEAST:
        return None
    # Read in the file's order, because the rows may lie on disk; used in a random one.
    rows = np.sort(np.concatenate(sides))
    shuffled = rng.permutation(len(rows))
    values, signal = np.asarray(events.features[rows])[shuffled], (np.asarray(events.target[rows]) == 1)[shuffled]
    return Look(values=values, signal=signal, learn=_half(signal), names=events.names, units=events.units)


def _half(signal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Every second row of each class."""
    learn = np.empty(len(signal), np.bool_)
    for side in (signal, ~signal):
        learn[side] = np.arange(side.sum()) % 2 == 0
    return learn
