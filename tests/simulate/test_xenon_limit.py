"""The bound on the separation of two pulses, against what can be derived by hand and counted over toys."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from hepsieve.simulate import simulate
from hepsieve.simulate.xenon_bins import Bins, TwoPulses
from hepsieve.simulate.xenon_detector import FULL, SAMPLES, lz
from hepsieve.simulate.xenon_fit import fit, fit_separations
from hepsieve.simulate.xenon_limit import arrival_information, bound, least_deviation, light_information

APART = TwoPulses(separation=15.0, end=12.0, drift_time=500.0, first=60.0, second=60.0)


def test_pulses_that_stand_apart_are_two_means() -> None:
    # Were the arrivals normally distributed, the centre of N of them were known to σ/√N, and nothing better would do:
    # σ_d = √(σ₁²/N₁ + σ₂²/N₂) · v / 30 mm. The exponential wait is taken as short beside σ of about 1 µs, which makes
    # the distribution almost normal: what its skewness adds to the information is a few per cent.
    detector = replace(lz(), trapping=0.02)
    spread = detector.diffusion_time(np.array([500.0, 515.0]))
    by_hand = np.sqrt((spread**2 / 60).sum()) * detector.drift_velocity / FULL
    assert bound(APART, detector) == pytest.approx(by_hand, rel=0.01)


def test_the_bound_falls_with_the_root_of_the_electrons() -> None:
    larger = replace(APART, first=4 * APART.first, second=4 * APART.second)
    few, many = bound(APART, lz()), bound(larger, lz())
    assert few is not None
    assert many == pytest.approx(few / 2, rel=1e-6)


def test_the_light_knows_less_than_the_electrons() -> None:
    for separation in (2.0, 4.0, 15.0):
        pulses = replace(APART, separation=separation)
        electrons = least_deviation(arrival_information(pulses, lz()), lz())
        light = least_deviation(light_information(pulses, lz()), lz())
        assert electrons is not None
        assert light is not None
        assert electrons < light < 1.1 * electrons


def test_pulses_in_one_place_have_no_bound() -> None:
    # Moving equal pulses apart and making both wider looks the same to first order: nothing is known of d.
    together = bound(replace(APART, separation=0.01), lz())
    assert together is None or together > 1


def test_slopes_are_derivatives() -> None:
    bins = Bins(samples=10)
    slopes = bins.slopes(APART, lz())
    for k, name in enumerate(asdict(APART)):
        values = asdict(APART)
        moved = TwoPulses(**{**values, name: values[name] + 1e-5})
        rise = (bins.entering(moved, lz()) - bins.entering(APART, lz())) / 1e-5
        np.testing.assert_allclose(slopes[k], rise, atol=2e-4 * np.abs(slopes[k]).max() + 1e-6)


def test_mean_and_covariance_are_those_of_simulated_light() -> None:
    # 600 waveforms of one kind. The model's total light and its variance, and those of one half of the pulse.
    detector, bins = lz(), Bins(samples=20)
    rng = np.random.default_rng(5)
    pulses = replace(APART, separation=1.0)
    light = np.stack([_light(pulses, rng).reshape(-1, 20).sum(axis=1) for _ in range(600)])
    rate = bins.entering(pulses, detector)
    mean = detector.single_electron * bins.response(detector) @ rate
    covariance = bins.covariance(rate, detector)
    early = np.zeros(len(mean))
    early[: int(np.searchsorted(np.cumsum(mean), mean.sum() / 2))] = 1
    for weights in (np.ones(len(mean)), early):
        seen, expected = light @ weights, weights @ mean
        deviation = np.sqrt(weights @ covariance @ weights)
        # A mean of 600 lies within 4 standard errors but once in 16,000 times; their variance within 4 √(2/599).
        assert abs(seen.mean() - expected) < 4 * deviation / np.sqrt(600)
        assert abs(seen.var(ddof=1) / deviation**2 - 1) < 4 * np.sqrt(2 / 599)


def test_the_fit_reaches_the_bound_where_pulses_stand_apart() -> None:
    detector, rng = lz(), np.random.default_rng(6)
    fits = [fit(_light(APART, rng), detector) for _ in range(60)]
    found = np.array([one.separation for one in fits if one is not None])
    assert len(found) == 60
    least = bound(APART, detector)
    assert least is not None
    error = (found - APART.separation) * detector.drift_velocity / FULL
    # RMSE/bound of 60 fits: 1 ± 0.09; four standard errors, and 10 % for what light leaves open.
    assert 1 - 0.36 < np.sqrt(np.mean(error**2)) / least < 1 + 0.36 + 0.1


def test_a_fit_of_almost_no_noise_finds_the_truth() -> None:
    detector = lz()
    light = 1000 * detector.single_electron * detector.pulse_shape(12.0, 300.0)
    light += 500 * detector.single_electron * detector.pulse_shape(18.0, 306.0)
    found = fit(light.astype(np.float32), detector)
    assert found is not None
    assert found.separation == pytest.approx(6.0, abs=0.02)
    assert found.first == pytest.approx(1000, rel=0.01)


def test_fits_do_not_depend_on_the_number_of_processes() -> None:
    events = simulate("xenon", 30, seed=4, pulses="two")
    one, two = (fit_separations(events.features, jobs=jobs) for jobs in (1, 2))
    assert one.shape == (30,)
    assert (one == two).all()
    assert ((one >= 0) & (one <= 1)).all()


def test_a_waveform_without_light_has_no_separation() -> None:
    assert np.isnan(fit_separations(np.zeros((1, SAMPLES, 1), np.float32))).all()


def _light(pulses: TwoPulses, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """One waveform, drawn electron by electron."""
    detector = lz()
    times = []
    for electrons, later in ((pulses.first, 0.0), (pulses.second, pulses.separation)):
        n = rng.poisson(electrons)
        spread = float(detector.diffusion_time(np.array(pulses.drift_time + later)))
        wait = rng.exponential(detector.trapping, n)
        times.append(pulses.end + later + spread * rng.standard_normal(n) + wait)
    expected = np.zeros(SAMPLES)
    template = detector.emission_template()
    for time in np.concatenate(times):
        start = int(time / 0.01)
        gain = rng.normal(detector.single_electron, detector.gain_spread)
        expected[start : start + len(template)] += gain * template[: SAMPLES - start]
    photons = rng.poisson(np.maximum(expected, 0))
    charge = photons + detector.charge_spread * np.sqrt(photons) * rng.standard_normal(SAMPLES)
    return (charge + detector.noise * rng.standard_normal(SAMPLES)).astype(np.float32)
