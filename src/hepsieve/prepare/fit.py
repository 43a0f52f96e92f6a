"""The preparation that one model needs, of tables or of images, fitted on the training part alone."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence

from pydantic import TypeAdapter

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.architecture import ImageConfig, architecture
from hepsieve.models.config import ImageNetwork, Learner, ModelConfig
from hepsieve.prepare.images import ImagePreparation
from hepsieve.prepare.pipeline import Preparation
from hepsieve.prepare.shapes import ShapePreparation
from hepsieve.shower_shapes import ENERGY, are_images, shape_names

AnyPreparation = Preparation | ImagePreparation | ShapePreparation
# No two of them have the same fields, so a file says by its fields which it is.
PREPARATION: TypeAdapter[AnyPreparation] = TypeAdapter(AnyPreparation)
"""Reads the JSON of any preparation."""


def fit_preparation(train: Events, config: PrepareConfig, learner: Learner, *, impute: bool = False) -> AnyPreparation:
    """Learn from these events alone how a model's inputs are made.

    Args:
        train: the training part.
        config: which steps.
        learner: the model, which may go without features, choose channels, or want shower shapes.
        impute: replace values that are not finite by the training part's medians.

    Raises:
        ConfigError: if a chosen feature does not exist, or a step does not suit the data.
    """
    if not are_images(train):
        kept = tuple(name for name in config.features or train.names if name not in learner.without)
        steps = config.model_copy(update={"features": kept}) if learner.without else config
        return Preparation.fit(train, steps, impute=impute)
    channels = _channels(train, config, learner)
    if learner.shower_shapes:
        return ShapePreparation.fit(train, config, channels=channels, without=learner.without, impute=impute)
    flat = not isinstance(learner, ImageNetwork)
    return ImagePreparation.fit(train, config, channels=channels, flat=flat, impute=impute)


def share(learner: Learner) -> Hashable:
    """What the inputs of a model depend on, besides the data: models of equal shares can use the same inputs."""
    channels = learner.channels if isinstance(learner, ImageNetwork) else None
    flat = not isinstance(learner, ImageNetwork)
    return repr((learner.without, learner.train_on, learner.shower_shapes, channels, flat))


def require_preparation(name: str, model: ModelConfig, train: Events, config: PrepareConfig) -> None:
    """Refuse, before anything is fitted, a preparation that the data or the model can't have.

    Args:
        name: the model's name.
        model: its configuration.
        train: the training part.
        config: the steps.

    Raises:
        ConfigError: naming the key, what was found and what there is.
    """
    if are_images(train):
        _require_for_images(name, model, train, config)
        return
    if isinstance(model, ImageNetwork):
        raise ConfigError(
            f"models.{name}: a network of kind {model.kind} looks at images, and the data are a table of "
            f"{len(train.names)} columns; take mlp or trees, or leave it out with --models"
        )
    if model.shower_shapes:
        raise ConfigError(f"models.{name}.shower_shapes: the data are no images; leave it out")
    if unknown := [feature for feature in model.without if feature not in train.names]:
        have = ", ".join(train.names)
        raise ConfigError(f"models.{name}.without: no feature {unknown[0]!r}; the data have {have}")
    if not set(config.features or train.names) - set(model.without):
        raise ConfigError(f"models.{name}.without: no feature is left for the model")


def _require_for_images(name: str, model: ModelConfig, train: Events, config: PrepareConfig) -> None:
    if config.log:
        raise ConfigError(
            "prepare.log: the data are images, whose energy is bent by prepare.image.energy; leave it out"
        )
    if config.pca is not None:
        raise ConfigError("prepare.pca: the data are images, which lose their neighbours by a rotation; leave it out")
    _require_channels("prepare.features", config.features or (), train.names)
    if isinstance(model, ImageNetwork):
        _require_channels(f"models.{name}.channels", model.channels or (), train.names)
    shapes = shape_names(train.names) if model.shower_shapes else ()
    _require_channels(f"models.{name}.without", model.without, (*train.names, *shapes))
    channels = _channels(train, config, model)
    if not channels:
        raise ConfigError(f"models.{name}.without: no channel is left for the model")
    if isinstance(model, ImageNetwork):
        _require_large_enough(name, model, (train.features.shape[1], train.features.shape[2], len(channels)))
    if model.shower_shapes and ENERGY not in channels:
        raise ConfigError(
            f"models.{name}.shower_shapes: shower shapes are measured in the channel {ENERGY!r}; the model gets "
            f"{', '.join(channels)}"
        )
    if model.shower_shapes and not set(shape_names(channels)) - set(model.without):
        raise ConfigError(f"models.{name}.without: no shower shape is left for the model")


def _require_channels(key: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f", the nearest is {near[0]!r}" if near else ""
            raise ConfigError(f"{key}: no channel {name!r}{hint}; the data have {', '.join(known)}")


def _require_large_enough(name: str, model: ImageConfig, shape: tuple[int, int, int]) -> None:
    try:
        architecture(model, shape)
    except ConfigError as error:
        raise ConfigError(f"models.{name}: {error}") from None


def _channels(train: Events, config: PrepareConfig, learner: Learner) -> tuple[str, ...]:
    """The channels that a model gets."""
    own = learner.channels if isinstance(learner, ImageNetwork) else None
    return tuple(name for name in own or config.features or train.names if name not in learner.without)
