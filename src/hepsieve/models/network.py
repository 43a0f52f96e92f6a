"""What every neural network may have of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from hepsieve.models.learner import Initialiser, Learner
from hepsieve.models.train_config import Keep, Optimizer, ScheduleConfig, TrainConfig

OWN = (
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "schedule",
    "ema",
    "keep",
    "precision",
    "symmetries",
    "start_from",
)
"""Settings of a training that a network may have of its own."""


class Network(Learner):
    """What every neural network may have of its own.

    ``epochs``, ``batch_size``, ``optimizer``, ``learning_rate``, ``weight_decay``, ``schedule``, ``precision`` and
    ``ema`` stand in for those of ``train`` where a network needs its own (an ``ema`` of 0 averages nothing); so do
    ``start_from`` and ``keep`` (``last`` has every epoch, whatever ``train.patience`` is).

    Attributes:
        huber_delta: where the loss ``huber`` turns from a parabola into a line, as a share of the target's full scale.
    """

    backend: Literal["torch", "keras"] = "torch"
    epochs: PositiveInt | None = None
    batch_size: PositiveInt | None = None
    optimizer: Optimizer | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    schedule: ScheduleConfig | None = None
    ema: Annotated[float, Field(ge=0, lt=1)] | None = None
    keep: Keep | None = None
    precision: Literal["float32", "bf16"] | None = None
    start_from: Path | None = None
    huber_delta: Annotated[float, Field(gt=0)] = 0.05
    initialiser: Initialiser = "default"

    def own(self, common: TrainConfig) -> TrainConfig:
        """The training's settings with those of this network in their place."""
        wanted = {name: getattr(self, name) for name in OWN}
        own = common.model_copy(update={key: value for key, value in wanted.items() if value is not None})
        return own.model_copy(update={"patience": None}) if own.keep == "last" else own
