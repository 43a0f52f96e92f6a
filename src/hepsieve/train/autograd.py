"""Any PyTorch network under training: PyTorch finds the derivatives."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from hepsieve.models.config import TrainConfig
from hepsieve.models.torch.tabular import TabM, joined
from hepsieve.models.torch.team import Team
from hepsieve.train.average import Average
from hepsieve.train.descent import descent
from hepsieve.train.layout import as_vector, views
from hepsieve.train.member_passes import MemberPasses, has_passes
from hepsieve.train.objective import CROSS_ENTROPY, Objective
from hepsieve.train.ranks import ALONE, Ranks
from hepsieve.train.torch_losses import members_losses, weighted_losses
from hepsieve.train.torch_model import TorchModel, statistics


class AutogradNetwork:
    """A network under training.

    Attributes:
        parameters: all its weights and biases in one float32 vector, of which the model's are views.
        statistics: all running means and variances, likewise.
        descent: the optimiser.
        average: of parameters and statistics over the latest steps.
    """

    def __init__(
        self,
        model: TorchModel,
        settings: TrainConfig,
        *,
        shape: tuple[int, ...],
        objective: Objective = CROSS_ENTROPY,
        ranks: Ranks = ALONE,
        rows: int = 0,
        team: Team | None = None,
    ) -> None:
        """Take up a model, on the device where it is.

        Args:
            model: its weights are where training starts.
            settings: optimiser, precision, weight decay and average.
            shape: of the inputs of one event.
            objective: what is minimised.
            ranks: the processes whose gradients are added up; each steps on the sum.
            rows: events in the largest batch.
            team: what the members of an ensemble in one network are divided among, on the CPU; None computes all at
                once.
        """
        self._model = model.train()
        self._shape = shape
        self._objective = objective
        self._decay = settings.weight_decay
        self._precision = settings.precision
        weights, buffers = list(model.parameters()), statistics(model)
        self.parameters, self.statistics = as_vector(weights), as_vector(buffers)
        self._gradient = torch.zeros_like(self.parameters)
        for owned, vector in ((weights, self.parameters), (buffers, self.statistics)):
            for tensor, view in zip(owned, views(vector, owned), strict=True):
                tensor.data = view
        for weight, gradient in zip(weights, views(self._gradient, weights), strict=True):
            weight.grad = gradient
        self.descent = descent(settings, self.parameters)
        self.average = Average(self.parameters, self.statistics, ema=settings.ema)
        self._passes = None
        if isinstance(model, TabM) and team is not None and ranks.size == 1 and has_passes(model.config):
            dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
            self._passes = MemberPasses(model, rows=rows, team=team, objective=objective, dtype=dtype)
        self._outputs = ranks.exchanging(self._model)

    def input_block(self, rows: int) -> torch.Tensor:
        """Memory for the inputs of so many events."""
        return self.parameters.new_empty(rows, *self._shape)

    def step(
        self, inputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor, outputs: torch.Tensor, rate: float
    ) -> None:
        """Fill in the outputs of a batch, then change the weights by one step of the optimiser.

        Args:
            inputs: shape (n, q), (n, height, width, channels) of images, or (n, time, channels) of waveforms.
            target: in [0, 1], shape (n,).
            share: what each event's loss is weighted with, shape (n,).
            outputs: logits, shape (n,), float32; with predicted widths (n, 2).
            rate: the learning rate.
        """
        if self._passes is None:
            self._find_gradient(inputs, target, share, outputs)
        else:
            self._passes.run(inputs, target, share, outputs)
        if self._decay > 0:
            self.parameters.mul_(1 - rate * self._decay)
        self.descent.step(self.parameters, self._gradient, rate)
        self.average.step()

    def restore(self, parameters: torch.Tensor, statistics: torch.Tensor) -> None:
        """Take those of a former training."""
        self.parameters.copy_(parameters)
        self.statistics.copy_(statistics)

    def model(self) -> TorchModel:
        """The model with the weights of now."""
        return self._model

    def _find_gradient(
        self, inputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor, outputs: torch.Tensor
    ) -> None:
        with self._computing():
            found = self._outputs(inputs).float()
        members = isinstance(self._model, TabM)
        losses = members_losses if members else weighted_losses
        loss = losses(self._objective, found, target, share).sum()
        self._gradient.zero_()
        loss.backward()  # type: ignore[no-untyped-call]
        outputs.copy_(joined(found.detach()) if members else found.detach())

    def _computing(self) -> AbstractContextManager[object]:
        if self._precision == "bf16":
            return torch.autocast(self.parameters.device.type, dtype=torch.bfloat16)
        return nullcontext()
