"""Slow, obvious definitions behind the selection: covariances of figures from loops over events, leads from draws."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

Numbers = Sequence[float]


def placements(target: Numbers, score: Numbers, weight: Numbers) -> list[float]:
    """For each event the weighted share of the other class on its right side; a tie counts half."""
    found = []
    for y, s in zip(target, score, strict=True):
        right = total = 0.0
        for z, t, v in zip(target, score, weight, strict=True):
            if z == y:
                continue
            above = s > t if y == 1 else s < t
            total += v
            right += v * (1.0 if above else 0.5 if s == t else 0.0)
        found.append(right / total)
    return found


def delong_covariance(target: Numbers, scores: Sequence[Numbers], weight: Numbers) -> list[list[float]]:
    """DeLong's covariance matrix of AUCs: of each class, the weighted covariance of the placements' means."""
    k = len(scores)
    placed = [placements(target, score, weight) for score in scores]
    found = [[0.0] * k for _ in range(k)]
    for label in (0, 1):
        rows = [i for i, y in enumerate(target) if y == label]
        n, total = len(rows), sum(weight[i] for i in rows)
        means = [sum(weight[i] * place[i] for i in rows) / total for place in placed]
        for a in range(k):
            for b in range(k):
                products = sum(weight[i] ** 2 * (placed[a][i] - means[a]) * (placed[b][i] - means[b]) for i in rows)
                found[a][b] += products / total**2 * n / (n - 1)
    return found


def rmse_covariance(target: Numbers, predictions: Sequence[Numbers]) -> list[list[float]]:
    """The covariance of RMSEs by the delta method: that of mean squares over four times the product of the roots."""
    n, k = len(target), len(predictions)
    squares = [[(p - y) ** 2 for p, y in zip(prediction, target, strict=True)] for prediction in predictions]
    means = [sum(square) / n for square in squares]
    return [
        [
            sum((squares[a][i] - means[a]) * (squares[b][i] - means[b]) for i in range(n))
            / (n * (n - 1))
            / (4 * sqrt(means[a] * means[b]))
            for b in range(k)
        ]
        for a in range(k)
    ]
