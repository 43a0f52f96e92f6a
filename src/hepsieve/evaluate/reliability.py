"""Scores before and after their calibration to reliability diagrams and to what the calibration changed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap, percentile_interval
from hepsieve.evaluate.calibration_results import Calibration, Changed, Reliability, ReliabilityBin
from hepsieve.evaluate.intervals import UNDEFINED, around, hull, share_of
from hepsieve.evaluate.means import mean_interval
from hepsieve.evaluate.metrics import BINS, Figures
from hepsieve.evaluate.quantities import loss_quantities
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.ranked import Floats, Ranked, Rows
from hepsieve.evaluate.results import Scored, finite
from hepsieve.score_map import ScoreCalibration, Temperature

FEWEST = 20  # events in a bin, as long as there are several bins
_QUOTED = ("log_loss", "brier", "ece")
_STREAM = 0xCA1  # apart from the streams of the bootstraps of the model's other figures


def reliability(sample: Scored, *, bins: int = BINS) -> Reliability:
    """Mean score against share of signal in bins of equal numbers of events; equal scores stay together.

    Args:
        sample: scored events; weights may be negative.
        bins: at most so many, and fewer where a bin would hold fewer than 20 events.
    """
    n = len(sample.score)
    wanted = max(1, min(bins, n // FEWEST))
    rising = np.sort(sample.score)
    inner = np.unique(rising[np.arange(1, wanted) * n // wanted]) if n else rising
    place = np.searchsorted(inner, sample.score, side="right")
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(len(inner) + 2))
    rows = [order[start:end] for start, end in pairwise(ends)]
    return Reliability(bins=tuple(_bin(sample, some) for some in rows if len(some)))


def calibration_result(
    decided: ScoreCalibration,
    *,
    raw: Scored,
    quoted: Mapping[str, Quantity],
    resamples: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> Calibration:
    """What is quoted about a model's calibration on test events.

    The differences of log loss and Brier score are paired: of the same resampled events before and after, joined with
    ``mean_interval`` of what each event's loss changes by. Noise raises an ECE the more the better it is, in resamples
    twice, so that no pairing gives the interval of its change; it reaches from the lower end of one ECE's interval to
    the upper end of the other's, which is rather too wide.

    Args:
        decided: what was decided on held-out events.
        raw: the test events with the model's own scores.
        quoted: the log loss, Brier score and ECE of the scores that are quoted: calibrated ones, where they are.
        resamples: of the bootstrap.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    changed = {name: Changed(before=quoted[name]) for name in _QUOTED}
    after = None
    if decided.map is not None:
        after = Scored(target=raw.target, score=decided(raw.score), weight=raw.weight)
        changed = _changed(raw, after, quoted, resamples=resamples, seed=seed, threads=threads)
    return Calibration(
        method=decided.method,
        applied=decided.applied,
        why=decided.why,
        parameter=_parameter(decided),
        before=reliability(raw),
        after=None if after is None else reliability(after),
        ece=changed["ece"],
        log_loss=changed["log_loss"],
        brier=changed["brier"],
    )


def _bin(sample: Scored, rows: Rows) -> ReliabilityBin:
    weight, signal = sample.weight[rows], sample.target[rows] > 0.5
    total = float(weight.sum())
    return ReliabilityBin(
        score=float(np.sum(weight * sample.score[rows])) / total if total > 0 else None,
        signal=share_of(weight, signal),
        events=len(rows),
        weight=total,
    )


def _changed(
    raw: Scored,
    after: Scored,
    quoted: Mapping[str, Quantity],
    *,
    resamples: int,
    seed: int,
    threads: int | None,
) -> dict[str, Changed]:
    # Calibrated scores never fall as the raw ones rise: sorted once, both have their events in the same order.
    order = np.argsort(-raw.score, kind="stable")
    own, calibrated = (Ranked.of(one.target[order], one.score[order], one.weight[order]) for one in (raw, after))
    first, second = Figures(own), Figures(calibrated)

    def measure(background: Floats, signal: Floats) -> Floats:
        return np.concatenate([first(background, signal), second.losses(background, signal)])

    drawn = bootstrap(own, measure, resamples=resamples, seed=SeedSequence([seed, _STREAM]), threads=threads)
    before = loss_quantities(own, first, drawn[:, : len(first.names)])
    single = min(len(own.background), len(own.signal)) < 2
    changed = {
        "ece": Changed(before=before["ece"], after=quoted["ece"], difference=_apart(before["ece"], quoted["ece"]))
    }
    for k, name in enumerate(("log_loss", "brier")):
        interval = None
        if not single:
            replicas = drawn[:, len(first.names) + k] - drawn[:, first.names.index(name)]
            pairs = zip(first.strata(name), second.strata(name), strict=True)
            skew = mean_interval([(weight, losses - earlier) for (weight, earlier), (_, losses) in pairs])
            interval = hull(percentile_interval(replicas), *([] if skew is None else [skew]))
        difference = around(finite(second.nominal[name] - first.nominal[name]), interval)
        changed[name] = Changed(before=before[name], after=quoted[name], difference=difference)
    return changed


def _apart(before: Quantity, after: Quantity) -> Quantity:
    """After minus before, and what two figures within their intervals can differ by."""
    if before.value is None or after.value is None:
        return UNDEFINED
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return around(after.value - before.value, None)
    return around(after.value - before.value, (after.low - before.high, after.high - before.low))


def _parameter(decided: ScoreCalibration) -> Quantity | None:
    if not isinstance(decided.fitted, Temperature):
        return None
    return Quantity(value=decided.fitted.temperature, low=decided.fitted.low, high=decided.fitted.high)
