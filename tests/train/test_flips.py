"""Mirrored images: the centre crystal stays where it is, and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hepsieve.models.config import Flip
from hepsieve.train.flips import AXES, applicable, mirror, mirror_array, mirrored_positions


@pytest.mark.parametrize("size", [2, 12, 31, 32])
def test_the_centre_stays_and_everything_else_changes_sides(size: int) -> None:
    places = mirrored_positions(size)
    centre = size // 2
    assert places[centre] == centre
    assert sorted(places) == list(range(size))
    assert np.array_equal(places[places], np.arange(size))
    inside = np.arange(1 - size % 2, size)  # the first row of an even number has no counterpart
    assert np.array_equal(places[inside] - centre, centre - inside)


@pytest.mark.parametrize("flip", ["rows", "columns"])
def test_only_the_chosen_images_are_mirrored(flip: Flip) -> None:
    rng = np.random.default_rng(1)
    images = rng.normal(size=(6, 32, 32, 2)).astype(np.float32)
    chosen = np.array([True, False, True, False, False, True])
    tensor, array = torch.tensor(images), images.copy()
    mirror(tensor, flip, torch.tensor(chosen))
    mirror_array(array, flip, chosen)
    assert np.array_equal(tensor.numpy(), array)
    assert np.array_equal(array[~chosen], images[~chosen])
    # By definition: crystal 16 + k comes from 16 - k, and crystal 0 from itself.
    for image, old in zip(array[chosen], images[chosen], strict=True):
        for i in range(32):
            new, was = (np.take(values, k, axis=AXES[flip] - 1) for values, k in ((image, i), (old, (32 - i) % 32)))
            assert np.array_equal(new, was)
    assert np.array_equal(np.sort(array, axis=None), np.sort(images, axis=None))
    mirror_array(array, flip, chosen)
    assert np.array_equal(array, images)


def test_tables_are_never_mirrored() -> None:
    assert applicable(("columns", "rows"), (32, 32, 1)) == ("rows", "columns")
    assert applicable(("rows",), (32, 32, 1)) == ("rows",)
    assert applicable(("rows", "columns"), (1024,)) == ()
