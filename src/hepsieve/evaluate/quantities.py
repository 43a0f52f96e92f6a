"""Figures and their bootstrapped replicas turned into quantities with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hepsieve.evaluate.bootstrap import percentile_interval
from hepsieve.evaluate.intervals import UNDEFINED, around, auc_quantity, clopper_pearson, effective_events, hull
from hepsieve.evaluate.metrics import Figures, ece_noise, efficiency_name, rejection_name
from hepsieve.evaluate.ranked import Floats, Ranked, Side
from hepsieve.evaluate.results import Quantity, finite
from hepsieve.evaluate.significance import asimov

# One-sided 95 % of a normal distribution.
ONE_SIDED = 1.645


def loss_quantities(sample: Ranked, figures: Figures, replicas: Floats) -> dict[str, Quantity]:
    """AUC, log loss, Brier score and ECE.

    Args:
        sample: the ranked events.
        figures: their measure.
        replicas: shape (resamples, k), the bootstrapped figures.
    """
    column = {name: replicas[:, k] for k, name in enumerate(figures.names)}
    nominal = figures.nominal
    single = min(len(sample.background), len(sample.signal)) < 2
    plain = {
        name: around(finite(nominal[name]), None if single else percentile_interval(column[name]))
        for name in ("log_loss", "brier")
    }
    area = auc_quantity(sample, finite(nominal["auc"]), column["auc"])
    return {"auc": area, **plain, "ece": _ece(sample, nominal["ece"], None if single else column["ece"])}


def _ece(sample: Ranked, value: float, replicas: Floats | None) -> Quantity:
    """An ECE: a sum of moduli, which noise can only raise, in the sample and once more in its resamples.

    The percentiles are mirrored at the value ("basic" bootstrap), which takes the second rise off; where the value is
    within the noise of perfect calibration (one-sided 95 %) the interval begins at 0.
    """
    percentiles = None if replicas is None else percentile_interval(replicas)
    if percentiles is None or not np.isfinite(value):
        return around(finite(value), None)
    low, high = max(0.0, 2 * value - percentiles[1]), max(0.0, 2 * value - percentiles[0])
    mean, deviation = ece_noise(sample)
    return around(value, (0.0 if value <= mean + ONE_SIDED * deviation else low, high))


def rejection(efficiency: Quantity) -> Quantity:
    """Background rejection, 1/ε_b, from the background efficiency; with no background left, a lower limit only."""
    if efficiency.value is None or efficiency.high is None or efficiency.low is None:
        return UNDEFINED
    low = 1 / efficiency.high if efficiency.high > 0 else None
    if not efficiency.value > 0:
        return Quantity(value=None, low=low, high=None)
    return Quantity(value=1 / efficiency.value, low=low, high=1 / efficiency.low if efficiency.low > 0 else None)


def efficiency_quantity(value: float, side: Side, replicas: Floats | None = None) -> Quantity:
    """An efficiency with its Clopper–Pearson interval, joined with the bootstrap's where there is one.

    The bootstrap carries the uncertainty of a threshold that was set on the same events; Clopper–Pearson holds where
    few events are left and resampling can't tell what others there might be.
    """
    if not np.isfinite(value):
        return UNDEFINED
    interval: tuple[float, float] | None = clopper_pearson(value, effective_events(side.weight))
    if replicas is not None:
        # Resampled negative weights can leave 0…1, which no efficiency of the truth does.
        interval = _within(hull(interval, percentile_interval(replicas)))
    return around(value, interval)


def _within(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (min(max(interval[0], 0.0), 1.0), min(max(interval[1], 0.0), 1.0))


def efficiency_quantities(
    sample: Ranked,
    figures: Figures,
    replicas: Floats,
    *,
    signal_efficiencies: Sequence[float],
    background_efficiencies: Sequence[float],
) -> dict[str, Quantity]:
    """Background rejection at signal efficiencies, and signal efficiency at background efficiencies."""
    column = {name: replicas[:, k] for k, name in enumerate(figures.names)}
    quantities = {}
    for name in map(rejection_name, signal_efficiencies):
        quantities[name] = rejection(efficiency_quantity(figures.nominal[name], sample.background, column[name]))
    for name in map(efficiency_name, background_efficiencies):
        quantities[name] = efficiency_quantity(figures.nominal[name], sample.signal, column[name])
    return quantities


def significance_quantity(
    sample: Ranked, figures: Figures, replicas: Floats, *, signal_yield: float, background_yield: float
) -> Quantity:
    """The Asimov significance behind the measure's fixed cut, as the efficiencies on this sample give it.

    The bootstrap's interval is joined with the one that the background's Clopper–Pearson limits give; with no
    background left there is a lower limit only.
    """
    column = {name: replicas[:, k] for k, name in enumerate(figures.names)}
    background, signal = figures.nominal["background_behind_cut"], figures.nominal["signal_behind_cut"]
    if not (np.isfinite(background) and np.isfinite(signal)):
        return UNDEFINED

    def z(signal_efficiency: Floats, background_efficiency: Floats) -> Floats:
        return asimov(signal_yield * signal_efficiency, background_yield * background_efficiency)

    least, most = clopper_pearson(background, effective_events(sample.background.weight))
    weakest, strongest = z(np.array([signal, signal]), np.array([most, least]))
    if not background > 0:
        fewest, _ = clopper_pearson(signal, effective_events(sample.signal.weight))
        return Quantity(value=None, low=finite(z(np.array(fewest), np.array(most))), high=None)
    boot = percentile_interval(z(column["signal_behind_cut"], column["background_behind_cut"]))
    value = float(z(np.array(signal), np.array(background)))
    low = min(value, float(weakest), *([] if boot is None else [boot[0]]))
    unbounded = boot is None or not np.isfinite(strongest)
    return Quantity(
        value=value, low=low, high=None if unbounded or boot is None else max(value, boot[1], float(strongest))
    )
