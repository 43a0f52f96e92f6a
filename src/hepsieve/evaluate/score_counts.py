"""Scores counted behind a few hundred cuts: all that a threshold explorer needs, without the events."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

import numpy as np
from scipy.special import expit, logit

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.ranked import Floats, Ranked, Side, cumulative

# Of edges: along either efficiency, along the logarithm of what is left of one class or lost of the other, and at
# equal distances in the score and in its logit, between which a histogram is drawn.
ALONG, LOGARITHMIC, EQUAL = 64, 24, 40
LOGIT_STEP = 0.5
# The confusion matrices are cut here.
HALF = 0.5
# The resolution of a float32 sigmoid near 1.
_NEAREST = 1e-7


class Passing(Result):
    """What of one class scores at least each edge; the first entry is the whole class.

    Attributes:
        weight: Σw.
        squares: Σw².
        events: the number of events.
    """

    weight: tuple[float, ...]
    squares: tuple[float, ...]
    events: tuple[int, ...]


class PartCounts(Result):
    """Both classes of one part of the data."""

    background: Passing
    signal: Passing


class ScoreCounts(Result):
    """The test and the validation events of one model, counted behind each of a few hundred cuts.

    Attributes:
        edges: rising thresholds; an event passes with ``score >= edge``, and every event passes the first one.
        test: what passes of the test part.
        validation: what passes of the validation part, of which thresholds may be chosen.
    """

    edges: tuple[float, ...]
    test: PartCounts
    validation: PartCounts

    def nearest(self, threshold: float) -> int:
        """The index of the edge that lies nearest to a threshold, in the score; of two the lower one."""
        return int(np.argmin(np.abs(np.asarray(self.edges) - threshold)))


def score_counts(*, validation: Ranked, test: Ranked, thresholds: Sequence[float] = ()) -> ScoreCounts:
    """Count the events of two parts behind cuts that resolve every interesting place of their scores.

    Edges lie along both efficiencies and the logarithms of what is left of the background and lost of the signal, at
    equal distances in the score and in its logit, at 0.5 and at the thresholds asked for. Those along efficiencies have
    as few decimals as part the same events as the score that they were found at. Where there are few distinct scores,
    every one has its edge.

    Args:
        validation: the ranked validation events.
        test: the ranked test events.
        thresholds: further edges, such as those of working points.
    """
    edges = _edges(validation, test, thresholds)
    return ScoreCounts(edges=tuple(edges.tolist()), test=_part(test, edges), validation=_part(validation, edges))


def _part(part: Ranked, edges: Floats) -> PartCounts:
    return PartCounts(background=_passing(part.background, edges), signal=_passing(part.signal, edges))


def _passing(side: Side, edges: Floats) -> Passing:
    events = len(side) - np.searchsorted(side.score[::-1], edges, side="left")
    return Passing(
        weight=tuple(cumulative(side.weight)[events].tolist()),
        squares=tuple(cumulative(side.weight**2)[events].tolist()),
        events=tuple(events.tolist()),
    )


def _edges(validation: Ranked, test: Ranked, thresholds: Sequence[float]) -> Floats:
    """Rising, distinct, the first one at or below every score."""
    background, signal = (
        np.sort(np.concatenate([side.score for side in sides]))
        for sides in ((validation.background, test.background), (validation.signal, test.signal))
    )
    steps = np.unique(np.concatenate([background, signal]))
    asked = np.array([*thresholds, HALF, min(0.0, steps.min(initial=0.0))])
    if len(steps) <= 2 * ALONG:
        return np.unique(np.concatenate([_shortened(steps, steps), asked]))
    found = _shortened(_spread(background, signal), steps)
    equal = _equal(float(found.min()), float(found.max()))
    # Below the lowest score every event passes, whatever the edge.
    return np.unique(np.concatenate([found, equal[equal > steps[0]], asked]))


def _spread(background: Floats, signal: Floats) -> Floats:
    """Of rising scores those along the efficiencies, evenly and in logarithms, and the ends."""
    chosen = []
    for scores, rare_above in ((background, True), (signal, False)):
        n = len(scores)
        if not n:
            continue
        # Few background events behind the cut, few signal events lost: there the strict working points lie.
        rare = np.geomspace(1, n, LOGARITHMIC) - 1
        places = np.concatenate([np.linspace(0, n - 1, ALONG), n - 1 - rare if rare_above else rare])
        chosen.append(scores[places.round().astype(np.int64)])
    return np.concatenate(chosen)


def _equal(low: float, high: float) -> Floats:
    """Edges at equal distances within the scores, in the score itself and in its logit; short decimals."""
    decimals = 1 - floor(log10((high - low) / EQUAL))
    linear = np.linspace(low, high, EQUAL + 1).round(decimals)
    inside = np.clip([low, high], _NEAREST, 1 - _NEAREST)
    first, last = np.ceil(logit(inside[0]) / LOGIT_STEP), np.floor(logit(inside[1]) / LOGIT_STEP)
    even = np.array([float(f"{x:.6g}") for x in expit(np.arange(first, last + 1) * LOGIT_STEP)])
    edges = np.concatenate([linear, even])
    return edges[(edges > low) & (edges < high)]


def _shortened(scores: Floats, steps: Floats) -> Floats:
    """For each score the decimal of fewest places that lies above the next lower step, and not above the score."""
    place = np.searchsorted(steps, scores)
    below = np.where(place > 0, steps[np.maximum(place - 1, 0)], -np.inf)
    short = scores.copy()
    left = np.ones(len(scores), dtype=bool)
    for decimals in range(2, 17):
        tried = np.array([float(f"{x:.{decimals}f}") for x in np.floor(scores * 10.0**decimals) / 10.0**decimals])
        fits = left & (tried > below) & (tried <= scores)
        short[fits] = tried[fits]
        left &= ~fits
        if not left.any():
            break
    return short
