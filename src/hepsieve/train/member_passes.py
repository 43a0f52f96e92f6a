"""The gradient of a TabM network without autograd, a few members at a time, which stay in the processor's caches.

A member's layer ((x · r) W) · s + b is one product with a matrix of its own, W · s rᵀ, which is made anew in every
step; the derivatives of r, s and W all follow from that of this matrix. So a batch is passed over once for each product
and activation, whatever the factors. Threads take groups of members, and no bit depends on how many threads there are.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from hepsieve.models.tabular_config import TabMConfig
from hepsieve.models.torch.tabular import TabM, joined
from hepsieve.models.torch.team import Team
from hepsieve.train.objective import Objective
from hepsieve.train.torch_losses import logit_derivatives

# Values of a group's widest layer: they and its matrices stay in a processor's caches.
_VALUES_AT_ONCE = 1 << 18
# Fewer groups than this would leave threads without work.
_FEWEST_GROUPS = 8
_LEVELS = 256  # dropout compares random bytes

_threshold_backward = torch.ops.aten.threshold_backward.grad_input


def has_passes(config: TabMConfig) -> bool:
    """Whether ``MemberPasses`` can find this network's gradient: plain layers of ReLU, one output."""
    plain = not config.residual and config.normalisation == "none" and config.activation == "relu"
    return plain and config.loss != "gaussian"


class MemberPasses:
    """Batches to gradients, in memory that is claimed once."""

    def __init__(self, model: TabM, *, rows: int, team: Team, objective: Objective, dtype: torch.dtype) -> None:
        """For a model on the CPU whose parameters and their ``grad`` keep their places in memory.

        Args:
            model: its weights are read and their gradients overwritten.
            rows: events in the largest batch.
            team: what the groups of members are divided among.
            objective: what is minimised.
            dtype: what products are computed in: float32 or bfloat16.
        """
        config = model.config
        self._model, self._team, self._dtype = model, team, dtype
        at_once = max(1, _VALUES_AT_ONCE // (rows * config.width))
        groups = max(-(-config.members // at_once), min(_FEWEST_GROUPS, config.members))
        bounds = np.linspace(0, config.members, groups + 1).astype(int)
        self._groups = [slice(int(a), int(b)) for a, b in pairwise(bounds)]
        layers = [_Layer.of(model, number, groups) for number in range(config.blocks)]
        self._shared = [layer.of_weight for layer in layers]
        most = max(group.stop - group.start for group in self._groups)
        embedded = layers[0].weight.shape[1]
        self._of_inputs = torch.zeros(groups, rows if config.embedding else 0, embedded)
        self._logits = torch.empty(config.members, rows)
        self._workers = [
            _Worker(model, layers, self._of_inputs, members=most, rows=rows, objective=objective, dtype=dtype)
            for _ in range(team.threads)
        ]

    def run(self, inputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor, outputs: torch.Tensor) -> None:
        """Fill in the logits of a batch, shape (n,), and the gradients of the mean of the members' weighted losses.

        Args:
            inputs: shape (n, q).
            target: in [0, 1], shape (n,).
            share: what each event's loss is weighted with, shape (n,).
            outputs: to be filled in.
        """
        n = len(inputs)
        embedded = self._model.embedded(inputs)
        batch = _Batch(
            inputs=embedded.detach().to(self._dtype),
            target=target,
            share=share / self._model.config.members,
            logits=self._logits[:, :n],
            seed=int(torch.randint(2**62, ())) if self._model.config.dropout > 0 else 0,
        )
        numbered = list(enumerate(self._groups))
        work = [(worker, numbered[k :: len(self._workers)]) for k, worker in enumerate(self._workers)]
        self._team.do(lambda item: item[0].run(batch, item[1]), work)
        outputs.copy_(joined(batch.logits.t().unsqueeze(2)))
        for layer, gradients in enumerate(self._shared):
            torch.sum(gradients, 0, out=_grad(self._model.of(f"layers.{layer}.weight")))
        if self._model.config.embedding is not None:
            self._embedding_gradient(embedded, self._of_inputs[:, :n].sum(0))

    def _embedding_gradient(self, embedded: torch.Tensor, gradient: torch.Tensor) -> None:
        found = [value for name, value in self._model.named_parameters() if name.startswith("embedding")]
        for parameter in found:
            _grad(parameter).zero_()
        embedded.backward(gradient, inputs=found)  # type: ignore[no-untyped-call]


class _Batch(NamedTuple):
    """What the groups of members all see."""

    inputs: torch.Tensor
    target: torch.Tensor
    share: torch.Tensor
    logits: torch.Tensor
    seed: int


class _Layer(NamedTuple):
    """The weights of one layer and where their gradients belong; of the matrix, that of each group."""

    weight: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor
    bias: torch.Tensor
    of_weight: torch.Tensor
    of_before: torch.Tensor
    of_after: torch.Tensor
    of_bias: torch.Tensor

    @classmethod
    def of(cls, model: TabM, number: int, groups: int) -> _Layer:
        weight, *own = (
            model.of(f"layers.{number}.{name}") for name in ("weight", "input_scale", "output_scale", "bias")
        )
        before, after, bias = (tensor.detach() for tensor in own)
        gradients = map(_grad, own)
        return cls(weight.detach(), before, after, bias, torch.empty(groups, *weight.shape), *gradients)


class _Worker:
    """One thread's memory."""

    def __init__(
        self,
        model: TabM,
        layers: list[_Layer],
        of_inputs: torch.Tensor,
        *,
        members: int,
        rows: int,
        objective: Objective,
        dtype: torch.dtype,
    ) -> None:
        config = model.config
        self._layers, self._of_inputs, self._objective = layers, of_inputs, objective
        self._heads, self._head_bias = (model.of(f"heads.{name}").detach() for name in ("weight", "bias"))
        self._of_heads, self._of_head_bias = (_grad(model.of(f"heads.{name}")) for name in ("weight", "bias"))
        self._lost = min(round(config.dropout * _LEVELS), _LEVELS - 1)
        shapes = [(members, *layer.weight.shape) for layer in layers]
        widest = max(layer.weight.numel() for layer in layers) * members
        self._matrices = [torch.empty(shape, dtype=dtype) for shape in shapes]
        self._of_matrix = torch.empty(widest, dtype=dtype)
        self._wide = [torch.empty(widest) for _ in range(2)]
        self._activations = [torch.empty(members * rows * config.width, dtype=dtype) for _ in layers]
        self._derivatives = [torch.empty(members * rows * config.width, dtype=dtype) for _ in range(2)]
        self._last = torch.empty(members * rows * config.width)
        self._embedded = torch.empty(members * rows * of_inputs.shape[2] if of_inputs.numel() else 0, dtype=dtype)

    def run(self, batch: _Batch, groups: list[tuple[int, slice]]) -> None:
        """Add these groups' logits and gradients."""
        with torch.no_grad():
            for number, group in groups:
                activations = self._forward(batch, number, group)
                self._backward(batch, number, group, activations)

    def _forward(self, batch: _Batch, number: int, group: slice) -> list[torch.Tensor]:
        members, n = group.stop - group.start, len(batch.inputs)
        random = np.random.SFC64([batch.seed, number]) if self._lost else None
        below = batch.inputs.expand(members, *batch.inputs.shape)
        activations = [below]
        for layer, matrices, memory in zip(self._layers, self._matrices, self._activations, strict=True):
            matrix, values = matrices[:members], _shaped(memory, members, n, len(layer.weight))
            wide = _shaped(self._wide[0], *matrix.shape)
            torch.mul(layer.weight, layer.after[group].unsqueeze(2), out=wide)
            matrix.copy_(wide.mul_(self._before(layer, group)))
            bias = layer.bias[group].to(values.dtype).unsqueeze(1)
            torch.baddbmm(bias, below, matrix.transpose(1, 2), out=values)
            _ordered(values).relu_()
            if random is not None:
                _ordered(values).mul_(self._kept(random, values))
            activations.append(values)
            below = values
        return activations

    def _backward(self, batch: _Batch, number: int, group: slice, activations: list[torch.Tensor]) -> None:
        last = _shaped(self._last, *activations[-1].shape).copy_(activations[-1])
        heads = self._heads[group] * self._scale
        found = torch.baddbmm(self._head_bias[group].unsqueeze(1), last, heads)
        logits = batch.logits[group]
        logits.copy_(found.squeeze(2))
        slopes = logit_derivatives(self._objective, logits, batch.target).mul_(batch.share).unsqueeze(2)
        torch.sum(slopes, 1, out=self._of_head_bias[group])
        torch.bmm(last.transpose(1, 2), slopes, out=self._of_heads[group]).mul_(self._scale)
        derivative = _shaped(self._derivatives[0], *last.shape)
        torch.mul(slopes.to(derivative.dtype), heads.transpose(1, 2).to(derivative.dtype), out=derivative)
        for depth in reversed(range(len(self._layers))):
            below, above, layer = activations[depth], activations[depth + 1], self._layers[depth]
            bits = _ordered(derivative)
            _threshold_backward(bits, _ordered(above), 0, grad_input=bits)
            torch.sum(derivative, 1, dtype=torch.float32, out=layer.of_bias[group])
            self._layer_gradient(layer, number, group, derivative, below)
            matrix = self._matrices[depth][: len(derivative)]
            if depth > 0:
                memory = _shaped(self._derivatives[(len(self._layers) - depth) % 2], *below.shape)
                derivative = torch.bmm(derivative, matrix, out=memory)
            elif self._of_inputs.numel():
                memory = _shaped(self._embedded, *below.shape)
                torch.bmm(derivative, matrix, out=memory)
                torch.sum(memory, 0, dtype=torch.float32, out=self._of_inputs[number, : below.shape[1]])

    def _layer_gradient(
        self, layer: _Layer, number: int, group: slice, derivative: torch.Tensor, below: torch.Tensor
    ) -> None:
        """Gradients of a layer's matrix and factors, from that of the members' matrices."""
        shape = (len(derivative), *layer.weight.shape)
        rough = _shaped(self._of_matrix, *shape)
        torch.bmm(derivative.transpose(1, 2), below, out=rough)
        before, after = self._before(layer, group), layer.after[group].unsqueeze(2)
        exact, product = (_shaped(memory, *shape) for memory in self._wide)
        exact.copy_(rough).mul_(before)
        torch.mul(exact, layer.weight, out=product)
        torch.sum(product, 2, out=layer.of_after[group])
        exact.mul_(after)
        torch.sum(exact, 0, out=layer.of_weight[number])
        # As product · after / before, without a division.
        exact.copy_(rough).mul_(layer.weight)
        torch.bmm(after.transpose(1, 2), exact, out=layer.of_before[group].unsqueeze(1))
        if layer is not self._layers[0]:
            layer.of_before[group].mul_(self._scale)

    def _before(self, layer: _Layer, group: slice) -> torch.Tensor:
        """The factors of a layer's inputs; those that dropout leaves are larger by what it takes away."""
        before = layer.before[group].unsqueeze(1)
        return before if layer is self._layers[0] else before * self._scale

    @property
    def _scale(self) -> float:
        return _LEVELS / (_LEVELS - self._lost)

    def _kept(self, random: np.random.SFC64, values: torch.Tensor) -> torch.Tensor:
        """Which units dropout leaves, the shape of the values."""
        drawn = random.random_raw(-(-values.numel() // 8)).view(np.uint8)[: values.numel()]
        return torch.from_numpy(drawn >= self._lost).view(values.shape)


def _shaped(memory: torch.Tensor, *shape: int) -> torch.Tensor:
    return memory[: int(np.prod(shape))].view(shape)


def _grad(parameter: torch.Tensor) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _ordered(values: torch.Tensor) -> torch.Tensor:
    """bfloat16 numbers as the integers of the same bits, which are compared and multiplied by 0 or 1 faster."""
    return values.view(torch.int16) if values.dtype == torch.bfloat16 else values
