"""Labels inside waveforms: a sample that holds them, an area or an order that tells them; honest pulses pass."""

from __future__ import annotations

import numpy as np
import pytest
from tests.audit.pulses import counts, separations, with_waveforms

from hepsieve.audit import Audit, audit
from hepsieve.config import AuditConfig
from hepsieve.events import Events

CLASSES = ("1S2", "2S2")


def audited(events: Events, config: AuditConfig | None = None) -> Audit:
    return audit(events, config if config is not None else AuditConfig(), classes=CLASSES)


def stops(events: Events) -> dict[str, str]:
    return {finding.key: finding.message for finding in audited(events).stops}


def with_sample(events: Events, place: int, values: np.ndarray) -> Events:
    waveforms = events.features.copy()
    waveforms[:, place, 0] = values
    return with_waveforms(events, waveforms)


@pytest.mark.parametrize("place", [0, 150, 299])
@pytest.mark.parametrize("hide", ["copy", "negated", "coded"])
def test_a_sample_that_holds_the_label_stops(hide: str, place: int) -> None:
    events = counts(200)
    signal = events.target == 1
    match hide:
        case "copy":
            values = 1.0 + signal
        case "negated":
            values = -0.3 * signal
        case _:  # two pulses are 2, one is 1 or 3: no order shows it
            values = np.where(signal, 2, np.random.default_rng(0).choice([1, 3], len(signal)))
    found = stops(with_sample(events, place, values))
    assert f"label-in-sample:light[{place}]" in found
    assert found[f"label-in-sample:light[{place}]"].startswith(
        f"sample light[{place}] alone tells the classes apart with an AUC of 1.00000: was the label cut out of the"
    )


@pytest.mark.parametrize("cut", ["waveforms", "flat"])
def test_the_label_column_taken_for_the_input_stops(cut: str) -> None:
    # The array of waveforms and labels was cut at the label, once for the input and once more for the labels.
    events = counts(200)
    together = np.concatenate([events.features, events.target[:, np.newaxis, np.newaxis] + 1], axis=1)
    labels = together[:, 300, :]
    features = labels[:, np.newaxis, :] if cut == "waveforms" else labels
    found = stops(Events.from_arrays(features, events.target))
    assert ("label-in-sample:x0[0]" if cut == "waveforms" else "label-in-feature:x0") in found
    whole = Events.from_arrays(together, events.target, names=("light",))
    assert list(stops(whole)) == ["label-in-sample:light[300]"]


@pytest.mark.parametrize("hide", ["copy", "affine", "monotone", "noisy", "folded"])
@pytest.mark.parametrize("place", [0, 299])
def test_a_sample_that_holds_the_target_stops(hide: str, place: int) -> None:
    # Neighbours in the order of 200 targets are too far apart to show a curve.
    events = separations(1000 if hide == "folded" else 200)
    d = events.target.astype(np.float64)
    values = {
        "copy": d,
        "affine": 3 - 7 * d,
        "monotone": np.log(d + 0.01),
        "noisy": d + 1e-3 * np.random.default_rng(0).normal(size=len(d)),
        "folded": np.where(d < 0.05, d + 2, d),
    }[hide]
    found = stops(with_sample(events, place, values))
    assert list(found) == [f"label-in-sample:light[{place}]"]
    assert "follows the target d with a " in found[f"label-in-sample:light[{place}]"]


def test_a_sample_close_to_the_target_is_a_warning() -> None:
    events = separations(2000)
    noisy = events.target + 0.006 * np.random.default_rng(0).normal(size=2000)
    report = audited(with_sample(events, 7, noisy))
    # A target uniform over 1 has the spread 0.2887: r = 1 / sqrt(1 + (0.006 / 0.2887)²) = 0.99978.
    assert [(f.key, f.severity) for f in report.findings] == [("label-in-sample:light[7]", "warn")]
    assert report.findings[0].message.endswith("It may also be very good")


def test_a_target_taken_for_the_waveform_stops() -> None:
    events = separations(200)
    alone = Events.from_arrays(events.target.reshape(-1, 1, 1), events.target, scale=events.scale)
    assert "label-in-sample:x0[0]" in stops(alone)


def test_pulses_of_one_size_in_one_class_are_told() -> None:
    events = counts(200)
    waveforms = events.features * np.where(events.target == 1, 4, 1)[:, np.newaxis, np.newaxis]
    found = {finding.key: finding for finding in audited(with_waveforms(events, waveforms)).findings}
    assert {"tells-class:light area", "tells-class:light noise"} <= set(found)
    assert found["tells-class:light noise"].severity == "warn"
    assert "the noise of the waveforms alone tells the classes apart with an AUC of 1.0000" in (
        found["tells-class:light noise"].message
    )


def test_an_area_that_follows_the_target_is_told() -> None:
    events = separations(200)
    area = events.features.sum(axis=1, keepdims=True)
    waveforms = events.features * (100 + 900 * events.target[:, np.newaxis, np.newaxis]) / area
    found = {finding.key: finding for finding in audited(with_waveforms(events, waveforms)).findings}
    assert found["tells-target:light area"].severity == "warn"
    assert "the area of the waveforms alone follows the target d with a " in found["tells-target:light area"].message


def test_rows_in_the_order_of_their_labels_are_noted() -> None:
    events = counts(200)
    (note,) = audited(events[np.argsort(events.target, kind="stable")]).findings
    assert (note.key, note.severity) == ("sorted-by-class", "note")
    events = separations(200)
    (note,) = audited(events[np.argsort(-events.target)]).findings
    assert (note.key, note.severity) == ("sorted-targets", "note")


def test_flat_waveforms_that_will_be_dropped_say_nothing_about_the_class() -> None:
    events = counts(200)
    waveforms = events.features.copy()
    waveforms[events.target == 1] = 0
    waveforms[np.flatnonzero(events.target == 1)[:30]] = events.features[:30]
    dropped = audited(with_waveforms(events, waveforms), AuditConfig(empty_images="drop"))
    assert "tells-class:light area" not in [finding.key for finding in dropped.findings]
