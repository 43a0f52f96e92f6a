"""The audit of regressions: targets that are constant, missing, cut or gridded; features that hold the target."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from hepsieve.audit import Audit, audit
from hepsieve.audit.target_grid import grid_step
from hepsieve.audit.target_leaks import relation, relations
from hepsieve.config import AuditConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events, TargetScale

CLASSES = ("background", "signal")
D = TargetScale(name="d", unit="mm", full=30.0)
Floats = NDArray[np.float64]


def clean(n: int = 1000, seed: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    d = rng.uniform(0, 1, n)
    return Events.from_arrays(rng.normal(size=(n, 4)) + d[:, np.newaxis], d, scale=D)


def with_target(values: NDArray[np.floating], n: int = 1000) -> Events:
    return clean(n).replace(target=values.astype(np.float32))


def with_column(values: Floats, seed: int = 0) -> Events:
    events = clean(seed=seed)
    features = events.features.copy()
    features[:, 0] = values
    return events.replace(features=features)


def audited(events: Events, config: AuditConfig | None = None) -> Audit:
    return audit(events, config if config is not None else AuditConfig(), classes=CLASSES)


def codes(report: Audit) -> list[tuple[str, str]]:
    return [(finding.key, finding.severity) for finding in report.findings]


@pytest.mark.parametrize("seed", range(10))
def test_a_clean_regression_brings_no_finding(seed: int) -> None:
    assert codes(audited(clean(seed=seed))) == []


def test_zeros_and_ones_are_no_classes_in_a_regression() -> None:
    events = clean()
    both = np.where(np.arange(1000) < 5, np.arange(1000) % 2, events.target)
    assert codes(audited(with_target(both))) == []


def test_a_constant_target_stops_and_can_not_be_accepted() -> None:
    report = audited(with_target(np.full(1000, 0.25)))
    assert codes(report) == [("constant-target", "stop")]
    assert report.findings[0].message.startswith("the target d is 0.25 in all 1000 events where it is known: ")
    with pytest.raises(ConfigError, match="can't be accepted"):
        report.accept(["constant-target"])


def test_a_missing_target_stops_or_is_dropped() -> None:
    target = clean().target.copy()
    target[[7, 9]] = np.nan
    report = audited(with_target(target))
    assert codes(report) == [("not-finite-target", "stop")]
    assert report.findings[0].message == (
        "the target d is not finite in 2 of 1000 events (2 × NaN; first: event 8); mend the file, or take them out "
        "of it"
    )
    assert codes(audited(with_target(target), AuditConfig(missing="drop"))) == [("not-finite-target", "note")]


@pytest.mark.parametrize(("share", "severity"), [(0.02, "note"), (0.2, "warn")])
def test_targets_cut_to_the_ends_of_their_range_are_told(share: float, severity: str) -> None:
    target = clean().target.copy()
    target[: int(1000 * share)] = 1
    report = audited(with_target(target))
    assert codes(report) == [("targets-at-ends", severity)]
    assert f"exactly 0 in 0.00% and exactly 1 (30 mm) in {share:.2%}" in report.findings[0].message


def test_a_small_part_of_the_range_is_told() -> None:
    report = audited(with_target(0.2 + 0.1 * clean().target))
    assert codes(report) == [("target-range", "note")]
    assert "of its full scale: errors are quoted as shares" in report.findings[0].message


def test_a_grid_is_named_by_its_step() -> None:
    rng = np.random.default_rng(1)
    report = audited(with_target(rng.integers(0, 801, 3000) / 800, 3000).replace())
    assert codes(report) == [("target-grid", "note")]
    assert "all multiples of 1/800 (0.0375 mm)" in report.findings[0].message


def test_a_handful_of_targets_may_be_classes() -> None:
    report = audited(with_target(np.random.default_rng(0).choice([0.2, 0.5, 0.9], 1000)))
    assert codes(report) == [("few-targets", "warn")]
    assert "has 3 distinct values in 1000 events" in report.findings[0].message


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 2000), st.integers(0, 2**32 - 1))
def test_a_grid_is_found_whatever_its_step(steps: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, steps + 1, 6 * steps + 20).astype(np.float64) / steps
    assert grid_step(values.astype(np.float32)) == pytest.approx(1 / steps, rel=1e-6)


def test_values_without_a_grid_have_none() -> None:
    rng = np.random.default_rng(0)
    assert grid_step(rng.uniform(size=1000)) is None
    some = rng.uniform(size=50)
    assert grid_step(np.repeat(some, 5)) is None
    assert grid_step(np.full(10, 0.5)) is None


@pytest.mark.parametrize(
    ("hidden", "severity"),
    [
        (lambda d, _: d, "stop"),
        (lambda d, _: 5 - 2e4 * d, "stop"),
        (lambda d, _: np.exp(-8 * d), "stop"),
        (lambda d, _: np.where(d > 0.5, d - 3, d), "stop"),
        (lambda d, e: d + 0.006 * e, "warn"),
    ],
    ids=["copy", "affine", "monotone", "in two pieces", "noisy"],
)
def test_a_feature_that_holds_the_target_is_found(hidden: Callable[[Floats, Floats], Floats], severity: str) -> None:
    d, noise = clean().target.astype(np.float64), np.random.default_rng(1).normal(size=1000)
    report = audited(with_column(hidden(d, noise)))
    assert codes(report) == [("target-in-feature:x0", severity)]
    assert report.findings[0].message.startswith("feature x0 follows the target d with a ")


def test_a_good_feature_passes() -> None:
    # r = 1 / sqrt(1 + (0.02 / 0.2887)²) = 0.9976.
    assert codes(audited(with_column(clean().target + 0.02 * np.random.default_rng(1).normal(size=1000)))) == []


def test_relations_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    target = rng.uniform(size=300)
    values = np.round(np.exp(6 * target) + 40 * rng.normal(size=300), -1)  # with ties
    values[:3] = np.nan
    found = relations(values, target)
    assert found["rank correlation"] == pytest.approx(spearmanr(values[3:], target[3:]).statistic, rel=1e-12)
    assert found["linear correlation"] == pytest.approx(pearsonr(values[3:], target[3:]).statistic, rel=1e-12)
    line = relation(3 - 2 * target, target)
    assert line.how == "linear correlation"
    assert line.strength == pytest.approx(1)
    assert relation(np.ones(300), target).strength == 0


def test_a_curve_explains_what_order_alone_does_not() -> None:
    target = np.linspace(0, 1, 1000)
    x = (target * 3) % 1  # three pieces, so that neighbours in x lie in any of the three
    assert relations(x, target)["correlation with a curve"] < 0.9
    two = relations(np.where(target > 0.5, target - 3, target), target)
    assert two["rank correlation"] < 0.6
    assert two["correlation with a curve"] > 0.99999
    # Of values that know nothing the ratio is 1 on average, so that its root is a matter of chance around 0: in 1,000
    # events its error is 1/√1000, and a hundredth of the largest steps is missing, about a tenth of their sum.
    nothing = relations(np.random.default_rng(0).normal(size=1000), target)
    assert nothing["correlation with a curve"] < np.sqrt(0.15 + 5 / np.sqrt(1000))


def test_identical_rows_with_different_targets_are_loud() -> None:
    events = clean()
    doubled = events[np.concatenate([np.arange(1000), np.arange(3)])]
    assert codes(audited(doubled)) == [("duplicate-rows", "note")]
    target = doubled.target.copy()
    target[-1] = 1 - target[-1]
    report = audited(doubled.replace(target=target))
    assert codes(report) == [("duplicate-rows", "warn")]
    assert "1 of these rows come with different targets" in report.findings[0].message


def test_weights_are_summed_over_all_events() -> None:
    events = clean()
    report = audited(events.replace(weight=np.full(1000, -1, np.float32)))
    assert codes(report) == [("weights", "stop"), ("negative-weights", "note")]
    some = np.where(np.arange(1000) < 10, -1, 1).astype(np.float32)
    assert codes(audited(events.replace(weight=some))) == [("negative-weights", "note")]


def test_images_of_a_regression_are_audited_without_classes() -> None:
    rng = np.random.default_rng(0)
    energy = rng.gamma(2, 0.01, (300, 12, 12, 1)) * (rng.random((300, 12, 12, 1)) < 0.4)
    energy[:, 6, 6] = 1 + rng.gamma(2, 0.5, (300, 1))
    d = rng.uniform(size=300)
    events = Events.from_arrays(energy, d, names=("energy",), scale=D)
    assert codes(audited(events)) == []
    energy[:, 2, 3, 0] = 0.001 + 0.01 * d
    energy[:4] = 0
    report = audited(Events.from_arrays(energy, d, names=("energy",), scale=D))
    found = {finding.key: finding for finding in report.findings}
    assert found["empty-images"].message.startswith("4 images have no energy at all: 4 of 300 images (1.33%); nothing")
    clear = Events.from_arrays(energy[4:], d[4:], names=("energy",), scale=D)
    assert ("target-in-feature:energy[2, 3]", "stop") in codes(audited(clear))
