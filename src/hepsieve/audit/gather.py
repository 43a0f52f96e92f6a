"""Blocks of a table to what a description of it is made from: counts, moments, a sketch of every column."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit.moments import Moments
from hepsieve.audit.sketch import Bins, Floats, Sketch

BINS = 40
# A feature with at most so many distinct values (a b-tag, a mass hypothesis) gets a bin for each of them.
FEW_BINS = 12
TAILS = (0.005, 0.995)


@dataclass(kw_only=True, eq=False)
class Gathered:
    """What the pass has gathered so far; arrays of two are by class."""

    sketches: list[Sketch]
    moments: list[Moments]
    missing: NDArray[np.int64]
    infinite: NDArray[np.int64]
    events: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    weight: Floats = field(default_factory=lambda: np.zeros(2))
    weighted: bool = False
    unlabelled: int = 0
    complete: int = 0

    @classmethod
    def empty(cls, p: int) -> Gathered:
        """Nothing yet of p columns."""
        nothing = Moments.of(np.empty((0, p), np.float32))
        counts = np.zeros((2, p), np.int64)
        return cls(sketches=[Sketch() for _ in range(p)], moments=[nothing] * 2, missing=counts, infinite=counts.copy())

    @property
    def p(self) -> int:
        """The number of columns."""
        return len(self.sketches)

    def count(self, signal: NDArray[np.bool_], weight: NDArray[np.float32], rows: int) -> None:
        """Count events by class, and sum their weights."""
        self.events += np.bincount(signal, minlength=2)
        self.unlabelled += rows - len(signal)
        known = np.where(np.isfinite(weight), weight, 0)
        self.weight += np.bincount(signal, weights=known, minlength=2)
        self.weighted |= bool((weight != 1).any())

    def add(self, values: NDArray[np.float32], signal: NDArray[np.bool_]) -> None:
        """Take in a block of labelled rows, shape (rows, p)."""
        finite = np.isfinite(values)
        self.complete += int(finite.all(axis=1).sum())
        whole = bool(finite.all())
        for side in (0, 1):
            rows = signal == side
            self.moments[side] += Moments.of(values[rows])
            if not whole:
                missing = np.isnan(values[rows]).sum(axis=0)
                self.missing[side] += missing
                self.infinite[side] += (~finite[rows]).sum(axis=0) - missing
        columns = np.ascontiguousarray(values.T)
        for sketch, column, known in zip(self.sketches, columns, finite.T, strict=True):
            if whole or known.all():
                sketch.add(column, signal)
            else:
                sketch.add(column[known], signal[known])


def histogram(sketch: Sketch) -> tuple[Floats, Floats]:
    """Ends of bins, and the density of both classes in them per unit, each normalised to all values of the class.

    Returns:
        Shapes (k + 1,) and (2, k).
    """
    bins = sketch.bins()
    edges = _edges(bins, sketch)
    return edges, bins.histogram(edges) / np.diff(edges) / np.maximum(bins.counts.sum(axis=1), 1)[:, None]


def _edges(bins: Bins, sketch: Sketch) -> Floats:
    """Ends of bins around each of few values, or of equal bins over what holds 99 % of either class.

    Of integers each bin holds equally many.
    """
    if sketch.range is None:
        return np.array([0.0, 1.0])
    if sketch.distinct is not None and sketch.distinct <= FEW_BINS:
        values = bins.low
        middles = (values[1:] + values[:-1]) / 2
        # A bin around a single value is wide enough to be told from it in floating point.
        alone = max(0.5, 1e-6 * float(np.abs(values).max()))
        first = middles[0] - values[0] if len(middles) else alone
        last = values[-1] - middles[-1] if len(middles) else alone
        return np.concatenate([[values[0] - first], middles, [values[-1] + last]])
    tails = [ends for side in (0, 1) if (ends := bins.quantiles(TAILS, side))]
    low, high = min(low for low, _ in tails), max(high for _, high in tails)
    low, high = (low, high) if high > low else sketch.range
    if sketch.distinct is not None and np.array_equal(bins.low, np.rint(bins.low)):
        # Bins that hold unequal numbers of integers would look like a comb.
        low, high = np.floor(low), np.ceil(high)
        width = np.ceil((high - low + 1) / BINS)
        return np.asarray(np.arange(low - 0.5, high + width, width))
    return np.linspace(low, high, BINS + 1)


def defined(value: float) -> float | None:
    """The value, or None where it is not finite."""
    return float(value) if np.isfinite(value) else None
