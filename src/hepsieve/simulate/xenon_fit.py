"""Waveforms to the separation of their two pulses by maximum likelihood: the classical reference.

The likelihood is that of photons which come independently of each other, with the density that the detector's model
gives them: binned, Poisson's. In truth photons come in bunches, one for each electron, whose light lasts 1.4 µs, about
half as long as a pulse; that widens the errors of the fit, but with more and more electrons it still finds the truth (a
composite likelihood). Above one pulse width it comes within a few per cent of the bound. Where pulses overlap it is
biased: a separation can't be negative, so that errors near 0 go up only. What is fitted are the five parameters of
`TwoPulses`. Unlike a network it learned nothing: it is told how the detector works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hepsieve.engines import Jobs, in_order
from hepsieve.events import FloatArray
from hepsieve.progress import Progress, Silent
from hepsieve.simulate.xenon_bins import Bins, Floats, TwoPulses
from hepsieve.simulate.xenon_detector import FULL, SAMPLE, SAMPLES, XenonDetector, lz

_SAMPLES = 20
_MARGIN = 15  # bins on either side of the light: 3 µs
_TRIALS = 60
_ENOUGH = 1e-4  # a smaller rise of the log-likelihood is none
_LEAST = 1e-9  # information about a parameter on which the light does not depend
_DARK = 1e-2  # photons in a bin where no electron is expected
_BLOCK = 25
_SILENT = Silent()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Light:
    """One waveform's light in bins around its pulses."""

    bins: Bins
    light: Floats
    detector: XenonDetector

    @cached_property
    def response(self) -> Floats:
        return self.bins.response(self.detector)

    @cached_property
    def time(self) -> Floats:
        return (self.bins.edges[1:] + self.bins.edges[:-1]) / 2


def fit_separations(waveforms: FloatArray, *, jobs: Jobs = 1, progress: Progress = _SILENT) -> Floats:
    """The separation d of two pulses in each waveform, a share of 30 mm, shape (n,); NaN where there is no light.

    Args:
        waveforms: in phd a sample of 10 ns, shape (n, 5000) or (n, 5000, 1).
        jobs: processes, or an engine, to share the work among.
        progress: shows the waveforms that are done.
    """
    blocks = [waveforms[start : start + _BLOCK] for start in range(0, len(waveforms), _BLOCK)]
    found: list[Floats] = []
    with progress.task("fitting pulses", len(waveforms)) as advance:
        for block, fitted in zip(blocks, in_order(_fit_block, blocks, jobs), strict=True):
            found.append(fitted)
            advance(len(block))
    return np.concatenate([*found, np.empty(0)])


def _fit_block(waveforms: FloatArray) -> Floats:
    detector = lz()
    fits = [fit(waveform.reshape(SAMPLES), detector) for waveform in waveforms]
    separations = [np.nan if pulses is None else pulses.separation for pulses in fits]
    return np.array(separations) * (detector.drift_velocity / FULL)


def fit(waveform: FloatArray, detector: XenonDetector) -> TwoPulses | None:
    """The two pulses that make this waveform, shape (5000,), most likely; None where there is no light."""
    seen = _around_the_light(waveform, detector)
    if not seen.light.any():
        return None
    best, most = None, -np.inf
    for start in _starts(seen):
        pulses, likelihood = _climb(seen, start)
        if likelihood > most:
            best, most = pulses, likelihood
    return best


def _around_the_light(waveform: FloatArray, detector: XenonDetector) -> _Light:
    light = waveform.astype(np.float64).reshape(-1, _SAMPLES).sum(axis=1)
    # A single electron gives some 50 phd in 1.4 µs, seven bins; the noise of a bin is below 1 phd.
    bright = np.flatnonzero(light > 3.0)
    first, last = (bright[0], bright[-1]) if bright.size else (0, len(light) - 1)
    bins = Bins(samples=_SAMPLES, start=max(0, first - _MARGIN), stop=min(len(light), last + _MARGIN + 1))
    return _Light(bins=bins, light=np.maximum(light[bins.start : bins.stop], 0.0), detector=detector)


def _starts(seen: _Light) -> Iterator[TwoPulses]:
    """Where to begin: cut in two where both sides are narrowest (Otsu's threshold), and two pulses in one place."""
    light, time, detector = seen.light, seen.time, seen.detector
    total = light.sum()
    delay = detector.emission_moments()[0] + detector.trapping
    share = np.cumsum(light)[:-1] / total
    moment = np.cumsum(light * time)
    before, after = moment[:-1] / (share * total + 1e-9), (moment[-1] - moment[:-1]) / ((1 - share) * total + 1e-9)
    usable = (share > 0.05) & (share < 0.95)
    between = np.where(usable, share * (1 - share) * (after - before) ** 2, -1.0)
    cut = int(np.argmax(between))
    centre = moment[-1] / total
    variance = float((light * (time - centre) ** 2).sum() / total)
    electrons = total / detector.single_electron
    for first_share, apart in ((share[cut], after[cut] - before[cut]), (0.5, 0.7 * np.sqrt(variance))):
        within = variance - first_share * (1 - first_share) * apart**2 - detector.emission_moments()[1]
        drift = (within - detector.trapping**2) * detector.drift_velocity**2 / (2 * detector.diffusion)
        yield _allowed(
            TwoPulses(
                separation=float(apart),
                end=float(centre - delay - (1 - first_share) * apart),
                drift_time=float(drift),
                first=float(first_share * electrons),
                second=float((1 - first_share) * electrons),
            ),
            detector,
        )


def _allowed(pulses: TwoPulses, detector: XenonDetector) -> TwoPulses:
    """The nearest that the detector allows."""
    shortest, longest = detector.drift_times
    return replace(
        pulses,
        separation=float(np.clip(pulses.separation, 0.0, FULL / detector.drift_velocity)),
        end=float(np.clip(pulses.end, 0.0, SAMPLES * SAMPLE)),
        drift_time=float(np.clip(pulses.drift_time, shortest, longest)),
        first=max(pulses.first, 1.0),
        second=max(pulses.second, 1.0),
    )


def _climb(seen: _Light, start: TwoPulses) -> tuple[TwoPulses, float]:
    """The nearest maximum of the log-likelihood, by Fisher's scoring with damped steps, and its height."""
    pulses, damping = start, 1e-2
    height, score, information = _score(seen, pulses)
    for _ in range(_TRIALS):
        damped = damping * np.diag(np.maximum(np.diag(information), _LEAST))
        step = np.linalg.solve(information + damped, score)
        tried = _allowed(pulses.moved(step), seen.detector)
        new_height, new_score, new_information = _score(seen, tried)
        if new_height <= height:
            damping *= 10
            if damping > 1e6:
                break
            continue
        rise, pulses, damping = new_height - height, tried, damping / 10
        height, score, information = new_height, new_score, new_information
        if rise < _ENOUGH:
            break
    return pulses, height


def _score(seen: _Light, pulses: TwoPulses) -> tuple[float, Floats, Floats]:
    """Log-likelihood, its derivatives by the five parameters, and the information of as many independent photons."""
    into_light = seen.detector.single_electron * seen.response
    expected = into_light @ seen.bins.entering(pulses, seen.detector) + _DARK
    slopes = seen.bins.slopes(pulses, seen.detector) @ into_light.T
    height = float((seen.light * np.log(expected) - expected).sum())
    return height, slopes @ (seen.light / expected - 1), np.asarray((slopes / expected) @ slopes.T)
