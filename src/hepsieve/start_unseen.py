"""Whether a run to start from knows events that this run is judged on: what it learned from must be none of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hepsieve.audit.identical import event_keys, shared_rows
from hepsieve.config import TaskConfig
from hepsieve.engines import Jobs
from hepsieve.errors import ConfigError, HepsieveError
from hepsieve.events import Events
from hepsieve.folder import RunFolder, open_run
from hepsieve.prepare import Split
from hepsieve.progress import Progress
from hepsieve.sample import Sample, divide, load_sample
from hepsieve.sample_simulated import with_simulated
from hepsieve.train.start import start_of


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What reading the events of another run needs."""

    cache: Path
    jobs: Jobs
    progress: Progress


def runs_to_start_from(config: TaskConfig) -> tuple[Path, ...]:
    """The runs that models of this task begin with, each once."""
    models = [*config.trained(tuple(config.models)).values()]
    models += [
        search.at(point) for search in config.searches(tuple(config.models)).values() for point in search.corners()
    ]
    # Those of a portfolio that no task names are known later; they begin with the run of the training.
    found = [config.train.start_from, *(start_of(model, config.train) for model in models)]
    return tuple(dict.fromkeys(run for run in found if run is not None))


def require_unseen_by_starts(
    config: TaskConfig, sample: Sample, parts: Split, *, cache: Path, jobs: Jobs, progress: Progress
) -> None:
    """Refuse to start from a run that learned from events on which this run is judged.

    A run on simulated events may be the start of one that is judged on genuine ones, and any run may be the start of
    one on the same data, divided in the same way. Of others the events are read again and compared; so are those of the
    runs that these started from.

    Args:
        config: the task.
        sample: its events as they were read.
        parts: the same, divided.
        cache: where prepared and simulated events are kept.
        jobs: who shares the reading.
        progress: shows every long step.

    Raises:
        IntegrityError: if such a run was changed, or can't be read.
        ConfigError: if a run knows events of validation or test, or its own can't be read any more.
    """
    reading = _Reading(cache=cache, jobs=jobs, progress=progress)
    for path in _chain(config):
        former = open_run(path)
        if not (_is_simulated(former) and _judged_on_genuine(sample)) and not _same_parts(
            former, config, sample, parts
        ):
            _require_disjoint(former, parts, reading)


def _chain(config: TaskConfig) -> Iterator[Path]:
    """The runs to start from, and those that they started from themselves."""
    waiting, seen = list(runs_to_start_from(config)), set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path
        waiting += runs_to_start_from(open_run(path).config)


def _is_simulated(former: RunFolder) -> bool:
    return former.evaluation.data.trained_on.startswith("simulated")


def _judged_on_genuine(sample: Sample) -> bool:
    judged = (sample.validation or sample.events, sample.test or sample.events)
    return all(events.origin.kind == "real" for events in judged)


def _same_parts(former: RunFolder, config: TaskConfig, sample: Sample, parts: Split) -> bool:
    """Whether it learned from the very training events of this run: the same data, divided in the same way."""
    data = former.evaluation.data
    events = (data.train_fingerprint, data.fingerprint) == (
        sample.events.origin.fingerprint,
        (sample.test or sample.events).origin.fingerprint,
    )
    sizes = (data.n_train, data.n_validation, data.n_test) == (len(parts.train), len(parts.validation), len(parts.test))
    return events and sizes and sample.validation is None and _division(former.config) == _division(config)


def _division(config: TaskConfig) -> tuple[object, ...]:
    return config.seed, config.split, config.train.folds, config.audit.missing, config.audit.empty_images


def _require_disjoint(former: RunFolder, parts: Split, reading: _Reading) -> None:
    for known in _learned_from(former, reading):
        for part, count in _overlaps(known, parts):
            if count:
                raise ConfigError(
                    f"train.start_from {former.path}: that run learned from {count} of this run's {part} events, which "
                    "it must not be judged on; start from a run on simulated events, or on the same data with the same "
                    "seed and split"
                )


def _learned_from(former: RunFolder, reading: _Reading) -> tuple[Events, ...]:
    """The events that a run learned from, or was stopped by."""
    cache, jobs, progress = reading.cache, reading.jobs, reading.progress
    try:
        sample = load_sample(former.config, cache=cache, jobs=jobs, progress=progress)
        parts = with_simulated(divide(sample, former.config), former.config, cache=cache, jobs=jobs, progress=progress)
    except HepsieveError as error:
        raise ConfigError(
            f"train.start_from {former.path}: nobody can tell whether it learned from events of this run, because its "
            f"own can't be read any more: {error}"
        ) from None
    if parts.train.origin.fingerprint != former.evaluation.data.train_fingerprint:
        raise ConfigError(
            f"train.start_from {former.path}: nobody can tell whether it learned from events of this run, because its "
            "own have changed since; start from another run"
        )
    known = (parts.train, *((parts.validation,) if parts.fold is None else ()))
    return known if parts.simulated is None else (*known, parts.simulated)


def _overlaps(known: Events, parts: Split) -> Iterator[tuple[str, int]]:
    """How many events of validation and test stand among these."""
    columns = [known.names.index(name) for name in parts.train.names if name in known.names]
    if len(columns) < len(parts.train.names):
        return  # other features are refused anyway, by their names
    alike = known.replace(
        features=np.ascontiguousarray(known.features[..., columns]), names=parts.train.names, units=parts.train.units
    )
    held_out = parts.validation
    yield (
        "validation" if parts.fold is None else "training",
        len(shared_rows(event_keys(held_out.features), event_keys(alike.features, sample=1))),
    )
    yield "test", len(parts.test.shared(alike))
