"""What hepsieve's own files say about themselves: where their events come from and what their columns are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hepsieve.data.table import Named
from hepsieve.errors import DataError
from hepsieve.events import Origin, TargetScale

KEY = "hepsieve"  # the metadata key, array or object that carries the stamp
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """The origin of a file's events, the roles of its columns and their units."""

    origin: Origin
    named: Named
    units: Mapping[str, str]


def write_stamp(stamp: Stamp) -> str:
    """The stamp as JSON."""
    content = {
        "format": _FORMAT,
        "origin": origin_to_json(stamp.origin),
        "columns": {"label": stamp.named.label, "weight": stamp.named.weight, "group": stamp.named.group},
        "units": dict(stamp.units),
        **({} if stamp.named.scale is None else {"target": asdict(stamp.named.scale)}),
    }
    return json.dumps(content, sort_keys=True)


def read_stamp(text: str, path: Path) -> Stamp:
    """The stamp that ``write_stamp`` wrote.

    Raises:
        DataError: if the text is no such stamp.
    """
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise DataError(f"{path}: written by another version of hepsieve (format {content['format']!r})")
        columns = {role: None if name is None else str(name) for role, name in content["columns"].items()}
        named = Named(
            label=columns["label"],
            weight=columns["weight"],
            group=columns["group"],
            scale=scale_from_json(content.get("target")),
        )
        units = {str(name): str(unit) for name, unit in content["units"].items()}
        return Stamp(origin=origin_from_json(content["origin"]), named=named, units=units)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged(path) from None


def damaged(path: Path) -> DataError:
    """The error for a file whose stamp can't be read."""
    return DataError(f"{path}: what hepsieve wrote about its origin is damaged; make the file again")


def scale_from_json(content: Mapping[str, Any] | None) -> TargetScale | None:
    """What targets measure, from the fields of a TargetScale; None where they are classes.

    Raises:
        ValueError, KeyError, TypeError: if it is something else.
    """
    if content is None:
        return None
    return TargetScale(name=str(content["name"]), unit=str(content["unit"]), full=float(content["full"]))


def origin_to_json(origin: Origin) -> dict[str, Any]:
    """The origin as values that JSON knows."""
    return {
        "kind": origin.kind,
        "sources": list(origin.sources),
        "fingerprint": origin.fingerprint,
        "details": dict(origin.details),
        "dropped": list(origin.dropped),
    }


def origin_from_json(content: Mapping[str, Any]) -> Origin:
    """The origin that ``origin_to_json`` turned into JSON.

    Raises:
        ValueError, KeyError, TypeError: if it is none.
    """
    kind = content["kind"]
    if kind not in ("real", "simulated"):
        raise ValueError(f"unknown kind of origin {kind!r}")
    return Origin(
        kind=kind,
        sources=tuple(str(source) for source in content["sources"]),
        fingerprint=str(content["fingerprint"]),
        details={str(key): str(value) for key, value in content["details"].items()},
        dropped=tuple(str(name) for name in content.get("dropped", ())),
    )
