"""What a cut keeps at every threshold, thinned for drawing."""

from __future__ import annotations

import numpy as np
from scipy.special import logit

from hepsieve.evaluate.quantities import efficiency_quantity
from hepsieve.evaluate.ranked import Floats, Ranked, Rows, Side
from hepsieve.evaluate.results import Quantity, Scored, ThresholdScan
from hepsieve.evaluate.roc import roc_vertices

# Four spacings share them, and many of their choices coincide.
POINTS = 180
# The resolution of a float32 sigmoid near 1.
_NEAREST = 1e-7


def threshold_scan(test: Scored) -> ThresholdScan:
    """Signal and background efficiency of ``score >= threshold`` on the test part, at rising thresholds.

    The thresholds are scores of events, at most ``POINTS`` of them, spaced evenly in four ways at once: along both
    efficiencies, in the logarithm of the background efficiency, in that of the signal lost, and in the score's logit.
    Intervals are Clopper–Pearson's for the effective number of events, each at its own threshold.

    Raises:
        DataError: if a class has no positive total weight, or scores are not finite.
    """
    return scan(Ranked.of(test.target, test.score, test.weight))


def scan(test: Ranked) -> ThresholdScan:
    """``threshold_scan`` of events in order."""
    background, signal, threshold = (values[:0:-1] for values in roc_vertices(test))
    rows = _spread(background, signal, threshold)
    kept = _intervals(signal[rows], test.signal)
    passed = _intervals(background[rows], test.background)
    return ThresholdScan(
        threshold=tuple(threshold[rows].tolist()),
        signal_efficiency=tuple(signal[rows].tolist()),
        signal_low=tuple(low for low, _ in kept),
        signal_high=tuple(high for _, high in kept),
        background_efficiency=tuple(background[rows].tolist()),
        background_low=tuple(low for low, _ in passed),
        background_high=tuple(high for _, high in passed),
    )


def _spread(background: Floats, signal: Floats, threshold: Floats) -> Rows:
    """Which of the rising thresholds to keep; the lowest and the highest always."""
    if len(threshold) <= POINTS:
        return np.arange(len(threshold))
    lost, left = 1 - signal, background
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(background)) + np.abs(np.diff(signal)))])
    scales = (
        along,
        -np.log(np.maximum(left, _least(left))),
        np.log(np.maximum(lost, _least(lost))),
        logit(np.clip(threshold, _NEAREST, 1 - _NEAREST)),
    )
    chosen = [np.array([0, len(threshold) - 1])]
    for scale in scales:
        # Negative weights can turn an efficiency back.
        rising = np.maximum.accumulate(scale)
        chosen.append(np.searchsorted(rising, np.linspace(rising[0], rising[-1], POINTS // len(scales))))
    return np.unique(np.clip(np.concatenate(chosen), 0, len(threshold) - 1))


def _least(shares: Floats) -> float:
    """The smallest share above 0, as a place for 0 on a logarithmic scale."""
    return float(shares[shares > 0].min(initial=1.0))


def _intervals(values: Floats, side: Side) -> list[tuple[float, float]]:
    return [_ends(efficiency_quantity(float(value), side)) for value in values]


def _ends(quantity: Quantity) -> tuple[float, float]:
    """The ends of an efficiency's interval, which it has wherever its class has weight."""
    assert quantity.low is not None
    assert quantity.high is not None
    return quantity.low, quantity.high
