"""What a Keras network gives for a batch to its loss and to what is counted beside it, on any of Keras's backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Chooses Keras's backend, so it comes before keras.
from hepsieve.models.keras.outputs import width
from hepsieve.models.keras.tabular import joined

# isort: split
import keras

from hepsieve.train.losses import losses_of_shares, within_tolerance
from hepsieve.train.objective import Kind, Objective


def loss_of_batch(objective: Objective, *, members: bool = False) -> Any:
    """Keras's loss: the mean over a batch of what each event's loss is, times its weight.

    Args:
        objective: which loss.
        members: whether the network gives outputs of members, whose own losses are averaged.
    """
    if members:
        return _MembersLoss(objective)
    if objective.loss == "cross_entropy":
        return keras.losses.BinaryCrossentropy(from_logits=True)
    return _EventLoss(objective)


def metrics_of_batch(kind: Kind, *, members: bool = False) -> list[Any]:
    """What is counted beside the loss: ``right``, the share of events that are; of a regression also ``square``, the
    mean squared residual.
    """
    counted = {"right": _right_side} if kind == "classification" else {"right": _right_step, "square": _square}
    return [
        keras.metrics.MeanMetricWrapper(_of_joint(count) if members else count, name=name)
        for name, count in counted.items()
    ]


class _EventLoss(keras.losses.Loss):  # type: ignore[misc]
    """A loss of shares of the full scale, from what the network gives."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self._objective = objective

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Shape (n,)."""
        wide = width(y_pred[:, 1]) if self._objective.has_width else None
        return losses_of_shares(self._objective, _scores(y_pred), wide, y_true[:, 0], keras.ops)


class _MembersLoss(keras.losses.Loss):  # type: ignore[misc]
    """The mean of the members' own losses."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self._objective = objective

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Shape (n,), of targets (n, 1) and outputs (n, members, 1 or 2)."""
        each = y_pred[:, :, 0]
        if self._objective.loss == "cross_entropy":
            losses = keras.ops.softplus(each) - y_true * each
        else:
            wide = width(y_pred[:, :, 1]) if self._objective.has_width else None
            losses = losses_of_shares(self._objective, keras.ops.sigmoid(each), wide, y_true, keras.ops)
        return keras.ops.mean(losses, axis=1)


def _of_joint(count: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda target, outputs: count(target, joined(outputs))


def _right_side(target: Any, logits: Any) -> Any:
    """1 where the logit has the target's side of 0, shape (n,)."""
    right = keras.ops.equal(logits > 0, target > 0.5)
    return keras.ops.squeeze(keras.ops.cast(right, "float32"), -1)


def _right_step(target: Any, outputs: Any) -> Any:
    """1 where prediction and target round to the same tenth, shape (n,)."""
    return keras.ops.cast(within_tolerance(_scores(outputs), target[:, 0], keras.ops), "float32")


def _square(target: Any, outputs: Any) -> Any:
    """The squared residual, shape (n,)."""
    return keras.ops.square(_scores(outputs) - target[:, 0])


def _scores(outputs: Any) -> Any:
    return keras.ops.sigmoid(outputs[:, 0])
