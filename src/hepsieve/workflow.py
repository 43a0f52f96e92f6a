"""From a task to a finished run folder, and from a run folder back to a Run that can be judged again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from hepsieve import folder as files
from hepsieve.apply import apply
from hepsieve.audit import audit_files
from hepsieve.config import DataConfig, TaskConfig, dump_task
from hepsieve.errors import DataError, HepsieveError
from hepsieve.evaluate.application import Application
from hepsieve.evaluate.results import Evaluation
from hepsieve.events import Events
from hepsieve.explain import check_explain, rank_features
from hepsieve.folder import RunFolder, git_commit, record
from hepsieve.judge import judge, require_reachable_cuts, require_slices
from hepsieve.manifest import new_folder, replace_files, write_manifest
from hepsieve.occlusion import occlusion_maps
from hepsieve.prepare import SealedPart, Split
from hepsieve.prepare.images import with_channels
from hepsieve.progress import Progress
from hepsieve.report import html
from hepsieve.sample import audit_sample, describe_sample, divide, load_sample, usable
from hepsieve.score.bundle import REFERENCE_ROWS, Schema, load_bundle, load_schema, save_bundle
from hepsieve.shower_shapes import are_images
from hepsieve.train.run import Fitted, Member, Run, train
from hepsieve.train.trained import Trained
from hepsieve.train.unfinished import Unfinished


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What judging a finished run again gave.

    Attributes:
        evaluation: all figures; None on other files that hold one class only.
        application: the stored working points on other files; None on the run's own test part.
    """

    evaluation: Evaluation | None
    application: Application | None


def choose_models(config: TaskConfig, names: Sequence[str] | None) -> TaskConfig:
    """The task with only these of its models, those of a grid one by one.

    Raises:
        ConfigError: if the task has no model of a name.
    """
    wanted = None if names is None else [name.strip() for name in names]
    return config.model_copy(update={"models": config.trained(wanted)})


def run_task(
    config: TaskConfig, *, out: Path, cache: Path, jobs: int, command: Sequence[str], progress: Progress
) -> Evaluation:
    """Audit, divide, prepare, train, evaluate and report; ``out`` appears only when all of it is done.

    Trainings are kept in the cache until then: the same task on the same data takes over what an interrupted run
    finished, and gives the same bytes as a run that nobody interrupted.

    Args:
        config: the resolved task.
        out: the run folder, which must not exist yet.
        cache: where prepared and simulated events are kept.
        jobs: processes for the simulator and for cross-validated trainings.
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
    check_explain(config)
    with new_folder(out, facts) as folder:
        sample = load_sample(config, cache=cache, jobs=jobs, progress=progress)
        report = audit_sample(sample, config).accept(config.audit.accept)
        report.require_clean()
        (folder / files.AUDIT).write_text(report.to_json(), encoding="utf-8")
        (folder / files.DESCRIPTION).write_text(describe_sample(sample, config, progress).to_json(), encoding="utf-8")
        for finding in report.findings:
            if finding.accepted:
                record(folder, "finding accepted", f"{finding.key}: {finding.message}")
        (folder / files.CONFIG).write_text(dump_task(config), encoding="utf-8")
        parts = divide(sample, config)
        sample.events.let_go()  # the parts are copies
        require_reachable_cuts(parts, config)
        require_slices(parts, config)
        unfinished = Unfinished(
            folder=cache / "unfinished", taken=lambda title: record(folder, "training taken over", title)
        )
        run = _train(config, parts, folder, unfinished, jobs, progress)
        _save_models(run, config, folder)
        ranking = rank_features(run, config, progress=progress)  # while the test part is still sealed
        maps = occlusion_maps(run, config, progress=progress)
        judged = judge(run, config, reason=f"hepsieve run: {', '.join(run.models)}", progress=progress)
        evaluation = judged.evaluation.model_copy(update={"ranking": ranking, "maps": maps})
        facts["fingerprint"] = evaluation.data.fingerprint
        _write_scores(folder / files.PREDICTIONS, judged.test, run.parts.test_rows, judged.scores)
        if run.parts.fold is not None:
            out_of_fold = folder / files.OUT_OF_FOLD
            _write_scores(out_of_fold, run.parts.train, run.parts.train_rows, judged.held_out, run.parts.fold)
        (folder / files.EVALUATION).write_text(evaluation.to_json(), encoding="utf-8")
        write_manifest(folder, facts)  # the page shows its versions
        with progress.task("writing the report"):
            html.write(folder)
    unfinished.forget()
    return evaluation


def judge_again(run: RunFolder, *, other: DataConfig | None, cache: Path, jobs: int, progress: Progress) -> Judgement:
    """Judge a finished run once more: on its own test part, or on other files.

    On its own test part the run's figures and page are renewed, with one more opening on the count. Other files leave
    the run as it is; they may hold one class only, of which the stored working points then give the efficiency.

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
    try:
        sample = load_sample(config, cache=cache, jobs=jobs, progress=progress)
    except DataError as error:
        raise HepsieveError(f"{run.path}: judging needs the events that it was trained on: {error}") from None
    parts = divide(sample, config)
    if parts.train.origin.fingerprint != run.evaluation.data.train_fingerprint:
        raise HepsieveError(f"{run.path}: its data have changed since (another fingerprint); train again")
    if other is not None:
        return _judge_elsewhere(run, _with_other_test(run, parts, other, cache, progress), progress)
    if (sample.test or sample.events).origin.fingerprint != run.evaluation.data.fingerprint:
        raise HepsieveError(f"{run.path}: its test data have changed since (another fingerprint); run the task again")
    sealed = parts.test.recorded_by(lambda reason: record(run.path, files.TEST_OPENED, reason))
    parts = replace(parts, test=sealed)
    judged = judge(
        _restored(run, parts),
        config,
        reason="hepsieve evaluate",
        earlier_openings=max(files.openings(run.path), run.evaluation.test_openings),
        progress=progress,
    )
    evaluation = judged.evaluation.model_copy(update={"ranking": run.evaluation.ranking, "maps": run.evaluation.maps})
    replace_files(run.path, {files.EVALUATION: evaluation.to_json()})
    replace_files(run.path, {files.REPORT: html.render(run.path)})
    return Judgement(evaluation=evaluation, application=None)


def _train(
    config: TaskConfig, parts: Split, folder: Path, unfinished: Unfinished, jobs: int, progress: Progress
) -> Run:
    with (folder / files.HISTORY).open("w", encoding="utf-8") as history:
        run = train(
            config.trained(),
            parts,
            prepare=config.prepare,
            settings=config.train,
            seed=config.seed,
            impute=config.audit.missing == "impute",
            jobs=jobs,
            unfinished=unfinished,
            progress=progress,
            on_epoch=lambda epoch: _write_line(history, epoch.model_dump_json()),
        )
    sealed = parts.test.recorded_by(lambda reason: record(folder, files.TEST_OPENED, reason))
    return Run(parts=replace(parts, test=sealed), models=run.models, seed=run.seed)


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


def _restored(run: RunFolder, parts: Split) -> Run:
    """The trained models of a run folder, each verified."""
    models = {}
    for name, result in run.evaluation.models.items():
        bundle = load_bundle(run.path / files.MODELS / name)
        history = files.read_history(run.path, name)
        several = len(bundle.members) > 1
        members = tuple(
            Member(
                preparation=member.preparation,
                trained=Trained(
                    model=member.model,
                    history=tuple(epoch for epoch in history if not several or epoch.fold == number),
                    best_epoch=0,
                    seconds=result.train_seconds / len(bundle.members),
                    warnings=result.warnings,
                ),
            )
            for number, member in enumerate(bundle.members, start=1)
        )
        models[name] = Fitted(name=name, config=bundle.schema.config, members=members)
    return Run(parts=parts, models=models, seed=run.config.seed)


def _judge_elsewhere(run: RunFolder, parts: Split, progress: Progress) -> Judgement:
    """The run on test events from elsewhere; without events of both classes there is no curve and no AUC."""
    restored, reason = _restored(run, parts), "hepsieve evaluate --data"
    if 0 in parts.test.class_counts():
        alone = apply(restored, run.evaluation, parts.test.open(reason), progress=progress)
        return Judgement(evaluation=None, application=alone)
    judged = judge(restored, run.config, reason=reason, progress=progress)
    both = apply(restored, run.evaluation, judged.test, scores=judged.scores, progress=progress)
    return Judgement(evaluation=judged.evaluation, application=both)


def _with_other_test(run: RunFolder, parts: Split, data: DataConfig, cache: Path, progress: Progress) -> Split:
    """The run's training and validation events beside other test events, audited by the run's own rules."""
    config = run.config
    # The run's features in the run's order, whatever else the files hold.
    needed = _needed(run, parts.train)
    # Spectators have no part in it; a sample from elsewhere may lack them.
    ours: dict[str, Any] = {"features": needed, "spectators": ()}
    alone = data.model_copy(update={**ours, "validation_files": (), "test_files": ()})
    elsewhere = config.model_copy(update={"data": alone})
    sample = load_sample(elsewhere, cache=cache, jobs=1, progress=progress)
    report = audit_sample(sample, elsewhere)
    # There is nothing to tell apart in a file of one class, but what a cut keeps of it can be told; and a feature that
    # is very good in other data gives nothing away to models that were trained before.
    harmless = ("one-class", "label-in-feature")
    report = replace(report, findings=tuple(finding for finding in report.findings if finding.code not in harmless))
    report.accept({finding.key for finding in report.findings} & set(config.audit.accept)).require_clean()
    test, rows = usable(sample.events, elsewhere)
    # Validation events chose epochs and the best model: they are no test either. Folds are the training events again.
    seen = (parts.train, parts.validation) if parts.fold is None else (parts.train,)
    train, *watched = (with_channels(part, needed) if are_images(part) else part for part in seen)
    audit_files(train, validation=watched[0] if watched else None, test=test).require_clean()
    names = ", ".join(path.name for path in data.files)
    record(run.path, "judged on other data", names)
    if shared := parts.test.overlap(test):
        record(
            run.path, files.TEST_OPENED, f"hepsieve evaluate --data: {names} holds {shared} of the run's test events"
        )
    return replace(parts, test=SealedPart(test), test_rows=rows)


def _needed(run: RunFolder, train: Events) -> tuple[str, ...]:
    """The run's features; of images the channels alone that a model of it looks at, as others may have no more."""
    if not are_images(train):
        return train.names
    used = {name for model in run.evaluation.models for name in load_schema(run.path / files.MODELS / model).features}
    return tuple(name for name in train.names if name in used)


def _write_scores(
    path: Path,
    events: Events,
    rows: NDArray[np.int64],
    scores: Mapping[str, NDArray[np.float64]],
    fold: NDArray[np.int64] | None = None,
) -> None:
    columns = {
        "row": rows,
        **({} if fold is None else {"fold": fold + 1}),
        "target": events.target,
        "weight": events.weight,
        **{name: np.ascontiguousarray(events.spectator(name)) for name in events.spectator_names},
        **{f"score_{name}": values for name, values in scores.items()},
    }
    pa.parquet.write_table(pa.table(columns), path)
