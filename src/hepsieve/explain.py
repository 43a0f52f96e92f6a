"""Trained models and validation events to what each feature is worth; the test part stays sealed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator, SeedSequence

from hepsieve.config import PrepareConfig, TaskConfig
from hepsieve.errors import MissingExtra
from hepsieve.evaluate.intervals import delong_interval
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.results import BackwardStep, FeatureRanking, Quantity
from hepsieve.events import IntArray
from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.models.extras import require
from hepsieve.prepare import Preparation, Split
from hepsieve.progress import Advance, Progress, Silent
from hepsieve.shapes import as_table, names_of
from hepsieve.shuffled import importances
from hepsieve.train.dispatch import train_model
from hepsieve.train.run import Run
from hepsieve.train.trained import Part

# More events would narrow intervals that already are narrower than what they are read for.
MOST_TRAINED = 10_000
# Small on purpose: p features take p (p + 1) / 2 - 1 trainings, and only their order is wanted.
SMALL_TREES = TreesConfig(rounds=60, patience=10, learning_rate=0.3, max_depth=3, max_bin=64)


def check_explain(config: TaskConfig) -> None:
    """Refuse before any training what could not be explained after it.

    Raises:
        MissingExtra: if the backward ranking is asked for and its trees are not installed.
    """
    if config.explain.backward:
        try:
            require("xgboost", extra="trees")
        except MissingExtra as missing:
            raise MissingExtra(
                f"explain.backward trains small trees: {missing}; or set explain.backward=false"
            ) from None


def rank_features(run: Run, config: TaskConfig, *, progress: Progress) -> FeatureRanking:
    """What the features are worth to the trained models, and which can be left out, on validation events only.

    ``importances`` says what is shuffled. Shapes are what is ranked backwards of images and waveforms, where there is
    a channel to measure them in. A regression has importances alone, in RMSE.

    Args:
        run: trained models and the parts they belong to; where events were cross-validated, every event is scored
            only by a training that did not see it.
        config: its ``explain`` section says what is found out; its seed draws events and shuffles.
        progress: shows one step per model and feature, and one per small training.

    Raises:
        MissingExtra: if the backward ranking's trees are not installed.
    """
    check_explain(config)
    shuffling, choosing = SeedSequence(config.seed).spawn(2)
    worth = importances(run, permutations=config.explain.permutations, seed=shuffling, progress=progress)
    if not config.explain.backward or run.parts.train.kind == "regression":
        return FeatureRanking(importances=worth)
    # Models may go without some features; the ranking is of those of the model with most of them.
    names = max((fitted.members[0].preparation.features for fitted in run.models.values()), key=len)
    ndim = run.parts.train.features.ndim
    if ndim > 2 and not (names := names_of(names, ndim=ndim)):
        return FeatureRanking(importances=worth)
    with progress.task("ranking features backwards", len(names) * (len(names) + 1) // 2) as advance:
        everything, steps = _backward(names, run.parts, config, np.random.default_rng(choosing), advance)
    return FeatureRanking(
        importances=worth,
        all_features=everything,
        backward=steps,
        last_feature=next(name for name in names if name not in {step.left_out for step in steps}),
        backward_model=f"boosted trees of depth {SMALL_TREES.max_depth}, at most {SMALL_TREES.rounds} rounds",
    )


def _backward(
    names: tuple[str, ...], parts: Split, config: TaskConfig, rng: Generator, advance: Advance
) -> tuple[Quantity, tuple[BackwardStep, ...]]:
    """Leave out, again and again, the feature without which the AUC on validation is largest; one is left."""
    train, validation = _parts_of(names, parts, config, rng)
    chosen = list(range(len(names)))
    everything = _judged(chosen, train, validation, config.seed)
    advance(1)
    steps = []
    while len(chosen) > 1:
        without = []
        for left_out in chosen:
            without.append(_judged([k for k in chosen if k != left_out], train, validation, config.seed))
            advance(1, f"{len(chosen)} features left")
        # Of equally good ones the first goes.
        best = max(range(len(without)), key=lambda k: _value(without[k]))
        steps.append(BackwardStep(left_out=names[chosen.pop(best)], features_left=len(chosen), auc=without[best]))
    return everything, tuple(steps)


def _parts_of(names: tuple[str, ...], parts: Split, config: TaskConfig, rng: Generator) -> tuple[Part, Part]:
    """What the small trees learn from, and what judges them; with folds the first one judges."""
    if parts.fold is None:
        rows = np.arange(len(parts.train)), np.arange(len(parts.validation))
    else:
        rows = np.flatnonzero(parts.fold != 0), np.flatnonzero(parts.fold == 0)
    learned, judging = (
        events[some[_some_rows(len(some), MOST_TRAINED, rng)]]
        for events, some in zip((parts.train, parts.validation), rows, strict=True)
    )
    if learned.features.ndim > 2:
        learned, judging = as_table(learned), as_table(judging)
    # Trees see the order of values only: no scaling, and no rotation that would mix what is to be ranked.
    plain = PrepareConfig(features=names, scale="none")
    preparation = Preparation.fit(learned, plain, impute=config.audit.missing == "impute")
    train, validation = (
        Part(inputs=preparation(events), target=events.target, weight=events.weight) for events in (learned, judging)
    )
    return train, validation


def _judged(chosen: Sequence[int], train: Part, validation: Part, seed: int) -> Quantity:
    trained = train_model(
        "backward ranking",
        SMALL_TREES,
        _columns(train, chosen),
        _columns(validation, chosen),
        TrainConfig(),
        seed=seed,
        progress=Silent(),
        on_epoch=lambda record: None,
    )
    scores = trained.model.scores(_columns(validation, chosen).inputs)
    return delong_interval(Ranked.of(validation.target, scores, validation.weight))


def _columns(part: Part, chosen: Sequence[int]) -> Part:
    return Part(inputs=np.ascontiguousarray(part.inputs[:, chosen]), target=part.target, weight=part.weight)


def _value(auc: Quantity) -> float:
    return -1.0 if auc.value is None else auc.value


def _some_rows(n: int, most: int, rng: Generator) -> IntArray:
    """All rows, or so many of them by chance, in their order."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, size=most, replace=False))
