"""A Run to its Evaluation: the test part is opened once, every model is scored, arrays go to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.calibrate import scores_of, with_calibration
from hepsieve.config import TaskConfig
from hepsieve.evaluate import (
    Cut,
    choose_best,
    compare_to_best,
    correlations,
    counted,
    evaluate_model,
    feature_histograms,
    image_summary,
    out_of_fold,
    require_reachable,
    selection,
    working_points,
)
from hepsieve.evaluate.image_results import ImageSummary
from hepsieve.evaluate.physics_results import Physics
from hepsieve.evaluate.results import (
    DataSummary,
    Evaluation,
    ModelEvaluation,
    OutOfFold,
    Scored,
    WorkingPoint,
)
from hepsieve.evaluate.selection_results import Selection
from hepsieve.evaluate.weight_results import WeightSummary
from hepsieve.evaluate.weights import weight_summary
from hepsieve.events import Events, IntArray
from hepsieve.learned_beside import learned_beside
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.pictured import pictured_waveforms
from hepsieve.prepare import AnyPreparation, ImagePreparation, ShapePreparation, Split, WaveformPreparation
from hepsieve.progress import Progress
from hepsieve.shapes import as_table
from hepsieve.shower_shapes import are_images
from hepsieve.sliced import sliced
from hepsieve.train.run import Fitted, Run
from hepsieve.yields import expectation

# The figures on train are no results but a check, and a picture has no room for more: drawn by chance, so many events
# tell both as well as all, in a fraction of the time.
MOST_JUDGED = 500_000
MOST_SHOWN = 1_000_000
MOST_IMAGES_SHOWN = 50_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """An evaluation, and the scores that it rests on: of the test events, and of the validation events held out."""

    evaluation: Evaluation
    test: Events
    scores: Mapping[str, NDArray[np.float64]]
    held_out: Mapping[str, NDArray[np.float64]]


def judge(run: Run, config: TaskConfig, *, reason: str, earlier_openings: int = 0, progress: Progress) -> Judged:
    """Open the test part and evaluate every model of a run on it.

    The figures on train (overtraining, score distributions) come from at most 500,000 training events, the pictures of
    the features from at most 1,000,000 (50,000 of images); of more, so many are drawn at random with the run's seed.

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
    physics: dict[str, Physics] = {}
    scores: dict[str, NDArray[np.float64]] = {}
    held_out: dict[str, NDArray[np.float64]] = {}
    chosen_on: dict[str, NDArray[np.float64]] = {}
    learned = some_rows(len(run.parts.train), MOST_JUDGED, run.seed)
    train = run.parts.train if learned is None else run.parts.train[learned]
    fold = run.parts.fold if run.parts.fold is None or learned is None else run.parts.fold[learned]
    with progress.task("evaluating", len(run.models)) as advance:
        for name, fitted in run.models.items():
            own = scores_of(fitted, run, test)
            scores[name], held_out[name] = fitted.calibrated(own.test), fitted.calibrated(own.held_out)
            seen = _scored(train, fitted.training_scores(train, fold))
            result, points[name], known = judge_model(fitted, run, seen, held_out[name], test, scores[name], config)
            physics |= {} if known is None else {name: known}
            models[name] = with_calibration(result, fitted, run, test, own, resamples=config.evaluate.resamples)
            chosen_on[name] = own.held_out if config.selects_by == "auc" else own.cross_fitted
            advance(1, name)
    best, best_by = choose_best(models, config.selects_by)
    shown = _shown_features(run)
    evaluation = Evaluation(
        task=config.task,
        classes=config.classes,
        data=part_summary(run.parts, test, judged=len(train), shown=len(shown), beside=learned_beside(run, config)),
        test_openings=earlier_openings + len(run.parts.test.openings),
        models=models,
        best=best,
        best_by=best_by,
        features=feature_histograms(shown.features, shown.target, shown.weight, names=shown.names, units=shown.units),
        correlations=correlations(shown.features, shown.target, shown.weight, classes=config.classes),
        working_points=points,
        physics=physics,
        comparisons=compare_to_best(_all_scored(test, scores), best),
        selection=_selection(run, models, chosen_on, config),
        slices=sliced(run.parts.train, test, scores, config, restricted=_train_on(run), points=points, best=best),
        weights=weighed(run.parts, test, config),
        images=pictured(run.parts.train, classes=config.classes, seed=run.seed),
        waveforms=pictured_waveforms(run.parts.train, config, preparations=preparations_of(run), seed=run.seed),
    )
    return Judged(evaluation=evaluation, test=test, scores=scores, held_out=held_out)


def judge_model(
    fitted: Fitted,
    run: Run,
    train: Scored,
    held_out: NDArray[np.float64],
    test: Events,
    scores: NDArray[np.float64],
    config: TaskConfig,
) -> tuple[ModelEvaluation, tuple[WorkingPoint, ...], Physics | None]:
    """The figures of one model, its working points and what it lets expect at the task's yields, if there are any.

    All come from its scores of train, validation and opened test events.
    """
    parts, quoted = run.parts, config.evaluate
    validation = _scored(parts.validation, held_out)
    expected = expectation(parts, test, config)
    cut = None if expected is None else expected.cut(validation)
    significance_cut = None if cut is None else cut.threshold.value
    result = evaluate_model(
        train=train,
        validation=validation,
        test=_scored(test, scores),
        classes=config.classes,
        framework=fitted.framework,
        kind=fitted.config.kind,
        parameters=fitted.parameters,
        epochs=fitted.epochs,
        train_seconds=fitted.seconds,
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
        signal_yield=None if expected is None else expected.yields.signal.events,
        background_yield=None if expected is None else expected.yields.background.events,
        significance_cut=significance_cut,
        resamples=quoted.resamples,
        rng_seed=run.seed,
    )
    points = working_points(
        validation=validation,
        test=_scored(test, scores),
        cuts=named_cuts(config),
        set_on="validation" if parts.fold is None else "out-of-fold",
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
        significance_cut=significance_cut,
    )
    # Training looks for dead models at its losses, evaluation at its scores.
    warnings = tuple(dict.fromkeys((*fitted.warnings, *result.warnings)))
    everything = _all_events(run, validation, _scored(test, scores), test, config)
    told = {
        "warnings": warnings,
        "out_of_fold": everything,
        "inputs": seen_inputs(fitted.members[0].preparation),
        "counts": counted(validation=validation, test=_scored(test, scores), points=points),
    }
    if expected is None or cut is None:
        return result.model_copy(update=told), points, None
    return result.model_copy(update=told), points, expected.physics(validation, _scored(test, scores), cut)


def seen_inputs(preparation: AnyPreparation) -> str:
    """What a model sees of images or waveforms, in words; empty for tables."""
    channels = ", ".join(preparation.features)
    match preparation:
        case ImagePreparation():
            # One more channel may only say where there is energy.
            return f"pixels: {', '.join(preparation.features[: preparation.channels])}"
        case WaveformPreparation():
            return f"{preparation.samples} samples: {channels}"
        case ShapePreparation():
            kind = "pulse" if len(preparation.size) == 1 else "shower"
            return f"{preparation.shape[0]} {kind} shapes: {channels}"
        case _:
            return ""


def _selection(
    run: Run, models: Mapping[str, ModelEvaluation], held_out: Mapping[str, NDArray[np.float64]], config: TaskConfig
) -> Selection | None:
    """What choosing the best model gives by itself, on the scores that chose it."""
    parts, by = run.parts, config.selects_by
    return selection(
        _all_scored(parts.validation, held_out),
        {name: model.validation[by].value for name, model in models.items()},
        by=by,
        on="validation" if parts.fold is None else "out-of-fold",
        seed=run.seed,
    )


def named_cuts(config: TaskConfig) -> dict[str, Cut]:
    """The working points that the task asks for, by name."""
    return {name: Cut(**cut.model_dump()) for name, cut in config.evaluate.working_points.items()}


def require_reachable_cuts(parts: Split, config: TaskConfig) -> None:
    """Refuse working points that the events can't tell, counted where they are set and where they are measured.

    Raises:
        ConfigError: naming the first such point, and what the events allow.
    """
    name = "validation" if parts.fold is None else "training"
    set_on = int((parts.validation.target > 0.5).sum())
    background, signal = parts.test.class_counts()
    require_reachable(
        named_cuts(config),
        n_signal={name: set_on, "test": signal},
        n_background={name: len(parts.validation) - set_on, "test": background},
    )


def pictured(events: Events, *, classes: tuple[str, str], seed: int) -> ImageSummary | None:
    """What images look like: means over each class and some examples, which the seed chooses; None for tables."""
    if not are_images(events):
        return None
    arrays = (events.features, events.target, events.weight)
    return image_summary(*arrays, names=events.names, units=events.units, classes=classes, seed=seed)


def _all_events(run: Run, held_out: Scored, judged: Scored, test: Events, config: TaskConfig) -> OutOfFold | None:
    """Figures over training and test events; None unless both are parts of one cross-validated sample."""
    parts, quoted = run.parts, config.evaluate
    if parts.fold is None or test.origin.fingerprint != parts.train.origin.fingerprint:
        return None
    both = Scored(
        target=np.concatenate([held_out.target, judged.target]),
        score=np.concatenate([held_out.score, judged.score]),
        weight=np.concatenate([held_out.weight, judged.weight]),
    )
    return out_of_fold(
        both,
        signal_efficiencies=quoted.signal_efficiencies,
        background_efficiencies=quoted.background_efficiencies,
        resamples=quoted.resamples,
        seed=run.seed,
    )


def _scored(events: Events, scores: NDArray[np.float64]) -> Scored:
    return Scored(target=events.target.astype(np.float64), score=scores, weight=events.weight.astype(np.float64))


def _all_scored(events: Events, scores: Mapping[str, NDArray[np.float64]]) -> dict[str, Scored]:
    """The same events with the scores of each model; truth and weights are held once."""
    target, weight = events.target.astype(np.float64), events.weight.astype(np.float64)
    return {name: Scored(target=target, score=score, weight=weight) for name, score in scores.items()}


def some_rows(n: int, most: int, seed: int) -> IntArray | None:
    """So many of the rows by chance, in their order; None where all are taken."""
    if n <= most:
        return None
    return np.sort(np.random.default_rng(seed).choice(n, size=most, replace=False))


def _train_on(run: Run) -> dict[str, Mapping[str, tuple[float, ...]]]:
    """By model, the columns of which it learned from some values only, and these."""
    return {
        name: {} if isinstance(fitted.config, EnsembleConfig) else fitted.config.train_on
        for name, fitted in run.models.items()
    }


def preparations_of(run: Run) -> tuple[AnyPreparation, ...]:
    """The preparation of each model's first training."""
    return tuple(fitted.members[0].preparation for fitted in run.models.values())


def _shown_features(run: Run) -> Events:
    """The training events (some of very many) with what the models see in place of missing values.

    A pixel or a sample says little by itself, so images and waveforms are shown by their shapes, for which a missing
    value is no energy or light.
    """
    large = run.parts.train.features.ndim > 2
    rows = some_rows(len(run.parts.train), MOST_IMAGES_SHOWN if large else MOST_SHOWN, run.seed)
    train = run.parts.train if rows is None else run.parts.train[rows]
    if large:
        return as_table(train)
    # Models may go without some features; the one with most of them has the values for most.
    preparation = max(preparations_of(run), key=lambda one: len(one.features))
    if preparation.fill is None:
        return train
    units = tuple(train.units[train.names.index(name)] for name in preparation.features)
    return train.replace(features=preparation.filled(train), names=preparation.features, units=units)


def weighed(parts: Split, test: Events, config: TaskConfig) -> WeightSummary | None:
    """What event weights do to the size of each part; None where all are 1.

    Args:
        parts: the divided events.
        test: the opened test events, which may come from elsewhere.
        config: the task; its classes, and its policy for negative weights.
    """
    # Cross-validated, the training and the validation events are the same ones.
    held_out = {} if parts.fold is not None else {"validation": parts.validation}
    given = {"train": parts.train, **held_out, "test": test}
    return weight_summary(
        {name: (events.target, events.weight) for name, events in given.items()},
        classes=config.classes if parts.train.kind != "regression" else (),
        policy=config.train.negative_weights,
    )


def part_summary(parts: Split, test: Events, *, judged: int, shown: int, beside: Mapping[str, Any]) -> DataSummary:
    """Which events the figures rest on; a regression has no classes to count.

    Args:
        parts: the divided events.
        test: the opened test events, which may come from elsewhere.
        judged: of how many training events the figures on train are.
        shown: of how many training events the pictures of the features are.
        beside: what else was learned from, by the fields of the summary.
    """
    origin, trained_on = test.origin, parts.train.origin
    counted = {"train": parts.train, "validation": parts.validation, "test": test}
    if parts.train.kind == "regression":
        counted = {}
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
        folds=parts.folds,
        n_train_judged=judged if judged < len(parts.train) else None,
        n_train_shown=shown if shown < len(parts.train) else None,
        n_signal=signal,
        n_background={name: len(events) - signal[name] for name, events in counted.items()},
        **beside,
    )
