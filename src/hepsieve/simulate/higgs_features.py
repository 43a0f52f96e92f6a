"""The 28 columns of the public HIGGS data: definitions, and the constants that scale them.

The constants were read off public rows, whose pt, eta and phi lie on a grid of 0.01 GeV and 0.001: a column's scale
and offset are those that put all its values onto the grid. Masses and missing energy follow from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepsieve.simulate.particles import Bools, Floats, Ints

NAMES = (
    *("lepton_pT", "lepton_eta", "lepton_phi", "missing_energy_magnitude", "missing_energy_phi"),
    *(f"jet{number}_{column}" for number in (1, 2, 3, 4) for column in ("pt", "eta", "phi", "b-tag")),
    *("m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"),
)
UNITS = ("",) * len(NAMES)
"""The published columns are (value − mean) / scale: without a unit."""

B_TAG_CODES = (1.086538076, 1.107436061, 1.274112225, 1.550980687)
"""What a loose tag of jets 1 to 4 is in the published columns; a tight one is twice that."""

SCALES = np.array(
    [
        *(54.642094, 1.026727, 1.80225, 58.2085, 1.801784),
        *(109.16171, 1.0098665, 1.80383, 1 / B_TAG_CODES[0]),
        *(79.425911, 1.02947, 1.80235, 1 / B_TAG_CODES[1]),
        *(56.940689, 1.0986009, 1.80266, 1 / B_TAG_CODES[2]),
        *(41.083428, 1.200735, 1.80209, 1 / B_TAG_CODES[3]),
        *(87.695751, 179.68827, 81.41911, 195.20406, 126.56807, 336.20647, 511.4418),
    ]
)
"""GeV for momenta and masses, radians for azimuths, none for pseudorapidities and tags."""

MEANS = np.array(
    [
        *(0.0, 0.000056, 0.000251, 0.0, 0.00162),
        *(0.0, 0.000026, 0.000711, 0.0),
        *(0.0, -0.000062, 0.000183, 0.0),
        *(0.0, -0.00019, 0.000172, 0.0),
        *(0.0, -0.000447, 0.000293, 0.0),
        *(0.0,) * 7,
    ]
)
"""In the units of the scales; only columns of either sign were centred."""

W_MASS, TOP_MASS = 80.4, 175.0  # GeV
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
    scaled: Floats = (values - MEANS) / SCALES
    return scaled


def unscale(columns: Floats) -> Floats:
    """GeV, radians, pseudorapidities and tags 0, 1, 2 from published columns, shape (n, 28)."""
    values: Floats = columns * SCALES + MEANS
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


def massless(pt: Floats, eta: Floats, phi: Floats) -> Floats:
    """px, py, pz, E of massless particles: one axis more, of length 4."""
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=-1)


def mass(momentum: Floats) -> Floats:
    """Invariant mass of px, py, pz, E on the last axis."""
    squared = momentum[..., 3] ** 2 - (momentum[..., :3] ** 2).sum(axis=-1)
    root: Floats = np.sqrt(np.maximum(squared, 0))
    return root


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
