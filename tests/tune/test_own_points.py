"""The task's own settings as points of its space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tune.searches import Workers, figure_of, searched, space_of

from hepsieve.config import TaskConfig
from hepsieve.tune.own_points import own_points
from hepsieve.tune.space import Space


def space(axes: dict[str, Any], **task: Any) -> Space:
    """A space over a network that has a learning rate of its own, and trees."""
    models = {"net": {"kind": "mlp", "widths": [8, 8], "learning_rate": 0.01}, "trees": {"kind": "trees"}}
    return Space.of(TaskConfig.model_validate({"task": "toy", "models": models, "tune": {"space": axes}, **task}))


def test_they_change_nothing() -> None:
    found = space(
        {
            "models.net.widths": {"choice": [[4], [8, 8]]},
            "models.net.learning_rate": {"log": [1e-4, 1e-1]},
            "models.net.epochs": {"int": [5, 50], "step": 5},
            "models.trees.max_depth": {"int": [2, 9]},
            "prepare.scale": {"choice": ["minmax", "standardise"]},
            "prepare.pca": {"choice": [None, 2]},
        },
        train={"epochs": 20},
    )
    net, trees = own_points(found)
    common = {"prepare.scale": "standardise", "prepare.pca": None}
    assert trees == {"model": "trees", "models.trees.max_depth": 6, **common}
    # What the network does not say itself, it has from the task.
    own = {"models.net.learning_rate": 0.01, "models.net.epochs": 20}
    assert {**net, "models.net.widths": list(net["models.net.widths"])} == {
        "model": "net",
        "models.net.widths": [8, 8],
        **own,
        **common,
    }
    for point in (net, trees):
        name, task = found.at(point)
        assert task.prepare == found.task.prepare
        assert task.train == found.task.train
        had, has = found.task.trained()[name], task.trained()[name]
        assert has.model_copy(update={"epochs": None}) == had if name == "net" else has == had


def test_settings_that_do_not_count_are_left_out() -> None:
    schedule = {"train.schedule.kind": {"choice": ["constant", "cosine"]}}
    final = {"train.schedule.final": {"float": [0, 0.5], "when": {"train.schedule.kind": "cosine"}}}
    assert own_points(space({**schedule, **final}, tune={"space": {**schedule, **final}, "models": ["net"]})) == (
        {"train.schedule.kind": "constant"},
    )


@pytest.mark.parametrize(
    "axis",
    [
        {"int": [7, 9]},
        {"int": [1, 9], "step": 4},  # 1, 5, 9
        {"choice": [3, 9]},
    ],
)
def test_there_are_none_that_the_space_does_not_hold(axis: dict[str, Any]) -> None:
    assert own_points(space({"models.trees.max_depth": axis})) == ()


def test_with_them_no_winner_is_worse_where_it_was_chosen(tmp_path: Path) -> None:
    """Not even where all that is drawn besides is worse."""

    def figure(proposal: Any) -> float:
        return 0.99 if proposal.task.models["trees"].max_depth == 6 else figure_of(proposal) / 2

    for method in ("tpe", "random", "halving"):
        searching = space_of({"models.trees.max_depth": {"int": [2, 16]}}, method=method, trials=4)
        study = searched(searching, tmp_path / method, Workers(2, figure=figure))
        assert study.best.number == 0
        assert study.best.point == {"models.trees.max_depth": 6}
