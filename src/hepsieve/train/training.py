"""Training: everything that the result of one training depends on."""

from __future__ import annotations

from dataclasses import dataclass

from hepsieve.models.config import ModelConfig, TrainConfig
from hepsieve.prepare import AnyPreparation
from hepsieve.train.inputs import Inputs
from hepsieve.train.trained import Part


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """One training: what ``train_model`` takes, how it was prepared, and which fold it belongs to.

    The fold is counted from 1; None without folds.
    """

    name: str
    fold: int | None
    folds: int | None
    config: ModelConfig
    inputs: Inputs
    settings: TrainConfig
    seed: int

    @property
    def title(self) -> str:
        """What it is called where it is shown."""
        return self.name if self.fold is None else f"{self.name}, fold {self.fold} of {self.folds}"

    @property
    def preparation(self) -> AnyPreparation:
        """How its inputs were made."""
        return self.inputs.preparation

    @property
    def train(self) -> Part:
        """What it learns from."""
        return self.inputs.train

    @property
    def validation(self) -> Part:
        """What stops it."""
        return self.inputs.validation
