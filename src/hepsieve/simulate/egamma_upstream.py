"""Electrons and photons on their way through the tracker: radiation, conversion, scattering and bending.

A model of what stands before the barrel of the CMS calorimeter. The matter lies in thin layers of equal thickness at
the radii of the tracker's 13 layers, in planes that the particles cross at right angles but for their own slope.
Momenta, slopes and lengths are those of the transverse plane: a particle at pseudorapidity η has cosh η times the
momentum and the way to go, so that bending and scattering end at the same place of the face for every η.

Left out: energy lost to ionisation (about 30 MeV), scattering of light (photons below 100 MeV), the angles at which
photons and pairs are emitted (m/E), and that crystals lie on a cylinder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hepsieve.simulate.egamma_particles import CRYSTAL, ELECTRON, PHOTON, POSITRON, FaceParticles
from hepsieve.simulate.particles import Bools, Floats, Ints

PT = 50.0  # GeV
ETA_EDGE = 1.2
FIELD = 3.8  # T
# The shape in η is that of the CMS tracker (JINST 3 (2008) S08004, fig. 3.3) in outline; the scale, which varies from
# place to place in φ, was chosen by looking at the 200 genuine images.
MATTER_SCALE = (0.6, 1.2)
# Radii in m: three layers of pixels, four of the inner and six of the outer barrel (same reference, chapter 3).
LAYERS = (0.044, 0.073, 0.102, 0.255, 0.339, 0.418, 0.498, 0.608, 0.692, 0.780, 0.868, 0.965, 1.080)
CALORIMETER = 1.29  # m, radius of the calorimeter's face
TILT = 0.052  # 3°: no crystal points at the collision, lest particles slip through between two
STEPS = 4  # in each layer, so that what is born may radiate or convert there
LEAST_PHOTON = 0.020  # GeV, below which radiation is not followed
LEAST_ENERGY = 0.005  # GeV
STEEPEST = 0.6  # sine of the angle of incidence beyond which a particle is taken to curl up
BENDING = 0.299792458  # GeV per T m: pT = 0.3 B R
C = 29.9792458  # cm/ns
FACE = 36.3  # cm from the middle beyond which a particle enters no crystal of the image
_WIDTH = 101  # columns in which the hottest place of the face is looked for


@dataclass(frozen=True, kw_only=True, eq=False)
class Primaries:
    """Particles as they leave the collision with a transverse momentum of 50 GeV, one per image.

    Attributes:
        kind: PDG number: 11, −11 or 22.
        eta: pseudorapidity.
        matter: radiation lengths that lie before the calorimeter in this direction.
    """

    kind: Ints
    eta: Floats
    matter: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """Particles under way: transverse momentum in GeV, place in φ and η in m, sine and slope of the direction there.

    ``way`` is the excess of the way over the straight one, in m of the transverse plane.
    """

    event: Ints
    kind: Ints
    pt: Floats
    x: Floats
    sine: Floats
    y: Floats
    slope: Floats
    way: Floats

    def __getitem__(self, rows: Bools | Ints) -> Tracks:
        """The tracks of these rows (index array or boolean mask)."""
        return Tracks(**{name: column[rows] for name, column in vars(self).items()})


def draw_primaries(electron: Bools, rng: np.random.Generator) -> Primaries:
    """Electrons or positrons, with equal chance, where ``electron``, else photons; flat in |η| < 1.2.

    The genuine electrons lean to either side of the bending direction equally often, so their class holds both
    charges. Therefore a mirror image in φ is as likely as the image itself: the field bends one charge as it bends the
    other into the opposite direction, and photons convert to one of each. The tilt of the crystals in φ, by 3° to the
    same side everywhere, is the only exception: it moves the balance of the two sides by a tenth of its spread, in both
    classes nearly alike. A mirror image in η belongs to the other end of the detector. Turning by 90° would let the
    field bend along the beams, and a shift would move the hottest crystal from the middle, where it is by definition:
    neither is a symmetry.
    """
    n = len(electron)
    charged = np.where(rng.random(n) < 0.5, ELECTRON, POSITRON)
    eta = rng.uniform(-ETA_EDGE, ETA_EDGE, n)
    matter = rng.uniform(*MATTER_SCALE, n) * (0.40 + 0.55 * np.abs(eta) ** 2.5)
    return Primaries(kind=np.where(electron, charged, PHOTON), eta=eta, matter=matter)


def through_tracker(primaries: Primaries, rng: np.random.Generator, *, field: float = FIELD) -> FaceParticles:
    """What reaches the calorimeter of each primary, moved by whole crystals so that most energy enters at [16, 16].

    What is below 5 MeV, curls up, or passes the 32 × 32 crystals is left out.

    Args:
        primaries: the particles at the collision.
        rng: for everything random.
        field: magnetic field along the beams in T; 0 leaves all tracks straight.
    """
    n = len(primaries.kind)
    zero = np.zeros(n)
    tracks = Tracks(
        event=np.arange(n), kind=primaries.kind, pt=np.full(n, PT), x=zero, sine=zero, y=zero, slope=zero, way=zero
    )
    thickness = primaries.matter / (len(LAYERS) * STEPS)
    for before, radius in pairwise((0.0, *LAYERS)):
        tracks = drift(tracks, radius - before, field)
        for _ in range(STEPS):
            tracks = scatter(radiate(convert(tracks, thickness, rng), thickness, rng), thickness, rng)
    tracks = drift(tracks, CALORIMETER - LAYERS[-1], field)
    tracks = tracks[tracks.pt > LEAST_ENERGY]
    tracks = tracks[np.argsort(tracks.event, kind="stable")]
    return _at_face(tracks, primaries, rng)


def drift(tracks: Tracks, length: float, field: float) -> Tracks:
    """The tracks after ``length`` m more of radius: exact circles and straight lines; those that curl up are left out.

    Along a circle of radius R = pT/(0.3 B) the sine of the direction grows by length/R. Electrons bend to larger φ.
    """
    charge = np.where(tracks.kind == PHOTON, 0, np.where(tracks.kind == ELECTRON, 1, -1))
    after = tracks.sine + BENDING * field * charge / tracks.pt * length
    goes_on = np.abs(after) < STEEPEST
    tracks, after = tracks[goes_on], after[goes_on]
    cosine = np.sqrt(1 - tracks.sine**2) + np.sqrt(1 - after**2)
    step = length * (tracks.sine + after) / cosine
    rise = length * tracks.slope
    way = np.sqrt(length**2 + step**2 + rise**2) - length
    return replace(tracks, x=tracks.x + step, sine=after, y=tracks.y + rise, way=tracks.way + way)


def convert(tracks: Tracks, thickness: Floats, rng: np.random.Generator) -> Tracks:
    """Photons become pairs with 7/9 of a chance per radiation length, shared as 1 − 4/3 u(1 − u).

    ``thickness`` is that of the layer for each event, in radiation lengths.
    """
    chance = -np.expm1(-7 / 9 * thickness[tracks.event])
    converts = (tracks.kind == PHOTON) & (rng.random(len(chance)) < chance) & (tracks.pt > 2 * LEAST_ENERGY)
    if not converts.any():
        return tracks
    pair = tracks[converts]
    share = _pair_share(len(pair.pt), rng)
    electron = replace(pair, kind=np.full_like(pair.kind, ELECTRON), pt=share * pair.pt)
    positron = replace(pair, kind=np.full_like(pair.kind, POSITRON), pt=(1 - share) * pair.pt)
    return _joined(tracks[~converts], electron, positron)


def _pair_share(n: int, rng: np.random.Generator) -> Floats:
    """Shares of energy with density 1 − 4/3 u(1 − u): complete screening (Rev. Part. Phys., passage of particles)."""
    share = rng.random(n)
    wanted = np.arange(n)
    while len(wanted):
        share[wanted] = rng.random(len(wanted))
        refused = rng.random(len(wanted)) >= 1 - 4 / 3 * share[wanted] * (1 - share[wanted])
        wanted = wanted[refused]
    return share


def radiate(tracks: Tracks, thickness: Floats, rng: np.random.Generator) -> Tracks:
    """Electrons lose photons of a share y of their energy with density (4/3 − 4/3 y + y²)/y per radiation length.

    Complete screening (Rev. Part. Phys., passage of particles through matter); from 20 MeV.
    """
    able = (tracks.kind != PHOTON) & (tracks.pt > 2 * LEAST_PHOTON)
    least = LEAST_PHOTON / np.where(able, tracks.pt, PT)
    mean = thickness[tracks.event] * (-4 / 3 * np.log(least) - 4 / 3 * (1 - least) + 0.5 * (1 - least**2))
    left = np.where(able, rng.poisson(np.where(able, mean, 0)), 0)
    born: list[Tracks] = []
    pt = tracks.pt.copy()
    while len(emitting := np.flatnonzero((left > 0) & (pt > 2 * LEAST_PHOTON))):
        left[emitting] -= 1
        photon = pt[emitting] * _photon_share(LEAST_PHOTON / pt[emitting], rng)
        pt[emitting] -= photon
        parent = tracks[emitting]
        born.append(replace(parent, kind=np.full_like(parent.kind, PHOTON), pt=photon))
    # An electron that gave nearly all would have no way to go on.
    pt = np.maximum(pt, 1e-3 * LEAST_ENERGY)
    return _joined(replace(tracks, pt=pt), *born)


def _photon_share(least: Floats, rng: np.random.Generator) -> Floats:
    share = np.empty(len(least))
    wanted = np.arange(len(least))
    while len(wanted):
        y = least[wanted] ** rng.random(len(wanted))
        share[wanted] = y
        wanted = wanted[rng.random(len(wanted)) >= 1 - y + 0.75 * y**2]
    return share


def scatter(tracks: Tracks, thickness: Floats, rng: np.random.Generator) -> Tracks:
    """Charged particles change direction by 13.6 MeV/p √(thickness) in each plane (Highland, without the logarithm)."""
    charged = np.flatnonzero(tracks.kind != PHOTON)
    width = 0.0136 / tracks.pt[charged] * np.sqrt(thickness[tracks.event[charged]])
    sine, slope = tracks.sine.copy(), tracks.slope.copy()
    turned = np.arcsin(sine[charged]) + width * rng.standard_normal(len(charged))
    sine[charged] = np.sin(np.clip(turned, -1.5, 1.5))
    slope[charged] += width * rng.standard_normal(len(charged))
    return replace(tracks, sine=sine, slope=slope)


def _joined(*parts: Tracks) -> Tracks:
    return Tracks(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def _at_face(tracks: Tracks, primaries: Primaries, rng: np.random.Generator) -> FaceParticles:
    n = len(primaries.kind)
    event, rise = tracks.event, np.cosh(primaries.eta)[tracks.event]
    energy = tracks.pt * rise
    row = _centred(100 * tracks.y, energy, event, rng.uniform(-CRYSTAL / 2, CRYSTAL / 2, n))
    column = _centred(100 * tracks.x, energy, event, rng.uniform(-CRYSTAL / 2, CRYSTAL / 2, n))
    side = np.sign(primaries.eta)[event]
    particles = FaceParticles(
        event=event,
        kind=tracks.kind,
        energy=energy,
        row=row,
        column=column,
        row_slope=tracks.slope / rise + TILT * side,
        column_slope=tracks.sine / np.sqrt(1 - tracks.sine**2) / rise + TILT,
        delay=100 * tracks.way * rise / C,
    )
    return particles[np.maximum(np.abs(row), np.abs(column)) < FACE]


def _centred(place: Floats, energy: Floats, event: Ints, point: Floats) -> Floats:
    """Places with a random point of a crystal as origin, moved by whole crystals so that most energy is in the middle.

    An event's energy in a crystal and a sixth of its neighbours' decides: about what a shower leaves there.
    """
    n, half = len(point), _WIDTH // 2
    place = place + point[event]
    cell = np.clip(np.rint(place / CRYSTAL).astype(np.int64), -half, half) + half
    sums = np.zeros((n, _WIDTH + 2))
    sums[:, 1:-1] = np.bincount(event * _WIDTH + cell, energy, n * _WIDTH).reshape(n, _WIDTH)
    hottest = (sums[:, 1:-1] + sums[:, 2:] / 6 + sums[:, :-2] / 6).argmax(axis=1)
    centred: Floats = place - CRYSTAL * (hottest - half)[event]
    return centred
