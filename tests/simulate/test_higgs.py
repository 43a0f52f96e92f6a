"""Simulated HIGGS samples: reproducible for any number of processes, and like the genuine rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uproot
from bench.fidelity_higgs import compared, genuine_rows
from scipy.stats import ks_2samp, kstest

from hepsieve.errors import HepsieveError, MissingExtra
from hepsieve.events import Events
from hepsieve.progress import Advance
from hepsieve.simulate import higgs
from hepsieve.simulate.higgs import Block, simulate_block, simulate_higgs
from hepsieve.simulate.higgs_features import NAMES, unscale
from hepsieve.simulate.particles import Floats


@pytest.fixture(scope="module")
def sample() -> Events:
    pytest.importorskip("pythia8mc")
    return simulate_higgs(601, seed=5)


def test_a_sample_has_the_rows_asked_for_half_of_them_signal_and_mixed(sample: Events) -> None:
    assert sample.features.shape == (601, 28)
    assert sample.names == NAMES
    assert int(sample.target.sum()) == 300
    # Of 601 mixed rows about half follow one of the other class: 300 ± 12; in a sorted sample one does.
    changes = int(np.count_nonzero(np.diff(sample.target)))
    assert 240 < changes < 360
    assert np.isfinite(sample.features).all()
    assert sample.origin.kind == "simulated"
    assert sample.origin.sources[0].startswith("Pythia 8.")
    assert len(sample.origin.fingerprint) == 64
    assert sample.origin.details["seed"] == "5"


def test_rows_pass_the_selection(sample: Events) -> None:
    values = dict(zip(NAMES, unscale(sample.features.astype(float)).T, strict=True))
    assert values["lepton_pT"].min() >= 15 - 0.006
    assert np.abs(values["lepton_eta"]).max() <= 2.5 + 1e-3
    for number in (1, 2, 3, 4):
        assert values[f"jet{number}_pt"].min() >= 15 - 0.006
        assert np.abs(values[f"jet{number}_eta"]).max() <= 3 + 1e-3
        tag = values[f"jet{number}_b-tag"]
        assert set(np.round(tag, 4)) == {0.0, 1.0, 2.0}
        assert np.abs(values[f"jet{number}_eta"][tag > 0.5]).max() < 1.76
    tags = np.stack([values[f"jet{number}_b-tag"] for number in (1, 2, 3, 4)], axis=1)
    assert (tags > 0.5).sum(axis=1).max() == 2


def test_a_seed_gives_the_events_that_it_always_gave() -> None:
    pytest.importorskip("pythia8mc")
    events = simulate_higgs(4, seed=3)
    # Written down after the tuning on genuine rows of even number, with Pythia 8.317, to which it is pinned.
    assert events.target.tolist() == [1, 0, 0, 1]
    columns = [NAMES.index(name) for name in ("lepton_pT", "jet1_pt", "m_jj", "m_wwbb")]
    expected = [
        [0.853005, 1.159839, 0.874234, 0.916969],
        [0.441052, 0.524176, 0.802474, 1.157406],
        [0.467405, 0.584271, 0.625458, 1.633349],
        [0.789135, 1.146464, 0.696615, 0.843807],
    ]
    np.testing.assert_allclose(events.features[:, columns], expected, atol=2e-5)


def test_azimuths_are_flat(sample: Events) -> None:
    values = unscale(sample.features.astype(float))
    for name in ("lepton_phi", "missing_energy_phi", "jet1_phi"):
        turns = (values[:, NAMES.index(name)] + np.pi) / (2 * np.pi)
        # A right simulation fails this at one seed in 10,000; the seed is fixed.
        assert kstest(turns, "uniform").pvalue > 1e-4, name


def test_any_number_of_processes_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pythia8mc")
    monkeypatch.setattr(higgs, "BLOCK_ROWS", 20)
    alone, shared = (simulate_higgs(50, seed=3, jobs=jobs) for jobs in (1, 2))
    assert alone.features.tobytes() == shared.features.tobytes()
    assert alone.target.tobytes() == shared.target.tobytes()
    assert alone.origin == shared.origin
    assert len(np.unique(alone.features, axis=0)) == 50


def test_a_block_does_not_remember_the_blocks_before_it() -> None:
    pytest.importorskip("pythia8mc")
    block = Block(process="signal", number=1, rows=20, seed=9)
    first = simulate_block(block)
    simulate_block(Block(process="background", number=0, rows=20, seed=9))
    assert simulate_block(block).tobytes() == first.tobytes()


def test_other_seeds_give_other_events(sample: Events) -> None:
    other = simulate_higgs(40, seed=6)
    assert not np.isin(other.features[:, 0], sample.features[:40, 0]).all()
    assert other.origin.fingerprint != sample.origin.fingerprint
    columns = {tuple(row) for row in sample.features.tolist()}
    assert not any(tuple(row) in columns for row in other.features.tolist())


@pytest.mark.parametrize(
    ("rows", "seed", "jobs", "message"),
    [
        (1, 1, 1, "rows is 1; simulate at least 2, one of each class"),
        (10, -1, 1, "seed is -1; take a number from 0"),
        (10, 1, 0, "jobs is 0; take at least 1"),
    ],
)
def test_a_bad_number_gets_one_line(rows: int, seed: int, jobs: int, message: str) -> None:
    with pytest.raises(HepsieveError) as caught:
        simulate_higgs(rows, seed=seed, jobs=jobs)
    assert str(caught.value) == message


def test_without_pythia_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(MissingExtra, match=r"pythia8mc is not installed; pip install 'hepsieve\[simulate\]'"):
        simulate_higgs(10, seed=1)


class Counter:
    """Counts what is reported as done."""

    def __init__(self) -> None:
        self.done = 0.0
        self.total: float | None = None

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        self.total = total
        yield self.advance

    def advance(self, amount: float = 1, note: str = "") -> None:
        self.done += amount


def test_progress_counts_rows() -> None:
    pytest.importorskip("pythia8mc")
    counter = Counter()
    simulate_higgs(12, seed=1, progress=counter)
    assert (counter.done, counter.total) == (12, 12)


@pytest.mark.genuine
@pytest.mark.slow
def test_every_feature_is_distributed_as_in_genuine_rows(genuine: Callable[[str], Path]) -> None:
    path = genuine("higgs/Higgs_data.root")
    events = simulate_higgs(3000, seed=20)
    simulated = comparable(events.features.astype(float))
    with uproot.open(path) as file:
        trees = {1: file["sig_tree"].arrays(NAMES, library="np"), 0: file["bkg_tree"].arrays(NAMES, library="np")}
    for label, tree in trees.items():
        rows = comparable(np.stack([tree[name] for name in NAMES], axis=1).astype(float))
        for column, name in enumerate(NAMES):
            # With 1,500 against 10,000 rows of one law the distance exceeds 0.038 in 5 % of the cases.
            distance = ks_2samp(simulated[events.target == label, column], rows[:, column]).statistic
            assert distance < 0.08, f"{name}, class {label}: {distance:.3f}"


def comparable(columns: Floats) -> Floats:
    """GeV, radians and tags as whole numbers: the last bit of a float32 code must not tell samples apart."""
    values = unscale(columns)
    tags = [NAMES.index(f"jet{number}_b-tag") for number in (1, 2, 3, 4)]
    values[:, tags] = np.round(values[:, tags])
    return values


@pytest.mark.genuine
@pytest.mark.slow
def test_the_fidelity_study_gives_its_figures(genuine: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pythia8mc")
    monkeypatch.setenv("HEPSIEVE_REAL_DATA", str(genuine("higgs/Higgs_data.root").parents[1]))
    figures = {row[0]: row[1:] for row in compared(150).rows}
    assert sum(str(name).startswith("KS of") for name in figures) == 28
    for title in ("signal: simulated or genuine, AUC", "genuine rows, learned from simulated ones, AUC"):
        value, low, high = (float(number) for number in figures[title])
        assert 0.3 < low < value < high < 0.9
    # 300 rows teach trees what tells the classes apart, whichever they are.
    assert float(figures["genuine rows, learned from simulated ones, AUC"][0]) > 0.6


def test_without_genuine_rows_the_study_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEPSIEVE_REAL_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="set HEPSIEVE_REAL_DATA to the folder that holds higgs/"):
        genuine_rows(0)
