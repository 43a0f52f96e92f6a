"""Gradients to steps of the optimiser, on one flat vector of parameters, with Keras's constants."""

from __future__ import annotations

from typing import Protocol, assert_never

import torch

from hepsieve.models.config import TrainConfig

_EPSILON = 1e-7
_RMSPROP_MEMORY = 0.9


class Descent(Protocol):
    """An optimiser of one vector.

    Attributes:
        state: what it remembers between steps, by name; these very tensors are changed in place.
    """

    state: dict[str, torch.Tensor]

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Change the parameters, in place, for this gradient and learning rate."""


def descent(settings: TrainConfig, parameters: torch.Tensor) -> Descent:
    """The optimiser that ``train.optimizer`` names; weight decay is left to whoever calls it."""
    match settings.optimizer:
        case "adam" | "adamw":
            return Adam(parameters)
        case "sgd":
            return Sgd(parameters, momentum=settings.momentum)
        case "rmsprop":
            return RmsProp(parameters, momentum=settings.momentum)
        case _:
            assert_never(settings.optimizer)


class Adam:
    """Algorithm 1 of arXiv:1412.6980, in one pass over memory."""

    def __init__(self, parameters: torch.Tensor) -> None:
        """Begin with zero moments of the shape of ``parameters``."""
        self.state = {
            "mean": torch.zeros_like(parameters),
            "square": torch.zeros_like(parameters),
            "step": torch.zeros((), device=parameters.device),
        }

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Change the parameters, in place, for this gradient and learning rate."""
        self.state["step"] += 1
        # What torch.optim.Adam(fused=True) calls, after several times as long in Python.
        torch._fused_adam_(
            [parameters],
            [gradient],
            [self.state["mean"]],
            [self.state["square"]],
            [],
            [self.state["step"]],
            lr=rate,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=_EPSILON,
            amsgrad=False,
            maximize=False,
        )


class Sgd:
    """Gradient descent with momentum; the velocity does not contain the learning rate."""

    def __init__(self, parameters: torch.Tensor, *, momentum: float) -> None:
        """Begin at rest."""
        self._momentum = momentum
        self.state = {"velocity": torch.zeros_like(parameters)} if momentum > 0 else {}

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Change the parameters, in place, for this gradient and learning rate."""
        if self._momentum > 0:
            gradient = self.state["velocity"].mul_(self._momentum).add_(gradient)
        parameters.add_(gradient, alpha=-rate)


class RmsProp:
    """Gradients divided by the root of their running mean square."""

    def __init__(self, parameters: torch.Tensor, *, momentum: float) -> None:
        """Begin at rest, with a mean square of zero."""
        self._momentum = momentum
        self.state = {"square": torch.zeros_like(parameters)}
        if momentum > 0:
            self.state["velocity"] = torch.zeros_like(parameters)

    def step(self, parameters: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Change the parameters, in place, for this gradient and learning rate."""
        square = self.state["square"]
        square.mul_(_RMSPROP_MEMORY).addcmul_(gradient, gradient, value=1 - _RMSPROP_MEMORY)
        root = square.sqrt().add_(_EPSILON)
        if self._momentum > 0:
            parameters.add_(self.state["velocity"].mul_(self._momentum).addcdiv_(gradient, root), alpha=-rate)
        else:
            parameters.addcdiv_(gradient, root, value=-rate)
