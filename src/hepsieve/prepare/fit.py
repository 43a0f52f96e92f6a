"""The preparation that one model needs, of tables, images or waveforms, fitted on the training part alone."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.architecture import SpatialConfig, architecture
from hepsieve.models.config import ImageNetwork, Learner, ModelConfig, WaveformNetwork
from hepsieve.prepare.arrange import derived_names, require_frame, whole_objects
from hepsieve.prepare.derive import derivable
from hepsieve.prepare.images import ImagePreparation
from hepsieve.prepare.pipeline import Preparation
from hepsieve.prepare.shapes import ShapePreparation
from hepsieve.prepare.waveforms import WaveformPreparation
from hepsieve.pulse_shapes import LIGHT
from hepsieve.shapes import names_of
from hepsieve.shower_shapes import ENERGY, are_images
from hepsieve.waveforms import are_waveforms

AnyPreparation = Preparation | ImagePreparation | ShapePreparation | WaveformPreparation
# No two of them have the same fields, so a file says by its fields which it is.
PREPARATION: TypeAdapter[AnyPreparation] = TypeAdapter(AnyPreparation)
"""Reads the JSON of any preparation."""


def fit_preparation(train: Events, config: PrepareConfig, learner: Learner, *, impute: bool = False) -> AnyPreparation:
    """Learn from these events alone how a model's inputs are made.

    Args:
        train: the training part.
        config: which steps.
        learner: the model, which may go without features, choose channels, or want shower shapes or pulse shapes.
        impute: replace values that are not finite by the training part's medians.

    Raises:
        ConfigError: if a chosen feature does not exist, or a step does not suit the data.
    """
    if train.features.ndim == 2:
        return Preparation.fit(train, steps_of(learner, config), without=learner.without, impute=impute)
    channels = _channels(train, config, learner)
    if learner.shower_shapes or learner.pulse_shapes:
        return ShapePreparation.fit(train, config, channels=channels, without=learner.without, impute=impute)
    flat = not isinstance(learner, ImageNetwork | WaveformNetwork)
    if are_waveforms(train):
        return WaveformPreparation.fit(train, config, channels=channels, flat=flat, impute=impute)
    return ImagePreparation.fit(train, config, channels=channels, flat=flat, impute=impute)


def steps_of(learner: Learner, config: PrepareConfig) -> PrepareConfig:
    """The steps for the table that a model gets, with its own frame and derived features where it has them."""
    own: dict[str, Any] = {name: getattr(learner, name) for name in ("derive", "frame")}
    return config.model_copy(update={name: value for name, value in own.items() if value is not None})


def share(learner: Learner) -> Hashable:
    """What the inputs of a model depend on, besides the data: models of equal shares can use the same inputs."""
    channels = learner.channels if isinstance(learner, ImageNetwork) else None
    flat = not isinstance(learner, ImageNetwork | WaveformNetwork)
    shapes = learner.shower_shapes, learner.pulse_shapes
    own = learner.without, learner.derive, learner.frame, learner.train_on, learner.symmetries
    return repr((*own, *shapes, channels, flat))


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
    _require_kind(name, model, train)
    if train.features.ndim > 2:
        _require_for_channels(name, model, train, config)
        return
    own, without = f"models.{name}", model.without
    derived = derived_names(model.derive, train, key=f"{own}.derive") if model.derive is not None else ()
    known = (*train.names, *derived_names(config.derive, train), *derived)
    if unknown := [feature for feature in without if feature not in known]:
        have = ", ".join(dict.fromkeys(known))
        raise ConfigError(f"{own}.without: no feature {unknown[0]!r}; the data have {have}")
    kept = [feature for feature in config.features or train.names if feature not in without]
    if not kept:
        raise ConfigError(f"{own}.without: no feature is left for the model")
    if (frame := config.frame if model.frame is None else model.frame) is not None:
        where = "prepare.frame" if model.frame is None else f"{own}.frame"
        require_frame(frame, train, kept, key=where, model=name)


def idle_steps(models: Mapping[str, Learner], train: Events, config: PrepareConfig) -> tuple[str, ...]:
    """What a task asks for and no input comes of, in sentences: it is no mistake, as other models may have it.

    Args:
        models: all that are trained, by name.
        train: the training part.
        config: the steps.
    """
    if train.features.ndim > 2:
        return ()
    told, there = [], set(config.features or train.names)
    for name, model in models.items():
        left = set(config.features or train.names) - set(model.without)
        for group in steps_of(model, config).derive:
            found = [
                one.name
                for one in derivable([group], whole_objects(train))
                if set(one.columns(train.objects)) <= left and one.name not in model.without
            ]
            there |= set(found)
            if not found:
                told.append(f"{name}: nothing is left of {group} without the columns that it doesn't get")
    idle = [name for name in config.log if name not in there]
    return (*told, *(f"prepare.log: {name} is an input of none of {', '.join(models)}" for name in idle))


def _require_kind(name: str, model: ModelConfig, train: Events) -> None:
    """Networks and shapes of images for images alone, those of waveforms for waveforms."""
    have = f"a table of {len(train.names)} columns; take mlp, tabm or trees"
    if are_images(train):
        have = "images; take cnn, resnet, vgg, shower, mlp, tabm or trees"
    if are_waveforms(train):
        have = "waveforms; take wave-cnn, wave-resnet, pulse, mlp, tabm or trees"
    for network, right, what in (
        (ImageNetwork, are_images(train), "images"),
        (WaveformNetwork, are_waveforms(train), "waveforms"),
    ):
        if isinstance(model, network) and not right:
            raise ConfigError(
                f"models.{name}: a network of kind {model.kind} looks at {what}, and the data are {have}, or leave it "
                "out with --models"
            )
    if model.shower_shapes and not are_images(train):
        raise ConfigError(f"models.{name}.shower_shapes: the data are no images; leave it out")
    if model.pulse_shapes and not are_waveforms(train):
        raise ConfigError(f"models.{name}.pulse_shapes: the data are no waveforms; leave it out")


def _require_for_channels(name: str, model: ModelConfig, train: Events, config: PrepareConfig) -> None:
    _require_no_table_steps(name, model, train, config)
    ndim = train.features.ndim
    _require_channels("prepare.features", config.features or (), train.names)
    if isinstance(model, ImageNetwork):
        _require_channels(f"models.{name}.channels", model.channels or (), train.names)
    on_shapes = model.shower_shapes or model.pulse_shapes
    shapes = names_of(train.names, ndim=ndim) if on_shapes else ()
    _require_channels(f"models.{name}.without", model.without, (*train.names, *shapes))
    channels = _channels(train, config, model)
    if not channels:
        raise ConfigError(f"models.{name}.without: no channel is left for the model")
    if isinstance(model, ImageNetwork | WaveformNetwork):
        _require_large_enough(name, model, (*train.features.shape[1:-1], len(channels)))
    measured = ENERGY if are_images(train) else LIGHT
    what = "shower" if are_images(train) else "pulse"
    if on_shapes and measured not in channels:
        raise ConfigError(
            f"models.{name}.{what}_shapes: {what} shapes are measured in the channel {measured!r}; the model gets "
            f"{', '.join(channels)}"
        )
    if on_shapes and not set(names_of(channels, ndim=ndim)) - set(model.without):
        raise ConfigError(f"models.{name}.without: no {what} shape is left for the model")


def _require_no_table_steps(name: str, model: ModelConfig, train: Events, config: PrepareConfig) -> None:
    for key, wanted in (
        ("prepare.derive", config.derive),
        ("prepare.frame", config.frame),
        (f"models.{name}.derive", model.derive),
        (f"models.{name}.frame", model.frame),
    ):
        if wanted:
            kind = "images" if are_images(train) else "waveforms"
            raise ConfigError(f"{key}: the data are {kind}, which have no columns with momenta; leave it out")
    data = "images, whose energy is bent by prepare.image.energy" if are_images(train) else "waveforms"
    if config.log:
        raise ConfigError(f"prepare.log: the data are {data}; leave it out")
    if config.pca is not None:
        data = "images" if are_images(train) else "waveforms"
        raise ConfigError(f"prepare.pca: the data are {data}, which lose their neighbours by a rotation; leave it out")


def _require_channels(key: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f", the nearest is {near[0]!r}" if near else ""
            raise ConfigError(f"{key}: no channel {name!r}{hint}; the data have {', '.join(known)}")


def _require_large_enough(name: str, model: SpatialConfig, shape: tuple[int, ...]) -> None:
    try:
        architecture(model, shape)
    except ConfigError as error:
        raise ConfigError(f"models.{name}: {error}") from None


def _channels(train: Events, config: PrepareConfig, learner: Learner) -> tuple[str, ...]:
    """The channels that a model gets."""
    own = learner.channels if isinstance(learner, ImageNetwork) else None
    return tuple(name for name in own or config.features or train.names if name not in learner.without)
