"""What a user may choose about tuning: which settings are looked for, where, how, and for how long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import floor, log10
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PositiveInt, Tag, model_validator

from hepsieve.models.learner import Frozen

Method = Literal["tpe", "random", "grid", "halving"]
TuneMetric = Literal["auc", "log_loss", "accuracy", "rmse", "mae"]
# Below, fields are called as in YAML: float, int. These are the types.
Number = Annotated[float, Field(allow_inf_nan=False)]
Numbers = tuple[Number, Number]
Whole = Annotated[int, Field(strict=True)]
Wholes = tuple[Whole, Whole]
WholeStep = Annotated[int, Field(strict=True, gt=0)]
NumberStep = Annotated[float, Field(gt=0)]
Flag = bool
Conditions = dict[str, Any]

AXES = ("choice", "int", "float", "log")
DEFAULT_TRIALS = 20  # where neither trials nor time is given
_DIGITS = 4  # of a number in a range: no figure depends on more
_MOST_STEPS = 10_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_HOW = "write {choice: [...]}, {int: [16, 512]}, {float: [0, 0.5]} or {log: [1e-5, 1e-2]}"


class _Axis(Frozen):
    """What all axes have.

    Attributes:
        when: by path of an axis above (``model`` is which model), its value or values for which this one counts.
    """

    when: Conditions = Field(default_factory=dict)


class ChoiceAxis(_Axis):
    """One of these values, of any type that the setting may have."""

    choice: Annotated[tuple[Any, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> ChoiceAxis:
        for k, value in enumerate(self.choice):
            if any(same(value, other) for other in self.choice[:k]):
                raise ValueError(f"choice: {value!r} stands there twice")
        return self

    def values(self) -> Sequence[Any]:
        """All of them."""
        return self.choice

    def ends(self) -> tuple[Any, ...]:
        """Values of which all are good if these are."""
        return self.choice


class IntAxis(_Axis):
    """The whole numbers of a range, both ends among them.

    Attributes:
        int: the least and the largest.
        step: from one to the next; the last is the largest that steps reach.
        log: look for it among decades, not among differences.
    """

    int: Wholes
    step: WholeStep = 1
    log: Flag = False

    @model_validator(mode="after")
    def _rises(self) -> IntAxis:
        _require_rising("int", *self.int, log=self.log)
        if self.log and self.step != 1:
            raise ValueError("decades have no step; give log or step")
        _require_step("int", *self.int, self.step)
        return self

    def values(self) -> Sequence[Any]:
        """All of them."""
        return range(self.int[0], self.int[1] + 1, self.step)

    def ends(self) -> tuple[Any, ...]:
        """The least and the largest that is reached."""
        low, high = self.int
        return low, low + (high - low) // self.step * self.step


class FloatAxis(_Axis):
    """The numbers of a range.

    Attributes:
        float: the least and the largest.
        step: from one to the next, counted from the least; null takes any, to four digits.
        log: look for it among decades, not among differences.
    """

    float: Numbers
    step: NumberStep | None = None
    log: Flag = False

    @model_validator(mode="after")
    def _rises(self) -> FloatAxis:
        _require_rising("float", *self.float, log=self.log)
        if self.log and self.step is not None:
            raise ValueError("decades have no step; give log or step")
        if self.step is not None:
            _require_step("float", *self.float, self.step)
            if (self.float[1] - self.float[0]) / self.step > _MOST_STEPS:
                raise ValueError(f"float: more than {_MOST_STEPS:,} steps; leave step out")
        return self

    def values(self) -> tuple[Any, ...] | None:
        """All of them; None without a step, as they can't be counted."""
        if self.step is None:
            return None
        low, high = self.float
        # What is meant by 0.1 + 2 × 0.1 is 0.3; floating-point dust must not cost the last one.
        return tuple(round(low + k * self.step, 12) for k in range(floor((high - low) / self.step + 1e-9) + 1))

    def ends(self) -> tuple[Any, ...]:
        """The least, one between that is no whole number, and the largest that is reached."""
        every = self.values()
        return every if every is not None and len(every) < 4 else _ends(*self.float, every)


class LogAxis(_Axis):
    """The numbers of a range, looked for among decades.

    Attributes:
        log: the least and the largest, to four digits.
    """

    log: Numbers

    @model_validator(mode="after")
    def _rises(self) -> LogAxis:
        _require_rising("log", *self.log, log=True)
        return self

    def values(self) -> None:
        """They can't be counted."""
        return

    def ends(self) -> tuple[Any, ...]:
        """The least, one between that is no whole number, and the largest."""
        return _ends(*self.log, None)


def _kind_of_axis(axis: Any) -> str | None:
    if isinstance(axis, _Axis):
        return type(axis).__name__
    if not isinstance(axis, Mapping):
        return None
    # In this order: a log may also stand beside int or float.
    return next((f"{key.capitalize()}Axis" for key in AXES if key in axis), None)


AxisConfig = Annotated[
    Annotated[ChoiceAxis, Tag("ChoiceAxis")]
    | Annotated[IntAxis, Tag("IntAxis")]
    | Annotated[FloatAxis, Tag("FloatAxis")]
    | Annotated[LogAxis, Tag("LogAxis")],
    Discriminator(_kind_of_axis, custom_error_type="axis", custom_error_message=_HOW),
]


def _flat(space: Any) -> Any:
    """Dotted paths, also of a space that is written as sections in sections."""
    if not isinstance(space, Mapping):
        return space
    flat: dict[str, Any] = {}
    for path, axis in _leaves(space, ""):
        if path in flat:
            raise ValueError(f"{path} stands there twice, as a path and in sections")
        flat[path] = axis
    return flat


def _leaves(section: Mapping[Any, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        # A setting may be called log, too: an axis has a list there, or a flag.
        inner = isinstance(value, Mapping) and not any(not isinstance(value.get(axis, {}), Mapping) for axis in AXES)
        if inner and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def seconds_of(time: Any) -> Any:
    """Seconds, also of ``10m`` or ``1h30m``."""
    if not isinstance(time, str):
        return time
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd])", time)
    if not parts or re.fullmatch(r"(\s*\d+(\.\d+)?\s*[smhd])+\s*", time) is None:
        raise ValueError("write seconds, or a time such as 45s, 10m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


class TuneConfig(Frozen):
    """The search for better settings of a task's models, by figures on validation.

    Attributes:
        models: which of the task's models are tuned; null takes all whose settings the space names.
        space: by dotted path into the task (``models.mlp.dropout``, ``train.batch_size``, ``prepare.pca``) what may
            stand there. A model's settings count where that model is drawn; with several models, which one is drawn
            is the first parameter, called ``model``. The task's own settings are the first that are tried, where the
            space holds them and the method is no grid: then no winner is worse than these where it was chosen.
        method: ``tpe`` chooses by the figures so far (a tree-structured Parzen estimator, NeurIPS 24 (2011) 2546),
            ``random`` by chance, ``grid`` takes every combination; ``halving`` chooses as ``tpe`` does and stops, at
            shares of the training, all but the best 1/``reduction`` (arXiv:1502.07943, arXiv:1810.05934).
        trials: how many are tried; fewer where the space has no more.
        time: after which none is begun any more: seconds, or such as ``10m``. Without trials and time there are 20,
            or all of a grid.
        at_once: how many are tried side by side. Later ones are chosen without the figures of those that still run, so
            it belongs to the search: the number of workers may differ, and changes nothing but the time it takes.
        threads: of each trial.
        folds: judge every trial by so many folds inside the training part; null judges by the validation part.
        metric: the figure to go by; null takes the one by which the task selects its best model.
        startup: how many trials are drawn by chance before figures count.
        reduction: of ``halving``, how many are compared for one that goes on.
        seed: of the choice; null takes the task's.
    """

    models: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    space: Annotated[dict[str, AxisConfig], BeforeValidator(_flat)] = Field(default_factory=dict)
    method: Method = "tpe"
    trials: PositiveInt | None = None
    time: Annotated[Annotated[float, Field(gt=0)] | None, BeforeValidator(seconds_of)] = None
    at_once: PositiveInt = 4
    threads: PositiveInt = 1
    folds: Annotated[int, Field(ge=3)] | None = None
    metric: TuneMetric | None = None
    startup: PositiveInt = 8
    reduction: Annotated[int, Field(ge=2)] = 3
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None

    @property
    def most_trials(self) -> int | None:
        """How many are tried at most; None where time or the space ends it."""
        if self.trials is None and self.time is None and self.method != "grid":
            return DEFAULT_TRIALS
        return self.trials


def same(one: Any, other: Any) -> bool:
    """Whether two values of a setting are the same; ``1`` and ``true`` are not, a list and a tuple may be.

    >>> same(1, 1.0), same(1, True), same([3, 4], (3, 4))
    (True, False, True)
    """
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def rounded(number: float) -> float:
    """To four digits: no figure depends on more.

    >>> rounded(0.0012345678), rounded(98765.4)
    (0.001235, 98770.0)
    """
    return number if number == 0 else round(number, _DIGITS - 1 - floor(log10(abs(number))))


def kind_of_axis(axis: AxisConfig) -> str:
    """The key that an axis is written with."""
    return type(axis).__name__.removesuffix("Axis").lower()


def _ends(low: float, high: float, every: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if every is not None:
        return every[0], next((value for value in every if not value.is_integer()), every[1]), every[-1]
    return low, low + 0.381966 * (high - low), high


def _require_rising(kind: str, low: float, high: float, *, log: bool) -> None:
    if not low < high:
        raise ValueError(f"{kind}: {low:g} to {high:g} does not rise")
    if log and not low > 0:
        raise ValueError(f"{kind}: there are no decades from {low:g}; let it begin above 0, or leave log out")


def _require_step(kind: str, low: float, high: float, step: float) -> None:
    if step > high - low:
        raise ValueError(f"{kind}: a step of {step:g} leads out of {low:g} to {high:g} at once")
