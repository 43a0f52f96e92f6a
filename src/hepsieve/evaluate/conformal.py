"""Residuals on validation turned into prediction intervals whose coverage is measured on test."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import SeedSequence

from hepsieve.evaluate.bootstrap import bootstrap_events, percentile_interval
from hepsieve.evaluate.intervals import UNDEFINED, around, effective_events, share_of
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted, PredictionIntervals
from hepsieve.evaluate.residuals import weighted_quantile
from hepsieve.evaluate.results import Quantity


def prediction_intervals(
    validation: Predicted,
    test: Predicted,
    nominal: float,
    *,
    set_on: Literal["validation", "out-of-fold"] = "validation",
    resamples: int = 1000,
    seed: int | SeedSequence = 0,
    threads: int | None = None,
) -> PredictionIntervals:
    """Split conformal intervals, prediction ± half width, at one nominal coverage.

    The half width is the smallest one that holds the residuals of a share of nominal · (1 + 1/n) of the validation
    events, n being their effective number: of equal weights the ⌈nominal · (n + 1)⌉-th smallest modulus (Lei et al.,
    J. Am. Stat. Assoc. 113 (2018) 1094, section 2.2). For events that are exchangeable with these, coverage is then at
    least nominal, and for distinct residuals at most 1/(n + 1) above, on average over validation samples; at other
    weights approximately. Where the model predicts widths of its own, moduli are divided by them, and intervals are
    multiples of the widths (ibid., section 5.2). With so few events that no residual is large enough, there is no half
    width, and nothing is measured.

    Two things are not quite as the theorem has it: the validation events also chose the epoch (and the best model), so
    that their residuals may be a little small; and those of cross-validated events are of single trainings, those of
    test events of their mean, which is a little sharper. What holds in the end is the coverage, which is measured on
    test events that had no part in anything.

    Args:
        validation: what the half width is set on.
        test: what coverage is measured on.
        nominal: which share of truths is to lie inside.
        set_on: what ``validation`` is.
        resamples: bootstrap resamples behind the interval of the mean half width.
        seed: of the bootstrap.
        threads: as in ``bootstrap``.
    """
    scaled = validation.width is not None and test.width is not None
    half_width = conformal_half_width(_moduli(validation, scaled), validation.weight, nominal)
    mean, coverage = UNDEFINED, UNDEFINED
    if half_width is not None:
        weight = test.weight
        coverage = share_of(weight, _moduli(test, scaled) <= half_width)
        mean = around(half_width, (half_width, half_width))
        if scaled and test.width is not None:
            mean = _mean(half_width * test.width, weight, resamples=resamples, seed=seed, threads=threads)
    return PredictionIntervals(
        nominal=nominal,
        scaled=scaled,
        half_width=half_width,
        mean_half_width=mean,
        coverage=coverage,
        set_on=set_on,
    )


def conformal_half_width(moduli: Floats, weight: Floats, nominal: float) -> float | None:
    """The smallest of these moduli that, for such weights, holds as much of a further event as is nominal.

    None where n · nominal leaves too few events above.

    >>> conformal_half_width(np.arange(1.0, 10.0), np.ones(9), 0.8)  # the 8th of 9: 0.8 · (9 + 1)
    8.0
    >>> conformal_half_width(np.arange(1.0, 10.0), np.ones(9), 0.95)
    """
    n = effective_events(weight)
    # Rounding must not refuse what n events can just tell.
    share = nominal * (1 + 1 / n) if n > 0 else np.inf
    if share > 1 + 1e-12:
        return None
    found = weighted_quantile(moduli, weight, min(share, 1.0))
    return found if np.isfinite(found) else None


def _moduli(predicted: Predicted, scaled: bool) -> Floats:
    moduli: Floats = np.abs(predicted.prediction - predicted.target)
    return moduli / predicted.width if scaled and predicted.width is not None else moduli


def _mean(values: Floats, weight: Floats, *, resamples: int, seed: int | SeedSequence, threads: int | None) -> Quantity:
    def measure(drawn: Floats) -> Floats:
        total = float(drawn.sum())
        return np.array([np.einsum("i,i->", drawn, values) / total if total > 0 else np.nan])

    replicas = bootstrap_events(weight, measure, resamples=resamples, seed=seed, threads=threads)
    return around(float(measure(weight)[0]), percentile_interval(replicas[:, 0]) if len(weight) > 1 else None)
