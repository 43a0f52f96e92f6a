"""Labels that two columns give away together: every way of hiding one is found, honest features pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import hepsieve as hs
from hepsieve.audit import Finding, audit
from hepsieve.config import AuditConfig, DataConfig
from hepsieve.data.read import read_files
from hepsieve.events import Events

CLASSES = ("background", "signal")
HNL = ("kinematic_variables_Back.dat", "kinematic_variables_HNLtoPimu.dat")


def found(events: Events, code: str = "label-in-two-features", *, missing: str = "stop") -> list[Finding]:
    report = audit(events, AuditConfig.model_validate({"missing": missing}), classes=CLASSES)
    return [finding for finding in report.findings if finding.code == code]


def hidden(how: str, n: int = 4000) -> Events:
    """Two columns between two of noise, from which together the label follows."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, n))
    k, m = rng.integers(0, 1000, size=(2, n))
    label = rng.integers(0, 2, n)
    other = rng.choice([1, 3], n)
    columns: dict[str, tuple[NDArray[np.number], NDArray[np.number], NDArray[np.number]]] = {
        "order": (a > b, a, b),
        "order of unlike scales": (1000 * a + 300 > 200 * b, 1000 * a + 300, b),
        "difference": (label, a, a + 0.001 * label),
        "noisy difference": (label, a, a + label + rng.normal(scale=0.05, size=n)),
        "coded difference": (label, a, a + np.where(label == 1, 2, other)),
        "sum": (label, k % 10, (5 * label + rng.integers(0, 5, n) - k) % 10),
        "thousandfold": (label, k, 1000 * k + label),
        "product": (label, np.exp(a), np.exp(-a) * (1 + label)),
        "ratio": (label, np.exp(a), np.exp(a) * (2 + label)),
        "xor of signs": ((a > 0) ^ (b > 0), a, b),
        "xor of limits": ((a > 0.3) ^ (b > -0.5), a, b),
        "xor of bits": (label, k % 2, (k + label) % 2),
        "parity": ((k + m) % 2, k, m),
        "equality": (label, a, np.where(label == 1, a, b)),
        "circle": (a**2 + b**2 < 1.4, a, b),
    }
    target, first, second = columns[how]
    noise = rng.normal(size=(n, 2))
    return Events.from_arrays(np.column_stack([noise[:, 0], first, second, noise[:, 1]]), target.astype(float))


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("order", "their difference x1 − x2"),
        ("order of unlike scales", "the sum x2 − 0.00"),
        ("difference", "their difference x1 − x2"),
        ("noisy difference", "their difference x1 − x2"),
        ("coded difference", "their difference x1 − x2"),
        ("sum", "their sum x1 + x2"),
        ("thousandfold", "the sum x2 − 1000 · x1"),
        ("product", "their product x1 · x2"),
        ("ratio", "their ratio x1 / x2"),
        ("xor of signs", "their product x1 · x2"),
        ("xor of limits", "their position in the plane of both"),
        ("xor of bits", "whether their sum x1 + x2 is even or odd"),
        ("parity", "whether their sum x1 + x2 is even or odd"),
        ("equality", "their difference x1 − x2"),
        ("circle", "their position in the plane of both"),
    ],
)
def test_a_label_hidden_in_two_columns_is_found_and_named(how: str, named: str) -> None:
    # A feature that is strong by itself needs more events to show that two of them are too good.
    (finding,) = found(hidden(how, 20_000 if how == "order of unlike scales" else 4000))
    assert (finding.key, finding.severity) == ("label-in-two-features:x1 & x2", "warn")
    assert f"by {named}" in finding.message
    area = float(finding.message.split("an AUC of ")[1].split(" ")[0])
    assert 0.999 < area <= 1


def test_it_is_found_among_rows_with_missing_values() -> None:
    events = hidden("order")
    features = events.features.copy()
    features[::7, 1], features[::11, 2], features[::13, 0] = np.nan, np.inf, -np.inf
    assert len(found(events.replace(features=features), missing="impute")) == 1


def test_a_strong_feature_beside_its_copy_with_the_label_in_its_decimals_is_found() -> None:
    # Alone each has an AUC of Phi(3.7 / sqrt 2) = 0.9956, which leaves no room for fifty times fewer errors.
    rng = np.random.default_rng(12)
    target = rng.integers(0, 2, 4000)
    strong = 100 + rng.normal(size=4000) + 3.7 * target
    (finding,) = found(Events.from_arrays(np.column_stack([strong, strong + 0.001 * target]), target))
    assert "1.00000 by their difference x0 − x1" in finding.message


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.0, 3.0, 3.4])
@pytest.mark.parametrize("n", [300, 1000, 8000])
def test_honest_features_pass_however_strong(distance: float, n: int) -> None:
    # Two independent features with means that lie this many standard deviations apart. At 3.4 each has an AUC of
    # Phi(3.4 / sqrt 2) = 0.992, their sum one of Phi(3.4) = 0.9997: above the limit, but only 24 times fewer errors.
    for seed in range(1 if n == 8000 else 4):
        rng = np.random.default_rng(seed)
        target = rng.integers(0, 2, n)
        events = Events.from_arrays(rng.normal(size=(n, 4)) + distance * target[:, None], target)
        assert found(events) == []


def test_noise_in_many_columns_cannot_fake_it() -> None:
    rng = np.random.default_rng(6)
    for n in (60, 200, 400):
        assert found(Events.from_arrays(rng.normal(size=(n, 30)), rng.integers(0, 2, n))) == []


def test_the_finding_needs_both_columns_and_is_accepted_by_its_key() -> None:
    report = audit(hidden("order"), AuditConfig(), classes=CLASSES)
    accepted = report.accept(["label-in-two-features:x1 & x2"])
    assert [f.key for f in accepted.findings if f.accepted] == ["label-in-two-features:x1 & x2"]
    single = hidden("order")
    features = single.features.copy()
    features[:, 2] = single.target  # the label itself is one finding, not one for every pair that it is part of
    report = audit(single.replace(features=features), AuditConfig(), classes=CLASSES)
    assert [f.key for f in report.findings if f.code.startswith("label-in")] == ["label-in-feature:x2"]


def test_a_table_of_very_many_columns_says_what_was_left_out() -> None:
    rng = np.random.default_rng(7)
    events = Events.from_arrays(rng.normal(size=(300, 80)), rng.integers(0, 2, 300))
    (finding,) = found(events, "pairs-not-looked-at")
    assert finding.severity == "note"
    assert "3160 pairs" in finding.message  # 80 · 79 / 2


@pytest.mark.parametrize("shape", [(40, 6, 6, 1), (40, 50, 2)])
def test_images_and_waveforms_are_left_alone(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(8)
    target = np.arange(40) % 2
    one = Events.from_arrays(rng.normal(size=(40, shape[-1])), target)
    events = one.replace(features=rng.normal(size=shape).astype(np.float32))
    assert audit(events, AuditConfig(), classes=CLASSES).findings == ()


@pytest.mark.genuine
def test_genuine_higgs_rows_bring_no_false_alarm(genuine: Callable[[str], Path]) -> None:
    events = hs.read(genuine("higgs/Higgs_data.root"), task="higgs")
    before = time.perf_counter()
    report = audit(events, AuditConfig(), classes=CLASSES)
    assert time.perf_counter() - before < 20  # about 1 s; catches a pair that costs seconds
    assert {f.severity for f in report.findings} == {"note"}
    idle = {f.column for f in report.findings if f.code == "no-separation"}
    # By symmetry no azimuth can separate the classes alone; the masses and b-tags that do must not be called idle.
    assert {"lepton_phi", "missing_energy_phi", "jet1_phi", "jet2_phi", "jet3_phi", "jet4_phi"} <= idle
    assert not idle & {"m_bb", "m_wwbb", "m_wbb", "m_jjj", "m_jlv", "lepton_pT", "missing_energy_magnitude"}


@pytest.mark.genuine
def test_genuine_neutrino_files_give_the_label_away_in_two_features(genuine: Callable[[str], Path]) -> None:
    paths = [genuine(f"hnl/{name}") for name in HNL]
    data = DataConfig(files=tuple(paths), file_labels={HNL[0]: 0, HNL[1]: 1})
    events = read_files(paths, data)
    report = audit(events, AuditConfig(), classes=CLASSES)
    assert [f.column for f in report.stops] == ["Good Reco", "Event Type"]
    for finding in report.stops:
        assert "an AUC of 1.00000" in finding.message
        assert "leave it out with prepare.features or name it in data.spectators" in finding.message
    kept = [k for k, name in enumerate(events.names) if name not in ("Good Reco", "Event Type")]
    kinematic = events.replace(
        features=events.features[:, kept],
        names=tuple(events.names[k] for k in kept),
        units=tuple(events.units[k] for k in kept),
    )
    report = audit(kinematic, AuditConfig(correlated=0.95), classes=CLASSES)
    expected = {"strong-feature": "warn", "mass-as-feature": "warn", "correlated-features": "note"}
    assert {f.code: f.severity for f in report.findings} == expected
    assert [f.column for f in report.findings if f.code == "strong-feature"] == ["Impact Parameter"]
    (mass,) = (f for f in report.findings if f.code == "mass-as-feature")
    assert mass.column is not None
    assert mass.column.startswith("Invariant Mass")
    # Eight masses from 0.7 to 1.4 GeV, about as many events of each: 5 % lie below the middle of the first.
    low, high = (float(x) for x in mass.message.split("signal lie in ")[1].split(",")[0].split(" ")[0].split("…"))
    assert low == pytest.approx(0.7, abs=0.03)
    assert high == pytest.approx(1.4, abs=0.03)
    (correlated,) = (f for f in report.findings if f.code == "correlated-features")
    assert "Mother Fraction of Transverse Momentum with Impact Parameter" in correlated.message
