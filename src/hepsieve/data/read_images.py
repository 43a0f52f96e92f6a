"""Files of images turned into a plan to read them: channels by name, classes from arrays or whole files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import DataConfig
from hepsieve.data.catalog import image_set
from hepsieve.data.channels import choose_channels, find_channels
from hepsieve.data.chunks import Chunk, Plan, joint_origin
from hepsieve.data.columns import normalise
from hepsieve.data.images import LABEL_ARRAYS, Block, Images
from hepsieve.data.labels import LabelValues, as_classes, group_numbers, neither, wrong_labels
from hepsieve.data.open import open_images
from hepsieve.data.roles import class_of_file, label_values
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import FloatArray, IntArray
from hepsieve.progress import Progress


@dataclass(frozen=True, kw_only=True)
class ImageRoles:
    """What of one array of images, and of the arrays beside it, becomes Events.

    Attributes:
        channels: their positions.
        label: the array with the classes, or None where `label_is` says it for all images.
        label_is: the class of all images; if there is a label array as well, the two must agree.
        label_values: what may stand in the label array for background, and for signal.
        weight: the array of weights, or None for weights of 1.
        group: the array of groups, if any.
        spectators: arrays that are carried along.
    """

    channels: tuple[int, ...]
    label: str | None
    label_is: int | None
    label_values: LabelValues
    weight: str | None
    group: str | None
    spectators: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """All arrays of one number an image to read, each once."""
        named = (self.label, self.weight, self.group, *self.spectators)
        return list(dict.fromkeys(name for name in named if name is not None))


def plan_images(paths: Sequence[Path], data: DataConfig, progress: Progress) -> Plan:
    """What is to be read of these files, found out from what they say about their arrays.

    Raises:
        DataError: if a file holds no images, or other ones than the first file or the catalog.
        ConfigError: if a setting has no meaning for images.
    """
    _refuse_settings_of_tables(data)
    images = [each for path in paths for each in open_images(path, data)]
    names, dropped = choose_channels(images, data)
    _require_one_size(images)
    spectators, lost = _shared_spectators(images, data)
    roles = [_assign(each, names, spectators, data) for each in images]
    for what in ("weight", "group"):
        if len({getattr(role, what) is None for role in roles}) > 1:
            raise DataError(f"{images[0].path} and {images[-1].path}: only one of them has {what}s")
    return Plan(
        names=names,
        shape=(*images[0].shape[1:3], len(names)),
        units=_units(images[0], names, data),
        spectators=spectators,
        tables=len(images),
        grouped=roles[0].group is not None,
        chunks=lambda: _chunks(images, roles, progress),
        origin=partial(joint_origin, [(each.path, each.origin) for each in images], (*dropped, *lost)),
    )


def pixels_of(block: Block, channels: Sequence[int]) -> FloatArray:
    """These channels as float32, shape (b, height, width, channels); what float32 can't hold is infinite."""
    pixels = block.pixels
    if list(channels) != list(range(pixels.shape[3])):
        pixels = pixels[..., list(channels)]
    # The audit names infinities; numpy's warning would only say that there was one.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(pixels, dtype=np.float32)


def label_array(images: Images, data: DataConfig) -> str | None:
    """The array with the classes: the configured one, else the file's own, else the one with a usual name."""
    own = images.named.label
    if isinstance(data.label, str) and (own is None or data.label in images.columns):
        return data.label
    return own if own is not None else images.label


def _refuse_settings_of_tables(data: DataConfig) -> None:
    for name in ("group_consecutive", "parameter"):
        if getattr(data, name) is not None:
            raise ConfigError(f"data.{name}: is about the columns of tables; images have none, so leave it out")
    if isinstance(data.label, int):
        raise ConfigError(f"data.label: {data.label} is a position in a table; arrays beside images are named")


def _require_one_size(images: Sequence[Images]) -> None:
    first = images[0]
    for other in images:
        if other.shape[1:3] != first.shape[1:3]:
            raise DataError(
                f"{other.where} holds images of {other.shape[1]} × {other.shape[2]}, but {first.path} of "
                f"{first.shape[1]} × {first.shape[2]}; all must be of one size"
            )


def _units(images: Images, names: Sequence[str], data: DataConfig) -> tuple[str, ...]:
    """The unit of each channel: the catalog's, or what the file says of it in its own spelling."""
    known = image_set(data.catalog).units if data.catalog is not None else {}
    said = {normalise(name): unit for name, unit in images.units.items()}
    return tuple(known.get(name, said.get(normalise(name), "")) for name in names)


def _shared_spectators(images: Sequence[Images], data: DataConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spectators to read, and those that some file lacks where the config lets them go."""
    if data.unshared == "stop":
        return data.spectators, ()
    # What no file has is a mistake, of which reading says more.
    lost = [name for name in data.spectators if 0 < sum(name in each.columns for each in images) < len(images)]
    return tuple(name for name in data.spectators if name not in lost), tuple(lost)


def _assign(images: Images, names: Sequence[str], spectators: tuple[str, ...], data: DataConfig) -> ImageRoles:
    known = image_set(data.catalog) if data.catalog is not None else None
    label, label_is = label_array(images, data), class_of_file(images.path, data)
    if label is None and label_is is None:
        raise DataError(
            f"{images.path}: no labels for {images.array} (looked for {', '.join(LABEL_ARRAYS)}); name their array in "
            "data.label, or give the class of whole files in data.file_labels"
        )
    own = label is not None and label == images.named.label
    weight = data.weight if data.weight is not None else images.named.weight
    group = data.group if data.group is not None else images.named.group
    roles = ImageRoles(
        channels=tuple(find_channels(images, names, data)),
        label=label,
        label_is=label_is,
        label_values=((0.0,), (1.0,)) if own else label_values(data, known),
        weight=weight,
        group=group,
        spectators=spectators,
    )
    for column in roles.columns:
        images.require_column(column)
    return roles


def _chunks(images: Sequence[Images], roles: Sequence[ImageRoles], progress: Progress) -> Iterator[Chunk]:
    files = list(dict.fromkeys(each.path.name for each in images))
    with progress.task(f"reading {', '.join(files[:3])}", sum(each.size for each in images)) as advance:
        for index, (each, role) in enumerate(zip(images, roles, strict=True)):
            first = 0
            for block in each.blocks(role.columns, advance=advance):
                yield _chunk(block, role, each, first, index)
                first += len(block.pixels)


def _chunk(block: Block, roles: ImageRoles, images: Images, first: int, index: int) -> Chunk:
    columns, count = block.columns, len(block.pixels)
    spectators = [columns[name].astype(np.float64) for name in roles.spectators]
    return Chunk(
        table=index,
        features=pixels_of(block, roles.channels),
        target=_target(block, roles, images, first),
        weight=np.ones(count, np.float32) if roles.weight is None else columns[roles.weight].astype(np.float32),
        group=None if roles.group is None else _groups(columns[roles.group], roles.group, images, first),
        spectators=np.stack(spectators, axis=1) if spectators else None,
    )


def _target(block: Block, roles: ImageRoles, images: Images, first: int) -> FloatArray:
    """Classes as 0 and 1; NaN stays for the audit to decide about."""
    if roles.label is None:
        return np.full(len(block.pixels), roles.label_is, np.float32)
    values = block.columns[roles.label]
    target = as_classes(values, roles.label_values)
    if len(wrong := wrong_labels(values, target)):
        raise DataError(
            f"{images.path}: {roles.label}[{first + wrong[0]}]: {neither(values[wrong[0]], roles.label_values)}; "
            "see data.label_values"
        )
    if roles.label_is is not None and len(wrong := np.flatnonzero(target == 1 - roles.label_is)):
        raise DataError(
            f"{images.path}: {roles.label}[{first + wrong[0]}] says {values[wrong[0]]:g}, but the whole file should be "
            f"of class {roles.label_is} (data.file_labels)"
        )
    return target


def _groups(values: NDArray[Any], name: str, images: Images, first: int) -> IntArray:
    if len(wrong := np.flatnonzero(~np.isfinite(values))):
        raise DataError(f"{images.path}: {name}[{first + wrong[0]}]: group {values[wrong[0]]} is no number")
    return group_numbers(values)
