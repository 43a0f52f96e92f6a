"""Events with the particles and jets whose momenta stand in their columns."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from hepsieve.config import DataConfig
from hepsieve.data.catalog import Dataset, entry
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.objects import ObjectConfig


def known_objects(data: DataConfig) -> Mapping[str, ObjectConfig]:
    """The catalog's objects and those of ``data.objects``, which stand in for the catalog's of the same name."""
    known = entry(data.catalog) if data.catalog is not None else None
    return {**(known.objects if isinstance(known, Dataset) else {}), **data.objects}


def require_objects(data: DataConfig) -> None:
    """Refuse, before any file is read, objects that events with these columns can't have, as far as these are known.

    Raises:
        ConfigError: as `with_objects`.
    """
    if not data.objects:
        return
    known = entry(data.catalog) if data.catalog is not None else None
    if known is not None and not isinstance(known, Dataset):
        raise _no_table(data)
    _require_own_columns(data)
    _require_columns(data, data.features or (known.feature_names if known is not None else None))


def with_objects(events: Events, data: DataConfig) -> Events:
    """The same events, which know their objects.

    Columns of the catalog's may be missing: the task may have chosen others.

    Raises:
        ConfigError: if the data are no table, or a column of an object of ``data.objects`` is no feature, or another
            object's, too.
    """
    if data.objects and events.features.ndim > 2:
        raise _no_table(data)
    _require_own_columns(data)
    _require_columns(data, events.names, dropped=events.origin.dropped)
    return events.replace(objects=known_objects(data))


def _no_table(data: DataConfig) -> ConfigError:
    return ConfigError(f"data.objects.{next(iter(data.objects))}: only columns of tables are momenta; leave it out")


def _require_own_columns(data: DataConfig) -> None:
    for name, one in data.objects.items():
        for other, another in known_objects(data).items():
            if other != name and (shared := [column for column in one.every_column if column in another.every_column]):
                raise ConfigError(
                    f"data.objects.{name}: {shared[0]!r} is a column of {other} already, and each belongs to one "
                    f"object; take another column, or describe {other} itself"
                )


def _require_columns(data: DataConfig, features: Sequence[str] | None, *, dropped: Sequence[str] = ()) -> None:
    """The columns of all objects must be among the features, as far as these are known."""
    for name, one in data.objects.items():
        for column in one.every_column:
            if column in data.spectators:
                raise ConfigError(
                    f"data.objects.{name}: {column!r} is a spectator, which is never learned from; take a feature"
                )
            if features is not None and column not in (*features, *dropped):
                near = difflib.get_close_matches(column, features, n=1)
                hint = f", the nearest is {near[0]!r}" if near else ""
                raise ConfigError(
                    f"data.objects.{name}: no feature {column!r}{hint}; the data have {', '.join(features)}"
                )
