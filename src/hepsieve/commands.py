"""What each command does, without the terminal: arguments in, a value to show out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from hepsieve.answers import ComparedRuns, Finished, Inspection, JudgedAgain
from hepsieve.cache import default_cache
from hepsieve.compare_runs import compare_runs
from hepsieve.config import DataConfig, built_in_tasks, load_task
from hepsieve.data.download import fetch
from hepsieve.data.open import holds_arrays, open_arrays
from hepsieve.data.public import PublicData, public
from hepsieve.data.read import has_targets, require_catalog
from hepsieve.data.write import Form, check_ending, write_events
from hepsieve.engines import EngineName, EngineOptions, open_jobs
from hepsieve.errors import ConfigError, DataError
from hepsieve.evaluate.regression_application import RegressionApplication
from hepsieve.folder import CONFIG, REPORT, open_run
from hepsieve.judge_again import judge_again
from hepsieve.manifest import replace_files
from hepsieve.overrides import with_files, with_seed
from hepsieve.pictured import inspected_waveforms
from hepsieve.progress import Progress
from hepsieve.report import html
from hepsieve.report.application_page import write_application
from hepsieve.report.comparison_page import write_comparison
from hepsieve.report.inspection import check_page, write_inspection
from hepsieve.runs import RunLog, read_log, write_page
from hepsieve.sample import audit_sample, describe_sample, downloads, load_sample
from hepsieve.simulate import simulate
from hepsieve.simulate.kept import forget, place_of_blocks

Row = dict[str, str]
_HOLDS: Mapping[str, Form] = MappingProxyType({"egamma": "images", "xenon": "waveforms"})


def to_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as JSON text."""
    return json.dumps(list(rows), indent=2, ensure_ascii=False)


def list_tasks() -> list[Row]:
    """Name and title of every built-in task."""
    configs = [load_task(name) for name in built_in_tasks()]
    return [{"task": config.task, "title": config.title, "models": ", ".join(config.models)} for config in configs]


def fetch_task(task: str, *, source: str | None, progress: Progress) -> str:
    """Gets the public files of a task, or of a data set in the catalog, into the cache; with what to know of them."""
    data = _public_data(task)
    paths = fetch(data, downloads(default_cache()), source=source, progress=progress)
    held_out = [
        f"held out: {file.name}; a run leaves it unread, hepsieve evaluate RUN --data judges on it"
        for file in data.files
        if file.held_out
    ]
    return "\n".join([*map(str, paths), *held_out, f"terms: {data.terms}"])


def _public_data(task: str) -> PublicData:
    if task not in built_in_tasks() and Path(task).suffix not in (".yaml", ".yml"):
        return public(task)
    config = load_task(task)
    if config.data.catalog is None:
        raise ConfigError(f"task {config.task} names no public data set (data.catalog)")
    return public(config.data.catalog)


def simulate_task(
    task: str,
    *,
    rows: int,
    output: Path,
    jobs: int | None,
    seed: int | None,
    engines: Sequence[str] = (),
    scheduler: str | None = None,
    interface: str | None = None,
    settings: Sequence[str] = (),
    progress: Progress,
) -> tuple[Path, ...]:
    """Simulated events of a task as a file that says that they are simulated; the files that were written.

    One of ``engines`` may say what makes showers, and another who shares the work.
    """
    showers, shared_by = _of_showers_and_work(engines)
    options = EngineOptions.chosen(shared_by, scheduler=scheduler, jobs=jobs, interface=interface)
    if wrong := [s for s in settings if not s.startswith("simulate.") or s.startswith("simulate.rows=")]:
        raise ConfigError(f"--set {wrong[0]}: only how events are simulated can be set here, as simulate.pulses=one")
    config = load_task(task, settings=with_seed(settings, seed))
    wanted = config.simulate
    if wanted is None:
        raise ConfigError(f"task {config.task} has no simulator")
    holds = _HOLDS.get(wanted.process, "tables")
    check_ending(output, holds=holds, two_classes=wanted.pulses not in ("one", "two"))
    engine = showers if showers is not None else wanted.engine
    request = (wanted.process, rows, config.seed, engine, wanted.pulses, wanted.separation)
    kept = place_of_blocks(default_cache(), *request)
    with open_jobs(options, jobs if jobs is not None else 1) as shared:
        events = simulate(
            wanted.process,
            rows,
            seed=config.seed,
            jobs=shared,
            engine=engine,
            pulses=wanted.pulses,
            separation=wanted.separation,
            kept=kept,
            progress=progress,
        )
    written = write_events(events, output)
    forget(kept)
    return written


def _of_showers_and_work(engines: Sequence[str]) -> tuple[Literal["geant4", "fast"] | None, EngineName | None]:
    """What makes showers, and who shares the work, as far as they are named."""
    showers: list[Literal["geant4", "fast"]] = []
    work: list[EngineName] = []
    for name in engines:
        match name:
            case "geant4" | "fast":
                showers.append(name)
            case "local" | "dask" | "slurm":
                work.append(name)
            case _:
                raise ConfigError(
                    f"--engine {name}: take geant4 or fast for the showers of egamma, or local, dask or slurm for who "
                    "shares the work"
                )
    for named, what in ((showers, "makes showers"), (work, "shares the work")):
        if len(named) > 1:
            raise ConfigError(f"--engine {named[0]} --engine {named[1]}: only one of them {what}")
    return showers[0] if showers else None, work[0] if work else None


def inspect_data(
    what: str, *, task: str | None, settings: Sequence[str], page: Path | None, jobs: int, progress: Progress
) -> Inspection:
    """The audit and the description of a data file, or of a task's data; also as a page where one is named."""
    if page is not None:
        check_page(page)
    is_task = what in built_in_tasks() or Path(what).suffix in (".yaml", ".yml")
    if is_task:
        config = load_task(what, settings=settings)
    else:
        task = task if task is not None else _task_of(Path(what))
        config = with_files(load_task(task, settings=settings), [Path(what)])
    sample = load_sample(config, cache=default_cache(), jobs=jobs, progress=progress, use="apply")
    found, description = audit_sample(sample, config), describe_sample(sample, config, progress)
    origin, name = sample.events.origin, Path(what).name
    if page is not None:
        with progress.task("writing the page"):
            write_inspection(
                page,
                description,
                found,
                title=name,
                task=config.title or config.task,
                origin=origin,
                waveforms=inspected_waveforms(sample.events, config),
            )
    return Inspection(audit=found, description=description, name=name, origin=origin, page=page)


def evaluate_run(
    run: Path, *, data: Sequence[Path], settings: Sequence[str], page: Path | None, jobs: int, progress: Progress
) -> JudgedAgain:
    """A finished run judged again, or on other data that may need other settings to be read; also as a page."""
    if page is not None:
        check_page(page)
    if wrong := [setting for setting in settings if not (data and setting.startswith("data."))]:
        raise ConfigError(f"--set {wrong[0]}: only how --data are read can be set here; the run stays as it was")
    finished = open_run(run)
    if page is not None and not (data and finished.evaluation.kind == "regression"):
        raise ConfigError(f"--html {page}: only a regression on other data has a page; see the run's own {REPORT}")
    read = with_files(load_task(run / CONFIG, settings=settings), data).data if data else None
    judged = judge_again(finished, other=read, cache=default_cache(), jobs=jobs, progress=progress)
    if page is not None and isinstance(judged.application, RegressionApplication):
        write_application(page, judged.application)
    evaluation, report = judged.evaluation, None if data else run / REPORT
    return JudgedAgain(
        finished=None if evaluation is None else Finished(evaluation=evaluation, report=report),
        application=judged.application,
    )


def compare_models(
    runs: Sequence[Path],
    *,
    models: Sequence[str],
    every: bool,
    metric: str | None,
    page: Path | None,
    progress: Progress,
) -> ComparedRuns:
    """Models of some runs on the test events that these share; also as a page where one is named."""
    if page is not None:
        check_page(page)
        if any(page.resolve() == (run / REPORT).resolve() for run in runs):
            raise ConfigError(f"{page}: is a run's own page; choose another name")
    comparison = compare_runs(runs, models=models, every=every, by=metric, progress=progress)
    if page is not None:
        with progress.task("writing the page"):
            write_comparison(page, comparison)
    return ComparedRuns(comparison=comparison, page=page)


def write_report(run: Path) -> Path:
    """The page of a run, written again."""
    open_run(run)
    replace_files(run, {REPORT: html.render(run)})
    return run / REPORT


def list_runs(folder: Path) -> RunLog:
    """The finished runs in a folder, oldest first, and what differs between them."""
    return read_log(folder)


def write_runs_page(log: RunLog) -> Path:
    """The same list as an HTML page whose rows lead to the reports."""
    return write_page(log)


def _task_of(file: Path) -> str:
    """The built-in task whose features the file has; of several the first whose targets it has too.

    Raises:
        ConfigError: if there is none.
    """
    if holds_arrays(file, DataConfig()):
        open_arrays(file, DataConfig())  # or what is wrong with the file would be taken for another task's columns
    fitting = {}
    for name in built_in_tasks():
        data = load_task(name).data
        if data.catalog is None:
            continue
        with suppress(DataError):
            require_catalog(file, data)
            fitting[name] = data
    if not fitting:
        raise ConfigError(
            f"{file}: not the columns, images or waveforms of any built-in task; name one with --task TASK|FILE.yaml"
        )
    whole = [name for name, data in fitting.items() if has_targets(file, data)]
    regressions = [name for name, data in fitting.items() if data.target is not None]  # whose targets may be missing
    return (whole or regressions or list(fitting))[0]
