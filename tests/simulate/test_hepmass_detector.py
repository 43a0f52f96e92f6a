"""The selection of HEPMASS events."""

from __future__ import annotations

import numpy as np

from hepsieve.simulate.hepmass_detector import reconstruct
from hepsieve.simulate.particles import Particles, Record

PHI = (3.0, 0.0, 1.5, -1.5, -2.0)
ETA = (0.0, 0.5, -0.5, 1.0, -1.0)


def record(events: int, *, muon: float = 60.0, jets: tuple[float, ...] = (40.0, 90.0, 60.0, 50.0)) -> Record:
    """Events with a muon and four photons of these pt, of which the first and the second fly along b quarks."""
    pt, eta, phi = (np.tile(values, events) for values in ((muon, *jets), ETA, PHI))
    event = np.repeat(np.arange(events), 5)
    kind = np.tile([13, 22, 22, 22, 22], events)
    stable = Particles(event=event, kind=kind, pt=pt, eta=eta, phi=phi, energy=pt * np.cosh(eta))
    b = stable[np.isin(np.arange(5 * events) % 5, [1, 2])]
    quarks = Particles(event=b.event, kind=np.full(len(b), 5), pt=b.pt, eta=b.eta, phi=b.phi, energy=b.energy)
    return Record(events=events, stable=stable, quarks=quarks)


def test_clear_events_pass_with_jets_in_the_order_of_pt() -> None:
    objects = reconstruct(record(400), np.random.default_rng(1))
    # Tag rates of b jets of about 44 and 99 GeV are 0.5 tanh(0.03 · 44 − 0.4) = 0.36 and 0.5 tanh(2.57) = 0.49: both
    # with 0.179, which is 0.477 of the bound 0.375; 98 % of the muons are found: 187 of 400, ± 10.
    assert 137 < len(objects.lepton) < 237
    assert (objects.valid.sum(axis=1) == 4).all()
    assert ((objects.tags > 0).sum(axis=1) == 2).all()
    assert objects.tags.max() == 1
    assert (np.diff(objects.jets[:, :4, 0], axis=1) <= 0).all()
    # The hardest jet is the second photon, which is along a b quark; its b-jet scale makes 99 GeV of 90.
    tagged = objects.tags[:, 0] == 1
    assert tagged.mean() > 0.95
    np.testing.assert_allclose(objects.jets[:, 0, 0].mean(), 99.0, rtol=0.02)
    np.testing.assert_allclose(objects.lepton[:, 1:], [[0.0, 3.0]] * len(objects.lepton))


def test_events_below_a_threshold_fall() -> None:
    rng = np.random.default_rng(1)
    assert len(reconstruct(record(50, muon=12.0), rng).lepton) == 0
    assert len(reconstruct(record(50, jets=(40.0, 90.0, 60.0, 14.0)), rng).lepton) == 0
    assert len(reconstruct(record(50, muon=20.0), rng).lepton) > 0
