"""A finished run judged once more: on its own test part, or on other files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never

from hepsieve import folder as files
from hepsieve.apply import apply
from hepsieve.apply_regression import apply_regression, stored_predictions
from hepsieve.audit import audit_files
from hepsieve.config import DataConfig, TaskConfig
from hepsieve.engines import Jobs
from hepsieve.errors import DataError, HepsieveError
from hepsieve.evaluate.application import Application
from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.regression_application import RegressionApplication
from hepsieve.evaluate.regression_results import RegressionEvaluation
from hepsieve.evaluate.results import DataSummary, Evaluation
from hepsieve.events import Events
from hepsieve.folder import RunFolder, record
from hepsieve.judge import judge
from hepsieve.judge_regression import judge_regression
from hepsieve.limit import with_limit
from hepsieve.manifest import replace_files
from hepsieve.portfolio_told import judged_again
from hepsieve.prepare import SealedPart, Split
from hepsieve.prepare.channels import with_channels
from hepsieve.progress import Progress
from hepsieve.report import html
from hepsieve.sample import Sample, audit_sample, divide, load_sample, usable
from hepsieve.sample_simulated import with_simulated
from hepsieve.score.bundle import Bundle, load_bundle, load_schema
from hepsieve.shower_shapes import are_images
from hepsieve.start_unseen import require_unseen_by_starts, runs_to_start_from
from hepsieve.train.objective import keeps_last
from hepsieve.train.run import Fitted, Member, Run
from hepsieve.train.trained import Trained

# There is nothing to tell apart in a file of one class, but what a cut keeps of it can be told; a feature that is very
# good in other data gives nothing away to models that were trained before; single pulses have no separation, copies are
# divided no more, and what a model makes of an empty waveform is for its figures to show.
_HARMLESS = (
    "one-class",
    "label-in-feature",
    "target-in-feature",
    "not-finite-target",
    "constant-target",
    "empty-waveforms",
    "near-duplicate-rows",
)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What judging a finished run again gave.

    Attributes:
        evaluation: all figures; None on other files that hold one class only, and on those of a regression.
        application: the stored working points on other files, or what a regression predicts for them; None on the
            run's own test part.
    """

    evaluation: AnyEvaluation | None
    application: Application | RegressionApplication | None


def judge_again(run: RunFolder, *, other: DataConfig | None, cache: Path, jobs: Jobs, progress: Progress) -> Judgement:
    """Judge a finished run once more: on its own test part, or on other files.

    On its own test part the run's figures and page are renewed, with one more opening on the count. Other files leave
    the run as it is; they may hold one class only, of which the stored working points then give the efficiency.

    Args:
        run: the verified run.
        other: other files and how to read them; None for the run's own test part.
        cache: where prepared and simulated events are kept.
        jobs: processes, or an engine, for the simulator.
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
        elsewhere = _with_other_test(run, parts, other, cache, progress)
        try:
            judged = _judge_elsewhere(run, elsewhere, progress)
        except DataError as error:
            raise DataError(f"{', '.join(map(str, other.files))}: {error}") from None
        record(run.path, "judged on other data", ", ".join(path.name for path in other.files))
        return judged
    if (sample.test or sample.events).origin.fingerprint != run.evaluation.data.fingerprint:
        raise HepsieveError(f"{run.path}: its test data have changed since (another fingerprint); run the task again")
    sealed = parts.test.recorded_by(lambda reason: record(run.path, files.TEST_OPENED, reason))
    parts = replace(parts, test=sealed)
    evaluation = _judged_anew(_restored(run, parts), run, jobs, progress)
    replace_files(run.path, {files.EVALUATION: evaluation.to_json()})
    replace_files(run.path, {files.REPORT: html.render(run.path)})
    return Judgement(evaluation=evaluation, application=None)


def _judged_anew(restored: Run, run: RunFolder, jobs: Jobs, progress: Progress) -> AnyEvaluation:
    """The run on its own test part; what was found out on validation stays."""
    reason = "hepsieve evaluate"
    earlier = max(files.openings(run.path), run.evaluation.test_openings)
    match run.evaluation:
        case Evaluation():
            judged = judge(restored, run.config, reason=reason, earlier_openings=earlier, progress=progress)
            found = judged_again(run.evaluation.leaderboard, judged, run.config)
            return found.model_copy(update={**_looked_into(run.evaluation), "data": _with_simulated(found, run)})
        case RegressionEvaluation():
            regression = judge_regression(
                restored, run.config, reason=reason, earlier_openings=earlier, progress=progress
            )
            limited = with_limit(regression, run.config, jobs=jobs, progress=progress)
            found = judged_again(run.evaluation.leaderboard, limited, run.config)
            return found.model_copy(update={**_looked_into(run.evaluation), "data": _with_simulated(found, run)})
        case _:
            assert_never(run.evaluation)


def _looked_into(evaluation: AnyEvaluation) -> dict[str, Any]:
    """What was found out about the models on validation, and the search that chose one of them."""
    return {name: getattr(evaluation, name) for name in ("ranking", "maps", "waveform_maps", "tuning")}


def _with_simulated(evaluation: AnyEvaluation, run: RunFolder) -> DataSummary:
    """The data of an evaluation with the simulated events that the run learned from, which are not read again."""
    return evaluation.data.model_copy(update={"simulated": run.evaluation.data.simulated})


def _restored(run: RunFolder, parts: Split) -> Run:
    """The trained models of a run folder, each verified."""
    models = {}
    for name, result in run.evaluation.models.items():
        bundle = load_bundle(run.path / files.MODELS / name)
        seconds = result.train_seconds / len(bundle.members)
        models[name] = _fitted(bundle, run, seconds=seconds, warnings=result.warnings)
    return Run(parts=parts, models=models, seed=run.config.seed)


def _fitted(bundle: Bundle, run: RunFolder, *, seconds: float, warnings: tuple[str, ...]) -> Fitted:
    """A bundle as the model of a run, whose trainings took so many seconds each."""
    schema = bundle.schema
    combined = tuple(_fitted(one, run, seconds=seconds, warnings=warnings) for one in bundle.combined)
    members = tuple(member for one in combined for member in one.members)
    if not combined:
        history, several = files.read_history(run.path, schema.model), len(bundle.members) > 1
        members = tuple(
            Member(
                preparation=member.preparation,
                copies=member.copies,
                keeps_last=keeps_last(schema.config, run.config.train),
                trained=Trained(
                    model=member.model,
                    history=tuple(epoch for epoch in history if not several or epoch.fold == number),
                    best_epoch=0,
                    seconds=seconds,
                    warnings=warnings,
                ),
            )
            for number, member in enumerate(bundle.members, start=1)
        )
    return Fitted(
        name=schema.model,
        config=schema.config,
        members=members,
        calibration=bundle.calibration,
        combined=combined,
    )


def _judge_elsewhere(run: RunFolder, parts: Split, progress: Progress) -> Judgement:
    """The run on test events from elsewhere; without events of both classes there is no curve and no AUC."""
    restored, reason = _restored(run, parts), "hepsieve evaluate --data"
    if isinstance(run.evaluation, RegressionEvaluation):
        applied = apply_regression(
            restored,
            run.evaluation,
            parts.test.open(reason),
            predictions_of_test=stored_predictions(run.path / files.PREDICTIONS),
            tolerances=run.config.evaluate.tolerances,
            resamples=run.config.evaluate.resamples,
            progress=progress,
        )
        return Judgement(evaluation=None, application=applied)
    if 0 in parts.test.class_counts():
        alone = apply(restored, run.evaluation, parts.test.open(reason), progress=progress)
        return Judgement(evaluation=None, application=alone)
    judged = judge(restored, run.config, reason=reason, progress=progress)
    both = apply(restored, run.evaluation, judged.test, scores=judged.scores, progress=progress)
    evaluation = judged_again(run.evaluation.leaderboard, judged, run.config)
    evaluation = evaluation.model_copy(update={"data": _with_simulated(evaluation, run)})
    return Judgement(evaluation=evaluation, application=both)


def _with_other_test(run: RunFolder, parts: Split, data: DataConfig, cache: Path, progress: Progress) -> Split:
    """The run's training and validation events beside other test events, audited by the run's own rules."""
    config = run.config
    # The run's features in the run's order, whatever else the files hold.
    needed = _needed(run, parts.train)
    # Spectators have no part in it; a sample from elsewhere may lack them.
    ours: dict[str, Any] = {"features": needed, "spectators": ()}
    alone = data.model_copy(update={**ours, "validation_files": (), "test_files": ()})
    elsewhere = config.model_copy(update={"data": alone})
    sample = load_sample(elsewhere, cache=cache, jobs=1, progress=progress, use="apply")
    report = audit_sample(sample, elsewhere)
    report = replace(report, findings=tuple(finding for finding in report.findings if finding.code not in _HARMLESS))
    report.accept({finding.key for finding in report.findings} & set(config.audit.accept)).require_clean()
    test, rows = usable(sample.events, elsewhere)
    # Validation events chose epochs and the best model: they are no test either. Folds are the training events again.
    seen = (parts.train, parts.validation) if parts.fold is None else (parts.train,)
    train, *watched = (with_channels(part, needed) if are_images(part) else part for part in seen)
    audit_files(train, validation=watched[0] if watched else None, test=test).require_clean()
    _require_unseen_beside(config, parts, test, cache=cache, progress=progress)
    names = ", ".join(path.name for path in data.files)
    if shared := parts.test.overlap(test):
        record(
            run.path, files.TEST_OPENED, f"hepsieve evaluate --data: {names} holds {shared} of the run's test events"
        )
    return replace(parts, test=SealedPart(test), test_rows=rows)


def _require_unseen_beside(config: TaskConfig, parts: Split, test: Events, *, cache: Path, progress: Progress) -> None:
    """Neither the simulated events that were learned from nor those of a run to start from are a test."""
    mixed = with_simulated(parts, config, cache=cache, jobs=1, progress=progress)
    if mixed.simulated is not None and len(mixed.simulated):
        audit_files(mixed.simulated, validation=None, test=test).require_clean()
    if all(path.exists() for path in runs_to_start_from(config)):
        judged = Sample(events=parts.train, validation=parts.validation, test=test)
        sealed = replace(parts, test=SealedPart(test))
        require_unseen_by_starts(config, judged, sealed, cache=cache, jobs=1, progress=progress)


def _needed(run: RunFolder, train: Events) -> tuple[str, ...]:
    """The run's features; of images the channels alone that a model of it looks at, as others may have no more."""
    if not are_images(train):
        return train.names
    used = {name for model in run.evaluation.models for name in load_schema(run.path / files.MODELS / model).features}
    return tuple(name for name in train.names if name in used)
