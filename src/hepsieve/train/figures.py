"""What a network gives and the truth to the figures that training watches: loss, accuracy, AUC, RMSE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepsieve.models.config import Monitor
from hepsieve.models.outputs import scores_of, widths_of
from hepsieve.spill import LARGE, blocks, computed, empty, order_of, positions, take
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
    weight = computed(len(part), lambda rows: part.weight[rows])
    loss = average(lambda rows: losses(outputs[rows], part.target[rows], objective), weight)
    if part.kind == "classification":
        logits = logits_of(outputs)
        signal = computed(len(part), lambda rows: part.target[rows] == 1, np.bool_)
        return Figures(
            loss=loss,
            accuracy=average(lambda rows: (logits[rows] > 0) == signal[rows], weight),
            auc=weighted_auc(logits, signal, weight),
        )
    predicted = scores_of(outputs)
    target = computed(len(part), lambda rows: part.target[rows])
    return Figures(
        loss=loss,
        rmse=_root(average(lambda rows: (predicted[rows] - target[rows]) ** 2, weight)),
        tolerance_accuracy=average(lambda rows: within_tolerance(predicted[rows], target[rows], np), weight),
    )


def average(values: Callable[[slice], NDArray[Any]], weight: NDArray[np.float64]) -> float:
    """The weighted mean of numbers that are given block by block, in the last bit that of all at once."""
    return float(computed(len(weight), lambda rows: values(rows) * weight[rows]).sum() / weight.sum())


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
    distinct, place = _places(scores)
    background = computed(distinct, lambda rows: 0.0)
    for rows in blocks(weight):  # as numpy.bincount does, which takes no memory of others
        np.add.at(background, place[rows], np.where(signal[rows], 0.0, weight[rows]))
    up_to = np.cumsum(background, out=empty(distinct, np.float64))
    below = computed(distinct, lambda rows: up_to[rows] - background[rows] / 2)
    of_signal, of_background = (take(weight, positions(signal, label)) for label in (True, False))
    lost = take(below, take(place, signal))
    wins = computed(len(lost), lambda rows: of_signal[rows] * lost[rows]).sum()
    return float(wins / (of_signal.sum() * of_background.sum()))


def _places(scores: NDArray[np.float64]) -> tuple[int, NDArray[np.int64]]:
    """How many distinct scores there are, and the place of each among them, shape (n,)."""
    if scores.nbytes <= LARGE:
        distinct, place = np.unique(scores, return_inverse=True)
        return len(distinct), place
    order = order_of(scores)
    rising = take(scores, order)
    place = empty(len(scores), np.int64)
    done = -1
    for rows in blocks(rising):
        before = rising[rows.start - 1] if rows.start else np.nan
        found = done + np.cumsum(rising[rows] != np.concatenate([[before], rising[rows.start : rows.stop - 1]]))
        place[order[rows]] = found
        done = int(found[-1])
    return done + 1, place


def _root(square: float) -> float:
    """Of a mean square; negative weights may make it negative, which then counts as none."""
    return sqrt(square) if square > 0 else 0.0
