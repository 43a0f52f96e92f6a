"""Train gradient-boosted trees with xgboost, stopped early on validation."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import xgboost

from hepsieve.errors import TrainingError
from hepsieve.history import EpochRecord
from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.models.trees import TreesPredictor
from hepsieve.progress import Advance, Progress
from hepsieve.train.dead import dead_model
from hepsieve.train.threads import thread_count
from hepsieve.train.trained import OnEpoch, Part, Trained
from hepsieve.train.weighting import refuse_negative, weigh

# Below so many values a round takes milliseconds; on a busy machine threads wait for each other far longer than that.
_WORTH_THREADS = 2_000_000


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
    """Boost on ``train`` until the validation log loss has not fallen for ``config.patience`` rounds.

    Of ``settings`` only the class and event weights count. Equal arguments and thread numbers give equal trees.

    Raises:
        TrainingError: if weights are negative (xgboost refuses them) or otherwise can't be used.
    """
    began = perf_counter()
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
        rounds = _Rounds(name, config, on_epoch, advance)
        booster = xgboost.train(
            _parameters(config, seed=seed, threads=threads),
            events,
            num_boost_round=config.rounds,
            evals=[(events, "train"), (watched, "validation")],
            verbose_eval=False,
            callbacks=[
                rounds,
                xgboost.callback.EarlyStopping(rounds=config.patience, metric_name="logloss", data_name="validation"),
            ],
        )
    best = int(booster.best_iteration) + 1
    model = TreesPredictor(booster=booster[:best])
    dead = dead_model(model.margins(validation.inputs), validation)
    return Trained(
        model=model,
        history=tuple(rounds.history),
        best_epoch=best,
        seconds=perf_counter() - began,
        warnings=() if dead is None else (dead,),
    )


def _parameters(config: TreesConfig, *, seed: int, threads: int) -> dict[str, Any]:
    return {
        "objective": "binary:logistic",
        "eval_metric": ["error", "logloss"],
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

    def __init__(self, name: str, config: TreesConfig, on_epoch: OnEpoch, advance: Advance) -> None:
        super().__init__()
        self.history: list[EpochRecord] = []
        self._name = name
        self._rate = config.learning_rate
        self._on_epoch = on_epoch
        self._advance = advance
        self._round_began = perf_counter()

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        train, validation = evals_log["train"], evals_log["validation"]
        if not np.isfinite(validation["logloss"][-1]):
            raise TrainingError(f"{self._name}: round {epoch + 1}: the validation loss is no number; check the inputs")
        now = perf_counter()
        record = EpochRecord(
            model=self._name,
            epoch=epoch + 1,
            seconds=now - self._round_began,
            train_loss=train["logloss"][-1],
            train_accuracy=1 - train["error"][-1],
            validation_loss=validation["logloss"][-1],
            validation_accuracy=1 - validation["error"][-1],
            learning_rate=self._rate,
        )
        self._round_began = now
        self.history.append(record)
        self._on_epoch(record)
        self._advance(1, f"loss {record.validation_loss:.4f}")
        return False
