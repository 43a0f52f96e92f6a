"""Histograms of one feature in both classes turned into the separation ⟨S²⟩ with its interval."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hepsieve.evaluate.bootstrap import percentile_interval
from hepsieve.evaluate.intervals import UNDEFINED, around, clopper_pearson, effective_events
from hepsieve.evaluate.ranked import Floats, Ranked, Side, cumulative
from hepsieve.evaluate.results import Quantity

RESAMPLES = 1000
# With fewer events in a cell, resampling does not see how far noise raises the separation.
EVENTS_PER_CELL = 10
FEWEST_CELLS = 4


def separation(sample: Ranked, edges: Floats, rng: Generator) -> Quantity:
    """⟨S²⟩ = ½ ∫ (f_S − f_B)² / (f_S + f_B) dx of the histogrammed densities: 0 for equal ones, 1 for no overlap.

    The separation that TMVA prints (TMVA Users Guide, arXiv:physics/0703039), with the events below and above the
    histogram as two more cells. With fewer than 400 effective events of a class neighbouring bins are joined, so that
    there is at most one cell for ten events. A cell whose weights add up to a negative number counts as empty.

    Noise can only raise ⟨S²⟩, in the sample and once more in its resamples: the value is what TMVA would print, and
    the interval is the bootstrap's mirrored at the value ("basic"), which takes the second rise off. It may therefore
    end at the value. Where the classes overlap little, few events decide, and it is joined with the binomial interval
    of the overlap 1 − ⟨S²⟩. In toy samples of 100 to 3,000 events a class it covers in 90 to 100 %.

    Args:
        sample: the feature's values as scores.
        edges: shape (k + 1,), rising.
        rng: draws the resamples.
    """
    sides = (sample.background, sample.signal)
    if not all(len(side) and float(side.weight.sum()) > 0 for side in sides):
        return UNDEFINED
    effective = min(effective_events(side.weight) for side in sides)
    edges = _joined(edges, effective)
    cells = [_cells(side, edges) for side in sides]
    value = float(separation_of(cells[0][0], cells[1][0]))
    if min(map(len, sides)) < 2:
        return around(value, None)
    replicas = separation_of(*(_redrawn(content, squares, rng) for content, squares in cells))
    percentiles = percentile_interval(replicas)
    if percentiles is None:
        return around(value, None)
    low, high = (min(max(2 * value - end, 0.0), 1.0) for end in percentiles[::-1])
    overlap = 1 - min(max(2 * value - float(np.nanmean(replicas)), 0.0), 1.0)
    if overlap < 0.5:
        least, most = clopper_pearson(overlap, _trials(overlap, float(np.nanvar(replicas)), effective))
        low, high = min(low, 1 - most), max(high, 1 - least)
    return around(value, (low, high))


def separation_of(background: Floats, signal: Floats) -> Floats:
    """⟨S²⟩ of histogram contents, shapes (…, k) to (…); NaN where a class is empty."""
    with np.errstate(invalid="ignore"):
        b = background / background.sum(axis=-1, keepdims=True)
        s = signal / signal.sum(axis=-1, keepdims=True)
    both = s + b
    terms = np.divide((s - b) ** 2, both, out=np.where(np.isnan(both), np.nan, 0.0), where=both > 0)
    result: Floats = np.minimum(terms.sum(axis=-1) / 2, 1.0)  # no more than rounding lies above
    return result


def _trials(overlap: float, variance: float, effective: float) -> float:
    """Events that an overlap rests on as a proportion; without any overlap, half of the smaller class.

    There the overlap is twice the share of either class that lies among the other.
    """
    if not (0 < overlap < 1 and variance > 0):
        return effective / 2
    return min(overlap * (1 - overlap) / variance, effective)


def _joined(edges: Floats, effective: float) -> Floats:
    most = max(FEWEST_CELLS, int(effective / EVENTS_PER_CELL))
    step = -(-(len(edges) - 1) // most)
    return np.append(edges[:-1:step], edges[-1])


def _cells(side: Side, edges: Floats) -> tuple[Floats, Floats]:
    """Σw and Σw² below, in and above the bins; the last bin holds its upper edge, as in numpy's histograms."""
    rising, weight = side.score[::-1], side.weight[::-1]
    places = np.searchsorted(rising, edges, side="left")
    places[-1] = np.searchsorted(rising, edges[-1], side="right")
    places = np.concatenate([[0], places, [len(rising)]])
    content, squares = (np.diff(cumulative(sums)[places]) for sums in (weight, weight**2))
    return np.maximum(content, 0.0), squares


def _redrawn(content: Floats, squares: Floats, rng: Generator) -> Floats:
    """Poisson numbers of effective events in each cell, times their mean weight; shape (resamples, k).

    The scaled Poisson distribution of weighted counts: arXiv:1309.1287.
    """
    filled = (content > 0) & (squares > 0)
    unit = np.divide(squares, content, out=np.zeros_like(content), where=filled)
    events = np.divide(content**2, squares, out=np.zeros_like(content), where=filled)
    drawn: Floats = unit * rng.poisson(events, size=(RESAMPLES, len(content)))
    return drawn
