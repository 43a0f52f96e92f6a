"""All events in the order of their scores once, and the ROC curve of any part of them by running sums alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.ranked import Floats, cumulative
from hepsieve.evaluate.roc import ROUNDING


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Sums of weights above falling steps of the score.

    Attributes:
        score: shape (k,), the distinct scores, falling.
        background: shape (k + 1,), the weight of background before the first and after each of them.
        signal: shape (k + 1,), likewise.
    """

    score: Floats
    background: Floats
    signal: Floats

    @property
    def defined(self) -> bool:
        """Whether both classes have a positive total weight."""
        return bool(self.background[-1] > 0 and self.signal[-1] > 0)

    def auc(self) -> float:
        """The area under the curve, ties counting half; NaN if undefined."""
        if not self.defined:
            return float("nan")
        area = np.einsum("i,i->", np.diff(self.background), self.signal[1:] + self.signal[:-1])
        return float(area / (2 * self.background[-1] * self.signal[-1]))

    def step_of_signal(self, efficiency: float) -> int:
        """How many steps the tightest cut takes that keeps at least this share of signal."""
        return 1 + _first(self.signal[1:], efficiency * self.signal[-1] * (1 - ROUNDING))

    def step_of_background(self, efficiency: float) -> int:
        """How many steps are taken before more than this share of background passes; at 0, before any that counts."""
        sums = self.background[1:]
        limit = efficiency * self.background[-1] * (1 + ROUNDING)
        exceeded = sums > limit if efficiency else sums != 0
        return int(np.argmax(exceeded)) if exceeded.any() else len(sums)

    def background_at(self, signal_efficiency: float) -> float:
        """As ``roc.background_at``; NaN if undefined."""
        if not self.defined:
            return float("nan")
        return float(self.background[self.step_of_signal(signal_efficiency)] / self.background[-1])

    def signal_at(self, background_efficiency: float) -> float:
        """As ``roc.signal_at``; NaN if undefined."""
        if not self.defined:
            return float("nan")
        return float(self.signal[self.step_of_background(background_efficiency)] / self.signal[-1])


class Ordered:
    """Scored events from the highest score to the lowest.

    Attributes:
        order: shape (n,), which event each is.

    Args:
        target: shape (n,), 0 for background and 1 for signal.
        score: shape (n,).
        weight: shape (n,).
    """

    def __init__(self, target: NDArray[Any], score: Floats, weight: Floats) -> None:
        """Sort once."""
        self.order = np.argsort(-score, kind="stable")
        self._score = score[self.order]
        signal = target[self.order] == 1
        self._signal = np.where(signal, weight[self.order], 0.0)
        self._background = np.where(signal, 0.0, weight[self.order])

    def curve(self, kept: NDArray[np.bool_] | None = None) -> Curve:
        """The curve of some of the events, shape (n,) in the order of the sample; of all if not given."""
        score, background, signal = self._score, self._background, self._signal
        if kept is not None:
            rows = np.flatnonzero(kept[self.order])
            score, background, signal = score[rows], background[rows], signal[rows]
        last = _last_of_step(score)
        return Curve(score=score[last], background=_sums(background, last), signal=_sums(signal, last))

    def signal_above(self, kept: NDArray[np.bool_]) -> Floats:
        """For events on each step of the whole sample, from 1: the share of this signal above, ties counting half.

        Shape (k + 1,); the first entry stands for no step.

        Args:
            kept: shape (n,), in the order of the sample; without signal among them all shares are NaN.
        """
        sums = _sums(self._signal * kept[self.order], _last_of_step(self._score))
        with np.errstate(invalid="ignore", divide="ignore"):
            return _middle(sums / sums[-1])

    def steps(self) -> NDArray[np.intp]:
        """On which of the falling steps of the whole sample each event stands, from 1; equal scores share one."""
        last = _last_of_step(self._score)
        step = np.empty(len(last), dtype=np.intp)
        step[self.order] = np.cumsum(last) - last + 1
        return step


def placements(curve: Curve) -> tuple[Floats, Floats]:
    """For events on each step, from 1 on: the share of signal above and of background below, ties counting half.

    Shape (k + 1,) each; the first entries stand for no step.
    """
    above, below = curve.signal / curve.signal[-1], 1 - curve.background / curve.background[-1]
    return _middle(above), _middle(below)


def _middle(sums: Floats) -> Floats:
    middle = np.empty(len(sums))
    middle[0] = sums[0]
    middle[1:] = (sums[1:] + sums[:-1]) / 2
    return middle


def _last_of_step(falling: Floats) -> NDArray[np.bool_]:
    last = np.ones(len(falling), dtype=bool)
    last[:-1] = falling[:-1] != falling[1:]
    return last


def _sums(weight: Floats, last: NDArray[np.bool_]) -> Floats:
    sums = cumulative(weight)
    return sums if last.all() else sums[np.concatenate([[0], np.flatnonzero(last) + 1])]


def _first(sums: Floats, wanted: float) -> int:
    """The first place at which running sums reach this."""
    return int(np.argmax(sums >= wanted))
