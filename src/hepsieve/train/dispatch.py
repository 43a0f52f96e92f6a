"""A model's config to the backend that trains it."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, assert_never

from hepsieve.engines import DaskCluster
from hepsieve.models.config import (
    AdaBoostConfig,
    ImageNetwork,
    MLPConfig,
    ModelConfig,
    Network,
    TabMConfig,
    TrainConfig,
    TreesConfig,
    WaveformNetwork,
)
from hepsieve.models.extras import require
from hepsieve.models.mlp import Weights
from hepsieve.progress import Progress
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.objective import no_cluster, require_keep, require_settings
from hepsieve.train.trained import OnEpoch, Part, Trained


def train_model(
    name: str,
    config: ModelConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    start: Weights | None = None,
    checkpoint: Checkpoint | None = None,
    share: float = 1.0,
    cluster: DaskCluster | None = None,
    progress: Progress,
    on_epoch: OnEpoch,
) -> Trained:
    """Train one model; everything is learned from ``train``, and ``validation`` is only looked at.

    Args:
        name: the model's name in the task, for records and errors.
        config: which model.
        train: what to learn from.
        validation: what decides when to stop and which epoch was best.
        settings: how the networks are trained, and the weighting for all models. ``flips`` are for networks that look
            at images: flattened images and tables are never mirrored. ``processes`` are for PyTorch networks.
        seed: of initial weights, shuffling, flips, dropout and subsampling.
        start: the weights that a network begins with, under their canonical names, or the trees that others are added
            to; None begins anew.
        checkpoint: where a training keeps its state, and takes it up again: PyTorch networks after any block of
            batches, Keras networks on PyTorch after any epoch, trees that draw nothing by chance after any round.
            Others begin anew.
        share: of the whole training (its most epochs, rounds or stages, rounded up) after which it pauses; a later
            call with a larger share ends as if there had been no pause.
        cluster: who trains trees that have ``shards``; nobody else asks for it.
        progress: one line per training.
        on_epoch: called with each record as soon as there is one.

    Raises:
        ConfigError: if the model's loss, or a setting, does not suit the kind of the targets; or trees have shards and
            there is no cluster.
        TrainingError: if the loss becomes NaN or infinite, a device is missing, or the weights can't be used.
        WorkerLost: if one of several processes that train one network ends before its time.
        MissingExtra: if the model's framework is not installed.
    """
    require_settings(settings, train.kind)
    require_keep(name, config, settings)
    if isinstance(config, Network):
        settings = config.own(settings)
    fit = _backend(name, config, settings, start=start, checkpoint=checkpoint, share=share, cluster=cluster)
    return fit(name, config, train, validation, settings, seed=seed, progress=progress, on_epoch=on_epoch)


class _Fit(Protocol):
    """What every backend has: a training that knows where its states go and how far it goes."""

    def __call__(
        self,
        name: str,
        config: Any,
        train: Part,
        validation: Part,
        settings: TrainConfig,
        *,
        seed: int,
        progress: Progress,
        on_epoch: OnEpoch,
    ) -> Trained: ...


def _backend(
    name: str,
    config: ModelConfig,
    settings: TrainConfig,
    *,
    start: Weights | None,
    checkpoint: Checkpoint | None,
    share: float,
    cluster: DaskCluster | None,
) -> _Fit:
    """Whoever trains models of this kind; only his library is loaded."""
    match config:
        case (
            MLPConfig(backend="torch")
            | TabMConfig(backend="torch")
            | ImageNetwork(backend="torch")
            | WaveformNetwork(backend="torch")
        ):
            require("torch", extra="torch")
            from hepsieve.train import distributed, torch

            return partial(
                torch.fit if settings.processes == 1 else distributed.fit,
                start=start,
                checkpoint=checkpoint,
                share=share,
            )
        case MLPConfig() | TabMConfig() | ImageNetwork() | WaveformNetwork():
            require("keras", extra="keras")
            from hepsieve.train import keras

            return partial(keras.fit, start=start, checkpoint=checkpoint, share=share)
        case TreesConfig(shards=int()):
            require("xgboost", extra="trees")
            if cluster is None:
                raise no_cluster(name)
            from hepsieve.train import trees_dask

            return partial(trees_dask.fit, cluster=cluster, share=share)
        case TreesConfig():
            require("xgboost", extra="trees")
            from hepsieve.train import trees

            return partial(trees.fit, start=start, checkpoint=checkpoint, share=share)
        case AdaBoostConfig():
            from hepsieve.train import adaboost as ada

            return partial(ada.fit, share=share)
        case _:
            assert_never(config)
