"""YAML text to plain values that know where they stand, and validation errors to one line that says so."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hepsieve.errors import ConfigError

Place = tuple[int, int]  # line and column, counted from 1
KeyPath = tuple[str | int, ...]
JsonSchema = dict[str, Any]
WHOLE = "whole"
"""The type of errors whose message already says what was found."""


def read_yaml(text: str, name: str) -> tuple[Any, dict[KeyPath, Place]]:
    """Plain values, and where each key stands. Tags and duplicate keys are refused, so nothing can run code."""
    yaml = YAML(typ="safe", pure=True)
    try:
        for event in yaml.parse(text):
            if getattr(event, "ctag", None) is not None or getattr(event, "anchor", None) is not None:
                mark = event.start_mark
                what = "anchors and aliases" if getattr(event, "anchor", None) is not None else f"tag {event.tag}"
                raise ConfigError(f"{name}:{mark.line + 1}:{mark.column + 1}: {what}: not allowed; write plain values")
        node = YAML(typ="safe", pure=True).compose(text)
        if node is None:
            raise ConfigError(f"{name}:1:1: the file is empty")
        return YAML(typ="safe", pure=True).load(text), dict(_places(node))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark is not None else "1:1"
        problem = " ".join(str(error.problem or error.context).split())
        raise ConfigError(f"{name}:{place}: {problem}") from None
    except YAMLError as error:
        raise ConfigError(f"{name}:1:1: {' '.join(str(error).split())}") from None


def _places(node: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Place]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                here = (*path, key.value)
                yield here, (key.start_mark.line + 1, key.start_mark.column + 1)
                yield from _places(value, here)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            here = (*path, index)
            yield here, (value.start_mark.line + 1, value.start_mark.column + 1)
            yield from _places(value, here)


def one_line(
    error: ValidationError,
    values: Any,
    name: str,
    places: Mapping[KeyPath, Place],
    settings: Mapping[KeyPath, str],
    schema: JsonSchema,
) -> str:
    """The first problem as one line with its place and remedy.

    Args:
        error: what pydantic found.
        values: what it looked at.
        name: the file.
        places: where the keys stand in the file.
        settings: keys that were set elsewhere, and how.
        schema: the JSON schema of the configuration, for the valid keys.
    """
    # A misspelt key is also a missing one; the spelling is what to mend.
    first = min(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    key = _real_path(first["loc"], values)
    where = next((f"--set {text}" for path, text in settings.items() if _concerns(path, key, places)), None)
    if where is None:
        known = next((key[:n] for n in range(len(key), 0, -1) if key[:n] in places), None)
        line, column = places[known] if known is not None else (1, 1)
        where = f"{name}:{line}:{column}"
    dotted = ".".join(str(part) for part in key)
    if first["type"] == "extra_forbidden":
        valid = _valid_keys(schema, first["loc"][:-1])
        near = difflib.get_close_matches(str(first["loc"][-1]), valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"valid keys: {', '.join(valid)}"
        return f"{where}: unknown key {dotted!r}; {hint}"
    if first["type"] == "missing":
        return f"{where}: key {'.'.join(str(part) for part in first['loc'])!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == WHOLE:
        return f"{where}: {dotted}: {message}"
    found = repr(first["input"])
    shown = found if len(found) <= 60 else found[:57] + "…"
    return f"{where}: {dotted}: {message[0].lower() + message[1:]}; found {shown}"


def _concerns(setting: KeyPath, key: KeyPath, places: Mapping[KeyPath, Place]) -> bool:
    """Whether the setting made what stands at this key: the key itself, or a section that the file lacks."""
    return key[: len(setting)] == setting or (key != () and key not in places and setting[: len(key)] == key)


def _real_path(loc: tuple[str | int, ...], values: Any) -> KeyPath:
    """The part of pydantic's location that exists in the file (it also names union members)."""
    path: list[str | int] = []
    for part in loc:
        found = key_path(values, part) if isinstance(values, dict) and isinstance(part, str) else None
        in_list = isinstance(values, list) and isinstance(part, int) and part < len(values)
        if found is None and not in_list:
            continue
        for key in found or (part,):
            values = values[key]
            path.append(key)
    return tuple(path)


def key_path(section: Mapping[str, Any], dotted: str) -> tuple[str, ...] | None:
    """The keys that lead to a dotted path, whether it stands there as one key or as sections in sections.

    >>> key_path({"train": {"epochs": 3}}, "train.epochs"), key_path({"train.epochs": 3}, "train.epochs")
    (('train', 'epochs'), ('train.epochs',))
    """
    if dotted in section:
        return (dotted,)
    for key, inner in section.items():
        if isinstance(inner, dict) and dotted.startswith(f"{key}."):
            rest = key_path(inner, dotted.removeprefix(f"{key}."))
            if rest is not None:
                return (key, *rest)
    return None


def _valid_keys(schema: JsonSchema, loc: tuple[str | int, ...]) -> list[str]:
    """The keys that are valid in the section at this location, read off the JSON schema."""
    definitions = schema["$defs"]

    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return node

    node: JsonSchema = schema
    for part in loc:
        node = resolve(node)
        options = [resolve(option) for option in node.get("oneOf") or node.get("anyOf") or []]
        by_name = [option for option in options if part in (option.get("title"), _kind_of(option))]
        if by_name:
            node = by_name[0]
            continue
        if options:
            node = next((option for option in options if "properties" in option), node)
        if part in node.get("properties", {}):
            node = node["properties"][part]
        elif isinstance(node.get("additionalProperties"), dict):
            node = node["additionalProperties"]
    node = resolve(node)
    for option in node.get("anyOf", []):
        if "properties" in resolve(option):
            node = resolve(option)
    return sorted(node.get("properties", {}))


def _kind_of(schema: dict[str, Any]) -> Any:
    """The ``kind`` by which a member of a union is chosen."""
    return schema.get("properties", {}).get("kind", {}).get("const")
