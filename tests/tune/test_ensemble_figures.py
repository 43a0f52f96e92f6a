"""How long scoring and selecting will take, by what it took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from hepsieve.events import Events, IntArray, Origin
from hepsieve.models.config import TreesConfig
from hepsieve.prepare import Split, split
from hepsieve.train.run import Fitted
from hepsieve.tune.ensemble_figures import Selecting


@dataclass(frozen=True, kw_only=True, eq=False)
class Random(Fitted):
    """A model whose scores are drawn."""

    def held_out_scores(self, events: Events, fold: IntArray | None) -> NDArray[np.float64]:
        return np.random.default_rng(len(self.name)).uniform(size=len(events))


@pytest.fixture
def parts() -> Split:
    rng = np.random.default_rng(3)
    events = Events(
        features=rng.normal(size=(500, 1)).astype(np.float32),
        target=rng.integers(0, 2, 500).astype(np.float32),
        weight=np.ones(500, np.float32),
        names=("a",),
        units=("",),
        group=None,
        origin=Origin(kind="real", sources=("toy.csv",), fingerprint="0" * 64, details={}),
    )
    return split(events, seed=1)


def test_what_scoring_and_selecting_will_take_is_told_by_what_it_took(parts: Split) -> None:
    # Each model: when scoring begins, when it is over, and when its figure was taken. The first one loads a library.
    times = iter([0.0, 50.0, 60.0, 100.0, 102.0, 102.01, 200.0, 203.0, 203.01])
    selecting = Selecting(parts, by="auc", steps=9, seed=1, clock=lambda: next(times))
    for name in ("a", "bb", "ccc"):
        selecting.add(Random(name=name, config=TreesConfig(), members=()))
    # A figure of 100 events takes 0.01 s. Each of 10 figures for each model is taken on all of them, and three times on
    # two thirds: 0.3 s a model. Scoring a model takes up to 3 s. All with a margin of 0.3.
    assert selecting.seconds(more=0) == pytest.approx(1.3 * 3 * 0.3)
    assert selecting.seconds(more=2) == pytest.approx(1.3 * (5 * 0.3 + 2 * 3))


def test_before_anything_was_scored_a_selection_is_expected_to_be_short(parts: Split) -> None:
    assert 0 < Selecting(parts, by="auc", steps=40, seed=1).seconds(more=2) < 0.1
