"""What is counted in images, against definitions that loop over pixels, whatever blocks the images come in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.audit.showers import emptied, showers, with_images
from tests.reference import images as reference

from hepsieve import spill
from hepsieve.audit.identical import event_keys, row_keys, shared_rows
from hepsieve.audit.survey import empty_images, survey
from hepsieve.events import Events
from hepsieve.prepare import split
from hepsieve.prepare.assign import units

VALUES = st.sampled_from([0.0, -0.0, 0.5, 2.0, -1.0, np.nan, np.inf, -np.inf])


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float32, (5, 3, 4, 2), elements=VALUES), arrays(np.float32, 5, elements=st.sampled_from([0.0, 1.0, 2.0]))
)
def test_a_survey_agrees_with_its_definitions(images: np.ndarray, target: np.ndarray) -> None:
    names = ("time", "energy")
    seen = survey(Events.from_arrays(images, target, names=names))
    assert seen.empty.tolist() == [reference.is_empty(image, 1) for image in images]
    places = [reference.hottest(image, 1) for image in images]
    assert seen.lit.tolist() == [place is not None for place in places]
    assert [int(p) for p, lit in zip(seen.hottest, seen.lit, strict=True) if lit] == [
        p for p in places if p is not None
    ]
    assert seen.hits.tolist() == [reference.hits(images[target == label], 1) for label in (0, 1)]
    assert seen.complete.tolist() == np.isfinite(images).all(axis=(1, 2, 3)).tolist()
    assert (seen.negative[1], seen.timeless[1]) == reference.odd_pixels(images, 1, 0)
    assert seen.counts.tolist() == [(target == label).sum() for label in (0, 1)]
    finite = np.where(np.isfinite(images), images, np.nan)
    for k in (0, 1):
        known = finite[..., k][~np.isnan(finite[..., k])]
        assert (np.isnan(seen.low[k]) and len(known) == 0) or (seen.low[k], seen.high[k]) == (known.min(), known.max())
    labelled = images[target < 2]
    assert seen.missing.sum(axis=0).tolist() == np.isnan(labelled).sum(axis=(0, 1, 2)).tolist()
    assert seen.infinite.sum(axis=0).tolist() == np.isinf(labelled).sum(axis=(0, 1, 2)).tolist()


def test_blocks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    events = emptied(showers(300), [5, 250])
    once = survey(events)
    monkeypatch.setattr(spill, "_BLOCK", 7 * events.features[0].nbytes)
    again = survey(events)
    for name in ("signal", "empty", "hottest", "lit", "complete", "hits", "low", "high"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
    assert np.flatnonzero(empty_images(events)).tolist() == [5, 250]


def test_tables_have_no_empty_images() -> None:
    assert not empty_images(Events.from_arrays(np.zeros((3, 2)), np.zeros(3))).any()


def test_blank_images_have_keys_of_their_own_in_every_sample() -> None:
    images = emptied(showers(60), slice(0, 40)).features
    keys = event_keys(images)
    assert len(np.unique(keys)) == 60
    assert len(np.unique(row_keys(images))) == 21
    np.testing.assert_array_equal(keys[40:], row_keys(images)[40:])
    assert shared_rows(keys, event_keys(images, sample=1)).tolist() == list(range(40, 60))
    table = np.zeros((4, 3), np.float32)
    np.testing.assert_array_equal(event_keys(table), row_keys(table))


def test_a_split_divides_empty_images_by_chance_and_keeps_identical_ones_together() -> None:
    events = emptied(showers(500), slice(0, 200))
    images = events.features.copy()
    images[300:310] = images[310]
    events = with_images(events, images)
    parts = split(events, validation=0.2, test=0.2, seed=3)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (300, 100, 100)
    in_test = np.isin(np.arange(500), parts.test_rows)
    # 40 of 200 are expected, with a standard deviation of at most 6.
    assert 20 <= in_test[:200].sum() <= 60
    assert len(set(in_test[300:311].tolist())) == 1
    assert len(units(events).sizes) == 490
