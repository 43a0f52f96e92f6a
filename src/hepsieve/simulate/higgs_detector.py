"""Detected events turned into rows like the public HIGGS data: those that pass the selection, with two b tags.

Selection: one isolated lepton with pt > 15 GeV and |eta| < 2.5; at least four jets with pt > 15 GeV and |eta| < 3, none
within 0.4 of the lepton; exactly two tagged jets.
"""

from __future__ import annotations

import numpy as np

from hepsieve.simulate import btag
from hepsieve.simulate.detector import Acceptance, Findings, detect
from hepsieve.simulate.higgs_features import Objects
from hepsieve.simulate.higgs_tuning import TUNING
from hepsieve.simulate.particles import Bools, Floats, Ints, Record

ACCEPTANCE = Acceptance(
    lepton_pt=15.0,
    lepton_eta=2.5,
    jet_pt=15.0,
    jet_eta=3.0,
    jets=4,
    cone=0.7,
    jet_scale=1.0,
    b_jet_scale=1.0,
    met_noise=TUNING.met_noise,
    isolation_share=TUNING.isolation_share,
    lepton_rim=TUNING.lepton_rim,
    rim_efficiency=TUNING.rim_efficiency,
    shoulder_et=TUNING.shoulder_et,
    jet_muons=True,  # as the clean-up after PGS 4 does; without them, b jets are too soft and m_bb is too broad
)


def reconstruct(record: Record, rng: np.random.Generator) -> Objects:
    """The events that pass the selection.

    Where the selection asks for exactly two tags, an event stays with the probability that it has them, divided by
    the largest probability that any event can have; then two tags are drawn. That gives the same distribution of
    rows as drawing a tag per jet, from fewer generated events.
    """
    found = detect(record, ACCEPTANCE, rng)
    efficiencies = btag.tag_efficiency(found.et, found.jets[..., 1], found.flavour)
    kept_tags = found.good * kept_of_tags(found.et, found.flavour)
    any_tag, tight = (kept_tags * efficiency for efficiency in efficiencies)
    kept = found.clear.copy()
    kept &= rng.random(len(kept)) * btag.MAX_PAIR_PROBABILITY < btag.pair_probability(any_tag)
    tags = btag.draw_two_tags(any_tag[kept], tight[kept], rng)
    return _as_written(found, tags, kept)


def kept_of_tags(et: Floats, flavour: Ints) -> Floats:
    """How many of the tags that the fits give b and c jets (``flavour`` above 0) of this ET (GeV) there are."""
    above = np.maximum(et - ACCEPTANCE.jet_pt, 0)
    lost = TUNING.soft_tag_loss * np.exp(-above / TUNING.soft_tag_range)
    return np.where(flavour > 0, 1 - lost, 1.0)


def _as_written(found: Findings, tags: Ints, kept: Bools) -> Objects:
    """Good jets first, in the order found; numbers as the text files between detector and analysis round them."""
    good = found.good[kept]
    order = np.argsort(~good, axis=1, kind="stable")
    rows = np.arange(len(order))[:, None]
    return Objects(
        lepton=_rounded(found.lepton.measured[kept]),
        missing=found.missing[kept],
        jets=_rounded(found.jets[kept][rows, order]),
        tags=tags[rows, order],
        valid=good[rows, order],
    )


def _rounded(values: Floats) -> Floats:
    """pt to 0.01 GeV, eta to 0.001, phi to 0.001 between 0 and 2π."""
    pt, eta, phi = (values[..., axis] for axis in range(3))
    turned = np.round(phi % (2 * np.pi), 3)
    phi = np.where(turned > np.pi, turned - 2 * np.pi, turned)
    return np.stack([np.round(pt, 2), np.round(eta, 3), phi], axis=-1)
