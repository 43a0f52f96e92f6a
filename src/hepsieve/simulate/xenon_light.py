"""Electrons that enter the gas turned into the waveform of their light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from hepsieve.events import FloatArray
from hepsieve.simulate.xenon_detector import SAMPLE, SAMPLES, XenonDetector
from hepsieve.simulate.xenon_recoils import Recoils

DARK = np.float32(1e-5)
"""phd in a sample below which there is none: the rounding of a transform is about a tenth of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrivals:
    """Electrons that enter the gas.

    Attributes:
        recoil: that each comes from, as position in the flattened (n, 2) arrays of ``Recoils``; ascending.
        time: of entry, in µs after the window's beginning.
    """

    recoil: NDArray[np.int64]
    time: NDArray[np.float64]


def draw_arrivals(recoils: Recoils, detector: XenonDetector, rng: np.random.Generator) -> Arrivals:
    """The electrons of all recoils, after their drift and their wait at the surface."""
    recoil = np.repeat(np.arange(recoils.electrons.size), recoils.electrons.ravel())
    spread = detector.diffusion_time(recoils.drift_time).ravel()
    drifted = recoils.end.ravel()[recoil] + spread[recoil] * rng.standard_normal(len(recoil))
    return Arrivals(recoil=recoil, time=drifted + rng.exponential(detector.trapping, len(recoil)))


def expected_light(arrivals: Arrivals, rows: int, detector: XenonDetector, rng: np.random.Generator) -> FloatArray:
    """Mean number of photons in each sample, given when electrons came and how bright each is, shape (rows, 5000)."""
    sample = np.floor(arrivals.time / SAMPLE).astype(np.int64)
    bright = rng.normal(detector.single_electron, detector.gain_spread, len(sample))
    seen = (sample >= 0) & (sample < SAMPLES)
    place = arrivals.recoil[seen] // 2 * SAMPLES + sample[seen]
    entering = np.bincount(place, bright[seen], rows * SAMPLES).astype(np.float32).reshape(rows, SAMPLES)
    template = detector.emission_template().astype(np.float32)
    length = next_fast_len(SAMPLES + len(template) - 1, real=True)
    spectrum = rfft(entering, length, axis=1)
    spectrum *= rfft(template, length)
    return np.asarray(irfft(spectrum, length, axis=1, overwrite_x=True)[:, :SAMPLES])


def detect(
    light: FloatArray, detector: XenonDetector, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Waveforms in phd of this expected light, shape (rows, 5000), and how many photons are in each, shape (rows,)."""
    waveforms = rng.standard_normal(light.shape, dtype=np.float32)
    waveforms *= np.float32(detector.noise)
    bright = light > DARK
    photons = rng.poisson(light[bright])
    # The charge of a photon as a gamma variate: never negative, and that of k photons is one too.
    variance = np.float32(detector.charge_spread**2)
    waveforms[bright] += variance * rng.standard_gamma(photons.astype(np.float32) / variance, dtype=np.float32)
    first = np.concatenate([[0], np.cumsum(np.count_nonzero(bright, axis=1))[:-1]])
    sums = np.concatenate([[0], np.cumsum(photons)])
    last = np.append(first[1:], len(photons))
    return waveforms, sums[last] - sums[first]
