"""The frozen results of counting event weights."""

from __future__ import annotations

from typing import Literal

from hepsieve.evaluate.frozen import Result

Policy = Literal["keep", "abs", "drop"]
# Events that count as fewer than half their number deserve a word.
FEW = 0.5


class Weighed(Result):
    """The weights of some events.

    Attributes:
        name: the class; empty for all events of a regression.
        events: how many there are.
        total: the sum of their weights.
        effective: Kish's effective number, (Σw)²/Σw²: so many events of equal weight would tell a mean as well.
        negative: how many have a negative weight.
        negative_share: Σ|w| over these, divided by Σ|w| over all.
    """

    name: str
    events: int
    total: float
    effective: float
    negative: int
    negative_share: float


class WeightSummary(Result):
    """What the event weights do to the size of the samples.

    Attributes:
        parts: by part, its classes, background before signal; cross-validated, there is no ``validation``.
        policy: what training does with negative weights (``train.negative_weights``).
        trained: the training part after that policy, by class; equal to ``parts["train"]`` where nothing is negative.
    """

    parts: dict[str, tuple[Weighed, ...]]
    policy: Policy
    trained: tuple[Weighed, ...]

    @property
    def negative(self) -> bool:
        """Whether any weight is negative."""
        return any(one.negative for part in self.parts.values() for one in part)

    def few(self) -> tuple[tuple[str, Weighed], ...]:
        """The parts and classes whose events count as fewer than half their number."""
        return tuple(
            (part, one) for part, weighed in self.parts.items() for one in weighed if one.effective < FEW * one.events
        )
