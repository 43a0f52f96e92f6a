"""The virtual clock, its rungs, and budgets."""

from __future__ import annotations

import pytest

from hepsieve.tune.budget import Budget, time_left
from hepsieve.tune.clock import VirtualClock, halving


def test_events_come_in_the_order_of_their_time_then_of_the_trials() -> None:
    clock = VirtualClock()
    for number, at in ((2, 1), (0, 3), (1, 1), (3, 2)):
        clock.expect(number, at)
    order = []
    while len(clock):
        order.append((clock.next(), clock.now))
    assert order == [(1, 1), (2, 1), (3, 2), (0, 3)]


@pytest.mark.parametrize(
    ("reduction", "steps"),
    [(2, (1, 2, 4, 8)), (3, (1, 3, 9)), (4, (1, 4)), (9, (1, 9)), (10, (1, 10))],
)
def test_the_lowest_rung_is_a_tenth_of_the_training_or_more(reduction: int, steps: tuple[int, ...]) -> None:
    ladder = halving(reduction)
    assert ladder.steps == steps
    assert ladder.share(0) >= 0.1
    assert ladder.share(ladder.last) == 1
    assert sum(map(ladder.length, range(len(steps)))) == steps[-1]


def test_a_budget_ends_with_trials_or_time_whichever_is_first() -> None:
    now = 100.0
    budget = Budget(trials=3, seconds=50, spent=0, clock=lambda: now)
    assert [budget.allows(number) for number in range(4)] == [True, True, True, False]
    now = 150.0
    assert budget.over
    assert [budget.allows(number) for number in range(4)] == [True, False, False, False]
    resumed = Budget(trials=None, seconds=50, spent=30, clock=lambda: now)
    now = 169.0
    assert (resumed.spent, resumed.over) == (49, False)
    now = 170.0
    assert resumed.over


def test_the_time_left_is_the_mean_of_a_trial_for_each_round_of_the_workers() -> None:
    assert time_left([], trials_left=5, workers=2) is None
    assert time_left([], trials_left=None, workers=2, time_budget_left=60) == 60
    assert time_left([4, 8], trials_left=5, workers=2) == 6 * 3
    assert time_left([4, 8], trials_left=0, workers=2, time_budget_left=60) == 0
    assert time_left([4, 8], trials_left=None, workers=2, time_budget_left=60) == 66
    assert time_left([4, 8], trials_left=500, workers=2, time_budget_left=-3) == 6
    assert time_left([4, 8], trials_left=1, workers=2, time_budget_left=60) == 6
