"""Shower shapes are those of the definition, mirror as showers do, and are found by their names."""

from __future__ import annotations

import numpy as np
import pytest
from tests.reference.shower_shapes import shapes

from hepsieve import spill
from hepsieve.errors import DataError
from hepsieve.events import Events
from hepsieve.shapes import as_table, quantities, quantity, quantity_unit
from hepsieve.shower_shapes import shape_names, shape_units, shower_shapes

CHANNELS = ("energy", "time")


def showers(n: int = 12, *, seed: int = 1, size: tuple[int, int] = (18, 22)) -> Events:
    """A hot crystal anywhere, also at the edge, and sparse deposits around it."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((n, *size, 2))
    pixels[..., 0] = rng.exponential(0.05, (n, *size)) * (rng.random((n, *size)) < 0.15)
    pixels[np.arange(n), rng.integers(0, size[0], n), rng.integers(0, size[1], n), 0] = 1.0
    pixels[..., 1] = rng.normal(2, 1, (n, *size))
    events = Events.from_arrays(pixels, np.arange(n) % 2, names=CHANNELS, units=("50 GeV", "ns"))
    return events.replace(spectators=np.arange(float(n))[:, np.newaxis], spectator_names=("eta",))


def test_shapes_are_those_of_the_definition() -> None:
    events = showers()
    table = shower_shapes(events.features, CHANNELS)
    for image, row in zip(events.features, table, strict=True):
        expected = shapes(image[..., 0], image[..., 1])
        assert tuple(expected) == shape_names(CHANNELS)
        np.testing.assert_allclose(row, list(expected.values()), rtol=1e-5, atol=1e-6)


def test_an_image_without_energy_has_zeros_and_its_neighbours_do_not_change() -> None:
    events = showers(5)
    features = events.features.copy()
    features[2, ..., 0] = 0
    table, before = shower_shapes(features, CHANNELS), shower_shapes(events.features, CHANNELS)
    assert (table[2] == 0).all()
    np.testing.assert_array_equal(np.delete(table, 2, axis=0), np.delete(before, 2, axis=0))


@pytest.mark.parametrize(("axis", "turned"), [(1, ["row offset"]), (2, ["column offset", "column skewness", "side"])])
def test_a_mirrored_shower_has_the_mirrored_shapes(axis: int, turned: list[str]) -> None:
    events = showers()
    sign = np.array([-1.0 if name in turned else 1.0 for name in shape_names(CHANNELS)])
    mirrored = shower_shapes(np.flip(events.features, axis), CHANNELS)
    np.testing.assert_allclose(mirrored, sign * shower_shapes(events.features, CHANNELS), rtol=1e-5, atol=1e-6)


def test_quantities_are_found_by_their_names() -> None:
    events = showers()
    names = shape_names(CHANNELS)
    assert quantities(events) == (*names, "eta")
    table = as_table(events)
    assert table.names == names
    assert table.units == shape_units(CHANNELS, events.units)
    for k, name in enumerate(names):
        np.testing.assert_array_equal(quantity(events, name), table.features[:, k])
        np.testing.assert_array_equal(quantity(table, name), table.features[:, k])
        assert quantity_unit(events, name) == quantity_unit(table, name) == table.units[k]
    np.testing.assert_array_equal(quantity(events, "eta"), np.arange(12.0))
    units = {name: quantity_unit(events, name) for name in quantities(events)}
    assert (units["e9"], units["row width"], units["time spread"]) == ("50 GeV", "crystals", "ns")
    assert {units[name] for name in ("hits", "e1/e9", "side", "column skewness", "eta")} == {""}
    with pytest.raises(DataError, match="no spectator 'energy'; there are eta"):
        quantity(events, "energy")


def test_images_without_an_energy_channel_have_no_shapes() -> None:
    events = showers().replace(names=("x", "time"))
    assert quantities(events) == ("eta",)
    table = as_table(events)
    assert (table.features.shape, table.names, table.units) == ((12, 0), (), ())


def test_many_images_are_measured_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    events = showers(700, size=(4, 4))
    whole = quantity(events, "e9")
    monkeypatch.setattr("hepsieve.shapes._MANY_ROWS", 300)
    monkeypatch.setattr(spill, "LARGE", 100)
    np.testing.assert_array_equal(quantity(events, "e9"), whole)
    np.testing.assert_array_equal(as_table(events).features[:, shape_names(CHANNELS).index("e9")], whole)
