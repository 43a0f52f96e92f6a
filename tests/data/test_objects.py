"""Objects of events that were read: the catalog's, the user's own, and what they may not be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.toy_collisions import collision_objects, collisions

from hepsieve.config import DataConfig
from hepsieve.data.objects import known_objects, require_objects, with_objects
from hepsieve.data.read import read_files
from hepsieve.data.store import store_key
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.objects import ObjectConfig

OWN = ObjectConfig(pt="a", phi="b")


def test_own_objects_stand_beside_those_of_the_catalog() -> None:
    found = known_objects(DataConfig(catalog="higgs", objects={"photon": OWN, "jet4": OWN}))
    assert list(found) == ["lepton", "missing", "jet1", "jet2", "jet3", "jet4", "photon"]
    assert found["jet4"] == found["photon"] == OWN
    assert known_objects(DataConfig(catalog="hnl")) == known_objects(DataConfig()) == {}


def test_events_know_them_and_keep_them() -> None:
    events = with_objects(collisions(10, seed=1).replace(objects={}), DataConfig(objects=collision_objects()))
    assert events[np.arange(3)].objects == events.objects == collision_objects()


def test_a_column_that_not_all_files_had_may_be_gone() -> None:
    events = collisions(10, seed=1)
    gone = events.replace(origin=events.origin.__class__(kind="real", dropped=("a", "b")))
    assert with_objects(gone, DataConfig(objects={"photon": OWN})).objects == {"photon": OWN}
    with pytest.raises(ConfigError, match=r"data\.objects\.photon: no feature 'a'"):
        with_objects(events, DataConfig(objects={"photon": OWN}))


def test_images_have_none() -> None:
    images = Events.from_arrays(np.ones((2, 4, 4, 1)), np.arange(2), names=("energy",))
    with pytest.raises(ConfigError, match=r"data\.objects\.photon: only columns of tables are momenta"):
        with_objects(images, DataConfig(objects={"photon": OWN}))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (DataConfig(catalog="higgs"), "no feature 'jet_pt', the nearest is 'jet"),
        (
            DataConfig(features=("jet_phi", "m")),
            "no feature 'jet_pt', the nearest is 'jet_phi'; the data have jet_phi, m",
        ),
        (DataConfig(spectators=("jet_pt",)), "'jet_pt' is a spectator, which is never learned from; take a feature"),
        (DataConfig(catalog="egamma"), "only columns of tables are momenta"),
    ],
)
def test_what_is_known_to_be_no_feature_is_refused_before_anything_is_read(data: DataConfig, says: str) -> None:
    jet = ObjectConfig(pt="jet_pt", phi="jet_phi")
    with pytest.raises(ConfigError) as refused:
        read_files([Path(__file__)], data.model_copy(update={"objects": {"jet": jet}}))
    assert str(refused.value).startswith("data.objects.jet: ")
    assert says in str(refused.value)


def test_no_file_is_looked_into_for_columns_that_only_it_can_tell() -> None:
    require_objects(DataConfig(objects={"photon": OWN}))
    require_objects(DataConfig(catalog="higgs"))


@pytest.mark.parametrize(
    ("catalog", "other", "says"),
    [(None, "lepton", "'a' is a column of lepton already"), ("higgs", "jet9", "'jet1_pt' is a column of jet1 already")],
)
def test_a_column_belongs_to_one_object(catalog: str | None, other: str, says: str) -> None:
    own = OWN if catalog is None else ObjectConfig(pt="jet1_pt", phi="azimuth")
    with pytest.raises(ConfigError, match=says):
        require_objects(DataConfig(catalog=catalog, objects={"photon": own, other: own}))


def test_a_store_does_not_depend_on_them(tmp_path: Path) -> None:
    files = [tmp_path / "a.csv"]
    assert store_key(files, DataConfig()) == store_key(files, DataConfig(objects={"photon": OWN}))


def test_physical_values_are_those_of_the_raw_ones() -> None:
    one = collision_objects()["jet1"]
    for of in one.places:
        column = np.array([-0.3, 0.7])
        np.testing.assert_allclose(one.raw(of, one.physical(of, column)), column, rtol=1e-12)
    # η is column × 1.1 + 0.01.
    assert one.physical("eta", np.array([2.0]))[0] == pytest.approx(2.21)
