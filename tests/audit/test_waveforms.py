"""The audit of waveforms: it finds every planted fault, and in clean waveforms nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.audit.pulses import NOISE, counts, separations, with_waveforms

from hepsieve.audit import Audit, Finding, audit, audit_files, unusable_rows
from hepsieve.config import AuditConfig
from hepsieve.events import Events

CLASSES = ("1S2", "2S2")
DROP = AuditConfig(empty_images="drop")
Make = Callable[..., Events]


def audited(events: Events, config: AuditConfig | None = None) -> Audit:
    return audit(events, config if config is not None else AuditConfig(), classes=CLASSES)


def codes(report: Audit) -> list[tuple[str, str]]:
    return [(finding.key, finding.severity) for finding in report.findings]


def only(events: Events, config: AuditConfig | None = None) -> Finding:
    (finding,) = audited(events, config).findings
    return finding


def rows_of(events: Events, label: int, n: int) -> np.ndarray:
    return np.flatnonzero(events.target == label)[:n]


@pytest.mark.parametrize("make", [separations, counts])
@pytest.mark.parametrize("seed", range(5))
def test_clean_waveforms_bring_no_finding(seed: int, make: Make) -> None:
    report = audited(make(120, seed))
    assert codes(report) == []
    assert report.checked == {"waveforms": 120, "samples each": 300, "channels": 1}


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_value_that_is_not_finite_names_channel_waveform_and_sample(value: float) -> None:
    events = counts()
    waveforms = events.features.copy()
    waveforms[[41, 77], 17] = value
    events = with_waveforms(events, waveforms)
    finding = only(events)
    assert (finding.key, finding.severity, finding.rows) == ("not-finite:light", "stop", (41, 77))
    kind = "NaN" if np.isnan(value) else "infinity"
    assert finding.message == (
        f"channel light is not finite in 2 of 120 waveforms (2 × {kind}; first: waveform 42, sample 17; then 78); "
        "mend the file or set audit.missing to drop or impute"
    )
    for policy in ("drop", "impute"):
        assert codes(audited(events, AuditConfig.model_validate({"missing": policy}))) == [(finding.key, "note")]
    assert np.flatnonzero(unusable_rows(events, AuditConfig(missing="drop"))).tolist() == [41, 77]


@pytest.mark.parametrize("value", [0, 3.5])
def test_flat_waveforms_are_counted_and_can_be_dropped(value: float) -> None:
    events = separations()
    waveforms = events.features.copy()
    waveforms[[3, 9]] = value
    events = with_waveforms(events, waveforms)
    report = audited(events)
    finding = report.findings[0]
    assert (finding.key, finding.severity, finding.rows) == ("empty-waveforms", "stop", (3, 9))
    assert finding.message == (
        "2 waveforms never change, so that nothing can be seen: 2 of 120 waveforms (1.67%); first: waveforms 4, 10; "
        "set audit.empty_images to drop, or accept empty-waveforms"
    )
    dropped = audited(events, DROP).findings[0]
    assert (dropped.key, dropped.severity) == ("empty-waveforms", "note")
    assert dropped.message.endswith("they were dropped (audit.empty_images: drop)")
    assert np.flatnonzero(unusable_rows(events, DROP)).tolist() == [3, 9]


def test_nothing_but_flat_waveforms_stops() -> None:
    events = separations(60)
    report = audited(with_waveforms(events, np.zeros_like(events.features)))
    assert "empty-waveforms" in [finding.key for finding in report.stops]
    assert "all 60 waveforms are flat" in next(f.message for f in report.stops if f.key == "empty-waveforms")


def test_flat_waveforms_of_one_class_are_said_to_give_it_away() -> None:
    events = counts()
    waveforms = events.features.copy()
    waveforms[rows_of(events, 1, 15)] = 0
    finding = next(f for f in audited(with_waveforms(events, waveforms)).findings if f.code == "empty-waveforms")
    assert finding.message.startswith("flat waveforms give the class away: 15 waveforms never change")
    assert "15 of 60 2S2 waveforms (25.00%) and 0 of 60 1S2 waveforms" in finding.message


def test_clipped_waveforms_are_found_by_themselves() -> None:
    events = separations()
    waveforms = events.features.copy()
    for row in (4, 50):
        waveforms[row] = np.minimum(waveforms[row], 0.5 * waveforms[row].max())
    finding = only(with_waveforms(events, waveforms))
    assert (finding.key, finding.severity, finding.rows) == ("clipped-waveforms:light", "warn", (4, 50))
    at_top = [int((waveforms[row] == waveforms[row].max()).sum()) for row in (4, 50)]
    assert f"up to {max(at_top)} of 300 (waveform {(5, 51)[int(np.argmax(at_top))]})" in finding.message
    assert "in 2 of 120 waveforms (1.67%); first: waveforms 5, 51" in finding.message


def test_a_ceiling_that_waveforms_share_is_named() -> None:
    events = separations()
    rng = np.random.default_rng(1)
    counted = np.rint(100 * events.features * rng.uniform(0.5, 4, (120, 1, 1)) + 20 * rng.normal(size=(120, 300, 1)))
    clipped = np.minimum(counted, 4095)
    assert "clipped-waveforms:light" not in [f.key for f in audited(with_waveforms(events, counted)).findings]
    finding = next(f for f in audited(with_waveforms(events, clipped)).findings if f.code == "clipped-waveforms")
    assert "clipped at 4095 phd, the end of a scale of 12 bits: many samples" in finding.message
    assert f"in {(counted.max(axis=(1, 2)) >= 4095).sum()} of 120 waveforms" in finding.message


@pytest.mark.parametrize("scale", [1, 0.01])
def test_whole_numbers_of_photons_are_not_clipped(scale: float) -> None:
    # A pulse of a few photons reaches its highest count many times, with nothing between that and the next one.
    rng = np.random.default_rng(2)
    light = np.exp(-(((np.arange(300) - 150) / 40) ** 2) / 2)
    for peak in (0.5, 2, 10, 100):
        events = separations()
        waveforms = scale * rng.poisson(peak * light, (120, 300))[..., np.newaxis]
        found = [f.code for f in audited(with_waveforms(events, waveforms)).findings]
        assert "clipped-waveforms" not in found, peak


def test_a_pulse_at_the_edge_of_the_window_is_cut_off() -> None:
    events = separations()
    waveforms = events.features.copy()
    waveforms[30] = np.roll(waveforms[30], 150 - int(waveforms[30, :, 0].argmax()) + 145, axis=0)
    finding = only(with_waveforms(events, waveforms))
    assert (finding.key, finding.severity, finding.rows) == ("cut-off-waveforms:light", "note", (30,))
    waveforms[30:60] = np.roll(waveforms[30:60], 145, axis=1)
    assert only(with_waveforms(events, waveforms)).severity == "warn"


def test_noise_without_a_pulse_is_told() -> None:
    events = counts()
    waveforms = events.features.copy()
    waveforms[50] = NOISE * np.random.default_rng(0).normal(size=(300, 1))
    finding = only(with_waveforms(events, waveforms))
    assert (finding.key, finding.severity, finding.rows) == ("no-pulse:light", "note", (50,))
    some = rows_of(events, 0, 20)
    waveforms[some] = NOISE * np.random.default_rng(0).normal(size=(20, 300, 1))
    loud = next(f for f in audited(with_waveforms(events, waveforms)).findings if f.code == "no-pulse")
    assert loud.severity == "warn"
    assert "not as often in both classes" in loud.message


def test_noise_alone_has_no_pedestal_and_no_pulses() -> None:
    events = separations()
    noise = np.random.default_rng(1).normal(size=events.features.shape)
    noise[7, 50] = -6  # once in some hundred million samples
    assert codes(audited(with_waveforms(events, noise))) == [("no-pulse:light", "warn")]


def test_pulses_that_go_down_are_told_and_clip_below() -> None:
    events = separations()
    turned = -events.features.copy()
    turned[7] = np.maximum(turned[7], 0.5 * turned[7].min())
    found = {f.code: f for f in audited(with_waveforms(events, turned)).findings}
    assert set(found) == {"negative-pulses", "clipped-waveforms"}
    assert "in 120 of 120 waveforms (100.00%)" in found["negative-pulses"].message
    assert found["clipped-waveforms"].rows == (7,)


def test_a_pedestal_is_measured() -> None:
    events = separations()
    finding = only(with_waveforms(events, events.features + 12.5))
    assert (finding.key, finding.severity) == ("baseline:light", "warn")
    assert "the median of the quiet samples is 12.5 phd" in finding.message
    assert "noise 0.04" in finding.message or "noise 0.05" in finding.message
    assert "Over 300 samples it adds 3750 to an area of" in finding.message


def test_baselines_that_differ_are_named() -> None:
    events = separations()
    waveforms = events.features.copy()
    waveforms[20] += 5
    finding = only(with_waveforms(events, waveforms))
    assert (finding.key, finding.severity, finding.rows) == ("baselines-differ:light", "note", (20,))
    assert "1 of 120 waveforms (0.83%)" in finding.message
    assert "farthest: waveform 21 at 5.0" in finding.message
    waveforms[20] -= 5
    drift = np.linspace(-1, 1, 120)[:, np.newaxis, np.newaxis]
    assert ("baselines-differ:light", "warn") in codes(audited(with_waveforms(events, waveforms + drift)))


def test_waveforms_that_were_scaled_one_by_one_are_noted() -> None:
    events = separations()
    finding = only(with_waveforms(events, events.features / events.features.max(axis=1, keepdims=True)))
    assert (finding.key, finding.severity) == ("already-normalised:light", "note")
    assert "exactly 1" in finding.message


def test_identical_waveforms_are_found_and_contradictions_are_loud() -> None:
    events = separations()
    waveforms, target = events.features.copy(), events.target.copy()
    waveforms[10] = waveforms[11]
    target[10] = target[11]
    config = AuditConfig(max_duplicates=0.5)
    finding = only(with_waveforms(events, waveforms).replace(target=target), config)
    assert (finding.key, finding.severity, finding.rows) == ("duplicate-rows", "note", (10, 11))
    assert "2 of 120 waveforms (1.67%) occur more than once; identical waveforms" in finding.message
    finding = only(with_waveforms(events, waveforms), config)
    assert finding.severity == "warn"
    assert "1 of these waveforms come with different targets" in finding.message
    target[10] = np.nan
    assert "different" not in audited(with_waveforms(events, waveforms).replace(target=target)).findings[-1].message


def test_waveforms_in_two_files_are_found_and_flat_ones_are_not() -> None:
    train, test = separations(seed=1), separations(seed=2)
    blank = test.features.copy()
    blank[:5] = 0
    emptied = train.features.copy()
    emptied[:5] = 0
    train, test = with_waveforms(train, emptied), with_waveforms(test, blank)
    assert codes(audit_files(train, validation=None, test=test)) == []
    blank[50:54] = train.features[60:64]
    report = audit_files(train, validation=None, test=with_waveforms(test, blank))
    assert codes(report) == [("test-rows-in-training", "stop")]
    assert report.findings[0].rows == (50, 51, 52, 53)
