"""Simulated HEPMASS samples: reproducible for any number of processes, and what the columns promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hepsieve.data.write import write_events
from hepsieve.errors import HepsieveError
from hepsieve.events import Events
from hepsieve.simulate import hepmass, simulate
from hepsieve.simulate.hepmass import (
    _BACKGROUND_MASSES,
    _BLOCKS,
    _ORDER,
    Block,
    _stream,
    simulate_block,
    simulate_hepmass,
)
from hepsieve.simulate.hepmass_features import NAMES, UNITS, physical
from hepsieve.simulate.hepmass_generator import MASSES
from hepsieve.simulate.particles import Floats


@pytest.fixture(scope="module")
def sample() -> Events:
    pytest.importorskip("pythia8mc")
    return simulate_hepmass(1001, seed=5)


def values(events: Events) -> Floats:
    return physical(events.features[:, :27].astype(np.float64))


def test_a_sample_has_the_rows_asked_for_half_of_them_signal_and_mixed(sample: Events) -> None:
    assert sample.features.shape == (1001, 28)
    assert (sample.names, sample.units) == (NAMES, UNITS)
    assert int(sample.target.sum()) == 500
    # Of 1001 mixed rows about half follow one of the other class: 500 ± 16; in a sorted sample one does.
    assert 420 < int(np.count_nonzero(np.diff(sample.target))) < 580
    assert np.isfinite(sample.features).all()
    assert sample.origin.kind == "simulated"
    assert sample.origin.sources[0].startswith("Pythia 8.")
    assert sample.origin.details["masses"] == "500, 750, 1000, 1250, 1500 GeV, width 1.2%"
    assert {"seed", "rows", "signal", "background", "collisions"} <= sample.origin.details.keys()


def test_masses_have_equal_shares_of_the_signal_and_are_random_in_the_background(sample: Events) -> None:
    mass, signal = sample.features[:, 27], sample.target == 1
    assert [int((mass[signal] == value).sum()) for value in MASSES] == [100] * 5
    counts = [int((mass[~signal] == value).sum()) for value in MASSES]
    assert sum(counts) == 501
    # Each is 100.2 ± 9: five standard deviations. Equal shares of all would not be random.
    assert all(55 < count < 145 for count in counts)
    assert len(set(counts)) > 1


def test_the_mass_of_all_objects_peaks_at_the_mass_of_the_resonance(sample: Events) -> None:
    mass, found = sample.features[:, 27], values(sample)[:, 26]
    signal = sample.target == 1
    for value in MASSES:
        # Jets that are lost pull the median down, most at 1500 GeV; 100 events know it to about 3 %.
        assert np.median(found[signal & (mass == value)]) == pytest.approx(value, rel=0.15)
    background = found[~signal]
    # The mass of a background row says nothing about it.
    light, heavy = (np.median(background[np.isin(mass[~signal], masses)]) for masses in (MASSES[:2], MASSES[3:]))
    assert light == pytest.approx(heavy, rel=0.1)


def test_rows_pass_the_selection(sample: Events) -> None:
    rows = values(sample)
    jets = rows[:, 6:22].reshape(-1, 4, 4)
    assert rows[:, 0].min() >= 15 * (1 - 1e-5)
    assert np.abs(rows[:, 1]).max() <= 2.5 + 1e-5
    assert set(np.round(rows[:, 5], 3)) <= set(range(4, 15))
    assert jets[..., 0].min() >= 20 * (1 - 1e-5)
    assert (np.diff(jets[..., 0], axis=1) <= 1e-3).all()
    assert np.abs(jets[..., 1]).max() <= 3 + 1e-5
    tags = np.round(jets[..., 3], 5)
    assert set(np.unique(tags)) == {0.0, 1.0}
    assert tags.sum(axis=1).max() == 2
    assert np.abs(jets[..., 1][tags == 1]).max() <= 2.5


def test_any_number_of_processes_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pythia8mc")
    monkeypatch.setattr(hepmass, "BLOCK_ROWS", 10)
    alone, shared = (simulate_hepmass(40, seed=3, jobs=jobs) for jobs in (1, 2))
    assert alone.features.tobytes() == shared.features.tobytes()
    assert alone.target.tobytes() == shared.target.tobytes()
    assert alone.origin == shared.origin
    assert len(np.unique(alone.features[:, :27], axis=0)) == 40


def test_a_block_does_not_remember_the_blocks_before_it() -> None:
    pytest.importorskip("pythia8mc")
    block = Block(mass=750, number=1, rows=20, seed=9)
    first = simulate_block(block)
    simulate_block(Block(mass=None, number=0, rows=20, seed=9))
    assert simulate_block(block).tobytes() == first.tobytes()
    assert simulate_block(Block(mass=1000, number=1, rows=20, seed=9)).tobytes() != first.tobytes()


def test_other_seeds_give_other_events_and_a_few_rows_have_both_classes() -> None:
    pytest.importorskip("pythia8mc")
    few, other = (simulate("hepmass", 6, seed=seed) for seed in (1, 2))
    assert int(few.target.sum()) == 3
    assert few.origin.fingerprint != other.origin.fingerprint
    assert not np.isin(few.features[:, 0], other.features[:, 0]).any()
    # Three signal rows are shared out to the first masses.
    assert sorted(few.features[few.target == 1, 27].tolist()) == [500.0, 750.0, 1000.0]


def test_a_file_of_simulated_events_is_read_back_by_the_task(sample: Events, tmp_path: Path) -> None:
    import hepsieve as hs

    path = tmp_path / "sample.parquet"
    write_events(sample, path)
    events = hs.read(path, task="hepmass")
    assert events.names == NAMES
    np.testing.assert_array_equal(events.features, sample.features)
    np.testing.assert_array_equal(events.target, sample.target)


def test_a_bad_number_gets_one_line() -> None:
    with pytest.raises(HepsieveError, match=r"^rows is 1; simulate at least 2, one of each class$"):
        simulate_hepmass(1, seed=1)


def test_no_two_purposes_share_random_numbers() -> None:
    purposes = [
        (_ORDER,),
        (_BACKGROUND_MASSES,),
        *((_BLOCKS, kind, number) for kind in range(6) for number in range(3)),
    ]
    drawn = [_stream(45, *purpose).random() for purpose in purposes]
    # Whoever divides the events or draws weights may be given the same seed.
    drawn += [np.random.default_rng(45).random(), np.random.default_rng(46).random()]
    assert len(set(drawn)) == len(drawn)
