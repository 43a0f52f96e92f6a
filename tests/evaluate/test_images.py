"""Means of images against an obvious loop, and examples that are what stands in the data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.evaluate.image_results import ImageSummary
from hepsieve.evaluate.images import image_summary

Floats = NDArray[np.float64]


def some(n: int = 40) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(3)
    images = np.zeros((n, 6, 5, 2))
    hit = rng.random((n, 6, 5)) < 0.3
    images[..., 0][hit] = rng.gamma(2, size=hit.sum())
    images[..., 1] = rng.normal(size=(n, 6, 5))
    return images, (rng.random(n) < 0.5).astype(float), rng.uniform(0.5, 2, n)


def summary(images: Floats, target: Floats, weight: Floats, *, seed: int = 1) -> ImageSummary:
    return image_summary(
        images, target, weight, names=("energy", "time"), units=("GeV", "ns"), classes=("photon", "electron"), seed=seed
    )


def test_means_are_those_of_an_obvious_loop() -> None:
    images, target, weight = some()
    images[0, 2, 2, 0] = np.nan
    made = summary(images, target, weight)
    assert (made.shape, made.n_signal) == ((6, 5), int(target.sum()))
    assert made.n_background + made.n_signal == 40
    known = 0
    for channel, mean in enumerate(made.means):
        for label, pixels, errors in (
            (0, mean.background, mean.background_error),
            (1, mean.signal, mean.signal_error),
        ):
            for row in range(6):
                for column in range(5):
                    energy, x = images[:, row, column, 0], images[:, row, column, channel]
                    rows = (target == label) & np.isfinite(energy) & ((energy > 0) | (channel == 0))
                    w = weight[rows]
                    expected = (w * x[rows]).sum() / w.sum()
                    error = np.sqrt((w**2 * (x[rows] - expected) ** 2).sum()) / w.sum()
                    n = w.sum() ** 2 / (w**2).sum()
                    # To four significant digits, and two.
                    assert pixels[row][column] == pytest.approx(expected, rel=6e-4)
                    if n < 10:
                        assert errors[row][column] is None
                    else:
                        assert errors[row][column] == pytest.approx(error * np.sqrt(n / (n - 1)), rel=0.06)
                        known += 1
    assert known > 60


def test_a_pixel_that_never_has_energy_has_no_time() -> None:
    images, target, weight = some()
    images[:, 0, 0, 0] = 0
    energy, time = summary(images, target, weight).means
    assert energy.background[0][0] == 0
    assert (time.background[0][0], time.signal[0][0], time.signal_error[0][0]) == (None, None, None)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    images, target, weight = some()
    whole = summary(images, target, weight)
    monkeypatch.setattr("hepsieve.spill._BLOCK", 3 * images[0].nbytes)
    assert summary(images, target, weight) == whole


def test_examples_stand_in_the_data_under_their_class() -> None:
    images, target, weight = some()
    made = summary(images, target, weight)
    assert [one.label for one in made.examples] == ["photon"] * 5 + ["electron"] * 5
    for one in made.examples:
        pixels = np.stack([one.channel(k, made.shape) for k in range(2)], axis=-1)
        close = np.isclose(images, pixels, rtol=1e-3).all(axis=(1, 2, 3))
        assert close.sum() == 1
        assert target[close.argmax()] == (one.label == "electron")
    assert summary(images, target, weight, seed=1).examples == made.examples
    assert summary(images, target, weight, seed=2).examples != made.examples


def test_a_class_of_few_images_has_few_examples() -> None:
    images, target, weight = some()
    target[:] = 0
    target[:2] = 1
    assert [one.label for one in summary(images, target, weight).examples].count("electron") == 2


def test_json_stays_small() -> None:
    images, target, weight = some()
    text = summary(images, target, weight).model_dump_json()
    assert ImageSummary.model_validate_json(text) == summary(images, target, weight)
    # 30 pixels × 2 channels × 2 classes with errors, and 10 examples of about 9 hits and 30 times.
    assert len(text) < 30 * 2 * 2 * 18 + 10 * (9 + 30) * 12 + 1000
