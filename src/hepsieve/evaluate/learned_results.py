"""What models learned from beside the training events of the data: simulated events, and other runs."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from hepsieve.evaluate.frozen import Result


class SimulatedEvents(Result):
    """Simulated events that were learned from, and on which nothing was stopped, chosen or judged.

    Attributes:
        n: how many.
        n_signal: of them, of class 1; None in a regression.
        sources: where they come from.
        fingerprint: equal ones mean equal events.
        weights: by model, their total weight in its training over that of the genuine events.
        by: the figure on genuine validation events that chose a weight where several were tried.
        tried: by model, that figure for each weight (as text); empty where there was one weight only.
    """

    n: int
    n_signal: int | None = None
    sources: tuple[str, ...]
    fingerprint: str
    weights: Mapping[str, float]
    by: str = "auc"
    tried: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)
