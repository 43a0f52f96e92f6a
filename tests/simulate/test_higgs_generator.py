"""What Pythia is told, and the polarisation of the W bosons it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hepsieve.simulate.higgs_generator import longitudinal_weight, open_generator, settings

Vector = tuple[float, float, float, float]  # px, py, pz, E


@dataclass
class Momentum:
    vector: Vector

    def __mul__(self, other: Momentum) -> float:
        a, b = self.vector, other.vector
        return a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2]

    def m2Calc(self) -> float:
        return self * self


@dataclass
class Entry:
    kind: int
    momentum: Vector
    mother: int = 0
    daughter: int = 0

    def idAbs(self) -> int:
        return self.kind

    def p(self) -> Momentum:
        return Momentum(self.momentum)

    def mother1(self) -> int:
        return self.mother

    def daughter1(self) -> int:
        return self.daughter


class Process(list[Entry]):
    def size(self) -> int:
        return len(self)


@pytest.mark.parametrize("cosine", [-1.0, -0.4, 0.0, 0.3, 0.9])
@pytest.mark.parametrize("parent", [35, 37])
def test_the_weight_of_one_decay_is_sin_squared(cosine: float, parent: int) -> None:
    # A W of mass 80 along z with E = 100, pz = 60 from a parent of mass 300 at rest: the boost is γ = 1.25, β = 0.6.
    sine = np.sqrt(1 - cosine**2)
    lepton = (40 * sine, 0.0, 1.25 * (40 * cosine + 0.6 * 40), 1.25 * (40 + 0.6 * 40 * cosine))
    nothing = Entry(0, (0.0, 0.0, 0.0, 0.0))
    process = Process([nothing] * 5)
    process += [Entry(parent, (0.0, 0.0, 0.0, 300.0)), Entry(24, (0.0, 0.0, 60.0, 100.0), 5, 7), Entry(11, lepton, 6)]
    assert longitudinal_weight(process) == pytest.approx(1 - cosine**2, abs=1e-12)
    process[5] = Entry(6, (0.0, 0.0, 0.0, 300.0))  # a top quark's W is left as Pythia makes it
    assert longitudinal_weight(process) == 1.0


def test_w_bosons_of_the_signal_decay_longitudinally() -> None:
    pytest.importorskip("pythia8mc")
    generator = open_generator("signal", charge=1, seed=3, rng=np.random.default_rng(3))
    generator.pythia.readString("PartonLevel:all = off")
    assert generator.pythia.init()
    weights = []
    charges = []
    for _ in range(2000):
        generator.pythia.next()
        weights.append(longitudinal_weight(generator.pythia.process))
        charges.append(lepton_sign(generator.pythia.process))
    # For dN/dcos ∝ sin², the mean of sin² is ∫sin⁴/∫sin² = (16/15)/(4/3) = 4/5 per W, 0.64 for two (flat: 4/9).
    # Its spread is √((∫sin⁶/∫sin²)² − 0.64²) = √(0.6857² − 0.4096) = 0.246, so five standard errors are 0.028.
    assert np.mean(weights) == pytest.approx(0.64, abs=0.028)
    assert set(charges) == {1}


def lepton_sign(process: Any) -> int:
    """The charge of the one electron or muon."""
    signs = [-1 if process[row].id() > 0 else 1 for row in range(5, process.size()) if process[row].idAbs() in (11, 13)]
    assert len(signs) == 1
    return signs[0]


def test_settings_name_the_seed_and_the_charge() -> None:
    plus, minus = (settings("background", charge=charge, seed=7) for charge in (1, -1))
    assert "24:onPosIfAny = 11 13" in plus
    assert "24:onNegIfAny = 11 13" in minus
    assert "Random:seed = 7" in plus


def test_a_record_holds_stable_particles_and_heavy_quarks() -> None:
    pytest.importorskip("pythia8mc")
    record = open_generator("background", charge=-1, seed=3, rng=np.random.default_rng(3)).generate(10)
    assert record.events == 10
    assert set(np.unique(record.quarks.kind)) == {4, 5}
    assert (np.diff(record.stable.event) >= 0).all()
    # Energy is conserved: what is stable adds up to 8 TeV, and so do its momenta along the beams to nothing.
    energy = np.bincount(record.stable.event, record.stable.energy)
    along = np.bincount(record.stable.event, record.stable.pt * np.sinh(record.stable.eta))
    np.testing.assert_allclose(energy, 8000.0, rtol=1e-6)
    np.testing.assert_allclose(along, 0.0, atol=1.0)
