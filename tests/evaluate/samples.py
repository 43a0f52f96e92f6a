"""Samples of scored events for the tests of evaluate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit

from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Scored

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    target: Floats
    score: Floats
    weight: Floats

    def ranked(self) -> Ranked:
        return Ranked.of(self.target, self.score, self.weight)

    def scored(self) -> Scored:
        return Scored(target=self.target, score=self.score, weight=self.weight)

    def lists(self) -> tuple[list[float], list[float], list[float]]:
        return self.target.tolist(), self.score.tolist(), self.weight.tolist()


def shifted(rng: Generator, n: int, *, distance: float = 1.0, weighted: bool = False) -> Sample:
    """n events of each class, unit normals this far apart; the scores are the true signal probabilities."""
    target = np.repeat([0.0, 1.0], n)
    x = rng.normal(size=2 * n) + distance * target
    weight = rng.uniform(0.2, 1.8, size=2 * n) if weighted else np.ones(2 * n)
    return Sample(target, expit(distance * (x - distance / 2)), weight)


@st.composite
def samples(draw: st.DrawFn, *, negative: bool = False) -> Sample:
    """Both classes, many ties (scores on a grid of 1/8), weights that sum to something positive in each class."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(-3 if negative else 0, 8)),
            min_size=2,
            max_size=40,
        )
    )
    # One heavy event of each class keeps both total weights positive.
    rows += [(0, draw(st.integers(0, 8)), 130), (1, draw(st.integers(0, 8)), 130)]
    target, score, weight = np.array(draw(st.permutations(rows)), dtype=np.float64).T
    return Sample(target, score / 8, weight / 4)
