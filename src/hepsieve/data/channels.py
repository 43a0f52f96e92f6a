"""Channels of images found by name, as the catalog, the file and the configuration call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hepsieve.config import DataConfig
from hepsieve.data.catalog import image_set
from hepsieve.data.columns import normalise, shorten
from hepsieve.data.images import Images
from hepsieve.errors import ConfigError, DataError


def channel_names(images: Images, data: DataConfig) -> tuple[str, ...]:
    """What the channels are called: as the file itself says, else the catalog, else ``data.features``, else x0, x1, …

    A channel that the catalog knows is spelled as there. The catalog's first channels count: images with one channel
    have the first.

    Raises:
        DataError: if the images don't fit the catalog, or two channels can't be told apart.
    """
    names = _names(images, data)
    if len({normalise(name) for name in names}) < len(names):
        raise DataError(
            f"{images.where}: of its channels {shorten(images.names or names)} two are the same but for case and "
            "punctuation; rename one"
        )
    return names


def _names(images: Images, data: DataConfig) -> tuple[str, ...]:
    count = images.shape[3]
    known = image_set(data.catalog) if data.catalog is not None else None
    if known is not None and images.shape[1:3] != known.size:
        raise DataError(
            f"{images.where} holds images of {images.shape[1]} × {images.shape[2]} (shape {images.shape}), but those "
            f"of {known.name} are {known.size[0]} × {known.size[1]}; channels come last"
        )
    if images.names is not None:
        spelling = {normalise(name): name for name in known.feature_names} if known is not None else {}
        return tuple(spelling.get(normalise(name), name) for name in images.names)
    if known is not None:
        if count > len(known.channels):
            raise DataError(
                f"{images.where} has {count} channels, but {known.name} has {_of(known.feature_names)}; "
                "take the others out, or leave data.catalog empty and name all of them in data.features"
            )
        return known.feature_names[:count]
    if data.features is not None and len(data.features) == count:
        return data.features
    return tuple(f"x{k}" for k in range(count))


def find_channels(images: Images, wanted: Sequence[str], data: DataConfig) -> list[int]:
    """The positions of these channels in the images.

    Raises:
        DataError: naming a channel that the images lack, and those that they have.
    """
    names = channel_names(images, data)
    positions = {normalise(name): k for k, name in enumerate(names)}
    missing = [name for name in wanted if normalise(name) not in positions]
    if missing:
        raise DataError(
            f"{images.where} has {_of(names)}, no channel {', '.join(missing)}; "
            "give files that have it, or do without it (data.features)"
        )
    return [positions[normalise(name)] for name in wanted]


def choose_channels(images: Sequence[Images], data: DataConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The channels to read, and those that are dropped because not all files have them.

    However the config spells a channel, its name is the catalog's, or else that of the first file that has it.

    Raises:
        DataError: if files differ in their channels and the config doesn't say to drop some, or none is left.
        ConfigError: if the config asks twice for a channel.
    """
    have = [channel_names(each, data) for each in images]
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
                f"{images[without].where} has {_of(have[without])}, no channel {name}, which {images[other].path} has; "
                "mend it, or set data.unshared to drop to do without this channel"
            )
    if not kept:
        raise DataError(f"{images[0].path} and {images[-1].path}: no channel is in all files (data.unshared: drop)")
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
