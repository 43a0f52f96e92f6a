"""The section ``tune`` of a task against the task itself: the parameters of the search, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from hepsieve.models.config import TreesConfig
from hepsieve.tune_config import AxisConfig, TuneConfig, same
from hepsieve.tune_settings import Settings, SpaceMistake, models_of, require_tunable, require_values

MODEL = "model"
"""What the parameter is called that says which model is drawn."""
_METRICS = {"classification": ("auc", "log_loss", "accuracy"), "regression": ("rmse", "mae")}
_LARGER = ("auc", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A setting that is tuned.

    Attributes:
        path: of the setting.
        axis: its values.
        models: those for which it counts.
        when: by path of an earlier parameter, the values with which it counts.
    """

    path: str
    axis: AxisConfig
    models: tuple[str, ...]
    when: Mapping[str, tuple[Any, ...]]


def resolve(tune: TuneConfig, settings: Settings) -> tuple[tuple[str, ...], tuple[Parameter, ...]]:
    """The models that are tuned, and the parameters, in the order of the space.

    Args:
        tune: the section of the task.
        settings: the other sections.

    Raises:
        SpaceMistake: if the space does not fit the task.
    """
    if not tune.space and len(tune.models or ()) < 2:
        raise SpaceMistake(("space",), "names nothing to tune, such as models.trees.max_depth: {int: [3, 9]}")
    if tune.folds is not None and settings.train.folds not in (None, tune.folds):
        raise SpaceMistake(
            ("folds",), f"train.folds of the task ({settings.train.folds}) judge every trial; leave it out"
        )
    for path in tune.space:
        require_tunable(path, settings)
    tuned = _tuned(tune, settings)
    _require_alone(tuned, settings)
    found: dict[str, Parameter] = {}
    left_out: set[str] = set()  # settings of models that are not tuned this time
    for path, axis in tune.space.items():
        when = _conditions(path, axis, found, left_out, settings)
        _, name, *_ = path.split(".")
        absent = name not in tuned if path.startswith("models.") else _of_others(path, tune, tuned, settings)
        if absent or any(parent in left_out for parent in when) or not _models_left(when, tuned):
            left_out.add(path)
        else:
            found[path] = _parameter(path, axis, when, found, tuned, settings, tune)
    parameters = tuple(found.values())
    for parameter in parameters:
        if tune.method == "grid" and parameter.axis.values() is None:
            raise SpaceMistake(
                ("space", parameter.path), "a grid needs values that can be counted; give it a step, or a choice"
            )
        require_values(parameter.path, parameter.axis, settings, _contexts(parameter, parameters))
    if not parameters and len(tuned) == 1:
        raise SpaceMistake(("space",), f"there is nothing to tune for {tuned[0]}; name settings of it")
    return tuned, parameters


def require_metric(tune: TuneConfig, kind: Literal["classification", "regression"]) -> None:
    """Refuse a figure that the task does not have.

    Raises:
        SpaceMistake: naming those that it has.
    """
    if tune.metric not in (None, *_METRICS[kind]):
        raise SpaceMistake(("metric",), f"a {kind} is tuned by {_some(_METRICS[kind])}; found {tune.metric}")


def better(metric: str) -> Literal["larger", "smaller"]:
    """Which figures of a metric win."""
    return "larger" if metric in _LARGER else "smaller"


def counts(parameter: Parameter, point: Mapping[str, Any], model: str) -> bool:
    """Whether a parameter counts, given this model and the values of the parameters before it."""
    return model in parameter.models and all(
        one_of(model if path == MODEL else point.get(path, _NOTHING), values) for path, values in parameter.when.items()
    )


_NOTHING = object()


def one_of(value: Any, values: Sequence[Any]) -> bool:
    """Whether a value is among these."""
    if isinstance(values, range):
        return isinstance(value, int) and not isinstance(value, bool) and value in values
    return any(same(value, other) for other in values)


def _tuned(tune: TuneConfig, settings: Settings) -> tuple[str, ...]:
    named = _named(tune)
    if tune.models is None:
        found = tuple(name for name in settings.models if name in named)
        if not found and len(settings.models) > 1:
            raise SpaceMistake(
                ("space",), f"says of no model that it is tuned; give tune.models: {', '.join(settings.models)}"
            )
        return found or tuple(settings.models)
    for k, name in enumerate(tune.models):
        if name not in settings.models:
            near = get_close_matches(name, settings.models, n=1)
            what = "is a grid or a search by itself" if name in settings.others else "is no model of the task"
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(settings.models)}"
            raise SpaceMistake(("models", k), f"{name} {what}; {hint}")
        if name in tune.models[:k]:
            raise SpaceMistake(("models", k), f"{name} stands there twice")
    return tune.models


def _require_alone(tuned: Sequence[str], settings: Settings) -> None:
    for name in tuned:
        model = settings.models[name]
        if isinstance(model, TreesConfig) and model.shards is not None:
            raise SpaceMistake(
                ("space",), f"a trial has one worker, but models.{name}.shards needs a whole cluster; leave shards out"
            )


def _of_others(path: str, tune: TuneConfig, tuned: Sequence[str], settings: Settings) -> bool:
    """Whether a setting counts for none of the tuned models, but for one whose settings the space names as well."""
    others = [name for name in _named(tune) if name in settings.models and name not in tuned]
    return not _counts_for(path, tuned, settings, tune) and _counts_for(path, others, settings, tune)


def _counts_for(path: str, models: Sequence[str], settings: Settings, tune: TuneConfig) -> bool:
    try:
        return bool(models and models_of(path, settings, models, tune.space))
    except SpaceMistake:
        return False


def _named(tune: TuneConfig) -> list[str]:
    return [path.split(".")[1] for path in tune.space if path.startswith("models.")]


def _parameter(
    path: str,
    axis: AxisConfig,
    when: Mapping[str, tuple[Any, ...]],
    earlier: Mapping[str, Parameter],
    tuned: Sequence[str],
    settings: Settings,
    tune: TuneConfig,
) -> Parameter:
    possible = [model for model in tuned if model in _models_left(when, tuned)]
    for parent in (earlier[parent] for parent in when if parent != MODEL):
        possible = [model for model in possible if model in parent.models]
    models = models_of(path, settings, possible, tune.space) if possible else ()
    if not models:
        raise SpaceMistake(("space", path, "when"), "can never hold: its conditions are of different models")
    return Parameter(path=path, axis=axis, models=models, when=when)


def _conditions(
    path: str, axis: AxisConfig, earlier: Mapping[str, Parameter], left_out: set[str], settings: Settings
) -> dict[str, tuple[Any, ...]]:
    when = {}
    for parent, wanted in axis.when.items():
        loc = ("space", path, "when", parent)
        if parent == MODEL:
            known: Sequence[Any] | None = tuple(settings.models)
        elif parent in earlier:
            known = earlier[parent].axis.values()
        elif parent in left_out:
            known = ()
        else:
            near = get_close_matches(parent, [MODEL, *earlier], n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else "a condition is model, or a parameter further up"
            raise SpaceMistake(loc, f"no parameter above it is called {parent!r}; {hint}")
        if known is None:
            raise SpaceMistake(loc, f"{parent} may have any value of a range; give it a choice, or a step")
        many = isinstance(wanted, list | tuple) and not one_of(wanted, known)
        when[parent] = tuple(wanted) if many else (wanted,)
        for value in when[parent]:
            if parent not in left_out and not one_of(value, known):
                raise SpaceMistake(loc, f"{parent} is never {value!r}; it is {_some(known)}")
        if not when[parent]:
            raise SpaceMistake(loc, "names no value; leave the condition out")
    return when


def _models_left(when: Mapping[str, tuple[Any, ...]], tuned: Sequence[str]) -> Sequence[str]:
    return [model for model in tuned if MODEL not in when or model in when[MODEL]]


def _contexts(parameter: Parameter, parameters: Sequence[Parameter]) -> list[dict[str, Any]]:
    """Values of other parameters with which one should be good: only its conditions, then all the others, too.

    Values that are good by themselves need not go together, and some are good only beside others.
    """
    needed: dict[str, Any] = {}
    above = {one.path: one for one in parameters}

    def need(one: Parameter) -> None:
        for path, values in one.when.items():
            if path != MODEL and path not in needed:
                need(above[path])
                needed[path] = values[0]

    need(parameter)
    found = [needed]
    for k in (0, -1):
        context: dict[str, Any] = {}
        for one in parameters:
            if one.path in needed:
                context[one.path] = needed[one.path]
            elif one.path != parameter.path and counts(one, {**needed, **context}, parameter.models[0]):
                context[one.path] = one.axis.ends()[k]
        found.append(context)
    return found


def _some(values: Sequence[Any]) -> str:
    shown = [str(value) for value in values[:8]]
    return ", ".join(shown[:-1]) + f" or {shown[-1]}" if 1 < len(values) <= 8 else ", ".join(shown) + ", …"
