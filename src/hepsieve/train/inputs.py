"""Training and validation events turned into what one model gets of them: its events, its features, prepared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, IntArray
from hepsieve.models.config import Learner, ModelConfig, TrainConfig
from hepsieve.prepare import AnyPreparation, Split, fit_preparation
from hepsieve.prepare.balance import undersample
from hepsieve.prepare.fit import require_preparation
from hepsieve.spill import blocks, let_go, positions
from hepsieve.train.objective import loss_of, require_settings
from hepsieve.train.trained import Part
from hepsieve.waveforms import are_waveforms

_FEW = 20  # values that a line has room for
_SAME = 1e-6  # float32 columns hold a value such as 0.1 to this relative precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """What a training gets: what it learns from and what stops it, by a preparation fitted on the former."""

    preparation: AnyPreparation
    train: Part
    validation: Part

    def known_by(self, fingerprint: str) -> Inputs:
        """The same inputs; their fingerprint was taken before, and need not be taken again."""
        same = replace(self)
        vars(same)["fingerprint"] = fingerprint
        return same

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all prepared events."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation):
            for array in (part.inputs, part.target, part.weight):
                for rows in blocks(array):
                    digest.update(np.ascontiguousarray(array[rows]).data)
                    let_go(array)
        if self.train.kind == "regression":
            digest.update(b"regression")
        return digest.hexdigest()


def learned_and_watched(parts: Split) -> Iterator[tuple[Events, Events]]:
    """What is learned from, and what stops a training; once, or for each fold."""
    if parts.fold is None or parts.folds is None:
        yield parts.train, parts.validation
        return
    for number in range(parts.folds):
        learned = positions(learned_from(parts.fold, number, parts.folds))
        watched = positions(parts.fold, (number + 1) % parts.folds)
        yield parts.train[learned], parts.train[watched]


def learned_from(fold: IntArray, number: int, k: int) -> NDArray[np.bool_]:
    """Which events training ``number`` of k learns from: neither its own fold nor the next, which stops it."""
    return np.asarray((fold != number) & (fold != (number + 1) % k))


def inputs_of(
    config: Learner,
    learned: Events,
    watched: Events,
    *,
    prepare: PrepareConfig,
    settings: TrainConfig,
    seed: int,
    impute: bool,
) -> Inputs:
    """The share of these events that a model gets, balanced and prepared.

    Args:
        config: the model; its ``without`` and ``train_on`` say what it does not get.
        learned: what may be learned from.
        watched: what may stop the training.
        prepare: steps between raw features and inputs.
        settings: says how the classes are balanced.
        seed: of the events that balancing leaves out.
        impute: replace values that are not finite by the medians of what is learned from.
    """
    learned, watched = (_own_events(events, config.train_on) for events in (learned, watched))
    if settings.balance == "undersample":
        learned = undersample(learned, seed=seed)
    preparation = fit_preparation(learned, prepare, config, impute=impute)
    inputs = Inputs(
        preparation=preparation, train=part_of(learned, preparation), validation=part_of(watched, preparation)
    )
    for events in (learned, watched):
        events.let_go()
    return inputs


def require_inputs(
    models: Mapping[str, ModelConfig], parts: Split, prepare: PrepareConfig, settings: TrainConfig | None = None
) -> None:
    """Refuse, before anything is trained, a model that could not get or learn what its config says.

    Args:
        models: configurations by name.
        parts: the divided events.
        prepare: steps between raw features and inputs.
        settings: how networks are trained; None has nothing that could be refused.

    Raises:
        ConfigError: naming the model, the key and the column; or a setting that means nothing for such data.
        DataError: if a class would be missing from what a model learns from, or is stopped by.
    """
    kind = parts.train.kind
    if settings is not None:
        require_settings(settings, kind, flips_apply=not are_waveforms(parts.train))
    for name, config in models.items():
        require_preparation(name, config, parts.train, prepare)
        try:
            loss_of(config, kind)
        except ConfigError as error:
            raise ConfigError(f"models.{name}.{error}") from None
        # A channel is no column: it has a value for every pixel or sample.
        columns = (*(() if parts.train.features.ndim > 2 else parts.train.names), *parts.train.spectator_names)
        for column in config.train_on:
            if column not in columns:
                have = ", ".join(columns) or "none"
                raise ConfigError(f"models.{name}.train_on: no column {column!r}; the data have {have}")
            _require_values(parts.train, column, config.train_on[column], f"models.{name}.train_on.{column}")
        if config.train_on:
            for part, events in (("training", parts.train), ("validation", parts.validation)):
                _require_events(events, config.train_on, f"models.{name}.train_on", part)


def _require_values(events: Events, column: str, wanted: tuple[float, ...], key: str) -> None:
    for value in wanted:
        if not _rows_with(events, {column: (value,)}).any():
            known = np.unique(events.column(column))
            there = ", ".join(f"{one:g}" for one in known) if len(known) <= _FEW else f"{len(known)} other values"
            raise ConfigError(f"{key}: no training event has {value:g}; there are {there}")


def _require_events(events: Events, wanted: Mapping[str, tuple[float, ...]], key: str, part: str) -> None:
    """Some events must have these values; of classes, some of each."""
    target = events.target[_rows_with(events, wanted)]
    found = {" of class 0": target == 0, " of class 1": target == 1} if events.scale is None else {"": target >= 0}
    for which, there in found.items():
        if not there.any():
            said = "; ".join(f"{column} in {', '.join(f'{v:g}' for v in values)}" for column, values in wanted.items())
            raise DataError(f"{key}: no {part} event{which} has {said}; check the values")


def _own_events(events: Events, wanted: Mapping[str, tuple[float, ...]]) -> Events:
    return events[positions(_rows_with(events, wanted))] if wanted else events


def _rows_with(events: Events, wanted: Mapping[str, tuple[float, ...]]) -> NDArray[np.bool_]:
    kept = np.ones(len(events), np.bool_)
    for column, values in wanted.items():
        found = events.column(column)
        near = [np.abs(found - np.float64(value)) <= _SAME * abs(value) for value in values]
        kept &= np.logical_or.reduce(near)
    return kept


def part_of(events: Events, preparation: AnyPreparation) -> Part:
    """Events as a model gets them."""
    return Part(inputs=preparation(events), target=events.target, weight=events.weight, kind=events.kind)
