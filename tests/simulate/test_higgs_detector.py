"""The selection of simulated events."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference import higgs as reference

from hepsieve.simulate.detector import is_charged, track_isolation
from hepsieve.simulate.higgs_detector import kept_of_tags, reconstruct
from hepsieve.simulate.particles import Floats, Particles, Record


def crowd(seed: int, *, events: int = 4, particles: int = 80) -> Particles:
    rng = np.random.default_rng(seed)
    n = events * particles
    pt, eta = rng.exponential(2.0, n), rng.uniform(-1, 1, n)
    return Particles(
        event=np.sort(rng.integers(0, events, n)),
        kind=rng.choice([11, 13, 22, 130, 211, 2212], n),
        pt=pt,
        eta=eta,
        phi=rng.uniform(-np.pi, np.pi, n),
        energy=pt * np.cosh(eta),
    )


@given(st.integers(0, 2**20))
@settings(max_examples=20, deadline=None)
def test_isolation_is_the_slow_one(seed: int) -> None:
    visible = crowd(seed)
    leptons = visible[(visible.pt > 4) & np.isin(visible.kind, [11, 13])]
    found = track_isolation(leptons, visible)
    columns = list(zip(visible.kind, visible.pt, visible.eta, visible.phi, strict=True))
    expected = [
        reference.isolation(
            (leptons.pt[row], leptons.eta[row], leptons.phi[row]),
            reference.tracks([columns[k] for k in np.flatnonzero(visible.event == leptons.event[row])]),
        )
        for row in range(len(leptons))
    ]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_charged_particles() -> None:
    assert is_charged(np.array([11, 13, 211, 2212, 22, 130, 2112, 1000010020])).tolist() == [True] * 4 + [False] * 4


def column(values: list[float], events: int) -> Floats:
    return np.tile(np.array(values), events)


def four_jets_and_a_muon(events: int, *, muon_pt: float = 40.0, fourth_jet: float = 40.0) -> Record:
    """Events with a muon and four photons of 40 GeV, two of which fly along b quarks."""
    pt = [muon_pt, 40.0, 40.0, 40.0, fourth_jet]
    eta = [0.0, 0.5, -0.5, 1.0, -1.0]
    phi = [3.0, 0.0, 1.5, -1.5, -3.0 + 1.0]
    energy = (np.array(pt) * np.cosh(eta)).tolist()
    stable = Particles(
        event=np.repeat(np.arange(events), 5),
        kind=np.tile([13, 22, 22, 22, 22], events),
        pt=column(pt, events),
        eta=column(eta, events),
        phi=column(phi, events),
        energy=column(energy, events),
    )
    quarks = stable[(np.arange(5 * events) % 5 == 1) | (np.arange(5 * events) % 5 == 2)]
    b = Particles(
        event=quarks.event,
        kind=np.full(len(quarks), 5),
        pt=quarks.pt,
        eta=quarks.eta,
        phi=quarks.phi,
        energy=quarks.energy,
    )
    return Record(events=events, stable=stable, quarks=b)


def test_clear_events_pass_and_are_measured() -> None:
    objects = reconstruct(four_jets_and_a_muon(400), np.random.default_rng(1))
    assert 150 < len(objects.lepton) < 400
    assert (objects.valid.sum(axis=1) == 4).all()
    assert ((objects.tags > 0).sum(axis=1) == 2).all()
    np.testing.assert_allclose(objects.lepton[:, 0].mean(), 40.0, rtol=0.01)
    np.testing.assert_allclose(objects.lepton[:, 1:], [[0.0, 3.0]] * len(objects.lepton))
    # Photons stay where their towers are: within half a tower.
    assert np.abs(np.sort(objects.jets[:, :4, 1], axis=1) - [-1.0, -0.5, 0.5, 1.0]).max() <= 0.05 + 1e-9


def test_events_that_lack_a_lepton_or_a_jet_fall() -> None:
    rng = np.random.default_rng(1)
    assert len(reconstruct(four_jets_and_a_muon(50, muon_pt=10.0), rng).lepton) == 0
    assert len(reconstruct(four_jets_and_a_muon(50, fourth_jet=9.0), rng).lepton) == 0


def test_two_leptons_fall() -> None:
    record = four_jets_and_a_muon(50)
    second = record.stable[record.stable.kind == 13]
    other = Particles(
        event=second.event, kind=second.kind, pt=second.pt, eta=second.eta + 1.8, phi=second.phi, energy=second.energy
    )
    columns = {
        name: np.concatenate([getattr(record.stable, name), getattr(other, name)])
        for name in ("event", "kind", "pt", "eta", "phi", "energy")
    }
    order = np.argsort(columns["event"], kind="stable")
    both = Particles(**{name: values[order] for name, values in columns.items()})
    objects = reconstruct(Record(events=50, stable=both, quarks=record.quarks), np.random.default_rng(1))
    # 2 % of the leptons are missed, 4 % of such events keep one.
    assert len(objects.lepton) <= 6


def test_soft_heavy_jets_lose_some_of_their_tags() -> None:
    kept = kept_of_tags(np.array([15.0, 40.0, 500.0, 15.0]), np.array([5, 4, 5, 0]))
    # 7 % at 15 GeV, 7 %/e 25 GeV above, none of a light jet's.
    np.testing.assert_allclose(kept, [0.93, 1 - 0.07 / np.e, 1.0, 1.0], atol=1e-8)


def test_leptons_at_the_rim_are_mostly_lost() -> None:
    def shifted(eta: float) -> int:
        record = four_jets_and_a_muon(400)
        muon = record.stable.kind == 13
        stable = replace(record.stable, eta=np.where(muon, eta, record.stable.eta))
        return len(reconstruct(replace(record, stable=stable), np.random.default_rng(1)).lepton)

    # 0.3 of what is found inside, ± 0.04; the muon's jet is far away.
    assert 0.18 < shifted(2.4) / shifted(2.3) < 0.42
    assert shifted(2.51) == 0


def test_a_muon_inside_a_jet_counts_to_it_with_its_whole_momentum() -> None:
    record = four_jets_and_a_muon(100)
    jet = record.stable[np.arange(500) % 5 == 1]
    inside = replace(jet, kind=np.full(100, 13), pt=np.full(100, 20.0), energy=np.full(100, 20.0 * np.cosh(0.5)))
    # A charged pion along the jet spoils the isolation of the muon.
    pion = replace(inside, kind=np.full(100, 211), pt=np.full(100, 10.0), energy=np.full(100, 10.0 * np.cosh(0.5)))
    parts = (record.stable, inside, pion)
    columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Particles)}
    order = np.argsort(columns["event"], kind="stable")
    stable = Particles(**{name: values[order] for name, values in columns.items()})
    objects = reconstruct(Record(events=100, stable=stable, quarks=record.quarks), np.random.default_rng(1))
    hardest = np.where(objects.valid, objects.jets[..., 0], 0).max(axis=1)
    # 40 GeV of the photon, 20 of the muon, 10 of the pion; 2.5 GeV of the muon alone would make about 52.
    assert 66 < np.median(hardest) < 74
