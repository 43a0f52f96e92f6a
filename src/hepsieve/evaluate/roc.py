"""The weighted ROC curve: efficiencies at falling thresholds, equal scores being one step."""

from __future__ import annotations

import numpy as np

from hepsieve.errors import DataError
from hepsieve.evaluate.ranked import Floats, Ranked, Rows, Scratch, Side, cumulative
from hepsieve.evaluate.results import RocCurve

POINTS = 300
# A curve on a logarithmic axis shows its first background events one by one.
CORNERS = 300
# A cut reaches an efficiency that it misses by no more than the rounding of a sum.
ROUNDING = 1e-12


def roc_vertices(sample: Ranked) -> tuple[Floats, Floats, Floats]:
    """Every vertex of the ROC curve.

    Returns:
        Background efficiencies, signal efficiencies and thresholds (events with ``score >= threshold`` pass), each of
        shape (k + 1,) for k distinct scores; the first is (0, 0) at the threshold infinity, the last (1, 1).
        With negative weights the efficiencies need not rise.

    Raises:
        DataError: if a class has no events, or no positive total weight.
    """
    totals = {name: side.weight.sum() for name, side in (("background", sample.background), ("signal", sample.signal))}
    for name, total in totals.items():
        if not total > 0:
            raise DataError(f"no ROC curve: the {name} events have total weight {total:g}; give both classes weight")
    steps = np.union1d(sample.background.steps, sample.signal.steps)[::-1]
    efficiencies = []
    for side in (sample.background, sample.signal):
        passing = len(side) - np.searchsorted(side.score[::-1], steps, side="left")
        sums = cumulative(side.weight)[passing]
        efficiencies.append(np.concatenate([[0.0], sums / sums[-1]]))
    return efficiencies[0], efficiencies[1], np.concatenate([[np.inf], steps])


def auc(sample: Ranked) -> float | None:
    """Area under the weighted ROC curve: the probability that signal scores above background, ties counting half.

    None where a class has no positive total weight.
    """
    area = area_under(sample, cumulative(sample.background.weight), cumulative(sample.signal.weight))
    return float(area) if np.isfinite(area) else None


def area_under(sample: Ranked, background: Floats, signal: Floats, scratch: Scratch | None = None) -> float:
    """The AUC for running sums of weights, shapes (n_background + 1,) and (n_signal + 1,); NaN if undefined."""
    if not (background[-1] > 0 and signal[-1] > 0):
        return float("nan")
    side = sample.background
    scratch = scratch if scratch is not None else Scratch()
    step_weight, passing = (scratch(name, len(side.steps)) for name in ("step weight", "passing"))
    own = _own(side, background)
    step_weight[0] = own[0]
    np.subtract(own[1:], own[:-1], out=step_weight[1:])
    np.take(signal, side.other_above, out=passing, mode="clip")
    area = other = np.einsum("i,i->", step_weight, passing)
    if side.shares:
        np.take(signal, side.other_reached, out=passing, mode="clip")
        other = np.einsum("i,i->", step_weight, passing)
    # Trapezoids: half of the signal with the very score of a background event counts as above it.
    return float(0.5 * (area + other) / (background[-1] * signal[-1]))


def background_at(sample: Ranked, background: Floats, signal: Floats, signal_efficiency: float) -> float:
    """Background efficiency of the tightest cut that keeps at least this signal efficiency."""
    side = sample.signal
    reached = _own(side, signal) >= signal_efficiency * signal[-1] * (1 - ROUNDING)
    step = int(np.argmax(reached))
    return float(background[side.other_reached[step]] / background[-1])


def signal_at(sample: Ranked, background: Floats, signal: Floats, background_efficiency: float) -> float:
    """Signal efficiency of the loosest cut before the background efficiency first exceeds this one.

    At 0 the cut is above every background event that counts, also where its weight is negative.
    """
    side = sample.background
    sums = _own(side, background)
    exceeded = sums > background_efficiency * background[-1] * (1 + ROUNDING) if background_efficiency else sums != 0
    if not exceeded.any():
        return 1.0
    return float(signal[side.other_above[int(np.argmax(exceeded))]] / signal[-1])


def interpolated(sample: Ranked, background: Floats, signal: Floats, background_efficiency: Floats) -> Floats:
    """Signal efficiencies on the ROC curve (straight lines between its vertices) at these background efficiencies."""
    side = sample.background
    sums = np.concatenate([[0.0], np.maximum.accumulate(_own(side, background))])
    wanted = background_efficiency * sums[-1]
    step = np.clip(np.searchsorted(sums, wanted, side="right") - 1, 0, len(side.reached) - 1)
    start, end = signal[side.other_above[step]], signal[side.other_reached[step]]
    width = sums[step + 1] - sums[step]
    share = np.divide(wanted - sums[step], width, out=np.ones_like(wanted), where=width > 0)
    efficiency: Floats = (start + np.clip(share, 0, 1) * (end - start)) / signal[-1]
    # Past the last background event the curve only rises to the corner.
    return np.where(background_efficiency >= 1, 1.0, efficiency)


def thin(background: Floats, signal: Floats, points: int = POINTS, corners: int = CORNERS) -> Rows:
    """Indices of at most ``points + corners`` vertices that draw the same curve.

    The first ``corners`` vertices at which the curve turns all stay, and so do (0, 0) and (1, 1). Of the others two
    thirds are spread evenly along the curve and one third evenly in the logarithm of the background efficiency.
    """
    if len(background) <= points:
        return np.arange(len(background))
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(background)) + np.abs(np.diff(signal)))])
    even = np.searchsorted(along, np.linspace(0, along[-1], 2 * points // 3))
    lowest = background[background > 0].min()
    rising = np.maximum.accumulate(background)
    logarithmic = np.searchsorted(rising, np.geomspace(lowest, 1.0, points // 3 - 2))
    ends = [0, len(background) - 1]
    first = _turns(background, signal)[:corners]
    return np.unique(np.clip(np.concatenate([even, logarithmic, first, ends]), 0, len(background) - 1))


def _turns(background: Floats, signal: Floats) -> Rows:
    """Indices of the inner vertices at which the curve changes its direction."""
    right, up = np.diff(background), np.diff(signal)
    return 1 + np.flatnonzero(right[:-1] * up[1:] != right[1:] * up[:-1])


def roc_curve(sample: Ranked, band: tuple[Floats, Floats] | None = None, *, rows: Rows | None = None) -> RocCurve:
    """The thinned ROC curve with its band.

    Args:
        sample: the ranked events.
        band: lower and upper signal efficiency at the thinned points; without it the band has no width.
        rows: which vertices to keep; ``thin`` chooses if not given.
    """
    background, signal, _ = roc_vertices(sample)
    rows = thin(background, signal) if rows is None else rows
    x, y = background[rows], signal[rows]
    low, high = band if band is not None else (y, y)
    # The band must hold the curve also where it rises vertically.
    low, high = np.fmin(low, y), np.fmax(high, y)
    return RocCurve(
        background_efficiency=tuple(x.tolist()),
        signal_efficiency=tuple(y.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
    )


def _own(side: Side, sums: Floats) -> Floats:
    """A class's running sums after each of its steps; without ties that is all of them, and the look-up is spared."""
    return sums[1:] if len(side.steps) == len(side) else sums[side.reached]
