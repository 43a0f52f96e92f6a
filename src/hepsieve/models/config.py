"""What a user may choose about a model; sizes that follow from the data are arguments of the builders."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from hepsieve.models.image_config import CNNConfig, ImageNetwork, ResNetConfig, ShowerNetConfig, VGGConfig
from hepsieve.models.learner import Activation, Frozen, Initialiser, Learner
from hepsieve.models.network import Network
from hepsieve.models.tabular_config import Periodic, Piecewise, TabMConfig
from hepsieve.models.train_config import (
    Constant,
    Cosine,
    Flip,
    Monitor,
    OneCycle,
    ReduceOnPlateau,
    ScheduleConfig,
    TrainConfig,
)
from hepsieve.models.waveform_config import PulseNetConfig, WaveCNNConfig, WaveformNetwork, WaveResNetConfig

__all__ = [
    "Activation",
    "AdaBoostConfig",
    "CNNConfig",
    "Constant",
    "Cosine",
    "Flip",
    "Frozen",
    "ImageNetwork",
    "Initialiser",
    "Learner",
    "MLPConfig",
    "ModelConfig",
    "Monitor",
    "Network",
    "OneCycle",
    "Periodic",
    "Piecewise",
    "PulseNetConfig",
    "ReduceOnPlateau",
    "ResNetConfig",
    "ScheduleConfig",
    "ShowerNetConfig",
    "Steps",
    "TabMConfig",
    "Taper",
    "TrainConfig",
    "TreesConfig",
    "VGGConfig",
    "WaveCNNConfig",
    "WaveResNetConfig",
    "WaveformNetwork",
]


class Taper(Frozen):
    """Widths that fall linearly from ``first`` to ``last`` in ``layers`` layers, rounded up.

    The last of these layers is the single output, so one hidden layer fewer remains.

    >>> Taper(first=600, last=8, layers=5).hidden()
    (600, 452, 304, 156)
    """

    first: PositiveInt
    last: PositiveInt = 8
    layers: Annotated[int, Field(ge=2)]

    def hidden(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        # Rounded first: 0.1-sized floating-point dust must not add a node.
        return tuple(ceil(round(float(w), 9)) for w in np.linspace(self.first, self.last, self.layers))[:-1]


class Steps(Frozen):
    """Widths that change by a constant step: 25, 20 is ``{first: 25, step: -5, layers: 2}``.

    >>> Steps(first=25, step=-5, layers=2).hidden()
    (25, 20)
    """

    first: PositiveInt
    step: int
    layers: PositiveInt

    @model_validator(mode="after")
    def _stays_positive(self) -> Steps:
        if self.first + self.step * (self.layers - 1) < 1:
            raise ValueError(f"the last of {self.layers} layers would have no node; use fewer layers or a smaller step")
        return self

    def hidden(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        return tuple(self.first + self.step * k for k in range(self.layers))


class MLPConfig(Network):
    """A multilayer perceptron: hidden layers of one activation; images and waveforms are flattened for it."""

    kind: Literal["mlp"] = "mlp"
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | Taper | Steps = (300, 300, 300)
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def hidden(self) -> tuple[int, ...]:
        """The widths of the hidden layers, whichever way they were given."""
        match self.widths:
            case Taper() | Steps():
                return self.widths.hidden()
            case tuple():
                return self.widths


class TreesConfig(Learner):
    """Gradient-boosted decision trees (xgboost, histogram method) with early stopping.

    Attributes:
        shards: train on this many Parquet files through xgboost's Dask interface, for data larger than one machine's
            memory; needs a Dask cluster (``--engine dask`` or ``slurm``). Take a few for each worker.
        start_from: a run folder, in place of that of ``train``: trees are added to those of its model of this name.
    """

    kind: Literal["trees"] = "trees"
    rounds: PositiveInt = 2000
    patience: PositiveInt = 50
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    max_depth: Annotated[int, Field(ge=1, le=16)] = 6
    min_child_weight: Annotated[float, Field(ge=0)] = 1.0
    subsample: Annotated[float, Field(gt=0, le=1)] = 1.0
    colsample: Annotated[float, Field(gt=0, le=1)] = 1.0
    reg_lambda: Annotated[float, Field(ge=0)] = 1.0
    max_bin: Annotated[int, Field(ge=2, le=65535)] = 256
    shards: PositiveInt | None = None
    start_from: Path | None = None

    @model_validator(mode="after")
    def _begins_where_it_can(self) -> TreesConfig:
        if self.shards is not None and self.start_from is not None:
            raise ValueError("trees of shards begin anew; leave out start_from or shards")
        return self


class AdaBoostConfig(Learner):
    """AdaBoost on shallow decision trees (scikit-learn); depth 1 gives stumps."""

    kind: Literal["adaboost"] = "adaboost"
    estimators: PositiveInt = 200
    depth: Annotated[int, Field(ge=1, le=8)] = 1
    learning_rate: Annotated[float, Field(gt=0)] = 1.0


ModelConfig = Annotated[
    MLPConfig
    | TabMConfig
    | TreesConfig
    | AdaBoostConfig
    | CNNConfig
    | ResNetConfig
    | VGGConfig
    | ShowerNetConfig
    | WaveCNNConfig
    | WaveResNetConfig
    | PulseNetConfig,
    Field(discriminator="kind"),
]
