"""The detector against NEST's own pulses, and the expected light against slow versions of its definition."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hepsieve.errors import MissingExtra
from hepsieve.simulate import simulate
from hepsieve.simulate.xenon_detector import (
    SAMPLE,
    SINGLET,
    SINGLET_SHARE,
    TRIPLET,
    XenonDetector,
    load_nestpy,
    lz,
)

nestpy: Any = pytest.importorskip("nestpy")


@pytest.fixture(scope="module")
def detector() -> XenonDetector:
    return lz()


def test_an_electron_is_as_bright_as_nest_says(detector: XenonDetector) -> None:
    described = nestpy.detectors.LZ_WS2024()
    assert detector.extraction * detector.single_electron == pytest.approx(described.g2, rel=1e-9)
    # A photon gives 2 electrons with P = 0.214, each of a charge with a spread r = 0.338, in units of 1 + P:
    # √((1 + P) r² + P (1 − P)) / (1 + P) = √(1.214 · 0.11424 + 0.214 · 0.786) / 1.214 = 0.45633.
    assert detector.charge_spread == pytest.approx(0.45633, abs=1e-5)
    # NEST: 613.2 photons with Fano factor 4, each seen with p = 0.0764: 46.85 (p · 4 + 1 − p) = 57.6; ours is Poisson's
    # 46.85 and the square of the gain's spread.
    assert detector.gain_spread**2 + detector.single_electron == pytest.approx(57.59, abs=0.02)


def test_recoils_set_free_as_many_electrons_as_in_nest(detector: XenonDetector) -> None:
    described = nestpy.detectors.LZ_WS2024()
    nest = nestpy.NESTcalc(described)
    nestpy.RandomGen.rndm().set_seed(1)
    for energy in (20.3, 60.0, 100.0):
        yields = nest.GetYields(
            nestpy.interactions.NR, energy, described.density_liquid, 96.5, nr_parameters=described.nr_parameters
        )
        drawn = [nest.GetQuanta(yields, described.density_liquid).electrons for _ in range(2000)]
        error = np.std(drawn) / np.sqrt(2000)
        assert abs(np.mean(drawn) - detector.electrons(np.array(energy))) < 4 * error


def test_areas_of_pulses_are_those_of_nest(detector: XenonDetector) -> None:
    described = nestpy.detectors.LZ_WS2024()
    nest = nestpy.NESTcalc(described)
    nestpy.RandomGen.rndm().set_seed(2)
    gain = nest.CalculateG2(False)
    free, drift_time, n = 200, 500.0, 3000
    depth = described.TopDrift - drift_time * detector.drift_velocity
    place = (0.0, 0.0, depth, 0.0, 0.0, depth, drift_time, detector.drift_velocity)
    mode = nestpy.S2CalculationMode.Full
    areas = np.array([nest.GetS2(free, *place, k, 96.5, mode, 0, [], [], gain)[6] for k in range(n)])
    share = float(detector.arriving(np.array(drift_time)))
    arriving = free * share
    of_one = detector.single_electron * (1 + detector.charge_spread**2) + detector.gain_spread**2
    # NEST's electrons are binomial here, of exactly 200.
    variance = arriving * of_one + arriving * (1 - share) * detector.single_electron**2
    assert abs(areas.mean() - arriving * detector.single_electron) < 4 * np.sqrt(variance / n)
    assert areas.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / n))


@pytest.mark.parametrize(("drift_time", "seed"), [(5.0, 3), (500.0, 4)])
def test_pulses_are_as_wide_and_as_late_as_those_of_nest(detector: XenonDetector, drift_time: float, seed: int) -> None:
    described, n = nestpy.detectors.LZ_WS2024(), 300
    made = nestpy.array.runNESTvec(
        described,
        nestpy.interactions.NR,
        np.full(n, 0.8),  # keV: NEST's time grows fast with the light
        np.tile([0.0, 0.0, described.TopDrift - drift_time * detector.drift_velocity], (n, 1)),
        96.5,
        seed,
        described.er_parameters,
        described.nr_parameters,
        described.nr_er_width_parameters,
        nestpy._nestpy.S1CalculationMode.Parametric,
        nestpy.S2CalculationMode.Waveform,
    )
    time = np.concatenate([np.asarray(times) for times in made.s2_waveform_time]) / 1000 - drift_time
    light = np.concatenate([np.asarray(lights) for lights in made.s2_waveform_amp])
    later, spread = detector.emission_moments()
    electrons = detector.diffusion_time(np.array(drift_time)) ** 2 + detector.trapping**2
    mean = np.average(time, weights=light)
    # About 1000 electrons: the mean is good to 3 and 5 hundredths of a µs, the variance to 7 %.
    assert mean == pytest.approx(detector.trapping + later, abs=0.15)
    assert np.average((time - mean) ** 2, weights=light) == pytest.approx(electrons + spread, rel=0.15)


def test_the_emission_template_is_its_definition(detector: XenonDetector) -> None:
    # Slowly: entry even within the first sample, emission even on the way, exponential decay, all in steps of 0.1 ns.
    step = SAMPLE / 100
    on_the_way = round(detector.gas_transit / step)
    detector = replace(detector, gas_transit=on_the_way * step)
    template = detector.emission_template()
    edges = np.arange(len(template) * 100 + 1) * step
    decayed = 1 - SINGLET_SHARE * np.exp(-edges / SINGLET) - (1 - SINGLET_SHARE) * np.exp(-edges / TRIPLET)
    fine = np.convolve(np.diff(decayed), np.full(100, 0.01))[: len(template) * 100]
    fine = np.convolve(fine, np.full(on_the_way, 1 / on_the_way))[: len(template) * 100]
    # A step of this grid has at most 7.4e-5 of the light; each of the three factors is good to half a step.
    np.testing.assert_allclose(np.cumsum(template), np.cumsum(fine)[99::100], atol=1.5e-4)
    assert template.sum() == pytest.approx(1, abs=1e-12)
    assert (template >= 0).all()


@pytest.mark.parametrize("drift_time", [71.0, 250.0, 500.0])
def test_a_pulse_has_the_variance_of_diffusion_wait_and_emission(detector: XenonDetector, drift_time: float) -> None:
    shape = detector.pulse_shape(15.0, drift_time)
    time = (np.arange(len(shape)) + 0.5) * SAMPLE
    later, spread = detector.emission_moments()
    assert shape.sum() == pytest.approx(1, abs=1e-6)
    mean = float(shape @ time)
    assert mean == pytest.approx(15 + detector.trapping + later, abs=1e-4)
    diffused = 2 * detector.diffusion * drift_time / detector.drift_velocity**2
    # Samples are 10 ns wide: a twelfth of their square, on entry and on emission, is 2e-5 µs².
    assert float(shape @ (time - mean) ** 2) == pytest.approx(diffused + detector.trapping**2 + spread, abs=5e-5)


def test_the_density_of_arrival_is_the_slope_of_its_distribution(detector: XenonDetector) -> None:
    time = np.linspace(-8, 12, 20_001)
    density = detector.arrival_density(time, 300.0)
    slope = np.gradient(detector.arrival_distribution(time, 300.0), time)
    np.testing.assert_allclose(density, slope, atol=1e-6)
    assert detector.arrival_distribution(time[-1:], 300.0)[0] == pytest.approx(1, abs=1e-5)


def test_without_nestpy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nestpy", None)
    lz.cache_clear()
    message = r"^nestpy is not installed; pip install 'hepsieve\[simulate\]' brings it$"
    with pytest.raises(MissingExtra, match=message):
        load_nestpy()
    with pytest.raises(MissingExtra, match=message):
        simulate("xenon", 2, seed=1)
