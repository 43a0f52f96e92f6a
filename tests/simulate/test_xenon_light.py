"""Recoils, electrons and light of simulated waveforms against what the detector's description expects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from hepsieve.simulate.xenon_detector import SAMPLE, XenonDetector, lz
from hepsieve.simulate.xenon_light import Arrivals, detect, draw_arrivals, expected_light
from hepsieve.simulate.xenon_recoils import START, Recoils, draw_recoils, draw_steps, step_range

pytest.importorskip("nestpy")


@pytest.fixture(scope="module")
def detector() -> XenonDetector:
    return lz()


def alike(n: int, *, drift_time: float, electrons: tuple[int, int], separation: float = 0.0) -> Recoils:
    """The same recoils n times over, first pulse at 12 µs."""
    drifts = np.array([drift_time, drift_time + separation / lz().drift_velocity])
    return Recoils(
        separation=np.full(n, separation),
        drift_time=np.tile(drifts, (n, 1)),
        end=np.tile(12 + drifts - drift_time, (n, 1)),
        electrons=np.tile(electrons, (n, 1)),
    )


@pytest.mark.parametrize(
    ("separation", "steps"),
    [
        ((0.0, 30.0), (1, 800)),
        ((0.0, 0.3), (1, 8)),  # 0.3 mm is 8 · 0.0375 mm
        ((1.0, 30.0), (27, 800)),  # 26 · 0.0375 mm = 0.975 mm
        ((0.31, 0.33), (9, 8)),
    ],
)
def test_separations_are_multiples_of_an_800th(separation: tuple[float, float], steps: tuple[int, int]) -> None:
    assert step_range(separation) == steps


def test_each_separation_is_drawn_equally_often() -> None:
    drawn = draw_steps((0.0, 0.3), 8000, np.random.default_rng(3))
    counts = np.bincount(drawn, minlength=9)
    # 1000 ± 29.6 each: 4 standard deviations are 118.
    assert counts[0] == 0
    assert np.abs(counts[1:] - 1000).max() < 118


def test_neither_electrons_nor_place_tell_one_recoil_from_two(detector: XenonDetector) -> None:
    n = 4000
    one = draw_recoils(np.zeros(n, np.int64), detector, np.random.default_rng(1))
    two = draw_recoils(draw_steps((0.0, 30.0), n, np.random.default_rng(2)), detector, np.random.default_rng(3))
    assert ks_2samp(one.electrons.sum(axis=1), two.electrons.sum(axis=1)).pvalue > 0.01
    assert ks_2samp(one.end[:, 0], two.end[:, 0]).pvalue > 0.01
    assert ks_2samp(one.drift_time[:, 0], two.drift_time[:, 0]).pvalue > 0.01
    assert (one.electrons[:, 1] == 0).all()
    assert one.end.min() >= START[0]
    assert one.end.max() <= START[1]
    later = np.diff(two.end, axis=1)[:, 0]
    np.testing.assert_allclose(later * detector.drift_velocity, two.separation, rtol=1e-9)


def test_electrons_in_all_are_those_of_one_recoil_of_the_energy_that_survive(detector: XenonDetector) -> None:
    recoils = draw_recoils(np.full(4000, 400), detector, np.random.default_rng(5))
    energies = np.linspace(20, 100, 4001)
    mean = detector.electrons(energies).mean() * detector.arriving(recoils.drift_time).mean()
    counts = recoils.electrons.sum(axis=1)
    # Shares and survival vary together a little: 0.12 % between both recoils at most.
    assert abs(counts.mean() - mean) < 4 * counts.std() / np.sqrt(4000) + 0.001 * mean


@pytest.mark.parametrize("drift_time", [71.0, 480.0])
def test_light_has_the_mean_and_the_variance_that_nest_expects(detector: XenonDetector, drift_time: float) -> None:
    n, electrons = 1500, 60
    rng = np.random.default_rng(7)
    recoils = alike(n, drift_time=drift_time, electrons=(electrons, 0))
    light = expected_light(draw_arrivals(recoils, detector, rng), n, detector, rng)
    waveforms, photons = detect(light, detector, rng)
    areas = waveforms.sum(axis=1, dtype=np.float64)
    of_one = detector.single_electron * (1 + detector.charge_spread**2) + detector.gain_spread**2
    variance = electrons * of_one + detector.noise**2 * waveforms.shape[1]
    assert abs(areas.mean() - electrons * detector.single_electron) < 4 * np.sqrt(variance / n)
    assert areas.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / n))
    assert abs(photons.mean() - electrons * detector.single_electron) < 4 * np.sqrt(variance / n)
    # In time: diffusion 2 D t / v², the wait and the emission.
    time = (np.arange(waveforms.shape[1]) + 0.5) * SAMPLE - 12
    later, spread = detector.emission_moments()
    centre = detector.trapping + later
    widths = 2 * detector.diffusion * drift_time / detector.drift_velocity**2 + detector.trapping**2 + spread
    total = light.sum(axis=0, dtype=np.float64)
    # 90,000 electrons: the variance of a variance is at most (9 − 1) times its square, by them.
    assert np.average(time, weights=total) == pytest.approx(centre, abs=4 * np.sqrt(widths / (n * electrons)))
    assert np.average((time - centre) ** 2, weights=total) == pytest.approx(
        widths, rel=4 * np.sqrt(8 / (n * electrons))
    )


def test_the_distance_of_the_parts_is_the_separation(detector: XenonDetector) -> None:
    n, electrons, separation = 400, (50, 40), 12.0
    rng = np.random.default_rng(8)
    recoils = alike(n, drift_time=300.0, electrons=electrons, separation=separation)
    arrivals = draw_arrivals(recoils, detector, rng)
    centres = np.empty((n, 2))
    for part in range(2):
        own = arrivals.recoil % 2 == part
        light = expected_light(
            Arrivals(recoil=arrivals.recoil[own], time=arrivals.time[own]), n, detector, np.random.default_rng(9)
        ).astype(np.float64)
        centres[:, part] = light @ (np.arange(light.shape[1]) * SAMPLE) / light.sum(axis=1)
    found = np.diff(centres, axis=1)[:, 0] * detector.drift_velocity
    spread = np.hypot(detector.diffusion_time(recoils.drift_time[0]), detector.trapping) * detector.drift_velocity
    error = np.sqrt((spread**2 / electrons).sum())
    assert abs(found.mean() - separation) < 4 * error / np.sqrt(n)
    # The gains' spread (7 %) widens it by a quarter of a percent.
    assert found.std() == pytest.approx(error, rel=4 / np.sqrt(2 * n))


def test_an_electron_shines_from_its_sample_on(detector: XenonDetector) -> None:
    arrivals = Arrivals(recoil=np.array([0, 3, 5]), time=np.array([20.007, 49.995, 50.2]))
    light = expected_light(arrivals, 3, detector, np.random.default_rng(4))
    template = detector.emission_template()
    bright = np.random.default_rng(4).normal(detector.single_electron, detector.gain_spread, 3)
    expected = np.zeros((3, 5000))
    expected[0, 2000 : 2000 + len(template)] = bright[0] * template
    expected[1, 4999] = bright[1] * template[0]  # what comes after the window is lost, as is the third electron
    np.testing.assert_allclose(light, expected, atol=2e-6)


def test_detection_has_the_variance_of_photons_charge_and_noise(detector: XenonDetector) -> None:
    light = np.repeat(np.array([[0.0], [0.3], [4.0]], np.float32), 40_000, axis=1)
    waveforms, photons = detect(light, detector, np.random.default_rng(6))
    means, variances = waveforms.mean(axis=1, dtype=np.float64), waveforms.var(axis=1, dtype=np.float64)
    expected = detector.sample_variance(light[:, 0].astype(np.float64))
    np.testing.assert_allclose(means, light[:, 0], atol=4 * np.sqrt(expected.max() / 40_000))
    # The fourth moment of few photons is large: at 0.3 a variance of 40,000 samples is good to 1.5 %.
    np.testing.assert_allclose(variances, expected, rtol=0.05)
    assert photons[0] == 0
    np.testing.assert_allclose(photons[1:], [12_000, 160_000], atol=4 * np.sqrt(160_000))


def test_photons_are_counted_for_each_waveform(detector: XenonDetector) -> None:
    light = np.zeros((5, 50), np.float32)
    light[1, 3:6], light[3, 49], light[4, 0] = 100, 1000, 10_000
    _, photons = detect(light, detector, np.random.default_rng(2))
    assert photons[[0, 2]].tolist() == [0, 0]
    np.testing.assert_allclose(photons[[1, 3, 4]], [300, 1000, 10_000], rtol=0.2)
