"""A finished run's folder to where another training begins: weights or trees, and how their inputs are made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import TypeAdapter, ValidationError

from hepsieve.config import PrepareConfig, TaskConfig, load_task
from hepsieve.errors import ConfigError, IntegrityError
from hepsieve.events import Events
from hepsieve.manifest import verify
from hepsieve.models.config import ImageNetwork, Learner, MLPConfig, ModelConfig, Network, TrainConfig, TreesConfig
from hepsieve.models.mlp import Weights
from hepsieve.models.outputs import outputs_of
from hepsieve.models.weights import load_arrays
from hepsieve.prepare import PREPARATION, AnyPreparation

_MODELS = "models"
_SCHEMA = "schema.json"
_PREPARATION = "preparation.json"
_WEIGHTS = "weights.safetensors"
_TREES = "model.ubj"
TREES = "trees"
"""What the bytes of trees are called among weights."""
_MODEL: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)
_FREE = ("dropout", "channels")  # what shapes no weight; channels are compared as features
_SEEN = ("derive", "frame", "shower_shapes", "pulse_shapes")


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Where a training begins.

    Attributes:
        preparation: how its inputs are made.
        weights: of a network under their canonical names; of trees the bytes of their file, as ``TREES``.
    """

    preparation: AnyPreparation
    weights: Weights


@dataclass(frozen=True, kw_only=True)
class _Former:
    """A model of the run to start from."""

    name: str
    folder: Path
    config: Network | TreesConfig
    members: int


def start_of(config: Learner, settings: TrainConfig) -> Path | None:
    """The run that a model begins with; None where it begins anew, as AdaBoost and trees of shards always do."""
    match config:
        case Network():
            return config.own(settings).start_from
        case TreesConfig(shards=None):
            return config.start_from or settings.start_from
        case _:
            return None


def load_start(
    name: str,
    config: Network | TreesConfig,
    run: Path,
    events: Events,
    prepare: PrepareConfig,
    *,
    fold: int | None = None,
) -> Start:
    """The weights (or trees) and the preparation of a run's model of this name, or else of this architecture.

    Args:
        name: of the model that begins with them.
        config: its configuration; how it is trained may differ, and so may its backend.
        run: the run folder.
        events: what the model will learn from.
        prepare: the steps that this training asks for.
        fold: from 0, where the model is trained for each of several; a run with as many has a model for each.

    Raises:
        IntegrityError: if the run can't be read, or was changed.
        ConfigError: if it has no such model, or its inputs are others; naming what differs.
    """
    key = f"models.{name}: start_from"
    former = _chosen(key, name, config, run)
    place = former.folder
    if former.members > 1:
        place = place / f"fold-{1 + (0 if fold is None else fold % former.members)}"
    try:
        verify(former.folder)
        preparation = PREPARATION.validate_json((place / _PREPARATION).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise IntegrityError(f"{place}: its preparation can't be read; train the run again") from None
    task = _task(run)
    if task.kind != events.kind:
        raise ConfigError(f"{key} {run}: that run is a {task.kind}, and this one a {events.kind}; start from another")
    _require_same_features(f"{key} {run}", preparation.features, config, events, prepare)
    _require_same_steps(f"{key} {run}", former.config, config, task.prepare, prepare)
    if (shape := preparation(events[:1]).shape[1:]) != preparation.shape:
        raise ConfigError(
            f"{key} {run}: its events have the shape {preparation.shape}, and these {shape}; start from another run"
        )
    if isinstance(config, TreesConfig):
        trees = np.frombuffer((place / _TREES).read_bytes(), np.uint8)
        return Start(preparation=preparation, weights=cast("Weights", {TREES: trees}))
    weights = {name: array.astype(np.float32) for name, array in load_arrays(place / _WEIGHTS).items()}
    return Start(preparation=preparation, weights=weights)


def _task(run: Path) -> TaskConfig:
    file = run / "config.yaml"
    if not file.is_file():
        raise IntegrityError(f"train.start_from: {run} is no folder of a finished run; name one (hepsieve runs)")
    return load_task(file)


def _chosen(key: str, name: str, config: Network | TreesConfig, run: Path) -> _Former:
    _task(run)
    formers = list(_formers(run))
    fitting = [former for former in formers if architecture(former.config) == architecture(config)]
    if fitting:
        return next((former for former in fitting if former.name == name), fitting[0])
    there = "; ".join(f"{one.name} is {_described(one.config)}" for one in formers) or "it has none to begin with"
    raise ConfigError(f"{key} {run}: no model of the architecture {_described(config)} in that run: {there}")


def _formers(run: Path) -> Iterator[_Former]:
    for folder in sorted((run / _MODELS).glob("*")):
        try:
            schema = json.loads((folder / _SCHEMA).read_text(encoding="utf-8"))
            config = _MODEL.validate_python(schema["config"])
            members = int(schema.get("members", 1))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # an ensemble, or none of ours
        if isinstance(config, Network | TreesConfig):
            yield _Former(name=folder.name, folder=folder, config=config, members=members)


def architecture(config: Network | TreesConfig) -> dict[str, Any]:
    """What shapes a network's weights and decides what they mean, by the names of its settings.

    Trees of any size can be added to others.
    """
    if isinstance(config, TreesConfig):
        return {"kind": config.kind, "loss": config.loss}
    own = set(type(config).model_fields) - set(Network.model_fields) - set(_FREE)
    found = config.model_dump(mode="json", include=own)
    if isinstance(config, MLPConfig):
        found["widths"] = list(config.hidden())
    return {**found, "outputs": outputs_of(config)}


def _described(config: Network | TreesConfig) -> str:
    return ", ".join(f"{name} {value}" for name, value in architecture(config).items() if name != "outputs")


def _require_same_features(
    key: str, theirs: tuple[str, ...], config: Learner, events: Events, prepare: PrepareConfig
) -> None:
    own = config.channels if isinstance(config, ImageNetwork) else None
    mine = [name for name in own or prepare.features or events.names if name not in config.without]
    if missing := [name for name in theirs if name not in mine]:
        raise ConfigError(
            f"{key}: that run learned from other features: {', '.join(missing)} of them, which this model does not get"
        )
    if more := [name for name in mine if name not in theirs]:
        raise ConfigError(
            f"{key}: that run learned from other features: not from {', '.join(more)}; leave them out with without or "
            "prepare.features, or train that run again"
        )


def _require_same_steps(key: str, former: Learner, config: Learner, theirs: PrepareConfig, mine: PrepareConfig) -> None:
    """The preparation is that of the former run: whoever asks for another would not get it."""
    for name in PrepareConfig.model_fields:
        if name in _SEEN:
            continue
        if name != "features" and getattr(theirs, name) != getattr(mine, name):
            raise ConfigError(
                f"{key}: its inputs were prepared with prepare.{name}: {_short(getattr(theirs, name))}, and here it is "
                f"{_short(getattr(mine, name))}; set it alike"
            )
    for name in _SEEN:
        before, now = (
            getattr(one, name) if getattr(one, name) is not None else getattr(steps, name, None)
            for one, steps in ((former, theirs), (config, mine))
        )
        if before != now:
            raise ConfigError(
                f"{key}: its inputs were made with {name}: {_short(before)}, and here it is {_short(now)}; set it alike"
            )


def _short(value: Any) -> str:
    return str(value.model_dump() if hasattr(value, "model_dump") else value)
