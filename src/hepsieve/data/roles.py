"""Which column of a table is a feature, the label, the weight or the group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepsieve.config import ConsecutiveConfig, DataConfig
from hepsieve.data.catalog import Column, Dataset, ImageSet, WaveformSet, dataset
from hepsieve.data.columns import bare_names, normalise, resolve, shorten, split_unit
from hepsieve.data.measured import Measured, Use, require_same_scale
from hepsieve.data.select import selected_by
from hepsieve.data.table import Table
from hepsieve.errors import ConfigError, DataError


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The columns of one table that become Events.

    Attributes:
        features: what the table calls each feature, by the name that Events uses, in that order.
        spectators: the same for the columns that are carried along.
        label: the label column, or None where `label_is` says it for all rows, or nobody knows what is regressed.
        label_is: the class of all rows; if there is a label column as well, the two must agree.
        label_values: what may stand in the label column for background, and for signal.
        measured: how the numbers of the label column become targets; None where they are classes.
        weight: the weight column, or None for weights of 1.
        group: the group column, if any.
        consecutive: the columns whose repetition makes groups of consecutive rows, if that is how groups are made.
    """

    features: Mapping[str, str]
    spectators: Mapping[str, str]
    label: str | None
    label_is: int | None
    label_values: tuple[tuple[float, ...], tuple[float, ...]]
    measured: Measured | None
    weight: str | None
    group: str | None
    consecutive: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """All columns to read, each once."""
        named = (self.label, self.weight, self.group, *self.consecutive)
        return list(dict.fromkeys(n for n in (*self.features.values(), *self.spectators.values(), *named) if n))

    @property
    def grouped(self) -> bool:
        """Whether the rows have groups."""
        return self.group is not None or bool(self.consecutive)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all tables have: the features, the spectators, and what was dropped because not all have it."""

    features: tuple[str, ...]
    spectators: tuple[str, ...]
    dropped: tuple[str, ...]


def choose_columns(tables: Sequence[Table], data: DataConfig, *, use: Use = "learn") -> Shared:
    """The features and spectators of these tables together, with the columns that events are selected by at the end.

    Args:
        tables: the opened files.
        data: the configuration.
        use: what the events are read for; only to learn from them the columns of ``data.select`` must be there.

    Raises:
        DataError: if a table lacks one that another has, and the config does not say to drop it; or none has it.
    """
    wanted = _wanted_features(tables, data)
    features, lost = _in_all(wanted, tables, data)
    spectators, lost_too = _in_all(data.spectators, tables, data)
    chooses, without = _in_all(selected_by(data), tables, data)
    if use == "apply":
        chooses = tuple(name for name in chooses if normalise(name) in _spellings_in(tables[0]))
    elif lacking := [name for name in (*without, *lost_too) if name in data.select]:
        raise DataError(f"{tables[0].where}: not all files have {lacking[0]}, by which data.select chooses")
    if not features:
        found = shorten(tables[0].names)
        raise DataError(f"{tables[0].where}: no column is left for the features; the file has {found}")
    return Shared(features=features, spectators=(*spectators, *chooses), dropped=(*lost, *lost_too))


def assign(table: Table, data: DataConfig, shared: Shared, *, use: Use = "learn") -> Roles:
    """The roles of a table's columns, from the configuration, the catalog and what the file itself says.

    Args:
        table: the opened file.
        data: the configuration.
        shared: the features and spectators.
        use: what the events are read for; only to learn from them the target of a regression must be there.

    Raises:
        DataError: if a column is missing, ambiguous or no column of numbers, or no class can be found.
    """
    known = dataset(data.catalog) if data.catalog is not None else None
    label, label_is = _label_and_class(table, data, known, use)
    own = label is not None and label == table.named.label
    weight = _named(data.weight, table.named.weight, table)
    group = _named(data.group, table.named.group, table)
    roles = Roles(
        features=_features(table, data, shared, taken={weight, group}),
        spectators=feature_columns(table, shared.spectators, data),
        label=label,
        label_is=label_is,
        label_values=((0.0,), (1.0,)) if own else label_values(data, known),
        measured=None
        if data.target is None
        else Measured(target=data.target, own=table.named.scale if own else None, use=use),
        weight=weight,
        group=group,
        consecutive=_consecutive(data.group_consecutive, group, table),
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


def _wanted_features(tables: Sequence[Table], data: DataConfig) -> tuple[str, ...]:
    """The configured features, else the catalog's, else every column of numbers in any table without another role."""
    if data.features is not None:
        return data.features
    spectators = {normalise(name) for name in data.spectators}
    known = dataset(data.catalog) if data.catalog is not None else None
    if known is not None:
        return tuple(name for name in known.feature_names if normalise(name) not in spectators)
    names: dict[str, str] = {}  # by what is the same in every file
    for table in tables:
        earlier = set(names)
        taken = {_label(table, data, known, said=True), _named(data.weight, table.named.weight, table)}
        taken.add(_named(data.group, table.named.group, table))
        # A file of hepsieve's own says which columns are its features: they have units there.
        own = {name: name for name in table.numeric if name in table.units}
        bare = own or {name: column for name, column in bare_names(table.names).items() if column in table.numeric}
        for name, column in bare.items():
            same = normalise(split_unit(name)[0])
            if column not in taken and same not in earlier and not {normalise(name), normalise(column)} & spectators:
                names[same if same not in names else name] = name
    return tuple(names.values())


def _in_all(
    wanted: Iterable[str], tables: Sequence[Table], data: DataConfig
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of the wanted columns all tables have, and which some lack and the config lets go."""
    aliases = dataset(data.catalog).aliases if data.catalog is not None else {}
    kept, dropped = [], []
    for name in wanted:
        spellings = {normalise(spelling) for spelling in (name, *aliases.get(name, ()))}
        having = [bool(spellings & _spellings_in(table)) for table in tables]
        if all(having) or not any(having):  # what none has is a mistake, of which resolve says more
            kept.append(name)
        elif data.unshared == "drop":
            dropped.append(name)
        else:
            without, other = tables[having.index(False)], tables[having.index(True)]
            raise DataError(
                f"{without.where}: no column {name}, which {other.where} has; the file has {shorten(without.names)}; "
                "mend it, or set data.unshared to drop to do without this column"
            )
    return tuple(kept), tuple(dropped)


def _spellings_in(table: Table) -> set[str]:
    return {normalise(spelling) for pair in bare_names(table.names).items() for spelling in pair}


def _features(table: Table, data: DataConfig, shared: Shared, taken: set[str | None]) -> dict[str, str]:
    found = feature_columns(table, shared.features, data)
    doubled = [column for column in found.values() if column in taken]
    if doubled:
        raise DataError(
            f"{table.where}: column {doubled[0]!r} is a feature and also the weight or group; "
            "take it out of data.features"
        )
    return found


def _consecutive(wanted: ConsecutiveConfig | None, group: str | None, table: Table) -> tuple[str, ...]:
    """The columns that make groups; a file that names its groups itself needs none."""
    if wanted is None or group is not None:
        return ()
    found = resolve(wanted.columns, table.names, {}, path=table.where)
    return tuple(found[name] for name in wanted.columns)


def _label_and_class(table: Table, data: DataConfig, known: Dataset | None, use: Use) -> tuple[str | None, int | None]:
    """The label column, and the class of all rows."""
    if data.target is not None:
        refuse_classes(table.path, data)
        require_same_scale(table.named.scale, data.target, table.where)
        label = _label(table, data, known, said=True)
        if label is None and use == "learn":
            raise DataError(
                f"{table.where}: no column {data.target.name} to regress; name it in data.label, the file has "
                f"{shorten(table.names)}"
            )
        return label, None
    label_is = class_of_file(table.path, data)
    label = _label(table, data, known, said=label_is is not None or _tree_is_said(table, data))
    label_is = table.label if label_is is None else label_is
    if label is None and label_is is None:
        raise DataError(_no_label(table, known))
    return label, label_is


def _label(table: Table, data: DataConfig, known: Dataset | None, *, said: bool) -> str | None:
    """The label column: the configured one, else the file's own, else the catalog's unless the class is said.

    Of a regression it is the column with the target's name, where no other is named.
    """
    if isinstance(data.label, int):
        if not 0 <= data.label < len(table.names):
            raise DataError(
                f"{table.where}: no column at position {data.label} (data.label); the file has {len(table.names)}, "
                "counted from 0"
            )
        return table.names[data.label]
    own = table.named.label if (table.named.scale is None) == (data.target is None) else None
    if data.label is not None and (own is None or data.label in bare_names(table.names)):
        return _named(data.label, None, table)
    if data.target is not None:
        named = normalise(data.target.name) in _spellings_in(table)
        return _named(data.target.name, None, table) if own is None and named else own
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


def class_of_file(path: Path, data: DataConfig) -> int | None:
    """The class that ``data.file_labels`` gives to a file: by its path or the last parts of it; the longest wins."""
    for name in sorted(data.file_labels, key=lambda key: -len(Path(key).parts)):
        parts = Path(name).parts
        if path.parts[-len(parts) :] == parts:
            return data.file_labels[name]
    return None


def refuse_classes(path: Path, data: DataConfig) -> None:
    """Pass unless the configuration gives a class to a file, of which a regression knows none.

    Raises:
        ConfigError: naming the setting.
    """
    if data.target is not None and (label := class_of_file(path, data)) is not None:
        raise ConfigError(
            f"data.file_labels: gives the class {label} to {path.name}, but the task regresses {data.target.name}; "
            "leave it out"
        )


def _tree_is_said(table: Table, data: DataConfig) -> bool:
    return table.tree is not None and data.trees.get(table.tree) is not None


def label_values(
    data: DataConfig, known: Dataset | ImageSet | WaveformSet | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What may stand for background, and for signal: as the config says, else the catalog."""
    if known is not None and data.label_values == DataConfig.model_fields["label_values"].default:
        return known.label_values
    return data.classes_of_labels()


def _no_label(table: Table, known: Dataset | None) -> str:
    names = () if known is None else _spellings(known.label)
    looked = f" (looked for {', '.join(names)})" if names else ""
    return (
        f"{table.where}: no label column{looked}; name it in data.label, or give the class of whole trees or files in "
        f"data.trees or data.file_labels; the file has {shorten(table.names)}"
    )


def _spellings(column: Column) -> tuple[str, ...]:
    return (column.name, *column.aliases)
