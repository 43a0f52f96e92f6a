"""The exponential moving average of a PyTorch network's weights: beside them, and in their place to be judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray

from hepsieve.train.averaging import newest_share

_STEPS = "steps"


class Average:
    """The average of a network's weights over its latest steps; without ``ema`` there is none.

    Running means and variances are averaged with them: they then belong to the same steps, as those of the last batches
    would not.
    """

    def __init__(self, parameters: torch.Tensor, statistics: torch.Tensor, *, ema: float | None) -> None:
        """Begin with the weights of now.

        Args:
            parameters: all that is learned, in one vector that is changed in place.
            statistics: running means and variances, likewise.
            ema: the decay in the long run, for each step.
        """
        self._ema = ema or 0.0
        kept = {"parameters": parameters, "statistics": statistics} if self._ema > 0 else {}
        self._now = {name: vector for name, vector in kept.items() if vector.numel() > 0}
        self._averages = {name: vector.clone() for name, vector in self._now.items()}
        self._steps = 0

    def step(self) -> None:
        """Take the weights of now in, after a step of the optimiser."""
        if not self._now:
            return
        share = newest_share(self._ema, step=self._steps)
        for name, vector in self._now.items():
            self._averages[name].lerp_(vector, share)
        self._steps += 1

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the network has the averages in place of its weights; without ``ema`` it keeps its own."""
        own = {name: vector.clone() for name, vector in self._now.items()}
        for name, vector in self._now.items():
            vector.copy_(self._averages[name])
        try:
            yield
        finally:
            for name, vector in self._now.items():
                vector.copy_(own[name])

    def state(self) -> dict[str, torch.Tensor]:
        """What ``restore`` needs; nothing without ``ema``."""
        return {**self._averages, _STEPS: torch.tensor(self._steps)} if self._now else {}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what ``state`` gave."""
        for name, average in self._averages.items():
            average.copy_(torch.tensor(arrays[name]))
        if self._averages:
            self._steps = int(arrays[_STEPS].item())
