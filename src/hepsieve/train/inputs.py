"""Training and validation events turned into what one model gets of them: its events, its features, prepared."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events, IntArray
from hepsieve.models.config import Learner, ModelConfig, Network, TrainConfig, TreesConfig
from hepsieve.models.mlp import Weights
from hepsieve.prepare import AnyPreparation, Split, fit_preparation
from hepsieve.prepare.balance import undersample
from hepsieve.prepare.fit import require_preparation, share
from hepsieve.spill import blocks, let_go, positions
from hepsieve.train.objective import loss_of, require_keep, require_settings
from hepsieve.train.raw_rows import raw_rows
from hepsieve.train.simulated import mixed
from hepsieve.train.start import Start, load_start, start_of
from hepsieve.train.symmetric import require_symmetries
from hepsieve.train.trained import Part
from hepsieve.waveforms import are_waveforms

_FEW = 20  # values that a line has room for
_SAME = 1e-6  # float32 columns hold a value such as 0.1 to this relative precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """What a training gets: what it learns from and what stops it, by a preparation fitted on the former.

    Attributes:
        preparation: how both were made.
        train: what it learns from, simulated events last.
        validation: what stops it.
        start: the weights that a network begins with; None draws them.
    """

    preparation: AnyPreparation
    train: Part
    validation: Part
    start: Weights | None = None

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
        if (raw := self.train.raw) is not None:
            digest.update(raw.described.encode())
            for rows in blocks(raw.features):
                digest.update(np.ascontiguousarray(raw.features[rows]).data)
                let_go(raw.features)
        for name, weights in sorted((self.start or {}).items()):
            digest.update(f"{name} {weights.shape}".encode())
            digest.update(np.ascontiguousarray(weights).data)
        return digest.hexdigest()


def learned_and_watched(parts: Split, number: int, *, keeps_last: bool) -> tuple[Events, Events]:
    """What a training learns from, and what it is watched on.

    Args:
        parts: the divided events.
        number: of the training, from 0, of as many as there are folds; without folds there is one.
        keeps_last: whether validation decides nothing in it.
    """
    if parts.fold is None or parts.folds is None:
        return parts.train, parts.validation
    learned = positions(learned_from(parts.fold, number, parts.folds, keeps_last=keeps_last))
    watched = positions(parts.fold, watched_fold(number, parts.folds, keeps_last=keeps_last))
    return parts.train[learned], parts.train[watched]


def learned_from(fold: IntArray, number: int, k: int, *, keeps_last: bool) -> NDArray[np.bool_]:
    """Which events training ``number`` of k learns from: not its own fold, nor the one that stops it, if one does."""
    return np.asarray((fold != number) & (fold != watched_fold(number, k, keeps_last=keeps_last)))


def watched_fold(number: int, k: int, *, keeps_last: bool) -> int:
    """The fold that training ``number`` of k is watched on.

    The next one stops it. Where validation decides nothing it is its own, so that no other is lost.
    """
    return number if keeps_last else (number + 1) % k


def inputs_of(
    config: Learner,
    learned: Events,
    watched: Events,
    *,
    prepare: PrepareConfig,
    settings: TrainConfig,
    seed: int,
    impute: bool,
    simulated: Events | None = None,
    name: str = "",
    fold: int | None = None,
) -> Inputs:
    """The share of these events that a model gets, balanced and prepared.

    The preparation is fitted on the genuine events alone, so that it is the same whatever simulated ones weigh; a
    network that starts from another run's has that run's preparation.

    Args:
        config: the model; its ``without`` and ``train_on`` say what it does not get.
        learned: what may be learned from.
        watched: what may stop the training.
        prepare: steps between raw features and inputs.
        settings: says how the classes are balanced.
        seed: of the events that balancing leaves out.
        impute: replace values that are not finite by the medians of what is learned from.
        simulated: events that are learned from too, with the weight of ``settings.simulation``, which is a single one.
        name: of the model, by which ``start_from`` finds the one to start from.
        fold: the number of the training, from 0, where there is one for each of several folds.
    """
    learned, watched = (_own_events(events, config.train_on) for events in (learned, watched))
    if settings.balance == "undersample":
        learned = undersample(learned, seed=seed)
    start = _start(name, config, learned, prepare=prepare, settings=settings, fold=fold)
    preparation = start.preparation if start is not None else fit_preparation(learned, prepare, config, impute=impute)
    if simulated is not None and settings.simulation is not None:
        weight = settings.simulation.single
        own = _own_events(simulated, config.train_on)
        learned = mixed(learned, own, weight=weight, policy=settings.negative_weights)
    train = replace(part_of(learned, preparation), raw=raw_rows(config, learned, preparation, settings))
    inputs = Inputs(
        preparation=preparation,
        train=train,
        validation=part_of(watched, preparation),
        start=None if start is None else start.weights,
    )
    for events in (learned, watched):
        events.let_go()
    return inputs


def inputs_key(name: str, config: Learner, settings: TrainConfig) -> Hashable:
    """What the inputs of a model depend on, besides data, preparation and seed: equal keys can share them."""
    simulated = None if settings.simulation is None else settings.simulation.weights
    start = start_of(config, settings)
    # Models that start from one run have one preparation and different weights.
    return (share(config), simulated, None if start is None else (str(start), name))


def _start(
    name: str, config: Learner, learned: Events, *, prepare: PrepareConfig, settings: TrainConfig, fold: int | None
) -> Start | None:
    """Where a model begins that starts from another run's."""
    run = start_of(config, settings)
    if run is None or not isinstance(config, Network | TreesConfig):
        return None
    return load_start(name, config, run, learned, prepare, fold=fold)


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
        ConfigError: naming the model, the key and the column; or a setting that means nothing for such data; or that
            the run to start from has no such model.
        IntegrityError: if the run to start from can't be read.
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
        if settings is not None:
            require_symmetries(name, config, settings, parts.train)
            require_keep(name, config, settings)
            # Found out now, not when the models before it were trained.
            fold = None if parts.fold is None else 0
            _start(name, config, parts.train, prepare=prepare, settings=settings, fold=fold)
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
