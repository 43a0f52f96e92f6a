"""The audit of images: it finds every planted fault, and in clean images nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.audit.showers import CENTRE, emptied, showers, with_images

from hepsieve.audit import Audit, Finding, audit, audit_files, unusable_rows
from hepsieve.audit.images import image_findings
from hepsieve.audit.survey import survey
from hepsieve.config import AuditConfig
from hepsieve.events import Events

CLASSES = ("photon", "electron")
DROP = AuditConfig(empty_images="drop")


def audited(events: Events, config: AuditConfig | None = None) -> Audit:
    return audit(events, config if config is not None else AuditConfig(), classes=CLASSES)


def codes(report: Audit) -> list[tuple[str, str]]:
    return [(finding.key, finding.severity) for finding in report.findings]


def only(events: Events, config: AuditConfig | None = None) -> Finding:
    (finding,) = audited(events, config).findings
    return finding


def rows_of(events: Events, label: int, n: int) -> np.ndarray:
    return np.flatnonzero(events.target == label)[:n]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("time", [True, False])
def test_clean_images_bring_no_finding(seed: int, time: bool) -> None:
    report = audited(showers(400, seed, time=time))
    assert codes(report) == []
    assert report.checked == {"images": 400, "pixels each": 256, "channels": 1 + time}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("channel", "name"), [(0, "energy"), (1, "time")])
def test_a_value_that_is_not_finite_names_channel_image_and_pixel(value: float, channel: int, name: str) -> None:
    events = showers()
    images = events.features.copy()
    images[[41, 77], 3, 5, channel] = value
    events = with_images(events, images)
    finding = only(events)
    assert (finding.key, finding.severity, finding.rows) == (f"not-finite:{name}", "stop", (41, 77))
    kind = "NaN" if np.isnan(value) else "infinity"
    assert finding.message == (
        f"channel {name} is not finite in 2 of 600 images (2 × {kind}; first: image 42, pixel [3, 5]; then 78); "
        "mend the file or set audit.missing to drop or impute"
    )
    for policy in ("drop", "impute"):
        assert codes(audited(events, AuditConfig.model_validate({"missing": policy}))) == [(finding.key, "note")]
    assert np.flatnonzero(unusable_rows(events, AuditConfig(missing="drop"))).tolist() == [41, 77]
    assert not unusable_rows(events, AuditConfig()).any()


def test_empty_images_are_counted_by_class_and_are_no_duplicates() -> None:
    events = showers()
    rows = np.concatenate([rows_of(events, 0, 6), rows_of(events, 1, 9)])
    finding = only(emptied(events, rows))
    assert (finding.key, finding.severity) == ("empty-images", "warn")
    assert finding.rows == tuple(sorted(rows)[:5])
    assert "15 images have no energy at all: 9 of 300 electron images (3.00%) and 6 of 300 photon" in finding.message
    assert "give the class away" not in finding.message


def test_empty_images_of_one_class_are_said_to_give_it_away() -> None:
    # 12 of 24 would-be empty images in a class: 0.5^12 = 2e-4 for the one tail; 15 of 15 is beyond all chance.
    events = showers()
    finding = only(emptied(events, rows_of(events, 1, 15)))
    assert (finding.key, finding.severity) == ("empty-images", "warn")
    assert finding.message.startswith("empty images give the class away: 15 images")
    everything = audited(emptied(events, rows_of(events, 1, 300)))
    assert everything.findings[0].key == "empty-images"
    assert next(f.code for f in everything.stops) == "label-in-feature"


def test_the_config_drops_empty_images_and_the_audit_says_so() -> None:
    events = emptied(showers(), [3, 4])
    finding = only(events, DROP)
    assert (finding.key, finding.severity) == ("empty-images", "note")
    assert finding.message.endswith("they were dropped (audit.empty_images: drop)")
    assert np.flatnonzero(unusable_rows(events, DROP)).tolist() == [3, 4]
    assert not unusable_rows(events, AuditConfig()).any()


def test_an_image_with_a_nan_or_a_time_is_told_from_an_empty_one() -> None:
    events = emptied(showers(), [3, 4])
    images = events.features.copy()
    images[3, 0, 0, 0], images[4, 0, 0, 1] = np.nan, 1
    found = {finding.key: finding.rows for finding in audited(with_images(events, images)).findings}
    assert (found["not-finite:energy"], found["empty-images"]) == ((3,), (4,))


def test_identical_images_are_found_within_and_across_the_classes() -> None:
    events = showers()
    photons, electrons = rows_of(events, 0, 3), rows_of(events, 1, 3)
    images = events.features.copy()
    images[photons[0]], images[electrons[0]] = images[photons[1]], images[photons[2]]
    contradiction, finding = audited(with_images(events, images)).findings
    assert (contradiction.key, contradiction.severity) == ("contradictory-labels", "warn")
    assert "2 images are identical to one of the other class" in contradiction.message
    assert (finding.key, finding.severity) == ("duplicate-rows", "note")
    assert "4 of 600 images (0.67%) occur more than once; 1 of these images stand in both classes" in finding.message


def test_images_in_two_files_are_found_and_empty_ones_are_not() -> None:
    train, test = emptied(showers(seed=1), slice(0, 50)), emptied(showers(seed=2), slice(0, 50))
    assert codes(audit_files(train, validation=None, test=test)) == []
    shared = test.features.copy()
    shared[100:104] = train.features[200:204]
    report = audit_files(train, validation=None, test=with_images(test, shared))
    assert codes(report) == [("test-rows-in-training", "stop")]
    assert report.findings[0].rows == (100, 101, 102, 103)


@pytest.mark.parametrize(
    "place",
    [(slice(7, 8), slice(6, 7)), (slice(6, 8), slice(6, 8)), (slice(7, 8), slice(None)), (slice(None), slice(9, 10))],
    ids=["pixel", "square", "row", "column"],
)
def test_dead_pixels_are_found_alone_and_in_groups(place: tuple[slice, slice]) -> None:
    events = showers()
    images = events.features.copy()
    images[:, place[0], place[1]] = 0
    finding = only(with_images(events, images))
    assert (finding.key, finding.severity) == ("dead-pixels", "warn")
    first = f"[{place[0].start or 0}, {place[1].start or 0}]"
    if place == (slice(7, 8), slice(6, 7)):
        assert finding.message.startswith(f"pixel {first} never or hardly ever has energy, though the pixels around do")
    else:
        assert "pixels (" in finding.message


def test_a_pixel_that_is_dead_in_one_class_gives_it_away() -> None:
    events = showers()
    images = events.features.copy()
    images[events.target == 0, 5, 9] = 0
    found = audited(with_images(events, images)).findings
    assert "dead-pixels:photon" in [finding.key for finding in found]
    assert "pixel [5, 9] has energy in no photon image, or hardly any" in found[0].message


@pytest.mark.parametrize("where", [(2, 12), (15, 0)])
def test_hot_pixels_are_found(where: tuple[int, int]) -> None:
    events = showers(size=24)
    images = events.features.copy()
    images[::3, where[0], where[1], 0] = 0.01
    images[::3, where[0], where[1], 1] = 0.1
    finding = only(with_images(events, images))
    assert (finding.key, finding.severity) == ("hot-pixels", "warn")
    assert f"pixel [{where[0]}, {where[1]}] has energy more than 3 times as often" in finding.message


@pytest.mark.parametrize("photons", [0, 120])
def test_a_pixel_that_is_hot_in_one_class_or_more_in_one_gives_it_away(photons: int) -> None:
    events = showers()
    images = events.features.copy()
    images[rows_of(events, 1, 250), 0, 0] = 0.01
    images[rows_of(events, 0, photons), 0, 0] = 0.01
    finding = next(f for f in audited(with_images(events, images)).findings if f.code == "hot-pixels")
    assert (finding.key, finding.severity) == ("hot-pixels:electron", "warn")


def test_chance_makes_no_pixel_dead_or_hot() -> None:
    # One sample in a thousand may have a finding of either kind if neighbours are hit equally often; of 400 with a
    # steep edge, where the limits have room to spare, more than two would be beyond chance (p < 1 %).
    rng = np.random.default_rng(5)
    away = np.arange(32) - 16
    distance = np.hypot(away[:, None], away)
    seen = survey(showers(300, time=False, size=32))
    alarms = 0
    for _ in range(400):
        rate = np.clip(rng.uniform(0.001, 0.05) + np.exp(-0.5 * (distance - rng.uniform(1, 5))), 0, 1)
        found = image_findings(replace(seen, hits=rng.binomial(150, rate, (2, 32, 32))), AuditConfig(), CLASSES)
        alarms += any(finding.code in ("dead-pixels", "hot-pixels") for finding in found)
    assert alarms <= 2


def test_where_the_showers_stand_is_no_hot_pixel() -> None:
    events = showers(time=False)
    images = np.where(np.random.default_rng(0).random(events.features.shape) < 0.02, events.features, 0)
    images[:, CENTRE, CENTRE] = events.features[:, CENTRE, CENTRE]
    assert "hot-pixels" not in [f.code for f in audited(with_images(events, images)).findings]


@pytest.mark.parametrize(("n", "severity"), [(10, "note"), (60, "warn")])
def test_showers_off_centre_are_counted_by_class(n: int, severity: str) -> None:
    events = showers()
    images = events.features.copy()
    images[:n] = np.roll(images[:n], 2, axis=1)
    finding = only(with_images(events, images))
    electrons = int(events.target[:n].sum())
    assert (finding.key, finding.severity, finding.rows) == ("off-centre", severity, (0, 1, 2, 3, 4))
    assert f"not the usual one, [8, 8], in {electrons} of 300 electron images" in finding.message
    assert "not the same in both classes" not in finding.message


def test_a_time_without_energy_is_noted_and_loud_where_it_follows_the_class() -> None:
    events = showers()
    images = events.features.copy()
    images[20:40, 0, 0] = [0, 7]
    note = only(with_images(events, images))
    assert (note.key, note.severity) == ("time-without-energy", "note")
    assert note.message.startswith("20 pixels have a time and no energy, in ")
    images[rows_of(events, 0, 40), 0, 0] = [0, 7]
    loud = next(f for f in audited(with_images(events, images)).findings if f.code == "time-without-energy")
    assert loud.severity == "warn"
    assert "not as often in both classes" in loud.message


def test_negative_energies_are_counted() -> None:
    events = showers()
    images = events.features.copy()
    images[[4, 9], 2, 2, 0] = -0.25
    finding = only(with_images(events, images))
    assert (finding.key, finding.severity) == ("negative-energy", "warn")
    assert "2 pixels have a negative energy, down to -0.25, in " in finding.message


@pytest.mark.parametrize("hide", ["copy", "coded", "time", "missing"])
def test_a_pixel_that_holds_the_label_stops(hide: str) -> None:
    events = showers()
    images, signal = events.features.copy(), events.target == 1
    corner = images[:, 0, 15]
    match hide:
        case "copy":
            corner[:, 0] = 0.001 * signal
        case "coded":  # background 1 or 3, signal 2: no order shows it
            corner[:, 0] = np.where(signal, 2, np.random.default_rng(0).choice([1, 3], len(signal)))
        case "time":
            corner[:] = np.where(signal[:, None], [0.001, 5], [0.001, 1])
        case _:
            corner[:, 0] = np.where(signal, np.nan, 0)
    report = audited(with_images(events, images), AuditConfig(missing="impute"))
    place = "time[0, 15]" if hide == "time" else "energy[0, 15]"
    stops = {finding.key: finding.message for finding in report.stops}
    assert f"label-in-feature:{place}" in stops
    assert (
        f"pixel {place} alone tells the classes apart with an AUC of 1.00000: was the label"
        in stops[f"label-in-feature:{place}"]
    )


def test_a_shower_shape_that_gives_the_class_away_stops() -> None:
    events = showers()
    images = events.features.copy()
    images[events.target == 1, ..., 0] *= 4  # another unit
    stops = audited(with_images(events, images)).stops
    assert any("shower shape" in finding.message and "were not made alike" in finding.message for finding in stops)
    assert all(finding.code == "label-in-feature" for finding in stops)


def test_few_images_only_warn_and_fewer_say_nothing() -> None:
    events = showers(24)
    images = events.features.copy()
    images[..., 0] *= np.where(events.target == 1, 4, 1)[:, None, None]
    loud = with_images(events, images)
    found = next(f for f in audited(loud).findings if "shower shape" in f.message)
    assert (found.code, found.severity) == ("label-in-feature", "warn")
    assert found.message.endswith("It may also be very good, or the images few")
    assert "label-in-feature" not in [f.code for f in audited(loud[np.arange(12)]).findings]


def test_images_without_an_energy_channel_are_audited_as_far_as_that_goes() -> None:
    events = showers().replace(names=("red", "green"))
    assert codes(audited(events)) == []
    images = emptied(events, [3, 5]).features.copy()
    images[:, 0, 0, 0] = events.target
    images[[3, 5], 0, 0, 0] = 0
    assert codes(audited(with_images(events, images)))[0] == ("empty-images", "warn")
    assert ("label-in-feature:red[0, 0]", "stop") in codes(audited(with_images(events, images)))


def test_constant_channels_sentinels_and_classes_are_found_in_images_too() -> None:
    events = showers()
    images = events.features.copy()
    images[..., 1] = 0
    assert codes(audited(with_images(events, images))) == [("constant:time", "warn")]
    images = events.features.copy()
    images[7, 0, 0, 0] = -999
    assert ("sentinel:energy", "warn") in codes(audited(with_images(events, images)))
    ones = events.replace(target=np.ones(600, np.float32))
    assert codes(audited(ones)) == [("one-class", "stop")]
    assert codes(audited(events[:0])) == [("no-events", "stop")]


@pytest.mark.genuine
def test_genuine_images_are_clean_but_for_five_off_centre(genuine: Callable[[str], Path]) -> None:
    with np.load(genuine("egamma/electron-photon.npz")) as arrays:
        images = np.concatenate([arrays["x_train"], arrays["x_test"]])[..., np.newaxis]
        target = np.concatenate([arrays["y_train"], arrays["y_test"]])
    finding = only(Events.from_arrays(images, target, names=("energy",), units=("50 GeV",)))
    assert (finding.key, finding.severity) == ("off-centre", "note")
    assert "[16, 16], in 4 of 102 electron images (3.92%) and 1 of 98 photon images (1.02%)" in finding.message
