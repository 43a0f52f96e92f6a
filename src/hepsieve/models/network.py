"""What every neural network may have of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from hepsieve.models.learner import Initialiser, Learner
from hepsieve.models.train_config import TrainConfig


class Network(Learner):
    """What every neural network may have of its own.

    ``epochs``, ``batch_size`` and ``learning_rate`` stand in for those of ``train`` where a network needs its own.
    """

    backend: Literal["torch", "keras"] = "torch"
    epochs: PositiveInt | None = None
    batch_size: PositiveInt | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    initialiser: Initialiser = "default"

    def own(self, common: TrainConfig) -> TrainConfig:
        """The training's settings with those of this network in their place."""
        wanted = {"epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": self.learning_rate}
        return common.model_copy(update={key: value for key, value in wanted.items() if value is not None})
