"""What every model, and every network, may have of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hepsieve.objects import Derive, FrameConfig

Activation = Literal["relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Loss = Literal["cross_entropy", "squared", "huber", "gaussian"]
Symmetry = Literal["rotation", "reflection", "mirror"]
Initialiser = Literal[
    "default", "normal", "truncated_normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"
]


class Frozen(BaseModel):
    """A configuration section: unknown keys are refused and nothing changes after validation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Learner(Frozen):
    """What every model may have of its own.

    Attributes:
        without: features that this model does not get, derived ones too; what is derived from a column goes with it.
        derive: the groups of derived features that it gets; null takes those of ``prepare.derive``.
        frame: the frame in which it sees particles and jets; null takes that of ``prepare.frame``, ``{}`` none.
        train_on: by column (a feature or a spectator), the values that its training events may have; all others are
            kept from it, also where it stops. It is judged on all events: so one sees what it makes of a mass that it
            never saw.
        loss: what the model minimises: ``cross_entropy`` (binary, of classes), ``squared`` error, of networks also
            ``huber`` (its squared error turns linear at ``huber_delta``) or ``gaussian`` (the negative log-likelihood
            of a normal distribution whose width the network predicts as well), both in a regression; null takes
            cross-entropy for classes and squared error for numbers.
        shower_shapes: summarise each image into a table of shower shapes first (trees learn from those best).
        pulse_shapes: summarise each waveform into a table of pulse shapes first, likewise.
        symmetries: of its tables, in place of ``train.symmetries``; null takes those. Networks are trained with them,
            and whatever has an ``average`` above 1 is averaged over them.
        average: of tables, the score is the mean over so many symmetric copies of an event: all combinations of
            reflection and mirror, as far as they are among the symmetries, each turned by equal steps if rotation is.
        average_flips: of images, the score is the mean over all combinations of ``train.flips``.
        seed: of what its training draws; null takes the task's.
    """

    without: tuple[str, ...] = ()
    derive: tuple[Derive, ...] | None = None
    frame: FrameConfig | None = None
    train_on: dict[str, Annotated[tuple[float, ...], Field(min_length=1)]] = Field(default_factory=dict)
    loss: Loss | None = None
    shower_shapes: bool = False
    pulse_shapes: bool = False
    symmetries: tuple[Symmetry, ...] | None = None
    average: Annotated[int, Field(ge=1, le=64)] = 1
    average_flips: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
