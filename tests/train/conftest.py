"""Toys with a known optimum, and short ways to train on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from hepsieve.train.trained import Part

SHIFT = 1.5


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
