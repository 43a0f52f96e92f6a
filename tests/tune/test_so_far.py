"""What is said of a search while it goes on."""

from __future__ import annotations

from typing import Any, Literal

from tests.tune.searches import SMALL, space_of

from hepsieve.tune.so_far import SoFar
from hepsieve.tune.trial_values import Tried


def tried(
    number: int, figure: float | None, state: Literal["finished", "stopped", "failed"] = "finished", **more: Any
) -> Tried:
    return Tried(number=number, point={}, model="net", state=state, figure=figure, **{"seconds": 60.0, **more})


def test_the_best_is_the_best_of_those_that_were_trained_to_their_end() -> None:
    so_far = SoFar(space_of(trials=9, at_once=4), workers=2)
    assert so_far.after(tried(0, None, "failed", seconds=1.0)) == "1 failed"
    # 7 are left, two at a time: four times a minute.
    assert so_far.after(tried(1, 0.75)) == "best AUC 0.7500 (trial 1), 1 failed, about 4 min left"
    assert so_far.after(tried(2, 0.9, "stopped")).startswith("best AUC 0.7500 (trial 1), 1 failed, ")
    assert so_far.after(tried(3, 0.8)).startswith("best AUC 0.8000 (trial 3)")


def test_of_losses_the_smallest_is_the_best() -> None:
    so_far = SoFar(space_of(trials=3, metric="log_loss"), workers=1)
    so_far.after(tried(0, 0.5))
    assert so_far.after(tried(1, 0.6)) == "best log loss 0.5000 (trial 0), about 60 s left"


def test_no_more_workers_have_work_than_there_are_trials_at_once() -> None:
    assert SoFar(space_of(trials=9, at_once=2), workers=8).after(tried(0, 0.5)).endswith("about 4 min left")
    # Of a grid all are begun at once.
    assert SoFar(space_of(SMALL, method="grid"), workers=6).after(tried(0, 0.5)).endswith("about 60 s left")


def test_the_time_left_of_a_grid_is_known_by_its_points() -> None:
    # 7 points, of which one is done.
    assert SoFar(space_of(SMALL, method="grid"), workers=1).after(tried(0, 0.5)).endswith("about 6 min left")
    assert space_of(SMALL, method="grid", trials=5).most_trials == 5
    assert space_of(SMALL, trials=50).most_trials == 7
    assert space_of().most_trials == 20
    assert space_of(time=60).most_trials is None
    big = {"models.trees.rounds": {"int": [1, 10**9]}, "models.trees.max_bin": {"int": [2, 60000]}}
    assert space_of(big, method="grid").most_trials is None


def test_time_that_was_spent_before_an_interruption_is_over() -> None:
    so_far = SoFar(space_of(time=600), workers=1)
    # 400 s are left in which trials are begun, the last of which takes a minute.
    assert so_far.after(tried(0, 0.5, spent=200.0)).endswith("about 8 min left")
