"""Settings of a task by dotted path: which may be tuned, which values they may have, and a task's parts with these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hepsieve.models.config import ImageNetwork, ModelConfig, Network, TrainConfig, WaveformNetwork
from hepsieve.models.network import OWN
from hepsieve.tune_config import AxisConfig, ChoiceAxis, FloatAxis, LogAxis, kind_of_axis, same

TUNABLE = ("models", "train", "prepare")
_OF_ALL_MODELS = ("balance", "negative_weights", "simulation")  # of train; the others are of networks
_OF_SCORING = ("average", "average_flips")
_NOT_TO_TUNE = {
    "data": "trials on different events can't be compared",
    "simulate": "trials on different events can't be compared",
    "split": "trials on different events can't be compared",
    "audit": "trials on different events can't be compared",
    "seed": "the best of several seeds is the luckiest, not the best",
    "evaluate": "it is how models are judged, and all trials must be judged alike",
    "explain": "it changes no model",
    "tune": "it is the search itself",
    "task": "it changes no model",
    "title": "it changes no model",
    "description": "it changes no model",
    "kind": "it is what the task asks, not how it is answered",
    "classes": "it is what the task asks, not how it is answered",
    "train.folds": "trials on different folds can't be compared; tune.folds says how all of them are judged",
    "train.device": "it is where a network is trained, not how",
    "train.start_from": "whether a run may be the start of another is checked once, before the search",
    "train.simulation.files": "trials that learned from different events can't be compared; tune the weight",
    "train.simulation.rows": "trials that learned from different events can't be compared; tune the weight",
    "train.processes": "it is where a network is trained, not how",
}
_NOT_OF_A_MODEL = {
    "kind": "another kind is another model; give the task both, and tune.models their names",
    "train_on": "trials that learned from different events can't be compared",
    "start_from": "whether a run may be the start of another is checked once, before the search",
    "shards": "it is where trees are trained, not how",
}
Loc = tuple[str | int, ...]
Section = TypeVar("Section", bound=BaseModel)


class SpaceMistake(Exception):
    """A space that does not fit the task.

    Attributes:
        loc: of the offending key in the section ``tune``.
    """

    def __init__(self, loc: Loc, says: str) -> None:
        """What is wrong, in one line without its place."""
        super().__init__(says)
        self.loc = loc


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may be tuned of a task.

    Attributes:
        models: by name; grids and searches are left out.
        train: how networks are trained.
        prepare: the steps before that.
        others: names of the task's grids and searches.
    """

    models: Mapping[str, ModelConfig]
    train: TrainConfig
    prepare: BaseModel
    others: tuple[str, ...] = ()

    def replaced(self, values: Mapping[str, Any]) -> Settings:
        """The same with these values by path.

        Raises:
            ValueError: if one of its sections can't have them (pydantic's ValidationError is one, too).
        """
        models, train, prepare = dict(self.models), self.train, self.prepare
        for name, model in models.items():
            if own := _below(f"models.{name}.", values):
                models[name] = _with(model, own)
        if own := _below("train.", values):
            train = _with(train, own)
        if own := _below("prepare.", values):
            prepare = _with(prepare, own)
        return replace(self, models=models, train=train, prepare=prepare)

    def section(self, path: str) -> tuple[BaseModel, list[str]]:
        """The part of the task that a path leads into, and the rest of the path."""
        first, *rest = path.split(".")
        if first == "models":
            return self.models[rest[0]], rest[1:]
        return (self.train if first == "train" else self.prepare), rest


def require_tunable(path: str, settings: Settings) -> None:
    """Refuse paths that no value can stand at, or whose trials could not be compared.

    Raises:
        SpaceMistake: with the reason, or the nearest path that would do.
    """
    loc = ("space", path)
    first, *rest = path.split(".")
    for section in (first, ".".join(path.split(".")[:2]), path):
        if section in _NOT_TO_TUNE:
            raise SpaceMistake(loc, f"can't be tuned: {_NOT_TO_TUNE[section]}")
    if first not in TUNABLE:
        guess = f"models.{path}" if first in settings.models else _nearest(first, TUNABLE)
        raise SpaceMistake(loc, f"leads nowhere; {_hint(guess, [f'{name}.…' for name in TUNABLE])}")
    if first == "models":
        _require_model(loc, rest, settings)
        rest = rest[1:]
        if rest and rest[0] in _NOT_OF_A_MODEL:
            raise SpaceMistake(loc, f"can't be tuned: {_NOT_OF_A_MODEL[rest[0]]}")
    known = type(settings.section(path)[0]).model_fields
    if not rest or rest[0] not in known:
        what = f"there is no setting {rest[0]!r}" if rest else "is a section; name a setting of it"
        guess = _nearest(rest[0], known) if rest else None
        raise SpaceMistake(loc, f"{what}; {_hint(guess, [name for name in known if name != 'kind'])}")


def _require_model(loc: Loc, rest: Sequence[str], settings: Settings) -> None:
    if rest and rest[0] in settings.models:
        return
    if rest and rest[0] in settings.others:
        raise SpaceMistake(loc, f"{rest[0]} is a grid or a search by itself; tune a single model")
    name = rest[0] if rest else ""
    raise SpaceMistake(
        loc, f"the task has no model {name!r}; {_hint(_nearest(name, settings.models), [*settings.models])}"
    )


def models_of(path: str, settings: Settings, tuned: Sequence[str], space: Iterable[str]) -> tuple[str, ...]:
    """For which of the tuned models a setting counts; a network's own value stands in for that of ``train``.

    Args:
        path: of the setting.
        settings: of the task.
        tuned: names of models.
        space: all paths that are tuned.

    Raises:
        SpaceMistake: if it would change nothing.
    """
    first, name, *_ = path.split(".")
    if first == "prepare":
        return tuple(tuned)
    if first == "models":
        if path.rsplit(".", 1)[-1] in _OF_SCORING:
            why = "trials are judged by scores of the events themselves, not by means over their symmetric copies"
            raise SpaceMistake(("space", path), f"would change nothing: {why}")
        return tuple(model for model in tuned if model == name)
    own = {model: _why_not(name, model, settings, space) for model in tuned}
    found = tuple(model for model in tuned if own[model] is None)
    if not found:
        raise SpaceMistake(("space", path), f"would change nothing: {next(why for why in own.values() if why)}")
    return found


def _why_not(name: str, model: str, settings: Settings, space: Iterable[str]) -> str | None:
    config = settings.models[model]
    if name in _OF_ALL_MODELS:
        return None
    if not isinstance(config, Network):
        return f"{model} is no network, and train.{name} is for networks"
    if name == "flips" and not isinstance(config, ImageNetwork):
        return f"{model} does not look at images"
    if name == "symmetries" and isinstance(config, ImageNetwork | WaveformNetwork):
        return f"{model} does not look at tables"
    if name not in OWN:
        return None
    if (value := getattr(config, name)) is not None:
        said = f" ({value})" if isinstance(value, int | float | str) else ""
        return f"{model} has its own {name}{said}; tune models.{model}.{name}"
    mine = f"models.{model}.{name}"
    if any(path == mine or path.startswith(f"{mine}.") for path in space):
        return f"{mine} is tuned, too, and stands in for it"
    return None


def require_values(path: str, axis: AxisConfig, settings: Settings, contexts: Sequence[Mapping[str, Any]]) -> None:
    """Refuse values that a setting can't have; values of other settings may have to go with them.

    Args:
        path: of the setting.
        axis: its values; of a range the ends are tried, and one between.
        settings: of the task.
        contexts: values of other settings; in one of them each value must be good.

    Raises:
        SpaceMistake: naming the value, and what the setting takes.
    """
    ends = list(enumerate(axis.ends()))
    if not isinstance(axis, ChoiceAxis):
        ends = [ends[0], *ends[:0:-1]]  # an end is what the user wrote, and so what is best named
    for k, value in ends:
        says = None
        for context in contexts:
            said = _problem(path, axis, value, settings, context)
            if said is None:
                break
            says = says or said
        else:
            where: Loc = ("choice", k) if isinstance(axis, ChoiceAxis) else (kind_of_axis(axis),)
            raise SpaceMistake(("space", path, *where), says or "")


def _problem(path: str, axis: AxisConfig, value: Any, settings: Settings, context: Mapping[str, Any]) -> str | None:
    try:
        section, rest = settings.replaced({**context, path: value}).section(path)
    except ValidationError as error:
        return _said(error.errors(include_url=False), path, axis, value, settings)
    except ValueError as error:
        return str(error)
    found: Any = section.model_dump()
    for part in rest:
        found = found[part]
    if isinstance(value, str | int | float) and not same(found, value):
        return f"{value!r} would be read as {found!r}; write that"
    return None


def _said(errors: list[ErrorDetails], path: str, axis: AxisConfig, value: Any, settings: Settings) -> str:
    # A misspelt key is also a missing one; the spelling is what to mend.
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    name = path.rsplit(".", 1)[-1]
    if first["type"] == "extra_forbidden" and first["loc"][-1] == name:
        section, rest = settings.section(path)
        inner: Any = section
        for part in rest[:-1]:
            inner = getattr(inner, part, None)
        known = [*type(inner).model_fields] if isinstance(inner, BaseModel) else []
        return f"there is no setting {name!r}; {_hint(_nearest(name, known), known)}"
    if first["type"] == "union_tag_not_found" and name != "kind":
        kind = f"{path.rpartition('.')[0]}.kind"
        return f"needs a kind, which {kind} in the task has not; write it there, or tune {kind} above it"
    if first["type"] in ("int_from_float", "int_type") and isinstance(axis, FloatAxis | LogAxis):
        ends = axis.float if isinstance(axis, FloatAxis) else axis.log
        log = ", log: true" if isinstance(axis, LogAxis) or axis.log else ""
        return f"takes whole numbers; write {{int: [{ends[0]:.0f}, {ends[1]:.0f}]{log}}}"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"can't be {value!r}: {'it ' if message.startswith('should') else ''}{message[0].lower()}{message[1:]}"


def _below(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {path.removeprefix(section): value for path, value in values.items() if path.startswith(section)}


def _with(section: Section, values: Mapping[str, Any]) -> Section:
    plain = section.model_dump()
    for path, value in values.items():
        _set(plain, path, value)
    return type(section).model_validate(plain)


def _set(plain: dict[str, Any], path: str, value: Any) -> None:
    *sections, last = path.split(".")
    inner = plain
    for section in sections:
        if inner.get(section) is None:
            inner[section] = {}
        if not isinstance(inner[section], dict):
            raise ValueError(f"{section} is a value in the task ({inner[section]!r}), no section that has a {last!r}")
        inner = inner[section]
    if last == "kind" and sections and inner.get("kind") != value:
        inner.clear()  # another kind has other settings
    inner[last] = value


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), None)


def _hint(near: str | None, known: Sequence[str]) -> str:
    if near is not None:
        return f"did you mean {near!r}?"
    return f"there are {', '.join(known)}" if known else "there are none"
