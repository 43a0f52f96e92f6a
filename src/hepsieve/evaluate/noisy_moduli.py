"""Sums of moduli of noisy numbers, which noise can only raise, turned into intervals of the sum without the noise."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from hepsieve.evaluate.ranked import Floats

# Which multiples of what was found are tried for the truth.
MULTIPLES = np.linspace(0.0, 3.0, 601)
NORMAL = 1.959964


def noisy_moduli_interval(values: Floats, errors: Floats) -> tuple[float, float]:
    """The 95 % interval of Σ|truth| from normal values with these errors, by inverting a test.

    A truth is tried that has the shape of the values and is t times as large. The sum of moduli that it would give is
    taken as normal, with the means and variances of folded normal distributions (Leone, Nelson and Nottingham,
    Technometrics 3 (1961) 543); the interval holds all t for which the sum found lies between the 2.5 % and the 97.5 %
    quantile. Mirrored percentiles of a bootstrap fall short here: they correct for the noise as if the values found
    were the truth, and hold an ECE of 0.06 of 200 events 87 % of the time.

    Args:
        values: shape (k,), independent.
        errors: shape (k,), their standard deviations.
    """
    found = float(np.abs(values).sum())
    tried = MULTIPLES[:, np.newaxis] * np.abs(values)
    means = _folded_means(tried, errors)
    mean = means.sum(axis=1)
    deviation = np.sqrt(np.maximum(tried**2 + errors**2 - means**2, 0.0).sum(axis=1))
    allowed = np.flatnonzero(np.abs(mean - found) <= NORMAL * deviation)
    if not len(allowed):
        # Values without errors: what was found is the truth. Hardly any but at t = 0: noise alone made it.
        return (found, found) if not (errors > 0).any() else (0.0, 0.0)
    return float(MULTIPLES[allowed[0]]) * found, float(MULTIPLES[allowed[-1]]) * found


def _folded_means(means: Floats, errors: Floats) -> Floats:
    """The mean modulus of normal numbers with these means and standard deviations."""
    ratio = np.divide(means, errors, out=np.full(means.shape, np.inf), where=errors > 0)
    density = np.exp(-(ratio**2) / 2) * np.sqrt(2 / np.pi)
    folded: Floats = errors * density + means * (1 - 2 * ndtr(-ratio))
    return folded
