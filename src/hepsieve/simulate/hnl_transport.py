"""Products of an interaction on their way through matter: which charged tracks reach the vessel, and with what momenta.

Charged particles lose energy and scatter; hadrons interact after exponential lengths and leave softer hadrons; photons
convert to pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate.hnl_columns import length
from hepsieve.simulate.hnl_detector import FIRST_STATION, VESSEL_START, Tracks
from hepsieve.simulate.hnl_dis import Products
from hepsieve.simulate.hnl_kinematics import turned_to, two_body, with_mass
from hepsieve.simulate.hnl_matter import WINDOW_Z, iron_ahead, way_out
from hepsieve.simulate.hnl_tuning import Tuning
from hepsieve.simulate.particles import Bools, Floats, Ints

# Iron, Particle Data Group: radiation length, nuclear interaction length (cm), least energy loss (GeV/cm).
RADIATION_LENGTH, INTERACTION_LENGTH, ENERGY_LOSS = 1.757, 16.77, 0.01143
ELECTRON, MUON, PION, PHOTON = 11, 13, 211, 22
HADRONS = (211, 321, 2212, 130, 310, 3122, 2112, 3112, 3222, 3312)
CHARGED = (11, 13, 211, 321, 2212, 3112, 3222, 3312)
POSITIVE = (-11, -13, 211, 321, 2212, 3222, -3112, -3312)
LEAST_MOMENTUM = 0.1  # GeV, of a track after its energy loss
LEAST_ELECTRON = 0.3  # GeV, where a conversion is still found
LEAST_COLLISION = 1.0  # GeV, energy of a hadron whose collision makes pions
NEUTRAL_PION = 0.134977  # GeV
GENERATIONS = 12  # a decay chain has fewer steps


@dataclass(frozen=True, kw_only=True, eq=False)
class _Photons:
    """Photons: their events, momenta (GeV), starts (cm) and the iron ahead of them (cm)."""

    event: Ints
    momentum: Floats
    start: Floats
    iron: Floats


def tracks_of(products: Products, tuning: Tuning, rng: np.random.Generator) -> Tracks:
    """The charged tracks that leave the matter towards the spectrometer."""
    kind = np.abs(products.code)
    # Quarks and strings have no path in matter; what decays at once gets none either, its start being its end.
    real = (products.final | np.isin(kind, HADRONS)) & (products.momentum[:, 2] > 0.05)
    end = np.minimum(products.end, FIRST_STATION)
    iron = np.where(real, iron_ahead(products.start, products.momentum, end, tuning), 0.0)
    depth = rng.exponential(INTERACTION_LENGTH, len(kind))
    stopped = np.isin(kind, HADRONS) & (depth < iron)
    alive = _alive(~stopped, products.mother)
    born = _alive(~stopped, products.mother, of_mothers=True)
    return Tracks.joined(
        [
            _survivors(products, alive & real & np.isin(kind, CHARGED), iron, tuning, rng),
            _conversions(_photons(products, alive & products.final & (kind == PHOTON), iron), rng),
            *_secondaries(products, born & stopped & real, iron, depth, tuning, rng),
        ]
    )


def _alive(survives: Bools, mother: Ints, *, of_mothers: bool = False) -> Bools:
    """Whether a particle and all that it comes from reach their decays; with ``of_mothers`` it alone does not count."""
    alive = survives
    for _ in range(GENERATIONS):
        alive = survives & alive[mother]
    return alive[mother] if of_mothers else alive


def _survivors(products: Products, rows: Bools, iron: Floats, tuning: Tuning, rng: np.random.Generator) -> Tracks:
    """Charged particles that reach the first station before they decay; electrons shower and are left to photons."""
    rows = rows & (np.abs(products.code) != ELECTRON) & (products.end > FIRST_STATION)
    tracks = Tracks(
        event=products.event[rows],
        kind=np.abs(products.code[rows]),
        charge=np.where(np.isin(products.code[rows], POSITIVE), 1, -1),
        momentum=products.momentum[rows],
        start=products.start[rows],
    )
    return through_iron(tracks, iron[rows], tuning, rng)


def through_iron(tracks: Tracks, iron: Floats, tuning: Tuning, rng: np.random.Generator) -> Tracks:
    """The tracks behind this much iron (cm), where they begin now; those that it stops are missing.

    The loss is the least ionisation's. Highland's angle without its logarithm,
    θ₀ = 13.6 MeV / √(p p′) · √(x / X₀), takes the momenta before
    and after; displacement and angle are correlated as a slab's are (Particle Data Group, Passage of particles).
    """
    before = length(tracks.momentum)
    after = before - ENERGY_LOSS * iron
    left = after > LEAST_MOMENTUM
    tracks, iron, before, after = tracks[left], iron[left], before[left], after[left]
    angle = 0.0136 / np.sqrt(before * after) * np.sqrt(iron / RADIATION_LENGTH)
    way = way_out(tracks.start, iron, tracks.momentum[:, 2] / before, tuning)
    one, two = rng.standard_normal((2, len(tracks), 2))
    slope = tracks.momentum[:, :2] / tracks.momentum[:, 2:3]
    sideways = slope * way[:, None] + (way * angle)[:, None] * (one / 2 + two / np.sqrt(12))
    direction = np.column_stack([slope + angle[:, None] * one, np.ones(len(tracks))])
    return Tracks(
        event=tracks.event,
        kind=tracks.kind,
        charge=tracks.charge,
        momentum=direction * (after / length(direction))[:, None],
        start=tracks.start + np.column_stack([sideways, way]),
    )


def _photons(products: Products, rows: Bools, iron: Floats) -> _Photons:
    return _Photons(
        event=products.event[rows], momentum=products.momentum[rows], start=products.start[rows], iron=iron[rows]
    )


def _conversions(photons: _Photons, rng: np.random.Generator) -> Tracks:
    """Electrons and positrons of photons that convert after exponential lengths of 9/7 radiation lengths.

    The pair shares the energy evenly on average and loses all but 1/e of it per radiation length left.
    """
    n = len(photons.event)
    left = photons.iron - rng.exponential(9 / 7 * RADIATION_LENGTH, n)
    share = rng.random(n)
    chosen = np.flatnonzero((left > 0) & (photons.momentum[:, 2] > LEAST_ELECTRON))
    shares = np.stack([share[chosen], 1 - share[chosen]], axis=1).ravel()
    charge = np.tile([1, -1], len(chosen))
    chosen = np.repeat(chosen, 2)
    momentum, start, left = photons.momentum[chosen], photons.start[chosen], left[chosen]
    energy = shares * length(momentum) * np.exp(-left / RADIATION_LENGTH)
    kept = energy > LEAST_ELECTRON
    chosen, momentum, start, left = chosen[kept], momentum[kept], start[kept], left[kept]
    energy, charge = energy[kept], charge[kept]
    # Only the last two radiation lengths count: what scattered earlier has lost its energy.
    angle = 0.0136 / energy * np.sqrt(np.minimum(left / RADIATION_LENGTH, 2.0))
    slope = momentum[:, :2] / momentum[:, 2:3]
    way = np.where(start[:, 2] < VESSEL_START, np.maximum(WINDOW_Z - start[:, 2], 0.0), 0.0)
    scattered = slope + angle[:, None] * rng.standard_normal((len(chosen), 2))
    direction = np.column_stack([scattered, np.ones(len(chosen))])
    return Tracks(
        event=photons.event[chosen],
        kind=np.full(len(chosen), ELECTRON),
        charge=charge,
        momentum=direction * (energy / length(direction))[:, None],
        start=start + np.column_stack([slope * way[:, None], way]),
    )


def _secondaries(
    products: Products, rows: Bools, iron: Floats, depth: Floats, tuning: Tuning, rng: np.random.Generator
) -> list[Tracks]:
    """Tracks of the pions that come out of the collisions of hadrons with iron; a third of the pions are neutral.

    Charged ones survive the iron left or are lost, neutral ones decay to photons that may convert.
    """
    chosen = np.repeat(np.flatnonzero(rows & (products.energy > LEAST_COLLISION)), tuning.secondaries)
    parent, total = products.momentum[chosen], length(products.momentum[chosen])
    forward = total * rng.beta(*tuning.secondary_share, len(chosen))
    across = rng.normal(0, tuning.secondary_pt, (len(chosen), 2))
    momentum = turned_to(np.column_stack([across, forward]), parent)
    way = way_out(products.start[chosen], iron[chosen], parent[:, 2] / total, tuning) * depth[chosen] / iron[chosen]
    start = products.start[chosen] + parent / parent[:, 2:3] * way[:, None]
    left, event = iron[chosen] - depth[chosen], products.event[chosen]
    ahead = momentum[:, 2] > LEAST_MOMENTUM
    neutral = ahead & (rng.random(len(chosen)) < 1 / 3)
    charged = ahead & ~neutral & (rng.random(len(chosen)) < np.exp(-left / INTERACTION_LENGTH))
    pions = Tracks(
        event=event[charged],
        kind=np.full(np.count_nonzero(charged), PION),
        charge=np.where(rng.random(np.count_nonzero(charged)) < 0.5, 1, -1),
        momentum=momentum[charged],
        start=start[charged],
    )
    photons = [
        _Photons(event=event[neutral], momentum=photon[:, :3], start=start[neutral], iron=left[neutral])
        for photon in two_body(with_mass(momentum[neutral], NEUTRAL_PION), 0.0, 0.0, rng)
    ]
    return [through_iron(pions, left[charged], tuning, rng), *(_conversions(photon, rng) for photon in photons)]
