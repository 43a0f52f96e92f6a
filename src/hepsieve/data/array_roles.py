"""Which array beside images or waveforms is the target, the weight or the group, and what stands for a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hepsieve.config import DataConfig
from hepsieve.data.arrays import EventArray, label_names
from hepsieve.data.channels import find_channels, known_set
from hepsieve.data.columns import shorten
from hepsieve.data.labels import LabelValues
from hepsieve.data.measured import Measured, Use, require_same_scale
from hepsieve.data.roles import class_of_file, label_values, refuse_classes
from hepsieve.data.select import selected_by
from hepsieve.errors import DataError


@dataclass(frozen=True, kw_only=True)
class ArrayRoles:
    """What of one array of events, and of the arrays beside it, becomes Events.

    Attributes:
        channels: their positions.
        label: the array with the targets; None where `label_is` says the class of all events, or nobody knows them.
        label_is: the class of all events; if there is a label array as well, the two must agree.
        label_values: what may stand in the label array for background, and for signal.
        measured: how numbers become targets; None where they are classes.
        weight: the array of weights, or None for weights of 1.
        group: the array of groups, if any.
        spectators: arrays that are carried along; None for one that this file lacks.
    """

    channels: tuple[int, ...]
    label: str | None
    label_is: int | None
    label_values: LabelValues
    measured: Measured | None
    weight: str | None
    group: str | None
    spectators: tuple[str | None, ...]

    @property
    def columns(self) -> list[str]:
        """All arrays of one number an event to read, each once."""
        named = (self.label, self.weight, self.group, *self.spectators)
        return list(dict.fromkeys(name for name in named if name is not None))


def shared_spectators(
    arrays: Sequence[EventArray], data: DataConfig, use: Use
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spectators to read, and those that are let go because some file, or of waveforms every file, lacks them.

    Columns that are only selected by are the last of the first.

    Raises:
        DataError: if no file has an array that is needed.
    """
    having = {name: sum(name in each.columns for each in arrays) for name in (*data.spectators, *selected_by(data))}
    if arrays[0].form == "waveforms":
        # One kind of waveforms may lack what another has, such as the separation of pulses: it is NaN there.
        lost = tuple(name for name, count in having.items() if count == 0)
        stop = [name for name in lost if name in data.select or data.unshared == "stop"]
        if stop and use == "learn":
            what = "by which data.select chooses" if stop[0] in data.select else "a spectator; or data.unshared: drop"
            raise DataError(f"{arrays[0].path}: no array {stop[0]} in any file ({what}); it has {_held(arrays[0])}")
        return tuple(name for name in having if name not in lost), tuple(n for n in lost if n in data.spectators)
    if data.unshared == "stop":
        return tuple(having), ()
    # What no file has is a mistake, of which reading says more.
    lost = tuple(name for name, count in having.items() if 0 < count < len(arrays))
    return tuple(name for name in having if name not in lost), lost


def _held(events: EventArray) -> str:
    return shorten((events.array, *events.columns))


def assign_arrays(
    events: EventArray, names: Sequence[str], spectators: tuple[str, ...], data: DataConfig, use: Use
) -> ArrayRoles:
    """The roles of the arrays beside an array of events, from the configuration, the catalog and the file itself.

    Args:
        events: the opened array.
        names: the channels.
        spectators: as `shared_spectators` gives them.
        data: the configuration.
        use: what the events are read for.

    Raises:
        DataError: if a channel, an array or every target is missing, or an array does not fit.
        ConfigError: if the configuration gives classes where a number is regressed.
    """
    label, label_is = label_array(events, data), class_of_file(events.path, data)
    if data.target is not None:
        refuse_classes(events.path, data)
        require_same_scale(events.named.scale, data.target, events.path)
    elif label is not None and label_is is not None and label in (*spectators, *events.files):
        label = None
    _require_targets(events, label, label_is, data, use)
    own = label is not None and label == events.named.label
    roles = ArrayRoles(
        channels=tuple(find_channels(events, names, data)),
        label=label,
        label_is=label_is,
        label_values=((0.0,), (1.0,)) if own else label_values(data, known_set(events, data)),
        measured=None
        if data.target is None
        else Measured(target=data.target, own=events.named.scale if own else None, use=use),
        weight=data.weight if data.weight is not None else events.named.weight,
        group=data.group if data.group is not None else events.named.group,
        spectators=_own_spectators(events, spectators),
    )
    for column in roles.columns:
        events.require_column(column)
    return roles


def _require_targets(events: EventArray, label: str | None, label_is: int | None, data: DataConfig, use: Use) -> None:
    if label is not None or label_is is not None or (data.target is not None and use == "apply"):
        return
    looked = ", ".join(dict.fromkeys(label_names(data)))
    classes = "" if data.target is not None else ", or give the class of whole files in data.file_labels"
    beside = " (--data X.npy --data y.npy)" if events.path.suffix.lower() == ".npy" else ""
    what = "labels" if data.target is None else f"targets {data.target.name}"
    raise DataError(
        f"{events.path}: no {what} for {events.array} (looked for {looked}); name their array in data.label{classes}, "
        f"or give them as a .npy file of their own{beside}"
    )


def _own_spectators(events: EventArray, wanted: Sequence[str]) -> tuple[str | None, ...]:
    """The arrays of these names; of waveforms None for one that the file lacks."""
    if events.form != "waveforms":
        return tuple(wanted)
    return tuple(name if name in events.columns or name in events.refused else None for name in wanted)


def label_array(events: EventArray, data: DataConfig) -> str | None:
    """The array with the targets: the configured one, else the file's own, else the one with a usual name."""
    own = events.named.label if (events.named.scale is None) == (data.target is None) else None
    if isinstance(data.label, str) and (own is None or data.label in events.columns):
        return data.label
    if own is not None:
        return own
    if data.target is not None and data.target.name in events.columns:
        return data.target.name
    return None if events.label == events.named.label else events.label
