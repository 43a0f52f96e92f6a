"""Train gradient-boosted trees on a Dask cluster, whose workers read the events from Parquet files themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import dask
import numpy as np
import xgboost
import xgboost.dask
from dask import array
from distributed import Client, wait
from numpy.typing import NDArray

from hepsieve.engines import DaskCluster
from hepsieve.errors import ConfigError, HepsieveError, TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.progress import Progress
from hepsieve.spill import scratch_folder
from hepsieve.train.boosting import (
    TOLERANCE_ACCURACY,
    boosted,
    early_stopping,
    parameters,
    round_record,
    tolerance_sums,
    weighed_parts,
)
from hepsieve.train.objective import Kind
from hepsieve.train.shards import Rows, Shards, read_shard, write_shards
from hepsieve.train.share import paused_after
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.watch import summary

_SECONDS = "hepsieve_seconds"
_ATTEMPTS = 2
_PATIENCE = 1.0  # seconds between two looks at whether the workers still live


def fit(
    name: str,
    config: TreesConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    progress: Progress,
    on_epoch: OnEpoch,
    cluster: DaskCluster,
    share: float = 1.0,
) -> Trained:
    """Boost as ``trees.fit`` does, on so many Parquet files as ``config.shards`` says.

    They are written below ``HEPSIEVE_CACHE``, which all workers must share, and removed afterwards. Each worker holds
    its own files in memory, nothing else. Equal arguments and as many workers give equal trees, with one worker those
    of ``trees.fit``. With another number of workers trees differ a little: each sums up the values of its own events,
    and the bins of all follow from these summaries. A worker that dies ends the training, which is then begun once more
    with those that are there. With a ``share`` below 1 that share of the most rounds is grown; they always begin anew.

    Raises:
        ConfigError: if the loss of the config is not one of trees, or the events are no tables.
        TrainingError: if weights are negative or otherwise can't be used, or workers were lost twice.
    """
    began = perf_counter()
    config = config.model_copy(update={"rounds": paused_after(share, config.rounds)})
    train, validation = weighed_parts(name, config, train, validation, settings)
    if train.inputs.ndim != 2 or config.shards is None:
        raise ConfigError(f"models.{name}.shards: needs a table of inputs")
    place = scratch_folder()
    with (
        progress.task(f"train {name} on {cluster.workers} workers", config.rounds) as advance,
        TemporaryDirectory(prefix="shards-", dir=place) as folder,
    ):
        parts = {
            label: write_shards(part, Path(folder) / label, config.shards)
            for label, part in (("train", train), ("validation", validation))
        }
        chosen = parameters(config, train.kind, seed=seed)
        booster, log = _boost_again(name, config, train.kind, chosen, parts, cluster.client)
        history = _history(name, config, train.kind, booster, log)
        for record in history:
            on_epoch(record)
            advance(1, summary(record))
    return boosted(booster, history, validation, began=began)


def _boost_again(
    name: str, config: TreesConfig, kind: Kind, chosen: dict[str, Any], parts: dict[str, Shards], client: Client
) -> tuple[xgboost.Booster, Any]:
    """Once more where a worker died: xgboost itself goes on from nowhere then."""
    for attempt in range(_ATTEMPTS):
        before = _workers(client)
        try:
            return _boost(config, kind, chosen, parts, client)
        except HepsieveError:
            raise
        # Whatever xgboost, Dask or the other workers say of a worker that is gone.
        except Exception as error:
            if set(before) <= set(_workers(client)):
                said = str(error).strip().splitlines()
                raise TrainingError(f"{name}: {said[-1] if said else type(error).__name__}") from error
            if attempt + 1 == _ATTEMPTS:
                raise TrainingError(
                    f"{name}: workers died while it trained, {_ATTEMPTS} times (out of memory?); take more workers"
                ) from error
    raise AssertionError("the last attempt returns or raises")


def _boost(
    config: TreesConfig, kind: Kind, chosen: dict[str, Any], parts: dict[str, Shards], client: Client
) -> tuple[xgboost.Booster, Any]:
    workers = _workers(client)
    if not workers:
        raise TrainingError("the Dask cluster has no worker left; start some")
    with client.as_current():  # which xgboost insists on
        train, validation = (_arrays(parts[label], workers, client) for label in ("train", "validation"))
        events = xgboost.dask.DaskQuantileDMatrix(client, **train, max_bin=config.max_bin)
        watched = xgboost.dask.DaskQuantileDMatrix(client, **validation, ref=events, max_bin=config.max_bin)
        result = xgboost.dask.train(
            client,
            chosen,
            events,
            num_boost_round=config.rounds,
            evals=[(events, "train"), (watched, "validation")],
            verbose_eval=False,
            custom_metric=None if kind == "classification" else _tolerance_accuracy,
            callbacks=[_Clock(), early_stopping(config, kind)],
        )
    return result["booster"], result["history"]


def _workers(client: Client) -> list[str]:
    """The addresses of the workers, in the order in which xgboost adds up what they found."""
    known = client.scheduler_info(n_workers=-1)["workers"]
    return sorted(known, key=lambda address: f"{known[address]['name']}:{address}")


def _arrays(shards: Shards, workers: Sequence[str], client: Client) -> dict[str, array.Array]:
    """Every file read by the worker that keeps it: neighbours by one, and always by the same."""
    count = len(shards.files)
    places = [workers[number * min(len(workers), count) // count] for number in range(count)]
    read = [
        client.submit(_read, file, workers=[place], allow_other_workers=False, pure=False)
        for file, place in zip(shards.files, places, strict=True)
    ]
    _wait(read, places, client)
    for shard in read:
        if shard.status == "error":
            raise shard.exception()
    shapes = {"data": (shards.inputs,), "label": (), "weight": ()}
    taken = {
        name: [
            client.submit(itemgetter(position), shard, workers=[place], allow_other_workers=False, pure=False)
            for shard, place in zip(read, places, strict=True)
        ]
        for position, name in enumerate(shapes)
    }
    _wait([value for values in taken.values() for value in values], places, client)
    # Nobody waits for a worker that dies from here on: xgboost sees that it is gone, once somebody else has its files.
    free = {future.key: None for futures in (read, *taken.values()) for future in futures}
    client.sync(client.scheduler.set_restrictions, worker=free)
    return {
        name: array.concatenate(
            [
                array.from_delayed(dask.delayed(value), (rows, *shapes[name]), dtype=np.float32)
                for value, rows in zip(values, shards.rows, strict=True)
            ]
        )
        for name, values in taken.items()
    }


def _wait(futures: Sequence[Any], places: Sequence[str], client: Client) -> None:
    """Until all are there; nobody else may do what a worker that dies leaves."""
    while True:
        try:
            wait(futures, timeout=_PATIENCE)
            return
        except TimeoutError:
            if not set(places) <= set(_workers(client)):
                raise ConnectionError("a worker died while it read its files") from None


def _read(file: Path) -> Rows:
    # Or xgboost's greeting would stand among the results on standard output. It is a setting of this thread, which a
    # worker with a single one trains in as well; others belong to somebody's own cluster, with logs of their own.
    xgboost.set_config(verbosity=0)
    return read_shard(file)


class _Clock(xgboost.callback.TrainingCallback):
    """Notes how long every round took in the model itself: nothing else comes back from a worker."""

    def before_training(self, model: Any) -> Any:
        self._seconds: list[float] = []
        self._before = perf_counter()
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        now = perf_counter()
        self._seconds.append(now - self._before)
        self._before = now
        return False

    def after_training(self, model: Any) -> Any:
        model.set_attr(**{_SECONDS: json.dumps(self._seconds)})
        return model


def _history(name: str, config: TreesConfig, kind: Kind, booster: xgboost.Booster, log: Any) -> list[EpochRecord]:
    seconds = json.loads(booster.attr(_SECONDS) or "[]")
    booster.set_attr(**{_SECONDS: None})  # equal trees are equal bytes
    return [round_record(name, config, kind, log, number=number, seconds=took) for number, took in enumerate(seconds)]


def _tolerance_accuracy(predicted: NDArray[np.float32], events: xgboost.DMatrix) -> tuple[str, float]:
    """Of the events of all workers: xgboost would take the plain mean over these."""
    sums = xgboost.collective.allreduce(tolerance_sums(predicted, events), xgboost.collective.Op.SUM)
    return TOLERANCE_ACCURACY, float(sums[0] / sums[1])
