"""Train gradient-boosted trees with xgboost, stopped early on validation."""

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
from hepsieve.progress import Advance, Progress
from hepsieve.train.dead import dead_model, dead_regression
from hepsieve.train.figures import Figures
from hepsieve.train.losses import within_tolerance
from hepsieve.train.objective import Kind, objective_of
from hepsieve.train.threads import thread_count
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.watch import summary
from hepsieve.train.weighting import refuse_negative, weigh

# Below so many values a round takes milliseconds; on a busy machine threads wait for each other far longer than that.
_WORTH_THREADS = 2_000_000
_OBJECTIVES: dict[Kind, dict[str, Any]] = {
    "classification": {"objective": "binary:logistic", "eval_metric": ["error", "logloss"]},
    "regression": {"objective": SQUARED, "eval_metric": ["rmse"]},
}
_WATCHED: dict[Kind, str] = {"classification": "logloss", "regression": "rmse"}


def fit(
    name: str,
    config: TreesConfig,
    train: Part,
    validation: Part,
    settings: TrainConfig,
    *,
    seed: int,
    progress: Progress,
    on_epoch: OnEpoch,
) -> Trained:
    """Boost on ``train`` until the validation loss has not fallen for ``config.patience`` rounds.

    It is the log loss, in a regression the root mean squared error. Of ``settings`` only the class and event weights
    count. Equal arguments and thread numbers give equal trees.

    Raises:
        ConfigError: if the loss of the config is not one of trees.
        TrainingError: if weights are negative (xgboost refuses them) or otherwise can't be used.
    """
    began = perf_counter()
    objective_of(config, train.kind)
    train, validation = weigh(train, settings, name="train"), weigh(validation, settings, name="validation")
    for label, part in (("train", train), ("validation", validation)):
        refuse_negative(part, name=f"{name}: {label}", backend="xgboost")
    threads = thread_count() if train.inputs.size >= _WORTH_THREADS else 1
    events = xgboost.QuantileDMatrix(
        train.inputs, train.target, weight=train.weight, max_bin=config.max_bin, nthread=threads
    )
    watched = xgboost.QuantileDMatrix(
        validation.inputs,
        validation.target,
        weight=validation.weight,
        ref=events,
        max_bin=config.max_bin,
        nthread=threads,
    )
    with progress.task(f"train {name}", config.rounds) as advance:
        rounds = _Rounds(name, config, train.kind, on_epoch, advance)
        booster = xgboost.train(
            _parameters(config, train.kind, seed=seed, threads=threads),
            events,
            num_boost_round=config.rounds,
            evals=[(events, "train"), (watched, "validation")],
            verbose_eval=False,
            custom_metric=None if train.kind == "classification" else _tolerance_accuracy,
            callbacks=[
                rounds,
                xgboost.callback.EarlyStopping(
                    rounds=config.patience, metric_name=_WATCHED[train.kind], data_name="validation"
                ),
            ],
        )
    best = int(booster.best_iteration) + 1
    model = TreesPredictor(booster=booster[:best])
    dead = (
        dead_model(model.margins(validation.inputs), validation)
        if train.kind == "classification"
        else dead_regression(model.scores(validation.inputs), validation)
    )
    return Trained(
        model=model,
        history=tuple(rounds.history),
        best_epoch=best,
        seconds=perf_counter() - began,
        warnings=() if dead is None else (dead,),
    )


def _parameters(config: TreesConfig, kind: Kind, *, seed: int, threads: int) -> dict[str, Any]:
    return {
        **_OBJECTIVES[kind],
        "tree_method": "hist",
        "device": "cpu",
        "nthread": threads,
        "seed": seed,
        "learning_rate": config.learning_rate,
        "max_depth": config.max_depth,
        "min_child_weight": config.min_child_weight,
        "subsample": config.subsample,
        "colsample_bytree": config.colsample,
        "reg_lambda": config.reg_lambda,
        "max_bin": config.max_bin,
    }


class _Rounds(xgboost.callback.TrainingCallback):
    """Turns xgboost's log into records, round by round."""

    def __init__(self, name: str, config: TreesConfig, kind: Kind, on_epoch: OnEpoch, advance: Advance) -> None:
        super().__init__()
        self.history: list[EpochRecord] = []
        self._name = name
        self._kind = kind
        self._rate = config.learning_rate
        self._on_epoch = on_epoch
        self._advance = advance
        self._round_began = perf_counter()

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        train, validation = (_figures(self._kind, evals_log[part]) for part in ("train", "validation"))
        if not np.isfinite(validation.loss):
            raise TrainingError(f"{self._name}: round {epoch + 1}: the validation loss is no number; check the inputs")
        now = perf_counter()
        record = EpochRecord.model_validate(
            {
                "model": self._name,
                "epoch": epoch + 1,
                "seconds": now - self._round_began,
                **train.named("train"),
                **validation.named("validation"),
                "learning_rate": self._rate,
            }
        )
        self._round_began = now
        self.history.append(record)
        self._on_epoch(record)
        self._advance(1, summary(record))
        return False


def _figures(kind: Kind, log: Mapping[str, Sequence[float]]) -> Figures:
    """Of the last round."""
    if kind == "classification":
        return Figures(loss=log["logloss"][-1], accuracy=1 - log["error"][-1])
    rmse = log["rmse"][-1]
    return Figures(loss=rmse**2, rmse=rmse, tolerance_accuracy=log["tolerance_accuracy"][-1])


def _tolerance_accuracy(predicted: NDArray[np.float32], events: xgboost.DMatrix) -> tuple[str, float]:
    """The weighted share of events whose prediction rounds to the same tenth as the truth."""
    scores, target = np.clip(predicted, 0, 1).astype(np.float64), events.get_label().astype(np.float64)
    return "tolerance_accuracy", float(np.average(within_tolerance(scores, target, np), weights=events.get_weight()))
