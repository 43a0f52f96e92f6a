"""What an epoch of a PyTorch training adds up while it runs, and the figures that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hepsieve.train.batches import Block
from hepsieve.train.figures import Figures
from hepsieve.train.objective import Kind


class Sums:
    """The sums of an epoch that is on its way.

    Attributes:
        blocks: that are done.
        loss: of all batches so far, each as often as it has events.
        right: the summed weight of the events that were right.
        square: the summed weighted squared residuals of a regression.
    """

    def __init__(self, device: torch.device) -> None:
        """Begin with nothing."""
        self.blocks, self.loss = 0, 0.0
        self.right, self.square = torch.zeros((), device=device), torch.zeros((), device=device)

    def add(self, block: Block, losses: NDArray[np.float64]) -> None:
        """Count a block; ``losses`` are the means of its batches."""
        self.blocks += 1
        self.loss += float(losses @ block.sizes)
        self.right += block.right()
        self.square += block.squares()

    def figures(self, kind: Kind, events: int) -> Figures:
        """The figures of an epoch of so many events."""
        return Figures.of_means(
            kind, loss=self.loss / events, right=self.right.item() / events, square=self.square.item() / events
        )

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """What ``resume`` needs: arrays, and facts that JSON can hold."""
        return {"right": self.right, "square": self.square}, {"blocks": self.blocks, "loss": self.loss}

    def resume(self, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.blocks, self.loss = facts["blocks"], facts["loss"]
        self.right.fill_(arrays["right"].item())
        self.square.fill_(arrays["square"].item())
