"""Fast showers of electrons and photons in lead tungstate: their energies to where it is deposited.

A parametrisation in the manner of Grindhammer and Peters (hep-ex/0001020): depths follow a gamma distribution whose
shape and mean vary from shower to shower, radii a distribution that widens with depth, and a finite number of spots
of equal energy stands for the fluctuations that are left. The constants come from Geant4 (``egamma_profiles``).
A photon goes through matter until it makes a pair, which are two showers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from hepsieve.events import FloatArray
from hepsieve.simulate import egamma_profiles as profiles
from hepsieve.simulate.egamma_particles import PHOTON
from hepsieve.simulate.particles import Floats, Ints

SPOTS = 8
"""Spots of a slice; rows of the arrays of spots."""
SLICES_PER_GEV = 20
"""A spot of 6 MeV lets the energy within a radius vary from shower to shower about as it does in Geant4."""
LEAST_SLICES = 2
FARTHEST = 25.0  # cm from the axis; in Geant4 less than 0.01 % of the energy gets farther
_SHAPES = np.linspace(np.log(0.25), np.log(20), 64)
_LOGITS = np.linspace(-8, 9, 96)
_EDGE = 1e-4  # keeps a value below the last point of a table


@dataclass(frozen=True, kw_only=True, eq=False)
class Showers:
    """Showers of electrons, one per entry of each array.

    Attributes:
        particle: row of the particle that each comes from, never decreasing.
        energy: of the electron in GeV.
        start: path of the particle in cm before the shower begins.
        kept: share of the energy that is deposited, were the matter endless.
        shape: ln α of the gamma distribution of depths.
        mean: mean depth in cm from the start on.
        width: factor on the spread of depths beside which radii are looked up.
    """

    particle: Ints
    energy: Floats
    start: Floats
    kept: Floats
    shape: Floats
    mean: Floats
    width: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Slices:
    """Parts of equal energy of showers, along the depth.

    Attributes:
        shower: row of the shower, never decreasing.
        depth: path from the face in cm.
        energy: of each of the slice's ``SPOTS`` spots in GeV.
        radii: coefficients of the logarithm of the radius, shape (coefficients, slices).
    """

    shower: Ints
    depth: FloatArray
    energy: FloatArray
    radii: FloatArray


def draw_showers(kind: Ints, energy: Floats, rng: np.random.Generator) -> Showers:
    """Showers of particles: one for an electron or positron, two for a photon.

    Args:
        kind: PDG numbers 11, −11 or 22.
        energy: in GeV, from 5 MeV to 100 GeV.
        rng: for everything random.
    """
    photon = kind == PHOTON
    start = np.where(photon, rng.exponential(np.interp(np.log(energy), profiles.PATHS, profiles.FREE_PATH)), 0.0)
    share = np.where(photon, pair_share(len(energy), rng), 1.0)
    particle = np.concatenate([np.arange(len(energy)), np.flatnonzero(photon)])
    part = energy[particle] * np.concatenate([share, 1 - share[photon]])
    order = np.argsort(particle, kind="stable")
    return _vary(particle[order], part[order], start[particle[order]], rng)


def pair_share(n: int, rng: np.random.Generator) -> Floats:
    """Shares of a pair's energy with density 1 − 4/3 u(1 − u) over 7/9 (complete screening).

    This is 1/7 · 3(1 − 2u)² + 6/7: mostly flat, else by the inverse of the cubic.
    """
    chosen, u = rng.random((2, n))
    share: Floats = np.where(chosen < 1 / 7, 0.5 + 0.5 * np.cbrt(2 * u - 1), u)
    return share


def _vary(particle: Ints, energy: Floats, start: Floats, rng: np.random.Generator) -> Showers:
    log = np.log(energy)
    first, second = rng.standard_normal((2, len(energy)))
    tied = profiles.CORRELATION * first + np.sqrt(1 - profiles.CORRELATION**2) * second
    change = np.interp(log, profiles.GRID, profiles.SHAPE_SPREAD) * first
    mean = np.interp(log, profiles.GRID, profiles.MEAN) + np.interp(log, profiles.GRID, profiles.MEAN_SPREAD) * tied
    # Many soft particles turn back from a large shower, few or none from a small one.
    turned = np.maximum(1.5 * energy**0.6, 0.25)
    lost = np.interp(log, profiles.GRID, profiles.LOST) * rng.standard_gamma(turned) / turned
    return Showers(
        particle=particle,
        energy=energy,
        start=start,
        kept=np.maximum(1 - lost, 0.5),
        shape=np.clip(np.interp(log, profiles.GRID, profiles.SHAPE) + change, _SHAPES[0], _SHAPES[-1] - _EDGE),
        mean=np.exp(mean),
        # Showers that are stretched less than others of their energy are as wide where they hold as much energy.
        width=np.exp(change / 2),
    )


def slices(showers: Showers, rng: np.random.Generator) -> Slices:
    """The showers in parts, each at a random depth within its own share of the shower's energy."""
    number = np.maximum(np.ceil(SLICES_PER_GEV * showers.energy).astype(np.int64), LEAST_SLICES)
    shower = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(shower)) - (np.cumsum(number) - number)[shower]
    share = np.maximum((place + rng.random(len(shower))) / number[shower], 1e-9)
    scale = np.clip(np.log(showers.energy / 10), np.log(0.02), np.log(10)).astype(np.float32)[shower]
    relative = _stretched(_gamma_quantiles(showers.shape, shower, share), scale)
    coefficients = _radii(1 + (relative - 1) * showers.width.astype(np.float32)[shower], scale)
    soft = np.minimum(np.log(showers.energy / profiles.SOFT), 0)
    coefficients[0] += (profiles.SOFT_POWER * soft).astype(np.float32)[shower]
    depth = showers.start.astype(np.float32)[shower] + relative * showers.mean.astype(np.float32)[shower]
    return Slices(
        shower=shower,
        depth=depth,
        energy=(showers.energy * showers.kept / (SPOTS * number)).astype(np.float32)[shower],
        radii=coefficients,
    )


def radii(found: Slices, rng: np.random.Generator) -> FloatArray:
    """Random distances in cm of the spots from their showers' axes, shape (``SPOTS``, slices)."""
    # The innermost 4.7 % are moved out, far inside a crystal, and the outermost 0.07 % in: there no radius is fitted.
    share = np.clip(rng.random((SPOTS, len(found.depth)), dtype=np.float32), 0.047, 0.9993)
    logit = np.log(share / (1 - share))
    value = np.broadcast_to(found.radii[-1], logit.shape)
    for coefficient in found.radii[-2::-1]:
        value = value * logit + coefficient
    radius: FloatArray = np.exp(np.minimum(value, np.float32(np.log(FARTHEST))))
    return radius


@cache
def _quantiles() -> FloatArray:
    """Logarithms of quantiles of the gamma distribution of mean 1, shape (shapes, logits of the share)."""
    shape = np.exp(_SHAPES)[:, None]
    found = gammaincinv(shape, 1 / (1 + np.exp(-_LOGITS)))
    table: FloatArray = np.log(np.maximum(found, 1e-12) / shape).astype(np.float32)
    return table


def _gamma_quantiles(shape: Floats, shower: Ints, share: Floats) -> FloatArray:
    """Depths over the mean depth that hold ``share``, by interpolation in a table (straight in logarithms)."""
    table = _quantiles()
    row, beside = _place(shape, _SHAPES)
    column, along = _place(np.clip(np.log(share / (1 - share)), _LOGITS[0], _LOGITS[-1] - _EDGE), _LOGITS)
    cell = row[shower] * table.shape[1] + column
    flat = table.ravel()
    below = flat[cell] + along * (flat[cell + 1] - flat[cell])
    cell += table.shape[1]
    above = flat[cell] + along * (flat[cell + 1] - flat[cell])
    depth: FloatArray = np.exp(below + beside[shower] * (above - below))
    return depth


def _place(value: Floats, points: Floats) -> tuple[Ints, FloatArray]:
    """Index of the equidistant point below each value, and the part of the way to the next."""
    at = (value - points[0]) / (points[1] - points[0])
    index = at.astype(np.int64)
    return index, (at - index).astype(np.float32)


def _stretched(depth: FloatArray, scale: FloatArray) -> FloatArray:
    at_10_gev, per_scale = (np.interp(depth, profiles.STRETCH_AT, row).astype(np.float32) for row in profiles.STRETCH)
    moved: FloatArray = np.maximum(depth + at_10_gev + np.maximum(scale, np.float32(np.log(0.1))) * per_scale, 0)
    return moved


def _radii(depth: FloatArray, scale: FloatArray) -> FloatArray:
    """Coefficients of ln r at these depths, shape (coefficients, slices)."""
    points, table = profiles.RADII_AT.astype(np.float32), profiles.RADII.astype(np.float32)
    inside = np.clip(depth, points[0], points[-1] - np.float32(_EDGE))
    index = np.searchsorted(points, inside, side="right") - 1
    part = (inside - points[index]) / np.diff(points)[index]
    powers = np.stack([np.ones_like(scale), scale, scale**2])
    found: NDArray[np.float32] = np.zeros((table.shape[2], len(depth)), np.float32)
    for power, weight in enumerate(powers):
        for coefficient, values in enumerate(table[:, power].T):
            found[coefficient] += weight * (values[index] + part * (values[index + 1] - values[index]))
    return found
