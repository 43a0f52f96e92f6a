"""Scores and yields to what an analysis may expect: counts behind a cut, significances, bins of the score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.best_cut import spread
from hepsieve.evaluate.bootstrap import bootstrap, percentile_interval
from hepsieve.evaluate.intervals import around
from hepsieve.evaluate.physics_results import BestCut, Physics, ScoreBin, SignificanceCurve, Yields
from hepsieve.evaluate.quantities import significance_behind_cut
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Floats, Ranked, Rows, Scratch, cumulative
from hepsieve.evaluate.results import Scored, finite
from hepsieve.evaluate.score_bins import BinRule, expected_between, score_bins
from hepsieve.evaluate.significance import ams, asimov, in_quadrature

POINTS = 120
# With fewer events of background behind a cut, resampling often leaves none, and the band has no end.
LEAST_ON_CURVE = 5
# Beyond so many events fewer resamples tell the intervals as well, and take their time.
_MANY, _ENOUGH = 300_000, 300

Significance = Callable[[Floats, Floats], Floats]


def physics(
    *,
    validation: Scored,
    test: Scored,
    yields: Yields,
    cut: BestCut,
    rule: BinRule | None = None,
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> Physics:
    """What may be expected from one model, measured on test events; equal arguments give equal results.

    Intervals are those of bootstrapped test events, and hold for this cut and these bins, which other events set. The
    yields before the cut are taken as given.

    Args:
        validation: scores that are not test, on which the bins are found.
        test: scores that the counts come from.
        yields: what is expected before the cut.
        cut: the cut, chosen on other events than test (``best_cut``).
        rule: the minimum statistics of the bins.
        resamples: bootstrap resamples behind the intervals (at most 300 of very many events).
        seed: of the bootstrap.
        threads: as in ``bootstrap``.

    Raises:
        DataError: if a class has no positive total weight.
    """
    ranked, other = (Ranked.of(part.target, part.score, part.weight) for part in (test, validation))
    lows = score_bins(other, rule or BinRule(), background_yield=yields.background.events)
    threshold = float(cut.threshold.value or 0.0)
    regions = _Regions(ranked, np.concatenate([[threshold], _thresholds(other), lows]), bins=len(lows))
    few = min(resamples, _ENOUGH) if len(test.score) > _MANY else resamples
    counts = regions.counted(bootstrap(ranked, regions, resamples=few, seed=seed, threads=threads))
    nominal = regions.counted(regions(ranked.background.weight, ranked.signal.weight)[None, :])
    known, unsure = _significances(yields)
    behind = [_behind_cut(ranked, nominal, counts, z) for z in (known, unsure, _ams(yields))]
    (signal, *_), (background, *_) = (
        expected_between(side, one.events, np.array([threshold, -np.inf]))
        for side, one in ((ranked.signal, yields.signal), (ranked.background, yields.background))
    )
    uncertain = yields.background_uncertainty > 0
    return Physics(
        yields=yields,
        cut=cut,
        signal=signal,
        background=background,
        significance=behind[0],
        significance_with_uncertainty=behind[1] if uncertain else None,
        ams=behind[2],
        curve=_curve(ranked, regions, nominal, counts, unsure),
        bins=_bins(ranked, lows, yields),
        binned_significance=_binned(nominal, counts, known),
        binned_with_uncertainty=_binned(nominal, counts, unsure) if uncertain else None,
    )


def _significances(yields: Yields) -> tuple[Significance, Significance]:
    """Shares of signal and background to significances, with a known background and with an uncertain one."""
    s, b, relative = yields.signal.events, yields.background.events, yields.background_uncertainty
    return (
        lambda signal, background: asimov(s * signal, b * background),
        lambda signal, background: asimov(s * signal, b * background, relative * b * np.maximum(background, 0.0)),
    )


def _ams(yields: Yields) -> Significance:
    return lambda signal, background: ams(yields.signal.events * signal, yields.background.events * background)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counts:
    """Shares of each class: shape (resamples, k + 1) behind the cut and the curve's cuts, (resamples, m) in bins."""

    background: Floats
    signal: Floats
    bin_background: Floats
    bin_signal: Floats


class _Regions:
    """A measure for ``bootstrap``: the shares of both classes behind thresholds, the last of which are bins' ends."""

    def __init__(self, sample: Ranked, thresholds: Floats, *, bins: int) -> None:
        self.thresholds = thresholds[: len(thresholds) - bins]
        self._bins = bins
        self._scratch = Scratch()
        self.passing = tuple(
            len(side) - np.searchsorted(side.score[::-1], thresholds) for side in (sample.background, sample.signal)
        )

    def __call__(self, background: Floats, signal: Floats) -> Floats:
        shares = [
            _shares(cumulative(weight, self._scratch(name, len(weight) + 1)), places)
            for name, weight, places in zip("bs", (background, signal), self.passing, strict=True)
        ]
        return np.concatenate(shares)

    def counted(self, shares: Floats) -> _Counts:
        background, signal = np.split(shares, 2, axis=1)
        cuts = len(self.thresholds)
        return _Counts(
            background=background[:, :cuts],
            signal=signal[:, :cuts],
            bin_background=np.diff(background[:, cuts:], axis=1, prepend=0.0),
            bin_signal=np.diff(signal[:, cuts:], axis=1, prepend=0.0),
        )


def _shares(sums: Floats, places: Rows) -> Floats:
    return sums[places] / sums[-1] if sums[-1] > 0 else np.full(len(places), np.nan)


def _thresholds(sample: Ranked) -> Floats:
    """The curve's falling thresholds, among the scores of events that are not test."""
    steps = np.union1d(sample.background.steps, sample.signal.steps)[::-1]
    return steps[spread(len(steps), POINTS)]


def _behind_cut(ranked: Ranked, nominal: _Counts, counts: _Counts, z: Significance) -> Quantity:
    cut = (float(nominal.background[0, 0]), float(nominal.signal[0, 0]))
    return significance_behind_cut(ranked, cut, (counts.background[:, 0], counts.signal[:, 0]), z)


def _curve(ranked: Ranked, regions: _Regions, nominal: _Counts, counts: _Counts, z: Significance) -> SignificanceCurve:
    least = min(LEAST_ON_CURVE, len(ranked.background))
    drawn = np.flatnonzero(regions.passing[0][1 : len(regions.thresholds)] >= least)[::-1] + 1
    value = z(nominal.signal[0], nominal.background[0])
    replicas = z(counts.signal, counts.background)
    points = []
    for k in drawn.tolist():
        band = percentile_interval(replicas[:, k])
        if np.isfinite(value[k]) and band is not None:
            points.append(
                (float(regions.thresholds[k]), float(value[k]), min(band[0], value[k]), max(band[1], value[k]))
            )
    threshold, middle, low, high = zip(*points, strict=True) if points else ((), (), (), ())
    return SignificanceCurve(threshold=threshold, value=middle, low=low, high=high)


def _bins(ranked: Ranked, lows: Floats, yields: Yields) -> tuple[ScoreBin, ...]:
    signals = expected_between(ranked.signal, yields.signal.events, lows)
    backgrounds = expected_between(ranked.background, yields.background.events, lows)
    ends = [0.0 if not np.isfinite(low) else float(low) for low in lows]
    return tuple(
        ScoreBin(
            low=low,
            high=high,
            signal=signal,
            background=background,
            significance=finite(asimov(signal.events, background.events)),
        )
        for low, high, signal, background in zip(ends, [1.0, *ends[:-1]], signals, backgrounds, strict=True)
    )[::-1]


def _binned(nominal: _Counts, counts: _Counts, z: Significance) -> Quantity:
    """All bins together; as a fluctuation of any bin adds to the sum, the percentiles are mirrored at the value."""
    value = float(in_quadrature(z(nominal.bin_signal[0], nominal.bin_background[0])))
    interval = percentile_interval(in_quadrature(z(counts.bin_signal, counts.bin_background)))
    if interval is None or not np.isfinite(value):
        return around(finite(value), None)
    return around(value, (max(0.0, 2 * value - interval[1]), max(0.0, 2 * value - interval[0])))
