"""What every result of an evaluation is: a frozen value that turns into valid JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Result(BaseModel):
    """A frozen piece of an evaluation that turns into valid JSON (no NaN, no Infinity)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
