"""The figure that trials are compared by: of a trained model, on events that it did not learn from."""

from __future__ import annotations

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from hepsieve.errors import TrainingError
from hepsieve.evaluate.metrics import log_loss
from hepsieve.evaluate.ranked import Ranked
from hepsieve.evaluate.roc import auc
from hepsieve.train.trained import Part
from hepsieve.tune_config import TuneMetric


def figure(metric: TuneMetric, scores: NDArray[np.float64], part: Part) -> float:
    """A figure with event weights, as the evaluation quotes it: of a regression as a share of the full scale.

    Args:
        metric: which one.
        scores: of the part's events, shape (n,), in [0, 1].
        part: their targets and weights.

    Raises:
        TrainingError: if the events define no such figure.
    """
    weight = part.weight.astype(np.float64)
    residual = scores - part.target
    match metric:
        case "auc":
            value = auc(Ranked.of(part.target, scores, weight, what="validation"))
        case "log_loss":
            value = log_loss(Ranked.of(part.target, scores, weight, what="validation"))
        case "accuracy":
            value = float(np.average((scores >= 0.5) == (part.target == 1), weights=weight))
        case "rmse":
            value = float(np.sqrt(np.average(np.square(residual), weights=weight)))
        case "mae":
            value = float(np.average(np.abs(residual), weights=weight))
        case _:
            assert_never(metric)
    if value is None or not np.isfinite(value):
        raise TrainingError(f"the validation {metric} of this model is no number")
    return value
