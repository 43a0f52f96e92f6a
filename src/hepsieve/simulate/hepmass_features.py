"""The 27 columns of the public HEPMASS data: what they are, and the constants that standardise them.

The publishers call them f0 to f26 and say only that there are 22 low-level and 5 high-level features, brought to mean
0 and standard deviation 1. What they are was found from the published mean, standard deviation, extremes and quartiles
of each column over all 7,000,000 rows:

- Azimuths end at ±1.732 = ±√3, as an even distribution does.
- Pseudorapidities end sharply, on both sides alike: at 2.5 for the lepton, at 3 for jets (see ``hepmass_detector``).
- Tags have two values each.
- f5 begins with −1.0542, −0.0060 and 0.8505: steps in the ratio ln(5/4) : ln(6/5), so that it is the logarithm of a
  number from 4 to 13. Momenta and masses are logarithms too: their quartiles lie as evenly about the median as those
  of a logarithm do, and the smallest missing energy 10 standard deviations below the mean.
- f24 is narrow, with its quartiles at 80.1, 80.4 and 81.5 GeV: the mass of lepton and neutrino, found as in HIGGS.

So a column is (x − shift) / scale, or (ln x − shift) / scale. Where a column has edges, the constants are those that
put the edges where they were published. For the others (``FITTED``) they are those that give 30,000 simulated rows the
published mean and standard deviation, which puts a threshold of 15 GeV (lepton) or 20 GeV (fourth jet) within 0.1 of
the published minimum.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from hepsieve.simulate.higgs_features import (
    TOP_MASS,
    W_MASS,
    Objects,
    leptonic_w,
    low_level,
    mass,
    massless,
    tagged_pair,
)
from hepsieve.simulate.particles import Bools, Floats, Ints

FEATURES = tuple(f"f{number}" for number in range(27))
NAMES = (*FEATURES, "mass")
UNITS = ("",) * 27 + ("GeV",)

_MOMENTUM, _ETA, _PHI = "transverse momentum", "pseudorapidity", "azimuth"
_MEANINGS = (
    *(f"{_MOMENTUM} of the lepton", f"{_ETA} of the lepton", f"{_PHI} of the lepton"),
    *("missing transverse momentum", f"{_PHI} of the missing transverse momentum", "number of jets"),
    *(f"{what} of jet {n}" for n in (1, 2, 3, 4) for what in (_MOMENTUM, _ETA, _PHI, "b tag")),
    "mass m_jj of two jets without a tag: W → qq′",
    "mass m_jjj of these with a tagged jet: t → bqq′",
    "mass m_lv of lepton and neutrino: W → ℓν",
    "mass m_jlv of these with the other tagged jet: t → bℓν",
    "mass m_wwbb of all: X → tt̄",
)
MEANINGS: Mapping[str, str] = MappingProxyType(
    {**dict(zip(FEATURES, _MEANINGS, strict=True)), "mass": "mass of X, in background rows a random one"}
)
"""What each column is; jets are in the order of falling transverse momentum."""

LOGARITHMS = (0, 3, 5, 6, 10, 14, 18, 22, 23, 24, 25, 26)
"""The columns that are logarithms, of GeV and of the number of jets."""

LEAST = 1e-3
"""GeV; logarithms of less are those of this."""

HARDEST = 3
"""Untagged jets among which the hadronic W boson is looked for."""


def _edges(low: float, high: float, at_low: float, at_high: float) -> tuple[float, float]:
    """Shift and scale that put two values at these places."""
    scale = (high - low) / (at_high - at_low)
    return low - scale * at_low, scale


FITTED: Mapping[int, tuple[float, float]] = MappingProxyType(
    {
        0: (4.067, 0.712),
        3: (4.153, 0.848),
        6: (5.030, 0.594),
        10: (4.619, 0.546),
        14: (4.207, 0.487),
        18: (3.790, 0.462),
        22: (4.497, 0.554),
        23: (5.262, 0.358),
        24: (4.435, 0.146),
        25: (5.418, 0.521),
        26: (6.494, 0.454),
    }
)
"""Shift and scale of the columns without edges."""

_JETS = np.log(4), np.log(13)
_DERIVED: Mapping[int, tuple[float, float]] = {
    1: _edges(-2.5, 2.5, -2.365355, 2.365287),
    2: _edges(-np.pi, np.pi, -1.732165, 1.732370),
    4: _edges(-np.pi, np.pi, -1.732137, 1.731978),
    5: _edges(*_JETS, -1.054221, 4.482618),
    7: _edges(-3, 3, -2.757853, 2.758590),
    8: _edges(-np.pi, np.pi, -1.732359, 1.731450),
    9: _edges(0, 1, -1.325801, 0.754261),
    11: _edges(-3, 3, -2.602091, 2.602294),
    12: _edges(-np.pi, np.pi, -1.732216, 1.732007),
    13: _edges(0, 1, -1.161915, 0.860649),
    15: _edges(-3, 3, -2.437812, 2.438369),
    16: _edges(-np.pi, np.pi, -1.732145, 1.732738),
    17: _edges(0, 1, -0.815440, 1.226331),
    19: _edges(-3, 3, -2.281867, 2.282217),
    20: _edges(-np.pi, np.pi, -1.731758, 1.732740),
    21: _edges(0, 1, -0.573682, 1.743123),
}
_CONSTANTS = np.array([{**FITTED, **_DERIVED}[number] for number in range(27)])
SHIFTS, SCALES = _CONSTANTS[:, 0], _CONSTANTS[:, 1]


def standardise(values: Floats) -> Floats:
    """The published columns for values in GeV and radians, shape (n, 27)."""
    columns = values.copy()
    columns[:, LOGARITHMS] = np.log(np.maximum(columns[:, LOGARITHMS], LEAST))
    standardised: Floats = (columns - SHIFTS) / SCALES
    return standardised


def physical(columns: Floats) -> Floats:
    """GeV, radians, pseudorapidities, tags 0 and 1 and numbers of jets from published columns, shape (n, 27)."""
    values: Floats = columns * SCALES + SHIFTS
    values[:, LOGARITHMS] = np.exp(values[:, LOGARITHMS])
    return values


def features(objects: Objects) -> Floats:
    """The 27 values of every event, shape (events, 27), in GeV and radians; the jets have to be in the order of pt."""
    low = low_level(objects)
    number = objects.valid.sum(axis=1, keepdims=True)
    return np.concatenate([low[:, :5], number, low[:, 5:], derived_masses(objects)], axis=1)


def derived_masses(objects: Objects) -> Floats:
    """m_jj, m_jjj, m_lv, m_jlv and m_wwbb in GeV, shape (events, 5).

    Every event needs exactly two tagged jets and at least two others. m_jj and m_jjj: the pair of the three hardest
    untagged jets and the tagged jet with the smallest |m_jj − m_W| + |m_jjj − m_t|. m_lv: lepton and neutrino, whose
    pseudorapidity is the one of −3, −2.95, … 3 that brings m_lv closest to m_W. m_jlv: the other tagged jet with
    these. m_wwbb: all of them. The publication names the five masses and not how the jets are chosen: of sixteen ways
    that were tried, this one comes closest to the published quartiles.
    """
    jets = massless(objects.jets[..., 0], objects.jets[..., 1], objects.jets[..., 2])
    untagged = objects.valid & (objects.tags == 0)
    tagged = np.stack(tagged_pair(jets, objects.valid & (objects.tags > 0)), axis=1)
    hadronic, top, number = _hadronic_top(jets, untagged & (np.cumsum(untagged, axis=1) <= HARDEST), tagged)
    leptonic = leptonic_w(objects)
    other = tagged[np.arange(len(jets)), 1 - number]
    return np.stack(
        [mass(hadronic), mass(top), mass(leptonic), mass(leptonic + other), mass(top + leptonic + other)], axis=1
    )


def _hadronic_top(jets: Floats, untagged: Bools, tagged: Floats) -> tuple[Floats, Floats, Ints]:
    """The momenta of the hadronic W boson and top quark, and which of the tagged jets (0 or 1) is in the latter."""
    rows = np.arange(len(jets))
    first, second = np.triu_indices(jets.shape[1], 1)
    pairs = jets[:, first] + jets[:, second]
    triples = pairs[:, :, None] + tagged[:, None]
    distance = np.abs(mass(pairs) - W_MASS)[..., None] + np.abs(mass(triples) - TOP_MASS)
    distance = np.where((untagged[:, first] & untagged[:, second])[..., None], distance, np.inf)
    pair, number = np.divmod(distance.reshape(len(jets), -1).argmin(axis=1), 2)
    return pairs[rows, pair], triples[rows, pair, number], number
