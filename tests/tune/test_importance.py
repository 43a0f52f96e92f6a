"""Which parameters mattered, where it is known which do."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.tune.searches import Workers, searched, space_of

from hepsieve.tune.importance import importance
from hepsieve.tune.trial_values import Proposal

AXES = {
    "models.net.dropout": {"float": [0, 0.5]},
    "models.net.learning_rate": {"log": [1e-4, 1e-1]},
    "models.net.activation": {"choice": ["relu", "tanh"]},
    "models.net.weight_decay": {"log": [1e-4, 1], "when": {"models.net.activation": "tanh"}},
}


def by_the_rate(proposal: Proposal) -> float:
    """Nothing else matters."""
    return 1 - abs(math.log10(proposal.point["models.net.learning_rate"]) + 2.5)


def test_what_mattered_is_first_also_with_conditions(tmp_path: Path) -> None:
    space = space_of(AXES, trials=40, method="random")
    study = searched(space, tmp_path, Workers(2, figure=by_the_rate))
    found = importance(space, study)
    assert set(found) == set(space.paths)
    assert next(iter(found)) == "models.net.learning_rate"
    assert found["models.net.learning_rate"] > 0.5
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert importance(space, study) == found


def test_too_few_trials_say_nothing(tmp_path: Path) -> None:
    space = space_of(AXES, trials=9, method="random")
    assert importance(space, searched(space, tmp_path, Workers(2, figure=by_the_rate))) == {}


def test_equal_figures_say_nothing(tmp_path: Path) -> None:
    space = space_of(AXES, trials=12, method="random")
    assert importance(space, searched(space, tmp_path, Workers(2, figure=lambda proposal: 0.5))) == {}
