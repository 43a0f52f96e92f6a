"""Batch normalisation by the means and variances of the whole batch, of which each process has a share.

PyTorch's own (``torch.nn.SyncBatchNorm``) works on GPUs only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Sum = Callable[[torch.Tensor], torch.Tensor]
"""A tensor to its sum over all processes."""
Normalisation = torch.nn.BatchNorm1d | torch.nn.BatchNorm2d

_backward = torch.ops.aten.native_batch_norm_backward


class SharedNorm(torch.nn.Module):
    """What a ``torch.nn.BatchNorm1d`` or ``2d`` computes, for the whole batch.

    Attributes:
        weight: of each channel, and all others: the very tensors of the module whose place it takes.
    """

    def __init__(self, own: Normalisation, total: Sum) -> None:
        """Take the place of a module, with its weights and running means."""
        super().__init__()
        assert own.momentum is not None
        self.weight, self.bias = own.weight, own.bias
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.register_buffer("running_mean", own.running_mean)
        self.register_buffer("running_var", own.running_var)
        self._epsilon, self._momentum, self._total = own.eps, own.momentum, total

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The same shape (n, channels) or (n, channels, rows, columns)."""
        if not self.training:
            return torch.nn.functional.batch_norm(
                values, self.running_mean, self.running_var, self.weight, self.bias, eps=self._epsilon
            )
        outputs, mean, variance, count = _Normalised.apply(  # type: ignore[no-untyped-call]
            values, self.weight, self.bias, self._epsilon, self._total
        )
        self._remember(mean, variance * count / (count - 1))
        found: torch.Tensor = outputs
        return found

    @torch.no_grad()
    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        self.running_mean.lerp_(mean, self._momentum)
        self.running_var.lerp_(variance, self._momentum)


def share_normalisations(model: torch.nn.Module, total: Sum) -> None:
    """Let every batch normalisation of a model count the events of all processes; done in place."""
    for name, part in model.named_children():
        if isinstance(part, Normalisation):
            setattr(model, name, SharedNorm(part, total))
        else:
            share_normalisations(part, total)


def has_shared_norm(model: torch.nn.Module) -> bool:
    """Whether a model has any such normalisation."""
    return any(isinstance(part, SharedNorm) for part in model.modules())


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, epsilon: float, total: Sum
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        over = [axis for axis in range(values.ndim) if axis != 1]
        own = torch.var_mean(values.float(), over, correction=0)
        spread, centre = (each.double() for each in own)
        count = centre.new_full((1,), values.numel() // values.shape[1])
        # In float64 the sum of squares does not lose the variance, however small it is beside the mean.
        sums = total(torch.cat([count, count * centre, count * (spread + centre.square())]))
        count, (mean, square) = sums[:1], (sums[1:] / sums[0]).chunk(2)
        variance = (square - mean.square()).clamp_(min=0).float()
        mean, count = mean.float(), count.float()
        ctx.save_for_backward(values, weight, mean, variance, count)
        ctx.epsilon, ctx.total = epsilon, total
        ctx.mark_non_differentiable(mean, variance, count)
        outputs = torch.nn.functional.batch_norm(values, mean, variance, weight, bias, eps=epsilon)
        return outputs, mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None, None]:
        values, weight, mean, variance, count = ctx.saved_tensors
        wide = values.float()  # in bfloat16 the three terms below would lose what is left of them
        # As if mean and variance were constants.
        to_values, to_weight, to_bias = _backward(
            gradients[0].float(), wide, weight, mean, variance, None, None, False, ctx.epsilon, [True, True, True]
        )
        # They depend on the values of every process, and every process's outputs on them.
        of_weight, of_bias = ctx.total(torch.cat([to_weight, to_bias])).chunk(2)
        inverse = torch.rsqrt(variance + ctx.epsilon)
        slope = weight * inverse.square() * of_weight / count
        offset = weight * inverse * of_bias / count - slope * mean
        shape = (1, -1) + (1,) * (values.ndim - 2)
        to_values.addcmul_(wide, slope.view(shape), value=-1).sub_(offset.view(shape))
        return to_values.to(values.dtype), to_weight, to_bias, None, None
