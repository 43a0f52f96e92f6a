"""Simulated events that are learned from beside a sample's training part: read or made, checked against the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from hepsieve.audit import not_finite_rows
from hepsieve.audit.identical import event_keys, shared_rows
from hepsieve.config import TaskConfig
from hepsieve.data.read import read_files
from hepsieve.data.says_simulated import OWN, says_simulated
from hepsieve.engines import Jobs
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.models.simulation_config import SimulationConfig
from hepsieve.prepare import Split
from hepsieve.progress import Progress
from hepsieve.sample import LARGE, simulated_events, usable

# Of rows that are the sample's own; with more, the wrong file was named.
_MOST_SHARED = 0.5


def _nobody(sentence: str) -> None:
    return


def with_simulated(
    parts: Split,
    config: TaskConfig,
    *,
    cache: Path,
    jobs: Jobs,
    progress: Progress,
    told: Callable[[str], None] = _nobody,
) -> Split:
    """The parts with the simulated events of ``train.simulation``, if the task has any.

    Simulated rows that stand in the sample itself, in whichever part, are left out: a model must not have learned from
    what it is judged on.

    Args:
        parts: the divided sample.
        config: the task.
        cache: where prepared and simulated events are kept.
        jobs: who shares the simulation.
        progress: shows every long step.
        told: hears, in a sentence, what was left out or taken on trust.

    Raises:
        ConfigError: if the task has no simulator to make rows.
        DataError: if simulated events lack a column or a class, have values that are not finite, or are the sample's.
    """
    wanted = config.train.simulation
    if wanted is None:
        return parts
    if wanted.rows is not None:
        found = _made(wanted, parts, config, cache=cache, jobs=jobs, progress=progress)
    else:
        found = _read(wanted, parts, config, cache=cache, jobs=jobs, progress=progress, told=told)
    return with_events(parts, usable(found, config)[0], config, told=told)


def with_events(parts: Split, simulated: Events, config: TaskConfig, *, told: Callable[[str], None] = _nobody) -> Split:
    """The parts with these simulated events, of which those that stand in the sample are left out.

    Args:
        parts: the divided sample.
        simulated: events with its features, in any order of columns.
        config: the task.
        told: hears, in a sentence, what was left out.

    Raises:
        DataError: if they lack a column or a class, have values that are not finite, or are the sample's.
    """
    simulated = _arranged(simulated, parts.train)
    _require_alike(simulated, parts.train, config)
    return replace(parts, simulated=_unseen(simulated, parts, told))


def _made(
    wanted: SimulationConfig, parts: Split, config: TaskConfig, *, cache: Path, jobs: Jobs, progress: Progress
) -> Events:
    assert wanted.rows is not None
    if config.simulate is None:
        raise ConfigError(
            f"train.simulation.rows: task {config.task} has no simulator; name files in train.simulation.files"
        )
    settings = config.simulate.model_copy(update={"rows": wanted.rows})
    # A sample that is simulated itself has this seed already, and its first events would be the same.
    seed = config.seed + (1 if parts.train.origin.kind == "simulated" else 0)
    data = _columns(config, parts.train)
    return simulated_events(
        config.model_copy(update={"data": data}), settings, seed=seed, cache=cache, jobs=jobs, progress=progress
    )


def _read(
    wanted: SimulationConfig,
    parts: Split,
    config: TaskConfig,
    *,
    cache: Path,
    jobs: Jobs,
    progress: Progress,
    told: Callable[[str], None],
) -> Events:
    data = _columns(config, parts.train)
    silent = [path for path in wanted.files if not says_simulated(path, data)]
    if silent:
        names = ", ".join(map(str, silent))
        told(f"taken as simulated because train.simulation.files names it, though no word in the file says so: {names}")
    else:
        data = data.model_copy(update=OWN)
    large = sum(path.stat().st_size for path in wanted.files) > LARGE
    try:
        found = read_files(wanted.files, data, cache=cache if large else None, jobs=jobs, progress=progress)
    except DataError as error:
        raise DataError(f"train.simulation: {error}") from None
    return found.replace(origin=replace(found.origin, kind="simulated"))


def _columns(config: TaskConfig, train: Events) -> Any:
    """How simulated files are read: for the features of the sample, and the columns by which models choose events."""
    asked = {column for model in _models(config) for column in model}
    needed = tuple(name for name in train.spectator_names if name in asked)
    changes = {"files": (), "validation_files": (), "test_files": (), "features": train.names, "spectators": needed}
    return config.data.model_copy(update=changes)


def _models(config: TaskConfig) -> Iterable[Iterable[str]]:
    """The columns of each model's ``train_on``."""
    for model in config.models.values():
        own = getattr(model, "model", None)  # of a grid or a search what all have in common
        yield own.get("train_on", ()) if isinstance(own, dict) else getattr(model, "train_on", ())


def learned_with(
    simulated: Events, parts: Split, settings: TrainConfig, *, weight: float | tuple[float, ...]
) -> tuple[Split, TrainConfig]:
    """Events and parts of a notebook as the parts with simulated events, and the settings with their weight.

    Raises:
        ConfigError: if the settings have simulated events already, or there can be no such weight.
        DataError: as ``with_events`` says.
    """
    if settings.simulation is not None:
        raise ConfigError("hs.train has simulated events already: leave simulation out of the settings")
    try:
        simulation = SimulationConfig(rows=len(simulated), weight=weight)
    except ValidationError as error:
        said = error.errors(include_url=False)[-1]["msg"]
        raise ConfigError(f"simulated, simulated_weight: {len(simulated)} events with {weight}: {said}") from None
    notebook = TaskConfig(task="notebook", models={"any": MLPConfig()})
    return with_events(parts, simulated, notebook), settings.model_copy(update={"simulation": simulation})


def _arranged(simulated: Events, genuine: Events) -> Events:
    """The columns of the sample, in its order."""
    if simulated.names == genuine.names:
        return simulated
    if missing := [name for name in genuine.names if name not in simulated.names]:
        raise DataError(
            f"train.simulation: its events have no {', '.join(missing)}, which the data have; they have "
            f"{', '.join(simulated.names)}"
        )
    columns = [simulated.names.index(name) for name in genuine.names]
    features = np.ascontiguousarray(simulated.features[..., columns])
    return simulated.replace(features=features, names=genuine.names, units=genuine.units)


def _require_alike(simulated: Events, genuine: Events, config: TaskConfig) -> None:
    """They are of the same shape, kind and classes, and have numbers where the sample must."""
    if simulated.features.shape[1:] != genuine.features.shape[1:]:
        raise DataError(
            f"train.simulation: its events have shape {simulated.features.shape[1:]}, those of the data "
            f"{genuine.features.shape[1:]}"
        )
    if simulated.scale != genuine.scale:
        raise DataError(
            f"train.simulation: its target is {simulated.scale}, that of the data {genuine.scale}; make them alike"
        )
    if config.audit.missing == "stop" and (bad := int(np.count_nonzero(not_finite_rows(simulated)))):
        raise DataError(
            f"train.simulation: {bad} of {len(simulated)} simulated events have values that are not finite; set "
            "audit.missing to drop or impute, or mend them"
        )
    for label, name in enumerate(config.classes):
        if genuine.scale is None and not (simulated.target == label).any():
            raise DataError(f"train.simulation: none of {len(simulated)} simulated events is {name} (class {label})")


def _unseen(simulated: Events, parts: Split, told: Callable[[str], None]) -> Events:
    """Without the rows that stand in the sample."""
    known = np.zeros(len(simulated), np.bool_)
    known[parts.test.shared(simulated)] = True
    for part in (parts.train, parts.validation) if parts.fold is None else (parts.train,):
        known[_shared(simulated, part)] = True
    count = int(known.sum())
    if count > _MOST_SHARED * len(simulated):
        raise DataError(
            f"train.simulation: {count} of {len(simulated)} rows are events of the data themselves, on which "
            "models are judged; name files of simulated events"
        )
    if not count:
        return simulated
    told(f"{count} of {len(simulated)} simulated rows left out: they are events of the data themselves")
    return simulated[np.flatnonzero(~known)]


def _shared(simulated: Events, part: Events) -> NDArray[np.int64]:
    # Blank images of two samples are different events.
    return shared_rows(event_keys(simulated.features, sample=1), event_keys(part.features))
