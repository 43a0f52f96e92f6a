"""A model folder back to a Predictor."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import assert_never

from hepsieve.errors import ConfigError, IntegrityError
from hepsieve.models.architecture import SpatialConfig, architecture
from hepsieve.models.config import (
    AdaBoostConfig,
    ImageNetwork,
    MLPConfig,
    ModelConfig,
    TabMConfig,
    TreesConfig,
    WaveformNetwork,
)
from hepsieve.models.extras import require
from hepsieve.models.predictor import Predictor


def load_model(config: ModelConfig, folder: Path, shape: tuple[int, ...]) -> Predictor:
    """The predictor that ``Predictor.save`` wrote into ``folder``; no code is read from it.

    Args:
        config: the model's section of the task.
        folder: where the model's files are, already verified against the manifest.
        shape: of the inputs that the preparation gives for one event.

    Raises:
        IntegrityError: if the files are missing, damaged or don't fit the config.
        MissingExtra: if the model's framework is not installed.
    """
    inputs = prod(shape)
    match config:
        case MLPConfig(backend="torch"):
            require("torch", extra="torch")
            from hepsieve.models.torch import mlp as torch_mlp

            return torch_mlp.load(config, folder, inputs)
        case MLPConfig():
            require("keras", extra="keras")
            from hepsieve.models.keras import mlp as keras_mlp

            return keras_mlp.load(config, folder, inputs)
        case TabMConfig(backend="torch"):
            require("torch", extra="torch")
            from hepsieve.models.torch import tabular as torch_tabular

            return torch_tabular.load(config, folder, inputs)
        case TabMConfig():
            require("keras", extra="keras")
            from hepsieve.models.keras import tabular as keras_tabular

            return keras_tabular.load(config, folder, inputs)
        case TreesConfig():
            require("xgboost", extra="trees")
            from hepsieve.models import trees

            return trees.load(folder, inputs)
        case AdaBoostConfig():
            from hepsieve.models import adaboost

            return adaboost.load(folder, inputs)
        case ImageNetwork(backend="torch") | WaveformNetwork(backend="torch"):
            require("torch", extra="torch")
            from hepsieve.models.torch import spatial as torch_spatial

            _require_fitting(config, folder, shape)
            return torch_spatial.load(config, folder, shape)
        case ImageNetwork() | WaveformNetwork():
            require("keras", extra="keras")
            from hepsieve.models.keras import spatial as keras_spatial

            _require_fitting(config, folder, shape)
            return keras_spatial.load(config, folder, shape)
        case _:
            assert_never(config)


def _require_fitting(config: SpatialConfig, folder: Path, shape: tuple[int, ...]) -> None:
    try:
        architecture(config, shape)
    except ConfigError as error:
        raise IntegrityError(f"{folder}: {error}; its preparation and its model don't belong together") from None
