"""What reaches the calorimeter's face, and what its crystals hold: the values between the stages of the simulation.

Lengths are in cm, energies in GeV, times in ns. Rows of an image run in η, columns in φ, the bending direction. The
place (0, 0) of the face is the middle of the crystal [16, 16] of an image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import FloatArray
from hepsieve.simulate.particles import Floats, Ints

ELECTRON, POSITRON, PHOTON = 11, -11, 22
SIZE = 32
"""Crystals along each side of an image."""
CENTRE = 16
"""Row and column of the hottest crystal of an image."""
CRYSTAL = 2.2
"""Width of a crystal's face in cm."""
DEPTH = 23.0
"""Length of a crystal in cm."""
REFRACTION = 2.2
"""Index of PbWO₄ at the peak of its light; taken for the group velocity too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceParticles:
    """Particles that enter the calorimeter, one per entry of each array, ordered by event.

    Attributes:
        event: number of the image that each belongs to, from 0, never decreasing; an image may have none.
        kind: PDG number: 11 electron, −11 positron, 22 photon.
        energy: in GeV.
        row: place on the face in the direction of η, in cm from the middle of crystal [16, 16].
        column: place on the face in the direction of φ, in cm.
        row_slope: cm in η per cm of depth, with respect to the axes of the crystals.
        column_slope: cm in φ per cm of depth.
        delay: ns between the arrival of light from the collision on the straight way and the arrival of the particle.
    """

    event: Ints
    kind: Ints
    energy: Floats
    row: Floats
    column: Floats
    row_slope: Floats
    column_slope: Floats
    delay: Floats

    def __len__(self) -> int:
        """The number of particles."""
        return len(self.event)

    def __getitem__(self, rows: NDArray[Any] | slice) -> FaceParticles:
        """The particles of these rows (index array, boolean mask or slice)."""
        return FaceParticles(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


@dataclass(frozen=True, kw_only=True, eq=False)
class Deposits:
    """What the crystals hold, without noise.

    Attributes:
        energy: GeV per crystal, shape (n, 32, 32).
        time: energy-weighted mean arrival of the light at the crystal's far end, in ns since light from the collision
            reached the face, shape (n, 32, 32); 0 where there is no energy.
    """

    energy: FloatArray
    time: FloatArray


Engine = Callable[[FaceParticles, int, np.random.Generator], Deposits]
"""Showers of the particles of ``n`` images: ``deposit(particles, n, rng)``."""
