"""The 28 columns of the public HIGGS data: how each is defined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.kinematics import W_MASS, mass, massless
from hepsieve.published_columns import HIGGS_MEANS, HIGGS_SCALES
from hepsieve.simulate.particles import Bools, Floats, Ints

NAMES = (
    *("lepton_pT", "lepton_eta", "lepton_phi", "missing_energy_magnitude", "missing_energy_phi"),
    *(f"jet{number}_{column}" for number in (1, 2, 3, 4) for column in ("pt", "eta", "phi", "b-tag")),
    *("m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"),
)
UNITS = ("",) * len(NAMES)
"""The published columns are (value − mean) / scale: without a unit."""

TOP_MASS = 175.0  # GeV
NEUTRINO_ETA = np.arange(-60, 61) * 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Objects:
    """What was reconstructed in every event.

    Attributes:
        lepton: pt (GeV), eta and phi, shape (events, 3).
        missing: magnitude (GeV) and phi of the missing transverse momentum, shape (events, 2).
        jets: pt (GeV), eta and phi of all jets, shape (events, jets, 3), in the order in which they were found.
        tags: 0, 1 or 2 for none, loose and tight, shape (events, jets).
        valid: which of the jets are there, shape (events, jets); they stand before the others.
    """

    lepton: Floats
    missing: Floats
    jets: Floats
    tags: Ints
    valid: Bools


def scale(values: Floats) -> Floats:
    """The published columns for values in GeV and radians, shape (n, 28)."""
    scaled: Floats = (values - HIGGS_MEANS) / HIGGS_SCALES
    return scaled


def unscale(columns: Floats) -> Floats:
    """GeV, radians, pseudorapidities and tags 0, 1, 2 from published columns, shape (n, 28)."""
    values: Floats = columns * HIGGS_SCALES + HIGGS_MEANS
    return values


def features(objects: Objects) -> Floats:
    """The 28 values of every event, shape (events, 28), in GeV and radians; jets 1 to 4 are the first four."""
    return np.concatenate([low_level(objects), derived_masses(objects)], axis=1)


def low_level(objects: Objects) -> Floats:
    """Lepton, missing momentum and the first four jets with their tags, shape (events, 21), in GeV and radians."""
    jets = np.concatenate([objects.jets[:, :4], objects.tags[:, :4, None]], axis=2)
    return np.concatenate([objects.lepton, objects.missing, jets.reshape(len(jets), 16)], axis=1)


def derived_masses(objects: Objects) -> Floats:
    """m_jj, m_jjj, m_lv, m_jlv, m_bb, m_wbb and m_wwbb in GeV, shape (events, 7).

    Every event needs exactly two tagged jets and at least two others. m_jj: the untagged pair of mass closest to the
    W's. m_lv: lepton and neutrino. m_jjj: that pair and the tagged jet that gives a mass closest to the top's. m_jlv:
    the other tagged jet with lepton and neutrino. m_bb: the tagged jets. m_wbb: the heavier of the two W candidates
    with both tagged jets. m_wwbb: all of these together.
    """
    jets = massless(objects.jets[..., 0], objects.jets[..., 1], objects.jets[..., 2])
    hadronic = _hadronic_w(jets, objects.valid & (objects.tags == 0))
    leptonic = leptonic_w(objects)
    first, second = tagged_pair(jets, objects.valid & (objects.tags > 0))
    with_first, with_second = mass(hadronic + first), mass(hadronic + second)
    first_is_hadronic = np.abs(with_first - TOP_MASS) < np.abs(with_second - TOP_MASS)
    pair = first + second
    other = np.where(first_is_hadronic[:, None], second, first)
    columns = [
        mass(hadronic),
        np.where(first_is_hadronic, with_first, with_second),
        mass(leptonic),
        mass(leptonic + other),
        mass(pair),
        np.maximum(mass(hadronic + pair), mass(leptonic + pair)),
        mass(hadronic + leptonic + pair),
    ]
    return np.stack(columns, axis=1)


def neutrino_eta(lepton: Floats, missing: Floats) -> Floats:
    """The neutrino's pseudorapidity, shape (events,): of −3, −2.95, … 3 the one with m_lv closest to the W's mass.

    Args:
        lepton: pt, eta, phi, shape (events, 3).
        missing: the neutrino's pt and phi, shape (events, 2).
    """
    pt, eta, phi = (column[:, None] for column in lepton.T)
    mass2 = 2 * pt * missing[:, :1] * (np.cosh(NEUTRINO_ETA - eta) - np.cos(phi - missing[:, 1:]))
    # Rounding may bring a vanishing mass below zero.
    distance = np.abs(np.sqrt(np.maximum(mass2, 0)) - W_MASS)
    nearest: Floats = NEUTRINO_ETA[distance.argmin(axis=1)]
    return nearest


def leptonic_w(objects: Objects) -> Floats:
    """px, py, pz, E of lepton and neutrino, shape (events, 4)."""
    eta = neutrino_eta(objects.lepton, objects.missing)
    neutrino = massless(objects.missing[:, 0], eta, objects.missing[:, 1])
    return massless(*objects.lepton.T) + neutrino


def tagged_pair(jets: Floats, tagged: Bools) -> tuple[Floats, Floats]:
    """The two tagged jets of every event, in the order of the jets."""
    order = np.argsort(~tagged, axis=1, kind="stable")
    rows = np.arange(len(jets))
    return jets[rows, order[:, 0]], jets[rows, order[:, 1]]


def _hadronic_w(jets: Floats, untagged: Bools) -> Floats:
    """The sum of the two untagged jets whose mass is closest to the W's."""
    rows = np.arange(len(jets))
    first, second = np.triu_indices(jets.shape[1], 1)
    masses = mass(jets[:, first] + jets[:, second])
    distance = np.where(untagged[:, first] & untagged[:, second], np.abs(masses - W_MASS), np.inf)
    nearest = distance.argmin(axis=1)
    pair: Floats = jets[rows, first[nearest]] + jets[rows, second[nearest]]
    return pair
