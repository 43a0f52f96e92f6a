"""Figures and their bootstrapped replicas turned into quantities with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hepsieve.evaluate.bootstrap import percentile_interval
from hepsieve.evaluate.intervals import UNDEFINED, around, auc_quantity, clopper_pearson, deciding_events, hull
from hepsieve.evaluate.means import mean_interval
from hepsieve.evaluate.metrics import CLIP, Figures, ece_gaps, ece_noise, efficiency_name, rejection_name
from hepsieve.evaluate.noisy_moduli import noisy_moduli_interval
from hepsieve.evaluate.ranked import Floats, Ranked, Side
from hepsieve.evaluate.results import Quantity, finite
from hepsieve.evaluate.roc import ROUNDING
from hepsieve.evaluate.significance import asimov

# One-sided 95 % of a normal distribution.
ONE_SIDED = 1.645
# Clopper and Pearson's lower end of one event of n is at least 0.025 of its share; that of a fraction of an event falls
# below all bounds (1e-15 for a twentieth), and is no limit of anything.
LEAST_KNOWN = 0.024
# What a sure mistake costs.
LARGEST_LOSS = {"log_loss": -float(np.log(CLIP)), "brier": 1.0}


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
    plain = {name: _mean_loss(figures, name, None if single else column[name]) for name in ("log_loss", "brier")}
    area = auc_quantity(sample, finite(nominal["auc"]), column["auc"])
    return {"auc": area, **plain, "ece": ece_quantity(sample, nominal["ece"], None if single else column["ece"])}


def _mean_loss(figures: Figures, name: str, replicas: Floats | None) -> Quantity:
    """A mean loss with its percentiles, joined with ``mean_interval``: near an AUC of 1 a few mistakes make it up."""
    value = finite(figures.nominal[name])
    if value is None or replicas is None:
        return around(value, None)
    most = LARGEST_LOSS[name]
    percentiles = percentile_interval(replicas, bounds=(0.0, most))
    means = mean_interval(figures.strata(name))
    if means is None:
        return around(value, percentiles)
    return around(value, hull(percentiles, (min(max(means[0], 0.0), most), min(max(means[1], 0.0), most))))


def ece_quantity(sample: Ranked, value: float, replicas: Floats | None) -> Quantity:
    """An ECE: a sum of moduli, which noise can only raise, in the sample and once more in its resamples.

    The percentiles are mirrored at the value ("basic" bootstrap), which takes the second rise off, and joined with
    ``noisy_moduli_interval`` of the bins' gaps; where the value is within the noise of perfect calibration (one-sided
    95 %) the interval begins at 0.
    """
    percentiles = None if replicas is None else percentile_interval(replicas, bounds=(0.0, 1.0))
    if percentiles is None or not np.isfinite(value):
        return around(finite(value), None)
    low, high = (max(0.0, 2 * value - end) for end in reversed(percentiles))
    least, most = noisy_moduli_interval(*ece_gaps(sample))
    mean, deviation = ece_noise(sample)
    calibrated = value <= mean + ONE_SIDED * deviation
    return around(value, (0.0 if calibrated else min(low, least), min(max(high, most), 1.0)))


def rejection(efficiency: Quantity) -> Quantity:
    """Background rejection, 1/ε_b, from the background efficiency; with no background left, a lower limit only.

    Where less than one effective event is left, as with a single one of small weight, there is no upper end.
    """
    if efficiency.value is None or efficiency.high is None or efficiency.low is None:
        return UNDEFINED
    low = 1 / efficiency.high if efficiency.high > 0 else None
    if not efficiency.value > 0:
        return Quantity(value=None, low=low, high=None)
    known = efficiency.low > LEAST_KNOWN * efficiency.value
    return Quantity(value=1 / efficiency.value, low=low, high=1 / efficiency.low if known else None)


def efficiency_quantity(value: float, side: Side, replicas: Floats | None = None) -> Quantity:
    """An efficiency with its Clopper–Pearson interval, joined with the bootstrap's where there is one.

    The bootstrap carries the uncertainty of a threshold that was set on the same events; Clopper–Pearson holds where
    few events are left and resampling can't tell what others there might be.
    """
    if not np.isfinite(value):
        return UNDEFINED
    interval: tuple[float, float] | None = clopper_pearson(value, events_behind(value, side))
    if replicas is not None:
        # Resampled negative weights can leave 0…1, which no efficiency of the truth does.
        interval = _within(hull(interval, percentile_interval(replicas, bounds=(0.0, 1.0))))
    return around(value, interval)


def events_behind(efficiency: float, side: Side) -> float:
    """The effective number of events of a class behind an efficiency of a cut (``deciding_events``)."""
    if not len(side) or side.weight.min() == side.weight.max():
        return float(len(side))
    sums, squares = side.running
    # The events stand in the order of falling scores: those that pass are the first whose weight makes the share.
    wanted = efficiency * sums[-1]
    if side.weight.min() >= 0:
        passed = int(np.searchsorted(sums, wanted * (1 - ROUNDING)))
    else:
        passed = int(side.reached[np.argmin(np.abs(sums[side.reached] - wanted))])
    return deciding_events(efficiency, float(sums[-1]), float(squares[-1]), float(squares[min(passed, len(side))]))


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
    return significance_behind_cut(
        sample,
        (figures.nominal["background_behind_cut"], figures.nominal["signal_behind_cut"]),
        (column["background_behind_cut"], column["signal_behind_cut"]),
        lambda signal, background: asimov(signal_yield * signal, background_yield * background),
    )


def significance_behind_cut(
    sample: Ranked,
    nominal: tuple[float, float],
    replicas: tuple[Floats, Floats],
    z: Callable[[Floats, Floats], Floats],
) -> Quantity:
    """A significance behind a fixed cut, in the hull of the bootstrap's interval and Clopper–Pearson's.

    Args:
        sample: the ranked events.
        nominal: the background and the signal efficiency of the cut.
        replicas: both bootstrapped, shape (resamples,).
        z: turns signal and background efficiencies into significances.
    """
    background, signal = nominal
    if not (np.isfinite(background) and np.isfinite(signal)):
        return UNDEFINED
    least, most = clopper_pearson(background, events_behind(background, sample.background))
    weakest, strongest = z(np.array([signal, signal]), np.array([most, least]))
    value = finite(z(np.array(signal), np.array(background)))
    if value is None or not background > 0:
        fewest, _ = clopper_pearson(signal, events_behind(signal, sample.signal))
        return Quantity(value=value, low=finite(z(np.array(fewest), np.array(most))), high=None)
    boot = percentile_interval(z(replicas[1], replicas[0]))
    low = min(value, float(weakest), *([] if boot is None else [boot[0]]))
    unbounded = boot is None or not np.isfinite(strongest)
    return Quantity(
        value=value, low=low, high=None if unbounded or boot is None else max(value, boot[1], float(strongest))
    )
