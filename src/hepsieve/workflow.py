"""From a task to a finished run folder, and from a run folder back to a Run that can be judged again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from hepsieve import folder as files
from hepsieve.calibrate import calibrated
from hepsieve.config import TaskConfig, dump_task
from hepsieve.engines import Jobs
from hepsieve.errors import ConfigError
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.events import Events
from hepsieve.explain import check_explain, rank_features
from hepsieve.folder import git_commit, record
from hepsieve.judge import Judged, judge, require_reachable_cuts
from hepsieve.judge_regression import JudgedRegression, judge_regression, require_profiles
from hepsieve.learned_beside import facts_beside
from hepsieve.limit import with_limit
from hepsieve.manifest import new_folder, write_manifest
from hepsieve.occlusion import occlusion_maps
from hepsieve.prepare import Split
from hepsieve.prepare.fit import idle_steps
from hepsieve.progress import Progress
from hepsieve.report import html
from hepsieve.saliency import gradient_maps
from hepsieve.sample import audit_sample, describe_sample, divide, load_sample
from hepsieve.sample_simulated import with_simulated
from hepsieve.score.bundle import REFERENCE_ROWS, Schema, save_bundle
from hepsieve.sliced import require_slices
from hepsieve.start_unseen import require_unseen_by_starts
from hepsieve.train.combined import combine
from hepsieve.train.input_stores import InputStores
from hepsieve.train.objective import loss_of, require_cluster, require_processes, require_settings
from hepsieve.train.run import Run
from hepsieve.train.unfinished import Unfinished
from hepsieve.tune.run import train_and_search
from hepsieve.tune.search import Trial
from hepsieve.waveform_maps import waveform_maps


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a run's training gives.

    Attributes:
        run: the models; the test part is sealed.
        config: the task with just these models.
        by: the command that opens the test part.
        look_into: of which models is found out what they look at, in this order; None of all.
        finish: the evaluation, with what only the training knows.
    """

    run: Run
    config: TaskConfig
    by: str = "hepsieve run"
    look_into: tuple[str, ...] | None = None
    finish: Callable[[Judged | JudgedRegression], AnyEvaluation] = lambda judged: judged.evaluation


Train = Callable[[Split, Path, Unfinished], Trained]
"""Divided events, the folder of the run that is being made, and where trainings are kept meanwhile, to models."""

_OF_PREDICTIONS = ("row", "fold", "target", "weight")  # beside score_<model> and width_<model>


def choose_models(config: TaskConfig, names: Sequence[str] | None) -> TaskConfig:
    """The task with only these of its models, those of a grid one by one.

    Raises:
        ConfigError: if the task has no model of a name.
    """
    wanted = None if names is None else [name.strip() for name in names]
    return config.model_copy(update={"models": {**config.chosen(wanted), **config.ensembles(wanted)}})


def run_task(
    config: TaskConfig, *, out: Path, cache: Path, jobs: Jobs, command: Sequence[str], progress: Progress
) -> AnyEvaluation:
    """Audit, divide, prepare, train, evaluate and report; ``out`` appears only when all of it is done.

    Trainings are kept in the cache until then: the same task on the same data takes over what an interrupted run
    finished, and gives the same bytes as a run that nobody interrupted.

    Args:
        config: the resolved task.
        out: the run folder, which must not exist yet.
        cache: where prepared and simulated events are kept.
        jobs: who shares the simulation and the trainings.
        command: what the user typed, for the record.
        progress: shows every long step.

    Raises:
        AuditStop: if the audit finds what no result could survive.
        ConfigError: if a model needs a Dask cluster and there is none.
    """
    require_cluster(config.trained(tuple(config.models)), jobs)

    def trained(parts: Split, folder: Path, unfinished: Unfinished) -> Trained:
        return Trained(run=train_models(config, parts, folder, unfinished, jobs, progress), config=config)

    return carry_out(config, trained, out=out, cache=cache, jobs=jobs, command=command, progress=progress)


def carry_out(
    config: TaskConfig,
    train: Train,
    *,
    out: Path,
    cache: Path,
    jobs: Jobs,
    command: Sequence[str],
    progress: Progress,
) -> AnyEvaluation:
    """A whole run, whichever way its models are trained; see `run_task`."""
    facts: dict[str, Any] = {
        "task": config.task,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "git_commit": git_commit(),
        "seeds": {"split": config.seed, "training": config.seed, "bootstrap": config.seed},
    }
    check_explain(config)
    _require_losses(config)
    with new_folder(out, facts) as folder:
        sample = load_sample(config, cache=cache, jobs=jobs, progress=progress)
        report = audit_sample(sample, config).accept(config.audit.accept)
        report.require_clean()
        (folder / files.AUDIT).write_text(report.to_json(), encoding="utf-8")
        (folder / files.DESCRIPTION).write_text(describe_sample(sample, config, progress).to_json(), encoding="utf-8")
        for finding in report.findings:
            if finding.accepted:
                record(folder, "finding accepted", f"{finding.key}: {finding.message}")
        parts = divide(sample, config)
        sample.events.let_go()  # the parts are copies
        require_unseen_by_starts(config, sample, parts, cache=cache, jobs=jobs, progress=progress)
        told = lambda sentence: record(folder, "simulated events", sentence)  # noqa: E731
        parts = with_simulated(parts, config, cache=cache, jobs=jobs, progress=progress, told=told)
        _require_columns(parts, config)
        unfinished = Unfinished(
            folder=cache / "unfinished",
            taken=lambda title: record(folder, "training taken over", title),
            told=lambda sentence: record(folder, "training resumed", sentence),
            stores=InputStores(cache / "inputs"),
        )
        trained = train(_recorded(parts, folder), folder, unfinished)
        config = trained.config
        (folder / files.CONFIG).write_text(dump_task(config), encoding="utf-8")
        run = calibrated(trained.run, config.evaluate.calibrate, progress=progress)
        _save_models(run, config, folder)
        judged = _judge(run, config, trained, jobs, progress)
        evaluation = trained.finish(judged)
        facts["fingerprint"] = evaluation.data.fingerprint
        facts |= facts_beside(run, config)
        widths = judged.widths if isinstance(judged, JudgedRegression) else {}
        _write_scores(folder / files.PREDICTIONS, judged.test, run.parts.test_rows, judged.scores, widths=widths)
        if run.parts.fold is not None:
            out_of_fold = folder / files.OUT_OF_FOLD
            _write_scores(out_of_fold, run.parts.train, run.parts.train_rows, judged.held_out, fold=run.parts.fold)
        elif isinstance(judged, Judged):  # on which cuts and bins are found for other yields
            _write_scores(folder / files.VALIDATION, run.parts.validation, None, judged.held_out)
        (folder / files.EVALUATION).write_text(evaluation.to_json(), encoding="utf-8")
        write_manifest(folder, facts)  # the page shows its versions
        with progress.task("writing the report"):
            html.write(folder)
    unfinished.forget()
    return evaluation


def train_models(
    config: TaskConfig, parts: Split, folder: Path, unfinished: Unfinished, jobs: Jobs, progress: Progress
) -> Run:
    """The models and searches of a task, trained, and its ensembles; their history goes on in the folder's."""
    for sentence in idle_steps(config.trained(), parts.train, config.prepare) if not config.searches() else ():
        record(folder, "step without effect", sentence)
    with (folder / files.HISTORY).open("a", encoding="utf-8") as history:
        run = train_and_search(
            config.trained(),
            config.searches(),
            parts,
            prepare=config.prepare,
            settings=config.train,
            seed=config.seed,
            impute=config.audit.missing == "impute",
            jobs=jobs,
            unfinished=unfinished,
            progress=progress,
            on_epoch=lambda epoch: _write_line(history, epoch.model_dump_json()),
            on_trial=lambda trial: _record_failure(folder, trial),
        )
    combined = {name: combine(name, ensemble, run.models) for name, ensemble in config.ensembles().items()}
    return replace(run, models={**run.models, **combined})


def _recorded(parts: Split, folder: Path) -> Split:
    """The same parts; openings of the test part are written into the folder."""
    return replace(parts, test=parts.test.recorded_by(lambda reason: record(folder, files.TEST_OPENED, reason)))


def _record_failure(folder: Path, trial: Trial) -> None:
    """A point of a search that could not be trained is no model of the run, but no secret either."""
    if trial.error:
        record(folder, "trial failed", f"{trial.name}: {trial.error}")


def _require_losses(config: TaskConfig) -> None:
    """Refuse, before anything is read, what no training could minimise or watch."""
    require_settings(config.train, config.kind)
    models = config.trained(tuple(config.models))
    require_processes(models.values(), config.train)
    for name, model in models.items():
        try:
            loss_of(model, config.kind)
        except ConfigError as error:
            raise ConfigError(f"models.{name}.{error}") from None


def _require_columns(parts: Split, config: TaskConfig) -> None:
    """Refuse, before anything is trained, what the evaluation could not quote or the stored predictions not hold."""
    for name in parts.train.spectator_names:
        if name in _OF_PREDICTIONS or name.startswith(("score_", "width_")):
            raise ConfigError(
                f"data.spectators: {name!r} is the name of a column that {files.PREDICTIONS} has of its own; rename it "
                "in the file, or leave it out"
            )
    if config.kind == "regression":
        require_profiles(parts, config)
        return
    require_reachable_cuts(parts, config)
    require_slices(parts, config)


def _judge(run: Run, config: TaskConfig, trained: Trained, jobs: Jobs, progress: Progress) -> Judged | JudgedRegression:
    """What the models are worth, and what they look at; the latter while the test part is still sealed."""
    reason = f"{trained.by}: {', '.join(run.models)}"
    some = run.single.models if trained.look_into is None else {name: run.models[name] for name in trained.look_into}
    looked = _looked_into(replace(run, models=some), config, progress)
    if config.kind == "regression":
        regression = judge_regression(run, config, reason=reason, progress=progress)
        regression = replace(regression, evaluation=regression.evaluation.model_copy(update=looked))
        return with_limit(regression, config, jobs=jobs, progress=progress)
    judged = judge(run, config, reason=reason, progress=progress)
    return replace(judged, evaluation=judged.evaluation.model_copy(update=looked))


def _looked_into(run: Run, config: TaskConfig, progress: Progress) -> dict[str, Any]:
    """What the features are worth and what the models look at, by the fields of an evaluation."""
    return {
        "ranking": rank_features(run, config, progress=progress),
        "maps": (*occlusion_maps(run, config, progress=progress), *gradient_maps(run, config, progress=progress)),
        "waveform_maps": waveform_maps(run, config, progress=progress),
    }


def _write_line(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


def _save_models(run: Run, config: TaskConfig, folder: Path) -> None:
    events = run.parts.train
    for name, fitted in run.models.items():
        used = {feature for member in fitted.members for feature in member.preparation.features}
        columns = [k for k, feature in enumerate(events.names) if feature in used]
        schema = Schema(
            task=config.task,
            classes=config.classes,
            features=tuple(events.names[k] for k in columns),
            units=tuple(events.units[k] for k in columns),
            data=config.data.model_copy(
                update={"files": (), "validation_files": (), "test_files": (), "file_labels": {}}
            ),
            model=name,
            config=fitted.config,
            members=len(fitted.members),
        )
        save_bundle(folder / files.MODELS / name, fitted, schema, events.features[:REFERENCE_ROWS][..., columns])


def _write_scores(
    path: Path,
    events: Events,
    rows: NDArray[np.int64] | None,
    scores: Mapping[str, NDArray[np.float64]],
    *,
    widths: Mapping[str, NDArray[np.float64]] | None = None,
    fold: NDArray[np.int64] | None = None,
) -> None:
    columns = {
        **({} if rows is None else {"row": rows}),
        **({} if fold is None else {"fold": fold + 1}),
        "target": events.target,
        "weight": events.weight,
        **{name: np.ascontiguousarray(events.spectator(name)) for name in events.spectator_names},
        **{f"score_{name}": values for name, values in scores.items()},
        **{f"width_{name}": values for name, values in (widths or {}).items()},
    }
    pa.parquet.write_table(pa.table(columns), path)
