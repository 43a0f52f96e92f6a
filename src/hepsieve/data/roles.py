"""Which column of a table is a feature, the label, the weight or the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepsieve.config import DataConfig
from hepsieve.data.catalog import Column, Dataset, dataset
from hepsieve.data.columns import normalise, resolve, shorten
from hepsieve.data.table import Table
from hepsieve.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The columns of one table that become Events.

    Attributes:
        features: what the table calls each feature, by the name that Events uses, in that order.
        label: the label column, or None where `label_is` says it for all rows.
        label_is: the class of all rows; if there is a label column as well, the two must agree.
        label_values: what stands in the label column for (background, signal).
        weight: the weight column, or None for weights of 1.
        group: the group column, if any.
    """

    features: Mapping[str, str]
    label: str | None
    label_is: int | None
    label_values: tuple[float, float]
    weight: str | None
    group: str | None

    @property
    def columns(self) -> list[str]:
        """All columns to read, each once."""
        return list(
            dict.fromkeys(name for name in (*self.features.values(), self.label, self.weight, self.group) if name)
        )


def assign(table: Table, data: DataConfig, features: Sequence[str] | None = None) -> Roles:
    """The roles of a table's columns, from the configuration, the catalog and what the file itself says.

    Args:
        table: the opened file.
        data: the configuration.
        features: the names found in an earlier file, which this one must have too.

    Raises:
        DataError: if a column is missing, ambiguous or no column of numbers, or no class can be found.
    """
    known = dataset(data.catalog) if data.catalog is not None else None
    label_is = _class_of_file(table.path, data)
    label = _label(table, data, known, said=label_is is not None or _tree_is_said(table, data))
    label_is = table.label if label_is is None else label_is
    if label is None and label_is is None:
        raise DataError(_no_label(table, known))
    weight = _named(data.weight, table.named.weight, table)
    group = _named(data.group, table.named.group, table)
    roles = Roles(
        features=_features(table, data, known, features, taken={label, weight, group}),
        label=label,
        label_is=label_is,
        label_values=(0.0, 1.0) if label is not None and label == table.named.label else _values(data, known),
        weight=weight,
        group=group,
    )
    table.require_numbers(roles.columns)
    return roles


def feature_columns(table: Table, features: Sequence[str], data: DataConfig) -> dict[str, str]:
    """What a table calls each of these features, in their order; also for tables without a label.

    Raises:
        DataError: if one is missing, ambiguous or no column of numbers.
    """
    aliases = dataset(data.catalog).aliases if data.catalog is not None else {}
    found = resolve(features, table.names, aliases, path=table.where)
    table.require_numbers(list(found.values()))
    return found


def _features(
    table: Table, data: DataConfig, known: Dataset | None, earlier: Sequence[str] | None, taken: set[str | None]
) -> dict[str, str]:
    wanted = earlier if earlier is not None else data.features
    if wanted is None and known is not None:
        wanted = known.feature_names
    if wanted is None:
        wanted = [name for name in table.numeric if name not in taken]
    if not wanted:
        raise DataError(f"{table.where}: no column is left for the features; the file has {shorten(table.names)}")
    found = feature_columns(table, wanted, data)
    doubled = [column for column in found.values() if column in taken]
    if doubled:
        raise DataError(
            f"{table.where}: column {doubled[0]!r} is a feature and also the label, weight or group; "
            "take it out of data.features"
        )
    return found


def _label(table: Table, data: DataConfig, known: Dataset | None, *, said: bool) -> str | None:
    """The label column: the configured one, else the file's own, else the catalog's unless the class is said."""
    if isinstance(data.label, int):
        if not 0 <= data.label < len(table.names):
            raise DataError(
                f"{table.where}: no column at position {data.label} (data.label); the file has {len(table.names)}, "
                "counted from 0"
            )
        return table.names[data.label]
    own = table.named.label
    if data.label is not None and (own is None or data.label in table.names):
        return _named(data.label, None, table)
    if own is not None or said or known is None:
        return own
    spellings = {normalise(name) for name in (known.label.name, *known.label.aliases)}
    found = [name for name in table.names if normalise(name) in spellings]
    if len(found) > 1:
        raise DataError(f"{table.where}: {shorten(found)} could each be the label; say which in data.label")
    return found[0] if found else None


def _named(wanted: str | None, own: str | None, table: Table) -> str | None:
    if wanted is None:
        return own
    return resolve([wanted], table.names, {}, path=table.where)[wanted]


def _class_of_file(path: Path, data: DataConfig) -> int | None:
    """The class that ``data.file_labels`` gives to a file: by its path or the last parts of it; the longest wins."""
    for name in sorted(data.file_labels, key=lambda key: -len(Path(key).parts)):
        parts = Path(name).parts
        if path.parts[-len(parts) :] == parts:
            return data.file_labels[name]
    return None


def _tree_is_said(table: Table, data: DataConfig) -> bool:
    return table.tree is not None and data.trees.get(table.tree) is not None


def _values(data: DataConfig, known: Dataset | None) -> tuple[float, float]:
    default: tuple[float, float] = DataConfig.model_fields["label_values"].default
    return known.label_values if known is not None and data.label_values == default else data.label_values


def _no_label(table: Table, known: Dataset | None) -> str:
    names = () if known is None else _spellings(known.label)
    looked = f" (looked for {', '.join(names)})" if names else ""
    return (
        f"{table.where}: no label column{looked}; name it in data.label, or give the class of whole trees or files in "
        f"data.trees or data.file_labels; the file has {shorten(table.names)}"
    )


def _spellings(column: Column) -> tuple[str, ...]:
    return (column.name, *column.aliases)
