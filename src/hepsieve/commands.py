"""What each command does, without the terminal: arguments in, a value to show out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from hepsieve.answers import ComparedRuns, Finished, Inspection, JudgedAgain
from hepsieve.cache import default_cache
from hepsieve.compare_runs import compare_runs
from hepsieve.config import DataConfig, TaskConfig, built_in_tasks, load_task
from hepsieve.data.download import fetch
from hepsieve.data.open import holds_arrays, open_arrays
from hepsieve.data.public import PublicData, public
from hepsieve.data.read import has_targets, require_catalog
from hepsieve.data.write import Form, check_ending, write_events
from hepsieve.engines import EngineName, EngineOptions, open_jobs
from hepsieve.errors import ConfigError, DataError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.regression_application import RegressionApplication
from hepsieve.evaluate.results import Evaluation
from hepsieve.folder import CONFIG, MODELS, REPORT, new_run_name, open_run
from hepsieve.judge_again import judge_again
from hepsieve.manifest import replace_files
from hepsieve.physics_again import YIELD_SETTINGS, physics_again
from hepsieve.pictured import inspected_waveforms
from hepsieve.processes import cores
from hepsieve.progress import Progress
from hepsieve.report import html
from hepsieve.report.application_page import write_application
from hepsieve.report.comparison_page import write_comparison
from hepsieve.report.inspection import check_page, write_inspection
from hepsieve.runs import RunLog, read_log, write_page
from hepsieve.sample import audit_sample, describe_sample, downloads, load_sample
from hepsieve.score.bundle import load_bundle
from hepsieve.score.export import export_keras
from hepsieve.score.files import describe
from hepsieve.score.files import score_files as add_scores
from hepsieve.score.one_file import Selection
from hepsieve.score.pyhf_export import check_workspace, export_pyhf
from hepsieve.simulate import simulate
from hepsieve.tuned_run import require_tune
from hepsieve.tuned_run import tune_task as search_and_judge
from hepsieve.workflow import choose_models
from hepsieve.workflow import run_task as carry_out

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
    config = load_task(task, settings=_with_seed(settings, seed))
    wanted = config.simulate
    if wanted is None:
        raise ConfigError(f"task {config.task} has no simulator")
    holds = _HOLDS.get(wanted.process, "tables")
    check_ending(output, holds=holds, two_classes=wanted.pulses not in ("one", "two"))
    with open_jobs(options, jobs if jobs is not None else 1) as shared:
        events = simulate(
            wanted.process,
            rows,
            seed=config.seed,
            jobs=shared,
            engine=showers if showers is not None else wanted.engine,
            pulses=wanted.pulses,
            separation=wanted.separation,
            progress=progress,
        )
    return write_events(events, output)


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
        config = _with_files(load_task(task, settings=settings), [Path(what)])
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


def run_task(
    task: str,
    *,
    data: Sequence[Path],
    settings: Sequence[str],
    models: Sequence[str] | None,
    out: Path | None,
    engine: EngineOptions | None = None,
    jobs: int | None,
    seed: int | None,
    progress: Progress,
) -> Finished:
    """The whole task, from data to report; without an engine on processes of this machine."""
    config = choose_models(load_task(task, settings=_with_seed(settings, seed)), models)
    if data:
        config = _with_files(config, data)
    folder = out if out is not None else Path("runs") / new_run_name(config.task)
    with open_jobs(engine, jobs if jobs is not None else cores()) as shared:
        evaluation = carry_out(
            config,
            out=folder,
            cache=default_cache(),
            jobs=shared,
            command=["hepsieve", *sys.argv[1:]],
            progress=progress,
        )
    return Finished(evaluation=evaluation, report=folder / REPORT, more=_how_to_get_more(config, evaluation))


def tune_task(
    task: str,
    *,
    data: Sequence[Path],
    settings: Sequence[str],
    models: Sequence[str] | None,
    out: Path | None,
    engine: EngineOptions | None,
    jobs: int | None,
    dry_run: bool,
    seed: int | None,
    progress: Progress,
) -> Finished | str:
    """A search over a task's settings, and the run of its winner; or what would be given to a batch system."""
    named = [] if models is None else [f"tune.models=[{', '.join(models)}]"]
    config = load_task(task, settings=_with_seed([*settings, *named], seed), tuning=True)
    if data:
        config = _with_files(config, data)
    tune = require_tune(config)
    options = engine
    if options is None and jobs is not None:
        options = EngineOptions(name="local", jobs=jobs)
    if dry_run:
        if options is None or options.name != "slurm":
            raise ConfigError("--dry-run: prints the script of a batch system's jobs; say --engine slurm --jobs N")
        from hepsieve.engines.slurm import job_script  # loads dask

        return job_script(options, threads=tune.threads)
    folder = out if out is not None else Path("runs") / new_run_name(config.task)
    evaluation = search_and_judge(
        config,
        engine=options,
        out=folder,
        cache=default_cache(),
        command=["hepsieve", *sys.argv[1:]],
        progress=progress,
    )
    return Finished(evaluation=evaluation, report=folder / REPORT, more=_how_to_get_more(config, evaluation))


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
    read = _with_files(load_task(run / CONFIG, settings=settings), data).data if data else None
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


def score_files(
    run: Path,
    files: Sequence[Path],
    *,
    output: Path,
    model: str | None,
    working_point: str | None = None,
    jobs: int = 1,
    engine: EngineOptions | None = None,
    progress: Progress,
) -> str:
    """New files with a score column, and only the rows that pass a working point if one is named, in one line.

    Several files are shared among ``jobs`` processes of this machine, or the workers of an engine.
    """
    finished = open_run(run)
    name = _model_name(run, finished.evaluation, model)
    selection = None if working_point is None else _selection(run, finished.evaluation, name, working_point)
    bundle = load_bundle(run / MODELS / name)
    column = f"score_{name}"
    # One file is no work to share, so nothing is started for it.
    with open_jobs(engine if len(files) > 1 else None, jobs) as shared:
        scored = add_scores(bundle, files, output, column=column, selection=selection, jobs=shared, progress=progress)
    return describe(scored, column, selection)


def write_report(run: Path) -> Path:
    """The page of a run, written again."""
    open_run(run)
    replace_files(run, {REPORT: html.render(run)})
    return run / REPORT


def export_model(
    run: Path, *, to: str, model: str | None, output: Path | None, settings: Sequence[str] = ()
) -> tuple[str, ...]:
    """A network as files for other programs, or the bins of a model's score as a pyhf workspace; what was written."""
    match to:
        case "keras":
            if settings:
                raise ConfigError(f"--set {settings[0]}: a network is exported as it is; settings go with --to pyhf")
            return tuple(map(str, _export_network(run, model, output)))
        case "pyhf":
            return _export_workspace(run, model, output, settings)
        case _:
            raise ConfigError(f"--to {to}: this version exports to keras and pyhf only")


def _export_network(run: Path, model: str | None, output: Path | None) -> tuple[Path, ...]:
    evaluation = open_run(run).evaluation
    networks = {name: result for name, result in evaluation.models.items() if result.kind not in ("trees", "adaboost")}
    if model is None and not networks:
        raise ConfigError(f"{run}: no network among {', '.join(evaluation.models)}; Keras can't hold trees")
    chosen = model if model is not None else max(networks, key=lambda name: _validation_figure(evaluation, name))
    name = _model_name(run, evaluation, chosen)
    folder = run / MODELS / name
    return export_keras(load_bundle(folder), folder, output if output is not None else Path(f"{name}.keras"))


def _export_workspace(run: Path, model: str | None, output: Path | None, settings: Sequence[str]) -> tuple[str, ...]:
    if wrong := [setting for setting in settings if not setting.startswith(YIELD_SETTINGS)]:
        raise ConfigError(
            f"--set {wrong[0]}: only {', '.join(YIELD_SETTINGS)} can be set here; the run stays as it was"
        )
    finished = open_run(run)
    if not isinstance(finished.evaluation, Evaluation):
        raise ConfigError(f"{run}: a regression has no signal to expect; pyhf takes classifications only")
    name = _model_name(run, finished.evaluation, model)
    output = output if output is not None else Path(f"{name}.workspace.json")
    check_workspace(output)  # before the test part is looked at, which is recorded
    known = finished.evaluation.physics.get(name)
    if settings or known is None:
        known = physics_again(finished, load_task(run / CONFIG, settings=settings), name)
    return export_pyhf(known, task=finished.evaluation.task, model=name, output=output).lines()


def list_runs(folder: Path) -> RunLog:
    """The finished runs in a folder, oldest first, and what differs between them."""
    return read_log(folder)


def write_runs_page(log: RunLog) -> Path:
    """The same list as an HTML page whose rows lead to the reports."""
    return write_page(log)


def _with_files(config: TaskConfig, files: Sequence[Path]) -> TaskConfig:
    """The task on these files; validation and test files of its own stay what they are."""
    paths = [file.resolve() for file in files]
    if len(set(paths)) < len(paths):
        raise ConfigError(f"--data: {max(paths, key=paths.count)} stands there twice; its events would count twice")
    return config.model_copy(update={"data": config.data.model_copy(update={"files": tuple(paths)})})


def _how_to_get_more(config: TaskConfig, evaluation: AnyEvaluation) -> str:
    if config.data.files or config.simulate is None or evaluation.data.origin != "simulated":
        return ""
    real = "" if config.data.catalog is None else f"; real ones: hepsieve fetch {config.data.catalog}, or --data FILE"
    return f"more simulated events: --set simulate.rows={10 * config.simulate.rows}{real}"


def _with_seed(settings: Sequence[str], seed: int | None) -> list[str]:
    return [*settings, *([] if seed is None else [f"seed={seed}"])]


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


def _model_name(run: Path, evaluation: AnyEvaluation, model: str | None) -> str:
    if model is None:
        return evaluation.best
    if model not in evaluation.models:
        raise ConfigError(f"{run}: no model {model!r}; it has {', '.join(evaluation.models)}")
    return model


def _selection(run: Path, evaluation: AnyEvaluation, model: str, working_point: str) -> Selection:
    """The stored threshold of a model's working point."""
    if not isinstance(evaluation, Evaluation):
        raise ConfigError(f"{run}: a regression has no working points; leave --working-point out")
    points = {point.name: point.threshold for point in evaluation.working_points.get(model, ())}
    if working_point not in points:
        raise ConfigError(
            f"{run}: {model} has no working point {working_point!r}; it has {', '.join(points) or 'none'}"
        )
    return Selection(name=working_point, threshold=points[working_point])


def _validation_figure(evaluation: AnyEvaluation, name: str) -> float:
    """Larger is better: the AUC on validation, or the RMSE with a minus."""
    auc = isinstance(evaluation, Evaluation)
    value = evaluation.models[name].validation["auc" if auc else "rmse"].value
    if value is None:
        return -inf
    return value if auc else -value
