"""Seconds that epochs took to seconds that trainings will probably take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

_EARLY = 0.35  # of a training that may be stopped early, before any of its kind was
_EARLIEST = 0.15
_MARGIN = 1.1


class Expected(Protocol):
    """A model, as far as its cost depends on it."""

    @property
    def name(self) -> str:
        """In the run."""

    @property
    def group(self) -> str:
        """Of which kind it is."""

    @property
    def most(self) -> int:
        """Epochs of a training."""

    @property
    def patient(self) -> bool:
        """Whether a training may be over before."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a training, or the beginning of one, took.

    Attributes:
        epochs: that it went through.
        each: seconds of one epoch.
        fixed: seconds of everything else.
    """

    epochs: int
    each: float
    fixed: float

    @classmethod
    def of(cls, epochs: Sequence[float], seconds: float) -> Cost:
        """The cost of a training whose epochs took these seconds, and all of it so many.

        The first epoch, in which libraries warm up, does not stand for the others.

        >>> Cost.of([3.0, 1.0, 1.0], seconds=6.0)
        Cost(epochs=3, each=1.0, fixed=3.0)
        """
        each = median(epochs[1:] or epochs)
        return cls(epochs=len(epochs), each=each, fixed=max(0.0, seconds - each * len(epochs)))


class Costs:
    """What is known of the costs of models."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._known: dict[str, Cost] = {}
        self._shares: dict[str, list[float]] = {}

    def knows(self, model: Expected) -> bool:
        """Whether anything of this model was carried out."""
        return model.name in self._known

    def learn(self, model: Expected, cost: Cost, *, whole: bool) -> None:
        """What a training, or with ``whole`` false its first epochs, took."""
        former = self._known.get(model.name)
        if former is None or cost.epochs >= former.epochs:
            self._known[model.name] = cost
        if whole:
            self._shares.setdefault(model.group, []).append(cost.epochs / model.most)

    def same(self, model: Expected, other: Expected) -> None:
        """This model costs what the other one does."""
        self._known[model.name] = self._known[other.name]

    def seconds(self, model: Expected, *, hopeful: bool = False) -> float:
        """Of one training of it, with a margin; ``hopeful`` of one that may be stopped early that it will be."""
        cost = self._known[model.name]
        return _MARGIN * (cost.fixed + self._share(model, hopeful=hopeful) * model.most * cost.each)

    def _share(self, model: Expected, *, hopeful: bool) -> float:
        """Of its epochs, how many it will probably go through."""
        if not model.patient:
            return 1.0
        if known := self._shares.get(model.group):
            return max(known)
        return _EARLIEST if hopeful else _EARLY
