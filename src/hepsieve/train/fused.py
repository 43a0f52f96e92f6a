"""ReLU networks trained without autograd: a step is its matrix products and little else, in float32 or bfloat16.

Every layer has one input that is always 1; its weights are the biases. So the product with the weights adds the biases
too, and the product that gives the weights' gradient gives theirs. Weights, gradients and the optimiser's moments are
one vector each, and no batch claims memory of its own. With several threads each takes a part of the batch through all
layers: they wait for each other once a batch, not at every product.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from hepsieve.models.config import MLPConfig, TrainConfig
from hepsieve.models.torch.mlp import MLP
from hepsieve.models.torch.team import Team
from hepsieve.train.average import Average
from hepsieve.train.descent import descent
from hepsieve.train.objective import CROSS_ENTROPY, Objective
from hepsieve.train.torch_losses import logit_derivatives

# Matrix units take rows of 32 bfloat16 numbers: widths that fill them gain more than the added zeros cost.
_TILE = 32

_threshold_backward = torch.ops.aten.threshold_backward.grad_input


def can_fuse(config: MLPConfig) -> bool:
    """Whether ``FusedNetwork`` can train this network: ReLU, no dropout, one output."""
    return config.activation == "relu" and config.dropout == 0 and config.loss != "gaussian"


class FusedNetwork:
    """A ReLU network under training; its weights stay float32 whatever its products are computed in.

    Attributes:
        parameters: all weights and biases in one float32 vector, together with constants: zeros that fill up the
            widths, and the weights of the units that hand on the 1.
        statistics: none.
        descent: the optimiser.
        average: of the parameters over the latest steps.
    """

    def __init__(
        self, model: MLP, settings: TrainConfig, *, rows: int, team: Team, objective: Objective = CROSS_ENTROPY
    ) -> None:
        """Take up a model, on the device where it is.

        Args:
            model: its weights are where training starts.
            settings: optimiser, precision, weight decay and average.
            rows: events in the largest batch.
            team: what a batch is divided among; the last bits depend on how many they are.
            objective: what is minimised.
        """
        self._model = model.requires_grad_(requires_grad=False)
        self._decay = settings.weight_decay
        self._team = team
        self._dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
        tile = _TILE if self._dtype == torch.bfloat16 else 1
        columns = [-(-(layer.in_features + 1) // tile) * tile for layer in model.linears()]
        self._shapes = [(out, into) for into, out in pairwise([*columns, 1])]
        self.parameters = model.linears()[0].weight.new_zeros(sum(out * into for out, into in self._shapes))
        self.statistics = self.parameters.new_zeros(0)
        self._trainable = torch.zeros_like(self.parameters)
        self._read_model()
        self.descent = descent(settings, self.parameters)
        self.average = Average(self.parameters, self.statistics, ema=settings.ema)
        # For products in float32 these are the parameters themselves.
        self._rounded = self.parameters.to(self._dtype)
        self._gradients = self._rounded.new_zeros(team.threads, len(self.parameters))
        self._gradient = torch.zeros_like(self.parameters)
        weights = self._layers(self._rounded)
        most = -(-rows // team.threads)
        self._passes = [_Pass(weights, self._layers(part), most, objective) for part in self._gradients]

    def input_block(self, rows: int) -> torch.Tensor:
        """Memory for the inputs of so many events: columns to be filled in, then one of 1, then zeros."""
        inputs = self._model.linears()[0].in_features
        block = self._rounded.new_zeros(rows, self._shapes[0][1])
        block[:, inputs] = 1
        return block

    def step(
        self, inputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor, outputs: torch.Tensor, rate: float
    ) -> None:
        """Fill in the logits of a batch, then change the weights by one step of the optimiser.

        Args:
            inputs: rows of an ``input_block``, shape (n, columns).
            target: in [0, 1], shape (n,).
            share: what each event's loss is weighted with, shape (n,).
            outputs: logits, shape (n,), float32.
            rate: the learning rate.
        """
        if len(self._passes) == 1:
            self._passes[0].run(inputs, target, share, outputs)
            self._learn(rate)
            return
        parts = (torch.tensor_split(values, len(self._passes)) for values in (inputs, target, share, outputs))
        self._team.do(lambda part: part[0].run(*part[1:]), zip(self._passes, *parts, strict=True))
        self._team.do(self._learn, [rate])

    def restore(self, parameters: torch.Tensor, statistics: torch.Tensor) -> None:
        """Take those of a former training."""
        self.parameters.copy_(parameters)
        self._rounded.copy_(self.parameters)

    def model(self) -> MLP:
        """The model with the weights of now."""
        for layer, weight in zip(self._model.linears(), self._layers(self.parameters), strict=True):
            layer.weight.copy_(weight[: layer.out_features, : layer.in_features])
            layer.bias.copy_(weight[: layer.out_features, layer.in_features])
        return self._model

    def _learn(self, rate: float) -> None:
        torch.sum(self._gradients, 0, dtype=torch.float32, out=self._gradient).mul_(self._trainable)
        if self._decay > 0:
            self.parameters.addcmul_(self.parameters, self._trainable, value=-rate * self._decay)
        self.descent.step(self.parameters, self._gradient, rate)
        self.average.step()
        if self._rounded is not self.parameters:
            self._rounded.copy_(self.parameters)

    def _read_model(self) -> None:
        layers = zip(self._model.linears(), self._layers(self.parameters), self._layers(self._trainable), strict=True)
        for layer, weight, trainable in layers:
            out, into = layer.weight.shape
            weight[:out, :into] = layer.weight
            weight[:out, into] = layer.bias
            trainable[:out, : into + 1] = 1
            weight[out : out + 1, into] = 1  # a unit that hands on the 1; there is none after the last layer

    def _layers(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """The layers' matrices in a vector of all of them."""
        parts = torch.split(vector, [out * into for out, into in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]


class _Pass:
    """Some events through all layers and back, in memory of their own."""

    def __init__(
        self, weights: list[torch.Tensor], gradients: list[torch.Tensor], rows: int, objective: Objective
    ) -> None:
        """For up to so many events; gradients are overwritten each time."""
        self._objective = objective
        self._weights, self._gradients = weights, gradients
        self._activations = [weight.new_empty(rows, len(weight)) for weight in weights]
        # A layer's derivatives are not needed any more once those of the layer before it are there.
        widest = max(weight.shape[1] for weight in weights)
        self._derivatives = [weights[0].new_empty(rows * widest) for _ in range(2)]

    def run(self, inputs: torch.Tensor, target: torch.Tensor, share: torch.Tensor, logits: torch.Tensor) -> None:
        """Fill in the logits, and the gradient of the weighted loss."""
        activations = [inputs, *(memory[: len(inputs)] for memory in self._activations)]
        for weight, (below, above) in zip(self._weights, pairwise(activations), strict=True):
            torch.mm(below, weight.t(), out=above)
            if above is not activations[-1]:
                _ordered(above).relu_()
        logits.copy_(activations[-1].squeeze(1))
        derivative = logit_derivatives(self._objective, logits, target).mul_(share).to(inputs.dtype).unsqueeze(1)
        for layer in reversed(range(len(self._weights))):
            below = activations[layer]
            torch.mm(derivative.t(), below, out=self._gradients[layer])
            if layer > 0:
                memory = self._derivatives[layer % 2][: below.numel()].view_as(below)
                derivative = torch.mm(derivative, self._weights[layer], out=memory)
                bits = _ordered(derivative)
                _threshold_backward(bits, _ordered(below), 0, grad_input=bits)


def _ordered(values: torch.Tensor) -> torch.Tensor:
    """bfloat16 numbers as the integers of the same bits.

    They have the same signs, and integers are compared several times faster.
    """
    return values.view(torch.int16) if values.dtype == torch.bfloat16 else values
