"""Boosted trees that were cut after any round, or paused, end with the bytes of trees that nobody cut."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.train.interruptions import Cut, assert_same, random_steps

from hepsieve.history import EpochRecord
from hepsieve.models.config import TrainConfig, TreesConfig
from hepsieve.progress import Silent
from hepsieve.train import Part, Trained, train_model
from hepsieve.train.checkpoint import Checkpoint
from hepsieve.train.trained import OnEpoch

CONFIGS = {
    "all rounds": TreesConfig(rounds=14, patience=14, max_depth=3),
    "stopped": TreesConfig(rounds=300, patience=8, learning_rate=0.3),
}
SAMPLED = TreesConfig(rounds=20, max_depth=3, subsample=0.5)


def fit(config: TreesConfig, parts: tuple[Part, Part], **options: Any) -> Trained:
    chosen = {"on_epoch": lambda record: None, **options}
    return train_model("trees", config, *parts, TrainConfig(), seed=1, progress=Silent(), **chosen)


def cut_after(rounds: int) -> OnEpoch:
    """Ends the process in its n-th new or told round."""
    heard = 0

    def on_epoch(record: EpochRecord) -> None:
        nonlocal heard
        heard += 1
        if heard == rounds:
            raise Cut

    return on_epoch


@pytest.mark.parametrize(("name", "kind"), [("all rounds", "line"), ("stopped", "toy")])
def test_it_ends_with_the_same_bytes_wherever_it_was_cut(
    name: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    draw: Callable[..., Part] = request.getfixturevalue(kind)
    parts, config = (draw(500, seed=1), draw(300, seed=2)), CONFIGS[name]
    whole = fit(config, parts)
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0, told=told.append)
    for rounds in sorted(random_steps(3, most=len(whole.history), number=3)):
        with pytest.raises(Cut):
            fit(config, parts, checkpoint=checkpoint, on_epoch=cut_after(rounds))
    heard: list[EpochRecord] = []
    resumed = fit(config, parts, checkpoint=checkpoint, on_epoch=heard.append)
    assert_same(whole, resumed, tmp_path)
    assert tuple(heard) == resumed.history
    assert len(told) >= 2
    assert_same(whole, fit(config, parts, checkpoint=checkpoint), tmp_path / "again")


@pytest.mark.parametrize("name", CONFIGS)
def test_a_pause_changes_nothing(name: str, toy: Callable[..., Part], tmp_path: Path) -> None:
    parts, config = (toy(500, seed=1), toy(300, seed=2)), CONFIGS[name]
    whole = fit(config, parts)
    told: list[str] = []
    checkpoint = Checkpoint(folder=tmp_path / "state", every=math.inf, told=told.append)
    for share in (0.01, 0.1, 0.5):
        paused = fit(config, parts, checkpoint=checkpoint, share=share)
        rounds = min(math.ceil(round(share * config.rounds, 9)), len(whole.history))
        assert paused.history[-1].epoch == len(paused.history) == rounds
        assert paused.best_epoch <= rounds
    assert_same(whole, fit(config, parts, checkpoint=checkpoint), tmp_path)
    assert len(told) == 3
    # A state of a later round is no part of a shorter training.
    assert len(fit(config, parts, checkpoint=checkpoint, share=0.01).history) == math.ceil(config.rounds / 100)


def test_trees_that_draw_begin_anew(toy: Callable[..., Part], tmp_path: Path) -> None:
    parts = toy(500, seed=1), toy(300, seed=2)
    checkpoint = Checkpoint(folder=tmp_path / "state", every=0.0)
    paused = fit(SAMPLED, parts, checkpoint=checkpoint, share=0.5)
    assert len(paused.history) == 10
    assert checkpoint.load() is None
    assert_same(fit(SAMPLED, parts), fit(SAMPLED, parts, checkpoint=checkpoint), tmp_path)
