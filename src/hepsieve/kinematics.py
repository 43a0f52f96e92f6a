"""Momenta of particles and jets to masses, angles and transverse masses, without loss of digits.

Everything is written with the operations that numpy and Keras share (``ops``), so that an exported model computes what
was trained on. Masses come from 2 pt pt′ (cosh Δη − cos Δφ) = 4 pt pt′ (sinh² Δη/2 + sin² Δφ/2), which subtracts no
large numbers: it holds in single precision, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
W_MASS = 80.4
"""GeV."""
MOST_PT, MOST_ETA = 1e9, 20.0
"""Momenta (GeV) and pseudorapidities beyond these count as these, so that every result is finite."""
_LEAST_PT = 1e-6  # GeV


@dataclass(frozen=True, kw_only=True, eq=False)
class Momentum:
    """Momenta of one object in all events.

    Attributes:
        pt: GeV, shape (n,).
        eta: pseudorapidity; None where only the transverse momentum is known.
        phi: azimuth in radians.
        mass: GeV, the same in all events.
    """

    pt: Any
    eta: Any
    phi: Any
    mass: float = 0.0


def massless(pt: Floats, eta: Floats, phi: Floats) -> Floats:
    """px, py, pz, E of massless particles: one axis more, of length 4."""
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=-1)


def mass(momentum: Floats) -> Floats:
    """Invariant mass of px, py, pz, E on the last axis."""
    squared = momentum[..., 3] ** 2 - (momentum[..., :3] ** 2).sum(axis=-1)
    root: Floats = np.sqrt(np.maximum(squared, 0))
    return root


def wrapped(angle: Any, ops: Any = np) -> Any:
    """The same angle in −π…π.

    >>> float(wrapped(np.float64(3 * np.pi / 2)) / np.pi)
    -0.5
    """
    return angle - 2 * np.pi * ops.round(angle / (2 * np.pi))


def neutrino_eta(lepton: Momentum, missing: Momentum, ops: Any = np) -> Any:
    """The pseudorapidity with which lepton and missing momentum have the mass of a W boson, shape (n,).

    m_W² = 2 pt pt′ (cosh Δη − cos Δφ) has two solutions, η ± Δη, of which the one nearer to 0 is taken; where there is
    none (the transverse mass is above that of the W), the lepton's own η gives the smallest mass.
    """
    pt2 = ops.maximum(2 * lepton.pt * missing.pt, _LEAST_PT)
    above = W_MASS**2 / pt2 - 2 * ops.square(ops.sin(wrapped(lepton.phi - missing.phi, ops) / 2))  # cosh Δη − 1
    above = ops.minimum(ops.maximum(above, 0.0), float(np.cosh(MOST_ETA)))
    distance = ops.log1p(above + ops.sqrt(above * (above + 2)))
    nearer = ops.where(lepton.eta > 0, lepton.eta - distance, lepton.eta + distance)
    return ops.minimum(ops.maximum(nearer, -MOST_ETA), MOST_ETA)


@dataclass(frozen=True, kw_only=True, eq=False)
class Kinematics:
    """What can be computed from the momenta of an event's objects; each shape (n,), masses and momenta in GeV.

    Attributes:
        momenta: by object.
        ops: ``numpy`` or ``keras.ops``.
    """

    momenta: Mapping[str, Momentum]
    ops: Any = np
    _known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def mass(self, objects: Sequence[str]) -> Any:
        """The invariant mass of several objects."""
        own = sum(self.momenta[one].mass ** 2 for one in objects)
        return self.ops.sqrt(own + 2 * sum(self._product(*pair) for pair in combinations(objects, 2)))

    def w_mass(self, objects: Sequence[str]) -> Any:
        """The same, where the second is the missing momentum, with the first from a W boson: see `neutrino_eta`."""
        lepton, missing, *others = objects
        known, name = dict(self.momenta), f"{missing} from {lepton}"
        eta = self._once(("η", name), lambda: neutrino_eta(known[lepton], known[missing], self.ops))
        known[name] = Momentum(pt=known[missing].pt, eta=eta, phi=known[missing].phi)
        whole = Kinematics(momenta=known, ops=self.ops, _known=self._known)
        return whole.mass((lepton, name, *others))

    def delta_phi(self, objects: Sequence[str]) -> Any:
        """The angle between two objects in the transverse plane, 0…π."""
        return self.ops.absolute(self._delta_phi(*objects))

    def delta_eta(self, objects: Sequence[str]) -> Any:
        """The distance of two objects in pseudorapidity, not negative."""
        return self.ops.absolute(self._delta_eta(*objects))

    def delta_r(self, objects: Sequence[str]) -> Any:
        """√(Δη² + Δφ²) of two objects."""
        squares = self.ops.square(self._delta_eta(*objects)) + self.ops.square(self._delta_phi(*objects))
        return self.ops.sqrt(squares)

    def transverse_mass(self, objects: Sequence[str]) -> Any:
        """The transverse mass of two objects, √(m² + m′² + 2 (E E′ − pt · pt′)) with E² = m² + pt²."""
        first, second = (self.momenta[one] for one in objects)
        angle = self.ops.square(self.ops.sin(self._delta_phi(*objects) / 2))
        squares = 4 * first.pt * second.pt * angle
        if first.mass or second.mass:
            squares = squares + first.mass**2 + second.mass**2
            squares = squares + 2 * _above(first.mass, first.pt, second.mass, second.pt, self.ops)
        return self.ops.sqrt(squares)

    def transverse_momentum(self, objects: Sequence[str]) -> Any:
        """The length of the sum of the objects' transverse momenta."""
        momenta = [self.momenta[one] for one in objects]
        x = sum(one.pt * self.ops.cos(one.phi) for one in momenta)
        y = sum(one.pt * self.ops.sin(one.phi) for one in momenta)
        return self.ops.sqrt(self.ops.square(x) + self.ops.square(y))

    def scalar_sum(self, objects: Sequence[str]) -> Any:
        """The sum of the lengths of the objects' transverse momenta."""
        return sum(self.momenta[one].pt for one in objects)

    def _product(self, one: str, other: str) -> Any:
        """The scalar product of two four-momenta."""
        return self._once((one, other), lambda: self._fresh_product(one, other))

    def _fresh_product(self, one: str, other: str) -> Any:
        first, second = self.momenta[one], self.momenta[other]
        halves = (self._delta_eta(one, other) / 2, self._delta_phi(one, other) / 2)
        sides = self.ops.square(self.ops.sinh(halves[0])) + self.ops.square(self.ops.sin(halves[1]))
        product = 2 * first.pt * second.pt * sides
        if first.mass or second.mass:
            p, q = (each.pt * self.ops.cosh(each.eta) for each in (first, second))
            product = product + _above(first.mass, p, second.mass, q, self.ops)
        return product

    def _delta_eta(self, one: str, other: str) -> Any:
        return self.momenta[one].eta - self.momenta[other].eta

    def _delta_phi(self, one: str, other: str) -> Any:
        first, second = self.momenta[one], self.momenta[other]
        return self._once((f"φ {one}", other), lambda: wrapped(first.phi - second.phi, self.ops))

    def _once(self, key: tuple[str, str], value: Any) -> Any:
        if key not in self._known:
            self._known[key] = value()
        return self._known[key]


def _above(m: float, p: Any, n: float, q: Any, ops: Any) -> Any:
    """E F − p q of two particles with masses m, n and momenta p, q, where energies are little more than momenta."""
    e, f = ops.sqrt(m**2 + p * p), ops.sqrt(n**2 + q * q)
    return (m**2 * f * f + n**2 * p * p) / ops.maximum(e * f + p * q, _LEAST_PT**2)
