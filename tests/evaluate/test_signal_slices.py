"""Slices of signal beside all background: each is what those events alone give, and a sentence says from where on."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.samples import Sample, shifted
from tests.reference import evaluate as reference

from hepsieve.evaluate.intervals import share_of
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.results import Quantity, Slice, Slices, WorkingPoint
from hepsieve.evaluate.signal_slices import signal_slices, tightest, told_from

NOTHING = Quantity(value=None, low=None, high=None)
EDGES = np.array([0.2, 0.5])


def point(threshold: float, name: str = "background_efficiency@0.01") -> WorkingPoint:
    return WorkingPoint(
        name=name,
        wanted="1 % background efficiency",
        threshold=threshold,
        signal_efficiency=NOTHING,
        background_efficiency=NOTHING,
        background_rejection=NOTHING,
    )


def separated(n: int = 150) -> tuple[Floats, Sample]:
    """A separation, which background has none of, and scores."""
    rng = np.random.default_rng(3)
    sample = shifted(rng, n, weighted=True)
    return np.where(sample.target == 1, rng.uniform(size=2 * n), np.nan), sample


def sliced(kept: list[tuple[float, float]], *, values: bool = False) -> Slices:
    """Slices with these efficiencies and lower ends."""
    return Slices(
        column="d",
        unit="mm",
        of="signal",
        slices=tuple(
            Slice(
                value=k if values else None,
                low=None if values or not k else k / 4,
                n_signal=20,
                n_background=40,
                auc={},
                efficiencies={"net": {"background_efficiency@0.01": Quantity(value=share, low=low, high=1)}},
            )
            for k, (share, low) in enumerate(kept)
        ),
    )


def test_each_bin_of_signal_stands_beside_all_background() -> None:
    d, sample = separated()
    d[np.flatnonzero(sample.target == 1)[:3]] = np.nan
    points = {"a": (point(0.6), point(0.8, "mine"))}
    arrays = (sample.target, sample.weight)
    found = signal_slices(d, *arrays, {"a": sample.score, "b": sample.score}, points=points, edges=EDGES, column="d")
    assert (found.of, found.in_bins, found.events_without_value) == ("signal", True, 3)
    assert [(one.low, one.high) for one in found.slices] == [(None, 0.2), (0.2, 0.5), (0.5, None)]
    for one, inside in zip(found.slices, (d < 0.2, (d >= 0.2) & (d < 0.5), d >= 0.5), strict=True):
        rows = inside | (sample.target == 0)
        assert (one.n_signal, one.n_background) == (int(inside.sum()), 150)
        lists = [x[rows].tolist() for x in (sample.target, sample.score, sample.weight)]
        assert one.auc["a"].value == pytest.approx(reference.auc(lists[0], lists[1], lists[2]), abs=1e-12)
        assert set(one.efficiencies) == {"a"}
        for name, threshold in (("background_efficiency@0.01", 0.6), ("mine", 0.8)):
            kept = one.efficiencies["a"][name]
            expected = reference.efficiency(lists[0], lists[1], lists[2], 1, threshold)
            assert kept.value == pytest.approx(expected, abs=1e-12)
            assert kept == share_of(sample.weight[inside], sample.score[inside] >= threshold)


def test_background_has_no_part_in_the_column() -> None:
    d, sample = separated()
    arguments = (sample.target, sample.weight, {"a": sample.score})
    plain = signal_slices(d, *arguments, points={"a": (point(0.6),)}, edges=EDGES, column="d")
    filled = np.where(sample.target == 1, d, 0.3)
    assert signal_slices(filled, *arguments, points={"a": (point(0.6),)}, edges=EDGES, column="d") == plain


def test_single_values_make_slices_too() -> None:
    d, sample = separated()
    rounded = np.where(d > 0.5, 2.0, 1.0)
    found = signal_slices(rounded, sample.target, sample.weight, {"a": sample.score}, points={}, column="pulses")
    assert [one.value for one in found.slices] == [1, 2]
    assert [one.n_signal for one in found.slices] == [
        int(((sample.target == 1) & (rounded == v)).sum()) for v in (1, 2)
    ]
    assert found.slices[0].efficiencies == {}


def test_few_events_have_an_efficiency_and_no_auc() -> None:
    target = np.repeat([0.0, 1.0], [20, 9])
    d = np.concatenate([np.full(20, np.nan), np.full(9, 0.1)])
    found = signal_slices(
        d, target, np.ones(29), {"a": np.linspace(0, 1, 29)}, points={"a": (point(0.9),)}, edges=EDGES, column="d"
    )
    assert [one.auc["a"] for one in found.slices] == [NOTHING] * 3
    kept = found.slices[0].efficiencies["a"]["background_efficiency@0.01"]
    # Scores of 26/28 and above, three of nine, pass 0.9.
    assert kept.value == pytest.approx(3 / 9)
    assert found.slices[1].efficiencies["a"]["background_efficiency@0.01"] == NOTHING


@pytest.mark.parametrize(
    ("kept", "end"),
    [
        ([(0.1, 0.0), (0.6, 0.4), (0.8, 0.6), (0.9, 0.8)], "from d = 0.5 mm on (lower ends of 95 % intervals)."),
        # A slice in between whose lower end lies below a half breaks the chain.
        ([(0.8, 0.6), (0.6, 0.4), (0.8, 0.6), (0.9, 0.8)], "from d = 0.5 mm on (lower ends of 95 % intervals)."),
        ([(0.8, 0.6), (0.9, 0.8)], "in every slice of d (lower ends of 95 % intervals)."),
        ([(0.8, 0.6), (0.6, 0.5)], "for certain (95 %) at no d from which on it always does."),
    ],
)
def test_a_sentence_says_from_where_on(kept: list[tuple[float, float]], end: str) -> None:
    told = told_from(sliced(kept), "net", point(0.9))
    assert told == f"At 1 % background efficiency net keeps more than half of the signal {end}"


@pytest.mark.parametrize("empty", [0, 1, 3])
def test_slices_without_signal_are_passed_over(empty: int) -> None:
    found = sliced([(0.1, 0.0), (0.6, 0.4), (0.8, 0.6), (0.9, 0.8)])
    slices = list(found.slices)
    nothing = {"net": {"background_efficiency@0.01": NOTHING}}
    slices[empty] = slices[empty].model_copy(update={"n_signal": 0, "efficiencies": nothing})
    told = told_from(found.model_copy(update={"slices": tuple(slices)}), "net", point(0.9))
    assert told.endswith("from d = 0.5 mm on (lower ends of 95 % intervals).")


def test_the_sentence_names_a_value_where_slices_are_values() -> None:
    told = told_from(sliced([(0.1, 0.0), (0.9, 0.8)], values=True), "net", point(0.9))
    assert "from d = 1 mm on" in told
    assert "at no d" in told_from(sliced([(0.9, 0.8)]), "unknown", point(0.9))


def test_the_tightest_point_is_at_the_least_background() -> None:
    points = (point(0.5, "background_efficiency@0.10"), point(0.9))
    assert tightest(points, (0.1, 0.01)) == points[1]
    assert tightest(points, (0.1,)) == points[0]
    assert tightest(points, ()) is None


def test_older_evaluations_of_slices_still_load() -> None:
    old = '{"column": "mass", "unit": "GeV", "slices": [{"value": 5, "n_signal": 1, "n_background": 2, "auc": {}}]}'
    loaded = Slices.model_validate_json(old)
    assert (loaded.of, loaded.says, loaded.slices[0].efficiencies) == ("events", "", {})
