"""Pulse shapes are those of the definition, do not depend on where the pulse is, and find two pulses."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.reference.pulse_shapes import shapes

from hepsieve.config import ExplainConfig, PrepareConfig, TaskConfig
from hepsieve.errors import DataError
from hepsieve.events import Events
from hepsieve.explain import rank_features
from hepsieve.models.config import MLPConfig, ModelConfig, TrainConfig, TreesConfig, WaveCNNConfig
from hepsieve.prepare import split
from hepsieve.progress import Silent
from hepsieve.pulse_shapes import PULSE_SHAPES, as_pulse_table, pulse_names, pulse_shapes, pulse_units
from hepsieve.shapes import as_table, names_of, quantities, quantity, quantity_unit
from hepsieve.train.run import train

LIGHT = ("light",)


def gauss(samples: int, centre: float, sigma: float, area: float) -> NDArray[np.float64]:
    """A normal pulse, centre and standard deviation in samples."""
    time = np.arange(samples) + 0.5
    return np.asarray(area / sigma / np.sqrt(2 * np.pi) * np.exp(-(((time - centre) / sigma) ** 2) / 2))


def waveforms(n: int = 10, *, samples: int = 1300, noise: float = 0.05, seed: int = 1) -> Events:
    """Two pulses of photons each, anywhere, or one where they coincide; and noise."""
    rng = np.random.default_rng(seed)
    raw = np.empty((n, samples, 1))
    for k in range(n):
        sigma, first = rng.uniform(0.01, 0.03) * samples, rng.uniform(0.2, 0.4) * samples
        second = first + rng.uniform(0, 0.45) * samples
        mean = gauss(samples, first, sigma, 800) + gauss(samples, second, sigma, 400)
        raw[k, :, 0] = rng.poisson(mean) + noise * rng.standard_normal(samples)
    events = Events.from_arrays(raw, np.arange(n) % 2, names=LIGHT, units=("phd",))
    return events.replace(spectators=np.arange(float(n))[:, np.newaxis], spectator_names=("area",))


def by_name(raw: NDArray[np.floating]) -> dict[str, float]:
    """The shapes of one waveform, shape (time,)."""
    table = pulse_shapes(raw.astype(np.float32)[np.newaxis, :, np.newaxis], LIGHT)
    return dict(zip(PULSE_SHAPES, map(float, table[0]), strict=True))


@pytest.mark.parametrize("samples", [64, 499, 1300, 5000])
@pytest.mark.parametrize("noise", [0.0, 0.05, 2.0])
def test_shapes_are_those_of_the_definition(samples: int, noise: float) -> None:
    events = waveforms(3, samples=samples, noise=noise)
    table = pulse_shapes(events.features, LIGHT)
    for waveform, row in zip(events.features[..., 0], table, strict=True):
        expected = shapes(waveform)
        assert tuple(expected) == pulse_names(LIGHT)
        np.testing.assert_allclose(row, list(expected.values()), rtol=2e-5, atol=2e-5)


def test_a_normal_pulse_has_the_moments_and_widths_of_one() -> None:
    found = by_name(gauss(5000, 2000, 100, 3000))  # sigma is 1 µs
    # Binning adds (0.1 µs)²/12 to the variance; a hundredth of the height cuts the pulse off at three sigma.
    assert found["rms width"] == pytest.approx(1, rel=0.02)
    assert found["skewness"] == pytest.approx(0, abs=1e-3)
    assert found["kurtosis"] == pytest.approx(3, rel=0.05)
    assert found["pulse area"] == pytest.approx(3000, rel=1e-5)
    # The quartiles lie 0.6745 sigma from the median; half the height at 1.1774 sigma.
    assert found["time of 75 %"] == pytest.approx(-found["time of 25 %"], rel=1e-3)
    assert found["time of 75 %"] == pytest.approx(0.6745, rel=0.02)
    # Smoothing by 11 bins twice adds 2 · (11² - 1)/12 bins², 0.2 µs², to the variance.
    assert found["width at 50 %"] == pytest.approx(2 * 1.1774 * np.sqrt(1.2), rel=0.02)
    assert found["early light"] == pytest.approx(0.5, abs=1e-3)
    assert (found["maxima"], found["pulse distance"], found["light before valley"]) == (1, 0, 0)


def test_two_pulses_are_found_with_their_distance_and_shares() -> None:
    found = by_name(gauss(5000, 1500, 100, 3000) + gauss(5000, 2500, 100, 1500))
    assert found["maxima"] == 2
    assert found["pulse distance"] == pytest.approx(10, abs=0.1)
    assert found["second height"] == pytest.approx(0.5, rel=1e-3)
    assert found["valley depth"] == pytest.approx(0.5, rel=1e-3)
    assert found["light before valley"] == pytest.approx(2 / 3, rel=1e-3)


def test_shapes_do_not_depend_on_the_place_of_the_pulse() -> None:
    events = waveforms(4, samples=5000)
    moved = np.roll(events.features, 40, axis=1)  # four whole bins; only noise goes round the end
    before, after = pulse_shapes(events.features, LIGHT), pulse_shapes(moved, LIGHT)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_more_light_is_a_larger_and_no_other_pulse() -> None:
    events = waveforms(4)
    before, after = (pulse_shapes(events.features * np.float32(factor), LIGHT) for factor in (1, 8))
    scale = np.array([8.0 if unit == "phd" else 1.0 for unit in pulse_units(LIGHT, ("phd",))])
    assert scale.sum() == len(scale) + 2 * 7
    np.testing.assert_allclose(after, before * scale, rtol=1e-6)


def test_noise_and_a_baseline_move_the_shapes_little() -> None:
    rng = np.random.default_rng(3)
    clean = gauss(5000, 2000, 100, 3000)
    found, noisy = by_name(clean), by_name(clean + 0.05 * rng.standard_normal(5000))
    lifted = by_name(clean + 0.05 * rng.standard_normal(5000) + 0.5)
    for name in ("rms width", "kurtosis", "time of 2 %", "time of 98 %", "width at 10 %"):
        assert noisy[name] == pytest.approx(found[name], rel=0.03)
        # The baseline is not subtracted: between the ends of the pulse it counts.
        assert lifted[name] == pytest.approx(found[name], rel=0.35)


@pytest.mark.parametrize("height", [0.0, -1.0])
def test_a_waveform_without_light_has_no_shapes_and_its_neighbours_do_not_change(height: float) -> None:
    events = waveforms(5)
    raw = events.features.copy()
    raw[2] = height
    table = pulse_shapes(raw, LIGHT)
    assert table[2, 0] == height * raw.shape[1]
    assert (table[2, 1:] == 0).all()
    assert np.isfinite(pulse_shapes(np.random.default_rng(1).normal(size=(50, 300, 1)).astype(np.float32), LIGHT)).all()
    np.testing.assert_array_equal(
        np.delete(table, 2, axis=0), np.delete(pulse_shapes(events.features, LIGHT), 2, axis=0)
    )


def test_samples_that_are_not_finite_count_as_dark() -> None:
    events = waveforms(2)
    broken, mended = events.features.copy(), events.features.copy()
    broken[0, :3, 0], mended[0, :3, 0] = (np.nan, np.inf, -np.inf), 0
    np.testing.assert_array_equal(pulse_shapes(broken, LIGHT), pulse_shapes(mended, LIGHT))


def test_quantities_are_found_by_their_names() -> None:
    events = waveforms(40)
    names = pulse_names(LIGHT)
    assert names == names_of(LIGHT, ndim=3)
    assert quantities(events) == (*names, "area")
    table = as_table(events)
    np.testing.assert_array_equal(table.features, as_pulse_table(events).features)
    assert (table.names, table.units) == (names, pulse_units(LIGHT, ("phd",)))
    for k, name in enumerate(names):
        np.testing.assert_array_equal(quantity(events, name), table.features[:, k])
        assert quantity_unit(events, name) == quantity_unit(table, name) == table.units[k]
    np.testing.assert_array_equal(quantity(events, "area"), np.arange(40.0))
    assert (quantity_unit(events, "width at 50 %"), quantity_unit(events, "area")) == ("µs", "")
    with pytest.raises(DataError, match="no spectator 'light'; there are area"):
        quantity(events, "light")


def test_other_channels_are_passed_by_and_without_light_there_are_no_shapes() -> None:
    events = waveforms(3)
    both = np.concatenate([np.full_like(events.features, 7), events.features], axis=2)
    np.testing.assert_array_equal(pulse_shapes(both, ("temperature", "light")), pulse_shapes(events.features, LIGHT))
    other = events.replace(names=("temperature",))
    assert as_table(other).features.shape == (3, 0)
    assert quantities(other) == ("area",)


def test_many_waveforms_are_measured_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    events = waveforms(70, samples=60)
    whole = quantity(events, "rms width")
    monkeypatch.setattr("hepsieve.shapes._MANY_ROWS", 30)
    np.testing.assert_array_equal(quantity(events, "rms width"), whole)


def test_shapes_and_channels_of_waveforms_are_ranked() -> None:
    rng = np.random.default_rng(4)
    two = np.arange(240) % 2
    light = np.stack([gauss(120, 40, 5, 300) + gauss(120, 40 + 35 * k, 5, 300) for k in two.tolist()])
    raw = np.stack([rng.poisson(light), rng.normal(size=light.shape)], axis=2)
    models: dict[str, ModelConfig] = {
        "trees": TreesConfig(pulse_shapes=True, rounds=5),
        "both": MLPConfig(widths=(4,), epochs=3),
        "alone": WaveCNNConfig(without=("veto",), dense=4, filters=2, epochs=1),
    }
    parts = split(Events.from_arrays(raw, two, names=("light", "veto")), seed=1)
    run = train(models, parts, prepare=PrepareConfig(), settings=TrainConfig(batch_size=50), seed=1)
    explain = ExplainConfig(permutations=2, backward=False)
    ranked = rank_features(run, TaskConfig(task="toy", models={**models}, explain=explain), progress=Silent())
    found = {name: tuple(importances) for name, importances in ranked.importances.items()}
    assert found["trees"] == PULSE_SHAPES
    assert found["both"] == ("light", "veto")
    # A single channel is all that this one has; its stretches of 1.2 µs in nine parts are exchanged between events.
    assert len(found["alone"]) == 9
    assert (found["alone"][0], found["alone"][-1]) == ("0–0.14 µs", "1.07–1.2 µs")
    worth = {name: found.value or 0.0 for name, found in ranked.importances["trees"].items()}
    assert max(worth.values()) > 0.1
