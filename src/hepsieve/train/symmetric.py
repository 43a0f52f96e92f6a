"""Which symmetries a model is trained with and averaged over; refused where the data have none to change."""

from __future__ import annotations

from collections.abc import Sequence

from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.config import Learner, TrainConfig
from hepsieve.models.learner import Symmetry
from hepsieve.prepare.copies import MirroredImages, TurnedTables
from hepsieve.prepare.mirrored import AXES
from hepsieve.shower_shapes import are_images


def symmetries_of(config: Learner, settings: TrainConfig) -> tuple[Symmetry, ...]:
    """The symmetries of the tables that a model gets: its own, or those of the training."""
    return settings.symmetries if config.symmetries is None else config.symmetries


def in_order(symmetries: Sequence[Symmetry]) -> tuple[Symmetry, ...]:
    """The same symmetries in the order in which they are drawn, whichever way they were written."""
    every: tuple[Symmetry, ...] = ("rotation", "reflection", "mirror")
    return tuple(one for one in every if one in symmetries)


def copies_of(config: Learner, settings: TrainConfig, events: Events) -> MirroredImages | TurnedTables | None:
    """What a model's scores are averaged over, if ``require_symmetries`` found it possible; None: the events alone.

    Args:
        config: the model.
        settings: says which symmetries there are.
        events: whose objects change.
    """
    if config.average_flips:
        return MirroredImages(flips=tuple(flip for flip in AXES if flip in settings.flips))
    if config.average > 1:
        symmetries = in_order(symmetries_of(config, settings))
        return TurnedTables(objects=dict(events.objects), symmetries=symmetries, number=config.average)
    return None


def require_symmetries(name: str, config: Learner, settings: TrainConfig, events: Events) -> None:
    """Refuse, before anything is trained, symmetries that mean nothing for such data, and averages over none.

    Args:
        name: of the model.
        config: the model.
        settings: how networks are trained.
        events: any of them.

    Raises:
        ConfigError: naming the key, what was found and what could stand there.
    """
    symmetries = symmetries_of(config, settings)
    key = "train.symmetries" if config.symmetries is None else f"models.{name}.symmetries"
    if symmetries:
        _require_objects(key, symmetries, events)
    if config.average > 1:
        _require_average(f"models.{name}.average", config.average, symmetries)
    if config.average_flips:
        if not are_images(events):
            raise ConfigError(f"models.{name}.average_flips: the data are no images; leave it out")
        if not settings.flips:
            raise ConfigError(
                f"models.{name}.average_flips: train.flips names no flip to average over; name rows, columns or both"
            )


def _require_objects(key: str, symmetries: Sequence[Symmetry], events: Events) -> None:
    if events.features.ndim > 2:
        data = "images, which train.flips mirrors" if are_images(events) else "waveforms"
        raise ConfigError(f"{key}: the data are {data}; {symmetries[0]} is for tables of collisions, leave it out")
    if not events.objects:
        raise ConfigError(
            f"{key}: {symmetries[0]} changes the angles of particles and jets, and nothing says which columns hold "
            "them; name them in data.objects, or leave it out"
        )
    azimuths = {one.phi for one in events.objects.values()} & set(events.names)
    rapidities = {one.eta for one in events.objects.values()} & set(events.names)
    for symmetry in symmetries:
        if not (rapidities if symmetry == "reflection" else azimuths):
            angle = "pseudorapidity" if symmetry == "reflection" else "azimuth"
            raise ConfigError(f"{key}: no feature is the {angle} of an object, which {symmetry} changes; leave it out")


def _require_average(key: str, number: int, symmetries: Sequence[Symmetry]) -> None:
    if not symmetries:
        raise ConfigError(f"{key}: train.symmetries names none to average over; name some, or leave average out")
    sides = 2 ** sum(name in symmetries for name in ("reflection", "mirror"))
    if "rotation" not in symmetries and number != sides:
        raise ConfigError(f"{key}: {' and '.join(symmetries)} have {sides} copies in all; found {number}, take {sides}")
    if number % sides:
        raise ConfigError(
            f"{key}: each angle has {sides} copies by {' and '.join(one for one in symmetries if one != 'rotation')}; "
            f"found {number}, take a multiple of {sides}"
        )
