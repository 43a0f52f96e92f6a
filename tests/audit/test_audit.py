"""The audit: it catches every planted fault and is silent on clean data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.audit import Audit, audit, audit_files
from hepsieve.audit.identical import row_keys
from hepsieve.config import AuditConfig
from hepsieve.errors import AuditStop, ConfigError
from hepsieve.events import Events

CLASSES = ("background", "signal")


def clean(n: int = 1000, seed: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n)
    return Events.from_arrays(rng.normal(size=(n, 4)) + target[:, None] * 0.5, target)


def codes(report: Audit) -> list[tuple[str, str]]:
    return [(finding.key, finding.severity) for finding in report.findings]


def with_column(events: Events, values: NDArray[np.floating]) -> Events:
    features = events.features.copy()
    features[:, 0] = values
    return events.replace(features=features)


@pytest.mark.parametrize("seed", range(20))
def test_clean_events_bring_no_finding(seed: int) -> None:
    assert codes(audit(clean(seed=seed), AuditConfig(), classes=CLASSES)) == []


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "1 × NaN"), (np.inf, "1 × infinity"), (-np.inf, "1 × infinity")])
def test_a_value_that_is_not_finite_stops_unless_there_is_a_policy(value: float, kind: str) -> None:
    values = clean().features[:, 0].copy()
    values[41] = value
    events = with_column(clean(), values)
    report = audit(events, AuditConfig(), classes=CLASSES)
    assert codes(report) == [("not-finite:x0", "stop")]
    assert kind in report.findings[0].message
    assert "first: event 42" in report.findings[0].message
    for policy in ("drop", "impute"):
        lenient = audit(events, AuditConfig.model_validate({"missing": policy}), classes=CLASSES)
        assert codes(lenient) == [("not-finite:x0", "note")]
        assert f"audit.missing: {policy}" in lenient.findings[0].message


def test_targets_and_weights_must_be_finite_too() -> None:
    events = clean()
    target, weight = events.target.copy(), events.weight.copy()
    target[0], weight[1] = np.nan, np.inf
    report = audit(events.replace(target=target, weight=weight), AuditConfig(missing="impute"), classes=CLASSES)
    assert codes(report) == [("not-finite-target", "stop"), ("not-finite-weight", "stop")]
    report = audit(events.replace(target=target, weight=weight), AuditConfig(missing="drop"), classes=CLASSES)
    assert [severity for _, severity in codes(report)] == ["note", "note"]


def test_sentinels_and_constants_are_named() -> None:
    events = clean()
    values = events.features[:, 0].copy()
    values[:7] = -999
    report = audit(with_column(events, values), AuditConfig(), classes=CLASSES)
    assert codes(report) == [("sentinel:x0", "warn")]
    assert "-999 in 7 of 1000 events" in report.findings[0].message
    report = audit(with_column(events, np.full(1000, 3.0)), AuditConfig(), classes=CLASSES)
    assert codes(report) == [("constant:x0", "warn")]


@pytest.mark.parametrize("hide", ["copy", "negated", "noisy", "coded", "missing"])
def test_a_feature_that_gives_the_label_away_stops(hide: str) -> None:
    events = clean()
    rng = np.random.default_rng(1)
    signal = events.target > 0.5
    match hide:
        case "copy":
            values = np.asarray(events.target, np.float64)
        case "negated":
            values = -3.0 * events.target.astype(np.float64) + 1
        case "noisy":
            values = events.target + rng.normal(scale=0.05, size=len(events))
        case "coded":  # signal is 2, background 1 or 3: no order shows it
            values = np.where(signal, 2, rng.choice([1, 3], len(events)))
        case _:
            values = np.where(signal, np.nan, rng.normal(size=len(events)))
    report = audit(with_column(events, values), AuditConfig(missing="impute"), classes=CLASSES)
    assert ("label-in-feature:x0", "stop") in codes(report)


def test_a_strong_but_honest_feature_passes() -> None:
    events = clean(5000)
    values = events.target * 3 + np.random.default_rng(2).normal(size=5000)  # AUC = Phi(3 / sqrt 2) = 0.983
    assert codes(audit(with_column(events, values), AuditConfig(), classes=CLASSES)) == []


def test_repeated_rows_are_counted() -> None:
    events = clean()
    doubled = events[np.concatenate([np.arange(1000), np.arange(3)])]
    assert codes(audit(doubled, AuditConfig(), classes=CLASSES)) == [("duplicate-rows", "note")]
    many = events[np.concatenate([np.arange(1000), np.arange(300)])]
    report = audit(many, AuditConfig(), classes=CLASSES)
    assert codes(report) == [("duplicate-rows", "warn")]
    assert "600 of 1300 events" in report.findings[0].message


def test_rows_with_both_labels_are_a_warning_where_rows_repeat_by_no_chance() -> None:
    events = clean()
    again = events[np.array([3, 7])]
    both = Events.from_arrays(
        np.concatenate([events.features, again.features]), np.concatenate([events.target, 1 - again.target])
    )
    report = audit(both, AuditConfig(), classes=CLASSES)
    assert codes(report) == [("contradictory-labels", "warn"), ("duplicate-rows", "note")]
    assert "4 rows are identical to one of the other class" in report.findings[0].message
    assert report.findings[0].rows == (3, 7, 1000, 1001)
    missing = both.replace(features=both.features.copy())
    missing.features[[3, 7, 1000, 1001]] = -999  # all that they have in common
    assert "contradictory-labels" not in dict(codes(audit(missing, AuditConfig(), classes=CLASSES)))
    coarse = both.replace(features=np.round(both.features))
    assert "contradictory-labels" not in dict(codes(audit(coarse, AuditConfig(), classes=CLASSES)))


def test_files_whose_columns_have_few_values_share_rows_by_chance() -> None:
    rng = np.random.default_rng(6)
    tags = [Events.from_arrays(rng.integers(0, 4, (n, 4)), rng.integers(0, 2, n)) for n in (1000, 300)]
    report = audit_files(tags[0], validation=None, test=tags[1])
    assert codes(report) == [("test-rows-in-training", "note")]
    # 1000 · 300 pairs, each of which agrees in four columns of four values with (1/4)^4: 1172.
    assert "pairs agree by chance" in report.findings[0].message
    assert "1.17e+03" in report.findings[0].message


@pytest.mark.parametrize(("apart", "expected"), [(3.45, ["strong-feature:x0"]), (3.2, [])])
def test_from_an_auc_of_099_on_the_audit_asks(apart: float, expected: list[str]) -> None:
    # Two normal distributions so many standard deviations apart: Φ(3.45/√2) = 0.9926, Φ(3.2/√2) = 0.9882.
    events = clean(20_000)
    values = events.target * apart + np.random.default_rng(2).normal(size=20_000)
    report = audit(with_column(events, values), AuditConfig(), classes=CLASSES)
    assert codes(report) == [(key, "warn") for key in expected]


def test_a_run_number_of_twenty_values_is_seen_in_few_events() -> None:
    rng = np.random.default_rng(7)
    target = rng.permutation(np.arange(300) % 2)
    runs = rng.permutation(20)[rng.integers(0, 10, 300) + 10 * target]
    events = with_column(clean(300).replace(target=target.astype(np.float32)), runs.astype(float))
    assert "label-in-feature:x0" in dict(codes(audit(events, AuditConfig(), classes=CLASSES)))


def test_one_class_and_foreign_labels_stop() -> None:
    events = clean()
    report = audit(events.replace(target=np.ones(1000, np.float32)), AuditConfig(), classes=CLASSES)
    assert codes(report) == [("one-class", "stop")]
    target = events.target.copy()
    target[5] = 2
    report = audit(events.replace(target=target), AuditConfig(), classes=CLASSES)
    assert codes(report) == [("label-values", "stop")]
    assert "2 in event 6" in report.findings[0].message


def test_weights_that_cancel_stop_and_negative_ones_are_noted() -> None:
    events = clean()
    weight = np.ones(1000, np.float32)
    weight[:10] = -1
    assert codes(audit(events.replace(weight=weight), AuditConfig(), classes=CLASSES)) == [("negative-weights", "note")]
    report = audit(events.replace(weight=-np.ones(1000, np.float32)), AuditConfig(), classes=CLASSES)
    assert ("weights", "stop") in codes(report)


def test_no_events_stop() -> None:
    assert codes(audit(clean()[:0], AuditConfig(), classes=CLASSES)) == [("no-events", "stop")]


def test_test_rows_in_training_stop_with_their_number() -> None:
    events = clean()
    report = audit_files(events, validation=None, test=events[np.arange(200)])
    assert codes(report) == [("test-rows-in-training", "stop")]
    assert "200 of 200 test events also stand in the training data" in report.findings[0].message
    with pytest.raises(AuditStop, match="200 of 200 test events"):
        report.require_clean()


@pytest.mark.parametrize("leaked", [4, 13, 200])
@pytest.mark.parametrize("copies", [1, 2, 5])
def test_leaked_rows_stop_also_in_an_oversampled_file(leaked: int, copies: int) -> None:
    # A row repeated in the training file for balance says nothing about the test file.
    train, test = clean(1000, seed=1), clean(200, seed=2)
    rows = np.concatenate([np.arange(leaked), 200 + np.arange(200 - leaked)])
    mixed = Events.from_arrays(
        np.concatenate([train.features, test.features])[np.where(rows < 200, rows, rows + 800)],
        np.concatenate([train.target, test.target])[np.where(rows < 200, rows, rows + 800)],
    )
    report = audit_files(train[np.tile(np.arange(1000), copies)], validation=None, test=mixed)
    assert codes(report) == [("test-rows-in-training", "stop")]


def test_groups_on_both_sides_stop() -> None:
    train, test = clean(seed=1), clean(200, seed=2)
    train, test = train.replace(group=np.arange(1000)), test.replace(group=np.arange(200) + 990)
    report = audit_files(train, validation=None, test=test)
    assert codes(report) == [("test-groups-in-training", "stop")]
    assert "10 of 200 test events belong to groups" in report.findings[0].message
    grouped = clean().replace(group=np.arange(1000) // 5)
    assert codes(audit(grouped, AuditConfig(), classes=CLASSES)) == [("grouped-events", "warn")]


def test_a_coded_label_shows_in_events_that_alternate() -> None:
    events = clean()
    signal = np.arange(1000) % 2 == 1
    values = np.where(signal, 2.0, np.where(np.arange(1000) % 4 == 0, 1.0, 3.0))
    events = with_column(events.replace(target=signal.astype(np.float32)), values)
    assert ("label-in-feature:x0", "stop") in codes(audit(events, AuditConfig(), classes=CLASSES))


def test_files_of_a_generator_that_repeats_itself_pass() -> None:
    rng = np.random.default_rng(3)
    pool = rng.normal(size=(20_000, 3))

    def draw(n: int) -> Events:
        return Events.from_arrays(pool[rng.integers(0, len(pool), n)], rng.integers(0, 2, n))

    for _ in range(20):  # each a chance of about 4e-3 to stop: 8 % in all, with a fixed seed
        report = audit_files(draw(2000), validation=draw(500), test=draw(500))
        assert report.stops == ()
        assert any(finding.severity == "warn" for finding in report.findings)


def test_accepting_needs_the_very_finding() -> None:
    events = clean()
    report = audit(with_column(events, events.target), AuditConfig(), classes=CLASSES)
    accepted = report.accept(["label-in-feature:x0"])
    accepted.require_clean()
    assert json.loads(accepted.to_json())["findings"][0]["accepted"] is True
    with pytest.raises(AuditStop) as caught:
        report.require_clean()
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="nothing was found under 'one-class'"):
        report.accept(["one-class"])


def test_what_no_figure_survives_is_not_accepted() -> None:
    values = clean().features[:, 0].copy()
    values[41] = np.nan
    report = audit(with_column(clean(), values), AuditConfig(), classes=CLASSES)
    with pytest.raises(ConfigError, match="'not-finite:x0' can't be accepted: feature x0 is not finite"):
        report.accept(["not-finite:x0"])


def test_row_keys_tell_rows_apart() -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 3, size=(3000, 6)).astype(np.float32)
    keys = row_keys(x)
    assert len(np.unique(keys)) == len(np.unique(x, axis=0))
    assert (keys[[0, 5]] == row_keys(x[[0, 5]])).all()
    assert len(np.unique(row_keys(np.eye(6, dtype=np.float32)))) == 6


@pytest.mark.parametrize("rows", [100, 300, 1000, 4000])
def test_a_very_good_feature_is_not_taken_for_the_label(rows: int) -> None:
    # Normal distributions 3.79 standard deviations apart: an AUC of 0.9963, like the best feature of the task hnl.
    rng = np.random.default_rng(5)
    stops = 0
    for _ in range(40):
        target = np.arange(rows) % 2
        values = rng.normal(size=(rows, 1)) + 3.79 * target[:, None]
        report = audit(Events.from_arrays(values, target), AuditConfig(), classes=CLASSES)
        stops += any(finding.severity == "stop" for finding in report.findings)
    assert stops == 0


@pytest.mark.parametrize("rows", [30, 100, 1000])
def test_a_code_of_the_label_stops_in_any_number_of_rows(rows: int) -> None:
    target = np.arange(rows) % 2
    report = audit(Events.from_arrays(4 - 3 * target[:, None], target), AuditConfig(), classes=CLASSES)
    assert ("label-in-feature:x0", "stop") in codes(report)
