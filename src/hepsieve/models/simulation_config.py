"""What a user may choose about simulated events that are learned from beside the genuine ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from hepsieve.errors import ConfigError
from hepsieve.models.learner import Frozen

SimulatedWeight = Annotated[float, Field(ge=0)]


class SimulationConfig(Frozen):
    """Simulated events that are learned from beside the genuine ones, and never judged on.

    They join what is learned from alone: trainings are stopped, and models chosen, calibrated and judged on genuine
    events, and inputs are scaled by these. Simulated events keep the class proportions of the genuine ones.

    Attributes:
        files: of simulated events, in the columns of the data.
        rows: how many events the task's simulator makes, half of them signal; they are kept for later runs. Either
            ``files`` or ``rows`` is given.
        weight: the total weight of the simulated events over that of the genuine ones in training, in each class: 0.5
            lets them count half as much, 0 leaves them out. Of several, each model is trained with each, and the one
            that is best on genuine validation events (with folds, on those held out) is the model.
    """

    files: tuple[Path, ...] = ()
    rows: Annotated[int, Field(ge=2)] | None = None
    weight: SimulatedWeight | Annotated[tuple[SimulatedWeight, ...], Field(min_length=1)] = 1.0

    @field_validator("files", mode="before")
    @classmethod
    def _one_file_is_a_list_of_one(cls, files: Any) -> Any:
        return [files] if isinstance(files, str | Path) else files

    @model_validator(mode="after")
    def _says_where_from(self) -> SimulationConfig:
        if bool(self.files) == (self.rows is not None):
            raise ValueError("give either files of simulated events, or rows that the task's simulator makes")
        for twice in (self.files, self.weights):
            if len(set(twice)) < len(twice):
                raise ValueError(f"{twice[0]} stands there twice; name each once")
        return self

    @property
    def single(self) -> float:
        """The weight of one training.

        Raises:
            ConfigError: if there are several, of which each needs a training.
        """
        if len(self.weights) > 1:
            several = ", ".join(f"{one:g}" for one in self.weights)
            raise ConfigError(f"train.simulation.weight: one training has one weight, and here are {several}; name one")
        return self.weights[0]

    @property
    def weights(self) -> tuple[float, ...]:
        """All weights that are tried."""
        return self.weight if isinstance(self.weight, tuple) else (self.weight,)
