"""Cross-validated training: every event scored by trainings that never saw it; balance and preparation per training."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError, DataError
from hepsieve.events import Events
from hepsieve.history import EpochRecord
from hepsieve.models.config import MLPConfig, ModelConfig, TrainConfig, TreesConfig
from hepsieve.prepare import Preparation, SealedPart, Split, split, split_given_test
from hepsieve.prepare.balance import undersample
from hepsieve.train.run import Run, train

DEEP = TreesConfig(rounds=40, max_depth=8, learning_rate=0.5, patience=40)
NET = MLPConfig(widths=(4,), epochs=2)


def noise(n: int, *, seed: int = 0, signal: float = 0.5) -> Events:
    """Labels that have nothing to do with the features."""
    rng = np.random.default_rng(seed)
    return Events.from_arrays(rng.normal(size=(n, 3)), rng.random(n) < signal)


def fit(parts: Split, *, prepare: PrepareConfig | None = None, **settings: object) -> Run:
    return train(
        {"deep": DEEP, "net": NET},
        parts,
        prepare=prepare if prepare is not None else PrepareConfig(),
        settings=TrainConfig(batch_size=50, patience=None).model_copy(update=settings),
        seed=1,
    )


def test_no_event_is_scored_by_who_learned_it() -> None:
    parts = split(noise(1500), folds=4, seed=1)
    deep = fit(parts).models["deep"]
    seen = roc_auc_score(parts.train.target, deep.training_scores(parts.train, parts.fold))
    held_out = roc_auc_score(parts.train.target, deep.held_out_scores(parts.validation, parts.fold))
    assert seen > 0.75  # it knows them by heart
    assert abs(held_out - 0.5) < 0.085  # five standard deviations: 1 / √(12 · 1200) · √2 · 1.44, about 0.017


@pytest.mark.parametrize("number", [0, 2])
def test_a_fold_moves_nothing_in_the_training_that_holds_it_out(number: int) -> None:
    parts = split(noise(600), folds=4, seed=1)
    assert parts.fold is not None
    features, target = parts.train.features.copy(), parts.train.target.copy()
    corrupt = parts.fold == number
    features[corrupt] = 1e6
    target[corrupt] = 1 - target[corrupt]
    spoiled = parts.train.replace(features=features, target=target)
    other = Split(
        train=spoiled,
        validation=spoiled,
        test=parts.test,
        test_rows=parts.test_rows,
        train_rows=parts.train_rows,
        fold=parts.fold,
    )
    first, second = fit(parts), fit(other)
    new = noise(50, seed=9)
    for name in ("deep", "net"):
        members = [run.models[name].members for run in (first, second)]
        assert members[0][number].preparation == members[1][number].preparation
        same = [m[number].scores(new.features, new.names) for m in members]
        assert (same[0] == same[1]).all()
        changed = [m[(number + 1) % 4].scores(new.features, new.names) for m in members]
        assert (changed[0] != changed[1]).any()


def test_the_fold_that_stops_a_training_is_not_learned_from() -> None:
    parts = split(noise(600), folds=4, seed=1)
    assert parts.fold is not None
    features = parts.train.features.copy()
    features[parts.fold == 1] += 1e3  # stops training 0, is held out by training 1
    spoiled = parts.train.replace(features=features)
    other = Split(train=spoiled, validation=spoiled, test=parts.test, test_rows=parts.test_rows,
                  train_rows=parts.train_rows, fold=parts.fold)  # fmt: skip
    preparations = [run.models["net"].members[0].preparation for run in (fit(parts), fit(other))]
    assert preparations[0] == preparations[1]


def test_the_score_is_the_mean_of_the_trainings() -> None:
    parts = split(noise(400), folds=3, seed=1)
    heard: list[EpochRecord] = []
    run = train(
        {"net": NET}, parts, prepare=PrepareConfig(), settings=TrainConfig(batch_size=50), seed=1, on_epoch=heard.append
    )
    net, new = run.models["net"], noise(20, seed=5)
    each = [member.scores(new.features, new.names) for member in net.members]
    np.testing.assert_allclose(net.scores(new), (each[0] + each[1] + each[2]) / 3, rtol=1e-12)
    assert [(record.model, record.fold, record.epoch) for record in heard] == [
        ("net", fold, epoch) for fold in (1, 2, 3) for epoch in (1, 2)
    ]
    assert (net.epochs, net.parameters) == (2, 3 * (3 * 4 + 4 + 4 + 1))


def test_the_test_part_is_the_same_with_and_without_folds() -> None:
    events = noise(500)
    plain, folded = split(events, seed=3), split(events, folds=5, seed=3)
    assert (plain.test_rows == folded.test_rows).all()
    assert sorted([*folded.train_rows, *folded.test_rows]) == list(range(500))
    assert repr(folded) == "Split(400 in 5 folds, test 100, opened 0 times)"


def test_test_files_can_be_cross_validated_against_but_validation_files_can_not() -> None:
    events, other = noise(100), noise(40, seed=1)
    parts = split_given_test(events, other, validation=0.2, folds=4, seed=1)
    assert parts.fold is not None
    assert np.bincount(parts.fold).tolist() == [25] * 4
    assert isinstance(parts.test, SealedPart)
    with pytest.raises(ConfigError, match=r"leave out data\.validation_files"):
        split_given_test(events, other, validation=other, folds=4, seed=1)


def test_undersampling_leaves_out_events_of_the_larger_class() -> None:
    events = noise(1000, signal=0.2)
    even = undersample(events, seed=1)
    fewer = int(events.target.sum())
    assert (even.target == 1).sum() == (even.target == 0).sum() == fewer
    rows = {row.tobytes() for row in events.features}
    assert all(row.tobytes() in rows for row in even.features)
    assert (undersample(events, seed=1).features == even.features).all()
    assert (undersample(events, seed=2).features != even.features).any()
    with pytest.raises(DataError, match="no training event"):
        undersample(events[events.target == 0], seed=1)


@pytest.mark.parametrize("balance", ["none", "class_weights", "undersample"])
def test_balance_changes_what_the_scores_mean(balance: str) -> None:
    # Without information a calibrated score is the signal share that was trained on: 20 %, or half with balance.
    parts = split(noise(2000, signal=0.2), seed=1)
    run = train(
        {"net": MLPConfig(widths=(2,), epochs=30)},
        parts,
        prepare=PrepareConfig(),
        settings=TrainConfig.model_validate({"batch_size": 100, "balance": balance, "learning_rate": 0.01}),
        seed=1,
    )
    mean = run.models["net"].scores(parts.validation).mean()
    assert abs(mean - (0.2 if balance == "none" else 0.5)) < 0.07


def test_undersampling_fits_the_preparation_on_what_is_trained_on() -> None:
    rng = np.random.default_rng(0)
    target = rng.random(1000) < 0.1
    events = Events.from_arrays(rng.normal(size=(1000, 1)) + 10 * target[:, None], target)
    parts = split(events, seed=1)
    centre = []
    for balance in ("none", "undersample"):
        preparation = fit(parts, balance=balance).models["net"].members[0].preparation
        assert isinstance(preparation, Preparation)
        centre.append(preparation.affine.centre[0])
    assert abs(centre[0] - 1) < 0.4  # a tenth of the events lie at 10
    assert abs(centre[1] - 5) < 0.4  # half of them


def test_sharing_the_trainings_among_processes_changes_nothing() -> None:
    parts = split(noise(300), folds=3, seed=1)
    models: dict[str, ModelConfig] = {
        "deep": DEEP,
        "net": NET,
        "keras": NET.model_copy(update={"backend": "keras"}),
    }
    heard: list[list[EpochRecord]] = [[], []]
    runs = [
        train(
            models,
            parts,
            prepare=PrepareConfig(),
            settings=TrainConfig(batch_size=50),
            seed=1,
            jobs=jobs,
            on_epoch=heard[jobs - 1].append,
        )
        for jobs in (1, 2)
    ]
    new = noise(50, seed=9)
    for name in models:
        alone, shared = (run.models[name] for run in runs)
        assert (alone.scores(new) == shared.scores(new)).all()
    assert [r.model_copy(update={"seconds": 0.0}) for r in heard[0]] == [
        r.model_copy(update={"seconds": 0.0}) for r in heard[1]
    ]
