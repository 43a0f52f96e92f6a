"""Train gradient-boosted trees with xgboost, stopped early on validation."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.models.mlp import Weights
from hepsieve.progress import Progress
from hepsieve.train.boosting import (
    TOLERANCE_ACCURACY,
    boosted,
    figure_of,
    parameters,
    tolerance_sums,
    weighed_parts,
)
from hepsieve.train.checkpoint import Checkpoint, identity
from hepsieve.train.rounds import Rounds
from hepsieve.train.share import paused_after
from hepsieve.train.start import TREES
from hepsieve.train.threads import thread_count
from hepsieve.train.trained import OnEpoch, Part, Trained

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
    start: Weights | None = None,
    checkpoint: Checkpoint | None = None,
    share: float = 1.0,
) -> Trained:
    """Boost on ``train`` until the validation loss has not fallen for ``config.patience`` rounds.

    It is the log loss, in a regression the root mean squared error. Of ``settings`` only the class and event weights
    count. Equal arguments and thread numbers give equal trees, also when a training goes on from its checkpoint; one
    that draws events or features by chance always begins anew. With a ``share`` below 1 it pauses after that share of
    the most rounds. With ``start`` it goes on from these trees, which stay as they are; where no round is better than
    they are alone, none is added.

    Raises:
        ConfigError: if the loss of the config is not one of trees.
        TrainingError: if weights are negative (xgboost refuses them) or otherwise can't be used.
    """
    began = perf_counter()
    train, validation = weighed_parts(name, config, train, validation, settings)
    threads = thread_count() if train.inputs.size >= _WORTH_THREADS else 1
    first = None if start is None else xgboost.Booster(model_file=bytearray(start[TREES].tobytes()))
    before = 0 if first is None else int(first.num_boosted_rounds())
    events, watched = _matrices(config, train, validation, threads=threads, binned=first is None)
    with progress.task(f"train {name}", config.rounds) as advance:
        rounds = Rounds(
            name,
            config,
            train.kind,
            began=began,
            most=paused_after(share, config.rounds),
            on_epoch=on_epoch,
            advance=advance,
            checkpoint=checkpoint if is_resumable(config) else None,
            training=identity(config, settings, seed=seed, parts=(train, validation)),
            begun=None if first is None else figure_of(first, watched, train.kind),
        )
        booster: Any = rounds.taken_up() or first
        if rounds.left > 0:
            booster = xgboost.train(
                {**parameters(config, train.kind, seed=seed), "nthread": threads},
                events,
                num_boost_round=rounds.left,
                evals=[(events, "train"), (watched, "validation")],
                verbose_eval=False,
                custom_metric=None if train.kind == "classification" else _tolerance_accuracy,
                callbacks=[rounds],
                xgb_model=booster,
            )
            if share < 1:
                rounds.save(booster)
    booster.set_attr(best_iteration=str(before + rounds.best - 1))
    return boosted(booster, rounds.history, validation, began=rounds.began, before=before)


def is_resumable(config: TreesConfig) -> bool:
    """Whether trees that are grown after a break are those that would have been grown without.

    xgboost does not tell where its random numbers stand, so none may be drawn.
    """
    return config.subsample == 1 and config.colsample == 1


def _matrices(
    config: TreesConfig, train: Part, validation: Part, *, threads: int, binned: bool
) -> tuple[xgboost.DMatrix, xgboost.DMatrix]:
    """Both parts in the bins of the training part; or as they are, for trees whose thresholds are no edges of these."""
    if not binned:
        given = (xgboost.DMatrix(p.inputs, p.target, weight=p.weight, nthread=threads) for p in (train, validation))
        events, watched = given
        return events, watched
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
    return events, watched


def _tolerance_accuracy(predicted: NDArray[np.float32], events: xgboost.DMatrix) -> tuple[str, float]:
    """The weighted share of events whose prediction rounds to the same tenth as the truth."""
    within, everything = tolerance_sums(predicted, events)
    return TOLERANCE_ACCURACY, float(within / everything)
