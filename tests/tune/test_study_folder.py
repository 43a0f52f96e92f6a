"""A study is found again by what its figures depend on, and is nobody else's meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tune.test_trials import clouds

from hepsieve.config import TaskConfig
from hepsieve.errors import HepsieveError
from hepsieve.prepare import split
from hepsieve.tune.study_folder import study_folder


def task(tune: dict[str, Any] | None = None, **more: Any) -> TaskConfig:
    space = {"models.trees.max_depth": {"int": [2, 9]}}
    return TaskConfig.model_validate(
        {"task": "toy", "models": {"trees": {"kind": "trees"}}, "tune": {"space": space, **(tune or {})}, **more}
    )


def place_of(config: TaskConfig, below: Path, *, events: int = 100) -> Path:
    with study_folder(below, config, split(clouds(events), seed=1)) as place:
        assert place.parent == below
        return place


def test_more_trials_or_time_or_other_words_are_the_same_study(tmp_path: Path) -> None:
    first = place_of(task(), tmp_path)
    assert place_of(task({"trials": 99, "time": "1h"}, title="Words", evaluate={"resamples": 200}), tmp_path) == first


@pytest.mark.parametrize(
    "other",
    [
        {"tune": {"seed": 4}},
        {"tune": {"at_once": 2}},
        {"tune": {"metric": "log_loss"}},
        {"evaluate": {"select": "accuracy"}},
        {"train": {"balance": "undersample"}},
        {"seed": 2},
    ],
)
def test_what_changes_its_trials_makes_another_study(other: dict[str, Any], tmp_path: Path) -> None:
    assert place_of(task(**other), tmp_path) != place_of(task(), tmp_path)


def test_other_events_make_another_study(tmp_path: Path) -> None:
    assert place_of(task(), tmp_path, events=120) != place_of(task(), tmp_path)


def test_two_at_once_would_write_over_each_other(tmp_path: Path) -> None:
    parts = split(clouds(100), seed=1)
    with (
        study_folder(tmp_path, task(), parts),
        pytest.raises(HepsieveError, match="another process works on this very search; wait for it, or change seed"),
        study_folder(tmp_path, task(), parts),
    ):
        pass
    assert place_of(task(), tmp_path).is_dir()
