"""Toys with a known optimum, and short ways to train on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from hepsieve.train.trained import Part

SHIFT = 1.5
NOISE = 0.03


@pytest.fixture
def toy() -> Callable[..., Part]:
    """Two unit Gaussians in q dimensions, ``SHIFT`` apart along the diagonal."""

    def draw(n: int, *, seed: int, q: int = 3) -> Part:
        random = np.random.default_rng(seed)
        target = random.integers(0, 2, n).astype(np.float32)
        inputs = random.normal(size=(n, q)) + target[:, np.newaxis] * SHIFT / np.sqrt(q)
        return Part(inputs=inputs.astype(np.float32), target=target, weight=np.ones(n, np.float32))

    return draw


@pytest.fixture
def best_auc() -> float:
    """The AUC of the likelihood ratio between two unit Gaussians d apart: Phi(d / sqrt 2)."""
    return float(norm.cdf(SHIFT / np.sqrt(2)))


@pytest.fixture
def showers() -> Callable[..., Part]:
    """Images of 12 × 12 crystals: signal is spread wider along the columns than background."""

    def draw(n: int, *, seed: int) -> Part:
        random = np.random.default_rng(seed)
        target = random.integers(0, 2, n).astype(np.float32)
        rows, columns = np.mgrid[:12, :12] - 6
        width = np.where(target == 1, 1.6, 1.1)[:, np.newaxis, np.newaxis]
        energy = random.exponential(size=(n, 12, 12)) * np.exp(-(rows**2 + (columns / width) ** 2) / 4)
        images = np.where(energy > 0.3, energy, 0)[..., np.newaxis]
        return Part(inputs=images.astype(np.float32), target=target, weight=np.ones(n, np.float32))

    return draw


@pytest.fixture
def line() -> Callable[..., Part]:
    """Numbers that depend linearly on three inputs, with normal noise of ``NOISE``, twice as much with ``uneven``
    where the first input is above 0."""

    def draw(n: int, *, seed: int, uneven: bool = False) -> Part:
        random = np.random.default_rng(seed)
        inputs = random.uniform(-1, 1, (n, 3))
        width = np.where(inputs[:, 0] > 0, 2 * NOISE, NOISE) if uneven else NOISE
        target = 0.5 + 0.15 * inputs[:, 0] - 0.1 * inputs[:, 1] + random.normal(0, width, n)
        return Part(
            inputs=inputs.astype(np.float32),
            target=np.clip(target, 0, 1).astype(np.float32),
            weight=np.ones(n, np.float32),
            kind="regression",
        )

    return draw


@pytest.fixture
def pulses() -> Callable[..., Part]:
    """Waveforms of 200 samples with two pulses; the target is their separation, 0 to 100 samples."""

    def draw(n: int, *, seed: int) -> Part:
        random = np.random.default_rng(seed)
        separation, first = random.uniform(0, 1, n), random.uniform(30, 60, n)
        time = np.arange(200)
        light = sum(
            np.exp(-(((time - centre[:, np.newaxis]) / 8) ** 2) / 2) for centre in (first, first + 100 * separation)
        )
        waveforms = (light + random.normal(0, 0.05, (n, 200)))[..., np.newaxis]
        return Part(
            inputs=waveforms.astype(np.float32),
            target=separation.astype(np.float32),
            weight=np.ones(n, np.float32),
            kind="regression",
        )

    return draw
