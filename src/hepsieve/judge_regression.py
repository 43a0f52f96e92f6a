"""A Run of a regression to its RegressionEvaluation: the test part is opened once, arrays go to evaluate."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepsieve.config import TaskConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.evaluate.choose import choose_best
from hepsieve.evaluate.compare_regressions import compare_regressions
from hepsieve.evaluate.histograms import share_histogram
from hepsieve.evaluate.profiles import ProfileColumn, profile_edges
from hepsieve.evaluate.regression import evaluate_regression
from hepsieve.evaluate.regression_results import Predicted, RegressionEvaluation, RegressionModel, TargetDescription
from hepsieve.evaluate.selection import regression_selection
from hepsieve.events import Events
from hepsieve.judge import MOST_JUDGED, part_summary, preparations_of, seen_inputs, some_rows, weighed
from hepsieve.learned_beside import learned_beside
from hepsieve.pictured import pictured_waveforms
from hepsieve.prepare import Split
from hepsieve.progress import Progress
from hepsieve.shapes import quantities, quantity, quantity_unit
from hepsieve.train.run import Fitted, Run

_NOTES = {
    "validation": "Prediction intervals are set on validation events, which also chose the epochs and the best model; "
    "what they cover is measured on test events, which had no part in anything.",
    "out-of-fold": "Prediction intervals are set on single trainings' predictions for events that they did not see; "
    "test events are predicted by the mean of all trainings, a little more sharply.",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedRegression:
    """An evaluation, and what it rests on.

    Attributes:
        evaluation: all figures.
        test: the opened test events.
        scores: by model, the predictions for the test events, as shares of the full scale, shape (n,).
        widths: by model that predicts them, their standard deviations.
        held_out: by model, the predictions for the validation events (of folds: for the training events, each by the
            training that had not seen it).
    """

    evaluation: RegressionEvaluation
    test: Events
    scores: Mapping[str, NDArray[np.float64]]
    widths: Mapping[str, NDArray[np.float64]]
    held_out: Mapping[str, NDArray[np.float64]]


def judge_regression(
    run: Run, config: TaskConfig, *, reason: str, earlier_openings: int = 0, progress: Progress
) -> JudgedRegression:
    """Open the test part and evaluate every model of a regression on it.

    The RMSE on train comes from at most 500,000 training events, of more drawn at random with the run's seed.

    Args:
        run: parts and trained models.
        config: the task; its ``evaluate`` section says what is quoted.
        reason: why the test part is opened, for the record.
        earlier_openings: how often it was opened before this process.
        progress: shows one step per model.

    Raises:
        DataError: naming the part and the event whose target or prediction is no number in [0, 1].
    """
    parts = run.parts
    test = parts.test.open(reason)
    learned = some_rows(len(parts.train), MOST_JUDGED, run.seed)
    train = parts.train if learned is None else parts.train[learned]
    fold = parts.fold if parts.fold is None or learned is None else parts.fold[learned]
    columns = _columns(parts.train, test, config)
    models: dict[str, RegressionModel] = {}
    tested: dict[str, Predicted] = {}
    held_out: dict[str, Predicted] = {}
    with progress.task("evaluating", len(run.models)) as advance:
        for name, fitted in run.models.items():
            tested[name] = predicted(test, fitted.scores(test), fitted.widths(test))
            held_out[name] = held_out_predictions(fitted, parts)
            seen = predicted(train, fitted.training_scores(train, fold))
            models[name] = _judge_model(fitted, run, seen, held_out[name], tested[name], columns, config)
            advance(1, name)
    best, best_by = choose_best(models, config.selects_by)
    evaluation = RegressionEvaluation(
        task=config.task,
        target=described_target(parts.train),
        data=part_summary(parts, test, judged=len(train), shown=len(parts.train), beside=learned_beside(run, config)),
        test_openings=earlier_openings + len(parts.test.openings),
        models=models,
        best=best,
        best_by=best_by,
        targets=share_histogram(_as_float(parts.train.target), _as_float(parts.train.weight)),
        comparisons=compare_regressions(tested, best, resamples=config.evaluate.resamples, seed=run.seed),
        selection=regression_selection(
            held_out,
            {name: model.validation[config.selects_by].value for name, model in models.items()},
            by=config.selects_by,
            on=_set_on(parts),
            seed=run.seed,
        ),
        weights=weighed(parts, test, config),
        waveforms=pictured_waveforms(parts.train, config, preparations=preparations_of(run), seed=run.seed),
        notes=(_NOTES[_set_on(parts)],) if config.evaluate.coverages else (),
    )
    return JudgedRegression(
        evaluation=evaluation,
        test=test,
        scores={name: one.prediction for name, one in tested.items()},
        widths={name: one.width for name, one in tested.items() if one.width is not None},
        held_out={name: one.prediction for name, one in held_out.items()},
    )


def _judge_model(
    fitted: Fitted,
    run: Run,
    train: Predicted,
    held_out: Predicted,
    test: Predicted,
    columns: tuple[ProfileColumn, ...],
    config: TaskConfig,
) -> RegressionModel:
    quoted = config.evaluate
    result = evaluate_regression(
        train=train,
        validation=held_out,
        test=test,
        target=described_target(run.parts.train),
        framework=fitted.framework,
        kind=fitted.config.kind,
        parameters=fitted.parameters,
        epochs=fitted.epochs,
        train_seconds=fitted.seconds,
        columns=columns,
        tolerances=quoted.tolerances,
        coverages=quoted.coverages,
        set_on=_set_on(run.parts),
        resamples=quoted.resamples,
        rng_seed=run.seed,
    )
    warnings = tuple(dict.fromkeys((*fitted.warnings, *result.warnings)))
    return result.model_copy(update={"warnings": warnings, "inputs": seen_inputs(fitted.members[0].preparation)})


def _set_on(parts: Split) -> Literal["validation", "out-of-fold"]:
    return "validation" if parts.fold is None else "out-of-fold"


def held_out_predictions(fitted: Fitted, parts: Split) -> Predicted:
    """The validation events, each predicted by a training that did not learn from it."""
    events, fold = parts.validation, parts.fold
    return predicted(events, fitted.held_out_scores(events, fold), fitted.held_out_widths(events, fold))


def predicted(events: Events, scores: NDArray[np.float64], widths: NDArray[np.float64] | None = None) -> Predicted:
    """Predictions (and their widths) beside the truth of these events."""
    return Predicted(target=_as_float(events.target), prediction=scores, weight=_as_float(events.weight), width=widths)


def described_target(events: Events) -> TargetDescription:
    """What the target of these events measures.

    Raises:
        DataError: if it is a class.
    """
    if events.scale is None:
        raise DataError(f"{events!r}: the target is a class, and no number to regress; set data.target")
    return TargetDescription(name=events.scale.name, unit=events.scale.unit, full=events.scale.full)


def require_profiles(parts: Split, config: TaskConfig) -> None:
    """Refuse columns to look along that are not there; the test part stays sealed.

    Raises:
        ConfigError: naming the column, and what the data have.
    """
    known = quantities(parts.train)
    for name in config.evaluate.profiles:
        if name not in known and name not in parts.train.origin.dropped:  # what files lack may be let go by a setting
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "name it in data.spectators to carry it along"
            raise ConfigError(f"evaluate.profiles: no column {name!r} among {', '.join(known) or 'none'}; {hint}")


def _columns(train: Events, test: Events, config: TaskConfig) -> tuple[ProfileColumn, ...]:
    """The columns to look along, in bins cut on training events; without those that other test events lack."""
    columns = []
    for name in config.evaluate.profiles:
        if name not in quantities(test) or name not in quantities(train):
            continue
        # Bins that were cut on test events would depend on what they are to judge.
        edges = profile_edges(quantity(train, name))
        if len(edges):
            values = _as_float(quantity(test, name))
            columns.append(ProfileColumn(name=name, values=values, edges=edges, unit=quantity_unit(test, name)))
    return tuple(columns)


def _as_float(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
