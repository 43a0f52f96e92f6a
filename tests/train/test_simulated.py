"""Simulated events beside genuine ones: their weights by class, the choice among several, and where networks begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hepsieve as hs
from hepsieve.config import PrepareConfig, TaskConfig
from hepsieve.errors import ConfigError, DataError, IntegrityError
from hepsieve.events import Events, Origin
from hepsieve.models.config import MLPConfig, TrainConfig, TreesConfig
from hepsieve.models.simulation_config import SimulationConfig
from hepsieve.prepare import split
from hepsieve.progress import Silent
from hepsieve.sample_simulated import with_simulated
from hepsieve.train.inputs import inputs_of
from hepsieve.train.mixing import best_mixing
from hepsieve.train.run import train
from hepsieve.train.simulated import mixed


def events(n: int, *, seed: int, shift: float = 1.0, signal: float = 0.5) -> Events:
    """Two features; the first of signal lies higher."""
    rng = np.random.default_rng(seed)
    target = (rng.random(n) < signal).astype(np.float32)
    features = rng.normal(size=(n, 2))
    features[:, 0] += shift * target
    return Events.from_arrays(features, target, origin=Origin(kind="real", fingerprint=str(seed)))


def settings(weight: float | tuple[float, ...]) -> TrainConfig:
    return TrainConfig(epochs=2, simulation=SimulationConfig(files=(Path("s"),), weight=weight))


def test_simulated_classes_keep_the_genuine_proportions_at_the_weight_asked_for() -> None:
    genuine, simulated = events(300, seed=1, signal=0.2), events(900, seed=2, signal=0.7)
    both = mixed(genuine, simulated, weight=0.5, policy="keep")
    for label in (0, 1):
        aimed = float(genuine.weight[genuine.target == label].sum())
        found = float(both.weight[300:][both.target[300:] == label].sum())
        assert found == pytest.approx(0.5 * aimed, rel=1e-5)
    assert np.array_equal(both.weight[:300], genuine.weight)


def test_dropped_negative_weights_do_not_count() -> None:
    genuine, simulated = events(300, seed=1), events(400, seed=2)
    simulated = simulated.replace(weight=np.where(np.arange(400) % 4, 1, -1).astype(np.float32))
    both = mixed(genuine, simulated, weight=1.0, policy="drop")
    assert np.maximum(both.weight[300:], 0).sum() == pytest.approx(300, rel=1e-5)


def test_a_weight_of_nothing_leaves_simulation_out() -> None:
    genuine = events(30, seed=1)
    assert mixed(genuine, events(40, seed=2), weight=0, policy="drop") is genuine


def test_inputs_are_scaled_by_genuine_events_and_validation_has_no_simulated_ones() -> None:
    learned, watched, far = events(200, seed=1), events(50, seed=2), events(400, seed=3, shift=50)
    args: dict[str, Any] = {"prepare": PrepareConfig(), "seed": 1, "impute": False}
    alone = inputs_of(TreesConfig(), learned, watched, settings=TrainConfig(), **args)
    both = inputs_of(TreesConfig(), learned, watched, settings=settings(1.0), simulated=far, **args)
    assert both.preparation == alone.preparation
    assert np.array_equal(both.validation.inputs, alone.validation.inputs)
    assert (len(both.train), len(alone.train)) == (600, 200)
    assert both.fingerprint != alone.fingerprint


def test_the_weight_that_is_best_on_validation_is_kept() -> None:
    validation = events(200, seed=4)
    good, bad = validation.target.astype(float), 1 - validation.target.astype(float)
    found = best_mixing((0.0, 1.0), (bad, good), validation)
    assert (found.weight, found.tried) == (1.0, {0.0: 0.0, 1.0: 1.0})


@pytest.mark.parametrize("folds", [None, 3])
def test_simulation_that_lies_is_not_chosen(folds: int | None) -> None:
    """Its classes are exchanged, so that a weight of 0 is better on genuine events."""
    lies = events(2000, seed=5, shift=2)
    lies = lies.replace(target=1 - lies.target)
    parts = replace(split(events(600, seed=6, shift=2), folds=folds, seed=1), simulated=lies)
    told: list[str] = []
    run = train(
        {"trees": TreesConfig(rounds=10)},
        parts,
        prepare=PrepareConfig(),
        settings=settings((4.0, 0.0)),
        seed=1,
        on_epoch=lambda record: told.append(record.model),
    )
    mixing = run.models["trees"].mixing
    assert mixing is not None
    assert mixing.weight == 0
    assert mixing.tried[0.0] > 0.8 > mixing.tried[4.0]
    assert set(told) == {"trees"}
    assert len(told) == sum(len(member.trained.history) for member in run.models["trees"].members)


def test_rows_of_the_sample_itself_are_left_out_of_simulation(tmp_path: Path) -> None:
    sample, made = events(200, seed=7), events(100, seed=8)
    parts = split(sample, seed=1)
    held = parts.test.open("a look")
    features = np.concatenate([made.features, held.features[:5], parts.validation.features[:3]])
    target = np.concatenate([made.target, held.target[:5], parts.validation.target[:3]])
    file = tmp_path / "s.npz"
    np.savez(file, x0=features[:, 0], x1=features[:, 1], label=target)
    config = TaskConfig.model_validate(
        {
            "task": "t",
            "models": {"trees": {"kind": "trees"}},
            "data": {"label": "label"},
            "train": {"simulation": {"files": [str(file)]}},
        }
    )
    told: list[str] = []
    found = with_simulated(parts, config, cache=tmp_path, jobs=1, progress=Silent(), told=told.append)
    assert found.simulated is not None
    assert np.array_equal(found.simulated.features, made.features)
    assert any("8 of 108" in sentence for sentence in told)
    np.savez(file, x0=held.features[:, 0], x1=held.features[:, 1], label=held.target)
    with pytest.raises(DataError, match="40 of 40 rows are events of the data themselves"):
        with_simulated(parts, config, cache=tmp_path, jobs=1, progress=Silent())


def test_simulation_needs_files_or_rows() -> None:
    with pytest.raises(ValueError, match="give either files"):
        SimulationConfig()
    with pytest.raises(ValueError, match="stands there twice"):
        SimulationConfig(rows=10, weight=(1.0, 1.0))


def test_a_folder_that_is_no_run_is_no_start() -> None:
    parts = split(events(200, seed=9), seed=1)
    chosen = TrainConfig(epochs=1, start_from=Path("nowhere"))
    with pytest.raises(IntegrityError, match="nowhere is no folder of a finished run"):
        train({"net": MLPConfig(widths=(3,))}, parts, prepare=PrepareConfig(), settings=chosen, seed=1)


def test_in_python_simulated_events_are_given_by_themselves() -> None:
    parts, made = split(events(200, seed=6), seed=1), events(300, seed=8)
    turned = made.replace(features=made.features[:, ::-1], names=made.names[::-1])
    with_held = Events.from_arrays(
        np.concatenate([turned.features, parts.validation.features[:, ::-1]]),
        np.concatenate([turned.target, parts.validation.target]),
        names=turned.names,
    )
    trees = hs.Trees(rounds=3)
    run = hs.train(trees, parts, simulated=with_held, simulated_weight=(0, 2), seed=1)
    assert run.parts.simulated is not None
    assert run.parts.simulated.names == parts.train.names
    assert np.array_equal(run.parts.simulated.features, made.features)
    mixing = run.models["trees"].mixing
    assert mixing is not None
    assert set(mixing.tried) == {0, 2}
    named = hs.evaluate(run).evaluation.data.simulated
    assert named is not None
    assert (named.n, named.weights) == (300, {"trees": mixing.weight})


def test_in_python_nothing_simulated_is_passed_by_in_silence() -> None:
    parts, made, trees = split(events(200, seed=6), seed=1), events(300, seed=8), hs.Trees(rounds=3)
    with pytest.raises(ConfigError, match="these parts have no simulated events"):
        hs.train(trees, parts, settings=settings(1.0))
    with pytest.raises(ConfigError, match="leave simulation out of the settings"):
        hs.train(trees, parts, settings=settings(1.0), simulated=made)
    with pytest.raises(ConfigError, match="simulated_weight: 300 events with -1"):
        hs.train(trees, parts, simulated=made, simulated_weight=-1)
    other = made.replace(names=("x0", "y"))
    with pytest.raises(DataError, match="its events have no x1, which the data have; they have x0, y"):
        hs.train(trees, parts, simulated=other)


def test_several_weights_are_several_trainings() -> None:
    learned = events(100, seed=1)
    with pytest.raises(ConfigError, match=r"one training has one weight, and here are 0\.5, 1"):
        inputs_of(
            TreesConfig(),
            learned,
            learned,
            prepare=PrepareConfig(),
            settings=settings((0.5, 1.0)),
            seed=1,
            impute=False,
            simulated=learned,
        )
