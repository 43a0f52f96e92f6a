"""Events like those of HEPMASS to train a network on: 28 standardised features, separable to an AUC of about 0.9."""

from __future__ import annotations

import numpy as np

from hepsieve.train import Part

FEATURES = 28


def events(n: int, *, seed: int) -> Part:
    """So many events of both classes with weight 1; the odds of signal depend on sums and products of features."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n, FEATURES), dtype=np.float32)
    x = inputs.T
    logit = 1.6 * (x[0] + x[1] - x[2]) + 1.2 * x[3] * x[4] + np.abs(x[5] * x[6]) - np.abs(x[7]) + np.sin(2 * x[8])
    target = rng.random(n) < 1 / (1 + np.exp(-logit))
    return Part(inputs=inputs, target=target.astype(np.float32), weight=np.ones(n, np.float32))
