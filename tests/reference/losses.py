"""Losses of one event after another, as their definitions say."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, pi, sqrt

NARROWEST, WIDEST = 1e-4, 1.0


def sigmoid(x: float) -> float:
    """The logistic function."""
    return 1 / (1 + exp(-x))


def loss(name: str, output: Sequence[float], target: float, *, delta: float) -> float:
    """The loss of one event.

    Args:
        name: which.
        output: the logit, and with ``gaussian`` the raw width.
        target: in [0, 1].
        delta: of ``huber``.
    """
    score = sigmoid(output[0])
    residual = abs(score - target)
    if name == "cross_entropy":
        return -target * log(score) - (1 - target) * log(1 - score)
    if name == "squared":
        return residual**2
    if name == "huber":
        return residual**2 / 2 if residual <= delta else delta * (residual - delta) + delta**2 / 2
    width = NARROWEST + (WIDEST - NARROWEST) * sigmoid(output[1])
    density = exp(-((residual / width) ** 2) / 2) / (width * sqrt(2 * pi))
    return -log(density)


def slopes(name: str, output: Sequence[float], target: float, *, delta: float, step: float = 1e-5) -> list[float]:
    """The derivatives of the loss with respect to each output, by central differences."""
    found = []
    for k in range(len(output)):
        up, down = list(output), list(output)
        up[k] += step
        down[k] -= step
        found.append((loss(name, up, target, delta=delta) - loss(name, down, target, delta=delta)) / (2 * step))
    return found


def right(predicted: float, target: float) -> bool:
    """Whether both round to the same tenth."""
    return round(predicted * 10) == round(target * 10)
