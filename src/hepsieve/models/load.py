"""A model folder back to a Predictor."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from hepsieve.models.config import AdaBoostConfig, MLPConfig, ModelConfig, TreesConfig
from hepsieve.models.extras import require
from hepsieve.models.predictor import Predictor


def load_model(config: ModelConfig, folder: Path, inputs: int) -> Predictor:
    """The predictor that ``Predictor.save`` wrote into ``folder``; no code is read from it.

    Args:
        config: the model's section of the task.
        folder: where the model's files are, already verified against the manifest.
        inputs: number of inputs that the preparation gives.

    Raises:
        IntegrityError: if the files are missing, damaged or don't fit the config.
        MissingExtra: if the model's framework is not installed.
    """
    match config:
        case MLPConfig(backend="torch"):
            require("torch", extra="torch")
            from hepsieve.models.torch import mlp as torch_mlp

            return torch_mlp.load(config, folder, inputs)
        case MLPConfig():
            require("keras", extra="keras")
            from hepsieve.models.keras import mlp as keras_mlp

            return keras_mlp.load(config, folder, inputs)
        case TreesConfig():
            require("xgboost", extra="trees")
            from hepsieve.models import trees

            return trees.load(folder, inputs)
        case AdaBoostConfig():
            from hepsieve.models import adaboost

            return adaboost.load(folder, inputs)
        case _:
            assert_never(config)
