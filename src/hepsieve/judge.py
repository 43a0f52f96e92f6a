"""A Run to its Evaluation: the test part is opened once, every model is scored, arrays go to evaluate."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import TaskConfig
from hepsieve.errors import ConfigError
from hepsieve.evaluate import (
    Cut,
    bin_edges,
    binned_slices,
    choose_best,
    compare_to_best,
    correlations,
    evaluate_model,
    feature_histograms,
    image_summary,
    out_of_fold,
    require_few,
    require_reachable,
    slices,
    working_points,
)
from hepsieve.evaluate.image_results import ImageSummary
from hepsieve.evaluate.results import (
    DataSummary,
    Evaluation,
    ModelEvaluation,
    OutOfFold,
    Scored,
    Slices,
    WorkingPoint,
)
from hepsieve.evaluate.slices import MOST_VALUES, distinct
from hepsieve.events import Events, IntArray
from hepsieve.prepare import AnyPreparation, ImagePreparation, ShapePreparation, Split
from hepsieve.progress import Progress
from hepsieve.shower_shapes import ENERGY_SHAPES, TIME_SHAPES, are_images, as_table, quantities, quantity, quantity_unit
from hepsieve.train.run import Fitted, Run

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
    scores: dict[str, NDArray[np.float64]] = {}
    held_out: dict[str, NDArray[np.float64]] = {}
    learned = _some_rows(len(run.parts.train), MOST_JUDGED, run.seed)
    train = run.parts.train if learned is None else run.parts.train[learned]
    fold = run.parts.fold if run.parts.fold is None or learned is None else run.parts.fold[learned]
    with progress.task("evaluating", len(run.models)) as advance:
        for name, fitted in run.models.items():
            scores[name] = fitted.scores(test)
            held_out[name] = fitted.held_out_scores(run.parts.validation, run.parts.fold)
            seen = _scored(train, fitted.training_scores(train, fold))
            models[name], points[name] = judge_model(fitted, run, seen, held_out[name], test, scores[name], config)
            advance(1, name)
    best, best_by = choose_best(models, config.evaluate.select)
    shown = _shown_features(run)
    evaluation = Evaluation(
        task=config.task,
        classes=config.classes,
        data=_summary(run.parts, test, judged=len(train), shown=len(shown)),
        test_openings=earlier_openings + len(run.parts.test.openings),
        models=models,
        best=best,
        best_by=best_by,
        features=feature_histograms(shown.features, shown.target, shown.weight, names=shown.names, units=shown.units),
        correlations=correlations(shown.features, shown.target, shown.weight, classes=config.classes),
        working_points=points,
        comparisons=compare_to_best(_all_scored(test, scores), best),
        slices=_slices(run, test, scores, config),
        images=pictured(run.parts.train, classes=config.classes, seed=run.seed),
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
) -> tuple[ModelEvaluation, tuple[WorkingPoint, ...]]:
    """The figures of one model, and its working points, from its scores of train, validation and opened test events."""
    parts, quoted = run.parts, config.evaluate
    validation = _scored(parts.validation, held_out)
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
        signal_yield=quoted.signal_yield,
        background_yield=quoted.background_yield,
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
        signal_yield=quoted.signal_yield,
        background_yield=quoted.background_yield,
    )
    # Training looks for dead models at its losses, evaluation at its scores.
    warnings = tuple(dict.fromkeys((*fitted.warnings, *result.warnings)))
    everything = _all_events(run, validation, _scored(test, scores), test, config)
    told = {"warnings": warnings, "out_of_fold": everything, "inputs": _inputs(fitted.members[0].preparation)}
    return result.model_copy(update=told), points


def _inputs(preparation: AnyPreparation) -> str:
    """What a model sees of images, in words; empty for tables."""
    channels = ", ".join(preparation.features)
    match preparation:
        case ImagePreparation():
            # One more channel may only say where there is energy.
            return f"pixels: {', '.join(preparation.features[: preparation.channels])}"
        case ShapePreparation():
            return f"{preparation.shape[0]} shower shapes: {channels}"
        case _:
            return ""


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


def require_slices(parts: Split, config: TaskConfig) -> None:
    """Refuse a column to slice by that is not there, or has too many values; the test part stays sealed.

    Raises:
        ConfigError: naming the column, and what the data have.
    """
    name, train = config.evaluate.slice_by, parts.train
    if name is None:
        return
    known = quantities(train)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "name it in data.spectators to carry it along"
        if name in (*ENERGY_SHAPES, *TIME_SHAPES) and are_images(train):
            hint = "shower shapes are measured in the channels that data.features leaves; set evaluate.slice_by=null"
        if name in train.names and are_images(train):
            hint = "a channel has a value for every pixel; take a measure of the whole image"
        raise ConfigError(f"evaluate.slice_by: no column {name!r} among {', '.join(known) or 'none'}; {hint}")
    if config.evaluate.slice_bins is None:
        require_few(quantity(train, name), name)


def _slices(run: Run, test: Events, scores: Mapping[str, NDArray[np.float64]], config: TaskConfig) -> Slices | None:
    """The test part by a column; None where it was not asked for, or other data come without it."""
    column = config.evaluate.slice_by
    if column is None or column not in quantities(test):
        return None
    restricted = {name: fitted.config.train_on for name, fitted in run.models.items()}
    trained_on = {name: columns[column] for name, columns in restricted.items() if column in columns}
    values, learned = quantity(test, column), quantity(run.parts.train, column)
    target, weight = test.target.astype(np.float64), test.weight.astype(np.float64)
    unit, bins, few = quantity_unit(test, column), config.evaluate.slice_bins, distinct(learned)
    if bins is not None and len(few) > MOST_VALUES:
        # Bins that were cut on test events would depend on what they are to judge.
        edges = bin_edges(learned, bins)
        return binned_slices(
            values, target, weight, scores, edges=edges, column=column, unit=unit, trained_on=trained_on
        )
    at = distinct(values)
    if len(at) > MOST_VALUES:  # too late to refuse them: the test part is open
        at = few
    return slices(values, target, weight, scores, at=at, column=column, unit=unit, trained_on=trained_on)


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


def _some_rows(n: int, most: int, seed: int) -> IntArray | None:
    """So many of the rows by chance, in their order; None where all are taken."""
    if n <= most:
        return None
    return np.sort(np.random.default_rng(seed).choice(n, size=most, replace=False))


def _shown_features(run: Run) -> Events:
    """The training events (some of very many) with what the models see in place of missing values.

    A pixel says little by itself, so images are shown by their shower shapes, for which a missing value is no energy.
    """
    images = are_images(run.parts.train)
    rows = _some_rows(len(run.parts.train), MOST_IMAGES_SHOWN if images else MOST_SHOWN, run.seed)
    train = run.parts.train if rows is None else run.parts.train[rows]
    if images:
        return as_table(train)
    # Models may go without some features; the one with most of them has the values for most.
    preparation = max((fitted.members[0].preparation for fitted in run.models.values()), key=lambda p: len(p.features))
    if preparation.fill is None:
        return train
    units = tuple(train.units[train.names.index(name)] for name in preparation.features)
    return train.replace(features=preparation.filled(train), names=preparation.features, units=units)


def _summary(parts: Split, test: Events, *, judged: int, shown: int) -> DataSummary:
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
        folds=parts.folds,
        n_train_judged=judged if judged < len(parts.train) else None,
        n_train_shown=shown if shown < len(parts.train) else None,
        n_signal=signal,
        n_background={name: len(events) - signal[name] for name, events in counted.items()},
    )
