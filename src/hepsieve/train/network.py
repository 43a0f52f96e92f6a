"""Network: what the PyTorch loop asks of a network under training, however its derivatives are found."""

from __future__ import annotations

from typing import Protocol

import torch

from hepsieve.train.average import Average
from hepsieve.train.descent import Descent
from hepsieve.train.torch_model import TorchModel


class Network(Protocol):
    """A network under training.

    Attributes:
        parameters: all that is learned, in one float32 vector.
        statistics: running means and variances of its batches in one float32 vector; empty where it keeps none.
        descent: the optimiser.
        average: of all these over the latest steps, where that is asked for.
    """

    parameters: torch.Tensor
    statistics: torch.Tensor
    descent: Descent
    average: Average

    def input_block(self, rows: int) -> torch.Tensor:
        """Memory for the inputs of so many events, to be filled in from the first column on.

        Of images, all of it is to be filled in: shape (rows, height, width, channels); of waveforms likewise.
        """

    def step(
        self, inputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor, outputs: torch.Tensor, rate: float
    ) -> None:
        """Fill in the outputs of a batch, then change the parameters by one step of the optimiser.

        Args:
            inputs: rows of an ``input_block``.
            target: in [0, 1], shape (n,).
            share: what each event's loss is weighted with, shape (n,).
            outputs: logits, shape (n,), float32; with predicted widths (n, 2).
            rate: the learning rate.
        """

    def restore(self, parameters: torch.Tensor, statistics: torch.Tensor) -> None:
        """Take those of a former training."""

    def model(self) -> TorchModel:
        """The model with the parameters of now."""
