"""Any PyTorch network under training: PyTorch finds the derivatives."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from hepsieve.models.config import TrainConfig
from hepsieve.models.torch.mlp import MLP
from hepsieve.train.descent import descent


class AutogradNetwork:
    """A network under training.

    Attributes:
        parameters: all its weights and biases in one float32 vector, of which the model's are views.
        descent: the optimiser.
    """

    def __init__(self, model: MLP, settings: TrainConfig) -> None:
        """Take up a model, on the device where it is; its weights are where training starts."""
        self._model = model.train()
        self._decay = settings.weight_decay
        self._precision = settings.precision
        self.parameters = parameters_to_vector(model.parameters()).detach()
        self._gradient = torch.zeros_like(self.parameters)
        vector_to_parameters(self.parameters, model.parameters())
        parts = torch.split(self._gradient, [parameter.numel() for parameter in model.parameters()])
        for parameter, part in zip(model.parameters(), parts, strict=True):
            parameter.grad = part.view_as(parameter)
        self.descent = descent(settings, self.parameters)

    def input_block(self, rows: int) -> torch.Tensor:
        """Memory for the inputs of so many events."""
        first = self._model.linears()[0]
        return torch.empty(rows, first.in_features, device=first.weight.device)

    def step(
        self, inputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor, logits: torch.Tensor, rate: float
    ) -> None:
        """Fill in the logits of a batch, then change the weights by one step of the optimiser.

        Args:
            inputs: shape (n, q).
            target: 0 or 1, shape (n,).
            share: what each event's loss is weighted with, shape (n,).
            logits: shape (n,), float32.
            rate: the learning rate.
        """
        with self._computing():
            found = self._model(inputs).float()
        loss = binary_cross_entropy_with_logits(found, target, weight=share, reduction="sum")
        self._gradient.zero_()
        loss.backward()  # type: ignore[no-untyped-call]
        logits.copy_(found.detach())
        if self._decay > 0:
            self.parameters.mul_(1 - rate * self._decay)
        self.descent.step(self.parameters, self._gradient, rate)

    def restore(self, parameters: torch.Tensor) -> None:
        """Take the parameters of a former training."""
        self.parameters.copy_(parameters)

    def model(self) -> MLP:
        """The model with the weights of now."""
        return self._model

    def _computing(self) -> AbstractContextManager[object]:
        if self._precision == "bf16":
            return torch.autocast(self.parameters.device.type, dtype=torch.bfloat16)
        return nullcontext()
