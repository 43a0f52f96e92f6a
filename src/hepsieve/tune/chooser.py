"""The points of a space, one after the other, each chosen by the figures of those before it (optuna)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from math import floor, log10
from typing import Any

import numpy as np
import optuna
from optuna.trial import Trial, TrialState

from hepsieve.models.variants import RangeConfig
from hepsieve.tune.quiet import quiet

Space = Mapping[str, "RangeConfig | tuple[Any, ...]"]
Point = tuple[Any, ...]
_DIGITS = 3  # of a number in a range: no figure depends on more, and names stay short
_ATTEMPTS = 50  # at a point that was not tried before, by what the figures make likely; then by chance


class Chooser:
    """A tree-structured Parzen estimator over a space, which never gives a point twice.

    It depends on the seed and on the figures that it is told, on nothing else: no clock, no other generator.
    """

    def __init__(self, space: Space, *, startup: int, seed: int) -> None:
        """Begin with nothing known.

        Args:
            space: by setting, a list of values or a range.
            startup: how many points are drawn by chance, before figures count.
            seed: of all draws.
        """
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._tried: set[str] = set()
        self._open: Trial | None = None
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, multivariate=True)
        with quiet():
            self._study = optuna.create_study(direction="minimize", sampler=sampler)

    def next(self) -> Point | None:
        """The point to try now; None where all were tried."""
        for _ in range(_ATTEMPTS):
            trial = self._study.ask()
            point = self._point(trial)
            if str(point) not in self._tried:
                return self._begin(trial, point)
            self._study.tell(trial, state=TrialState.FAIL)  # which the estimator passes by
        if not (left := list(islice(self._untried(), 10_000))):
            return None
        self._study.enqueue_trial(self._numbers(left[int(self._rng.integers(len(left)))]))
        trial = self._study.ask()
        return self._begin(trial, self._point(trial))

    def tell(self, figure: float | None) -> None:
        """The figure of the point that was given last, the less the better; None where there is none."""
        assert self._open is not None
        if figure is None:
            self._study.tell(self._open, state=TrialState.FAIL)
        else:
            self._study.tell(self._open, figure)
        self._open = None

    def _begin(self, trial: Trial, point: Point) -> Point:
        self._open = trial
        self._tried.add(str(point))
        return point

    def _point(self, trial: Trial) -> Point:
        return tuple(_suggested(trial, name, axis) for name, axis in self._space.items())

    def _untried(self) -> Iterator[Point]:
        """What is left of a space that can be counted."""
        axes = [_counted(axis) for axis in self._space.values()]
        yield from (point for point in product(*axes) if str(point) not in self._tried)

    def _numbers(self, point: Point) -> dict[str, Any]:
        """A point as optuna's parameters."""
        return {
            name: value if isinstance(axis, RangeConfig) else [str(one) for one in axis].index(str(value))
            for (name, axis), value in zip(self._space.items(), point, strict=True)
        }


def _suggested(trial: Trial, name: str, axis: RangeConfig | tuple[Any, ...]) -> Any:
    if not isinstance(axis, RangeConfig):
        # By their places: optuna knows plain values only, and a list is none.
        return axis[trial.suggest_categorical(name, range(len(axis)))]
    if axis.whole:
        return trial.suggest_int(name, int(axis.low), int(axis.high), log=axis.log)
    return min(max(_rounded(trial.suggest_float(name, axis.low, axis.high, log=axis.log)), axis.low), axis.high)


def _counted(axis: RangeConfig | tuple[Any, ...]) -> Sequence[Any]:
    """The values of an axis; of a range that can't be counted none, as it is never used up."""
    if not isinstance(axis, RangeConfig):
        return axis
    return range(int(axis.low), int(axis.high) + 1) if axis.whole else ()


def _rounded(number: float) -> float:
    """To three digits.

    >>> _rounded(0.00123456), _rounded(98765.4)
    (0.00123, 98800.0)
    """
    return number if number == 0 else round(number, _DIGITS - 1 - floor(log10(abs(number))))
