"""Mean and covariance of two pulses' light in bins of time, as the detector's model says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import exponnorm

from hepsieve.simulate.xenon_detector import SAMPLE, SAMPLES, XenonDetector

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TwoPulses:
    """What has to be known of a waveform with two pulses.

    Attributes:
        separation: of the expected ends of both drifts, in µs.
        end: of the first drift, in µs after the first sample's beginning.
        drift_time: of the first pulse, in µs; the second drifts longer by ``separation``.
        first: electrons of the first pulse, on average.
        second: electrons of the second.
    """

    separation: float
    end: float
    drift_time: float
    first: float
    second: float

    def moved(self, step: NDArray[np.floating]) -> TwoPulses:
        """With a step, shape (5,), added to the parameters."""
        return TwoPulses(
            **{name: value + float(by) for (name, value), by in zip(asdict(self).items(), step, strict=True)}
        )


# How far each parameter is moved, up and down, to find a derivative.
_STEPS = asdict(TwoPulses(separation=1e-3, end=1e-3, drift_time=0.1, first=1e-2, second=1e-2))


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Bins of time from the waveform's beginning, or a range of them.

    Attributes:
        samples: in one bin.
        start: the first bin that is looked at.
        stop: one past the last; None for all of the waveform.
    """

    samples: int
    start: int = 0
    stop: int | None = None

    @property
    def width(self) -> float:
        """Of one bin, in µs."""
        return self.samples * SAMPLE

    @cached_property
    def edges(self) -> Floats:
        """Of the bins, in µs."""
        stop = SAMPLES // self.samples if self.stop is None else self.stop
        return np.arange(self.start, stop + 1, dtype=np.float64) * self.width

    def entering(self, pulses: TwoPulses, detector: XenonDetector) -> Floats:
        """Electrons that enter the gas in each bin, on average, shape (bins,)."""
        return np.asarray(np.array([pulses.first, pulses.second]) @ self._shares(pulses, detector), dtype=np.float64)

    def slopes(self, pulses: TwoPulses, detector: XenonDetector) -> Floats:
        """Derivatives of ``entering`` by the five parameters, in the order of ``TwoPulses``, shape (5, bins)."""
        found = []
        for name, step in _STEPS.items():
            value = getattr(pulses, name)
            up, down = (self.entering(replace(pulses, **{name: value + sign * step}), detector) for sign in (1.0, -1.0))
            found.append((up - down) / (2 * step))
        return np.stack(found)

    def response(self, detector: XenonDetector) -> Floats:
        """Share of an electron's light in each bin (rows) for the bin in which it enters the gas (columns)."""
        bins = len(self.edges) - 1
        template = detector.emission_template()
        # An electron enters anywhere in its bin: the mean over the samples of that bin.
        even = np.convolve(template, np.full(self.samples, 1 / self.samples))
        whole = -(-len(even) // self.samples)
        share = np.zeros(max(whole, bins))
        share[:whole] = np.pad(even, (0, whole * self.samples - len(even))).reshape(whole, self.samples).sum(axis=1)
        lag = np.arange(bins)[:, np.newaxis] - np.arange(bins)
        return np.where(lag >= 0, share[np.maximum(lag, 0)], 0.0)

    def covariance(self, rate: Floats, detector: XenonDetector) -> Floats:
        """Covariance in phd² of the light in bins, for these electrons per bin on average, shape (bins, bins).

        Electrons are a Poisson process of which each gives light of its own amount; photons, their charge and the noise
        come on top, independently in each sample.
        """
        spread = self.response(detector)
        brightness = detector.single_electron**2 + detector.gain_spread**2
        light = detector.single_electron * spread @ rate
        own = light * (1 + detector.charge_spread**2) + self.samples * detector.noise**2
        return np.asarray((spread * (brightness * rate)) @ spread.T + np.diag(own))

    def _shares(self, pulses: TwoPulses, detector: XenonDetector) -> Floats:
        """Probabilities that an electron of either pulse enters the gas in each bin, shape (2, bins)."""
        later = np.array([[0.0], [pulses.separation]])
        spread = detector.diffusion_time(pulses.drift_time + later)
        before = exponnorm.cdf(self.edges - pulses.end - later, detector.trapping / spread, scale=spread)
        return np.asarray(np.diff(before, axis=1))
