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

    The fold is counted from 1; None without folds. ``simulated_weight`` is that of simulated events over genuine ones,
    None where there are none; a training that is one of several with other weights is a candidate: only the best of
    them becomes the model.
    """

    name: str
    fold: int | None
    folds: int | None
    config: ModelConfig
    inputs: Inputs
    settings: TrainConfig
    seed: int
    simulated_weight: float | None = None
    is_candidate: bool = False

    @property
    def title(self) -> str:
        """What it is called where it is shown."""
        fold = "" if self.fold is None else f", fold {self.fold} of {self.folds}"
        weight = f", simulation × {self.simulated_weight:g}" if self.is_candidate else ""
        return f"{self.name}{fold}{weight}"

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
