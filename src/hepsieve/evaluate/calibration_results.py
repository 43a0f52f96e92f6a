"""What is quoted about the calibration of a model's scores: reliability before and after, and what it changed."""

from __future__ import annotations

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.quantity import Quantity
from hepsieve.score_map import Method


class ReliabilityBin(Result):
    """Test events with neighbouring scores: what the scores say, and how many were signal.

    Attributes:
        score: the weighted mean score; None where the weights' sum is not positive.
        signal: the weighted share of signal, with its Clopper–Pearson interval for effective numbers of events.
        events: how many events.
        weight: the sum of their weights.
    """

    score: float | None
    signal: Quantity
    events: int
    weight: float


class Reliability(Result):
    """A reliability diagram: bins of equal numbers of events, in the order of rising scores."""

    bins: tuple[ReliabilityBin, ...]


class Changed(Result):
    """A figure of the test part before the calibration, after it, and after minus before on the same events."""

    before: Quantity
    after: Quantity | None = None
    difference: Quantity | None = None


class Calibration(Result):
    """Whether a model's scores can be read as probabilities, and what was done so that they can.

    It was fitted, and decided about, on validation (or out-of-fold) scores; what stands here of test events is measured
    only. ``after`` and the changes are those of the calibrated scores, which every other figure of the model is of.

    Attributes:
        method: what was tried.
        applied: whether the model's scores are calibrated by it.
        why: in a sentence.
        parameter: the temperature, of which 1 changes nothing, with its interval.
        before: of the model's own scores.
        after: of its calibrated scores, if they are.
        ece: the expected calibration error.
        log_loss: as in the metrics.
        brier: likewise.
    """

    method: Method
    applied: bool
    why: str
    parameter: Quantity | None = None
    before: Reliability
    after: Reliability | None = None
    ece: Changed
    log_loss: Changed
    brier: Changed
