"""From a task to a finished run folder, and from a run folder back to a Run that can be judged again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet

from hepsieve import folder as files
from hepsieve.audit import audit_files
from hepsieve.config import DataConfig, TaskConfig, dump_task
from hepsieve.errors import ConfigError, HepsieveError
from hepsieve.evaluate.results import Evaluation
from hepsieve.folder import RunFolder, git_commit, record
from hepsieve.judge import Judged, judge
from hepsieve.manifest import new_folder, replace_files, write_manifest
from hepsieve.prepare import SealedPart, Split
from hepsieve.progress import Progress
from hepsieve.report import html
from hepsieve.sample import audit_sample, divide, load_sample, usable
from hepsieve.score.bundle import Schema, load_bundle, save_bundle
from hepsieve.train.run import Fitted, Run, train
from hepsieve.train.trained import Trained


def choose_models(config: TaskConfig, names: Sequence[str] | None) -> TaskConfig:
    """The task with only these of its models.

    Raises:
        ConfigError: if the task has no model of a name.
    """
    if names is None:
        return config
    names = list(dict.fromkeys(name.strip() for name in names))
    unknown = [name for name in names if name not in config.models]
    if unknown:
        raise ConfigError(f"--models: no model {unknown[0]!r} in task {config.task}; it has {', '.join(config.models)}")
    return config.model_copy(update={"models": {name: config.models[name] for name in names}})


def run_task(
    config: TaskConfig, *, out: Path, cache: Path, jobs: int, command: Sequence[str], progress: Progress
) -> Evaluation:
    """Audit, divide, prepare, train, evaluate and report; ``out`` appears only when all of it is done.

    Args:
        config: the resolved task.
        out: the run folder, which must not exist yet.
        cache: where prepared and simulated events are kept.
        jobs: processes for the simulator.
        command: what the user typed, for the record.
        progress: shows every long step.

    Raises:
        AuditStop: if the audit finds what no result could survive.
    """
    facts: dict[str, Any] = {
        "task": config.task,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "git_commit": git_commit(),
        "seeds": {"split": config.seed, "training": config.seed, "bootstrap": config.seed},
    }
    with new_folder(out, facts) as folder:
        sample = load_sample(config, cache=cache, jobs=jobs, progress=progress)
        report = audit_sample(sample, config).accept(config.audit.accept)
        report.require_clean()
        (folder / files.AUDIT).write_text(report.to_json(), encoding="utf-8")
        for finding in report.findings:
            if finding.accepted:
                record(folder, "finding accepted", f"{finding.key}: {finding.message}")
        (folder / files.CONFIG).write_text(dump_task(config), encoding="utf-8")
        run = _train(config, divide(sample, config), folder, progress)
        _save_models(run, config, folder)
        judged = judge(run, config, reason=f"hepsieve run: {', '.join(run.models)}", progress=progress)
        facts["fingerprint"] = judged.evaluation.data.fingerprint
        _write_predictions(judged, run.parts, folder / files.PREDICTIONS)
        (folder / files.EVALUATION).write_text(judged.evaluation.to_json(), encoding="utf-8")
        write_manifest(folder, facts)  # the page shows its versions
        with progress.task("writing the report"):
            html.write(folder)
    return judged.evaluation


def judge_again(run: RunFolder, *, other: DataConfig | None, cache: Path, jobs: int, progress: Progress) -> Evaluation:
    """Judge a finished run once more: on its own test part, or on other files.

    On its own test part the run's figures and page are renewed, with one more opening on the count. Other files leave
    the run as it is.

    Args:
        run: the verified run.
        other: other files and how to read them; None for the run's own test part.
        cache: where prepared and simulated events are kept.
        jobs: processes for the simulator.
        progress: shows every long step.

    Raises:
        IntegrityError: if the run or a model was changed.
        AuditStop: if the other files hold events that the models were trained on.
        HepsieveError: if the run's own data are no longer what they were.
    """
    config = run.config
    sample = load_sample(config, cache=cache, jobs=jobs, progress=progress)
    parts = divide(sample, config)
    if parts.train.origin.fingerprint != run.evaluation.data.train_fingerprint:
        raise HepsieveError(f"{run.path}: its data have changed since (another fingerprint); train again")
    if other is not None:
        parts = _with_other_test(run, parts, other, cache, progress)
        return judge(_restored(run, parts), config, reason="hepsieve evaluate --data", progress=progress).evaluation
    if (sample.test or sample.events).origin.fingerprint != run.evaluation.data.fingerprint:
        raise HepsieveError(f"{run.path}: its test data have changed since (another fingerprint); run the task again")
    parts = Split(
        train=parts.train,
        validation=parts.validation,
        test=parts.test.recorded_by(lambda reason: record(run.path, files.TEST_OPENED, reason)),
        test_rows=parts.test_rows,
    )
    judged = judge(
        _restored(run, parts),
        config,
        reason="hepsieve evaluate",
        earlier_openings=max(files.openings(run.path), run.evaluation.test_openings),
        progress=progress,
    )
    replace_files(run.path, {files.EVALUATION: judged.evaluation.to_json()})
    replace_files(run.path, {files.REPORT: html.render(run.path)})
    return judged.evaluation


def _train(config: TaskConfig, parts: Split, folder: Path, progress: Progress) -> Run:
    with (folder / files.HISTORY).open("w", encoding="utf-8") as history:
        run = train(
            config.models,
            parts,
            prepare=config.prepare,
            settings=config.train,
            seed=config.seed,
            impute=config.audit.missing == "impute",
            progress=progress,
            on_epoch=lambda epoch: _write_line(history, epoch.model_dump_json()),
        )
    sealed = parts.test.recorded_by(lambda reason: record(folder, files.TEST_OPENED, reason))
    parts = Split(train=parts.train, validation=parts.validation, test=sealed, test_rows=parts.test_rows)
    return Run(parts=parts, models=run.models, seed=run.seed)


def _write_line(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


def _save_models(run: Run, config: TaskConfig, folder: Path) -> None:
    events = run.parts.train
    for name, fitted in run.models.items():
        schema = Schema(
            task=config.task,
            classes=config.classes,
            features=events.names,
            units=events.units,
            data=config.data.model_copy(
                update={"files": (), "validation_files": (), "test_files": (), "file_labels": {}}
            ),
            model=name,
            config=fitted.config,
        )
        save_bundle(folder / files.MODELS / name, fitted, schema, events.features)


def _restored(run: RunFolder, parts: Split) -> Run:
    """The trained models of a run folder, each verified."""
    models = {}
    for name, result in run.evaluation.models.items():
        bundle = load_bundle(run.path / files.MODELS / name)
        trained = Trained(
            model=bundle.model,
            history=files.read_history(run.path, name),
            best_epoch=0,
            seconds=result.train_seconds,
            warnings=result.warnings,
        )
        models[name] = Fitted(name=name, config=bundle.schema.config, preparation=bundle.preparation, trained=trained)
    return Run(parts=parts, models=models, seed=run.config.seed)


def _with_other_test(run: RunFolder, parts: Split, data: DataConfig, cache: Path, progress: Progress) -> Split:
    """The run's training and validation events beside other test events, audited by the run's own rules."""
    config = run.config
    alone = data.model_copy(update={"validation_files": (), "test_files": ()})
    elsewhere = config.model_copy(update={"data": alone})
    sample = load_sample(elsewhere, cache=cache, jobs=1, progress=progress)
    report = audit_sample(sample, elsewhere)
    report.accept({finding.key for finding in report.findings} & set(config.audit.accept)).require_clean()
    test, rows = usable(sample.events, elsewhere)
    # Validation events chose epochs and the best model: they are no test either.
    audit_files(parts.train, validation=parts.validation, test=test).require_clean()
    names = ", ".join(path.name for path in data.files)
    record(run.path, "judged on other data", names)
    if shared := parts.test.overlap(test):
        record(
            run.path, files.TEST_OPENED, f"hepsieve evaluate --data: {names} holds {shared} of the run's test events"
        )
    return Split(train=parts.train, validation=parts.validation, test=SealedPart(test), test_rows=rows)


def _write_predictions(judged: Judged, parts: Split, path: Path) -> None:
    columns = {
        "row": parts.test_rows,
        "target": judged.test.target,
        "weight": judged.test.weight,
        **{f"score_{name}": scores for name, scores in judged.scores.items()},
    }
    pa.parquet.write_table(pa.table(columns), path)
