"""The Cramér–Rao bound on the separation of two pulses: what the detector's electrons and light allow.

An estimate of the separation competes with what else is unknown of a waveform: when the first pulse comes, how deep it
lies (which says how wide both are), and how many electrons each has. A waveform is a random function of the times at
which electrons enter the gas, which are a Poisson process. So nobody can know more than who sees these times themselves
(data processing): the bound from `arrival_information` holds for any unbiased estimate. On the other side, whatever the
distribution of the light, its mean and covariance alone are worth `light_information` (the best linear unbiased
estimate): the true bound lies between both.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from hepsieve.simulate.xenon_bins import Bins, Floats, TwoPulses
from hepsieve.simulate.xenon_detector import FULL, XenonDetector

_ALL = Bins(samples=10)
_SINGULAR = 1e10  # of a matrix of correlations: beyond it no figure of its inverse is left


def arrival_information(pulses: TwoPulses, detector: XenonDetector) -> Floats:
    """Fisher information of the electrons' times of entry about the five parameters, shape (5, 5).

    Of a Poisson process with the density r it is ∫ ∂r ∂r / r dt (the limit of small bins, each of which is a Poisson
    number with the information ∂μ ∂μ / μ).
    """
    rate, slope = _ALL.entering(pulses, detector), _ALL.slopes(pulses, detector)
    seen = rate > 1e-12
    return np.asarray((slope[:, seen] / rate[seen]) @ slope[:, seen].T)


def light_information(pulses: TwoPulses, detector: XenonDetector) -> Floats:
    """Information of the light's mean and covariance in bins of 0.1 µs about the five parameters, shape (5, 5).

    The information ∂μᵀ C⁻¹ ∂μ of the best linear unbiased estimate (Gauss, Markov and Aitken).
    """
    slope = detector.single_electron * _ALL.slopes(pulses, detector) @ _ALL.response(detector).T
    factor = cho_factor(_ALL.covariance(_ALL.entering(pulses, detector), detector), lower=True)
    return np.asarray(slope @ cho_solve(factor, slope.T))


def least_deviation(information: Floats, detector: XenonDetector) -> float | None:
    """The least standard deviation of d that this information allows, a share of 30 mm; None where it allows none.

    The other parameters are as unknown as the separation.
    """
    scale = np.sqrt(np.diag(information))
    if not (scale > 0).all():
        return None
    correlation = information / np.outer(scale, scale)
    if np.linalg.cond(correlation) > _SINGULAR:
        return None
    variance = np.linalg.inv(correlation)[0, 0] / scale[0] ** 2
    return float(np.sqrt(variance)) * detector.drift_velocity / FULL


def bound(pulses: TwoPulses, detector: XenonDetector) -> float | None:
    """The Cramér–Rao bound on the standard deviation of d, a share of 30 mm; None where there is none.

    >>> from hepsieve.simulate.xenon_detector import lz
    >>> apart = TwoPulses(separation=15, end=12, drift_time=500, first=50, second=50)
    >>> round(bound(apart, lz()), 3)
    0.012
    """
    return least_deviation(arrival_information(pulses, detector), detector)
