"""The task's own settings as points of its space: the first to be tried, so that no winner is worse on validation."""

from __future__ import annotations

from typing import Any, assert_never

from hepsieve.models.network import OWN, Network
from hepsieve.tune.space import Space
from hepsieve.tune.trial_values import Point
from hepsieve.tune_config import AxisConfig, ChoiceAxis, FloatAxis, IntAxis, LogAxis, same
from hepsieve.tune_paths import MODEL, counts

_MISSING = object()


def own_points(space: Space) -> tuple[Point, ...]:
    """For each model that is tuned the point that changes nothing, where the space has it."""
    found = (_own_point(space, model) for model in space.models)
    return tuple(point for point in found if point is not None)


def _own_point(space: Space, model: str) -> Point | None:
    point: Point = {MODEL: model} if len(space.models) > 1 else {}
    for parameter in space.parameters:
        if counts(parameter, point, model):
            value = _value(space, parameter.path)
            if not _holds(parameter.axis, value):
                return None
            point[parameter.path] = value
    return point


def _value(space: Space, path: str) -> Any:
    section, rest = space.task.settings.section(path)
    value: Any = section.model_dump(mode="json")
    if isinstance(section, Network):  # what it does not say itself is the task's
        common = section.own(space.task.train).model_dump(mode="json")
        value |= {name: common[name] for name in OWN}
    for key in rest:
        value = value.get(key, _MISSING) if isinstance(value, dict) else _MISSING
    return value


def _holds(axis: AxisConfig, value: Any) -> bool:
    """Whether a value can be drawn."""
    if isinstance(axis, ChoiceAxis):
        return any(same(value, other) for other in axis.choice)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    match axis:
        case IntAxis():
            return isinstance(value, int) and value in axis.values()
        case FloatAxis():
            every = axis.values()
            return axis.float[0] <= value <= axis.float[1] if every is None else value in every
        case LogAxis():
            return axis.log[0] <= value <= axis.log[1]
        case _:
            assert_never(axis)
