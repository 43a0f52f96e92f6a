"""Simulated heavy-neutral-lepton samples: reproducible for any number of processes, and like the genuine rows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from hepsieve.errors import HepsieveError, MissingExtra
from hepsieve.events import Events
from hepsieve.simulate import hnl, hnl_flux, simulate
from hepsieve.simulate.hnl import Block, simulate_block, simulate_hnl
from hepsieve.simulate.hnl_columns import NAMES
from hepsieve.simulate.hnl_detector import LEAST_MASS, in_vessel
from hepsieve.simulate.hnl_signal import HEAVY_MASSES
from hepsieve.simulate.hnl_tuning import Tuning
from hepsieve.simulate.particles import Floats


@pytest.fixture(scope="module")
def sample() -> Events:
    pytest.importorskip("pythia8mc")
    return simulate("hnl", 401, seed=5)


def column(events: Events, name: str) -> Floats:
    return events.features[:, NAMES.index(name)].astype(float)


def test_a_sample_has_the_rows_asked_for_half_of_them_signal_and_mixed(sample: Events) -> None:
    assert sample.features.shape == (401, 16)
    assert sample.features.dtype == np.float32
    assert sample.names == NAMES
    assert int(sample.target.sum()) == 200
    # Of 401 mixed rows about half follow one of the other class: 200 ± 10; in a sorted sample one does.
    assert 150 < int(np.count_nonzero(np.diff(sample.target))) < 250
    assert np.isfinite(sample.features).all()
    assert sample.origin.kind == "simulated"
    assert sample.origin.sources[0].startswith("Pythia 8.")
    assert len(sample.origin.fingerprint) == 64


def test_spectators_are_the_labels_of_the_course_files(sample: Events) -> None:
    assert sample.spectator_names == ("Good Reco", "Event Type")
    for name, signal, background in (("Good Reco", 1, -1), ("Event Type", 1, 4)):
        np.testing.assert_array_equal(sample.spectator(name), np.where(sample.target > 0.5, signal, background))


def test_only_rows_of_one_interaction_share_a_group(sample: Events) -> None:
    assert sample.group is not None
    is_signal = sample.target > 0.5
    assert len(np.unique(sample.group[is_signal])) == 200
    assert not np.isin(sample.group[is_signal], sample.group[~is_signal]).any()
    background, sizes = np.unique(sample.group[~is_signal], return_counts=True)
    assert 1 < sizes.max() <= 2  # three tracks make two pairs of opposite charge
    daughters = np.sort(np.stack([column(sample, f"Daughter{k} Total Momentum") for k in (1, 2)], axis=1), axis=1)
    for group in background[sizes == 2]:
        one, other = daughters[sample.group == group]
        assert len(np.intersect1d(one, other)) == 1


def test_rows_pass_the_selection(sample: Events) -> None:
    point = np.stack([column(sample, f"Decay {axis}") for axis in "XYZ"], axis=1)
    assert in_vessel(point, clearance=4.99).all()
    assert column(sample, "Invariant Mass").min() > LEAST_MASS


def test_signal_has_the_eight_masses_equally_often(sample: Events) -> None:
    mass = column(sample, "Invariant Mass")[sample.target > 0.5]
    nearest = np.abs(mass[:, None] - np.array(HEAVY_MASSES)).argmin(axis=1)
    # Of 25 made with each mass a few are smeared by more than half a step.
    assert np.bincount(nearest, minlength=8).min() >= 20
    assert np.bincount(nearest, minlength=8).max() <= 32
    assert np.median(np.abs(mass - np.array(HEAVY_MASSES)[nearest])) < 0.01


def test_decays_point_back_to_the_target_and_neutrinos_do_not(sample: Events) -> None:
    distance = column(sample, "Impact Parameter")
    is_signal = sample.target > 0.5
    assert np.median(distance[is_signal]) < 3.0
    assert np.median(distance[~is_signal]) > 60.0


def test_nothing_prefers_left_or_up(sample: Events) -> None:
    for axis in "XY":
        positive = int((column(sample, f"Decay {axis}") > 0).sum())
        # A right simulation fails this at one seed in 10,000; the seed is fixed.
        assert binomtest(positive, len(sample)).pvalue > 1e-4, axis


def test_any_number_of_processes_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pythia8mc")
    for name in ("SIGNAL_ROWS", "BACKGROUND_ROWS"):
        monkeypatch.setattr(hnl, name, 12)
    alone, shared = (simulate_hnl(40, seed=5, jobs=jobs) for jobs in (1, 2))
    assert alone.features.tobytes() == shared.features.tobytes()
    assert alone.group is not None
    assert shared.group is not None
    assert alone.group.tobytes() == shared.group.tobytes()
    assert alone.origin == shared.origin
    assert len(np.unique(alone.features, axis=0)) == 40


def test_a_block_does_not_remember_the_blocks_before_it() -> None:
    pytest.importorskip("pythia8mc")
    block = Block(process="background", number=1, rows=10, seed=5)
    first = simulate_block(block)
    simulate_block(Block(process="signal", number=0, rows=10, seed=5))
    again = simulate_block(block)
    assert [array.tobytes() for array in again] == [array.tobytes() for array in first]


def test_other_seeds_and_blocks_give_other_events() -> None:
    pytest.importorskip("pythia8mc")
    blocks = [Block(process="signal", number=number, rows=10, seed=seed) for number, seed in ((0, 5), (1, 5), (0, 6))]
    momenta = np.concatenate([simulate_block(block)[0][:, 0] for block in blocks])
    assert len(np.unique(momenta)) == 30


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
        simulate_hnl(rows, seed=seed, jobs=jobs)
    assert str(caught.value) == message


def test_without_pythia_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(MissingExtra, match=r"pythia8mc is not installed; pip install 'hepsieve\[simulate\]'"):
        simulate_hnl(10, seed=1)


@pytest.mark.genuine
@pytest.mark.slow
def test_every_column_is_distributed_as_in_genuine_rows(genuine: Callable[[str], Path]) -> None:
    events = simulate_hnl(3000, seed=20)
    # Measured distances and AUC, with margins for 1,500 rows: two samples of one law differ by 0.042 in 5 % of cases.
    for name, label, bound, limit in (("HNLtoPimu", 1, 0.10, 0.64), ("Back", 0, 0.16, 0.74)):
        path = genuine(f"hnl/kinematic_variables_{name}.dat")
        rows = np.loadtxt(path, delimiter=",", skiprows=1)[:, :16]
        simulated = events.features[events.target == label].astype(float)
        for index, column_name in enumerate(NAMES):
            distance = ks_2samp(simulated[:, index], rows[:, index]).statistic
            assert distance < bound, f"{column_name}, class {label}: {distance:.3f}"
        some = rows[np.random.default_rng(0).permutation(len(rows))[: len(simulated)]]
        origin = np.repeat([0, 1], [len(simulated), len(some)])
        scores = cross_val_predict(
            HistGradientBoostingClassifier(max_iter=100, random_state=0),
            np.concatenate([simulated, some]),
            origin,
            cv=StratifiedKFold(5, shuffle=True, random_state=0),
            method="predict_proba",
        )
        assert roc_auc_score(origin, scores[:, 1]) < limit, name


def test_flux_is_from_mesons_at_low_and_from_charm_at_high_energies(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pythia8mc")
    monkeypatch.setattr(hnl_flux, "EVENTS", 2000)
    monkeypatch.setattr(hnl_flux, "CHARM_EVENTS", 2000)
    tuning = Tuning(energy_power=0.0)
    both = hnl_flux.neutrino_flux(11, tuning)
    mesons = hnl_flux.neutrino_flux(11, Tuning(energy_power=0.0, prompt=0.0))

    def prompt_share(low: float, high: float) -> float:
        inside = (both.energy > low) & (both.energy < high)
        return 1 - float(mesons.weight[inside].sum() / both.weight[inside].sum())

    assert prompt_share(6, 12) < 0.3
    assert prompt_share(50, 400) > 0.5
    assert both.energy.min() >= hnl_flux.LEAST_ENERGY
    assert np.abs(both.slope).max() <= hnl_flux.MOST_SLOPE * tuning.flux_slope
    hnl_flux.neutrino_flux.cache_clear()


def test_samples_of_other_seeds_share_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pythia8mc")
    monkeypatch.setattr(hnl, "simulate_block", lambda block: (np.zeros((block.rows, 16)), np.arange(block.rows)))
    groups = [simulate_hnl(100, seed=seed).group for seed in (1, 2, 1)]
    assert groups[0] is not None
    assert groups[1] is not None
    assert groups[2] is not None
    assert not set(groups[0]) & set(groups[1])
    assert (groups[0] == groups[2]).all()
    assert groups[0].min() >= 0
