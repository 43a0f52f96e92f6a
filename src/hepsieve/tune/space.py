"""Space: the points that a search may try, drawn one parameter after the other, and the task of each point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal, Protocol, assert_never

from pydantic import ValidationError

from hepsieve.config import TaskConfig
from hepsieve.errors import ConfigError
from hepsieve.tune.trial_values import Point
from hepsieve.tune_config import AxisConfig, ChoiceAxis, FloatAxis, IntAxis, LogAxis, TuneConfig, rounded, same
from hepsieve.tune_paths import MODEL, Parameter, better, counts, require_metric, resolve
from hepsieve.tune_settings import SpaceMistake

Setting = str | int | float | bool | None
_MOST_COUNTED = 10_000


class Drawing(Protocol):
    """What draws a trial's parameters, such as a trial of Optuna."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of these."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """A whole number of a range."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A number of a range."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """The points of a search.

    Attributes:
        task: whose settings are tuned.
        tune: its section ``tune``.
        models: names of the models that are tuned; of several, the first parameter says which is drawn.
        parameters: the settings that are tuned, each after those that it depends on.
    """

    task: TaskConfig
    tune: TuneConfig
    models: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, task: TaskConfig) -> Space:
        """The space of a task with a section ``tune``.

        Raises:
            ConfigError: if it has none, or one that does not fit the task.
        """
        if task.tune is None:
            raise ConfigError(f"task {task.task}: nothing to search; give it a section tune with a space")
        try:
            require_metric(task.tune, task.kind)
            models, parameters = resolve(task.tune, task.settings)
        except SpaceMistake as mistake:
            where = ".".join(str(part) for part in ("tune", *mistake.loc))
            raise ConfigError(f"task {task.task}: {where}: {mistake}") from None
        return cls(task=task, tune=task.tune, models=models, parameters=parameters)

    @property
    def metric(self) -> str:
        """The figure that trials are compared by."""
        return self.tune.metric or self.task.selects_by

    @property
    def better(self) -> Literal["larger", "smaller"]:
        """Which figures win."""
        return better(self.metric)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The names of all parameters."""
        return (*((MODEL,) if len(self.models) > 1 else ()), *(one.path for one in self.parameters))

    def suggest(self, trial: Drawing) -> Point:
        """Draw a point: the model first, then every parameter that counts with what was drawn so far.

        What a parameter is called in the trial depends on its path alone; values of a choice are drawn by their
        places. Numbers of a range are rounded to four digits: what is shown is what is trained.
        """
        point: Point = {}
        if len(self.models) > 1:
            point[MODEL] = self.models[trial.suggest_categorical(MODEL, tuple(range(len(self.models))))]
        for parameter in self.parameters:
            if self._counts(parameter, point):
                point[parameter.path] = _suggested(trial, parameter.path, parameter.axis)
        return point

    def parameters_of(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """A point as ``suggest`` draws it: choices by their places."""
        drawn: dict[str, Any] = {}
        if MODEL in point:
            drawn[MODEL] = self.models.index(point[MODEL])
        for parameter in self.parameters:
            if parameter.path in point:
                value, axis = point[parameter.path], parameter.axis
                drawn[parameter.path] = _place(value, axis) if isinstance(axis, ChoiceAxis) else value
        return drawn

    def point_of(self, drawn: Mapping[str, Any]) -> Point:
        """The point of parameters that ``suggest`` drew."""
        point: Point = {}
        if MODEL in drawn:
            point[MODEL] = self.models[drawn[MODEL]]
        for parameter in self.parameters:
            if parameter.path in drawn:
                value, axis = drawn[parameter.path], parameter.axis
                point[parameter.path] = axis.choice[value] if isinstance(axis, ChoiceAxis) else value
        return point

    @property
    def countable(self) -> bool:
        """Whether all its points can be counted."""
        return all(parameter.axis.values() is not None for parameter in self.parameters)

    @cached_property
    def most_trials(self) -> int | None:
        """How many are tried at most; None where only time ends the search, or nobody wants to count so far."""
        limit = self.tune.most_trials
        counted = len(list(islice(self.points(), _MOST_COUNTED))) if self.countable else _MOST_COUNTED
        return min((n for n in (limit, counted) if n is not None and n < _MOST_COUNTED), default=limit)

    def points(self) -> Iterator[Point]:
        """All points of a space that can be counted, the last parameter changing fastest; none twice."""
        for model in self.models:
            yield from self._from(0, {MODEL: model} if len(self.models) > 1 else {})

    def _from(self, place: int, point: Point) -> Iterator[Point]:
        if place == len(self.parameters):
            yield dict(point)
            return
        parameter = self.parameters[place]
        if not self._counts(parameter, point):
            yield from self._from(place + 1, point)
            return
        for value in parameter.axis.values() or ():
            yield from self._from(place + 1, {**point, parameter.path: value})

    def at(self, point: Mapping[str, Any]) -> tuple[str, TaskConfig]:
        """The name of a point's model, and the task with its values set, that model alone, and no search.

        Raises:
            ConfigError: if values that are good by themselves do not go together.
        """
        model = self.model_of(point)
        values = {path: value for path, value in point.items() if path != MODEL}
        try:
            settings = self.task.settings.replaced(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            said = first["msg"].removeprefix("Value error, ")
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{model}: {f'{where}: ' if where else ''}{said}") from None
        except ValueError as error:
            raise ConfigError(f"{model}: {error}") from None
        sections = {"models": {model: settings.models[model]}, "train": settings.train, "prepare": settings.prepare}
        return model, self.task.model_copy(update={**sections, "tune": None})

    def model_of(self, point: Mapping[str, Any]) -> str:
        """The name of a point's model."""
        return str(point.get(MODEL, self.models[0]))

    def shown(self, point: Mapping[str, Any]) -> dict[str, Setting]:
        """A point as it is printed: numbers, words, and lists in words."""
        return {path: _shown(value) for path, value in point.items()}

    def _counts(self, parameter: Parameter, point: Mapping[str, Any]) -> bool:
        return counts(parameter, point, self.model_of(point))


def _suggested(trial: Drawing, name: str, axis: AxisConfig) -> Any:
    match axis:
        case ChoiceAxis():
            # By their places: Optuna knows plain values only, and a list is none.
            return axis.choice[trial.suggest_categorical(name, tuple(range(len(axis.choice))))]
        case IntAxis():
            low, high = axis.ends()[0], axis.ends()[-1]
            return trial.suggest_int(name, low, high, step=axis.step, log=axis.log)
        case FloatAxis():
            if (every := axis.values()) is None:
                return _in_range(trial.suggest_float(name, *axis.float, log=axis.log), *axis.float)
            drawn = trial.suggest_float(name, every[0], every[-1], step=axis.step)
            return min(every, key=lambda value: abs(value - drawn))
        case LogAxis():
            return _in_range(trial.suggest_float(name, *axis.log, log=True), *axis.log)
        case _:
            assert_never(axis)


def _in_range(value: float, low: float, high: float) -> float:
    return min(max(rounded(value), low), high)


def _place(value: Any, axis: ChoiceAxis) -> int:
    return next(k for k, other in enumerate(axis.choice) if same(value, other))


def _shown(value: Any) -> Setting:
    """A value as it is printed.

    >>> _shown((64, 64)), _shown({"kind": "cosine"}), _shown(0.1)
    ('64, 64', 'kind: cosine', 0.1)
    """
    match value:
        case list() | tuple():
            return ", ".join(str(_shown(one)) for one in value)
        case dict():
            return ", ".join(f"{key}: {_shown(one)}" for key, one in value.items())
        case str() | int() | float() | None:
            return value
        case _:
            return str(value)
