"""The detector's constants from NEST, and the light that it is expected to see of drifted electrons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import exponnorm

from hepsieve.errors import install_hint

Floats = NDArray[np.float64]

SAMPLES = 5000
SAMPLE = 0.01
"""µs from one sample to the next."""
FULL = 30.0
"""mm between two pulses at which the target d is 1."""
NAME = "LZ_WS2024"
RECOILS = np.linspace(1.0, 200.0, 200)
"""keV at which NEST is asked for yields."""

# NEST has these in its code, but nestpy does not hand them out. The first two are those of the pulses that nestpy 2.1.3
# makes of few electrons after 2 and 1000 µs of drift (S2CalculationMode.Waveform): (24.1 ± 0.4) cm²/s from the growth
# of their variance, and (0.85 ± 0.01) µs from what is left of it without drift.
DIFFUSION = 24e-4
"""Diffusion along the drift in mm²/µs, at the field in the middle of this detector."""
TRAPPING = 0.85
"""µs that an electron waits on average before it leaves the liquid."""
SINGLET, TRIPLET, SINGLET_SHARE = 0.00518, 0.1001, 0.1 / 1.1
"""Lifetimes in µs of the two excited states of Xe₂ in gas, and how often it is the short one (NESTcalc::PhotonTime)."""
NOISE = 0.05
"""phd in a sample, standard deviation; NEST has no noise for this detector, so this is a choice: far below one
photon."""


@dataclass(frozen=True, kw_only=True)
class XenonDetector:
    """A dual-phase xenon detector: what becomes of the electrons of a recoil.

    The statistical model: a recoil sets free a number of electrons, Poisson distributed, of which a share survives the
    drift and gets into the gas. Each of them comes independently of the others, at a time with the density
    ``arrival_density``, and has an expected light of its own, normally distributed with mean ``single_electron`` and
    standard deviation ``gain_spread``. Given times and light of all electrons, the photons in a sample are Poisson
    distributed with the mean λ that ``emission_template`` makes of them; their charge has mean λ and, in all, the
    variance ``sample_variance(λ)``.

    Attributes:
        drift_velocity: of electrons in the liquid, in mm/µs.
        drift_times: µs, from the shortest to the longest drift of a first pulse: the upper half of the detector.
        lifetime: of a drifting electron, in µs.
        extraction: probability that an electron leaves the liquid.
        diffusion: along the drift, in mm²/µs.
        trapping: mean time of an exponential wait at the surface, in µs.
        gas_transit: time for the way through the gas, where light is made evenly, in µs.
        single_electron: mean light of an electron in the gas, in detected photons (phd).
        gain_spread: standard deviation of an electron's expected light, in phd; Poisson's comes on top.
        charge_spread: standard deviation of a detected photon's charge, in phd.
        noise: standard deviation of a sample without light, in phd.
        recoil_electrons: electrons that a nuclear recoil of ``RECOILS`` keV sets free on average.
    """

    drift_velocity: float
    drift_times: tuple[float, float]
    lifetime: float
    extraction: float
    diffusion: float
    trapping: float
    gas_transit: float
    single_electron: float
    gain_spread: float
    charge_spread: float
    noise: float
    recoil_electrons: tuple[float, ...]

    def electrons(self, energy: Floats) -> Floats:
        """Electrons that nuclear recoils of these energies in keV set free on average."""
        return np.interp(energy, RECOILS, self.recoil_electrons)

    def arriving(self, drift_time: Floats) -> Floats:
        """Share of electrons that get into the gas after these drift times in µs."""
        return self.extraction * np.exp(-np.asarray(drift_time) / self.lifetime)

    def diffusion_time(self, drift_time: Floats) -> Floats:
        """Standard deviation in µs of the arrival after these drift times in µs: √(2 D t) / v."""
        return np.sqrt(2 * self.diffusion * np.asarray(drift_time)) / self.drift_velocity

    def arrival_distribution(self, time: Floats, drift_time: float) -> Floats:
        """Probability that an electron enters the gas before ``time``, in µs after its expected end of drift.

        The distribution of a sum of the diffusion's normal deviate and the wait's exponential one.
        """
        spread = float(self.diffusion_time(np.asarray(drift_time)))
        return np.asarray(exponnorm.cdf(time, self.trapping / spread, scale=spread))

    def arrival_density(self, time: Floats, drift_time: float) -> Floats:
        """Density in 1/µs of an electron's entry into the gas, ``time`` µs after its expected end of drift."""
        spread = float(self.diffusion_time(np.asarray(drift_time)))
        return np.asarray(exponnorm.pdf(time, self.trapping / spread, scale=spread))

    def emission_template(self) -> Floats:
        """Shares of an electron's light in the sample in which it enters the gas, and in each one after, shape (k,).

        Light is made evenly on the way through the gas by molecules that decay exponentially. The entry is taken as
        even within its sample. The shares sum up to 1.
        """
        length = int(np.ceil((self.gas_transit + 12 * TRIPLET) / SAMPLE))
        edges = SAMPLE * np.arange(-1, length + 1, dtype=np.float64)
        # The share is an integral over entry and emission: the second difference of the twice integrated distribution.
        twice = _twice_integrated(edges, self.gas_transit)
        shares = np.diff(twice, n=2) / SAMPLE
        return np.asarray(shares / shares.sum())

    def emission_moments(self) -> tuple[float, float]:
        """Mean and variance, in µs and µs², of the time from an electron's entry into the gas to a photon."""
        mean = SINGLET_SHARE * SINGLET + (1 - SINGLET_SHARE) * TRIPLET
        second = 2 * (SINGLET_SHARE * SINGLET**2 + (1 - SINGLET_SHARE) * TRIPLET**2)
        return self.gas_transit / 2 + mean, self.gas_transit**2 / 12 + second - mean**2

    def pulse_shape(self, end: float, drift_time: float) -> Floats:
        """Expected light of a pulse in each sample, shape (5000,), as a share of all of it.

        Args:
            end: of the drift as expected, in µs after the first sample's beginning.
            drift_time: in µs.
        """
        edges = SAMPLE * np.arange(SAMPLES + 1, dtype=np.float64) - end
        entering = np.diff(self.arrival_distribution(edges, drift_time))
        return np.convolve(entering, self.emission_template())[:SAMPLES]

    def sample_variance(self, light: Floats) -> Floats:
        """Variance of a sample in phd² for an expected ``light`` in phd: photons, their charge, and noise."""
        return np.asarray(light) * (1 + self.charge_spread**2) + self.noise**2


def _twice_integrated(time: Floats, transit: float) -> Floats:
    """The emission's distribution function, integrated from 0 to ``time``."""

    def thrice(t: Floats) -> Floats:
        t = np.maximum(t, 0.0)
        terms = (
            share * (t**2 / 2 - decay * t - decay**2 * np.expm1(-t / decay))
            for share, decay in ((SINGLET_SHARE, SINGLET), (1 - SINGLET_SHARE, TRIPLET))
        )
        return np.asarray(sum(terms))

    return (thrice(time) - thrice(time - transit)) / transit


def load_nestpy() -> Any:
    """The module ``nestpy``.

    Raises:
        MissingExtra: if it is not installed.
    """
    try:
        import nestpy
    except ImportError:
        raise install_hint("nestpy", "simulate") from None
    return nestpy


@cache
def lz() -> XenonDetector:
    """LUX-ZEPLIN as NEST describes it for its WIMP search of 2024.

    Raises:
        MissingExtra: if nestpy is not installed.
    """
    nestpy = load_nestpy()
    detector = getattr(nestpy.detectors, NAME)()
    nest = nestpy.NESTcalc(detector)
    field, kelvin, bar = detector.field_at_center, detector.T_Kelvin, detector.p_bar
    velocity = nest.SetDriftVelocity(kelvin, detector.density_liquid, field, bar)
    gas_velocity = nest.calculate_drift_velocity_gas(kelvin, bar, detector.density_gas, 1000 * detector.E_gas)
    _, extraction, single_electron, _, gap = nest.CalculateG2(False)
    return XenonDetector(
        drift_velocity=velocity,
        drift_times=(detector.dt_min, detector.dtCntr - FULL / velocity),
        lifetime=detector.eLife_us,
        extraction=extraction,
        diffusion=DIFFUSION,
        trapping=TRAPPING,
        gas_transit=gap / float(gas_velocity),
        single_electron=single_electron,
        # NEST makes photons with s2Fano times Poisson's variance and detects each with the probability g1_gas.
        gain_spread=float(np.sqrt(single_electron * detector.g1_gas * (detector.s2Fano - 1))),
        charge_spread=_charge_spread(detector.P_dphe, detector.sPEres),
        noise=NOISE,
        recoil_electrons=tuple(_electrons(nestpy, nest, detector, energy) for energy in RECOILS),
    )


def _charge_spread(double: float, resolution: float) -> float:
    """Standard deviation of a detected photon's charge relative to its mean.

    Args:
        double: probability that a photon sets free two electrons in the cathode of a phototube.
        resolution: relative spread of the charge of one.
    """
    mean = 1 + double
    return float(np.sqrt(mean * resolution**2 + double * (1 - double)) / mean)


def _electrons(nestpy: Any, nest: Any, detector: Any, energy: float) -> float:
    recoil = nestpy.interactions.NR
    yields = nest.GetYields(
        recoil, float(energy), detector.density_liquid, detector.field_at_center, nr_parameters=detector.nr_parameters
    )
    return float(yields.ElectronYield)
