"""The read-out: centred on the hottest crystal, bands complete, the rest suppressed, time only with energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hepsieve.simulate.egamma_particles import REFRACTION, Deposits
from hepsieve.simulate.egamma_readout import NOMINAL_DEPTH, READOUT, UNIT, read_out, soft_hits
from hepsieve.simulate.egamma_upstream import C
from hepsieve.simulate.particles import Floats

SILENT = replace(READOUT, noise=0.0, calibration=0.0, soft_hits=0.0, threshold_spread=0.0)
NOMINAL = (NOMINAL_DEPTH + (23 - NOMINAL_DEPTH) * REFRACTION) / C


def deposits(energy: Floats, time: float = NOMINAL) -> Deposits:
    return Deposits(energy=energy.astype(np.float32), time=np.where(energy > 0, time, 0).astype(np.float32))


def peaks(n: int, place: tuple[int, int] = (16, 16), energy: float = 20.0) -> Floats:
    images = np.zeros((n, 32, 32))
    images[(slice(None), *place)] = energy
    return images


@pytest.mark.parametrize("place", [(16, 16), (14, 19), (0, 31)])
def test_the_hottest_crystal_stands_in_the_middle(place: tuple[int, int]) -> None:
    images = read_out(deposits(peaks(20, place)), np.random.default_rng(1))
    assert images.shape == (20, 32, 32, 2)
    assert images.dtype == np.float32
    energy = images[..., 0].reshape(20, -1)
    assert (energy.argmax(axis=1) == 16 * 32 + 16).all()
    # The largest noise of 20 crystals is far below 1 GeV, the calibration's spread 0.1 GeV.
    np.testing.assert_allclose(energy.max(axis=1) * UNIT, 20, atol=1)


def test_a_band_is_read_out_in_full_and_nothing_else_below_the_threshold() -> None:
    energy = peaks(1)
    energy[0, 12:21, 11:23] += 0.01
    # Dominoes of five crystals go on above 0.1 GeV: to columns 14 and 18, whose dominoes have 0.11 GeV, and no further,
    # although column 20 has enough again.
    energy[0, 16, [14, 15, 17, 18, 20]] = 0.07
    image = read_out(deposits(energy), np.random.default_rng(1), settings=SILENT)[0, ..., 0]
    rows, columns = np.nonzero(image)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (14, 18, 14, 18)
    assert np.count_nonzero(image) == 5 * 5
    np.testing.assert_allclose(image[14, 14], 0.01 / 50)


def test_a_second_peak_has_a_band_of_its_own() -> None:
    energy = peaks(1) + 0.001
    energy[0, 10, 20] = 0.36
    image = read_out(deposits(energy), np.random.default_rng(1), settings=SILENT)[0, ..., 0]
    assert (image[8:13, 20] > 0).all()
    energy[0, 10, 20] = 0.34  # its domino has too little, so it stands alone
    image = read_out(deposits(energy), np.random.default_rng(1), settings=SILENT)[0, ..., 0]
    assert np.count_nonzero(image[8:13, 20]) == 1


def test_single_crystals_count_above_the_threshold_and_near_a_band() -> None:
    energy = peaks(1)
    energy[0, 16, [18, 20, 22, 28]] = [0.096, 0.098, 0.2, 0.2]
    image = read_out(deposits(energy), np.random.default_rng(1), settings=SILENT)[0, ..., 0]
    # The band is column 16 alone; the region ends 6 columns further.
    assert (image[16, [18, 20, 22, 28]] > 0).tolist() == [False, True, True, False]
    assert np.count_nonzero(image) == 3


def test_noise_is_suppressed() -> None:
    images = read_out(deposits(peaks(1000)), np.random.default_rng(2), settings=replace(READOUT, soft_hits=0.0))
    hit = images[..., 0] > 0
    assert images[..., 0].min() == 0
    # In the domino of the peak, noise is positive half of the time.
    assert hit[:, [14, 15, 17, 18], 16].mean() == pytest.approx(0.5, abs=0.04)
    # A threshold of 97 ± 12 MeV against 45 MeV of noise: P(z > 97/√(45² + 12²)) = P(z > 2.083) = 1.86 %.
    assert hit[:, [9, 10, 11, 21, 22, 23], 13:20].mean() == pytest.approx(0.0186, abs=0.004)
    # Next to the peak, the domino's noise of 45 √5 = 100.6 MeV exceeds 0.1 GeV in 16 % of images; then 0.5 + 0.3 of
    # its crystals are positive: those five have a mean of 1.526 × 100.6 / 5 MeV, which is 0.68 of the noise of each.
    whole = hit[:, 14:19, 17].sum(axis=1) >= 2
    assert whole.mean() == pytest.approx(0.16, abs=0.04)
    assert not hit[:, :8].any()


def test_time_is_there_only_with_energy_and_has_its_resolution() -> None:
    settings = replace(READOUT, collision_time=0.0)
    images = read_out(deposits(peaks(2000), NOMINAL + 0.3), np.random.default_rng(3), settings=settings)
    energy, time = images[..., 0], images[..., 1]
    assert (time[energy == 0] == 0).all()
    assert np.count_nonzero(time) == np.count_nonzero(energy)
    # 0.02 ⊕ 35 × 0.045 / 20 = 0.081 ns at 20 GeV.
    seed = time[:, 16, 16]
    assert seed.std() == pytest.approx(0.0813, rel=0.08)
    assert seed.mean() == pytest.approx(0.3, abs=0.01)
    # No worse than 35 ns, however small the pulse.
    assert np.abs(time).max() < 6 * 35


def test_all_crystals_share_the_time_of_the_collision() -> None:
    energy = peaks(1000)
    energy[:, 16, 17] = 19.0
    settings = replace(SILENT, time_constant=0.0, time_noise=0.0)
    time = read_out(deposits(energy), np.random.default_rng(7), settings=settings)[:, 16, 16:18, 1]
    np.testing.assert_allclose(time[:, 0], time[:, 1], atol=1e-5)
    assert time[:, 0].std() == pytest.approx(0.18, rel=5 / np.sqrt(2000))


def test_soft_hits_are_as_many_and_as_large_as_the_settings_say() -> None:
    n = 4000
    energy = soft_hits(n, np.random.default_rng(4), READOUT)
    assert energy.shape == (n, 32, 32)
    # 0.9 hits of 0.45 GeV; the spread of the sum is √(0.9 (0.45² + 0.25²)) = 0.49: 0.0077 on the mean of 4000.
    assert energy.sum(axis=(1, 2)).mean() == pytest.approx(0.405, abs=0.039)


def test_an_image_without_energy_stays_one_of_noise() -> None:
    images = read_out(deposits(np.zeros((5, 32, 32))), np.random.default_rng(5), settings=SILENT)
    assert not images.any()


def test_the_same_generator_gives_the_same_images() -> None:
    one, other = (read_out(deposits(peaks(5)), np.random.default_rng(6)) for _ in range(2))
    assert one.tobytes() == other.tobytes()
