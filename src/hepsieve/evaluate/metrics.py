"""The figures of one sample of scored events, and the same figures of its bootstrap resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hepsieve.evaluate.ranked import Floats, Ranked, Rows, Scratch, Side, cumulative
from hepsieve.evaluate.roc import area_under, background_at, interpolated, signal_at

# The resolution of a float32 sigmoid: a sure mistake costs 16.1, not infinity.
CLIP = 1e-7
BINS = 15


def rejection_name(signal_efficiency: float) -> str:
    """The metric's key, such as ``background_rejection@0.50``."""
    return f"background_rejection@{shown(signal_efficiency)}"


def efficiency_name(background_efficiency: float) -> str:
    """The metric's key, such as ``signal_efficiency@0.01``."""
    return f"signal_efficiency@{shown(background_efficiency)}"


def shown(efficiency: float) -> str:
    """An efficiency as metric keys hold it: two decimals, and more only where two would change it.

    >>> shown(0.5), shown(0.01), shown(0.001), shown(0)
    ('0.50', '0.01', '0.001', '0')
    """
    return f"{efficiency:.2f}" if efficiency and round(efficiency, 2) == efficiency else f"{efficiency:.12g}"


def log_loss(sample: Ranked) -> float:
    """Weighted mean of −ln of the probability given to the truth, clipped to [1e-7, 1 − 1e-7]; NaN if undefined."""
    return Figures(sample).nominal["log_loss"]


def brier(sample: Ranked) -> float:
    """Weighted mean of (score − truth)²; NaN if undefined."""
    return Figures(sample).nominal["brier"]


def ece(sample: Ranked) -> float:
    """Expected calibration error: Σ over bins of |Σ w (truth − score)| / Σw; NaN if undefined.

    The bins are up to 15 of equal numbers of events (equal scores stay together).
    """
    return Figures(sample).nominal["ece"]


def ece_noise(sample: Ranked) -> tuple[float, float]:
    """Mean and standard deviation that the ECE would have were the scores true probabilities.

    Each bin's sum is then normal with variance Σ w² p (1 − p), and the mean of its modulus is √(2/π) of its width.
    """
    sides = (sample.background, sample.signal)
    places = [_places(side, _bin_edges(sample)) for side in sides]
    variance = np.zeros(len(places[0]) - 1)
    for side, place in zip(sides, places, strict=True):
        variance += np.diff(cumulative(side.weight**2 * side.score * (1 - side.score))[place])
    total = abs(sum(float(side.weight.sum()) for side in sides))
    width = np.sqrt(np.maximum(variance, 0.0)) / total
    return float(np.sqrt(2 / np.pi) * width.sum()), float(np.sqrt((1 - 2 / np.pi) * (width**2).sum()))


def ece_gaps(sample: Ranked) -> tuple[Floats, Floats]:
    """The gaps of the ECE's bins, Σ w (truth − score)/Σw, whose moduli sum up to it, and their standard errors.

    The variance is that of a sum over as many events of each class as there are: Σ (w r)² − (Σ w r)²/n over Σw squared.
    """
    edges = _bin_edges(sample)
    gaps, variance = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for side, truth in ((sample.background, 0.0), (sample.signal, 1.0)):
        place, share = _places(side, edges), side.weight * (truth - side.score)
        own = np.diff(cumulative(share)[place])
        gaps += own
        variance += np.diff(cumulative(np.square(share))[place]) - own**2 / max(len(side), 1)
    total = sum(float(side.weight.sum()) for side in (sample.background, sample.signal))
    return gaps / total, np.sqrt(np.maximum(variance, 0.0)) / abs(total)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Terms:
    """What one class's events contribute per unit of weight, in the order of falling scores."""

    log_loss: Floats
    brier: Floats
    residual: Floats
    bins: Rows


class Figures:
    """A measure for ``bootstrap``: turns weights of background and signal into figures.

    Attributes:
        names: what stands in each column; the last columns may be the ROC band's.
        nominal: the figures of the sample itself (the ROC band's columns left out).

    Args:
        sample: ranked events with scores in [0, 1].
        signal_efficiencies: gives the background efficiency at each (``background_at``).
        background_efficiencies: gives the signal efficiency at each (``signal_at``).
        cut: a fixed threshold; gives both efficiencies behind it.
        grid: background efficiencies at which the signal efficiency on the curve is wanted.
    """

    def __init__(
        self,
        sample: Ranked,
        *,
        signal_efficiencies: Sequence[float] = (),
        background_efficiencies: Sequence[float] = (),
        cut: float | None = None,
        grid: Floats | None = None,
    ) -> None:
        """Compute each event's terms once."""
        self._sample = sample
        self._scratch = Scratch()
        self._signal_efficiencies = tuple(signal_efficiencies)
        self._background_efficiencies = tuple(background_efficiencies)
        self._cut = (
            None
            if cut is None
            else tuple(int(_places(side, np.array([cut]))[0]) for side in (sample.background, sample.signal))
        )
        self._grid = grid if grid is not None else np.empty(0)
        edges = _bin_edges(sample)
        self._background = _terms(sample.background, 0.0, edges)
        self._signal = _terms(sample.signal, 1.0, edges)
        self.names = (
            "auc", "log_loss", "brier", "ece",
            *(rejection_name(x) for x in self._signal_efficiencies),
            *(efficiency_name(y) for y in self._background_efficiencies),
            *(() if cut is None else ("background_behind_cut", "signal_behind_cut")),
        )  # fmt: skip
        values = self(sample.background.weight, sample.signal.weight)
        self.nominal = {name: float(value) for name, value in zip(self.names, values, strict=False)}

    def __call__(self, background: Floats, signal: Floats) -> Floats:
        """The figures for these weights (in the order of falling scores), the ROC band last; NaN if undefined."""
        b = cumulative(background, self._scratch("background", len(background) + 1))
        s = cumulative(signal, self._scratch("signal", len(signal) + 1))
        if not (b[-1] > 0 and s[-1] > 0):
            return np.full(len(self.names) + len(self._grid), np.nan)
        figures = [area_under(self._sample, b, s, self._scratch), *self._losses(background, signal, b[-1] + s[-1])]
        figures += [background_at(self._sample, b, s, x) for x in self._signal_efficiencies]
        figures += [signal_at(self._sample, b, s, y) for y in self._background_efficiencies]
        if self._cut is not None:
            figures += [b[self._cut[0]] / b[-1], s[self._cut[1]] / s[-1]]
        band = interpolated(self._sample, b, s, self._grid) if len(self._grid) else self._grid
        return np.concatenate([figures, band])

    def strata(self, name: str) -> list[tuple[Floats, Floats]]:
        """Weights and losses of background and of signal, whose weighted mean ``log_loss`` or ``brier`` is."""
        sides = ((self._sample.background, self._background), (self._sample.signal, self._signal))
        return [(side.weight, terms.log_loss if name == "log_loss" else terms.brier) for side, terms in sides]

    def losses(self, background: Floats, signal: Floats) -> Floats:
        """Log loss, Brier score and ECE alone for these weights, shape (3,); NaN if undefined."""
        total = float(background.sum() + signal.sum())
        return np.array(self._losses(background, signal, total)) if total > 0 else np.full(3, np.nan)

    def _losses(self, background: Floats, signal: Floats, total: float) -> list[float]:
        sides = ((background, self._background), (signal, self._signal))
        # einsum and not BLAS: the sums must not depend on the number of BLAS threads.
        log = sum(float(np.einsum("i,i->", weight, terms.log_loss)) for weight, terms in sides)
        square = sum(float(np.einsum("i,i->", weight, terms.brier)) for weight, terms in sides)
        gaps = sum(_by_bin(weight, terms) for weight, terms in sides)
        return [log / total, square / total, float(np.abs(gaps).sum()) / total]


def _terms(side: Side, truth: float, edges: Floats) -> _Terms:
    clipped = np.clip(side.score, CLIP, 1 - CLIP)
    return _Terms(
        log_loss=-np.log(clipped if truth else 1 - clipped),
        brier=np.square(side.score - truth),
        residual=truth - side.score,
        bins=_places(side, edges),
    )


def _by_bin(weight: Floats, terms: _Terms) -> Floats:
    bins = terms.bins
    return np.array([np.einsum("i,i->", weight[start:end], terms.residual[start:end]) for start, end in pairwise(bins)])


def _bin_edges(sample: Ranked) -> Floats:
    """Falling scores, from infinity to minus infinity, that part the events into bins; an edge is in the bin above."""
    score = np.sort(np.concatenate([sample.background.score, sample.signal.score]))[::-1]
    inner = np.unique(score[np.arange(1, BINS) * len(score) // BINS])[::-1] if len(score) else score
    return np.concatenate([[np.inf], inner, [-np.inf]])


def _places(side: Side, edges: Floats) -> Rows:
    """How many events of the class score at least each edge."""
    return len(side) - np.searchsorted(side.score[::-1], edges, side="left")
