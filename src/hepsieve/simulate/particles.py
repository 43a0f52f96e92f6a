"""Particles of many events as flat columns: what a generator hands to the detector."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Particles:
    """Particles, one per row, ordered by event.

    Attributes:
        event: number of the event that each belongs to, from 0, never decreasing.
        kind: absolute PDG number.
        pt: transverse momentum in GeV.
        eta: pseudorapidity.
        phi: azimuth in radians, −π to π.
        energy: in GeV.
    """

    event: Ints
    kind: Ints
    pt: Floats
    eta: Floats
    phi: Floats
    energy: Floats

    @classmethod
    def from_momenta(cls, event: Ints, kind: Ints, momentum: tuple[Floats, Floats, Floats, Floats]) -> Particles:
        """Particles with these four-momenta (px, py, pz, E) in GeV."""
        px, py, pz, energy = momentum
        pt = np.hypot(px, py)
        # 1e-9 GeV keeps the beam remnants, which have no pt, away from a division by zero.
        eta = np.arcsinh(pz / np.maximum(pt, 1e-9))
        return cls(event=event, kind=kind, pt=pt, eta=eta, phi=np.arctan2(py, px), energy=energy)

    def __len__(self) -> int:
        """The number of particles."""
        return len(self.event)

    def __getitem__(self, rows: NDArray[Any]) -> Particles:
        """The particles of these rows (index array or boolean mask)."""
        return Particles(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    def of_events(self, kept: Bools) -> Particles:
        """The particles of the events that are kept, which are numbered anew from 0."""
        inside = self[kept[self.event]]
        numbers = np.cumsum(kept) - 1
        return Particles(
            event=numbers[inside.event],
            kind=inside.kind,
            pt=inside.pt,
            eta=inside.eta,
            phi=inside.phi,
            energy=inside.energy,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """Generated events: their stable particles, and every b and c quark that their history holds."""

    events: int
    stable: Particles
    quarks: Particles


def wrap(phi: Floats) -> Floats:
    """The angle between −π and π that equals ``phi`` up to full turns.

    >>> wrap(np.array([3.5, -3.5, 1.0])).round(4).tolist()
    [-2.7832, 2.7832, 1.0]
    """
    turned: Floats = (phi + np.pi) % (2 * np.pi) - np.pi
    return turned


def places_in_event(event: Ints, events: int) -> Ints:
    """The place of each row among those of its event, from 0; ``event`` must not decrease.

    >>> places_in_event(np.array([0, 0, 2, 2, 2]), 3).tolist()
    [0, 1, 0, 1, 2]
    """
    starts = np.searchsorted(event, np.arange(events))
    places: Ints = np.arange(len(event)) - starts[event]
    return places
