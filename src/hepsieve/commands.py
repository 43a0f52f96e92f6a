"""What each command does, without the terminal: arguments in, a value to show out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hepsieve.audit import Audit
from hepsieve.audit.description import Description
from hepsieve.cache import default_cache
from hepsieve.config import DataConfig, TaskConfig, built_in_tasks, load_task
from hepsieve.data.download import fetch
from hepsieve.data.open import holds_images, open_images
from hepsieve.data.public import PublicData, public
from hepsieve.data.read import require_catalog
from hepsieve.data.write import check_ending, write_events
from hepsieve.errors import ConfigError, DataError
from hepsieve.evaluate.application import Application
from hepsieve.evaluate.results import Evaluation
from hepsieve.events import Origin
from hepsieve.folder import CONFIG, MODELS, REPORT, new_run_name, open_run
from hepsieve.manifest import replace_files
from hepsieve.processes import cores
from hepsieve.progress import Progress
from hepsieve.report import html
from hepsieve.report.compared import comparison_sentence
from hepsieve.report.description import (
    class_balance,
    feature_rows,
    missing_rows,
    missing_sentence,
    pair_rows,
    pairs_sentence,
    remarks,
)
from hepsieve.report.inspection import check_page, write_inspection
from hepsieve.report.slices import slice_columns, slice_note, slice_rows
from hepsieve.report.summary import number, results_table
from hepsieve.runs import RunLog, read_log, write_page
from hepsieve.sample import audit_sample, describe_sample, downloads, load_sample
from hepsieve.score.bundle import load_bundle
from hepsieve.score.export import export_keras
from hepsieve.score.files import Selection, describe
from hepsieve.score.files import score_files as add_scores
from hepsieve.simulate import simulate
from hepsieve.workflow import choose_models, judge_again
from hepsieve.workflow import run_task as carry_out

Row = dict[str, str]
MANY_MODELS = 4


@dataclass(frozen=True, kw_only=True)
class Finished:
    """An evaluation with the place of its report, ready to be shown.

    Attributes:
        more: how to get more events than those that the task simulated; empty where it read files.
    """

    evaluation: Evaluation
    report: Path | None
    more: str = ""

    def table(self) -> list[Row]:
        """The results, one row per model."""
        return results_table(self.evaluation)

    @property
    def many(self) -> bool:
        """Whether so many models were trained that it was a scan."""
        return len(self.evaluation.models) > MANY_MODELS

    def summary(self) -> str:
        """What the figures rest on, which model is best, what differs from it, and where the report is."""
        data = self.evaluation.data
        lines = [
            f"{self.evaluation.task}: {data.n_test} {data.origin} test events, 95 % intervals",
            self.evaluation.best_by,
            comparison_sentence(self.evaluation),
            self.more,
            "" if self.report is None else f"report: {self.report}",
        ]
        return "\n".join(line for line in lines if line)

    def slices(self) -> list[Row]:
        """The AUC by the values of a column, one row a value; no rows where that was not asked for."""
        return slice_rows(self.evaluation)

    def slices_shown(self) -> tuple[str, ...]:
        """The columns of ``slices`` that fit a terminal."""
        return slice_columns(self.evaluation)

    def slices_note(self) -> str:
        """What the slices show, and that a terminal has no room for all models."""
        left_out = len(self.evaluation.models) + 3 - len(self.slices_shown())
        what = "1 more model" if left_out == 1 else f"{left_out} more models"
        return slice_note(self.evaluation) + (f"\n{what} in the report, in a pipe and with --json" if left_out else "")


@dataclass(frozen=True, kw_only=True)
class JudgedAgain:
    """What judging a run again gave, ready to be shown.

    Attributes:
        finished: all figures; None on other data of one class.
        application: the stored working points on other data; None on the run's own test part.
    """

    finished: Finished | None
    application: Application | None

    def to_json(self) -> str:
        """The evaluation; on other data an object that holds it (or null) beside the working points and the drift."""
        if self.finished is not None and self.application is None:
            return self.finished.evaluation.to_json()
        content = {
            "evaluation": None if self.finished is None else self.finished.evaluation.model_dump(mode="json"),
            **({} if self.application is None else self.application.model_dump(mode="json")),
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What is in some data and what is wrong with them, ready to be shown.

    Attributes:
        page: where the page was written, if one was asked for.
    """

    audit: Audit
    description: Description
    name: str
    origin: Origin
    page: Path | None = None

    def title(self) -> str:
        """What was looked at, with its classes; remarks on the events below."""
        events = number(sum(self.description.counts), 0)
        first = f"{self.name}: {events} {self.origin.kind} events, {class_balance(self.description)}"
        return "\n".join([first, *remarks(self.description)])

    def columns(self) -> list[Row]:
        """The describe table, one row a feature."""
        return feature_rows(self.description)

    def missing(self) -> list[Row]:
        """Features with missing or infinite values."""
        return missing_rows(self.description)

    def missing_note(self) -> str:
        """How many events lack a value, or that none does."""
        return missing_sentence(self.description)

    def pairs(self) -> list[Row]:
        """Pairs of features that are correlated above the threshold."""
        return pair_rows(self.description)

    def pairs_note(self) -> str:
        """How many pairs there are, or which comes closest."""
        return pairs_sentence(self.description)

    def findings(self) -> list[Row]:
        """What the audit found, worst first."""
        findings = self.audit.worst_first().findings
        return [{"severity": f.severity, "finding": f.key, "what": f.message} for f in findings]

    def findings_note(self) -> str:
        """That nothing was found, and where the page is."""
        nothing = "" if self.audit.findings else "the audit found nothing to complain about"
        page = "" if self.page is None else f"page: {self.page}"
        return "\n".join(line for line in (nothing, page) if line)

    def to_json(self) -> str:
        """The content of audit.json, and beside it that of description.json."""
        content = {**self.audit.content(), "description": self.description.model_dump(mode="json")}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


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
    jobs: int,
    seed: int | None,
    engine: Literal["geant4", "fast"] | None,
    progress: Progress,
) -> None:
    """Simulated events of a task as a file that says that they are simulated."""
    config = load_task(task, settings=_with_seed([], seed))
    if config.simulate is None:
        raise ConfigError(f"task {config.task} has no simulator")
    check_ending(output, images=config.simulate.process == "egamma")
    events = simulate(
        config.simulate.process,
        rows,
        seed=config.seed,
        jobs=jobs,
        engine=engine if engine is not None else config.simulate.engine,
        progress=progress,
    )
    write_events(events, output)


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
    sample = load_sample(config, cache=default_cache(), jobs=jobs, progress=progress)
    found, description = audit_sample(sample, config), describe_sample(sample, config, progress)
    origin, name = sample.events.origin, Path(what).name
    if page is not None:
        with progress.task("writing the page"):
            write_inspection(page, description, found, title=name, task=config.title or config.task, origin=origin)
    return Inspection(audit=found, description=description, name=name, origin=origin, page=page)


def run_task(
    task: str,
    *,
    data: Sequence[Path],
    settings: Sequence[str],
    models: Sequence[str] | None,
    out: Path | None,
    jobs: int | None,
    seed: int | None,
    progress: Progress,
) -> Finished:
    """The whole task, from data to report."""
    config = choose_models(load_task(task, settings=_with_seed(settings, seed)), models)
    if data:
        config = _with_files(config, data)
    folder = out if out is not None else Path("runs") / new_run_name(config.task)
    evaluation = carry_out(
        config,
        out=folder,
        cache=default_cache(),
        jobs=jobs if jobs is not None else cores(),
        command=["hepsieve", *sys.argv[1:]],
        progress=progress,
    )
    return Finished(evaluation=evaluation, report=folder / REPORT, more=_how_to_get_more(config, evaluation))


def evaluate_run(
    run: Path, *, data: Sequence[Path], settings: Sequence[str], jobs: int, progress: Progress
) -> JudgedAgain:
    """A finished run judged again, or on other data that may need other settings to be read."""
    if wrong := [setting for setting in settings if not (data and setting.startswith("data."))]:
        raise ConfigError(f"--set {wrong[0]}: only how --data are read can be set here; the run stays as it was")
    finished = open_run(run)
    read = _with_files(load_task(run / CONFIG, settings=settings), data).data if data else None
    judged = judge_again(finished, other=read, cache=default_cache(), jobs=jobs, progress=progress)
    evaluation, report = judged.evaluation, None if data else run / REPORT
    return JudgedAgain(
        finished=None if evaluation is None else Finished(evaluation=evaluation, report=report),
        application=judged.application,
    )


def score_files(
    run: Path,
    files: Sequence[Path],
    *,
    output: Path,
    model: str | None,
    working_point: str | None = None,
    progress: Progress,
) -> str:
    """New files with a score column, and only the rows that pass a working point if one is named, in one line."""
    finished = open_run(run)
    name = _model_name(run, finished.evaluation, model)
    selection = None if working_point is None else _selection(run, finished.evaluation, name, working_point)
    bundle = load_bundle(run / MODELS / name)
    column = f"score_{name}"
    scored = add_scores(bundle, files, output, column=column, selection=selection, progress=progress)
    return describe(scored, column, selection)


def write_report(run: Path) -> Path:
    """The page of a run, written again."""
    open_run(run)
    replace_files(run, {REPORT: html.render(run)})
    return run / REPORT


def export_model(run: Path, *, to: str, model: str | None, output: Path | None) -> tuple[Path, ...]:
    """A network as files for other programs."""
    if to != "keras":
        raise ConfigError(f"--to {to}: this version exports to keras only")
    evaluation = open_run(run).evaluation
    networks = {name: result for name, result in evaluation.models.items() if result.kind not in ("trees", "adaboost")}
    if model is None and not networks:
        raise ConfigError(f"{run}: no network among {', '.join(evaluation.models)}; Keras can't hold trees")
    chosen = model if model is not None else max(networks, key=lambda name: _validation_auc(evaluation, name))
    name = _model_name(run, evaluation, chosen)
    folder = run / MODELS / name
    return export_keras(load_bundle(folder), folder, output if output is not None else Path(f"{name}.keras"))


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


def _how_to_get_more(config: TaskConfig, evaluation: Evaluation) -> str:
    if config.data.files or config.simulate is None or evaluation.data.origin != "simulated":
        return ""
    real = "" if config.data.catalog is None else f"; real ones: hepsieve fetch {config.task}, or --data FILE"
    return f"more simulated events: --set simulate.rows={10 * config.simulate.rows}{real}"


def _with_seed(settings: Sequence[str], seed: int | None) -> list[str]:
    return [*settings, *([] if seed is None else [f"seed={seed}"])]


def _task_of(file: Path) -> str:
    """The built-in task whose features the file has.

    Raises:
        ConfigError: if there is none.
    """
    if holds_images(file):
        open_images(file, DataConfig())  # or what is wrong with the file would be taken for another task's columns
    for name in built_in_tasks():
        data = load_task(name).data
        if data.catalog is None:
            continue
        with suppress(DataError):
            require_catalog(file, data)
            return name
    raise ConfigError(f"{file}: not the columns or images of any built-in task; name one with --task TASK|FILE.yaml")


def _model_name(run: Path, evaluation: Evaluation, model: str | None) -> str:
    if model is None:
        return evaluation.best
    if model not in evaluation.models:
        raise ConfigError(f"{run}: no model {model!r}; it has {', '.join(evaluation.models)}")
    return model


def _selection(run: Path, evaluation: Evaluation, model: str, working_point: str) -> Selection:
    """The stored threshold of a model's working point."""
    points = {point.name: point.threshold for point in evaluation.working_points.get(model, ())}
    if working_point not in points:
        raise ConfigError(
            f"{run}: {model} has no working point {working_point!r}; it has {', '.join(points) or 'none'}"
        )
    return Selection(name=working_point, threshold=points[working_point])


def _validation_auc(evaluation: Evaluation, name: str) -> float:
    value = evaluation.models[name].validation["auc"].value
    return value if value is not None else 0.0
