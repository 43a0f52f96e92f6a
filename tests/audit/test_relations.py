"""Features that say the same, or nothing, or are masses; and the rows and areas these findings rest on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.audit import Finding, audit
from hepsieve.audit.look import look
from hepsieve.audit.mass import is_mass
from hepsieve.audit.relations import correlations
from hepsieve.audit.separation import area, binned_separation, cell_separation
from hepsieve.config import AuditConfig
from hepsieve.events import Events

CLASSES = ("background", "signal")


def findings(events: Events, code: str) -> list[Finding]:
    report = audit(events, AuditConfig(missing="impute"), classes=CLASSES)
    return [finding for finding in report.findings if finding.code == code]


def clouds(n: int = 2000, columns: int = 4, seed: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n)
    return Events.from_arrays(rng.normal(size=(n, columns)) + target[:, None] * 0.5, target)


def changed(events: Events, **columns: NDArray[Any]) -> Events:
    """Columns x0, x1, … with other values."""
    features = events.features.copy()
    for name, values in columns.items():
        features[:, events.names.index(name)] = values
    return events.replace(features=features)


def named(events: Events, name: str, unit: str = "") -> Events:
    return events.replace(names=(name, *events.names[1:]), units=(unit, *events.units[1:]))


def test_correlated_features_are_listed_in_one_finding_strongest_first() -> None:
    events = clouds()
    rng = np.random.default_rng(1)
    x0, x1 = events.features[:, 0], events.features[:, 1]
    signal = events.target > 0.5
    # x2 follows x0 in signal only, with r = 1 / sqrt(1 + 0.04) = 0.98; x3 is nearly the negative of x1 in both classes.
    events = changed(
        events,
        x2=np.where(signal, x0 + 0.2 * rng.normal(size=2000), rng.normal(size=2000)),
        x3=-x1 + 0.01 * rng.normal(size=2000),
    )
    (finding,) = findings(events, "correlated-features")
    assert (finding.severity, finding.key) == ("note", "correlated-features")
    assert "2 pairs of features are strongly correlated" in finding.message
    assert "x1 with x3: -1.000 / -1.000; x0 with x2: 0.0" in finding.message.replace("x2: -0.0", "x2: 0.0")
    assert "/ 0.98" in finding.message
    assert findings(clouds(), "correlated-features") == []


def test_a_long_list_of_correlated_features_is_cut() -> None:
    events = clouds(columns=6)
    same = {f"x{k}": events.features[:, 0] for k in range(6)}
    (finding,) = findings(changed(events, **same), "correlated-features")
    assert "15 pairs" in finding.message  # 6 · 5 / 2
    assert finding.message.count(" with x") == 8
    assert "; and 7 more" in finding.message


def test_correlations_agree_with_numpy_on_the_rows_where_both_are_known() -> None:
    rng = np.random.default_rng(2)
    x = (rng.normal(size=(500, 5)) @ rng.normal(size=(5, 5)) * [1, 1e-6, 1e6, 1, 1] + [0, 0, 1e7, 5, 0]).astype(
        np.float32
    )
    x[rng.random(x.shape) < 0.1] = np.nan
    x[3, 0], x[4, 1] = np.inf, -np.inf
    x[:, 4] = 7
    r = correlations(x)
    for i in range(4):
        for j in range(4):
            known = np.isfinite(x[:, i]) & np.isfinite(x[:, j])
            assert r[i, j] == pytest.approx(np.corrcoef(x[known][:, [i, j]].astype(float).T)[0, 1], abs=1e-9)
    assert (r[4] == 0).all()  # a constant goes with nothing


def test_a_feature_without_separation_is_noted_with_its_figures() -> None:
    rng = np.random.default_rng(3)
    events = changed(clouds(), x1=rng.normal(size=2000))
    (finding,) = findings(events, "no-separation")
    assert (finding.key, finding.severity) == ("no-separation:x1", "note")
    value = float(finding.message.split("AUC ")[1].split(",")[0])
    assert value == pytest.approx(area(events.features[:, 1], events.target > 0.5), abs=0.0006)
    assert f"{int((events.target == 1).sum())} signal events" in finding.message


def test_a_feature_that_separates_in_width_or_in_stripes_only_is_not() -> None:
    rng = np.random.default_rng(4)
    events = clouds()
    signal = events.target > 0.5
    width = rng.normal(size=2000) * (1 + signal)
    stripes = np.where(rng.random(2000) < 0.3, rng.integers(0, 10, 2000), 2 * rng.integers(0, 5, 2000) + signal)
    assert findings(changed(events, x0=width, x1=stripes), "no-separation") == []


def test_features_of_pure_noise_are_nearly_always_noted() -> None:
    # A false rejection has a chance of at most 5 % for each of 300 features: 15, with a standard deviation of 3.8.
    noted = sum(
        len(findings(Events.from_arrays(rng.normal(size=(400, 10)), np.arange(400) % 2), "no-separation"))
        for rng in map(np.random.default_rng, range(30))
    )
    assert 300 - 15 - 4 * 3.8 < noted <= 300


def test_few_events_and_constants_are_not_judged() -> None:
    rng = np.random.default_rng(5)
    few = Events.from_arrays(rng.normal(size=(90, 2)), np.arange(90) % 2)
    assert findings(few, "no-separation") == []
    assert findings(changed(clouds(), x0=np.full(2000, 3.0)), "no-separation") == []


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Invariant Mass (GeV/c^2)", ""),
        ("Invariant Mass", "GeV/c^2"),
        ("x", "MeV/c²"),
        ("x", "GeV/c2"),
        ("x (TeV/c**2)", ""),
        *(
            (name, "")
            for name in ("mass", "MASS", "inv_mass", "m_inv", "mInv", "Minv", "dimuon_mass", "dimuonMass", "mass2")
        ),
    ],
)
def test_masses_are_recognised(name: str, unit: str) -> None:
    assert is_mass(name, unit)


@pytest.mark.parametrize(
    ("name", "unit"),
    [("massless", ""), ("m_jj", ""), ("p (GeV/c)", ""), ("E", "GeV"), ("p", "GeV/c"), ("massive_flag", ""), ("m", "")],
)
def test_what_is_no_mass_is_not(name: str, unit: str) -> None:
    assert not is_mass(name, unit)


def test_a_mass_among_the_features_warns_with_both_ranges() -> None:
    rng = np.random.default_rng(6)
    events = clouds(20_000)
    signal = events.target > 0.5
    # Signal evenly in 1…2, background in 0…4: the central 90 % are 1.05…1.95 and 0.2…3.8; 0.9 / 4 of background inside.
    values = np.where(signal, rng.uniform(1, 2, 20_000), rng.uniform(0, 4, 20_000))
    (finding,) = findings(named(changed(events, x0=values), "pair", "GeV/c^2"), "mass-as-feature")
    assert (finding.key, finding.severity) == ("mass-as-feature:pair", "warn")
    text = finding.message
    low, high = (float(x) for x in text.split("signal lie in ")[1].split(" GeV/c^2")[0].split("…"))
    assert (low, high) == pytest.approx((1.05, 1.95), abs=0.02)
    assert float(text.split("and ")[1].split(" %")[0]) == pytest.approx(22.5, abs=1.5)
    assert "works only for signal of these masses" in text
    assert "data.spectators" in text


def test_a_mass_hypothesis_is_no_measured_mass() -> None:
    masses = np.random.default_rng(7).choice([500, 750, 1000, 1250, 1500], 2000)
    assert findings(named(changed(clouds(), x0=masses), "mass"), "mass-as-feature") == []
    # Where only signal has these few values, the column tells more than the hypothesis.
    events = clouds()
    values = np.where(events.target > 0.5, masses, np.random.default_rng(8).uniform(300, 2000, 2000))
    assert len(findings(named(changed(events, x0=values), "mass"), "mass-as-feature")) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_disturb_no_comparison(bad: float) -> None:
    events = named(clouds(), "mass", "GeV")
    features = events.features.copy()
    features[:, 1] = features[:, 0]
    features[::3, 0], features[1::5, 2] = bad, bad
    features[:, 3] = bad  # nothing is known of this one
    report = audit(events.replace(features=features), AuditConfig(missing="impute"), classes=CLASSES)
    assert {f.key for f in report.findings} == {
        *(f"not-finite:{name}" for name in ("mass", "x2", "x3")),
        *(("constant:x3",) if np.isinf(bad) else ()),
        "mass-as-feature:mass",
        "correlated-features",
    }


def test_rows_without_a_class_are_not_looked_at() -> None:
    events = clouds(100)
    target = events.target.copy()
    target[:30], target[30:40] = np.nan, 2
    seen = look(events.replace(target=target))
    assert seen is not None
    assert len(seen.signal) == 60
    assert look(events.replace(target=np.ones(100, np.float32))) is None
    assert look(events[:0]) is None


def test_a_look_is_capped_balanced_and_always_the_same(tmp_path: Path) -> None:
    n = 300_000
    features = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(n, 2))
    features[:, 0] = np.arange(n)
    target = (np.arange(n) % 10 == 0).astype(np.float32)  # a tenth is signal, at a fixed pace
    features[:, 1] = target
    events = Events.from_arrays(features, target)
    first, second = look(events), look(events)
    assert first is not None
    assert second is not None
    assert (int(first.signal.sum()), len(first.signal)) == (10_000, 20_000)
    assert (first.values == second.values).all()
    assert (first.values[:, 1] == first.signal).all()
    assert len(np.unique(first.values[:, 0])) == 20_000
    assert int((first.learn & first.signal).sum()) == int((first.learn & ~first.signal).sum()) == 5000
    # Random order: the first tenth of the rows comes from everywhere.
    assert first.values[:2000, 0].mean() == pytest.approx(n / 2, rel=0.05)


def test_area_counts_pairs() -> None:
    rng = np.random.default_rng(9)
    values, signal = rng.integers(0, 5, 60), rng.random(60) < 0.4
    pairs = [(s > b) + (s == b) / 2 for s in values[signal] for b in values[~signal]]
    assert area(values, signal) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_cells_are_judged_by_the_fraction_learned_from_the_other_half() -> None:
    rng = np.random.default_rng(10)
    cells, signal, learn = rng.integers(0, 6, 200), rng.random(200) < 0.4, rng.random(200) < 0.5
    fraction = {c: ((signal & learn & (cells == c)).sum() + 0.5) / ((learn & (cells == c)).sum() + 1) for c in range(6)}
    scores = np.array([fraction[c] for c in cells])
    assert cell_separation(cells, signal, learn) == pytest.approx(area(scores[~learn], signal[~learn]), abs=1e-12)


def test_a_value_that_fills_a_bin_does_not_share_it() -> None:
    # Signal is exactly 0.5, where background has its median, too: only a bin for 0.5 alone tells them apart.
    rng = np.random.default_rng(11)
    signal, learn = np.arange(4000) % 2 == 0, np.arange(4000) % 4 < 2
    values = np.where(signal, 0.5, rng.random(4000))
    assert binned_separation(values, signal, learn) == pytest.approx(1, abs=1e-4)
