"""Slices in bins: cut on training events, every finite value in one of them, each as its events alone would give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Told, toy_rows
from tests.evaluate.samples import shifted
from tests.reference import evaluate as reference

import hepsieve as hs
from hepsieve.config import EvaluateConfig, TaskConfig
from hepsieve.errors import ConfigError
from hepsieve.evaluate.results import Evaluation
from hepsieve.evaluate.slices import bin_edges, binned_slices
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig
from hepsieve.prepare import Split
from hepsieve.shapes import quantity
from hepsieve.sliced import require_slices


def test_each_bin_is_what_its_events_alone_give() -> None:
    rng = np.random.default_rng(4)
    sample = shifted(rng, 200, weighted=True)
    energy = rng.gamma(4, size=400)
    energy[:3] = np.nan, np.inf, 2.5
    edges = np.array([2.5, 4.0])
    taken = binned_slices(
        energy, sample.target, sample.weight, {"a": sample.score}, edges=edges, column="e", trained_on={"a": (3.0, 3.5)}
    )
    assert taken.in_bins
    assert [(one.value, one.low, one.high) for one in taken.slices] == [
        (None, None, 2.5),
        (None, 2.5, 4),
        (None, 4, None),
    ]
    assert taken.events_without_value == 2
    assert sum(one.n_signal + one.n_background for one in taken.slices) == 398
    for one, rows in zip(taken.slices, (energy < 2.5, (energy >= 2.5) & (energy < 4), energy >= 4), strict=True):
        rows &= np.isfinite(energy)
        assert one.n_signal + one.n_background == rows.sum()
        expected = reference.auc(*(x[rows].tolist() for x in (sample.target, sample.score, sample.weight)))
        assert one.auc["a"].value == pytest.approx(expected, abs=1e-12)
    # The model learned from 3 and 3.5 only, which both are in the second bin.
    assert [taken.unseen("a", one) for one in taken.slices] == [True, False, True]


@given(st.integers(2, 20), st.integers(0, 2**32 - 1), st.floats(-6, 6))
def test_bins_hold_about_as_many_events_each(bins: int, seed: int, decade: float) -> None:
    values = np.random.default_rng(seed).gamma(9, size=5000) * 10.0**decade
    edges = bin_edges(values, bins)
    assert len(edges) == bins - 1
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=bins)
    # Rounding moves an edge by a twentieth of a typical bin at most; the outermost bins are wide, the middle ones not.
    assert counts.min() > 0.75 * 5000 / bins
    assert counts.max() < 1.3 * 5000 / bins


def test_edges_are_short_numbers() -> None:
    assert bin_edges(np.random.default_rng(0).normal(1.4, 0.2, 10_000), 5).tolist() == [1.23, 1.35, 1.45, 1.57]


def test_no_edge_stands_where_it_would_part_nothing() -> None:
    # Half of the events have the smallest value: 0 can be no edge, for nothing lies below it.
    assert bin_edges(np.array([0.0] * 50 + list(range(1, 51))), 4).tolist() == [25]
    assert bin_edges(np.full(10, 3.0), 5).tolist() == []
    assert bin_edges(np.array([np.nan]), 5).tolist() == []


def clouds(n: int = 600) -> Events:
    features, label = toy_rows(n)
    return Events.from_arrays(features, label, names=("a", "b", "c"))


def stumps(parts: Split) -> Evaluation:
    run = hs.train(hs.AdaBoost(estimators=5), parts)
    return hs.evaluate(run, slice_by="a", slice_bins=3).evaluation


def test_the_test_part_has_no_say_in_the_bins() -> None:
    parts = hs.split(clouds(), seed=1)
    other = hs.split(clouds(), seed=1)
    # The sealed part of the second split is moved far away before anything is opened.
    test = other.test._events
    test.features[:, 0] += 100
    first, second = stumps(parts).slices, stumps(other).slices
    assert first is not None
    assert second is not None
    assert [(one.low, one.high) for one in first.slices] == [(one.low, one.high) for one in second.slices]
    low, middle, _ = second.slices
    assert low.n_signal + low.n_background == middle.n_signal + middle.n_background == 0
    expected = np.quantile(quantity(parts.train, "a"), [1 / 3, 2 / 3])
    assert [one.high for one in first.slices[:2]] == pytest.approx(expected.tolist(), abs=0.05)


def test_many_values_need_bins(hepsieve: Callable[..., Told], toy: Path) -> None:
    command = ("run", toy, "--models", "stumps", "--set", "evaluate.slice_by=a", "--out", toy.parent / "run")
    told = hepsieve(*command)
    assert told.status == 2
    assert "a has 360 distinct values" in told.err
    assert "set evaluate.slice_bins=5 to cut them into bins" in told.err
    assert hepsieve(*command, "--set", "evaluate.slice_bins=4").status == 0
    page = (toy.parent / "run" / "report.html").read_text(encoding="utf-8")
    assert "By a" in page
    assert "the test events had no say in them" in page


def images(n: int = 300) -> Events:
    """Images of one hot crystal each, a little hotter for signal."""
    rng = np.random.default_rng(2)
    target = np.arange(n) % 2
    pixels = np.zeros((n, 8, 8, 1), np.float32)
    pixels[:, 4, 4, 0] = rng.gamma(9, size=n) + 2 * target
    pixels[:, 4, 5, 0] = rng.gamma(2, size=n)
    return Events.from_arrays(pixels, target, names=("energy",), units=("GeV",))


@pytest.mark.parametrize(
    ("column", "hint"),
    [("total enrgy", "did you mean 'total energy'?"), ("energy", "a channel has a value for every pixel")],
)
def test_only_measures_of_a_whole_image_slice_images(column: str, hint: str) -> None:
    config = TaskConfig(task="toy", models={"any": MLPConfig()}, evaluate=EvaluateConfig(slice_by=column, slice_bins=3))
    with pytest.raises(ConfigError, match=f"slice_by: no column '{column}' among total energy, hits, .*; {hint}"):
        require_slices(hs.split(images(), seed=1), config)
