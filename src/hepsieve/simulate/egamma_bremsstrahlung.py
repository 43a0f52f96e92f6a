"""Bremsstrahlung of electrons on neutral atoms from closed formulae: what tables of Geant4 hold.

Screened Born approximation in the form of Butcher and Messel (H. W. Koch and J. W. Motz, Rev. Mod. Phys. 31 (1959)
920, formula 3BS; screening functions as in SLAC-265, section 2.7) with the Coulomb correction of Davies, Bethe and
Maximon (Phys. Rev. 93 (1954) 788). Below 50 MeV, where the Born approximation is poor, the Coulomb correction sets in
smoothly, and Elwert's factor (Ann. Phys. 34 (1939) 178) lifts the end of the spectrum. The loss of energy that
follows is within 4 % of the tables of Seltzer and Berger (1986) for tungsten and lead at 10 MeV, 15 % low at 1 MeV, and
half at 0.1 MeV, where electrons lose a fiftieth of their energy in this way.
"""

from __future__ import annotations

import numpy as np

from hepsieve.simulate.particles import Floats

ELECTRON_MASS = 0.51099895  # MeV
ALPHA = 1 / 137.035999
_ALPHA_R2 = 0.57946  # α r_e² in mb
_ONSET = 15.0  # MeV, where the Coulomb correction is at about a third
_LARGEST_ELWERT = 2.0
_LEAST_OF_SOFT = 0.08  # no photon energy has less than this share of the soft limit: the Born spectrum ends at 0


def coulomb_correction(z: int) -> float:
    """f(Z) of Davies, Bethe and Maximon, eq. (38), in the series of the Review of Particle Physics.

    >>> round(coulomb_correction(82), 4)
    0.3316
    """
    a2 = (ALPHA * z) ** 2
    return a2 * (1 / (1 + a2) + 0.20206 - 0.0369 * a2 + 0.0083 * a2**2 - 0.002 * a2**3)


def scaled_cross_section(z: int, share: Floats, kinetic: float) -> Floats:
    """β²/Z² · k dσ/dk in mb for photons of these shares k/T of the electron's kinetic energy T in MeV.

    Radiation in the field of the atom's electrons is included by Z² → Z(Z + ξ).
    """
    share = np.minimum(share, 1 - 1e-7)
    before = kinetic + ELECTRON_MASS
    photon = share * kinetic
    after = before - photon
    log_z, coulomb = np.log(z), coulomb_correction(z)
    first, second = _screening(136 * z ** (-1 / 3) * ELECTRON_MASS * photon / (before * after))
    lowered = 4 / 3 * log_z + 4 * coulomb / (1 + (_ONSET / kinetic) ** 1.5)
    ratio = after / before
    nuclear = (1 + ratio**2) * (first - lowered) - 2 / 3 * ratio * (second - lowered)
    xi = (np.log(1194) - 2 / 3 * log_z) / (np.log(184.15) - log_z / 3 - coulomb)
    beta2 = 1 - (ELECTRON_MASS / before) ** 2
    scaled = _ALPHA_R2 * (1 + xi / z) * np.maximum(nuclear, 0) * beta2 * _elwert(z, before, after)
    found: Floats = np.maximum(scaled, _LEAST_OF_SOFT * scaled[0])
    # Below 5 MeV the lifted end would make a peak of its own.
    return np.minimum.accumulate(found) if kinetic <= 5 else found


def _screening(delta: Floats) -> tuple[Floats, Floats]:
    """φ₁ and φ₂ for the screening variable δ, Butcher and Messel's fit to the Thomas-Fermi atom."""
    far = 21.12 - 4.184 * np.log(delta + 0.952)
    first = np.where(delta <= 1, 20.867 - 3.242 * delta + 0.625 * delta**2, far)
    second = np.where(delta <= 1, 20.209 - 1.930 * delta - 0.086 * delta**2, far)
    return first, second


def _elwert(z: int, before: float, after: Floats) -> Floats:
    """The ratio of the densities of the slow and the fast electron's waves at the nucleus, at most 2."""
    fast = np.sqrt(1 - (ELECTRON_MASS / before) ** 2)
    slow = np.sqrt(1 - (ELECTRON_MASS / np.maximum(after, ELECTRON_MASS + 1e-7)) ** 2)
    force = 2 * np.pi * z * ALPHA
    ratio: Floats = fast / slow * np.expm1(-force / fast) / np.expm1(-force / slow)
    return np.minimum(ratio, _LARGEST_ELWERT)
