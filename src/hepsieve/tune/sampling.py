"""The next point of a search, from its method, what is known so far, and the number of the trial alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from hepsieve.tune.own_points import own_points
from hepsieve.tune.quiet import experimental, quiet
from hepsieve.tune.space import Space
from hepsieve.tune.trial_values import Point

_ATTEMPTS = 20  # at a point that was not tried before, by what the figures make likely
_BY_CHANCE = 200  # then
_COUNTED = 10_000  # points among which one is chosen, where hardly any are left


class Sampling:
    """What proposes the points of a search: of a grid all, else first the task's own settings.

    A proposal depends on the seed, the number of the trial and the trials so far, on nothing else: none of its draws
    is continued in the next one, so that an interrupted search goes on as if it had not been.
    """

    def __init__(self, space: Space, *, seed: int) -> None:
        """Begin.

        Args:
            space: whose points are proposed.
            seed: of all draws.
        """
        self._space, self._seed = space, seed
        # One after the other: a grid may have more points than a search ever comes to.
        self._coming = space.points() if space.tune.method == "grid" else iter(own_points(space))
        self._given: list[Point] = []

    def propose(self, number: int, trials: Sequence[FrozenTrial]) -> Point | None:
        """The point of the next trial, which no trial had before; None where none is left.

        Args:
            number: of the trial, from 0.
            trials: all that were begun before it.
        """
        self._given += islice(self._coming, max(0, number + 1 - len(self._given)))
        if number < len(self._given):
            return self._given[number]
        if self._space.tune.method == "grid":
            return None
        tried = {same_point(trial.params) for trial in trials}
        with quiet():
            study = optuna.create_study(direction=direction(self._space))
            study.add_trials(trials)
            for attempt in range(_ATTEMPTS + _BY_CHANCE):
                study.sampler = self._sampler(number, attempt)
                trial = study.ask()
                point = self._space.suggest(trial)
                if same_point(self._space.parameters_of(point)) not in tried:
                    return point
                study.tell(trial, state=TrialState.FAIL)  # which samplers pass by
        return self._left(number, tried)

    def _left(self, number: int, tried: set[str]) -> Point | None:
        if not self._space.countable:
            return None
        every = (point for point in self._space.points() if same_point(self._space.parameters_of(point)) not in tried)
        left = list(islice(every, _COUNTED))
        if not left:
            return None
        return left[int(np.random.default_rng([self._seed, number]).integers(len(left)))]

    def _sampler(self, number: int, attempt: int) -> BaseSampler:
        seed = int(np.random.SeedSequence([self._seed, number, attempt]).generate_state(1)[0])
        if self._space.tune.method == "random" or attempt >= _ATTEMPTS:
            return RandomSampler(seed=seed)
        with experimental():
            return TPESampler(
                seed=seed,
                n_startup_trials=self._space.tune.startup,
                multivariate=True,
                group=True,
                constant_liar=True,
            )


class Halving:
    """Which trials go on at a rung: Optuna's asynchronous successive halving, one rung at a time."""

    def __init__(self, space: Space) -> None:
        """Begin with no trial at any rung."""
        self._direction = direction(space)
        self._pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=space.tune.reduction)
        self._rungs: dict[int, optuna.Study] = {}

    def goes_on(self, rung: int, figure: float) -> bool:
        """Whether a trial that reaches a rung with this figure is among the best that reached it so far."""
        if rung not in self._rungs:
            with quiet():
                self._rungs[rung] = optuna.create_study(direction=self._direction, pruner=self._pruner)
        trial = self._rungs[rung].ask()
        trial.report(figure, step=1)
        return not trial.should_prune()


def direction(space: Space) -> StudyDirection:
    """Which figures win, as Optuna says it."""
    return StudyDirection.MAXIMIZE if space.better == "larger" else StudyDirection.MINIMIZE


def as_parameters(space: Space, point: Point) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """A point as Optuna keeps it: values by name, and the distributions that they come from."""
    trial = FixedTrial(space.parameters_of(point))
    space.suggest(trial)
    return dict(trial.params), dict(trial.distributions)


def same_point(parameters: Mapping[str, Any]) -> str:
    """Text that is equal for equal points."""
    return json.dumps(dict(parameters), sort_keys=True)
