"""What every model, and every network, may have of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Activation = Literal["relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Loss = Literal["cross_entropy", "squared", "huber", "gaussian"]
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
        loss: what the model minimises: ``cross_entropy`` (binary, of classes), ``squared`` error, of networks also
            ``huber`` (its squared error turns linear at ``huber_delta``) or ``gaussian`` (the negative log-likelihood
            of a normal distribution whose width the network predicts as well), both in a regression; null takes
            cross-entropy for classes and squared error for numbers.
        shower_shapes: summarise each image into a table of shower shapes first (trees learn from those best).
        pulse_shapes: summarise each waveform into a table of pulse shapes first, likewise.
    """

    without: tuple[str, ...] = ()
    train_on: dict[str, Annotated[tuple[float, ...], Field(min_length=1)]] = Field(default_factory=dict)
    loss: Loss | None = None
    shower_shapes: bool = False
    pulse_shapes: bool = False
