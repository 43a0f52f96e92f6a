"""The frozen results of taking the test part apart by a column: figures of every slice, and what differs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hepsieve.evaluate.frozen import Result
from hepsieve.evaluate.quantity import Quantity


class Difference(Result):
    """How far a figure of one slice lies from the same figure of all other events.

    Attributes:
        quantity: the slice's figure minus that of the rest.
        p_value: of no difference, two-sided.
        p_adjusted: the same after Holm's correction for all comparisons of the family.
    """

    quantity: Quantity
    p_value: float
    p_adjusted: float

    @property
    def significant(self) -> bool:
        """Whether the difference stands at 5 % after the correction."""
        return self.p_adjusted < 0.05


class Slice(Result):
    """The test events with one value of a column, or in one bin: how many, and the AUC of every model among them.

    A bin has no ``value``; it holds what is at least ``low`` and less than ``high``, of which None is no limit. Where
    only signal is taken apart, ``n_background`` counts all background events, against which the AUC is, and
    ``efficiencies`` has, by model and working point, the share of the slice's signal that is kept. ``metrics`` holds
    all figures by model and metric, the AUC among them, where there are ten events of either class; ``differs`` those
    that differ significantly from the same figure of all other events.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n_signal: int
    n_background: int
    auc: dict[str, Quantity]
    efficiencies: dict[str, dict[str, Quantity]] = Field(default_factory=dict)
    metrics: dict[str, dict[str, Quantity]] = Field(default_factory=dict)
    differs: dict[str, dict[str, Difference]] = Field(default_factory=dict)

    def holds(self, value: float) -> bool:
        """Whether events with this value of the column are in the slice."""
        if self.value is not None:
            return value == self.value
        return (self.low is None or self.low <= value) and (self.high is None or value < self.high)


class Slices(Result):
    """The test part taken apart by the values of a column, or by bins that were cut on training events.

    ``of`` tells whether all events are taken apart or those of signal alone, each slice beside all background; ``says``
    is then, in a sentence, from where on the best model tells signal from background. ``trained_on`` names, for a model
    that did not learn from all values, those that it did learn from; ``events_without_value`` are in no slice.
    """

    column: str
    unit: str
    slices: tuple[Slice, ...]
    of: Literal["events", "signal"] = "events"
    says: str = ""
    trained_on: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    events_without_value: int = 0
    tests: int = 0
    resamples: int = 0

    @property
    def in_bins(self) -> bool:
        """Whether the slices are bins, not single values."""
        return any(one.value is None for one in self.slices)

    def unseen(self, model: str, one: Slice) -> bool:
        """Whether the model learned from no event of this slice."""
        return model in self.trained_on and not any(one.holds(value) for value in self.trained_on[model])
