"""The settings of trials as places on axes from 0 to 1: categories, ranges and decades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10

from hepsieve.evaluate.tuning import Setting, Tuning
from hepsieve.tune_config import AxisConfig, ChoiceAxis

# Values that span so many decades are drawn by decades, also where nobody knows the space they are from.
_DECADES = 2


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One searched setting.

    Attributes:
        path: into the task.
        name: as short as it can be told from the others.
        places: from 0 to 1 by text of each category, in their order; empty of a range.
        low: the lower end of a range.
        high: the upper end of a range.
        log: whether a range is drawn by decades.
    """

    path: str
    name: str
    places: Mapping[str, float] = field(default_factory=dict)
    low: float = 0.0
    high: float = 1.0
    log: bool = False

    def at(self, value: Setting) -> float:
        """Where a value is."""
        if self.places:
            return self.places[setting_text(value)]
        assert isinstance(value, int | float)
        if self.high <= self.low:
            return 0.5
        if self.log:
            return log10(value / self.low) / log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> tuple[float, ...]:
        """Places between the ends that are marked: decades, or quarters."""
        if self.places:
            return tuple(self.places.values())
        if not self.log:
            return (0.25, 0.5, 0.75)
        decades = range(ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9) + 1)
        return tuple(place for place in (self.at(10.0**k) for k in decades) if 0.02 < place < 0.98)

    @property
    def ends(self) -> tuple[str, str]:
        """What stands at the lower and the upper end; one of a range that is a point, and of one category."""
        if self.places:
            names = list(self.places)
            return names[0] if len(names) > 1 else "", names[-1] if len(names) > 1 else ""
        return setting_text(self.low), setting_text(self.high)


def axes_of(tuning: Tuning, space: Mapping[str, AxisConfig]) -> tuple[Axis, ...]:
    """The searched settings, in their order; those that no trial has are left out.

    Args:
        tuning: the trials.
        space: what was to be searched, by path; without it the axes are as long as the values that were tried.
    """
    names = short_names(tuning.parameters)
    found = []
    for path in tuning.parameters:
        values = [trial.settings[path] for trial in tuning.trials if path in trial.settings]
        if values:
            found.append(_axis(path, names[path], values, space.get(path)))
    return tuple(found)


def _axis(path: str, name: str, values: Sequence[Setting], config: AxisConfig | None) -> Axis:
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if isinstance(config, ChoiceAxis) or len(numbers) < len(values):
        listed = config.choice if isinstance(config, ChoiceAxis) else ()
        known = dict.fromkeys([*map(setting_text, listed), *map(setting_text, values)])
        return Axis(path=path, name=name, places=_evenly(known))
    low, high = min(numbers), max(numbers)
    if config is None:
        return Axis(path=path, name=name, low=low, high=high, log=low > 0 and high / low >= 10**_DECADES)
    log = not isinstance(config.log, bool) or config.log
    ends = config.ends()
    return Axis(path=path, name=name, low=min(low, float(ends[0])), high=max(high, float(ends[-1])), log=log)


def _evenly(names: Iterable[str]) -> dict[str, float]:
    """Categories from the lower to the upper end; a single one in the middle."""
    listed = list(names)
    return {name: k / (len(listed) - 1) if len(listed) > 1 else 0.5 for k, name in enumerate(listed)}


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """By path, as many of its last words as tell it from the others.

    >>> short_names(["models.trees.max_depth", "train.patience", "models.mlp.patience"])
    {'models.trees.max_depth': 'max_depth', 'train.patience': 'train.patience', 'models.mlp.patience': 'mlp.patience'}
    """
    found = {}
    for path in paths:
        words = path.split(".")
        for k in range(1, len(words) + 1):
            ending = ".".join(words[-k:])
            if sum(other == ending or other.endswith(f".{ending}") for other in paths) == 1:
                break
        found[path] = ending
    return found


def setting_text(value: object) -> str:
    """A setting in words, numbers to four digits; lists and mappings without their brackets.

    >>> [setting_text(value) for value in (0.00012345, 300, 2.0, True, None, "gini", (64, 32), {"kind": "cosine"})]
    ['0.0001234', '300', '2', 'true', 'null', 'gini', '64, 32', 'kind: cosine']
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.4g}"
        case list() | tuple():
            return ", ".join(map(setting_text, value))
        case dict():
            return ", ".join(f"{key}: {setting_text(one)}" for key, one in value.items())
        case _:
            return str(value)
