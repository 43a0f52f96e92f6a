"""Symmetric copies: physics stays, the set of copies is the same for an event and its images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.collisions import ANGLES, NAMES, OBJECTS, collisions, invariants

from hepsieve.models.config import Flip
from hepsieve.models.learner import Symmetry
from hepsieve.prepare.copies import COPIES, MirroredImages, TurnedTables, turned
from hepsieve.prepare.mirrored import mirrored

EVENTS = collisions(60).features
ALL: tuple[Symmetry, ...] = ("rotation", "reflection", "mirror")


@given(st.floats(-3, 3), st.booleans(), st.booleans())
def test_masses_and_momenta_stay_and_angles_move(angle: float, reflected: bool, mirrored: bool) -> None:
    copy = turned(EVENTS, NAMES, OBJECTS, reflected=reflected, mirrored=mirrored, angle=angle)
    np.testing.assert_allclose(invariants(copy), invariants(EVENTS), rtol=2e-4, atol=2e-3)
    columns, before = (dict(zip(NAMES, values.T.astype(np.float64), strict=True)) for values in (copy, EVENTS))
    for one in OBJECTS.values():
        old, new = (one.azimuth(each[one.phi]) for each in (before, columns))
        expected = (-old if mirrored else old) + 2 * np.pi * angle
        np.testing.assert_allclose(np.exp(1j * new), np.exp(1j * expected), atol=1e-5)
        assert np.abs(new).max() < np.pi + 1e-5
        if one.eta is not None:
            eta = {
                name: each[one.eta] * one.scale.eta + one.offset.eta for name, each in (("a", before), ("b", columns))
            }
            np.testing.assert_allclose(eta["b"], -eta["a"] if reflected else eta["a"], atol=1e-6)


def test_every_event_has_a_turn_of_its_own() -> None:
    n = len(EVENTS)
    rng = np.random.default_rng(3)
    drawn: dict[str, Any] = {"reflected": rng.random(n) < 0.5, "mirrored": rng.random(n) < 0.5, "angle": rng.random(n)}
    copy = turned(EVENTS, NAMES, OBJECTS, **drawn)
    for k in range(n):
        alone = turned(EVENTS[k : k + 1], NAMES, OBJECTS, **{key: value[k] for key, value in drawn.items()})
        np.testing.assert_array_equal(copy[k], alone[0])


def test_columns_that_are_not_there_are_not_asked_for() -> None:
    some = ("l_phi", "m", "j_eta")
    columns = [NAMES.index(name) for name in some]
    whole = turned(EVENTS, NAMES, OBJECTS, reflected=True, angle=0.2)
    np.testing.assert_array_equal(
        turned(EVENTS[:, columns], some, OBJECTS, reflected=True, angle=0.2), whole[:, columns]
    )
    np.testing.assert_array_equal(EVENTS, collisions(60).features)  # the argument is not changed


def score(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of no symmetry at all."""
    columns = features.astype(np.float64)
    return np.tanh(columns @ np.linspace(-1, 2, columns.shape[1]) + np.sin(columns[:, 2]) * columns[:, 4] ** 3)


def mean(copies: TurnedTables, features: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.mean([score(copy) for copy in copies.of(features, NAMES)], axis=0))


@pytest.mark.parametrize(
    ("symmetries", "number"), [(("reflection",), 2), (("mirror",), 2), (("reflection", "mirror"), 4), (ALL, 12)]
)
def test_the_mean_is_that_of_the_mirror_images(symmetries: tuple[Symmetry, ...], number: int) -> None:
    copies = TurnedTables(objects=OBJECTS, symmetries=symmetries, number=number)
    assert len(list(copies.of(EVENTS, NAMES))) == len(set(copies.turns)) == number
    for name, image in (("reflection", {"reflected": True}), ("mirror", {"mirrored": True})):
        other = turned(EVENTS, NAMES, OBJECTS, **image)
        alike = np.abs(mean(copies, other) - mean(copies, EVENTS)).max()
        assert alike < 1e-5 if name in symmetries else alike > 0.1
    assert np.abs(score(turned(EVENTS, NAMES, OBJECTS, reflected=True)) - score(EVENTS)).max() > 0.1


def test_the_mean_is_that_of_turned_events_by_steps_only() -> None:
    copies = TurnedTables(objects=OBJECTS, symmetries=("rotation",), number=5)
    by_step, between = (mean(copies, turned(EVENTS, NAMES, OBJECTS, angle=angle)) for angle in (2 / 5, 0.1))
    np.testing.assert_allclose(by_step, mean(copies, EVENTS), atol=1e-5)
    assert np.abs(between - mean(copies, EVENTS)).max() > 0.01
    more = TurnedTables(objects=OBJECTS, symmetries=("rotation",), number=40)
    closer = np.abs(mean(more, turned(EVENTS, NAMES, OBJECTS, angle=1 / 80)) - mean(more, EVENTS))
    assert closer.mean() < np.abs(between - mean(copies, EVENTS)).mean() / 3


@pytest.mark.parametrize("flips", [("rows",), ("columns",), ("rows", "columns")])
def test_images_have_all_combinations(flips: tuple[Flip, ...]) -> None:
    images = np.random.default_rng(1).normal(size=(5, 6, 7, 2)).astype(np.float32)
    copies = MirroredImages(flips=flips)
    found = list(copies.of(images, ("a", "b")))
    assert len(found) == copies.number == len({copy.tobytes() for copy in found}) == 2 ** len(flips)
    np.testing.assert_array_equal(found[0], images)
    for flip in flips:
        again = list(copies.of(mirrored(images, flip), ("a", "b")))
        assert {copy.tobytes() for copy in again} == {copy.tobytes() for copy in found}


def test_they_come_back_from_a_file() -> None:
    for copies in (MirroredImages(flips=("rows",)), TurnedTables(objects=OBJECTS, symmetries=ALL, number=8)):
        assert COPIES.validate_json(copies.model_dump_json()) == copies


def test_azimuths_are_all_turned() -> None:
    moved = turned(EVENTS, NAMES, OBJECTS, angle=0.25) != EVENTS
    assert {name for name, some in zip(NAMES, moved.any(axis=0), strict=True) if some} == set(ANGLES)


def test_what_is_no_number_stays_none() -> None:
    features = np.array(EVENTS)
    features[:3, NAMES.index("l_phi")] = np.inf, -np.inf, np.nan
    copy = turned(features, NAMES, OBJECTS, reflected=True, mirrored=True, angle=0.3)
    np.testing.assert_array_equal(np.isfinite(copy), np.isfinite(features))
