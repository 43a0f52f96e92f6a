"""What every model, and every network, may have of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Activation = Literal["relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Initialiser = Literal[
    "default", "normal", "truncated_normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"
]


class Frozen(BaseModel):
    """A configuration section: unknown keys are refused and nothing changes after validation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Learner(Frozen):
    """What every model may have of its own.

    Attributes:
        without: features that this model does not get.
        train_on: by column (a feature or a spectator), the values that its training events may have; all others are
            kept from it, also where it stops. It is judged on all events: so one sees what it makes of a mass that it
            never saw.
        shower_shapes: summarise each image into a table of shower shapes first (trees learn from those best).
    """

    without: tuple[str, ...] = ()
    train_on: dict[str, Annotated[tuple[float, ...], Field(min_length=1)]] = Field(default_factory=dict)
    shower_shapes: bool = False
