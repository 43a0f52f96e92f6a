"""What boosting in this process and on a cluster have in common: parameters, weights, records and the trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from hepsieve.errors import TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.models.trees import SQUARED, TreesPredictor
from hepsieve.train.dead import dead_model, dead_regression
from hepsieve.train.figures import Figures
from hepsieve.train.losses import within_tolerance
from hepsieve.train.objective import Kind, objective_of
from hepsieve.train.stopping import none_better
from hepsieve.train.trained import Part, Trained
from hepsieve.train.weighting import refuse_negative, weigh

TOLERANCE_ACCURACY = "tolerance_accuracy"
_OBJECTIVES: dict[Kind, dict[str, Any]] = {
    "classification": {"objective": "binary:logistic", "eval_metric": ["error", "logloss"]},
    "regression": {"objective": SQUARED, "eval_metric": ["rmse"]},
}
_WATCHED: dict[Kind, str] = {"classification": "logloss", "regression": "rmse"}


def weighed_parts(
    name: str, config: TreesConfig, train: Part, validation: Part, settings: TrainConfig
) -> tuple[Part, Part]:
    """Both parts with the weights that trees are trained and watched with.

    Raises:
        ConfigError: if the loss of the config is not one of trees.
        TrainingError: if weights are negative (xgboost refuses them) or otherwise can't be used.
    """
    objective_of(config, train.kind)
    train, validation = weigh(train, settings, name="train"), weigh(validation, settings, name="validation")
    for label, part in (("train", train), ("validation", validation)):
        refuse_negative(part, name=f"{name}: {label}", backend="xgboost")
    return train, validation


def parameters(config: TreesConfig, kind: Kind, *, seed: int) -> dict[str, Any]:
    """xgboost's, without the number of threads."""
    return {
        **_OBJECTIVES[kind],
        "tree_method": "hist",
        "device": "cpu",
        "seed": seed,
        "learning_rate": config.learning_rate,
        "max_depth": config.max_depth,
        "min_child_weight": config.min_child_weight,
        "subsample": config.subsample,
        "colsample_bytree": config.colsample,
        "reg_lambda": config.reg_lambda,
        "max_bin": config.max_bin,
    }


def early_stopping(config: TreesConfig, kind: Kind) -> xgboost.callback.EarlyStopping:
    """Ends a training whose watched figure on validation has not become better for so many rounds."""
    return xgboost.callback.EarlyStopping(rounds=config.patience, metric_name=_WATCHED[kind], data_name="validation")


def round_record(
    name: str,
    config: TreesConfig,
    kind: Kind,
    log: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    number: int,
    seconds: float,
    before: int = 0,
) -> EpochRecord:
    """The record of one round.

    Args:
        name: the model's.
        config: its configuration.
        kind: of the targets.
        log: xgboost's, by part and metric.
        number: of the round in the log, from 0.
        seconds: that it took.
        before: rounds that came before the log began.

    Raises:
        TrainingError: if the validation loss is no number.
    """
    train, validation = (_figures(kind, log[part], number) for part in ("train", "validation"))
    if not np.isfinite(validation.loss):
        raise TrainingError(f"{name}: round {before + number + 1}: the validation loss is no number; check the inputs")
    return EpochRecord.model_validate(
        {
            "model": name,
            "epoch": before + number + 1,
            "seconds": seconds,
            **train.named("train"),
            **validation.named("validation"),
            "learning_rate": config.learning_rate,
        }
    )


def boosted(
    booster: xgboost.Booster, history: Sequence[EpochRecord], validation: Part, *, began: float, before: int = 0
) -> Trained:
    """The trained model, cut after its best round.

    Args:
        booster: as early stopping left it.
        history: a record of each round.
        validation: as it was watched.
        began: when the training did, by ``perf_counter``.
        before: rounds of the trees that it began with.
    """
    best = int(booster.best_iteration) + 1
    said = none_better(best - before if before else None)
    model = TreesPredictor(booster=booster[:best])
    dead = (
        dead_model(model.margins(validation.inputs), validation)
        if validation.kind == "classification"
        else dead_regression(model.scores(validation.inputs), validation)
    )
    return Trained(
        model=model,
        history=tuple(history),
        best_epoch=best - before,
        seconds=perf_counter() - began,
        warnings=tuple(one for one in (dead, said) if one is not None),
    )


def figure_of(booster: xgboost.Booster, events: xgboost.DMatrix, kind: Kind) -> float:
    """What is watched of these trees: the log loss, in a regression the root mean squared error."""
    margins = booster.predict(events, output_margin=True).astype(np.float64)
    target, weight = events.get_label().astype(np.float64), events.get_weight().astype(np.float64)
    if kind == "classification":
        return float(np.average(np.logaddexp(0, margins) - target * margins, weights=weight))
    return float(np.sqrt(np.average((margins - target) ** 2, weights=weight)))


def tolerance_sums(predicted: NDArray[np.float32], events: xgboost.DMatrix) -> NDArray[np.float64]:
    """The weights of events whose prediction rounds to the same tenth as the truth, and of all, summed; shape (2,)."""
    scores, target = np.clip(predicted, 0, 1).astype(np.float64), events.get_label().astype(np.float64)
    weight = events.get_weight().astype(np.float64)
    return np.array([np.sum(weight * within_tolerance(scores, target, np)), np.sum(weight)])


def _figures(kind: Kind, log: Mapping[str, Sequence[float]], number: int) -> Figures:
    if kind == "classification":
        return Figures(loss=log["logloss"][number], accuracy=1 - log["error"][number])
    rmse = log["rmse"][number]
    return Figures(loss=rmse**2, rmse=rmse, tolerance_accuracy=log[TOLERANCE_ACCURACY][number])
