"""The figure of the benchmark hnl-99, on scores whose count of background is known by hand."""

from __future__ import annotations

import numpy as np
from bench.hnl_99 import combined, judged

from hepsieve.config import load_task
from hepsieve.events import Events, Origin


def _events(signal: int, background: int) -> Events:
    target = np.repeat([1, 0], [signal, background]).astype(np.float32)
    features = np.arange(signal + background, dtype=np.float32)[:, None]
    return Events(
        features=features,
        target=target,
        weight=np.ones_like(target),
        names=("x",),
        units=("",),
        origin=Origin(kind="real"),
    )


def test_background_behind_the_cut_is_counted() -> None:
    # 99 % of 200 signal events are kept at a cut of 0.01: the two lowest, at 0 and 0.005, fall away. Three background
    # events stand at 0.5, the others at 0.0099.
    score = np.concatenate([np.arange(200) / 200, np.full(3, 0.5), np.full(97, 0.0099)])
    auc, kept, share, interval, wide = judged(_events(200, 100), score)
    assert (kept, share) == (3, "3.00%")
    # scipy.stats.beta.ppf(0.025, 3, 98) and ppf(0.975, 4, 97)
    assert interval == "0.62% to 8.52%"
    low, high = (float(end.strip("%")) for end in str(wide).split(" to "))
    assert low <= 0.62
    assert high >= 8.52
    # Pairs in order: 198 signal events are above each of the 97, and 99 above each of the three, with one tie.
    assert auc == round((97 * 198 + 3 * 99.5) / (200 * 100), 5)


def test_the_ensemble_takes_the_model_that_is_right() -> None:
    events = _events(60, 60)
    right = np.where(events.target == 1, 0.9, 0.1)
    wrong = 1 - right
    found = combined({"wrong": wrong, "right": right}, events, load_task("hnl"), seed=1)
    np.testing.assert_allclose(found, right, atol=1e-12)
