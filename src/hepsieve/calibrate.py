"""Trained models to models whose scores are calibrated on validation events; the test part stays sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from hepsieve.evaluate.calibration import calibrate, cross_fitted
from hepsieve.evaluate.held_out_figures import held_out_figures
from hepsieve.evaluate.reliability import calibration_result
from hepsieve.evaluate.results import ModelEvaluation, Scored
from hepsieve.evaluate_config import CalibrateOption
from hepsieve.events import Events
from hepsieve.models.config import Network
from hepsieve.models.ensemble_config import EnsembleConfig
from hepsieve.prepare import Split
from hepsieve.progress import Progress
from hepsieve.score_map import ScoreCalibration
from hepsieve.train.run import Fitted, Run

Scores = NDArray[np.float64]
NOT_ASKED = ScoreCalibration(
    method="none", applied=False, why="The model was trained without a word on calibration; its scores are its own."
)


def calibrated(run: Run, option: CalibrateOption, *, progress: Progress) -> Run:
    """The run with the calibration of each model; those of a regression have none.

    Fitted on the scores of the validation events (where events were cross-validated: on each event's score by a
    training that did not see it), never on test.

    Args:
        run: the trained models.
        option: ``auto`` calibrates networks by a temperature, where it helps significantly; ``temperature`` and
            ``isotonic`` calibrate every model, ``none`` no model.
        progress: shows one step per model.
    """
    if run.parts.train.kind == "regression":
        return run
    models = {}
    with progress.task("calibrating", len(run.models)) as advance:
        for name, fitted in run.models.items():
            decided, held_out = _decided(fitted, run.parts, option, run.seed)
            models[name] = replace(fitted, calibration=decided, held_out=held_out)
            advance(1, name)
    return replace(run, models=models)


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelScores:
    """One model's scores before and after its calibration, each of shape (n,).

    Attributes:
        test: its own scores of the test events.
        held_out: its own scores of the validation events, each by a training that did not learn from it.
        cross_fitted: the latter calibrated, each by a calibration that was fitted on other events; the same without.
    """

    test: Scores
    held_out: Scores
    cross_fitted: Scores


def scores_of(fitted: Fitted, run: Run, test: Events) -> ModelScores:
    """A model's own scores of opened test events and of validation events."""
    raw = fitted.uncalibrated
    held_out = fitted.held_out
    if held_out is None:
        held_out = raw.held_out_scores(run.parts.validation, run.parts.fold)
    fair = None
    if (kind := _applied(fitted)) is not None:
        fair = cross_fitted(_scored(run.parts.validation, held_out), kind, seed=run.seed)
    return ModelScores(
        test=raw.scores(test),
        held_out=held_out,
        cross_fitted=fair if fair is not None else fitted.calibrated(held_out),
    )


def with_calibration(
    result: ModelEvaluation, fitted: Fitted, run: Run, test: Events, scores: ModelScores, *, resamples: int
) -> ModelEvaluation:
    """The evaluation of a model with what is quoted about its calibration.

    Of a calibrated model the validation figures, which the best model is chosen by, are those of cross-fitted scores:
    the calibration was fitted on the very events, and would flatter itself. The AUC is that of the model's own scores.

    Args:
        result: the evaluation of its calibrated scores.
        fitted: the model.
        run: its run.
        test: the opened test events.
        scores: of ``scores_of``.
        resamples: of the bootstrap.
    """
    calibration = calibration_result(
        fitted.calibration if fitted.calibration is not None else NOT_ASKED,
        raw=_scored(test, scores.test),
        quoted=result.metrics,
        resamples=resamples,
        seed=run.seed,
    )
    if _applied(fitted) is None:
        return result.model_copy(update={"calibration": calibration})
    validation = held_out_figures(
        _scored(run.parts.validation, scores.cross_fitted),
        own=_scored(run.parts.validation, scores.held_out),
        resamples=resamples,
        seed=SeedSequence([run.seed, 0xCA2]),
    )
    return result.model_copy(update={"calibration": calibration, "validation": {**result.validation, **validation}})


def _decided(
    fitted: Fitted, parts: Split, option: CalibrateOption, seed: int
) -> tuple[ScoreCalibration, Scores | None]:
    """The calibration, and the scores that it was fitted on, if it was."""
    why = None
    if option == "none":
        why = "evaluate.calibrate is none; the scores are the model's own."
    elif option == "auto" and not isinstance(fitted.config, Network | EnsembleConfig):
        why = "evaluate.calibrate: auto calibrates networks only; the scores are the model's own."
    if why is not None:
        return ScoreCalibration(method="none", applied=False, why=why), None
    held_out = fitted.uncalibrated.held_out_scores(parts.validation, parts.fold)
    decided = calibrate(
        _scored(parts.validation, held_out),
        "isotonic" if option == "isotonic" else "temperature",
        only_if_it_helps=option == "auto",
        seed=seed,
        events="validation events" if parts.fold is None else "out-of-fold scores",
    )
    return decided, held_out


def _applied(fitted: Fitted) -> Literal["temperature", "isotonic"] | None:
    found = fitted.calibration
    return None if found is None or found.map is None else found.map.kind


def _scored(events: Events, scores: Scores) -> Scored:
    return Scored(target=events.target.astype(np.float64), score=scores, weight=events.weight.astype(np.float64))
