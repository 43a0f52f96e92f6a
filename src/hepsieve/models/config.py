"""What a user may choose about a model; sizes that follow from the data are arguments of the builders."""

from __future__ import annotations

import re
from copy import deepcopy
from difflib import get_close_matches
from itertools import product
from math import ceil, prod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PositiveInt, TypeAdapter, ValidationError, model_validator

from hepsieve.models.image_config import CNNConfig, ImageNetwork, ResNetConfig, ShowerNetConfig, VGGConfig
from hepsieve.models.learner import Activation, Frozen, Initialiser, Learner
from hepsieve.models.network import Network
from hepsieve.models.train_config import (
    Constant,
    Cosine,
    Flip,
    Monitor,
    OneCycle,
    ReduceOnPlateau,
    ScheduleConfig,
    TrainConfig,
)

__all__ = [
    "Activation",
    "AdaBoostConfig",
    "CNNConfig",
    "Constant",
    "Cosine",
    "Flip",
    "Frozen",
    "GridConfig",
    "ImageNetwork",
    "Initialiser",
    "Learner",
    "MLPConfig",
    "ModelConfig",
    "Monitor",
    "Network",
    "OneCycle",
    "ReduceOnPlateau",
    "ResNetConfig",
    "ScheduleConfig",
    "ShowerNetConfig",
    "Steps",
    "Taper",
    "TrainConfig",
    "TreesConfig",
    "VGGConfig",
]


class Taper(Frozen):
    """Widths that fall linearly from ``first`` to ``last`` in ``layers`` layers, rounded up.

    The last of these layers is the single output, so one hidden layer fewer remains.

    >>> Taper(first=600, last=8, layers=5).hidden()
    (600, 452, 304, 156)
    """

    first: PositiveInt
    last: PositiveInt = 8
    layers: Annotated[int, Field(ge=2)]

    def hidden(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        # Rounded first: 0.1-sized floating-point dust must not add a node.
        return tuple(ceil(round(float(w), 9)) for w in np.linspace(self.first, self.last, self.layers))[:-1]


class Steps(Frozen):
    """Widths that change by a constant step: 25, 20 is ``{first: 25, step: -5, layers: 2}``.

    >>> Steps(first=25, step=-5, layers=2).hidden()
    (25, 20)
    """

    first: PositiveInt
    step: int
    layers: PositiveInt

    @model_validator(mode="after")
    def _stays_positive(self) -> Steps:
        if self.first + self.step * (self.layers - 1) < 1:
            raise ValueError(f"the last of {self.layers} layers would have no node; use fewer layers or a smaller step")
        return self

    def hidden(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        return tuple(self.first + self.step * k for k in range(self.layers))


class MLPConfig(Network):
    """A multilayer perceptron: hidden layers of one activation, one logit as output; images are flattened for it."""

    kind: Literal["mlp"] = "mlp"
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | Taper | Steps = (300, 300, 300)
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def hidden(self) -> tuple[int, ...]:
        """The widths of the hidden layers, whichever way they were given."""
        match self.widths:
            case Taper() | Steps():
                return self.widths.hidden()
            case tuple():
                return self.widths


class TreesConfig(Learner):
    """Gradient-boosted decision trees (xgboost, histogram method) with early stopping."""

    kind: Literal["trees"] = "trees"
    rounds: PositiveInt = 2000
    patience: PositiveInt = 50
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    max_depth: Annotated[int, Field(ge=1, le=16)] = 6
    min_child_weight: Annotated[float, Field(ge=0)] = 1.0
    subsample: Annotated[float, Field(gt=0, le=1)] = 1.0
    colsample: Annotated[float, Field(gt=0, le=1)] = 1.0
    reg_lambda: Annotated[float, Field(ge=0)] = 1.0
    max_bin: Annotated[int, Field(ge=2, le=65535)] = 256


class AdaBoostConfig(Learner):
    """AdaBoost on shallow decision trees (scikit-learn); depth 1 gives stumps."""

    kind: Literal["adaboost"] = "adaboost"
    estimators: PositiveInt = 200
    depth: Annotated[int, Field(ge=1, le=8)] = 1
    learning_rate: Annotated[float, Field(gt=0)] = 1.0


ModelConfig = Annotated[
    MLPConfig | TreesConfig | AdaBoostConfig | CNNConfig | ResNetConfig | VGGConfig | ShowerNetConfig,
    Field(discriminator="kind"),
]
_KINDS: tuple[type[Learner], ...] = (
    MLPConfig,
    TreesConfig,
    AdaBoostConfig,
    CNNConfig,
    ResNetConfig,
    VGGConfig,
    ShowerNetConfig,
)
_ONE_MODEL: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)


class GridConfig(Frozen):
    """A scan: one model for every combination of some settings.

    Attributes:
        model: what all of them have in common, as a model is written.
        over: the values of each setting that differs; a dotted name reaches into a setting, as in ``widths.first``.
        on_request: train them only when the grid is named (``--models``).
    """

    kind: Literal["grid"] = "grid"
    model: dict[str, Any]
    over: Annotated[dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]], Field(min_length=1)]
    on_request: bool = False

    @model_validator(mode="after")
    def _every_point_is_a_model(self) -> GridConfig:
        for name, values in self.over.items():
            if len(set(map(str, values))) < len(values):
                raise ValueError(f"over.{name}: a value stands there twice")
        self.models("")
        return self

    def models(self, name: str) -> dict[str, ModelConfig]:
        """The models of the grid, the last setting changing fastest; named after it and their values.

        >>> grid = GridConfig(model={"kind": "mlp"}, over={"batch_size": (100, 200)})
        >>> list(grid.models("scan"))
        ['scan-100', 'scan-200']
        """
        found: dict[str, ModelConfig] = {}
        for point in product(*self.over.values()):
            settings = deepcopy(self.model)
            for key, value in zip(self.over, point, strict=True):
                _set(settings, key, value)
            title = "-".join([name, *map(_in_a_name, point)])
            found[title] = _one_model(settings, point)
        if len(found) < prod(map(len, self.over.values())):
            raise ValueError("two models of the grid would have one name; let their values differ in letters or digits")
        return found


def _in_a_name(value: Any) -> str:
    """A value as it stands in a model's name.

    >>> _in_a_name(0.5), _in_a_name(["energy", "time"])
    ('0_5', 'energy_time')
    """
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return re.sub(r"[^A-Za-z0-9]+", "_", text)


def _one_model(settings: dict[str, Any], point: tuple[Any, ...]) -> ModelConfig:
    if "kind" not in settings:
        raise ValueError("model: say its kind, such as mlp or trees")
    try:
        return _ONE_MODEL.validate_python(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    values = ", ".join(map(str, point))
    match first["type"]:
        case "extra_forbidden":
            known = {kind.model_fields["kind"].default: kind.model_fields for kind in _KINDS}[settings["kind"]]
            near = get_close_matches(where, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"a model of kind {settings['kind']} has no setting {where!r}; {hint}")
        case "union_tag_invalid":
            raise ValueError(f"model: no kind {settings['kind']!r} to make a grid of")
        case _:
            said = first["msg"][:1].lower() + first["msg"][1:]
            raise ValueError(f"with the values {values}: {where}: {said}; found {first['input']!r}")


def _set(settings: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        inner = settings.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ValueError(f"over.{key}: {section} of the grid's model is a value, not a section")
        settings = inner
    settings[last] = value
