"""Event weights as recorded to weights as trained with: negative-weight policy, class balance, mean 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import TrainingError
from hepsieve.models.config import TrainConfig
from hepsieve.spill import blocks, computed, positions, take
from hepsieve.train.trained import Part

Policy = Literal["keep", "abs", "drop"]


def weigh(part: Part, settings: TrainConfig, *, name: str) -> Part:
    """The part with the weights that every backend trains and monitors with.

    Only ratios of weights matter: the mean is set to 1, so that learning rates and ``min_child_weight``
    mean the same whatever the cross section that the weights carry. Validation is weighed like training,
    with its own sums: the monitored loss is the loss that is minimised.

    Args:
        part: prepared events.
        settings: ``negative_weights`` and ``balance``.
        name: of the part, for errors.

    Raises:
        TrainingError: if a class is missing or its weights don't add up to something positive; or, in a regression,
            those of all events.
    """
    kept = apply_weight_policy(part, settings.negative_weights)
    if kept.kind == "regression":
        _require_positive(kept, settings, name)
        return replace(kept, weight=_mean_one(_as_double(kept.weight)))
    signal = computed(len(kept), lambda rows: kept.target[rows] == 1, np.bool_)
    weight = _as_double(kept.weight)
    totals = []
    for label in (0, 1):
        of_class = take(weight, positions(signal, bool(label)))
        total = float(of_class.sum())
        if total <= 0:
            raise TrainingError(
                f"{name}: the weights of class {label} ({len(of_class)} events) add up to {total:g} under "
                f"negative_weights: {settings.negative_weights}; each class needs a positive sum"
            )
        totals.append(total)
    if settings.balance == "none":
        return replace(kept, weight=_mean_one(weight))
    # Undersampling leaves the validation part as it is: there weights must do it.
    balanced = computed(len(kept), lambda rows: weight[rows] / np.where(signal[rows], totals[1], totals[0]))
    return replace(kept, weight=_mean_one(balanced))


def effective_weight(weight: NDArray[np.float64], policy: Policy) -> NDArray[np.float64]:
    """What these weights count in a training that follows the policy: that of an event left out is 0."""
    match policy:
        case "keep":
            return weight
        case "abs":
            return np.abs(weight)
        case "drop":
            return np.maximum(weight, 0.0)
        case _:
            assert_never(policy)


def apply_weight_policy(part: Part, policy: Policy) -> Part:
    """The part with negative weights kept, made positive, or their events left out."""
    match policy:
        case "keep":
            return part
        case "abs":
            return replace(part, weight=computed(len(part), lambda rows: np.abs(part.weight[rows]), np.float32))
        case "drop":
            stays = computed(len(part), lambda rows: part.weight[rows] >= 0, np.bool_)
            if stays.all():
                return part
            inputs, target, weight = (take(values, stays) for values in (part.inputs, part.target, part.weight))
            raw = None if part.raw is None else part.raw.take(stays)
            return replace(part, inputs=inputs, target=target, weight=weight, raw=raw)
        case _:
            assert_never(policy)


def refuse_negative(part: Part, *, name: str, backend: str) -> None:
    """Do nothing if no weight is negative.

    Raises:
        TrainingError: naming how many are, and the policies that this backend can follow.
    """
    negative = sum(int(np.count_nonzero(part.weight[rows] < 0)) for rows in blocks(part.weight))
    if negative:
        raise TrainingError(
            f"{name}: {negative} of {len(part)} weights are negative, which {backend} refuses; "
            "set train.negative_weights to abs or drop"
        )


def _require_positive(part: Part, settings: TrainConfig, name: str) -> None:
    total = float(part.weight.sum(dtype=np.float64))
    if total <= 0:
        raise TrainingError(
            f"{name}: the weights of {len(part)} events add up to {total:g} under negative_weights: "
            f"{settings.negative_weights}; a regression needs a positive sum"
        )


def _as_double(weight: NDArray[np.float32]) -> NDArray[np.float64]:
    return computed(len(weight), lambda rows: weight[rows])


def _mean_one(weight: NDArray[np.float64]) -> NDArray[np.float32]:
    mean = weight.mean()
    return computed(len(weight), lambda rows: weight[rows] / mean, np.float32)
