"""Simulated waveforms: reproducible for any number of processes, and what a sample of each kind promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp
from tests.conftest import Told

from hepsieve.config import load_task
from hepsieve.errors import ConfigError, HepsieveError
from hepsieve.events import Events, TargetScale
from hepsieve.progress import Silent
from hepsieve.sample import load_sample
from hepsieve.simulate import egamma, simulate, xenon
from hepsieve.simulate.xenon import PULSES, Block, Pulses, simulate_block, simulate_xenon

pytest.importorskip("nestpy")

TASK = """
task: apart
kind: regression
data: {target: {name: d, full: 30, unit: mm}, spectators: [area]}
simulate: {process: xenon, pulses: two, rows: 40}
models: {trees: {kind: trees}}
"""


@pytest.fixture(scope="module")
def samples() -> dict[Pulses, Events]:
    return {pulses: simulate("xenon", 601, seed=5, pulses=pulses) for pulses in PULSES}


def column(events: Events, name: str) -> Any:
    assert events.spectators is not None
    return events.spectators[:, events.spectator_names.index(name)]


def test_waveforms_with_two_pulses_are_to_be_regressed(samples: dict[Pulses, Events]) -> None:
    events = samples["two"]
    assert events.features.shape == (601, 5000, 1)
    assert (events.names, events.units) == (("light",), ("phd",))
    assert events.scale == TargetScale(name="d", unit="mm", full=30.0)
    steps = events.target * 800.0
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert steps.min() >= 1
    assert steps.max() <= 800
    np.testing.assert_allclose(column(events, "separation"), 30.0 * events.target, rtol=1e-6)
    # 1.330 mm/µs in liquid xenon at 96.5 V/cm
    np.testing.assert_allclose(column(events, "separation time"), column(events, "separation") / 1.3304, rtol=1e-4)
    assert "d" not in events.spectator_names
    assert (column(events, "electrons") == column(events, "first electrons") + column(events, "second electrons")).all()


def test_one_pulse_is_a_separation_of_truly_nothing(samples: dict[Pulses, Events]) -> None:
    events = samples["one"]
    assert events.kind == "regression"
    assert (events.target == 0).all()
    assert np.isnan(column(events, "separation")).all()
    assert (column(events, "second electrons") == 0).all()
    assert events.origin.details["pulses"] == "one pulse in every waveform: truly no second one, the target is 0"
    assert "separation" not in events.origin.details


def test_one_and_two_pulses_are_mixed_and_to_be_told_apart(samples: dict[Pulses, Events]) -> None:
    events = samples["both"]
    assert events.kind == "classification"
    assert int(events.target.sum()) == 300
    assert np.count_nonzero(np.diff(events.target)) > 200
    single = events.target == 0
    for name in ("d", "separation", "separation time"):
        assert (np.isnan(column(events, name)) == single).all()
    assert ((column(events, "second electrons") > 0) == ~single).all()
    # A waveform with two pulses is the wider one: features, target and spectators were mixed alike.
    far = ~single & (np.nan_to_num(column(events, "separation")) > 10)
    time = np.arange(5000) * 0.01
    light = np.where(events.features[..., 0] > 0.3, events.features[..., 0], 0)  # without noise, 0.05 phd a sample
    mean = light @ time / light.sum(axis=1)
    width = np.sqrt(light @ time**2 / light.sum(axis=1) - mean**2)
    assert width[far].min() > width[single].max()


def test_the_area_is_that_of_the_waveform_and_does_not_tell(samples: dict[Pulses, Events]) -> None:
    for events in samples.values():
        sums = events.features[..., 0].sum(axis=1, dtype=np.float64)
        # The charge of 5000 photons is good to 0.456 · √5000 = 32 phd, the noise of 5000 samples to 3.5 phd.
        assert np.abs(sums - column(events, "area")).max() < 5 * 0.46 * np.sqrt(column(events, "area").max())
    one, two, both = (column(samples[pulses], "area") for pulses in PULSES)
    assert ks_2samp(one, two).pvalue > 0.01
    assert ks_2samp(both[samples["both"].target == 0], both[samples["both"].target == 1]).pvalue > 0.01


def test_any_number_of_processes_gives_the_same_bytes(samples: dict[Pulses, Events]) -> None:
    shared, alone = simulate("xenon", 601, seed=5, jobs=2), samples["both"]
    assert shared.features.tobytes() == alone.features.tobytes()
    assert shared.target.tobytes() == alone.target.tobytes()
    assert shared.spectators is not None
    assert alone.spectators is not None
    assert shared.spectators.tobytes() == alone.spectators.tobytes()
    assert shared.origin == alone.origin


def test_other_requests_give_other_waveforms(samples: dict[Pulses, Events]) -> None:
    both = samples["both"]
    two = {waveform.tobytes() for waveform in samples["two"].features}
    assert not two & {waveform.tobytes() for waveform in both.features}
    assert simulate("xenon", 4, seed=6).origin.fingerprint != simulate("xenon", 4, seed=5).origin.fingerprint


def test_a_block_does_not_remember_the_blocks_before_it() -> None:
    block = Block(pulses="two", two=True, separation=(0.0, 30.0), number=1, rows=2, seed=9)
    first, truth = simulate_block(block)
    simulate_block(replace(block, number=0, rows=3))
    again, same = simulate_block(block)
    assert (first.tobytes(), truth.tobytes()) == (again.tobytes(), same.tobytes())
    assert simulate_block(replace(block, number=2))[0].tobytes() != first.tobytes()


def test_no_two_purposes_share_random_numbers_nor_do_simulators() -> None:
    purposes = [(0,), *((1, kind, two, number) for kind in range(3) for two in range(2) for number in range(3))]
    drawn = [xenon._stream(45, *purpose).random() for purpose in purposes]
    drawn += [egamma._stream(45, *purpose).random() for purpose in purposes]
    drawn += [np.random.default_rng(45).random()]
    assert len(set(drawn)) == len(drawn)


def test_pulses_come_from_the_range_asked_for() -> None:
    events = simulate_xenon(40, seed=2, pulses="two", separation=(1.0, 1.1))
    # 27 and 29 times 0.0375 mm are 1.0125 and 1.0875 mm.
    assert set(np.round(column(events, "separation") / 0.0375)) == {27, 28, 29}
    assert events.origin.details["separation"] == "1 to 1.1 mm in steps of 0.0375 mm"


@pytest.mark.parametrize(
    ("process", "arguments", "message"),
    [
        ("xenon", {"rows": 1}, "rows is 1; simulate at least 2, one of each class"),
        ("xenon", {"seed": -1}, "seed is -1; take a number from 0"),
        ("xenon", {"jobs": 0}, "jobs is 0; take at least 1"),
        ("xenon", {"pulses": "three"}, "pulses 'three': take one of one, two, both"),
        ("xenon", {"separation": (2.0, 31.0)}, "separation 2 to 31 mm: take a range within 0 to 30"),
        ("xenon", {"separation": (3.0, 2.0)}, "separation 3 to 2 mm: take a range within 0 to 30"),
        ("xenon", {"separation": (float("nan"), 2.0)}, "separation nan to 2 mm: take a range within 0 to 30"),
        (
            "xenon",
            {"separation": (0.0, 0.03)},
            "separation 0 to 0.03 mm: holds no multiple of 0.0375 mm above 0; take a wider range",
        ),
        ("xenon", {"engine": "fast"}, "engine 'fast': xenon has no choice of engine; leave it out"),
        ("higgs", {"pulses": "one"}, "pulses 'one': higgs has no choice of pulses; leave it out"),
        (
            "egamma",
            {"separation": (0.0, 3.0)},
            "separation 0 to 3 mm: egamma has no pulses to separate; leave it out",
        ),
    ],
)
def test_a_bad_argument_gets_one_line(process: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HepsieveError) as caught:
        simulate(process, **{"rows": 2, "seed": 1, **arguments})
    assert str(caught.value) == message


def test_a_task_keeps_its_events_by_all_that_was_chosen(tmp_path: Path) -> None:
    (tmp_path / "apart.yaml").write_text(TASK, encoding="utf-8")
    for settings in ([], ["simulate.separation=[1, 30]"], ["simulate.pulses=one"]):
        config = load_task(tmp_path / "apart.yaml", settings=settings)
        events = load_sample(config, cache=tmp_path, jobs=1, progress=Silent()).events
        assert events.features.shape == (40, 5000, 1)
        assert events.scale == TargetScale(name="d", unit="mm", full=30.0)
        assert events.spectator_names == ("area",)
        assert (events.target.max() == 0) == ("simulate.pulses=one" in settings)
    names = sorted(path.name for path in (tmp_path / "simulated").iterdir())
    assert [name[: name.index("-40-seed1-")] for name in names] == ["xenon-one", "xenon-two-1.0-30.0mm", "xenon-two"]


def test_a_regression_is_not_simulated_with_classes(tmp_path: Path) -> None:
    (tmp_path / "apart.yaml").write_text(TASK, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"pulses both: a regression takes one or two"):
        load_task(tmp_path / "apart.yaml", settings=["simulate.pulses=both"])


def test_the_command_makes_single_pulses_too(hepsieve: Callable[..., Told], tmp_path: Path) -> None:
    import hepsieve as hs

    (tmp_path / "apart.yaml").write_text(TASK, encoding="utf-8")
    arguments = ["simulate", "apart.yaml", "-n", "3", "--seed", "4", "-q"]
    told = hepsieve(*arguments, "-o", "one.npz", "--set", "simulate.pulses=one")
    assert (told.status, told.out.strip()) == (0, "one.npz")
    events = hs.read(tmp_path / "one.npz", task=str(tmp_path / "apart.yaml"))
    assert (events.features.shape, events.target.tolist()) == ((3, 5000, 1), [0, 0, 0])
    assert events.origin.kind == "simulated"
    told = hepsieve(*arguments, "-o", "one.npy", "--set", "simulate.pulses=one")
    assert told.out.split() == ["one.npy"]  # a second file of targets that are all 0 would say nothing
    assert np.load(tmp_path / "one.npy").tobytes() == events.features.tobytes()
    for setting in ("simulate.rows=5", "train.epochs=3"):
        told = hepsieve(*arguments, "-o", "no.npz", "--set", setting)
        assert told.status == 2
        assert told.err.strip().endswith("only how events are simulated can be set here, as simulate.pulses=one")
