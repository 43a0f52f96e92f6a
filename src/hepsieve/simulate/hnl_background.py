"""Pairs of tracks from neutrinos that hit the surroundings of the vessel: a generator in, rows of 16 columns out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate.hnl_columns import length
from hepsieve.simulate.hnl_detector import VESSEL_START, Tracks, accepted, measured, rows_of_pairs
from hepsieve.simulate.hnl_dis import NEUTRON, PROTON, open_scattering, scatter
from hepsieve.simulate.hnl_flux import LEAST_ENERGY, Flux, neutrino_flux
from hepsieve.simulate.hnl_matter import interaction_points
from hepsieve.simulate.hnl_transport import tracks_of
from hepsieve.simulate.hnl_tuning import Tuning
from hepsieve.simulate.particles import Bools, Floats, Ints
from hepsieve.simulate.pythia import pythia_seeds

ENERGIES, RATIO = 8, 1.65
"""Pythia scatters neutrinos of one energy: each block takes 8 energies at this ratio, shifted at random as a whole."""
ROUND_EVENTS, EVENTS_PER_ROW = 40_000, 200  # of 200 interactions about one gives a row
LEPTONS = (11, 13)
SAME_POINT = 1.0  # cm along z between the starts of two tracks of one decay
INSIDE = 5.0  # cm behind the front window, where no matter makes tracks


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stratum:
    """Neutrinos or antineutrinos of about one energy: a generator, the rows of the flux, their share of all."""

    pythia: object
    rows: Ints
    share: float


def background_rows(rows: int, tuning: Tuning, flux_seed: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Rows of 16 columns, shape (rows, 16), and the number of the interaction that each comes from, from 0."""
    flux = neutrino_flux(flux_seed, tuning)
    strata = _strata(flux, rng)
    tables: list[Floats] = []
    events: list[Ints] = []
    first = 0
    attempts = min(ROUND_EVENTS, EVENTS_PER_ROW * rows)
    while sum(map(len, tables)) < rows:
        for stratum in strata:
            count = int(rng.poisson(attempts * stratum.share))
            if count == 0:
                continue
            points = interaction_points(flux, stratum.rows, count, tuning, rng)
            tracks = tracks_of(scatter(stratum.pythia, points), tuning, rng)
            columns, event = _pairs(tracks[accepted(tracks, tuning.least_momentum)], tuning, rng)
            tables.append(columns)
            events.append(first + event)
            first += count
    return _some(np.concatenate(tables), np.concatenate(events), rows, rng)


def _strata(flux: Flux, rng: np.random.Generator) -> list[_Stratum]:
    """Generators for 8 energies and both neutrinos, with their shares of all interactions.

    Iron has nearly as many neutrons as protons. A generator takes a sixth of a second to start, so that protons and
    neutrons take turns along the energies; which come first is drawn, and over many blocks both are met everywhere.
    """
    energies = LEAST_ENERGY * RATIO ** (np.arange(ENERGIES) + rng.uniform(0, 1))
    nearest = np.abs(np.log(flux.energy)[:, None] - np.log(energies)).argmin(axis=1)
    turns = rng.integers(0, 2, 2)
    found = []
    for number, energy in enumerate(energies):
        for sign, turn in zip((1, -1), turns, strict=True):
            nucleon = PROTON if (number + turn) % 2 else NEUTRON
            pythia = open_scattering(14 * sign, nucleon, float(energy), pythia_seeds(rng, 1)[0])
            rows = np.flatnonzero((nearest == number) & (flux.sign == sign))
            share = float(flux.weight[rows].sum() / flux.weight.sum())
            found.append(_Stratum(pythia=pythia, rows=rows, share=share))
    return found


def _pairs(tracks: Tracks, tuning: Tuning, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Rows of all pairs of opposite charge in events with few enough tracks, and their events."""
    tracks = tracks[np.argsort(tracks.event, kind="stable")]
    multiplicity = np.bincount(tracks.event, minlength=1)[tracks.event]
    tracks = tracks[(multiplicity >= 2) & (multiplicity <= tuning.most_tracks)]
    starts = tracks.start
    bad_slope = tuning.background_bad_slope / length(tracks.momentum)
    seen = measured(tracks, tuning, rng, bad=tuning.background_bad, bad_slope=bad_slope)
    first, second = opposite_pairs(tracks.event, tracks.charge, tuning.most_tracks)
    kept = _kept(tracks.kind[first], tracks.kind[second], tuning, rng)
    decay = (np.abs(starts[first, 2] - starts[second, 2]) < SAME_POINT) & (starts[first, 2] > VESSEL_START + INSIDE)
    kept &= ~decay | (rng.random(len(first)) < tuning.decays_inside)
    first, second = first[kept], second[kept]
    columns, selected = rows_of_pairs(seen[first], seen[second], tuning, rng)
    return columns[selected], tracks.event[first][selected]


def opposite_pairs(event: Ints, charge: Ints, most: int) -> tuple[Ints, Ints]:
    """Rows of both members of all pairs of opposite charge within an event.

    Args:
        event: never decreasing.
        charge: of each row.
        most: rows of an event at most.
    """
    firsts, seconds = [], []
    for step in range(1, most):
        row = np.arange(max(0, len(event) - step))
        pair = (event[row] == event[row + step]) & (charge[row] * charge[row + step] < 0)
        firsts.append(row[pair])
        seconds.append(row[pair] + step)
    return np.concatenate(firsts), np.concatenate(seconds)


def _kept(first: Ints, second: Ints, tuning: Tuning, rng: np.random.Generator) -> Bools:
    """Whether pairs of these absolute PDG numbers stay: all but some of two leptons."""
    leptons = np.isin(first, LEPTONS) & np.isin(second, LEPTONS)
    kept: Bools = ~leptons | (rng.random(len(first)) < tuning.two_leptons)
    return kept


def _some(columns: Floats, event: Ints, rows: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """So many rows, those of one event together, from all strata: these come in turn, and the last must not be cut."""
    place = rng.permutation(int(event.max()) + 1)[event]
    order = np.argsort(place, kind="stable")[:rows]
    return columns[order], event[order]
