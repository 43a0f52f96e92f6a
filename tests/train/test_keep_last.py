"""Where the last weights are kept validation decides nothing: one fold less is lost, and no scorer saw its event."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score
from tests.train.interruptions import CASES, Case, assert_same, fit_with_cuts, small_blocks
from tests.train.interruptions import fit as fit_case

from hepsieve.config import PrepareConfig
from hepsieve.errors import ConfigError
from hepsieve.events import Events
from hepsieve.models.config import MLPConfig, ModelConfig, ReduceOnPlateau, TrainConfig, TreesConfig
from hepsieve.prepare import Split, split
from hepsieve.train import Part
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.inputs import learned_and_watched, learned_from
from hepsieve.train.run import Run, train

LAST = MLPConfig(widths=(4,), epochs=3, keep="last")
BEST = MLPConfig(widths=(4,), epochs=3)
FOLDS = 4


def noise(n: int, *, seed: int = 0) -> Events:
    """Labels that have nothing to do with the features."""
    rng = np.random.default_rng(seed)
    return Events.from_arrays(rng.normal(size=(n, 3)), rng.random(n) < 0.5)


def fit(parts: Split, models: dict[str, ModelConfig] | None = None, **settings: object) -> Run:
    return train(
        models if models is not None else {"last": LAST, "best": BEST},
        parts,
        prepare=PrepareConfig(),
        settings=TrainConfig.model_validate({"batch_size": 50, "learning_rate": 0.02, "device": "cpu", **settings}),
        seed=1,
    )


def spoiled(parts: Split, number: int) -> Split:
    """The same, but for features and targets of one fold."""
    assert parts.fold is not None
    features, target = parts.train.features.copy(), parts.train.target.copy()
    corrupt = parts.fold == number
    features[corrupt] = 1e3
    target[corrupt] = 1 - target[corrupt]
    events = parts.train.replace(features=features, target=target)
    return Split(
        train=events,
        validation=events,
        test=parts.test,
        test_rows=parts.test_rows,
        train_rows=parts.train_rows,
        fold=parts.fold,
    )


def test_it_learns_from_all_folds_but_its_own() -> None:
    fold = np.arange(20) % FOLDS
    for number in range(FOLDS):
        assert (learned_from(fold, number, FOLDS, keeps_last=True) == (fold != number)).all()
        stopped = learned_from(fold, number, FOLDS, keeps_last=False)
        assert (stopped == (fold != number) & (fold != (number + 1) % FOLDS)).all()


def test_of_a_fold_that_is_held_out_nothing_is_learned_or_chosen() -> None:
    parts = split(noise(400), folds=FOLDS, seed=1)
    run, new = fit(parts), noise(50, seed=9)
    for number in range(FOLDS):
        other = fit(spoiled(parts, number))
        same = {
            name: [
                np.array_equal(one.scores(new.features, new.names), two.scores(new.features, new.names))
                and one.preparation == two.preparation
                for one, two in zip(run.models[name].members, other.models[name].members, strict=True)
            ]
            for name in ("last", "best")
        }
        # Its own training hears nothing of it, and every other learns from it: also the one that it would stop.
        assert same["last"] == [member == number for member in range(FOLDS)]
        assert same["best"][number]
        # It is looked at all the same.
        before, after = (each.models["last"].members[number].trained.history for each in (run, other))
        assert [record.validation_loss for record in before] != [record.validation_loss for record in after]
        assert [record.train_loss for record in before] == [record.train_loss for record in after]


def test_scores_of_held_out_events_know_nothing_of_them() -> None:
    wide = MLPConfig(widths=(64,), epochs=60, batch_size=20, keep="last")
    parts = split(noise(900), folds=3, seed=1)
    model = fit(parts, {"wide": wide}).models["wide"]
    seen = roc_auc_score(parts.train.target, model.training_scores(parts.train, parts.fold))
    held_out = roc_auc_score(parts.train.target, model.held_out_scores(parts.validation, parts.fold))
    assert seen > 0.65  # much of them it knows by heart
    assert abs(held_out - 0.5) < 0.11  # five standard deviations: 1 / √(3 · 720) = 0.022 for equal classes


def test_training_scores_are_those_of_all_who_learned_from_an_event() -> None:
    parts = split(noise(300), folds=3, seed=1)
    assert parts.fold is not None
    for name, model in fit(parts).models.items():
        each = np.stack([member.scores(parts.train.features, parts.train.names) for member in model.members])
        for number in range(3):
            # Training i holds out fold i; where it is stopped, it is by fold i + 1.
            learned = {"last": [(number + 1) % 3, (number + 2) % 3], "best": [(number + 1) % 3]}[name]
            rows = parts.fold == number
            found = model.training_scores(parts.train, parts.fold)[rows]
            np.testing.assert_allclose(found, each[learned][:, rows].mean(axis=0), rtol=1e-6)


def test_without_folds_validation_is_not_learned_from() -> None:
    parts = split(noise(300), seed=1)
    for last in (True, False):
        learned, watched = learned_and_watched(parts, 0, keeps_last=last)
        assert (learned, watched) == (parts.train, parts.validation)


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_the_weights_after_the_last_epoch_are_kept(backend: str, toy: Callable[..., Part]) -> None:
    # Few events, many weights, a large rate: validation soon gets worse.
    parts = toy(60, seed=1, q=10), toy(500, seed=2, q=10)
    config = MLPConfig.model_validate({"widths": (64,), "backend": backend})
    kept = {}
    for keep in ("best", "last"):
        settings = {"epochs": 15, "batch_size": 16, "patience": None, "keep": keep}
        kept[keep] = fit_case(Case(config, settings=settings), parts)
    assert kept["best"].best_epoch < 15
    assert kept["last"].best_epoch == len(kept["last"].history) == 15
    scores = kept["last"].model.scores(parts[1].inputs)
    loss = -np.mean(np.log(np.where(parts[1].target == 1, scores, 1 - scores)))
    assert kept["last"].history[-1].validation_loss == pytest.approx(loss, abs=1e-5)
    assert kept["best"].history[-1].validation_loss == kept["last"].history[-1].validation_loss


def test_it_goes_on_where_it_was_cut(toy: Callable[..., Part], tmp_path: Path) -> None:
    parts = toy(300, seed=1), toy(150, seed=2)
    case = Case(CASES["dropout"].config, settings={"keep": "last", "patience": None, "ema": 0.9})
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    with small_blocks(parts[0]):
        assert_same(fit_case(case, parts), fit_with_cuts(case, parts, checkpoint, [5, 9, 3]), tmp_path)


def test_a_network_that_keeps_its_last_weights_has_no_patience() -> None:
    common = TrainConfig(patience=3)
    assert LAST.own(common).patience is None
    assert BEST.own(common).patience == 3
    assert BEST.own(TrainConfig(keep="last", patience=None)).keep == "last"


def test_patience_and_the_last_weights_do_not_go_together() -> None:
    with pytest.raises(ValidationError, match=r"keep: last has all epochs, which patience \(10\) would cut"):
        TrainConfig(keep="last")


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (LAST.model_copy(update={"schedule": ReduceOnPlateau()}), {}),
        (LAST, {"schedule": {"kind": "plateau"}}),
        (BEST, {"keep": "last", "patience": None, "schedule": {"kind": "plateau"}}),
    ],
)
def test_no_schedule_goes_by_validation_then(model: MLPConfig, settings: dict[str, object]) -> None:
    parts = split(noise(200), folds=3, seed=1)
    with pytest.raises(ConfigError, match=r"^models\.net: the schedule plateau goes by validation"):
        fit(parts, {"trees": TreesConfig(), "net": model}, **settings)
