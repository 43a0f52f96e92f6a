"""Of one model trained with several weights of simulated events, the one that is best on genuine validation events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepsieve.events import Events
from hepsieve.train.figures import average, weighted_auc


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """How much simulated events weighed in the training of a model.

    Attributes:
        weight: their total weight over that of the genuine events.
        by: the figure on genuine validation events by which it was chosen.
        tried: that figure for every weight that was tried; empty where there was nothing to choose.
    """

    weight: float
    by: Literal["auc", "rmse"]
    tried: Mapping[float, float] = field(default_factory=dict)


def best_mixing(weights: Sequence[float], scores: Sequence[NDArray[np.float64]], validation: Events) -> Mixing:
    """The weight whose scores of the validation events are best; of equal ones the first.

    Args:
        weights: that were tried.
        scores: by the model trained with each, shape (n,).
        validation: genuine events that none of them learned from.
    """
    by: Literal["auc", "rmse"] = "rmse" if validation.kind == "regression" else "auc"
    if len(weights) == 1:
        return Mixing(weight=weights[0], by=by)
    tried = {weight: _figure(by, score, validation) for weight, score in zip(weights, scores, strict=True)}
    chosen = min(tried, key=tried.__getitem__) if by == "rmse" else max(tried, key=tried.__getitem__)
    return Mixing(weight=chosen, by=by, tried=tried)


def _figure(by: Literal["auc", "rmse"], scores: NDArray[np.float64], validation: Events) -> float:
    weight = validation.weight.astype(np.float64)
    if by == "auc":
        return weighted_auc(scores, validation.target == 1, weight)
    return float(np.sqrt(average(lambda rows: (scores[rows] - validation.target[rows]) ** 2, weight)))
