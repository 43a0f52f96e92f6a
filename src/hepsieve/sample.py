"""A task's configuration to audited, divided events: from files, from what was fetched, or from the simulator."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepsieve.audit import Audit, Finding, audit, audit_files, unusable_rows
from hepsieve.audit.description import Description, describe
from hepsieve.config import DataConfig, SimulateConfig, TaskConfig
from hepsieve.data.download import fetched
from hepsieve.data.measured import Use
from hepsieve.data.objects import require_objects
from hepsieve.data.public import public
from hepsieve.data.read import read_files
from hepsieve.data.says_simulated import require_one_kind
from hepsieve.data.write import write_events
from hepsieve.engines import Jobs
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events
from hepsieve.manifest import package_versions
from hepsieve.prepare import Split, split, split_given_test
from hepsieve.progress import Progress
from hepsieve.simulate import simulate
from hepsieve.simulate.kept import forget, place_of_blocks

GENERATORS = ("pythia8mc", "calzone", "xraydb", "nestpy")
"""Packages on which simulated events depend."""
LARGE = 100_000_000
"""Bytes of files from which on their events are not kept in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Events as they were read; validation and test only where they came as files of their own."""

    events: Events
    validation: Events | None = None
    test: Events | None = None


def downloads(cache: Path) -> Path:
    """Where fetched public files lie."""
    return cache / "downloads"


def load_sample(config: TaskConfig, *, cache: Path, jobs: Jobs, progress: Progress, use: Use = "learn") -> Sample:
    """Read the config's files; without any, the fetched public ones, or else simulated events.

    Public files with events for a last judgement (`PublicFile.held_out`) are read only where the config names them. To
    ``apply`` a regression, files may lack its targets.

    Raises:
        ConfigError: if there is nothing to read and the task has no simulator, or an object has no such column.
    """
    data = config.data
    require_objects(data)
    if data.files:
        validation, test = (
            read_files(files, data, cache=cache, use=use, jobs=jobs, progress=progress) if files else None
            for files in (data.validation_files, data.test_files)
        )
        if validation is not None and test is None:
            raise ConfigError("data.validation_files without data.test_files: name the test files too")
        require_one_kind(data.files, data)
        events = read_files(data.files, data, cache=cache, use=use, jobs=jobs, progress=progress)
        if events.origin.kind == "real":
            _refuse_simulated(validation, "validation_files", data)
            _refuse_simulated(test, "test_files", data)
        return Sample(events=events, validation=validation, test=test)
    there = fetched(public(data.catalog), downloads(cache)) if data.catalog is not None else None
    if there is not None:
        return Sample(events=read_files(there, data, cache=cache, jobs=jobs, progress=progress))
    if config.simulate is None:
        raise ConfigError(f"task {config.task} has no simulator: give files with --data or data.files")
    made = simulated_events(config, config.simulate, seed=config.seed, cache=cache, jobs=jobs, progress=progress)
    return Sample(events=made)


def _refuse_simulated(part: Events | None, role: str, data: DataConfig) -> None:
    """A model that learned from genuine events is not chosen or judged by how well it does on simulated ones."""
    if part is not None and part.origin.kind == "simulated":
        names = ", ".join(path.name for path in getattr(data, role))
        raise ConfigError(
            f"data.{role}: {names} holds simulated events, and those of data.files are genuine: figures on simulation "
            "say nothing about data; name simulated files in train.simulation.files, to be learned from only"
        )


def simulated_events(
    config: TaskConfig, settings: SimulateConfig, *, seed: int, cache: Path, jobs: Jobs, progress: Progress
) -> Events:
    """Simulated events, made once for each setting of the simulator, number of rows, seed and version of it.

    Args:
        config: the task; its ``data`` say which columns are read.
        settings: of the simulator.
        seed: of the simulator.
        cache: where they are kept.
        jobs: who shares the simulation.
        progress: shows how much is made and read.
    """
    name = f"{_process_name(settings)}-{settings.rows}-seed{seed}-{_simulator_version()}.npz"
    path = cache / "simulated" / name
    if not path.exists():
        kept = place_of_blocks(cache, name)
        events = simulate(
            settings.process,
            settings.rows,
            seed=seed,
            jobs=jobs,
            engine=settings.engine,
            pulses=settings.pulses,
            separation=settings.separation,
            kept=kept,
            progress=progress,
        )
        write_events(events, path)
        forget(kept)
    large = path.stat().st_size > LARGE
    return read_files([path], config.data, cache=cache if large else None, progress=progress)


def _process_name(settings: SimulateConfig) -> str:
    """The process with all that was chosen about it, such as ``xenon-two-0-30mm``."""
    separation = settings.separation
    chosen = (settings.engine, settings.pulses, None if separation is None else f"{separation[0]}-{separation[1]}mm")
    return "-".join([settings.process, *(choice for choice in chosen if choice is not None)])


def _simulator_version() -> str:
    """Changes with the generators' versions and with our own simulation code."""
    versions = package_versions()
    digest = hashlib.sha256(" ".join(versions.get(name, "") for name in GENERATORS).encode())
    for source in sorted(Path(inspect.getfile(simulate)).parent.iterdir()):
        if source.is_file():
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def audit_sample(sample: Sample, config: TaskConfig) -> Audit:
    """The audit of all files, the config's accepted findings marked as such."""
    report = audit(sample.events, config.audit, classes=config.classes)
    for part, events in (("validation", sample.validation), ("test", sample.test)):
        if events is not None:
            own = audit(events, config.audit, classes=config.classes)
            named = tuple(_of_part(f, part) for f in own.findings)
            report = report + replace(own, findings=named, checked={f"{part} events": len(events)})
    return report + audit_files(sample.events, validation=sample.validation, test=sample.test)


def _of_part(finding: Finding, part: str) -> Finding:
    """A finding about files that are a part of their own; copies in them are all on one side."""
    code, text = f"{part}-{finding.code}", f"{part} files: {finding.message}"
    loud = finding.code == "near-duplicate-rows"
    return replace(finding, message=text, code=code, severity="warn" if loud else finding.severity)


def describe_sample(sample: Sample, config: TaskConfig, progress: Progress) -> Description:
    """What is in the data, as they were read; validation and test files of their own are left out."""
    return describe(sample.events, classes=config.classes, correlated=config.audit.correlated, progress=progress)


def divide(sample: Sample, config: TaskConfig) -> Split:
    """The three parts, after the policies for values that are not finite and for empty images."""
    events, kept = usable(sample.events, config)
    shares = config.split
    ways: dict[str, int | None] = {"folds": config.train.folds, "file_order_blocks": shares.file_order_blocks}
    if sample.test is None:
        parts = split(events, validation=shares.validation, test=shares.test, seed=config.seed, **ways)
        return replace(parts, test_rows=kept[parts.test_rows], train_rows=kept[parts.train_rows])
    test, test_kept = usable(sample.test, config)
    validation: Events | float = shares.validation
    if sample.validation is not None:
        validation, _ = usable(sample.validation, config)
    parts = split_given_test(events, test, validation=validation, seed=config.seed, **ways)
    return replace(parts, test_rows=test_kept[parts.test_rows], train_rows=kept[parts.train_rows])


def usable(events: Events, config: TaskConfig) -> tuple[Events, NDArray[np.int64]]:
    """The events that the policies keep, and their row numbers."""
    if "drop" not in (config.audit.missing, config.audit.empty_images):
        return events, np.arange(len(events))
    kept = np.flatnonzero(~unusable_rows(events, config.audit))
    if len(events) and not len(kept):
        raise DataError(
            f"no event is left of {len(events)}: audit.missing is {config.audit.missing}, audit.empty_images is "
            f"{config.audit.empty_images}; mend the data"
        )
    return (events, kept) if len(kept) == len(events) else (events[kept], kept)
