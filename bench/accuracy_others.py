"""What one would use instead, each with a given time: xgboost with searched settings, and TabM as pytabkit has it."""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events

Floats = NDArray[np.float64]
_INNER = 4  # folds by which settings are chosen
_MOST_ROUNDS, _PATIENCE = 3000, 50
_REFIT = 0.15  # of the time, kept for the last training on all rows
_ENOUGH = 10  # epochs below which another training is not begun


def xgboost(learned: Events, judged: Events, *, seconds: float, seed: int) -> Floats:
    """Settings drawn at random and compared by cross-validation, as long as the time allows; then all rows.

    Args:
        learned: what may be learned from.
        judged: what is scored.
        seconds: wall-clock time.
        seed: of settings, divisions and trees.
    """
    import xgboost as xgb

    begin = perf_counter()
    rng = np.random.default_rng(seed)
    data = xgb.DMatrix(learned.features, label=learned.target)
    best: tuple[float, int, dict[str, Any]] | None = None
    slowest = 0.0
    while best is None or perf_counter() - begin + slowest < (1 - _REFIT) * seconds:
        started = perf_counter()
        settings = _drawn(rng, first=best is None)
        found: Any = xgb.cv(
            settings,
            data,
            num_boost_round=_MOST_ROUNDS,
            nfold=_INNER,
            stratified=True,
            early_stopping_rounds=_PATIENCE,
            seed=seed,
        )
        figure = float(found["test-auc-mean"].max())
        if best is None or figure > best[0]:
            best = figure, int(found["test-auc-mean"].argmax()) + 1, settings
        slowest = max(slowest, perf_counter() - started)
    _, rounds, settings = best
    # A quarter more rows than each inner training had bear a few more rounds.
    booster = xgb.train(settings, data, num_boost_round=round(rounds * _INNER / (_INNER - 1)))
    return np.asarray(booster.predict(xgb.DMatrix(judged.features)), np.float64)


def _drawn(rng: np.random.Generator, *, first: bool) -> dict[str, Any]:
    """The first settings are good ones of experience; the others are drawn from the usual ranges."""
    common = {
        "objective": "binary:logistic",
        "eval_metric": "auc",
        "tree_method": "hist",
        "nthread": os.cpu_count() or 1,
    }
    if first:
        return common | {
            "eta": 0.05,
            "max_depth": 6,
            "subsample": 0.8,
            "colsample_bytree": 0.7,
            "min_child_weight": 10.0,
            "lambda": 10.0,
        }
    return common | {
        "eta": float(np.exp(rng.uniform(np.log(0.02), np.log(0.15)))),
        "max_depth": int(rng.integers(3, 10)),
        "subsample": float(rng.uniform(0.5, 1)),
        "colsample_bytree": float(rng.uniform(0.4, 1)),
        "min_child_weight": float(np.exp(rng.uniform(np.log(1), np.log(50)))),
        "lambda": float(np.exp(rng.uniform(np.log(0.3), np.log(100)))),
    }


def tabm(learned: Events, judged: Events, *, seconds: float, seed: int) -> Floats:
    """TabM with its authors' settings, as many epochs as the time allows; while time is left, the mean over more seeds.

    Args:
        learned: what may be learned from; a fifth of it stops the training.
        judged: what is scored.
        seconds: wall-clock time.
        seed: of everything.
    """
    from pytabkit import TabM_D_Classifier

    begin = perf_counter()
    features, target = np.asarray(learned.features), np.asarray(learned.target).astype(np.int64)

    def fitted(number: int, epochs: int) -> Any:
        model = TabM_D_Classifier(
            device="cpu",
            random_state=1000 * seed + number,
            n_epochs=epochs,
            n_threads=os.cpu_count() or 1,
            val_metric_name="cross_entropy",
        )
        return model.fit(features, target)

    # One epoch and two differ by the time of an epoch; whatever else a training does is in both.
    fitted(0, 1)
    one = perf_counter() - begin
    fitted(0, 2)
    two = perf_counter() - begin - one
    epoch = max(two - one, 0.1 * one)
    scores: list[Floats] = []
    while True:
        left = seconds - (perf_counter() - begin)
        epochs = int((left - one) / epoch)
        if scores and epochs < _ENOUGH:
            return np.asarray(np.mean(scores, axis=0))
        model = fitted(len(scores) + 1, max(epochs, 1))
        scores.append(np.asarray(model.predict_proba(np.asarray(judged.features))[:, 1], np.float64))
