"""Simulated electrons and photons: reproducible for any number of processes, and what an image promises."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp
from tests.conftest import Told

from hepsieve.errors import HepsieveError, MissingExtra
from hepsieve.events import Events
from hepsieve.shower_shapes import shape_names, shower_shapes
from hepsieve.simulate import egamma, simulate
from hepsieve.simulate.egamma import _BLOCKS, _ORDER, Block, EngineName, _stream, simulate_block, simulate_egamma


@pytest.fixture(scope="module")
def sample(geant4: None) -> Events:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(egamma.BLOCK_ROWS, "geant4", 2)
        return simulate_egamma(7, seed=5, engine="geant4")


def test_a_sample_has_the_rows_asked_for_half_of_them_electrons_and_mixed(sample: Events) -> None:
    assert sample.features.shape == (7, 32, 32, 2)
    assert (sample.names, sample.units) == (("energy", "time"), ("50 GeV", "ns"))
    assert int(sample.target.sum()) == 3
    assert np.count_nonzero(np.diff(sample.target)) > 1
    assert np.isfinite(sample.features).all()
    origin = sample.origin
    assert origin.kind == "simulated"
    assert origin.sources[0].startswith("Geant4 11.")
    assert origin.details["engine"] == "geant4"
    assert origin.details["field"] == "3.8 T"
    assert {"seed", "rows", "signal", "background", "matter", "noise"} <= origin.details.keys()


def test_images_look_as_images_of_showers_do(sample: Events) -> None:
    energy, time = sample.features[..., 0], sample.features[..., 1]
    assert (energy.reshape(7, -1).argmax(axis=1) == 16 * 32 + 16).all()
    # 50 cosh η GeV with |η| < 1.2 is 1 to 1.81 of the unit; matter, curling and leakage take up to a third.
    total = energy.sum(axis=(1, 2))
    assert ((total > 0.65) & (total < 2.0)).all()
    hits = np.count_nonzero(energy, axis=(1, 2))
    assert ((hits > 15) & (hits < 150)).all()
    assert (energy >= 0).all()
    assert ((time != 0) == (energy > 0)).all()
    assert np.abs(time[:, 16, 16]).max() < 1.5
    # In a batch, no image repeats another.
    assert len(np.unique(total)) == 7


def test_any_number_of_processes_gives_the_same_bytes(sample: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(egamma.BLOCK_ROWS, "geant4", 2)
    shared = simulate_egamma(7, seed=5, jobs=2, engine="geant4")
    assert shared.features.tobytes() == sample.features.tobytes()
    assert shared.target.tobytes() == sample.target.tobytes()
    assert shared.origin == sample.origin


@pytest.mark.parametrize("engine", ["geant4", "fast"])
def test_a_block_does_not_remember_the_blocks_before_it(geant4: None, engine: EngineName) -> None:
    block = Block(engine=engine, electron=True, number=1, rows=1, seed=9)
    first = simulate_block(block)
    simulate_block(replace(block, electron=False, number=0))
    assert simulate_block(block).tobytes() == first.tobytes()
    assert simulate_block(replace(block, number=2)).tobytes() != first.tobytes()


def test_without_an_engine_the_fast_one_is_taken_and_named() -> None:
    events, named = simulate("egamma", 5, seed=2), simulate("egamma", 5, seed=2, engine="fast")
    assert events.features.tobytes() == named.features.tobytes()
    assert events.origin == named.origin
    assert events.origin.details["engine"] == "fast"
    assert "Geant4" not in events.origin.sources[0]


@pytest.mark.genuine
def test_genuine_images_look_like_fast_ones(genuine: Callable[[str], Path]) -> None:
    with np.load(genuine("egamma/electron-photon.npz"), allow_pickle=False) as file:
        images = np.concatenate([file["x_train"], file["x_test"]])
        target = np.concatenate([file["y_train"], file["y_test"]])
    events = simulate("egamma", 1200, seed=1, engine="fast")
    simulated = shower_shapes(events.features[..., :1], ["energy"])
    real = shower_shapes(images[..., np.newaxis], ["energy"])
    for name in ("hits", "e1", "e9", "e25", "row width", "column width"):
        place = shape_names(["energy"]).index(name)
        for label in (0, 1):
            p = ks_2samp(simulated[events.target == label, place], real[target == label, place]).pvalue
            assert p > 0.01, f"{name} of class {label}"


def test_no_two_purposes_share_random_numbers() -> None:
    purposes = [(_ORDER,), *((_BLOCKS, kind, number) for kind in range(2) for number in range(3))]
    drawn = [_stream(45, *purpose).random() for purpose in purposes]
    drawn += [np.random.default_rng(45).random(), np.random.default_rng(46).random()]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    ("rows", "seed", "jobs", "message"),
    [
        (1, 1, 1, "rows is 1; simulate at least 2, one of each class"),
        (2, -1, 1, "seed is -1; take a number from 0"),
        (2, 1, 0, "jobs is 0; take at least 1"),
    ],
)
def test_a_bad_number_gets_one_line(rows: int, seed: int, jobs: int, message: str) -> None:
    with pytest.raises(HepsieveError) as caught:
        simulate("egamma", rows, seed=seed, jobs=jobs, engine="geant4")
    assert str(caught.value) == message


def test_only_images_have_a_choice_of_engine() -> None:
    with pytest.raises(HepsieveError, match=r"^engine 'fast': hepmass has no choice of engine; leave it out$"):
        simulate("hepmass", 2, seed=1, engine="fast")
    with pytest.raises(HepsieveError, match=r"^engine 'slow': take one of geant4, fast$"):
        simulate("egamma", 2, seed=1, engine="slow")  # type: ignore[arg-type]


def test_without_calzone_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calzone", None)
    with pytest.raises(MissingExtra, match=r"^calzone is not installed; pip install 'hepsieve\[simulate\]' brings it$"):
        simulate("egamma", 2, seed=1, engine="geant4")


def test_the_command_makes_a_file_that_says_which_engine_made_it(
    geant4: None, hepsieve: Callable[..., Told], tmp_path: Path
) -> None:
    import hepsieve as hs

    told = hepsieve("simulate", "egamma", "-n", "2", "-o", "two.npz", "--engine", "geant4", "--seed", "3", "-q")
    assert (told.status, told.out.strip()) == (0, "two.npz")
    events = hs.read(tmp_path / "two.npz", task="egamma")
    assert events.features.shape[:3] == (2, 32, 32)
    assert events.origin.details["engine"] == "geant4"
    told = hepsieve("simulate", "higgs", "-n", "2", "-o", "no.npz", "--engine", "fast")
    assert told.status == 2
    assert told.err.strip() == "hepsieve: engine 'fast': higgs has no choice of engine; leave it out"
