"""Configurations to the keys in which they differ, and such keys in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hepsieve.config import TaskConfig

_FILE_KEYS = ("data.files", "data.validation_files", "data.test_files")
_LONGEST_VALUE = 40

Settings = Mapping[str, Any]


def differing(configs: Mapping[Path, TaskConfig]) -> dict[Path, dict[str, Any]]:
    """In which keys configurations differ: by run, dotted key to value, in the order of the configuration.

    A key below ``models`` is compared among the runs that have the model. Data files count by their names alone: the
    same file may lie elsewhere, and whether the events are the same their fingerprint tells.
    """
    values = {path: config.model_dump(mode="json") for path, config in configs.items()}
    found: dict[Path, dict[str, Any]] = {path: {} for path in configs}
    for key, of_runs in _differences((), values):
        for path, value in of_runs.items():
            found[path][key] = value
    return found


def _differences(key: tuple[str, ...], values: Mapping[Path, Any]) -> Iterator[tuple[str, Mapping[Path, Any]]]:
    dotted = ".".join(key)
    if dotted in _FILE_KEYS:
        values = {path: [Path(file).name for file in files] for path, files in values.items()}
    first, *others = values.values()
    if all(other == first for other in others):
        return
    if not all(isinstance(value, dict) for value in values.values()):
        yield dotted, values
        return
    same_keys = all(list(other) == list(first) for other in others)
    if not same_keys and (key != ("models",)):
        yield dotted, values
        return
    if not same_keys:
        yield dotted, {path: list(models) for path, models in values.items()}
    for name in dict.fromkeys(name for value in values.values() for name in value):
        yield from _differences((*key, name), {path: value[name] for path, value in values.items() if name in value})


def most_common(settings: Sequence[Settings]) -> dict[str, Any]:
    """The most common value of each key; of equally common ones the first."""
    keys = dict.fromkeys(key for own in settings for key in own)
    return {key: _most_common([own[key] for own in settings if key in own]) for key in keys}


def _most_common(values: Sequence[Any]) -> Any:
    counted = Counter(json.dumps(value) for value in values)
    return json.loads(counted.most_common(1)[0][0])


def in_words(settings: Settings, *, most: int | None = None) -> str:
    """Settings as ``--set`` takes them, long values cut.

    >>> in_words({"train.epochs": 5, "data.files": ["a.csv"], "train.patience": None})
    'train.epochs=5, data.files=[a.csv], train.patience=null'
    """
    shown = [f"{key}={cut(value_in_words(value))}" for key, value in settings.items()][:most]
    return ", ".join([*shown, *([f"and {len(settings) - len(shown)} more"] if len(shown) < len(settings) else [])])


def value_in_words(value: Any) -> str:
    """A value as ``--set`` takes it, without keys that are null."""
    match value:
        case str():
            return value
        case list():
            return f"[{', '.join(map(value_in_words, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {value_in_words(own)}' for key, own in value.items() if own is not None)}}}"
        case _:
            return json.dumps(value)


def cut(text: str) -> str:
    """The text, its end left out where it is longer than a table has room for."""
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
