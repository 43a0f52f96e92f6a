"""Logits and truth to the figures that training watches: loss, accuracy and AUC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import Monitor
from hepsieve.train.trained import Part


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Weighted figures of one part; not finite where the logits are not."""

    loss: float
    accuracy: float
    auc: float

    def of(self, monitor: Monitor) -> float:
        """The monitored figure."""
        return {"loss": self.loss, "accuracy": self.accuracy, "auc": self.auc}[monitor]


def measure(logits: NDArray[np.float64], part: Part) -> Figures:
    """Loss, accuracy at score 0.5 and AUC of these logits, shape (n,), with the part's weights."""
    weight = part.weight.astype(np.float64)
    return Figures(
        loss=float(np.average(losses(logits, part.target), weights=weight)),
        accuracy=float(np.average((logits > 0) == (part.target == 1), weights=weight)),
        auc=weighted_auc(logits, part.target == 1, weight),
    )


def losses(logits: NDArray[np.float64], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Binary cross-entropy of each event, shape (n,), in nats."""
    with np.errstate(invalid="ignore"):  # whoever asks looks whether the losses are numbers
        return np.asarray(np.logaddexp(0.0, logits) - target * logits, dtype=np.float64)


def weighted_auc(scores: NDArray[np.float64], signal: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    """The chance that a signal event scores above a background event, ties counting half (Mann-Whitney)."""
    _, place = np.unique(scores, return_inverse=True)
    background = np.bincount(place, weights=np.where(signal, 0.0, weight))
    below = np.cumsum(background) - background / 2
    wins = np.sum(weight[signal] * below[place[signal]])
    return float(wins / (weight[signal].sum() * weight[~signal].sum()))
