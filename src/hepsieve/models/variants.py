"""Variants of one model: every point of a grid, or those points of a space that a search chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from itertools import product
from math import prod
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PositiveInt, TypeAdapter, ValidationError, model_validator

from hepsieve.models.config import ModelConfig
from hepsieve.models.learner import Frozen

_KINDS = get_args(get_args(ModelConfig)[0])
_ONE_MODEL: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)

Values = Annotated[tuple[Any, ...], Field(min_length=1)]


class GridConfig(Frozen):
    """A scan: one model for every combination of some settings.

    Attributes:
        model: what all of them have in common, as a model is written.
        over: the values of each setting that differs; a dotted name reaches into a setting, as in ``widths.first``.
        on_request: train them only when the grid is named (``--models``).
    """

    kind: Literal["grid"] = "grid"
    model: dict[str, Any]
    over: Annotated[dict[str, Values], Field(min_length=1)]
    on_request: bool = False

    @model_validator(mode="after")
    def _every_point_is_a_model(self) -> GridConfig:
        _require_no_start(self.over)
        for name, values in self.over.items():
            _require_each_once(name, values)
        self.models("")
        return self

    def models(self, name: str) -> dict[str, ModelConfig]:
        """The models of the grid, the last setting changing fastest; named after it and their values.

        >>> grid = GridConfig(model={"kind": "mlp"}, over={"batch_size": (100, 200)})
        >>> list(grid.models("scan"))
        ['scan-100', 'scan-200']
        """
        found = {title(name, point): variant(self.model, self.over, point) for point in product(*self.over.values())}
        if len(found) < prod(map(len, self.over.values())):
            raise ValueError("two models of the grid would have one name; let their values differ in letters or digits")
        return found


class RangeConfig(Frozen):
    """All numbers from ``low`` to ``high``, whole ones where both are written without a point.

    Attributes:
        low: the least.
        high: the largest.
        log: look for it among decades, not among differences.
    """

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _rises(self) -> RangeConfig:
        if not self.low < self.high:
            raise ValueError(f"{self.low:g} to {self.high:g} does not rise")
        if self.log and not self.low > 0:
            raise ValueError(f"there are no decades from {self.low:g}; let low be above 0, or leave log out")
        return self

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def _list_or_range(axis: Any) -> Any:
    if not isinstance(axis, dict | RangeConfig | list | tuple) or axis in ([], ()):
        raise ValueError("give a list of values, or a range such as {low: 1, high: 9}")
    return axis


Axis = Annotated[RangeConfig | Values, BeforeValidator(_list_or_range)]


class SearchConfig(Frozen):
    """A search: of all combinations of some settings those are trained that the results so far make likely.

    Each point is chosen by the validation figures of those before it (the monitored one of ``train``, at each model's
    best epoch), by a tree-structured Parzen estimator (NeurIPS 24 (2011) 2546), and becomes a model of the run.

    Attributes:
        model: what all of them have in common, as a model is written.
        over: by setting, a list of values or a range of numbers; a dotted name reaches into a setting.
        trials: how many are trained; fewer where the space has no more.
        startup: how many of these are drawn by chance before the others are chosen.
        seed: of the choice; null takes the task's.
        on_request: train them only when the search is named (``--models``).
    """

    kind: Literal["search"] = "search"
    model: dict[str, Any]
    over: Annotated[Mapping[str, Axis], Field(min_length=1)]
    trials: PositiveInt = 12
    startup: PositiveInt = 5
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    on_request: bool = False

    @model_validator(mode="after")
    def _points_are_models(self) -> SearchConfig:
        _require_no_start(self.over)
        for name, values in self.over.items():
            if name == "train_on":
                raise ValueError("over.train_on: figures on different events can't be compared; leave it out")
            if not isinstance(values, RangeConfig):
                _require_each_once(name, [_in_a_name(value) for value in values])
        for point in self.corners():
            self.at(point)
        return self

    def corners(self) -> Iterator[tuple[Any, ...]]:
        """Points with every value of each list, and the ends of each range; the other settings are at their first."""
        ends = [
            (values.low, values.high) if isinstance(values, RangeConfig) else values for values in self.over.values()
        ]
        first = tuple(values[0] for values in ends)
        yield first
        for k, values in enumerate(ends):
            for value in values[1:]:
                yield (*first[:k], value, *first[k + 1 :])

    def at(self, point: Sequence[Any]) -> ModelConfig:
        """The model with these values of the settings that differ, in their order.

        Raises:
            ValueError: if a model can't have them.
        """
        return variant(self.model, self.over, point)


def title(name: str, point: Sequence[Any]) -> str:
    """What a variant is called: after its grid or search, and its values.

    >>> title("scan", (0.5, ["energy", "time"], 1e-05))
    'scan-0_5-energy_time-1e_05'
    """
    return "-".join([name, *map(_in_a_name, point)])


def variant(model: dict[str, Any], settings: Iterable[str], point: Sequence[Any]) -> ModelConfig:
    """A model with the values of a point in the place of some settings.

    Raises:
        ValueError: if it can't have them.
    """
    values = deepcopy(model)
    for key, value in zip(settings, point, strict=True):
        _set(values, key, value)
    return _one_model(values, point)


def _require_no_start(over: Iterable[str]) -> None:
    if "start_from" in over:
        raise ValueError("over.start_from: all of them begin with one run; name it in model.start_from")


def _require_each_once(name: str, values: Sequence[Any]) -> None:
    if len(set(map(str, values))) < len(values):
        raise ValueError(f"over.{name}: a value stands there twice")


def _in_a_name(value: Any) -> str:
    """A value as it stands in a model's name.

    >>> _in_a_name(0.5), _in_a_name(["energy", "time"])
    ('0_5', 'energy_time')
    """
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return re.sub(r"[^A-Za-z0-9]+", "_", text)


def _one_model(settings: dict[str, Any], point: Sequence[Any]) -> ModelConfig:
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
            raise ValueError(f"model: no kind {settings['kind']!r} to make variants of")
        case _:
            said = first["msg"][:1].lower() + first["msg"][1:]
            raise ValueError(f"with the values {values}: {where}: {said}; found {first['input']!r}")


def _set(settings: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        inner = settings.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ValueError(f"over.{key}: {section} of the model is a value, not a section")
        settings = inner
    settings[last] = value
