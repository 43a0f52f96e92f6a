"""Examples that are what stands in the data, and mean waveforms around their centres of gravity."""

from __future__ import annotations

import numpy as np
import pytest
from tests.audit.pulses import D, counts, pulses, separations

from hepsieve.evaluate.waveform_results import WaveformSummary
from hepsieve.evaluate.waveforms import waveform_summary
from hepsieve.events import Events, FloatArray

CLASSES = ("1S2", "2S2")


def halved(waveforms: FloatArray) -> FloatArray:
    return waveforms * np.float32(0.5)


def summary(events: Events, *, seed: int = 1) -> WaveformSummary:
    return waveform_summary(
        events.features,
        events.target,
        unit="phd",
        normalise=halved,
        classes=CLASSES,
        scale=events.scale,
        seed=seed,
        normalised="halved",
    )


@pytest.mark.parametrize("samples", [300, 3000])
def test_examples_stand_in_the_data_with_their_peaks(samples: int) -> None:
    events = counts(60, samples=samples)
    made = summary(events)
    assert [one.title for one in made.examples] == ["1S2"] * 4 + ["2S2"] * 4
    assert (made.unit, made.samples, made.sample_ns, made.ordered, made.normalised) == (
        "phd", samples, 10, False, "halved"
    )  # fmt: skip
    for one in made.examples:
        places = np.rint(np.array(one.time) * 100).astype(int)
        assert (np.diff(places) > 0).all()
        assert len(places) <= 300
        close = np.isclose(events.features[:, places, 0], one.raw, rtol=1e-3, atol=1e-6).all(axis=1)
        assert close.sum() == 1
        row = int(close.argmax())
        assert events.target[row] == (one.title == "2S2")
        assert max(one.raw) == pytest.approx(events.features[row].max(), rel=1e-3)
        assert min(one.raw) == pytest.approx(events.features[row].min(), rel=1e-3)
        np.testing.assert_allclose(one.normalised, np.array(one.raw) / 2, rtol=1e-3)


def test_the_seed_chooses_the_examples() -> None:
    events = counts(60)
    assert summary(events, seed=1) == summary(events, seed=1)
    assert summary(events, seed=1).examples != summary(events, seed=2).examples


def test_examples_of_a_regression_rise_along_the_target() -> None:
    events = separations(80)
    made = summary(events)
    shown = [float(one.title.removeprefix("d = ").partition(" ")[0]) for one in made.examples]
    assert shown == sorted(shown)
    # One of each eighth of the targets.
    parts = np.array_split(np.sort(events.target), 8)
    assert all(part[0] - 1e-3 <= value <= part[-1] + 1e-3 for part, value in zip(parts, shown, strict=True))
    assert made.examples[0].title.endswith(" mm)")


def test_ranges_cover_all_targets() -> None:
    made = summary(separations(400))
    assert made.ordered
    assert [one.title for one in made.means] == ["d 0–6 mm", "d 6–12 mm", "d 12–18 mm", "d 18–24 mm", "d 24–30 mm"]
    assert sum(one.n for one in made.means) == 400


def test_the_mean_waveform_is_centred_and_keeps_the_area() -> None:
    # Pulses of one shape at different places: their mean is that shape, with its centre at 0.
    samples, n = 1000, 200
    rng = np.random.default_rng(0)
    t = np.arange(samples)
    at = rng.uniform(400, 600, (n, 1))
    light = 5 * np.exp(-(((t - at) / 30) ** 2) / 2) + 3  # on a pedestal
    events = Events.from_arrays(light[..., np.newaxis], np.arange(n) % 2)
    for mean in summary(events).means:
        time, values = np.array(mean.time), np.array(mean.mean)
        assert mean.n == 100
        step = time[1] - time[0]
        assert (values * time).sum() / values.sum() == pytest.approx(0, abs=step / 2)
        area = values.sum() * step * 100  # samples of 10 ns
        assert area == pytest.approx(5 * 30 * np.sqrt(2 * np.pi), rel=0.01)
        # A bin's width of jitter, √(1/12 + 1/12) of 4 samples, beside a width of 30.
        width = np.sqrt((values * time**2).sum() / values.sum()) * 100
        assert width == pytest.approx(30, rel=0.02)


def test_two_pulses_far_apart_have_two_peaks() -> None:
    near, far = (
        Events.from_arrays(pulses(100, 0, apart=np.full(100, apart), samples=1000), np.arange(100) % 2)
        for apart in (0.0, 250.0)
    )
    for events, peaks in ((near, 1), (far, 2)):
        values = np.array(summary(events).means[0].mean)
        high = values > 0.5 * values.max()
        assert np.count_nonzero(high[1:] & ~high[:-1]) == peaks


def test_values_that_are_not_finite_and_unknown_targets_are_left_out() -> None:
    events = separations(100)
    waveforms, target = events.features.copy(), events.target.copy()
    waveforms[3, 5], target[7] = np.nan, np.nan
    made = summary(events.replace(features=waveforms, target=target))
    assert sum(one.n for one in made.means) == 98
    assert WaveformSummary.model_validate_json(made.model_dump_json()) == made


def test_few_or_flat_waveforms_have_no_mean() -> None:
    assert summary(counts(8)).means == ()
    flat = Events.from_arrays(np.zeros((40, 300, 1)), np.linspace(0, 1, 40), scale=D)
    made = summary(flat)
    assert made.means == ()
    assert len(made.examples) == 8


def test_json_stays_small() -> None:
    text = summary(counts(100, samples=5000)).model_dump_json()
    # 8 examples of 300 points with three numbers of at most nine characters; two means of 250 bins with two numbers.
    assert len(text) < 8 * 300 * 3 * 9 + 2 * 250 * 2 * 11 + 1000
