"""What is said about a sample of images, against the shower shapes of all of them at once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.audit.showers import SIZE, emptied, showers, with_images

from hepsieve.audit import image_description
from hepsieve.audit.description import Description, describe
from hepsieve.audit.image_description import ImageDescription
from hepsieve.events import Events
from hepsieve.shower_shapes import shape_names, shower_shapes

CLASSES = ("photon", "electron")


def described(events: Events) -> Description:
    return describe(events, classes=CLASSES, correlated=0.96)


def images_of(events: Events) -> ImageDescription:
    found = described(events).images
    assert found is not None
    return found


@pytest.mark.parametrize("at_once", [4096, 64])
def test_shapes_are_those_of_the_images_with_energy(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_description, "_IMAGES", at_once)
    events = emptied(showers(), [3, 100, 101])
    result = images_of(events)
    assert [shape.name for shape in result.shapes] == list(shape_names(events.names))
    assert [shape.unit for shape in result.shapes[:3]] == ["50 GeV", "", ""]
    kept = np.delete(np.arange(600), [3, 100, 101])
    table = shower_shapes(events.features[kept], events.names).astype(np.float64)
    for k, shape in enumerate(result.shapes):
        for spread, density, label in zip((shape.background, shape.signal), shape.density, (0, 1), strict=True):
            values = table[events.target[kept] == label, k]
            assert spread.count == len(values)
            assert spread.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-9)
            assert spread.std == pytest.approx(values.std(ddof=1), rel=1e-9)
            quartiles = (spread.min, spread.q25, spread.median, spread.q75, spread.max)
            near = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
            # Each end of an interpolated quartile is right to 2^-9 of itself.
            assert quartiles == pytest.approx(near, rel=2**-8, abs=2**-9 * np.abs(values).max())
            assert 0.98 < float(np.dot(density, np.diff(shape.edges))) <= 1 + 1e-9


def test_integers_get_bins_that_hold_equally_many_of_them() -> None:
    hits = next(shape for shape in images_of(showers()).shapes if shape.name == "hits")
    edges = np.array(hits.edges)
    width = np.diff(edges)
    assert width[0] == np.rint(width[0]) >= 1
    assert (width == width[0]).all()
    np.testing.assert_array_equal(edges - 0.5, np.rint(edges - 0.5))
    assert len(width) <= 41


def test_occupancy_centre_and_empty_images_are_counted() -> None:
    events = emptied(showers(), [3, 100, 101])
    images = events.features.copy()
    images[[7, 8]] = np.roll(images[[7, 8]], 1, axis=2)
    events = with_images(events, images)
    result = images_of(events)
    signal = events.target == 1
    assert (result.rows, result.columns, result.complete) == (SIZE, SIZE, 600)
    assert result.empty == (int(3 - signal[[3, 100, 101]].sum()), int(signal[[3, 100, 101]].sum()))
    assert (result.centre, sum(result.centred)) == ((8, 8), 595)
    for share, rows in zip(result.occupancy, (~signal, signal), strict=True):
        np.testing.assert_allclose(share, (images[rows, ..., 0] > 0).mean(axis=0), atol=1e-6)
    energy, time = result.channels
    assert (energy.name, energy.unit, energy.min, energy.max) == ("energy", "50 GeV", 0, images[..., 0].max())
    assert (time.missing, time.infinite, time.min) == (0, 0, images[..., 1].min())


def test_values_that_are_not_finite_are_counted_and_leave_their_images_out() -> None:
    events = showers()
    images = events.features.copy()
    images[10, 0, 0, 0] = images[10, 0, 1, 0] = images[11, 2, 2, 1] = np.nan
    images[12, 5, 5, 1] = -np.inf
    result = described(with_images(events, images))
    assert result.images is not None
    energy, time = result.images.channels
    assert (energy.missing, energy.infinite, time.missing, time.infinite) == (2, 0, 1, 1)
    assert energy.missing_by_class[int(events.target[10])] == 2
    assert (result.complete, result.images.complete) == (597, 597)
    total = result.images.shapes[0]
    assert total.background.count + total.signal.count == 597
    assert None not in (energy.min, energy.max, time.min, time.max)


def test_images_of_neither_class_are_left_out() -> None:
    events = emptied(showers(), [0, 1])
    target = events.target.copy()
    target[:10] = 2
    result = described(events.replace(target=target))
    assert result.unlabelled == 10
    assert result.images is not None
    assert (result.images.empty, result.images.complete, sum(result.images.centred)) == ((0, 0), 590, 590)
    assert sum(s.count for s in (result.images.shapes[0].background, result.images.shapes[0].signal)) == 590


def test_the_text_is_valid_json_and_comes_back_equal() -> None:
    events = showers(60)
    images = events.features.copy()
    images[:, :, :, 1] = np.nan
    for one in (showers(60), with_images(events, images), emptied(events, slice(None)), events[:0]):
        result = described(one)
        text = result.to_json()
        json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
        assert Description.from_json(text) == result


def test_a_description_without_images_is_read_as_before() -> None:
    table = described(Events.from_arrays(np.arange(12.0).reshape(6, 2), np.arange(6) % 2))
    content = json.loads(table.to_json())
    del content["images"]
    assert Description.from_json(json.dumps(content)) == table
    assert table.images is None


def test_without_energy_there_are_no_shapes_and_without_images_no_centre() -> None:
    plain = images_of(showers(60).replace(names=("red", "green")))
    assert (plain.shapes, plain.centre, plain.centred) == ((), None, (0, 0))
    nothing = images_of(emptied(showers(60), slice(None)))
    assert (nothing.empty, nothing.centre) == ((30, 30), None)
    assert (nothing.shapes[0].signal.count, nothing.shapes[0].signal.median) == (0, None)
