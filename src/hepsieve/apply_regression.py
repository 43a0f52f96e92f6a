"""A finished regression on other events: what it predicts for them, and whether that tells them from the run's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.random import SeedSequence

from hepsieve.apply import feature_drift, remarks_on
from hepsieve.errors import DataError, IntegrityError
from hepsieve.evaluate.regression_application import (
    RegressionApplication,
    Truth,
    applied_figures,
    applied_model,
)
from hepsieve.evaluate.regression_results import Predicted, RegressionEvaluation
from hepsieve.evaluate.residuals import require_predictions
from hepsieve.evaluate.told_apart import ToldApart, tell_apart
from hepsieve.events import Events
from hepsieve.judge_regression import held_out_predictions, predicted
from hepsieve.progress import Progress
from hepsieve.train.run import Fitted, Run


def apply_regression(
    run: Run,
    evaluation: RegressionEvaluation,
    events: Events,
    *,
    predictions_of_test: Mapping[str, Predicted],
    tolerances: Sequence[float] = (0.1,),
    resamples: int = 1000,
    progress: Progress,
) -> RegressionApplication:
    """Predict other events with a finished run; nothing is learned, and the test part stays closed.

    Where the targets of the other events are known, the run's figures are quoted for them. Where they are unknown
    (NaN) or all 0, as for single pulses, the cut on the prediction is quoted that tells them from the run's own test
    events, whose predictions were stored when the run was judged. These measure the cut only; it is set on validation
    events, where it is not set on the other events alone.

    Args:
        run: the trained models; ``run.parts.train`` is what the features are compared with, ``run.parts.validation``
            sets cuts.
        evaluation: the run's stored evaluation, with its prediction intervals.
        events: the other events, with the run's features.
        predictions_of_test: by model, what was stored for the run's own test events; see ``stored_predictions``.
        tolerances: at which ``tolerance_accuracy`` is quoted.
        resamples: bootstrap resamples behind the intervals.
        progress: shows one step per model.

    Raises:
        DataError: if there are no events, some have a target and some have none, or a model has no stored predictions.
    """
    truth = _truth(events)
    models = {}
    with progress.task("applying", len(run.models)) as advance:
        for name, fitted in run.models.items():
            own = _stored(predictions_of_test, name)
            others = predicted(events, fitted.scores(events), fitted.widths(events))
            # A target that nobody knows is none to be refused, and none to be looked at.
            require_predictions({"other": replace(others, target=np.nan_to_num(others.target)), "test": own})
            told = None if truth == "known" else _told_apart(run, fitted, evaluation, others=others, own=own)
            seeds = SeedSequence(run.seed).spawn(2)
            models[name] = applied_model(
                others,
                own,
                told_apart=told,
                figures=None
                if truth == "unknown"
                else applied_figures(
                    others,
                    target=evaluation.target,
                    intervals=evaluation.models[name].intervals,
                    tolerances=tolerances,
                    resamples=resamples,
                    seed=seeds[0],
                ),
                resamples=resamples,
                seed=seeds[1],
            )
            advance(1, name)
    return RegressionApplication(
        task=evaluation.task,
        target=evaluation.target,
        origin=events.origin.kind,
        sources=events.origin.sources,
        fingerprint=events.origin.fingerprint,
        n=len(events),
        n_own=len(_stored(predictions_of_test, evaluation.best).prediction),
        truth=truth,
        best=evaluation.best,
        models=models,
        drift=feature_drift(run, events),
        notes=_notes(truth),
        remarks=remarks_on(events),
    )


def _told_apart(
    run: Run, fitted: Fitted, evaluation: RegressionEvaluation, *, others: Predicted, own: Predicted
) -> ToldApart:
    validation = held_out_predictions(fitted, run.parts)
    require_predictions({"validation": validation})
    return tell_apart(others, own, validation=validation, target=evaluation.target, seed=run.seed)


def stored_predictions(path: Path) -> dict[str, Predicted]:
    """What a run's ``predictions.parquet`` holds, by model; looking at it opens no test part.

    The columns are ``target``, ``weight``, ``score_<model>`` and, of models that predict widths, ``width_<model>``.

    Raises:
        IntegrityError: if the file can't be read.
    """
    try:
        table = pa.parquet.read_table(path)
        columns = {name: np.asarray(table[name], dtype=np.float64) for name in table.column_names if _kept(name)}
        target, weight = columns["target"], columns["weight"]
    except (OSError, pa.ArrowException, KeyError, ValueError):
        raise IntegrityError(f"{path}: can't be read; run the task again") from None
    return {
        name.removeprefix("score_"): Predicted(
            target=target,
            prediction=values,
            weight=weight,
            width=columns.get(f"width_{name.removeprefix('score_')}"),
        )
        for name, values in columns.items()
        if name.startswith("score_")
    }


def _kept(column: str) -> bool:
    return column in ("target", "weight") or column.startswith(("score_", "width_"))


def _stored(predictions: Mapping[str, Predicted], name: str) -> Predicted:
    if name not in predictions:
        known = ", ".join(predictions) or "none"
        raise DataError(f"no stored predictions of {name} for the run's test events; there are {known}")
    return predictions[name]


def _truth(events: Events) -> Truth:
    """What is known about the targets.

    Raises:
        DataError: if some events have one and some have none.
    """
    if not len(events):
        raise DataError("no events to apply the run to")
    known = np.isfinite(events.target)
    if not known.any():
        return "unknown"
    if not known.all():
        row = int(np.argmin(known))
        raise DataError(
            f"event {row + 1} has no target, and {int(known.sum())} others have one: give targets for all, or for none"
        )
    return "known" if (events.target != 0).any() else "zero"


def _notes(truth: Truth) -> tuple[str, ...]:
    if truth == "known":
        return ()
    without = "have no targets" if truth == "unknown" else "have targets of 0 only"
    return (
        f"The events {without}. The cuts mean something only if they lack what the run's events have, as single pulses "
        "lack a second one; of events whose target is merely unknown take the predictions alone.",
        "The balanced cut was set on the run's validation events and one half of these, other cuts on that half alone; "
        "the other half measures them.",
        "What is said about the run's own test events comes from its stored predictions, which set no cut: the test "
        "part was not opened.",
    )
