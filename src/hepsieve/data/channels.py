"""Channels of images and waveforms found by name, as the catalog, the file and the configuration call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hepsieve.config import DataConfig
from hepsieve.data.arrays import EventArray
from hepsieve.data.catalog import ImageSet, WaveformSet, image_set, waveform_set
from hepsieve.data.columns import normalise, shorten
from hepsieve.errors import ConfigError, DataError


def channel_names(events: EventArray, data: DataConfig) -> tuple[str, ...]:
    """What the channels are called: as the file itself says, else the catalog, else ``data.features``, else x0, x1, …

    A channel that the catalog knows is spelled as there. The catalog's first channels count: events with one channel
    have the first.

    Raises:
        DataError: if the events don't fit the catalog, or two channels can't be told apart.
    """
    names = _names(events, data)
    if len({normalise(name) for name in names}) < len(names):
        raise DataError(
            f"{events.where}: of its channels {shorten(events.names or names)} two are the same but for case and "
            "punctuation; rename one"
        )
    return names


def known_set(events: EventArray, data: DataConfig) -> ImageSet | WaveformSet | None:
    """What the catalog says about such events; None where the configuration doesn't ask it.

    Raises:
        ConfigError: if it knows other ones by that name.
    """
    if data.catalog is None:
        return None
    return image_set(data.catalog) if events.form == "images" else waveform_set(data.catalog)


def _names(events: EventArray, data: DataConfig) -> tuple[str, ...]:
    count = events.shape[-1]
    known = known_set(events, data)
    if isinstance(known, ImageSet) and events.shape[1:3] != known.size:
        raise DataError(
            f"{events.where} holds images of {events.shape[1]} × {events.shape[2]} (shape {events.shape}), but those "
            f"of {known.name} are {known.size[0]} × {known.size[1]}; channels come last"
        )
    if events.names is not None:
        spelling = {normalise(name): name for name in known.feature_names} if known is not None else {}
        return tuple(spelling.get(normalise(name), name) for name in events.names)
    if known is not None:
        if count > len(known.channels):
            raise DataError(
                f"{events.where} has {count} channels, but {known.name} has {_of(known.feature_names)}; "
                "take the others out, or leave data.catalog empty and name all of them in data.features"
            )
        return known.feature_names[:count]
    if data.features is not None and len(data.features) == count:
        return data.features
    return tuple(f"x{k}" for k in range(count))


def find_channels(events: EventArray, wanted: Sequence[str], data: DataConfig) -> list[int]:
    """The positions of these channels in the events.

    Raises:
        DataError: naming a channel that the images lack, and those that they have.
    """
    names = channel_names(events, data)
    positions = {normalise(name): k for k, name in enumerate(names)}
    missing = [name for name in wanted if normalise(name) not in positions]
    if missing:
        raise DataError(
            f"{events.where} has {_of(names)}, no channel {', '.join(missing)}; "
            "give files that have it, or do without it (data.features)"
        )
    return [positions[normalise(name)] for name in wanted]


def choose_channels(arrays: Sequence[EventArray], data: DataConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The channels to read, and those that are dropped because not all files have them.

    However the config spells a channel, its name is the catalog's, or else that of the first file that has it.

    Raises:
        DataError: if files differ in their channels and the config doesn't say to drop some, or none is left.
        ConfigError: if the config asks twice for a channel.
    """
    have = [channel_names(each, data) for each in arrays]
    known = [{normalise(name): name for name in names} for names in have]
    spelling = {key: name for names in reversed(known) for key, name in names.items()}
    kept, dropped = [], []
    for key, wanted in _wanted(known, data).items():
        name = spelling.get(key, wanted)
        having = [key in names for names in known]
        if all(having) or not any(having):  # what none has is a mistake, of which find_channels says more
            kept.append(name)
        elif data.unshared == "drop":
            dropped.append(name)
        else:
            without, other = having.index(False), having.index(True)
            raise DataError(
                f"{arrays[without].where} has {_of(have[without])}, no channel {name}, which {arrays[other].path} has; "
                "mend it, or set data.unshared to drop to do without this channel"
            )
    if not kept:
        raise DataError(f"{arrays[0].path} and {arrays[-1].path}: no channel is in all files (data.unshared: drop)")
    return tuple(kept), tuple(dropped)


def _wanted(known: Sequence[Mapping[str, str]], data: DataConfig) -> dict[str, str]:
    """The channels that are asked for, in their order; without any in the config, all that there are."""
    if data.features is None:
        return {key: name for names in known for key, name in names.items()}
    wanted: dict[str, str] = {}
    for name in data.features:
        if (key := normalise(name)) in wanted:
            raise ConfigError(f"data.features: {wanted[key]!r} and {name!r} are the same channel; name it once")
        wanted[key] = name
    return wanted


def _of(names: Sequence[str]) -> str:
    return f"{len(names)} channel{'s' if len(names) > 1 else ''} ({', '.join(names)})"
