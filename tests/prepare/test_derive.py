"""Derived features: which there are, what they are worth in published columns, and what a model may not get by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from tests.simulate.test_higgs_features import toy
from tests.toy_collisions import Changes, collisions

import hepsieve as hs
from hepsieve import kinematics
from hepsieve.config import PrepareConfig
from hepsieve.data.catalog import dataset
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.config import Learner, MLPConfig, TreesConfig
from hepsieve.objects import Derive, FrameConfig, ObjectConfig
from hepsieve.prepare import Preparation, fit_preparation
from hepsieve.prepare.derive import derivable
from hepsieve.prepare.fit import idle_steps, require_preparation, share
from hepsieve.published_columns import HIGGS_SCALES
from hepsieve.simulate.higgs_features import NAMES, features, neutrino_eta, scale, unscale

ALL: tuple[Derive, ...] = get_args(Derive)


def values(events: Events, config: PrepareConfig, learner: Learner | None = None) -> dict[str, np.ndarray]:
    """The inputs by name."""
    preparation = fit_preparation(events, config, learner or TreesConfig())
    assert isinstance(preparation, Preparation)
    names = preparation.features if preparation.arrange is None else preparation.arrange.names(preparation.features)
    return dict(zip(names, preparation(events).T, strict=True))


def plain(*derive: Derive, **more: object) -> PrepareConfig:
    return PrepareConfig.model_validate({"scale": "none", "derive": derive, **more})


def test_what_is_derived_of_a_lepton_missing_momentum_and_four_jets() -> None:
    objects = dataset("higgs").objects
    numbers = {group: len(derivable([group], objects)) for group in ALL}
    assert numbers == {
        "pair_masses": 10,  # of 5 with an η: 5 · 4 / 2
        "triple_masses": 10,
        "quadruple_masses": 5,
        "delta_r": 10,
        "delta_phi": 15,  # of 6
        "delta_eta": 10,
        "transverse_masses": 5,
        "pair_momenta": 15,
        "sums": 5,
        "w_candidates": 11,  # with 4 jets, 6 pairs of them, and all
    }
    every = [one.name for one in derivable(ALL, objects)]
    assert len(every) == len(set(every)) == sum(numbers.values())
    assert {"m(jet1,jet2)", "dR(lepton,jet4)", "mT(lepton,missing)", "mW(lepton,missing,jet1,jet2)"} <= set(every)


def test_masses_of_jets_are_those_of_the_published_columns() -> None:
    objects = toy(12, events=400, jets=4)
    jets = objects.jets[np.arange(400)[:, None], np.argsort(-objects.tags, axis=1, kind="stable")]
    ordered = replace(objects, jets=jets, tags=-np.sort(-objects.tags, axis=1))
    stored = scale(features(ordered)).astype(np.float32)
    events = Events.from_arrays(stored, np.arange(400) % 2, names=NAMES).replace(objects=dataset("higgs").objects)
    found = values(events, plain("pair_masses", "triple_masses"))
    published = dict(zip(NAMES, unscale(stored.astype(np.float64)).T, strict=True))
    # The first two jets have the tags, so that the others are the W boson's.
    np.testing.assert_allclose(found["m(jet1,jet2)"], published["m_bb"], rtol=1e-5)
    np.testing.assert_allclose(found["m(jet3,jet4)"], published["m_jj"], rtol=1e-5)
    tops = np.stack([found["m(jet1,jet3,jet4)"], found["m(jet2,jet3,jet4)"]])
    nearest = tops[np.abs(tops - 175.0).argmin(axis=0), np.arange(400)]
    np.testing.assert_allclose(nearest, published["m_jjj"], rtol=1e-5)


def test_the_frame_puts_tagged_jets_where_the_published_columns_look() -> None:
    stored = scale(features(toy(13, events=400, jets=4))).astype(np.float32)
    events = Events.from_arrays(stored, np.arange(400) % 2, names=NAMES).replace(objects=dataset("higgs").objects)
    found = values(events, plain("pair_masses", "sums", frame=FrameConfig(tagged_first=True)))
    published = dict(zip(NAMES, unscale(stored.astype(np.float64)).T, strict=True))
    np.testing.assert_allclose(found["m(jet1,jet2)"], published["m_bb"], rtol=1e-5)
    np.testing.assert_allclose(found["m(jet3,jet4)"], published["m_jj"], rtol=1e-5)
    jets = sum(published[f"jet{k}_pt"] for k in (1, 2, 3, 4))
    np.testing.assert_allclose(found["HT(lepton,jet1,jet2,jet3,jet4)"], published["lepton_pT"] + jets, rtol=1e-5)


def test_the_mass_of_everything_is_the_published_one_where_both_take_the_same_neutrino() -> None:
    objects = toy(14, events=400, jets=4)
    stored = scale(features(objects))
    events = Events.from_arrays(stored, np.arange(400) % 2, names=NAMES).replace(objects=dataset("higgs").objects)
    found = values(events, plain("w_candidates"))["mW(lepton,missing,jet1,jet2,jet3,jet4)"]
    columns = dict(zip(NAMES, stored.T, strict=True))
    momenta = {name: one.momentum(columns) for name, one in events.objects.items()}
    own = kinematics.neutrino_eta(momenta["lepton"], momenta["missing"])
    # The published mass takes the best of −3, −2.95, … 3 and so either of two solutions, which are 0.025 off at most.
    same = np.abs(own - neutrino_eta(objects.lepton, objects.missing)) <= 0.025
    assert same.sum() > 100
    m_wwbb = unscale(stored)[:, NAMES.index("m_wwbb")]
    np.testing.assert_allclose(found[same], m_wwbb[same], rtol=0.025)


@pytest.mark.genuine
def test_genuine_columns_are_momenta_on_the_grid_of_the_text_file(genuine: Callable[[str], Path]) -> None:
    events = hs.read(genuine("higgs/Higgs_data.root"), task="higgs")
    columns = dict(zip(events.names, np.asarray(events.features, np.float64).T, strict=True))
    for name in ("lepton", "jet1", "jet2", "jet3", "jet4"):
        momentum = events.objects[name].momentum(columns)
        for column, step in ((momentum.pt, 0.01), (momentum.eta, 0.001)):
            assert np.abs(column / step - np.round(column / step)).max() < 0.02, name
        # Azimuths were written between 0 and 2π; some that were 0 are 2π − rounding here.
        turn = momentum.phi % (2 * np.pi) / 0.001
        assert (np.abs(turn - np.round(turn)) < 0.02).mean() > 0.999, name
        tag = events.objects[name].tag
        if tag is not None:
            assert set(np.round(events.objects[name].physical("tag", columns[tag]), 4)) == {0, 1, 2}
    found = values(events, plain("pair_masses", frame=FrameConfig(tagged_first=True)))
    both = (np.stack([found[f"jet{k}_b-tag"] > 0 for k in (1, 2, 3, 4)]).sum(axis=0)) == 2
    assert both.sum() > 15_900  # else a tagged jet lies beyond the four that are stored
    m_bb = columns["m_bb"] * HIGGS_SCALES[NAMES.index("m_bb")]
    agreeing = np.abs(found["m(jet1,jet2)"] / m_bb - 1)[both] < 1e-3
    assert agreeing.mean() >= 0.999


def test_hepmass_columns_are_logarithms_of_momenta() -> None:
    objects = dataset("hepmass").objects
    # f0 begins at −1.94 or so, a lepton of 15 GeV, and an azimuth ends at √3.
    columns = {"f0": np.array([(np.log(15) - 4.067) / 0.712]), "f1": np.array([2.365287]), "f2": np.array([1.732370])}
    lepton = objects["lepton"].momentum(columns)
    assert lepton.pt[0] == pytest.approx(15)
    assert lepton.eta[0] == pytest.approx(2.5)
    assert lepton.phi[0] == pytest.approx(np.pi)
    assert [objects[name].every_column for name in ("missing", "jet1", "jet4")] == [
        ("f3", "f4"),
        ("f6", "f7", "f8", "f9"),
        ("f18", "f19", "f20", "f21"),
    ]


def test_what_is_derived_does_not_change_with_an_events_frame() -> None:
    config = plain(*ALL)
    turned = collisions(80, seed=1, change=Changes(angle=2.0, up=-1, side=-1))
    found, changed = (values(events, config) for events in (collisions(80, seed=1), turned))
    for name in (name for name in found if "(" in name):
        np.testing.assert_allclose(changed[name], found[name], rtol=1e-4, atol=1e-4)


def test_nothing_of_it_is_fitted() -> None:
    config = plain(*ALL, frame=FrameConfig(rotate="lepton", tagged_first=True))
    some, others = collisions(60, seed=2), collisions(300, seed=3, near=True)
    fitted, elsewhere = (Preparation.fit(events, config) for events in (some, others))
    assert fitted == elsewhere
    np.testing.assert_array_equal(fitted(others)[7:90], fitted(others[7:90]))


def test_missing_values_are_filled_before() -> None:
    events = collisions(101, seed=4)
    column = events.names.index("jet1_pt")
    holes = np.array(events.features)
    holes[5, column] = np.nan
    filled = np.array(events.features)
    filled[5, column] = np.nanmedian(holes[:, column])
    config = PrepareConfig(derive=("pair_masses",))
    fitted = Preparation.fit(events.replace(features=holes), config, impute=True)
    np.testing.assert_array_equal(
        fitted(events.replace(features=holes)),
        Preparation.fit(events.replace(features=filled), config)(events.replace(features=filled)),
    )


def test_a_model_does_not_get_what_follows_from_a_column_that_it_goes_without() -> None:
    events = collisions(20, seed=5)
    everything = set(values(events, plain(*ALL)))
    lost = everything - set(values(events, plain(*ALL), MLPConfig(without=("jet2_eta",))))
    # Of jet 2 there is left what needs no η: angles around the beam, transverse momenta and masses.
    assert {"jet2_eta", "m(jet1,jet2)", "dR(jet2,jet3)", "deta(lepton,jet2)", "mW(lepton,missing,jet2)"} <= lost
    assert not lost & {"dphi(jet1,jet2)", "mT(jet2,missing)", "pT(jet1,jet2)", "m(jet1,jet3)"}
    chosen = tuple(name for name in events.names if name != "jet2_eta")
    assert everything - set(values(events, plain(*ALL, features=chosen))) == lost


@pytest.mark.parametrize("column", ["jet2_pt", "jet2_eta", "jet2_phi", "missing_pt", "lepton_eta"])
def test_inputs_do_not_know_a_column_that_a_model_goes_without(column: str) -> None:
    events = collisions(30, seed=6)
    preparation = fit_preparation(events, plain(*ALL), MLPConfig(without=(column,)))
    other = np.array(events.features)
    other[:, events.names.index(column)] += 0.3
    np.testing.assert_array_equal(preparation(events.replace(features=other)), preparation(events))


def test_a_model_may_go_without_a_derived_feature() -> None:
    events = collisions(20, seed=5)
    learner = MLPConfig(without=("m(jet1,jet2)",))
    require_preparation("net", learner, events, plain("pair_masses"))
    found = values(events, plain("pair_masses"), learner)
    assert "m(jet1,jet2)" not in found
    assert "m(jet1,jet3)" in found


def test_a_model_may_have_its_own() -> None:
    events, config = collisions(20, seed=5), plain("pair_masses", frame=FrameConfig(rotate="lepton"))
    own = TreesConfig(derive=("sums",), frame=FrameConfig())
    found = values(events, config, own)
    assert "lepton_phi" in found
    assert "m(jet1,jet2)" not in found
    assert "HT(lepton,jet1,jet2,jet3,jet4)" in found
    assert len({share(one) for one in (own, TreesConfig(), TreesConfig(derive=()))}) == 3


def test_logarithms_and_components_of_what_is_derived() -> None:
    events = collisions(50, seed=7)
    found = values(events, plain("pair_masses"))["m(lepton,jet1)"]
    taken = values(events, plain("pair_masses", log=("m(lepton,jet1)", "jet1_tag")))
    np.testing.assert_allclose(taken["m(lepton,jet1)"], np.log(found), rtol=1e-6)
    fitted = Preparation.fit(events, PrepareConfig(derive=("pair_masses",), pca=4, log=("m(jet1,jet2)",)))
    assert fitted(events).shape == (50, 4)
    with pytest.raises(ConfigError, match=r"prepare\.log: no feature 'm\(jet1,jet9\)'"):
        Preparation.fit(events, plain("pair_masses", log=("m(jet1,jet9)",)))


def test_large_tables_are_derived_in_blocks() -> None:
    few = collisions(50, seed=8)
    many = few.replace(
        features=np.tile(few.features, (400, 1)), target=np.tile(few.target, 400), weight=np.tile(few.weight, 400)
    )
    fitted = Preparation.fit(few, PrepareConfig(derive=ALL))
    inputs = fitted(many)
    np.testing.assert_array_equal(inputs.reshape(400, *fitted(few).shape)[[0, 163, 399]], [fitted(few)] * 3)


@pytest.mark.parametrize(
    ("learner", "config", "says"),
    [
        (MLPConfig(), plain("delta_r"), r"prepare\.derive: delta_r needs other objects than the data have \(none\)"),
        (MLPConfig(derive=("sums",)), plain(), r"models\.net\.derive: sums needs other objects"),
        (MLPConfig(frame=FrameConfig(rotate="a")), plain(), r"models\.net\.frame\.rotate: no object 'a'"),
        (MLPConfig(without=("m(a,b)",)), plain(), r"models\.net\.without: no feature 'm\(a,b\)'"),
    ],
)
def test_what_the_data_cannot_give_is_refused(learner: MLPConfig, config: PrepareConfig, says: str) -> None:
    events = collisions(20, seed=9).replace(objects={})
    with pytest.raises(ConfigError, match=says):
        require_preparation("net", learner, events, config)


def test_what_no_input_comes_of_is_told() -> None:
    events, config = collisions(20, seed=9), plain("w_candidates", log=("m(jet1,jet2)", "jet1_tag"))
    models = {"net": MLPConfig(), "blind": TreesConfig(without=("missing_pt",))}
    assert idle_steps(models, events, config) == (
        "blind: nothing is left of w_candidates without the columns that it doesn't get",
        "prepare.log: m(jet1,jet2) is an input of none of net, blind",
    )
    assert idle_steps({"net": MLPConfig(derive=("pair_masses",))}, events, config) == ()


def test_a_frame_needs_columns_that_the_model_has() -> None:
    says = "prepare.frame.rotate: it needs 'lepton_phi', which is not among the features of net; take another object"
    with pytest.raises(ConfigError, match=says):
        require_preparation(
            "net", MLPConfig(without=("lepton_phi",)), collisions(20, seed=9), plain(frame=FrameConfig(rotate="lepton"))
        )


def test_an_object_whose_columns_are_not_all_there_is_left_out() -> None:
    events = collisions(20, seed=9)
    partial = ObjectConfig(pt="jet5_pt", eta="jet5_eta", phi="jet5_phi")
    found = values(events.replace(objects={**events.objects, "jet5": partial}), plain("pair_masses"))
    assert not any("jet5" in name for name in found)


def test_images_have_no_momenta() -> None:
    images = Events.from_arrays(np.ones((4, 8, 8, 1)), np.arange(4) % 2, names=("energy",))
    with pytest.raises(ConfigError, match=r"prepare\.derive: the data are images, which have no columns with momenta"):
        require_preparation("net", MLPConfig(), images, plain("sums"))
