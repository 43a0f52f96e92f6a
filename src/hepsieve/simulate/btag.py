"""Tags of b jets: efficiencies as PGS 4 and Delphes 3 have them, and tags drawn given that an event has exactly two."""

from __future__ import annotations

import numpy as np

from hepsieve.simulate.particles import Floats, Ints, Particles

BOTTOM, CHARM = 5, 4
# Coefficients of rising powers, in GeV of transverse energy and in |eta|: the fits to CDF's secondary-vertex tagger
# in PGS 4 (loose, then tight). The loose ones fall below zero at |eta| = 1.753.
LOOSE_B = ((0.178, 0.0161, -0.000296, 2.71e-6, -1.27e-8, 2.36e-11), (1.02, -0.173, 0.161, 0.692, -1.07, 0.312))
TIGHT_B = ((0.108, 0.0175, -0.000347, 3.32e-6, -1.58e-8, 2.93e-11), (1.05, -0.517, 1.457, -1.20, 0.0466, 0.0895))
LOOSE_LIGHT = ((0.0145, -0.00112, 4.45e-5, -5.6e-7, 3.13e-9, -6.92e-12), (0.876, 0.266, 0.504, -0.535))
TIGHT_LIGHT = ((0.00355, -0.000263, 1.18e-5, -1.41e-7, 7.53e-10, -1.55e-12), (0.821, 0.452, 0.437, -0.555))
LOOSE_CHARM, TIGHT_CHARM = 0.26, 0.22  # of the b efficiencies
MAX_ET, MAX_ETA = 160.0, 2.0  # the fits end here
FLAVOUR_CONE = np.cos(np.radians(20.0))

MAX_EFFICIENCY = 0.53
"""No jet is tagged with a larger probability."""

MAX_PAIR_PROBABILITY = 3 * MAX_EFFICIENCY**2 * (1 - MAX_EFFICIENCY)
"""No event has exactly two tags with a larger probability, whatever its jets.

The probability is linear in the efficiency of each jet, so that it is largest where each is 0 or the maximum p:
n(n−1)/2 p²(1−p)^(n−2), which is largest for n = 3 (n = 2: 0.281, 3: 0.396, 4: 0.372, falling on).
"""

DELPHES_CENTRAL, DELPHES_FORWARD = {BOTTOM: 0.5, CHARM: 0.2}, {BOTTOM: 0.4, CHARM: 0.1}
DELPHES_LIGHT = 0.001
DELPHES_MIDDLE, DELPHES_RIM = 1.2, 2.5  # |eta|
DELPHES_MAX_PAIR_PROBABILITY = 3 * 0.5**3
"""The same for Delphes' tagger, whose efficiencies stay below one half (three jets and four give as much)."""


def jet_flavour(jets: Floats, quarks: Particles) -> Ints:
    """5, 4 or 0: whether a b, else a c quark of at least 1 GeV of pt lies within 20° of the jet.

    Args:
        jets: px, py, pz, E, shape (events, jets, 4).
        quarks: b and c quarks of the same events.
    """
    near = quarks[quarks.pt > 1.0]
    direction = jets[..., :3] / np.maximum(np.linalg.norm(jets[..., :3], axis=-1, keepdims=True), 1e-9)
    cosh = np.cosh(near.eta)
    axis = np.stack([np.cos(near.phi) / cosh, np.sin(near.phi) / cosh, np.tanh(near.eta)], axis=-1)
    cosine = np.einsum("qjc,qc->qj", direction[near.event], axis)
    flavour = np.zeros(jets.shape[:2], np.int64)
    np.maximum.at(flavour, near.event, np.where(cosine > FLAVOUR_CONE, near.kind[:, None], 0))
    return flavour


def tag_efficiency(et: Floats, eta: Floats, flavour: Ints) -> tuple[Floats, Floats]:
    """The probabilities of any tag and of a tight tag.

    Args:
        et: transverse energy of the jets in GeV, any shape.
        eta: their pseudorapidity.
        flavour: 5, 4 or 0.
    """
    et, eta = np.minimum(et, MAX_ET), np.abs(eta)
    loose_b, tight_b = _product(LOOSE_B, et, eta), _product(TIGHT_B, et, eta)
    heavy = [flavour == BOTTOM, flavour == CHARM]
    loose = np.select(heavy, [loose_b, LOOSE_CHARM * loose_b], _product(LOOSE_LIGHT, et, eta))
    tight = np.select(heavy, [tight_b, TIGHT_CHARM * tight_b], _product(TIGHT_LIGHT, et, eta))
    reach = eta < MAX_ETA
    loose, tight = np.where(reach, np.maximum(loose, 0), 0), np.where(reach, np.maximum(tight, 0), 0)
    # The two fits cross near |eta| = 1.64; beyond, the public rows have tight tags alone, and none past the loose fit.
    return loose, np.minimum(loose, tight)


def delphes_efficiency(pt: Floats, eta: Floats, flavour: Ints) -> Floats:
    """The probability of a tag in the detector cards that came with Delphes 3.0 and 3.1 (arXiv:1307.6346).

    Args:
        pt: transverse momentum of the jets in GeV, any shape.
        eta: their pseudorapidity.
        flavour: 5, 4 or 0.
    """
    eta = np.abs(eta)
    rise = np.tanh(np.maximum(0.03 * pt - 0.4, 0))

    def heavy(number: int) -> Floats:
        return np.where(eta <= DELPHES_MIDDLE, DELPHES_CENTRAL[number], DELPHES_FORWARD[number]) * rise

    kinds = [flavour == BOTTOM, flavour == CHARM]
    efficiency = np.select(kinds, [heavy(BOTTOM), heavy(CHARM)], DELPHES_LIGHT)
    return np.where(eta <= DELPHES_RIM, efficiency, 0.0)


def pair_probability(efficiency: Floats) -> Floats:
    """The probability of exactly two tags, shape (events,), for efficiencies below 1 of shape (events, jets).

    >>> pair_probability(np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.5]])).tolist()
    [0.25, 0.375]
    """
    odds = efficiency / (1 - efficiency)
    pairs = (odds.sum(axis=1) ** 2 - (odds**2).sum(axis=1)) / 2
    probability: Floats = np.prod(1 - efficiency, axis=1) * pairs
    return probability


def draw_two_tags(any_tag: Floats, tight: Floats, rng: np.random.Generator) -> Ints:
    """Tags 0, 1 (loose) or 2 (tight) of every jet, drawn given that exactly two jets have one.

    Args:
        any_tag: probability of any tag, shape (events, jets); at least two above zero per event.
        tight: probability of a tight tag, at most ``any_tag``.
        rng: makes the draw.
    """
    events, jets = any_tag.shape
    odds = any_tag / (1 - any_tag)
    first, second = np.triu_indices(jets, 1)
    cumulative = np.cumsum(odds[:, first] * odds[:, second], axis=1)
    if events == 0:
        return np.zeros(any_tag.shape, np.int64)
    chosen = (cumulative <= (rng.random(events) * cumulative[:, -1])[:, None]).sum(axis=1)
    chosen = np.minimum(chosen, len(first) - 1)  # the product may round up to the whole sum
    rows = np.arange(events)
    tags = np.zeros(any_tag.shape, np.int64)
    for jet in (first[chosen], second[chosen]):
        tags[rows, jet] = 1 + (rng.random(events) * any_tag[rows, jet] < tight[rows, jet])
    return tags


def _product(fits: tuple[tuple[float, ...], tuple[float, ...]], et: Floats, eta: Floats) -> Floats:
    in_et, in_eta = (np.polynomial.Polynomial(coefficients) for coefficients in fits)
    value: Floats = in_et(et) * in_eta(eta)
    return value
