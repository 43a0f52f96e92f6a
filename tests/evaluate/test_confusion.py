from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import binom
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from tests.evaluate.samples import Sample, samples, shifted
from tests.reference import evaluate as reference

import hepsieve as hs
from hepsieve.errors import DataError
from hepsieve.evaluate.confusion import confusion, confusion_figures
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import Quantity

CLASSES = ("background", "signal")


def test_a_matrix_by_hand() -> None:
    figures = confusion_figures([[301564, 48348], [33471, 316617]], CLASSES)
    background, signal = figures.per_class
    # (301564 + 316617) / 700000; 2 · 316617 / (2 · 316617 + 48348 + 33471).
    assert figures.accuracy.value == pytest.approx(618181 / 700000)
    assert signal.f1.value == pytest.approx(633234 / 715053)
    assert (round(figures.accuracy.value or 0, 4), round(signal.f1.value or 0, 4)) == (0.8831, 0.8856)
    assert signal.precision.value == pytest.approx(316617 / 364965)
    assert signal.recall.value == pytest.approx(316617 / 350088)
    assert background.recall.value == pytest.approx(301564 / 349912)
    assert (background.name, background.events, signal.name, signal.events) == ("background", 349912, "signal", 350088)
    # 1.96 √(0.8831 · 0.1169 / 700000) = 0.00075.
    assert figures.accuracy.low == pytest.approx(0.8831157 - 0.00075, abs=1e-5)
    assert figures.accuracy.high == pytest.approx(0.8831157 + 0.00075, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(samples(negative=True))
def test_the_matrix_agrees_with_the_definition(sample: Sample) -> None:
    matrix, figures = confusion(sample.ranked(), CLASSES)
    counts = np.array(reference.confusion(*sample.lists()))
    np.testing.assert_allclose(matrix.counts, counts, atol=1e-12)
    assert figures.accuracy.value == pytest.approx(np.trace(counts) / counts.sum(), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(samples())
def test_scikit_learn_agrees_for_positive_weights(sample: Sample) -> None:
    weight, called = sample.weight + 0.25, sample.score >= 0.5
    _, figures = confusion(Ranked.of(sample.target, sample.score, weight), CLASSES)
    expected = precision_recall_fscore_support(sample.target, called, sample_weight=weight, zero_division=np.nan)
    for c, one in enumerate(figures.per_class):
        for quantity, value in zip((one.precision, one.recall, one.f1), expected[:3], strict=False):
            found = np.nan if quantity.value is None else quantity.value
            assert found == pytest.approx(value[c], abs=1e-12, nan_ok=True)
    assert figures.accuracy.value == pytest.approx(accuracy_score(sample.target, called, sample_weight=weight))


def test_scaled_weights_change_nothing() -> None:
    sample = shifted(np.random.default_rng(1), 300, weighted=True)
    scaled = Ranked.of(sample.target, sample.score, 1000 * sample.weight)
    one, other = (confusion(ranked, CLASSES)[1] for ranked in (sample.ranked(), scaled))
    for first, second in ((one.accuracy, other.accuracy), (one.per_class[1].f1, other.per_class[1].f1)):
        assert (first.value, first.low, first.high) == pytest.approx((second.value, second.low, second.high))


def test_f1_intervals_cover() -> None:
    rng = np.random.default_rng(4)
    large = confusion(shifted(np.random.default_rng(0), 400_000).ranked(), CLASSES)[1]
    truth = large.per_class[1].f1.value
    assert truth is not None
    toys, inside = 300, 0
    for _ in range(toys):
        f1 = confusion(shifted(rng, 60).ranked(), CLASSES)[1].per_class[1].f1
        inside += f1.low is not None and f1.high is not None and f1.low <= truth <= f1.high
    # False alarm 1e-3 at a coverage of exactly 95 %.
    assert inside >= binom.ppf(1e-3, toys, 0.95)


def test_nothing_of_a_class_leaves_its_figures_undefined() -> None:
    figures = confusion_figures([[5, 0], [0, 0]], CLASSES)
    undefined = Quantity(value=None, low=None, high=None)
    signal = figures.per_class[1]
    assert (signal.precision, signal.recall, signal.f1) == (undefined, undefined, undefined)
    assert (figures.accuracy.value, figures.accuracy.high) == (1, 1)
    assert figures.accuracy.low == pytest.approx(0.025**0.2)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([[1, 2]], "give two rows"),
        ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], "give two rows"),
        ([[1, 2], [3]], "give two rows"),
        ([[1, float("nan")], [2, 3]], "finite"),
        ([[1, float("inf")], [2, 3]], "finite"),
        ([[1, -2], [3, 4]], "-2 is no number of events"),
        ([["a", "b"], ["c", "d"]], "give two rows"),
    ],
)
def test_a_bad_matrix_is_refused_in_one_line(counts: list[list[float]], said: str) -> None:
    with pytest.raises(DataError, match=said) as refused:
        confusion_figures(counts, CLASSES)
    assert "\n" not in str(refused.value)


def test_classes_are_the_right_way_round() -> None:
    matrix = np.array([[301564, 48348], [33471, 316617]])
    ours = confusion_figures(matrix.tolist()).per_class[1]
    assert ours.name == "signal"
    # 316617 of the 364965 that are called signal are signal; 316617 of the 350088 that are signal are called so.
    assert (round(ours.precision.value or 0, 4), round(ours.recall.value or 0, 4)) == (0.8675, 0.9044)
    # Truth in the columns would swap these two, and neither accuracy nor F1 would tell.
    swapped_axes = confusion_figures(matrix.T.tolist())
    assert swapped_axes.accuracy.value == pytest.approx(618181 / 700000)
    theirs = swapped_axes.per_class[1]
    assert (theirs.precision.value, theirs.recall.value) == pytest.approx((316617 / 350088, 316617 / 364965))
    assert theirs.f1.value == pytest.approx(ours.f1.value)
    # Background called "Yes" would give its F1 for the signal's: 2 · 301564 / (2 · 301564 + 33471 + 48348) = 0.8805.
    swapped_classes = confusion_figures(matrix[::-1, ::-1].tolist()).per_class[1]
    assert round(swapped_classes.f1.value or 0, 4) == 0.8805


def test_the_figures_print_as_a_table() -> None:
    figures = hs.confusion_figures([[301564, 48348], [33471, 316617]], classes=("SM", "Z'"))
    lines = [line.split() for line in repr(figures).splitlines()]
    assert lines[0] == ["precision", "recall", "F1", "events"]
    assert (lines[1][0], lines[2][0], lines[2][5], lines[2][-1]) == ("SM", "Z'", "0.8856", "350088")
    assert lines[3] == ["accuracy", "0.8831", "(0.8824–0.8839)"]
    nothing = confusion_figures([[5, 0], [0, 0]], CLASSES)
    assert repr(nothing).splitlines()[2].split() == ["signal", "–", "–", "–", "0"]
