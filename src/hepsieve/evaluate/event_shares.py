"""Scores or predictions of several models turned into what each event adds to the error of each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hepsieve.evaluate.confusion import THRESHOLD
from hepsieve.evaluate.importance import placements_by_event
from hepsieve.evaluate.metrics import CLIP
from hepsieve.evaluate.ranked import Floats
from hepsieve.evaluate.regression_results import Predicted
from hepsieve.evaluate.results import Scored

# A covariance from so many events of a class is good to a percent; with more, a hundred models would take minutes.
MOST = 50_000
BY_SCORE = ("auc", "accuracy", "log_loss", "brier")
BY_PREDICTION = ("rmse", "mae")


def classification_shares(scored: Mapping[str, Scored], by: str, *, seed: int = 0, most: int = MOST) -> Floats | None:
    """Shares whose products, summed over events, are the covariance of the models' AUCs or other figures.

    Of an AUC an event's share is w (placement − mean of its class) / Σw · √(n/(n − 1)) with its class's weights, as in
    ``delong_error``; of log loss, Brier score and accuracy the same with the event's own loss and all weights. Of
    more than ``most`` events of a class so many are drawn by chance, and stand for the others.

    Args:
        scored: scores by model, of the same events in the same order.
        by: one of ``BY_SCORE``.
        seed: draws the events.
        most: events of a class.

    Returns:
        Shape (models, events), larger being better in no metric but as the figure itself goes; None where a class has
        fewer than two events or no positive total weight.
    """
    first = next(iter(scored.values()))
    sides = [np.flatnonzero(first.target == label) for label in (0, 1)]
    if not all(len(side) > 1 and float(first.weight[side].sum()) > 0 for side in sides):
        return None
    whole = float(first.weight.sum())
    totals = [float(first.weight[side].sum()) if by == "auc" else whole for side in sides]
    drawn = _drawn(sides, seed, most)
    factors = [_factor(len(side), len(taken)) / total for side, taken, total in zip(sides, drawn, totals, strict=True)]
    rows = np.concatenate(drawn)
    target, weight = first.target[rows], first.weight[rows]
    ends = (slice(0, len(drawn[0])), slice(len(drawn[0]), None))
    shares = np.empty((len(scored), len(rows)))
    for share, one in zip(shares, scored.values(), strict=True):
        term = _score_term(by, target, one.score[rows], weight)
        for end, factor in zip(ends, factors, strict=True):
            share[end] = _deviations(term[end], weight[end]) * factor
    return shares


def regression_shares(predicted: Mapping[str, Predicted], by: str, *, seed: int = 0, most: int = MOST) -> Floats | None:
    """The same of ``rmse`` (by the delta method: that of the mean square, divided by twice the root) or ``mae``.

    None with fewer than two events or without positive total weight.
    """
    first = next(iter(predicted.values()))
    total = float(first.weight.sum())
    if len(first.weight) < 2 or not total > 0:
        return None
    (rows,) = _drawn([np.arange(len(first.weight))], seed, 2 * most)
    factor, weight = _factor(len(first.weight), len(rows)) / total, first.weight[rows]
    shares = np.empty((len(predicted), len(rows)))
    for share, one in zip(shares, predicted.values(), strict=True):
        residual = one.prediction[rows] - one.target[rows]
        term = np.square(residual) if by == "rmse" else np.abs(residual)
        root = 2 * float(np.sqrt(max(_mean(term, weight), 0.0))) if by == "rmse" else 1.0
        share[:] = _deviations(term, weight) * factor / root if root > 0 else 0.0
    return shares


def _score_term(by: str, target: Floats, score: Floats, weight: Floats) -> Floats:
    """What is averaged over the events."""
    match by:
        case "auc":
            return placements_by_event(target, score, weight)
        case "accuracy":
            return np.asarray((score >= THRESHOLD) == (target == 1), dtype=np.float64)
        case "log_loss":
            clipped = np.clip(score, CLIP, 1 - CLIP)
            return np.asarray(-np.log(np.where(target == 1, clipped, 1 - clipped)))
        case "brier":
            return np.square(score - target)
        case _:
            raise ValueError(f"no shares of {by}; there are {', '.join(BY_SCORE)}")


def _drawn(sides: Sequence[NDArray[np.intp]], seed: int, most: int) -> list[NDArray[np.intp]]:
    rng = np.random.default_rng([seed, 1])  # no draw of the figures themselves, which take the seed alone
    return [side if len(side) <= most else np.sort(rng.choice(side, size=most, replace=False)) for side in sides]


def _factor(n: int, taken: int) -> float:
    """The taken events stand for n; the variance of a mean rests on one event fewer than there are."""
    return float(np.sqrt(n / taken * taken / (taken - 1)))


def _mean(term: Floats, weight: Floats) -> float:
    return float(np.einsum("i,i->", weight, term)) / float(weight.sum())


def _deviations(term: Floats, weight: Floats) -> Floats:
    return np.asarray(weight * (term - _mean(term, weight)))
