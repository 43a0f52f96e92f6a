"""EnsembleConfig: other models of a run, whose scores are averaged with weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from hepsieve.models.learner import Frozen, Loss

ENSEMBLE = "ensemble"
"""What the model that combines a portfolio is called."""

Weight = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]  # each is a folder's


class EnsembleConfig(Frozen):
    """The weighted mean of other models' scores; nothing is trained for it.

    ``hepsieve run --budget`` writes it. A task that has one trains its members and combines them in the same way.

    Attributes:
        members: by name of another model of the run, its weight; only their proportions count.
        loss: what all members minimise, where they predict their own errors (``gaussian``).
    """

    kind: Literal["ensemble"] = "ensemble"
    members: Annotated[dict[Name, Weight], Field(min_length=1)]
    loss: Loss | None = None

    @field_validator("members")
    @classmethod
    def _adds_up_to_one(cls, members: dict[str, float]) -> dict[str, float]:
        total = sum(members.values())
        return members if abs(total - 1) < 1e-12 else {name: weight / total for name, weight in members.items()}
