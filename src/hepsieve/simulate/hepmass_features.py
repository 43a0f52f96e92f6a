"""The 27 columns of the public HEPMASS data: what they are, and the constants that standardise them.

The publishers call them f0 to f26 and say only that there are 22 low-level and 5 high-level features, brought to mean
0 and standard deviation 1. What they are was found from the published mean, standard deviation, extremes and quartiles
of each column over all 7,000,000 rows: see ``published_columns``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from hepsieve.kinematics import W_MASS, mass, massless
from hepsieve.published_columns import HEPMASS_LOGARITHMS, HEPMASS_SCALES, HEPMASS_SHIFTS
from hepsieve.simulate.higgs_features import TOP_MASS, Objects, leptonic_w, low_level, tagged_pair
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

LEAST = 1e-3
"""GeV; logarithms of less are those of this."""

HARDEST = 3
"""Untagged jets among which the hadronic W boson is looked for."""


def standardise(values: Floats) -> Floats:
    """The published columns for values in GeV and radians, shape (n, 27)."""
    columns = values.copy()
    columns[:, HEPMASS_LOGARITHMS] = np.log(np.maximum(columns[:, HEPMASS_LOGARITHMS], LEAST))
    standardised: Floats = (columns - HEPMASS_SHIFTS) / HEPMASS_SCALES
    return standardised


def physical(columns: Floats) -> Floats:
    """GeV, radians, pseudorapidities, tags 0 and 1 and numbers of jets from published columns, shape (n, 27)."""
    values: Floats = columns * HEPMASS_SCALES + HEPMASS_SHIFTS
    values[:, HEPMASS_LOGARITHMS] = np.exp(values[:, HEPMASS_LOGARITHMS])
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
