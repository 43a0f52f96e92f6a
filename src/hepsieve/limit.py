"""What simulated waveforms allow: the Cramér–Rao bound and a classical fit beside a judged regression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from hepsieve import spill
from hepsieve.config import TaskConfig
from hepsieve.engines import Jobs
from hepsieve.evaluate.bootstrap import bootstrap_events, percentile_interval
from hepsieve.evaluate.intervals import UNDEFINED, around
from hepsieve.evaluate.profiles import FEWEST_EVENTS, ProfileColumn, residual_profile, target_edges
from hepsieve.evaluate.regression_results import Limit, LimitCurve, Predicted
from hepsieve.evaluate.results import Quantity, finite
from hepsieve.events import Events
from hepsieve.judge_regression import JudgedRegression
from hepsieve.progress import Progress
from hepsieve.simulate.xenon_bins import TwoPulses
from hepsieve.simulate.xenon_detector import FULL, SAMPLE, XenonDetector, lz
from hepsieve.simulate.xenon_fit import fit_separations
from hepsieve.simulate.xenon_limit import bound, least_deviation, light_information
from hepsieve.waveforms import are_waveforms

Floats = NDArray[np.float64]
Least = Callable[[TwoPulses, XenonDetector], float | None]

KNOWN = ("separation time", "drift time", "first electrons", "second electrons")
"""What the simulator has to tell of each waveform."""
MOST_AVERAGED = 2000
MOST_BY_LIGHT = 200
_END = 12.0  # µs at which the first pulse comes; the bound does not depend on it
_WHOLE_RANGE = 1 / np.sqrt(12)  # the standard deviation of who only knows that d lies in [0, 1]
_SIZES = (0.1, 0.5, 0.9)
_DRAWN, _RESAMPLED, _PROFILE = range(3)


def limit(judged: JudgedRegression, config: TaskConfig, *, jobs: Jobs, progress: Progress) -> Limit | None:
    """The bound and the fit for the test waveforms of a run; None where it is not asked for, or nobody knows it.

    Args:
        judged: the opened test events and the predictions for them.
        config: the task; ``evaluate.classical_fits`` says how many waveforms are fitted.
        jobs: processes, or an engine, for the fits.
        progress: shows how many waveforms are done.
    """
    test, wanted = judged.test, config.evaluate.classical_fits
    if not wanted or not are_waveforms(test) or not set(KNOWN) <= set(test.spectator_names):
        return None
    if config.simulate is None or config.simulate.process != "xenon" or test.origin.kind != "simulated":
        return None
    root = SeedSequence(config.seed, spawn_key=(int.from_bytes(b"limit", "big"),))
    seeds, resamples = root.spawn(3), config.evaluate.resamples
    drawn = np.random.default_rng(seeds[_DRAWN]).permutation(len(test))[: max(MOST_AVERAGED, wanted)]
    rows, fitted = np.sort(drawn), np.sort(drawn[:wanted])
    detector, target, weight = lz(), test.target.astype(np.float64), test.weight.astype(np.float64)
    with progress.task("computing the Cramér–Rao bound", len(rows)) as advance:
        bounds = np.full(len(test), np.nan)
        for row in rows:
            bounds[row] = _deviation(_pulses(test, int(row)), bound, detector)
            advance(1)
    fits = fit_separations(spill.take(test.features, fitted), jobs=jobs, progress=progress)
    fits, fitted = fits[np.isfinite(fits)], fitted[np.isfinite(fits)]
    width = pulse_width(detector, float(np.median(test.spectator("drift time"))))
    bounded, far = np.isfinite(bounds), target > width
    apart, fit_apart = rows[(far & bounded)[rows]], (far & bounded)[fitted]
    errors = {name: (scores - target)[apart] for name, scores in judged.scores.items()}
    of_models = dict(zip(errors, seeds[_RESAMPLED].spawn(len(errors)), strict=True))
    predicted = Predicted(target=target[fitted], prediction=fits, weight=weight[fitted])
    column = ProfileColumn(name=judged.evaluation.target.name, values=target[fitted], edges=target_edges())
    return Limit(
        curves=_curves(test, detector),
        averaged=_averaged(target[rows], bounds[rows]),
        n_averaged=len(rows),
        fits=residual_profile(predicted, column, resamples=resamples, seed=seeds[_PROFILE]),
        n_fits=len(fitted),
        pulse_width=width,
        ratios={
            name: _ratio(error, bounds[apart], weight[apart], resamples=resamples, seed=of_models[name])
            for name, error in errors.items()
        },
        fit_ratio=_ratio(
            (fits - target[fitted])[fit_apart],
            bounds[fitted][fit_apart],
            weight[fitted][fit_apart],
            resamples=resamples,
            seed=seeds[_RESAMPLED].spawn(1)[0],
        ),
        n_apart=len(apart),
        n_fits_apart=int(fit_apart.sum()),
        n_unbounded=int((far & ~bounded)[rows].sum()),
        light_ratio=_light_ratio(test, drawn[(far & bounded)[drawn]][:MOST_BY_LIGHT], bounds, detector, progress),
    )


def with_limit(judged: JudgedRegression, config: TaskConfig, *, jobs: Jobs, progress: Progress) -> JudgedRegression:
    """The same regression with what its simulator allows beside it, where that is asked for and known."""
    allowed = limit(judged, config, jobs=jobs, progress=progress)
    return replace(judged, evaluation=judged.evaluation.model_copy(update={"limit": allowed}))


def pulse_width(detector: XenonDetector, drift_time: float) -> float:
    """Full width at half maximum of one pulse's expected light after this drift in µs, as a share of 30 mm."""
    shape = detector.pulse_shape(_END, drift_time)
    above = np.flatnonzero(shape >= shape.max() / 2)
    return float((above[-1] - above[0] + 1) * SAMPLE * detector.drift_velocity / FULL)


def _pulses(test: Events, row: int) -> TwoPulses | None:
    """Those of one waveform; None where there are no two."""
    later, drift, first, second = (float(test.spectator(name)[row]) for name in KNOWN)
    if not (np.isfinite(later) and first > 0 and second > 0):
        return None
    return TwoPulses(separation=later, end=_END, drift_time=drift, first=first, second=second)


def _deviation(pulses: TwoPulses | None, least: Least, detector: XenonDetector) -> float:
    """The least standard deviation of d; infinite where there is none."""
    found = None if pulses is None else least(pulses, detector)
    return np.inf if found is None else found


def _by_light(pulses: TwoPulses, detector: XenonDetector) -> float | None:
    return least_deviation(light_information(pulses, detector), detector)


def _light_ratio(
    test: Events, rows: NDArray[np.int64], bounds: Floats, detector: XenonDetector, progress: Progress
) -> float | None:
    """What mean and covariance of the light allow over what the electrons allow, root mean squares of these events."""
    with progress.task("computing what the light allows", len(rows)) as advance:
        light = np.empty(len(rows))
        for k, row in enumerate(rows):
            light[k] = _deviation(_pulses(test, int(row)), _by_light, detector)
            advance(1)
    known = np.isfinite(light)
    if known.sum() < FEWEST_EVENTS:
        return None
    return float(np.sqrt(np.mean(light[known] ** 2) / np.mean(bounds[rows][known] ** 2)))


def _averaged(target: Floats, bounds: Floats) -> tuple[float | None, ...]:
    edges = target_edges()
    place = np.clip(np.searchsorted(edges, target, side="right") - 1, 0, len(edges) - 2)
    found: list[float | None] = []
    for k in range(len(edges) - 1):
        here = bounds[place == k]
        mean = np.sqrt(np.mean(here**2)) if len(here) else np.inf
        found.append(float(mean) if mean < _WHOLE_RANGE else None)
    return tuple(found)


def _ratio(error: Floats, bounds: Floats, weight: Floats, *, resamples: int, seed: SeedSequence) -> Quantity:
    """RMSE over the averaged bound, with the percentile interval of a bootstrap of the events; bounds are finite."""
    if len(error) < FEWEST_EVENTS:
        return UNDEFINED
    squares = np.stack([error**2, bounds**2])

    def measure(drawn: Floats) -> Floats:
        of_errors, of_bounds = np.einsum("ki,i->k", squares, drawn)
        return np.array([np.sqrt(of_errors / of_bounds) if of_errors >= 0 and of_bounds > 0 else np.nan])

    replicas = bootstrap_events(weight, measure, resamples=resamples, seed=seed)
    return around(finite(measure(weight)[0]), percentile_interval(replicas[:, 0]))


def _curves(test: Events, detector: XenonDetector) -> tuple[LimitCurve, ...]:
    """For pulses of equal size that come from the middle of the detector."""
    electrons = np.quantile(test.spectator("first electrons") + test.spectator("second electrons"), _SIZES)
    drift = float(np.median(test.spectator("drift time")))
    targets = np.linspace(0.02, 1, 50)
    curves = []
    for total in electrons:
        deviation = []
        for target in targets:
            later = float(target) * FULL / detector.drift_velocity
            pulses = TwoPulses(separation=later, end=_END, drift_time=drift, first=total / 2, second=total / 2)
            found = bound(pulses, detector)
            deviation.append(found if found is not None and found < _WHOLE_RANGE else None)
        size = f"2 × {total / 2:.0f} electrons"
        curves.append(LimitCurve(size=size, target=tuple(targets.tolist()), deviation=tuple(deviation)))
    return tuple(curves)
