"""Trees on Parquet files through a Dask cluster."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from sklearn.metrics import roc_auc_score

from hepsieve.config import PrepareConfig
from hepsieve.engines import DaskCluster, EngineOptions, LocalEngine, open_engine
from hepsieve.engines.dask import DaskEngine
from hepsieve.errors import ConfigError, DataError, TrainingError
from hepsieve.events import Events
from hepsieve.manifest import verify
from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.prepare import split
from hepsieve.progress import Silent
from hepsieve.train import trainings
from hepsieve.train.dispatch import train_model
from hepsieve.train.objective import Kind
from hepsieve.train.run import train
from hepsieve.train.shards import read_shard, write_shards
from hepsieve.train.trained import Part, Trained

CONFIG = TreesConfig(rounds=40, patience=10, max_depth=4, learning_rate=0.2)


def part(n: int, seed: int, kind: Kind = "classification") -> Part:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n).astype(np.float32)
    inputs = (rng.normal(size=(n, 4)) + target[:, None] * [1, 0.5, 0, -0.3]).astype(np.float32)
    if kind == "regression":
        target = np.clip(0.5 + 0.1 * inputs[:, 0], 0, 1)
    return Part(inputs, target, rng.uniform(0.5, 2, n).astype(np.float32), kind)


def test_shards_hold_every_event_once_and_in_order(tmp_path: Path) -> None:
    events = part(1003, seed=1)
    shards = write_shards(events, tmp_path / "shards", 4)
    assert shards.rows == (250, 251, 251, 251)
    verify(tmp_path / "shards")
    read = [read_shard(file) for file in shards.files]
    for position, expected in enumerate((events.inputs, events.target, events.weight)):
        np.testing.assert_array_equal(np.concatenate([rows[position] for rows in read]), expected)
    assert all(str(kind) == "float" for kind in pyarrow.parquet.read_schema(shards.files[0]).types)
    assert len(write_shards(events, tmp_path / "many", 2000).files) == 1003


def test_a_damaged_shard_is_one_line(tmp_path: Path) -> None:
    (file,) = write_shards(part(500, seed=1), tmp_path / "shards", 1).files
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"000000\.parquet: a worker can't read it"):
        read_shard(file)


def test_shards_need_a_cluster() -> None:
    assert not isinstance(LocalEngine(1), DaskCluster)
    config = CONFIG.model_copy(update={"shards": 2})
    with pytest.raises(ConfigError, match=r"^models\.big\.shards: .*add --engine dask"):
        train_model(
            "big",
            config,
            part(50, 1),
            part(50, 2),
            TrainConfig(),
            seed=1,
            progress=Silent(),
            on_epoch=lambda record: None,
        )


def test_a_run_without_a_cluster_trains_nothing_beside_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainings, "train_model", None)  # whoever called it would fail
    rng = np.random.default_rng(1)
    events = Events.from_arrays(rng.normal(size=(300, 2)).astype(np.float32), rng.integers(0, 2, 300))
    models = {"trees": TreesConfig(rounds=2), "big": TreesConfig(rounds=2, shards=2)}
    for jobs in (1, 2):
        with pytest.raises(ConfigError, match=r"^models\.big\.shards: .*add --engine dask"):
            train(
                models,
                split(events, seed=1),
                prepare=PrepareConfig(),
                settings=TrainConfig(),
                seed=1,
                jobs=jobs,
            )


def fit(
    config: TreesConfig, parts: tuple[Part, Part], cluster: DaskEngine | None, settings: TrainConfig | None = None
) -> Trained:
    return train_model(
        "big",
        config,
        *parts,
        settings if settings is not None else TrainConfig(),
        seed=1,
        cluster=cluster,
        progress=Silent(),
        on_epoch=lambda record: None,
    )


def content(trained: Trained, folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    trained.model.save(folder)
    return (folder / "model.ubj").read_bytes()


@pytest.fixture(scope="module")
def two_workers() -> Iterator[DaskEngine]:
    with open_engine(EngineOptions(name="dask", jobs=2)) as engine:
        assert isinstance(engine, DaskEngine)
        yield engine


@pytest.mark.cluster
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_one_worker_gives_the_trees_of_one_process(tmp_path: Path, kind: Kind) -> None:
    parts = part(3000, 1, kind), part(2000, 2, kind)
    alone = fit(CONFIG, parts, None)
    with open_engine(EngineOptions(name="dask", jobs=1)) as engine:
        assert isinstance(engine, DaskEngine)
        sharded = fit(CONFIG.model_copy(update={"shards": 3}), parts, engine)
    assert content(alone, tmp_path) == content(sharded, tmp_path)
    assert sharded.best_epoch == alone.best_epoch
    for one, two in zip(alone.history, sharded.history, strict=True):
        ours, theirs = (record.model_dump(exclude={"seconds", "model"}, exclude_none=True) for record in (one, two))
        assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.cluster
def test_two_workers_give_the_same_trees_again_and_no_worse_ones(
    tmp_path: Path, two_workers: DaskEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = part(8000, 1), part(8000, 2)
    config = CONFIG.model_copy(update={"shards": 5})
    first, second = (fit(config, parts, two_workers) for _ in range(2))
    assert content(first, tmp_path) == content(second, tmp_path)
    alone = fit(CONFIG, parts, None)
    target, weight = parts[1].target, parts[1].weight
    areas = [roc_auc_score(target, each.model.scores(parts[1].inputs), sample_weight=weight) for each in (alone, first)]
    # An AUC of 0.8 on 8,000 events is known to 0.005 (one standard deviation).
    assert abs(areas[0] - areas[1]) < 0.005
    assert capfd.readouterr().out == ""


@pytest.mark.cluster
def test_a_regression_counts_the_events_of_all_workers(two_workers: DaskEngine) -> None:
    # Sorted by target: the two workers hold different events, so that a plain mean of theirs would be wrong.
    whole = part(3000, 1, "regression")
    order = np.argsort(whole.target[:2001])
    parts = (
        Part(whole.inputs[order], whole.target[order], whole.weight[order], "regression"),
        part(999, 2, "regression"),
    )
    trained = fit(CONFIG.model_copy(update={"shards": 2, "rounds": 3, "patience": 3}), parts, two_workers)
    scores = np.round(trained.model.scores(parts[0].inputs) / 0.1)
    expected = np.average(scores == np.round(parts[0].target / np.float32(0.1)), weights=parts[0].weight)
    assert trained.history[trained.best_epoch - 1].train_tolerance_accuracy == pytest.approx(expected, abs=1e-3)


@pytest.mark.cluster
def test_weights_that_trees_refuse_are_refused(two_workers: DaskEngine) -> None:
    events = part(100, 1)
    events.weight[3] = -0.1
    with pytest.raises(TrainingError, match="1 of 100 weights are negative"):
        fit(
            CONFIG.model_copy(update={"shards": 2}),
            (events, part(100, 2)),
            two_workers,
            TrainConfig(negative_weights="keep"),
        )


@pytest.mark.cluster
def test_a_worker_that_dies_is_done_without(tmp_path: Path) -> None:
    parts = part(60_000, 1), part(2000, 2)
    config = CONFIG.model_copy(update={"shards": 4, "rounds": 400, "patience": 400, "max_depth": 6})
    with open_engine(EngineOptions(name="dask", jobs=2)) as engine:
        assert isinstance(engine, DaskEngine)
        (doomed, *_) = engine.client.run(os.getpid).values()

        def kill() -> None:
            time.sleep(1.5)
            os.kill(doomed, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        trained = fit(config, parts, engine)
        killer.join()
    assert len(trained.history) == 400
