"""A Run to its Evaluation: the test part is opened once, every model is scored, arrays go to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import TaskConfig
from hepsieve.evaluate import choose_best, correlations, evaluate_model, feature_histograms, working_points
from hepsieve.evaluate.results import DataSummary, Evaluation, ModelEvaluation, Scored, WorkingPoint
from hepsieve.events import Events
from hepsieve.prepare import Split
from hepsieve.progress import Progress
from hepsieve.train.run import Fitted, Run


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """An evaluation, and the test events with the scores that it rests on."""

    evaluation: Evaluation
    test: Events
    scores: Mapping[str, NDArray[np.float64]]


def judge(run: Run, config: TaskConfig, *, reason: str, earlier_openings: int = 0, progress: Progress) -> Judged:
    """Open the test part and evaluate every model of a run on it.

    Args:
        run: parts and trained models.
        config: the task; its ``evaluate`` section says what is quoted.
        reason: why the test part is opened, for the record.
        earlier_openings: how often it was opened before this process.
        progress: shows one step per model.
    """
    test = run.parts.test.open(reason)
    models: dict[str, ModelEvaluation] = {}
    points: dict[str, tuple[WorkingPoint, ...]] = {}
    scores: dict[str, NDArray[np.float64]] = {}
    with progress.task("evaluating", len(run.models)) as advance:
        for name, fitted in run.models.items():
            scores[name] = fitted.scores(test)
            models[name], points[name] = judge_model(fitted, run, test, scores[name], config)
            advance(1, name)
    best, best_by = choose_best(models, config.evaluate.select)
    train = _shown_features(run)
    evaluation = Evaluation(
        task=config.task,
        classes=config.classes,
        data=_summary(run.parts, test),
        test_openings=earlier_openings + len(run.parts.test.openings),
        models=models,
        best=best,
        best_by=best_by,
        features=feature_histograms(train.features, train.target, train.weight, names=train.names, units=train.units),
        correlations=correlations(train.features, train.target, train.weight, classes=config.classes),
        working_points=points,
    )
    return Judged(evaluation=evaluation, test=test, scores=scores)


def judge_model(
    fitted: Fitted, run: Run, test: Events, scores: NDArray[np.float64], config: TaskConfig
) -> tuple[ModelEvaluation, tuple[WorkingPoint, ...]]:
    """The figures of one model, and its working points, from the scores of the opened test events."""
    trained, quoted = fitted.trained, config.evaluate
    train, validation = (_scored(events, fitted.scores(events)) for events in (run.parts.train, run.parts.validation))
    result = evaluate_model(
        train=train,
        validation=validation,
        test=_scored(test, scores),
        classes=config.classes,
        framework=trained.model.framework,
        kind=fitted.config.kind,
        parameters=trained.model.parameters,
        epochs=trained.history[-1].epoch if trained.history else 0,
        train_seconds=trained.seconds,
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
        signal_yield=quoted.signal_yield,
        background_yield=quoted.background_yield,
        resamples=quoted.resamples,
        rng_seed=run.seed,
    )
    points = working_points(
        validation=validation,
        test=_scored(test, scores),
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
        signal_yield=quoted.signal_yield,
        background_yield=quoted.background_yield,
    )
    # Training looks for dead models at its losses, evaluation at its scores.
    warnings = tuple(dict.fromkeys((*trained.warnings, *result.warnings)))
    return result.model_copy(update={"warnings": warnings}), points


def _scored(events: Events, scores: NDArray[np.float64]) -> Scored:
    return Scored(target=events.target.astype(np.float64), score=scores, weight=events.weight.astype(np.float64))


def _shown_features(run: Run) -> Events:
    """The training events with what the models see in place of missing values."""
    train = run.parts.train
    preparation = next(iter(run.models.values())).preparation
    if preparation.fill is None:
        return train
    units = tuple(train.units[train.names.index(name)] for name in preparation.features)
    return train.replace(features=preparation.filled(train), names=preparation.features, units=units)


def _summary(parts: Split, test: Events) -> DataSummary:
    origin, trained_on = test.origin, parts.train.origin
    counted = {"train": parts.train, "validation": parts.validation, "test": test}
    signal = {name: int((events.target > 0.5).sum()) for name, events in counted.items()}
    return DataSummary(
        origin=origin.kind,
        fingerprint=origin.fingerprint,
        sources=origin.sources,
        details=dict(origin.details),
        train_fingerprint=trained_on.fingerprint,
        trained_on=f"{trained_on.kind}: {', '.join(trained_on.sources)}",
        n_train=len(parts.train),
        n_validation=len(parts.validation),
        n_test=len(test),
        n_signal=signal,
        n_background={name: len(events) - signal[name] for name, events in counted.items()},
    )
