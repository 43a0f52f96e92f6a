"""Frames of events: what doesn't change when an event is turned, reflected or mirrored, or its jets change places."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from tests.reference import kinematics as reference
from tests.toy_collisions import JETS, Changes, collision_objects, collisions, events_of, physical, raw, seen

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.objects import FrameConfig
from hepsieve.prepare import Preparation

FRAME = FrameConfig(rotate="lepton", reflect="lepton", mirror="missing")
CHANGES = [
    Changes(angle=0.3),
    Changes(angle=3.0),
    Changes(up=-1),
    Changes(side=-1),
    Changes(angle=-2.2, up=-1),
    Changes(angle=1.7, up=-1, side=-1),
]


def prepared(events: Events, frame: FrameConfig | None, **steps: object) -> tuple[Preparation, dict[str, np.ndarray]]:
    """The preparation without scaling, and its inputs by name."""
    config = PrepareConfig.model_validate({"scale": "none", "frame": frame, **steps})
    preparation = Preparation.fit(events, config)
    assert preparation.arrange is not None
    names = preparation.arrange.names(preparation.features)
    return preparation, dict(zip(names, preparation(events).T, strict=True))


@pytest.mark.parametrize("log", [False, True])
def test_columns_are_those_of_an_event_that_was_turned(log: bool) -> None:
    objects, columns = collision_objects(log=log), physical(60, seed=5)
    _, found = prepared(events_of(raw(columns, objects), objects), FRAME)
    assert "lepton_phi" not in found
    for row in range(60):
        event = reference.in_frame(seen(columns, row), rotate="lepton", reflect="lepton", mirror="missing")
        for name, (_, eta, phi, _) in event.items():
            one = objects[name]
            if name != "lepton":
                assert one.physical("phi", found[one.phi][row]) == pytest.approx(phi, abs=1e-6)
            if one.eta is not None:
                assert one.physical("eta", found[one.eta][row]) == pytest.approx(eta, abs=1e-6)
    untouched = raw(columns, objects)
    for name in ("lepton_pt", "missing_pt", "jet3_pt", "jet3_tag", "other"):
        np.testing.assert_allclose(found[name], untouched[name], rtol=1e-6)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("first", [False, True])
def test_inputs_are_those_of_the_changed_event(change: Changes, first: bool) -> None:
    preparation, _ = prepared(
        collisions(500, seed=6), FRAME.model_copy(update={"tagged_first": first}), derive=("pair_masses", "delta_phi")
    )
    plain, changed = (preparation(collisions(500, seed=6, change=how)) for how in (None, change))
    # Of an azimuth within rounding of ±π either sign is right; of 500 events none is there.
    np.testing.assert_allclose(changed, plain, rtol=1e-5, atol=1e-5)


def test_without_a_frame_they_change() -> None:
    preparation = Preparation.fit(collisions(50, seed=6), PrepareConfig(scale="none"))
    changed = preparation(collisions(50, seed=6, change=Changes(angle=0.3)))
    assert np.abs(changed - preparation(collisions(50, seed=6))).max() > 0.1


@pytest.mark.parametrize(
    ("frame", "invariant"),
    [
        (FrameConfig(rotate="jet2"), [Changes(angle=1.0)]),
        (FrameConfig(reflect="jet1"), [Changes(up=-1)]),
        (FrameConfig(rotate="missing", mirror="jet1"), [Changes(angle=1.0, side=-1)]),
    ],
)
def test_each_part_of_a_frame_does_its_own(frame: FrameConfig, invariant: list[Changes]) -> None:
    preparation, _ = prepared(collisions(100, seed=7), frame)
    plain = preparation(collisions(100, seed=7))
    for change in CHANGES:
        changed = preparation(collisions(100, seed=7, change=change))
        same = np.allclose(changed, plain, rtol=1e-5, atol=1e-5)
        turned = frame.rotate is not None or change.angle == 0
        reflected = frame.reflect is not None or change.up == 1
        mirrored = frame.mirror is not None or change.side == 1
        assert same == (turned and reflected and mirrored), change
    for change in invariant:
        changed = preparation(collisions(100, seed=7, change=change))
        np.testing.assert_allclose(changed, plain, rtol=1e-5, atol=1e-5)


def test_tagged_jets_come_first() -> None:
    objects, columns = collision_objects(), physical(300, seed=8)
    _, found = prepared(
        events_of(raw(columns, objects), objects), FrameConfig(tagged_first=True), derive=("pair_masses",)
    )
    for row in range(300):
        # Python's sort leaves equal ones in their order.
        order = sorted(JETS, key=lambda name: -columns[f"{name}_tag"][row])
        for place, name in zip(JETS, order, strict=True):
            for of in ("pt", "eta", "phi", "tag"):
                value = objects[place].physical(of, found[f"{place}_{of}"][row])
                assert value == pytest.approx(columns[f"{name}_{of}"][row], rel=1e-5, abs=1e-5)
        first = [seen(columns, row)[name] for name in order[:2]]
        assert found["m(jet1,jet2)"][row] == pytest.approx(reference.invariant_mass(first), rel=1e-5)


def test_tags_of_columns_with_scales_of_their_own_are_equal_to_rounding() -> None:
    objects = collision_objects()
    # 1 and 1 + 1e-6 are equally sure: nothing is exchanged.
    columns = {**physical(50, seed=9), **{f"{name}_tag": np.full(50, 1 + k * 1e-6) for k, name in enumerate(JETS)}}
    _, found = prepared(events_of(raw(columns, objects), objects), FrameConfig(tagged_first=True))
    np.testing.assert_allclose(found["jet1_pt"], columns["jet1_pt"] / 50, rtol=1e-6)


def test_a_stored_preparation_gives_the_same_inputs() -> None:
    events = collisions(100, seed=10)
    preparation = Preparation.fit(events, PrepareConfig(frame=FRAME, derive=("w_candidates", "sums"), pca=5))
    again = Preparation.model_validate_json(preparation.model_dump_json())
    assert again == preparation
    np.testing.assert_array_equal(again(events), preparation(events))


def test_a_preparation_of_before_is_read() -> None:
    preparation = Preparation.fit(collisions(100, seed=10), PrepareConfig())
    stored = preparation.model_dump(mode="json")
    assert stored.pop("arrange") is None
    assert Preparation.model_validate(stored) == preparation


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ({"rotate": "muon"}, "prepare.frame.rotate: no object 'muon'; the data have lepton, missing, jet1"),
        ({"reflect": "missing"}, "prepare.frame.reflect: missing has no eta; take another object"),
        ({"rotate": "jet4"}, "prepare.frame.rotate: it needs 'jet4_phi', which is not among the features"),
        ({"tagged_first": True}, "prepare.frame.tagged_first: it needs 'jet4_phi', which is not among the features"),
    ],
)
def test_a_frame_that_cannot_be_found_is_refused(frame: dict[str, object], says: str) -> None:
    events = collisions(20, seed=11)
    kept = [name for name in events.names if name != "jet4_phi"]
    with pytest.raises(ConfigError, match=says):
        Preparation.fit(events, PrepareConfig.model_validate({"frame": frame, "features": kept}))


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ({"mirror": "missing"}, "mirror needs azimuths from an object; name it in rotate"),
        ({"rotate": "lepton", "mirror": "lepton"}, "mirror and rotate are both lepton"),
    ],
)
def test_a_frame_that_means_nothing_is_refused(frame: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FrameConfig.model_validate(frame)


def test_something_is_left_to_learn_from() -> None:
    config = PrepareConfig(frame=FrameConfig(rotate="lepton"), features=("lepton_phi",))
    with pytest.raises(ConfigError, match="measured from 'lepton_phi', no feature is left"):
        Preparation.fit(collisions(20, seed=11), config)


def test_events_without_objects_have_no_frame() -> None:
    events = Events.from_arrays(np.ones((4, 2)), np.zeros(4))
    with pytest.raises(
        ConfigError, match=r"rotate: no object 'lepton'; the data have none; name them in data\.objects"
    ):
        Preparation.fit(events, PrepareConfig(frame=FRAME))
    with pytest.raises(ConfigError, match="tagged_first: fewer than two objects have a tag"):
        Preparation.fit(events, PrepareConfig(frame=FrameConfig(tagged_first=True)))


def test_objects_that_differ_are_not_exchanged() -> None:
    events = collisions(20, seed=11)
    heavy = events.objects["jet1"].model_copy(update={"mass": 4.8})
    with pytest.raises(ConfigError, match="objects with tags must have the same mass and log"):
        Preparation.fit(
            events.replace(objects={**events.objects, "jet1": heavy}),
            PrepareConfig(frame=FrameConfig(tagged_first=True)),
        )
