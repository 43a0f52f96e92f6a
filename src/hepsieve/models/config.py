"""What a user may choose about a model; sizes that follow from the data are arguments of the builders."""

from __future__ import annotations

import re
from copy import deepcopy
from difflib import get_close_matches
from itertools import product
from math import ceil, prod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, TypeAdapter, ValidationError, model_validator

Activation = Literal["relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Initialiser = Literal[
    "default", "normal", "truncated_normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"
]


class Frozen(BaseModel):
    """A configuration section: unknown keys are refused and nothing changes after validation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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


class Learner(Frozen):
    """What every model may have of its own.

    Attributes:
        without: features that this model does not get.
        train_on: by column (a feature or a spectator), the values that its training events may have; all others are
            kept from it, also where it stops. It is judged on all events: so one sees what it makes of a mass that it
            never saw.
    """

    without: tuple[str, ...] = ()
    train_on: dict[str, Annotated[tuple[float, ...], Field(min_length=1)]] = Field(default_factory=dict)


class MLPConfig(Learner):
    """A multilayer perceptron: hidden layers of one activation, one logit as output.

    ``epochs`` and ``batch_size`` stand in for those of ``train`` where a network needs numbers of its own.
    """

    kind: Literal["mlp"] = "mlp"
    backend: Literal["torch", "keras"] = "torch"
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | Taper | Steps = (300, 300, 300)
    activation: Activation = "relu"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    epochs: PositiveInt | None = None
    batch_size: PositiveInt | None = None
    initialiser: Initialiser = "default"

    def own(self, common: TrainConfig) -> TrainConfig:
        """The training's settings with those of this network in their place."""
        wanted = {"epochs": self.epochs, "batch_size": self.batch_size}
        return common.model_copy(update={key: value for key, value in wanted.items() if value is not None})

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


ModelConfig = Annotated[MLPConfig | TreesConfig | AdaBoostConfig, Field(discriminator="kind")]
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
            title = "-".join([name, *(re.sub(r"[^A-Za-z0-9]+", "_", str(value)) for value in point)])
            found[title] = _one_model(settings, point)
        if len(found) < prod(map(len, self.over.values())):
            raise ValueError("two models of the grid would have one name; let their values differ in letters or digits")
        return found


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
            kinds: dict[str, type[Learner]] = {"mlp": MLPConfig, "trees": TreesConfig, "adaboost": AdaBoostConfig}
            known = kinds[settings["kind"]].model_fields
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


class Constant(Frozen):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"


class Cosine(Frozen):
    """Half a cosine from the learning rate down to ``final`` times it, after a linear warm-up."""

    kind: Literal["cosine"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0)] = 0.0
    final: Annotated[float, Field(ge=0, le=1)] = 0.0


class OneCycle(Frozen):
    """Up from ``start`` times the learning rate in the first ``rise`` of the steps, then down to ``final`` times it."""

    kind: Literal["one_cycle"] = "one_cycle"
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start: Annotated[float, Field(gt=0, le=1)] = 0.04
    final: Annotated[float, Field(ge=0, le=1)] = 1e-4


class ReduceOnPlateau(Frozen):
    """Multiply by ``factor`` after ``patience`` epochs without improvement, not below ``minimum``."""

    kind: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: PositiveInt = 5
    minimum: Annotated[float, Field(ge=0)] = 1e-6


ScheduleConfig = Annotated[Constant | Cosine | OneCycle | ReduceOnPlateau, Field(discriminator="kind")]
Monitor = Literal["loss", "accuracy", "auc"]


class TrainConfig(Frozen):
    """How the networks are trained; tree models carry their own numbers of rounds.

    Attributes:
        patience: epochs without improvement of ``monitor`` (on validation) before training stops; null never stops.
        min_delta: a smaller improvement does not count.
        balance: ``class_weights`` gives both classes the same total weight, ``undersample`` leaves out training
            events of the larger class, by chance, until both have as many.
        folds: cross-validate: the events that are not test are cut into so many folds, every model is trained once
            for each fold on the others (one of which stops it), and the mean of all is the model; null trains once.
        negative_weights: the stated policy in training, the same for every backend. Evaluation always keeps them.
        precision: ``bf16`` computes in bfloat16 and keeps float32 weights (PyTorch; Keras's ``mixed_bfloat16``).
        device: ``auto`` takes CUDA where there is one.
    """

    @model_validator(mode="before")
    @classmethod
    def _former_spelling(cls, values: Any) -> Any:
        """Run folders from before ``balance`` say ``class_weight: balanced`` or ``none``."""
        if not isinstance(values, dict) or "class_weight" not in values or "balance" in values:
            return values
        spelled = {"balanced": "class_weights"}
        kept = {key: value for key, value in values.items() if key != "class_weight"}
        return {**kept, "balance": spelled.get(values["class_weight"], values["class_weight"])}

    epochs: PositiveInt = 100
    batch_size: PositiveInt = 256
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: ScheduleConfig = Constant()
    monitor: Monitor = "loss"
    patience: PositiveInt | None = 10
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    balance: Literal["none", "class_weights", "undersample"] = "none"
    folds: Annotated[int, Field(ge=3)] | None = None
    negative_weights: Literal["keep", "abs", "drop"] = "drop"
    precision: Literal["float32", "bf16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
