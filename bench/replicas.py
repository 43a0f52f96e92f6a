"""The figures of many resamples of one sample at once: what ``evaluate`` computes one resample after the other.

A study of many thousands of small samples would spend its time between operations on a hundred numbers each. The draws
are those of ``hepsieve.evaluate.bootstrap`` itself; only the figures are computed here, for all of them together, and a
test holds them to those of ``Figures`` and ``ResidualFigures``. No two scores or residuals may be equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.bootstrap import bootstrap, bootstrap_events
from hepsieve.evaluate.metrics import BINS, CLIP
from hepsieve.evaluate.ranked import Ranked, Side
from hepsieve.evaluate.residuals import CENTRAL_68, ROUNDING

Floats = NDArray[np.float64]


def drawn_classes(sample: Ranked, *, resamples: int, seed: int) -> tuple[Floats, Floats]:
    """The resampled weights of background and of signal, shapes (resamples, n_background) and (resamples, n_signal)."""
    both = bootstrap(sample, lambda b, s: np.concatenate([b, s]), resamples=resamples, seed=seed, threads=1)
    return both[:, : len(sample.background)], both[:, len(sample.background) :]


def drawn_events(weight: Floats, *, resamples: int, seed: int) -> Floats:
    """The resampled weights of events of one kind, shape (resamples, n)."""
    return bootstrap_events(weight, np.copy, resamples=resamples, seed=seed, threads=1)


def score_figures(
    sample: Ranked,
    background: Floats,
    signal: Floats,
    *,
    signal_efficiencies: Sequence[float] = (),
    background_efficiencies: Sequence[float] = (),
    cut: float | None = None,
) -> Floats:
    """What ``Figures`` gives for each row of weights, in the same columns, shape (resamples, k)."""
    b, s = _sums(background), _sums(signal)
    total = b[:, -1] + s[:, -1]
    columns = [np.einsum("rn,rn->r", background, s[:, sample.background.other_above]) / (b[:, -1] * s[:, -1])]
    log, square, gaps = (np.zeros(len(total)), np.zeros(len(total)), np.zeros((len(total), 1)))
    edges = _edges(sample)
    for weight, side, truth in ((background, sample.background, 0.0), (signal, sample.signal, 1.0)):
        clipped = np.clip(side.score, CLIP, 1 - CLIP)
        log += weight @ -np.log(clipped if truth else 1 - clipped)
        square += weight @ np.square(side.score - truth)
        gaps = gaps + weight @ _binned(truth - side.score, side, edges)
    columns += [log / total, square / total, np.abs(gaps).sum(axis=1) / total]
    for wanted in signal_efficiencies:
        step = np.argmax(s[:, 1:] >= wanted * s[:, -1:] * (1 - ROUNDING), axis=1)
        columns.append(np.take_along_axis(b, sample.signal.other_reached[step][:, None], 1)[:, 0] / b[:, -1])
    for wanted in background_efficiencies:
        exceeded = b[:, 1:] > wanted * b[:, -1:] * (1 + ROUNDING)
        above = sample.background.other_above[np.argmax(exceeded, axis=1)]
        kept = np.take_along_axis(s, above[:, None], 1)[:, 0] / s[:, -1]
        columns.append(np.where(exceeded.any(axis=1), kept, 1.0))
    if cut is not None:
        columns += [x[:, int(np.count_nonzero(side.score >= cut))] / x[:, -1] for x, side in _both(sample, b, s)]
    figures: Floats = np.stack(columns, axis=1)
    figures[(b[:, -1] <= 0) | (s[:, -1] <= 0)] = np.nan
    return figures


def residual_figures(residual: Floats, weight: Floats) -> Floats:
    """What ``ResidualFigures`` gives for each row of weights of rising residuals, shape (resamples, 4)."""
    sums = np.cumsum(weight, axis=1)
    total = sums[:, -1]
    mae, square, bias = (weight @ term / total for term in (np.abs(residual), np.square(residual), residual))
    low, high = (residual[np.argmax(sums >= share * total[:, None] * (1 - ROUNDING), axis=1)] for share in CENTRAL_68)
    rmse = np.sqrt(np.where(square >= 0, square, np.nan))
    figures: Floats = np.stack([mae, rmse, bias, (high - low) / 2], axis=1)
    figures[total <= 0] = np.nan
    return figures


def _sums(weight: Floats) -> Floats:
    return np.concatenate([np.zeros((len(weight), 1)), np.cumsum(weight, axis=1)], axis=1)


def _both(sample: Ranked, b: Floats, s: Floats) -> tuple[tuple[Floats, Side], tuple[Floats, Side]]:
    return (b, sample.background), (s, sample.signal)


def _edges(sample: Ranked) -> Floats:
    """The falling scores at which the calibration error's bins of equal numbers of events end."""
    score = np.sort(np.concatenate([sample.background.score, sample.signal.score]))[::-1]
    return score[np.arange(1, BINS) * len(score) // BINS]


def _binned(values: Floats, side: Side, edges: Floats) -> Floats:
    """The values in the column of their event's bin, zeros elsewhere, shape (n, BINS); an edge is in the bin above."""
    place = np.searchsorted(-edges, -side.score, side="left")
    table = np.zeros((len(values), BINS))
    table[np.arange(len(values)), place] = values
    return table
