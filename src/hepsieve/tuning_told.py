"""A study and the evaluation of its winner to what is told of the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hepsieve.evaluate.evaluation import AnyEvaluation, AnyModel
from hepsieve.evaluate.optimism import optimism
from hepsieve.evaluate.quantity import Quantity
from hepsieve.evaluate.results import ModelEvaluation
from hepsieve.evaluate.tuning import TriedPoint, Tuning
from hepsieve.tune.space import Space
from hepsieve.tune.trial_values import Study, Tried


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """All that is known of a search before the test part is opened.

    Attributes:
        study: its trials.
        space: what was searched, and how.
        folds: how many folds judged each trial; None where the validation part did.
        importance: of each of them, as far as it is known.
        untuned: the model with the task's own settings.
        tuned: the winner.
        notes: what else is to be said of the search, a sentence each.
    """

    study: Study
    space: Space
    folds: int | None
    importance: Mapping[str, float]
    untuned: str
    tuned: str
    notes: tuple[str, ...] = ()

    def beside(self, evaluation: AnyEvaluation) -> AnyEvaluation:
        """The evaluation with what is told of the search, and with what the choice is worth."""
        best, judged = self.study.best, evaluation.models[self.tuned]
        assert best.figure is not None
        worth = optimism(
            best.figure,
            validation=judged.validation[self.space.metric],
            test=uncalibrated(judged, self.space.metric),
            metric=self.space.metric,
            trials=sum(trial.figure is not None for trial in self.study.trials),
            folds=self.folds,
        )
        tuning = Tuning(
            metric=self.space.metric,
            better=self.study.better,
            method=self.space.tune.method,
            folds=self.folds,
            at_once=self.space.tune.at_once,
            parameters=self.space.paths,
            trials=tuple(_told(trial, self.space) for trial in self.study.trials),
            best=best.number,
            importance=dict(self.importance),
            untuned=self.untuned,
            tuned=self.tuned,
            optimism=worth,
            notes=(*self.study.notes, *self.notes, *_of_calibration(judged, self.space.metric, self.tuned)),
        )
        return evaluation.model_copy(update={"tuning": tuning})


def uncalibrated(judged: AnyModel, metric: str) -> Quantity:
    """A figure on test of a model's own scores, as trials are compared by it.

    A temperature changes neither ranks nor on which side of 0.5 a score is. An isotonic map does: see the note.
    """
    if metric == "log_loss" and isinstance(judged, ModelEvaluation) and judged.calibration is not None:
        return judged.calibration.log_loss.before
    return judged.metrics[metric]


def _of_calibration(judged: AnyModel, metric: str, name: str) -> tuple[str, ...]:
    """That trials were compared before a calibration that other figures are of."""
    if not isinstance(judged, ModelEvaluation) or judged.calibration is None or not judged.calibration.applied:
        return ()
    if metric == "log_loss":
        return (
            f"Trials were compared by scores that are not calibrated, and what the choice is worth is of such scores "
            f"on test, too; the other figures of {name} are of calibrated ones.",
        )
    if judged.calibration.method == "isotonic":
        return (
            f"Trials were compared by scores that are not calibrated; the figure of {name} on test, beside which the "
            "chosen one stands, is of calibrated ones.",
        )
    return ()


def _told(tried: Tried, space: Space) -> TriedPoint:
    return TriedPoint(
        number=tried.number,
        settings=space.shown(tried.point),
        state=tried.state,
        figure=tried.figure,
        rungs={f"{share:.4g}": figure for share, figure in tried.rungs},
        seconds=tried.seconds,
        epochs=tried.epochs,
        error=tried.error,
    )
