"""A model's config to the backend that trains it."""

from __future__ import annotations

from typing import assert_never

from hepsieve.models.config import (
    AdaBoostConfig,
    ImageNetwork,
    MLPConfig,
    ModelConfig,
    Network,
    TrainConfig,
    TreesConfig,
    WaveformNetwork,
)
from hepsieve.models.extras import require
from hepsieve.progress import Progress
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.objective import require_settings
from hepsieve.train.trained import OnEpoch, Part, Trained


def train_model(
    name: str,
    config: ModelConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    checkpoint: Checkpoint | None = None,
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
            at images: flattened images and tables are never mirrored.
        seed: of initial weights, shuffling, flips, dropout and subsampling.
        checkpoint: where a PyTorch network keeps its state between epochs, and takes it up again; others begin anew.
        progress: one line per training.
        on_epoch: called with each record as soon as there is one.

    Raises:
        ConfigError: if the model's loss, or a setting, does not suit the kind of the targets.
        TrainingError: if the loss becomes NaN or infinite, a device is missing, or the weights can't be used.
        MissingExtra: if the model's framework is not installed.
    """
    require_settings(settings, train.kind)
    if isinstance(config, Network):
        settings = config.own(settings)
    match config:
        case MLPConfig(backend="torch") | ImageNetwork(backend="torch") | WaveformNetwork(backend="torch"):
            require("torch", extra="torch")
            from hepsieve.train import torch

            return torch.fit(
                name,
                config,
                train,
                validation,
                settings,
                seed=seed,
                progress=progress,
                on_epoch=on_epoch,
                checkpoint=checkpoint,
            )
        case MLPConfig() | ImageNetwork() | WaveformNetwork():
            require("keras", extra="keras")
            from hepsieve.train import keras

            return keras.fit(name, config, train, validation, settings, seed=seed, progress=progress, on_epoch=on_epoch)
        case TreesConfig():
            require("xgboost", extra="trees")
            from hepsieve.train import trees

            return trees.fit(name, config, train, validation, settings, seed=seed, progress=progress, on_epoch=on_epoch)
        case AdaBoostConfig():
            from hepsieve.train import adaboost as ada

            return ada.fit(name, config, train, validation, settings, seed=seed, progress=progress, on_epoch=on_epoch)
        case _:
            assert_never(config)
