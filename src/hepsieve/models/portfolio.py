"""PortfolioConfig: the models that a budget of time is spent on, most promising first; and those of no task's own."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, field_validator
from ruamel.yaml import YAML

from hepsieve.models.config import ModelConfig, TreesConfig
from hepsieve.models.ensemble_config import ENSEMBLE
from hepsieve.models.learner import Frozen

Sees = Literal["tables", "images", "waveforms"]


AGAIN = "-seed"
"""Between the name of a model and the number of its training with another seed."""


class PortfolioConfig(Frozen):
    """What ``hepsieve run --budget`` trains, and how it combines it.

    Attributes:
        models: by name, the most promising first: what does not fit into the time is left out.
        seeds: of a model that draws by chance, how many trainings there may be in all when time is left.
        steps: of the greedy selection, each of which adds one model to the ensemble; the best of them is kept.
    """

    models: Annotated[dict[str, ModelConfig], Field(min_length=1)]
    seeds: PositiveInt = 8
    steps: PositiveInt = 40

    @field_validator("models")
    @classmethod
    def _can_be_trained_here(cls, models: dict[str, Any]) -> dict[str, Any]:
        for name, model in models.items():
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"model name {name!r} may hold letters, digits, '-' and '_' only")
            if AGAIN in name and name.rpartition(AGAIN)[2].isdigit():
                raise ValueError(f"model name {name!r} is one of those of further seeds of a model; choose another")
            if name == ENSEMBLE:
                raise ValueError(f"model name {name!r} is that of all of them together; choose another")
            if isinstance(model, TreesConfig) and model.shards is not None:
                raise ValueError(f"{name}.shards: a budget is spent on this machine; leave shards out")
        return models


def default_portfolio(sees: Sees) -> PortfolioConfig:
    """The portfolio of a task that has none of its own: ``portfolios/<sees>.yaml``."""
    text = resources.files("hepsieve.portfolios").joinpath(f"{sees}.yaml").read_text(encoding="utf-8")
    return PortfolioConfig.model_validate(YAML(typ="safe", pure=True).load(text))
