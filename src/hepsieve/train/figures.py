"""What a network gives and the truth to the figures that training watches: loss, accuracy, AUC, RMSE."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import Monitor
from hepsieve.models.outputs import scores_of, widths_of
from hepsieve.train.losses import losses_of_shares, within_tolerance
from hepsieve.train.objective import CROSS_ENTROPY, Kind, Objective
from hepsieve.train.trained import Part


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Weighted figures of one part, not finite where the outputs are not; None where its kind has no such figure.

    Attributes:
        loss: of the training's objective.
        accuracy: of classes, at score 0.5.
        auc: of classes.
        rmse: of a regression, a share of the full scale.
        tolerance_accuracy: of a regression: the share of events whose prediction rounds to the same tenth as the truth.
    """

    loss: float
    accuracy: float | None = None
    auc: float | None = None
    rmse: float | None = None
    tolerance_accuracy: float | None = None

    @classmethod
    def of_means(cls, kind: Kind, *, loss: float, right: float, square: float) -> Figures:
        """The figures of an epoch that ran: mean loss, share of events that were right, mean squared residual."""
        if kind == "classification":
            return cls(loss=loss, accuracy=right)
        return cls(loss=loss, rmse=_root(square), tolerance_accuracy=right)

    def of(self, monitor: Monitor) -> float:
        """The monitored figure; whoever asks knows the kind (``require_settings``)."""
        figure: float | None = getattr(self, monitor)
        assert figure is not None
        return figure

    def named(self, part: str) -> dict[str, float]:
        """The figures there are, under the names that they have in an ``EpochRecord``."""
        return {f"{part}_{name}": value for name, value in asdict(self).items() if value is not None}


def measure(outputs: NDArray[np.float64], part: Part, objective: Objective = CROSS_ENTROPY) -> Figures:
    """The figures of these outputs of a network, with the part's weights.

    Args:
        outputs: logits, shape (n,); where a width is predicted too, (n, 2).
        part: the truth.
        objective: whose loss is quoted.
    """
    weight = part.weight.astype(np.float64)
    loss = float(np.average(losses(outputs, part.target, objective), weights=weight))
    if part.kind == "classification":
        logits = logits_of(outputs)
        return Figures(
            loss=loss,
            accuracy=float(np.average((logits > 0) == (part.target == 1), weights=weight)),
            auc=weighted_auc(logits, part.target == 1, weight),
        )
    predicted, target = scores_of(outputs), part.target.astype(np.float64)
    return Figures(
        loss=loss,
        rmse=_root(float(np.average((predicted - target) ** 2, weights=weight))),
        tolerance_accuracy=float(np.average(within_tolerance(predicted, target, np), weights=weight)),
    )


def losses(
    outputs: NDArray[np.float64], target: NDArray[np.float32], objective: Objective = CROSS_ENTROPY
) -> NDArray[np.float64]:
    """The loss of each event, shape (n,); cross-entropy and Gaussian likelihoods in nats."""
    with np.errstate(invalid="ignore"):  # whoever asks looks whether the losses are numbers
        if objective.loss == "cross_entropy":
            return np.asarray(np.logaddexp(0.0, outputs) - target * outputs, dtype=np.float64)
        predicted, width = scores_of(outputs), widths_of(outputs)
        return np.asarray(losses_of_shares(objective, predicted, width, target.astype(np.float64), np))


def logits_of(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logits, shape (n,), whether or not raw widths stand beside them."""
    return outputs if outputs.ndim == 1 else outputs[:, 0]


def weighted_auc(scores: NDArray[np.float64], signal: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    """The chance that a signal event scores above a background event, ties counting half (Mann-Whitney)."""
    _, place = np.unique(scores, return_inverse=True)
    background = np.bincount(place, weights=np.where(signal, 0.0, weight))
    below = np.cumsum(background) - background / 2
    wins = np.sum(weight[signal] * below[place[signal]])
    return float(wins / (weight[signal].sum() * weight[~signal].sum()))


def _root(square: float) -> float:
    """Of a mean square; negative weights may make it negative, which then counts as none."""
    return sqrt(square) if square > 0 else 0.0
