"""Heavy neutral leptons N → πμ in the vessel: masses and a generator in, rows of 16 columns out.

400 GeV protons on protons at rest make charm in Pythia 8; charmed mesons decay to N; N flies to the vessel and decays
there to a pion and a muon.
"""

from __future__ import annotations

import numpy as np

from hepsieve.simulate.hnl_columns import TARGET, length
from hepsieve.simulate.hnl_detector import (
    FIRST_STATION,
    VESSEL_START,
    Tracks,
    accepted,
    half_height,
    half_width,
    measured,
    rows_of_pairs,
)
from hepsieve.simulate.hnl_kinematics import MUON, PION, two_body
from hepsieve.simulate.hnl_production import MESONS, produce
from hepsieve.simulate.hnl_tuning import Tuning
from hepsieve.simulate.particles import Floats, Ints
from hepsieve.simulate.pythia import configured, flat, initialised, pythia_seeds

HEAVY_MASSES = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)
"""The masses of N in the genuine file, in GeV; about as many rows each."""

COLLISIONS = (
    "Print:quiet = on",
    "Random:setSeed = on",
    "Beams:frameType = 2",
    "Beams:idA = 2212",
    "Beams:idB = 2212",
    "Beams:eA = 400.",
    "Beams:eB = 0.",
)
CHARM = (
    *COLLISIONS,
    "HardQCD:gg2ccbar = on",
    "HardQCD:qqbar2ccbar = on",
    # At √s = 27 GeV there is next to no second interaction, and initialising it takes longer than the events.
    "PartonLevel:MPI = off",
    *(f"{meson}:mayDecay = off" for meson in MESONS),
)
CHARM_EVENTS = 6000
ATTEMPTS = 20_000
INTERACTION_LENGTH = 15.25  # cm, of a hadron in molybdenum, the target's first metre (Particle Data Group)
UPSTREAM = 200.0  # cm before the vessel where decays may still be reconstructed inside


def charmed_mesons(events: int, seed: int) -> tuple[Ints, Floats]:
    """D⁺, D⁰, D_s (absolute PDG numbers) and their four-momenta in GeV, from collisions that make charm."""
    pythia = initialised(configured((*CHARM, f"Random:seed = {seed}")))
    particles = pythia.nextBatch(events).prt
    kind = np.abs(flat(particles.id)).astype(np.int64)
    rows = np.isin(kind, tuple(MESONS)) & (flat(particles.status) > 0)
    momentum = np.stack([flat(particles.p[axis]) for axis in ("px", "py", "pz", "e")], axis=1)
    return kind[rows], momentum[rows]


def signal_rows(rows: int, tuning: Tuning, rng: np.random.Generator) -> Floats:
    """Rows of 16 columns, shape (rows, 16), the eight masses in turn."""
    kind, momentum = charmed_mesons(CHARM_EVENTS, pythia_seeds(rng, 1)[0])
    found = np.empty((rows, 16))
    for number, mass in enumerate(HEAVY_MASSES):
        places = np.arange(number, rows, len(HEAVY_MASSES))
        tables: list[Floats] = []
        while sum(map(len, tables)) < len(places):
            heavy = produce(kind, momentum, mass, ATTEMPTS, rng)
            tables.append(_reconstructed(*_decay_points(heavy, tuning, rng), tuning, rng))
        if len(places):
            found[places] = np.concatenate(tables)[: len(places)]
    return found


def _decay_points(heavy: Floats, tuning: Tuning, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The heavy leptons that decay in the vessel (four-momenta), and where.

    N lives so long that it decays anywhere on its way with the same probability, and the mesons so short that they
    decay where they are made: an interaction length deep in the target.
    """
    heavy = heavy[heavy[:, 2] > 1.0]
    total = np.sqrt((heavy[:, :3] ** 2).sum(axis=1))
    weight = total**tuning.momentum_power
    # The highest hundredth of the weights counts as one: one rare slow lepton must not cost all others.
    heavy = heavy[rng.random(len(heavy)) < weight / np.percentile(weight, 99)] if len(heavy) else heavy
    n = len(heavy)
    z = rng.uniform(VESSEL_START - UPSTREAM, FIRST_STATION, n)
    way = z - TARGET[2] - rng.exponential(INTERACTION_LENGTH, n)
    spot = rng.normal(0, tuning.beam_spot, (n, 2))
    point = np.column_stack([spot + heavy[:, :2] / heavy[:, 2:3] * way[:, None], z])
    inside = (np.abs(point[:, 0]) < half_width(z)) & (np.abs(point[:, 1]) < half_height(z))
    return heavy[inside], point[inside]


def _reconstructed(heavy: Floats, point: Floats, tuning: Tuning, rng: np.random.Generator) -> Floats:
    """The rows of decays N → πμ of which both tracks are accepted; both charges are as frequent."""
    n = len(heavy)
    charge = np.where(rng.random(n) < 0.5, 1, -1)
    tracks = []
    for kind, sign, momentum in zip((211, 13), (1, -1), two_body(heavy, PION, MUON, rng), strict=True):
        kinds = np.full(n, kind)
        tracks.append(
            Tracks(event=np.arange(n), kind=kinds, charge=sign * charge, momentum=momentum[:, :3], start=point)
        )
    kept = accepted(tracks[0], tuning.signal_least_momentum) & accepted(tracks[1], tuning.signal_least_momentum)
    pion, muon = (_measured(daughter[kept], tuning, rng) for daughter in tracks)
    columns, selected = rows_of_pairs(pion, muon, tuning, rng)
    return columns[selected]


def _measured(tracks: Tracks, tuning: Tuning, rng: np.random.Generator) -> Tracks:
    """The tracks with their errors; slow particles decay in flight more often, as M / (p cτ)."""
    momentum = length(tracks.momentum)
    bad = np.minimum(tuning.signal_bad / momentum, tuning.most_bad)
    return measured(tracks, tuning, rng, bad=bad, bad_slope=tuning.signal_bad_slope / momentum)
