"""Scores put in order once, so that every efficiency afterwards is a running sum of weights."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import DataError

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One class's events from the highest score to the lowest, and where the other class's events lie between them.

    Attributes:
        score: shape (n,), falling.
        weight: shape (n,), in the same order.
        steps: shape (k,), the distinct scores, falling; equal scores are one step.
        reached: shape (k,), how many events of this class score at least ``steps``.
        other_above: shape (k,), how many events of the other class score more than ``steps``.
        other_reached: shape (k,), how many events of the other class score at least ``steps``.
        shares: whether any event of the other class has the same score as one of these.
    """

    score: Floats
    weight: Floats
    steps: Floats
    reached: Rows
    other_above: Rows
    other_reached: Rows
    shares: bool

    def __len__(self) -> int:
        """The number of events."""
        return len(self.score)

    @cached_property
    def running(self) -> tuple[Floats, Floats]:
        """Σw and Σw² of the first 0, 1, … n events, shape (n + 1,) each; computed once."""
        return cumulative(self.weight), cumulative(np.square(self.weight))


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """Both classes of a sample in the order of their scores."""

    background: Side
    signal: Side

    @classmethod
    def of(
        cls, target: NDArray[Any], score: NDArray[Any], weight: NDArray[Any] | None = None, *, what: str = "sample"
    ) -> Ranked:
        """Sort a sample.

        Args:
            target: shape (n,), 0 for background and 1 for signal.
            score: shape (n,), any finite numbers; larger is more signal-like.
            weight: shape (n,), possibly negative; 1 for every event if not given.
            what: the sample's name in errors.

        Raises:
            DataError: naming the first row that is neither class, or that is not finite.
        """
        target, score = np.asarray(target), np.asarray(score, dtype=np.float64)
        weight = np.ones(len(score)) if weight is None else np.asarray(weight, dtype=np.float64)
        check(target, score, weight, what)
        is_signal = target == 1
        background = _falling(score[~is_signal], weight[~is_signal])
        signal = _falling(score[is_signal], weight[is_signal])
        return cls(background=_side(*background, signal[0]), signal=_side(*signal, background[0]))


def check(target: NDArray[Any], score: Floats, weight: Floats, what: str) -> None:
    """Refuse arrays that do not fit together or hold what no figure could be computed from.

    Raises:
        DataError: naming ``what``, the row and the value.
    """
    if not target.shape == score.shape == weight.shape == (len(score),):
        raise DataError(
            f"{what}: target {target.shape}, score {score.shape} and weight {weight.shape} differ in shape; "
            "give one number per event"
        )
    for name, bad in (
        ("target", (target != 0) & (target != 1)),
        ("score", ~np.isfinite(score)),
        ("weight", ~np.isfinite(weight)),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            found = {"target": target, "score": score, "weight": weight}[name][row]
            need = "0 or 1" if name == "target" else "a finite number"
            raise DataError(f"{what}: {name} of row {row} is {found}; it must be {need}")


class Scratch(threading.local):
    """Arrays that a thread fills over and over: at this size fresh ones cost more in page faults than the sums do."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._arrays: dict[str, Floats] = {}

    def __call__(self, name: str, n: int) -> Floats:
        """This thread's array of this name, n numbers long, with whatever was left in it."""
        if name not in self._arrays or len(self._arrays[name]) != n:
            self._arrays[name] = np.empty(n)
        return self._arrays[name]


def cumulative(weight: Floats, out: Floats | None = None) -> Floats:
    """Sums of the first 0, 1, … n weights, shape (n + 1,); written to ``out`` if given."""
    sums = np.empty(len(weight) + 1) if out is None else out
    sums[0] = 0.0
    np.cumsum(weight, out=sums[1:])
    return sums


def _falling(score: Floats, weight: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    return score[order], weight[order]


def _side(score: Floats, weight: Floats, other: Floats) -> Side:
    last_of_step = np.ones(len(score), dtype=bool)
    last_of_step[:-1] = score[:-1] != score[1:]
    steps = score[last_of_step]
    rising = other[::-1]
    above = len(other) - np.searchsorted(rising, steps, side="right")
    reached = len(other) - np.searchsorted(rising, steps, side="left")
    return Side(
        score=score,
        weight=weight,
        steps=steps,
        reached=np.flatnonzero(last_of_step) + 1,
        other_above=above,
        other_reached=reached,
        shares=not np.array_equal(above, reached),
    )
