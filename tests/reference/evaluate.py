"""Slow, obvious definitions of the evaluation's figures: loops over pairs, cuts and events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import erf, log, sqrt

Numbers = Sequence[float]


def auc(target: Numbers, score: Numbers, weight: Numbers) -> float:
    """The weighted share of (signal, background) pairs in the right order; a tie counts half."""
    right = total = 0.0
    for y, s, w in zip(target, score, weight, strict=True):
        for z, t, v in zip(target, score, weight, strict=True):
            if y == 1 and z == 0:
                total += w * v
                right += w * v * (1.0 if s > t else 0.5 if s == t else 0.0)
    return right / total


def efficiency(target: Numbers, score: Numbers, weight: Numbers, of: int, threshold: float) -> float:
    """The weighted share of a class with ``score >= threshold``."""
    passing = sum(w for y, s, w in zip(target, score, weight, strict=True) if y == of and s >= threshold)
    return passing / sum(w for y, w in zip(target, weight, strict=True) if y == of)


def roc(target: Numbers, score: Numbers, weight: Numbers) -> list[tuple[float, float]]:
    """(background efficiency, signal efficiency) at every distinct score, falling, behind (0, 0)."""
    cuts = sorted(set(score), reverse=True)
    return [(0.0, 0.0)] + [
        (efficiency(target, score, weight, 0, cut), efficiency(target, score, weight, 1, cut)) for cut in cuts
    ]


def background_at(target: Numbers, score: Numbers, weight: Numbers, signal_efficiency: float) -> float:
    """Background efficiency at the first of the falling cuts that keeps this signal efficiency."""
    return next(b for b, s in roc(target, score, weight)[1:] if s >= signal_efficiency - 1e-12)


def signal_at(target: Numbers, score: Numbers, weight: Numbers, background_efficiency: float) -> float:
    """Signal efficiency at the last of the falling cuts before the background efficiency exceeds this one."""
    best = 0.0
    for b, s in roc(target, score, weight):
        if b > background_efficiency + 1e-12:
            break
        best = s
    return best


def on_curve(points: Sequence[tuple[float, float]], background_efficiency: float) -> float:
    """The highest signal efficiency on the straight lines between the points at this background efficiency."""
    found = [s for b, s in points if b == background_efficiency]
    for (b0, s0), (b1, s1) in pairwise(points):
        if b0 < background_efficiency < b1:
            found.append(s0 + (s1 - s0) * (background_efficiency - b0) / (b1 - b0))
    return max(found)


def log_loss(target: Numbers, score: Numbers, weight: Numbers, clip: float = 1e-7) -> float:
    """The weighted mean of −ln p(truth)."""
    total = 0.0
    for y, s, w in zip(target, score, weight, strict=True):
        p = min(max(s, clip), 1 - clip)
        total -= w * (log(p) if y == 1 else log(1 - p))
    return total / sum(weight)


def brier(target: Numbers, score: Numbers, weight: Numbers) -> float:
    """The weighted mean of (score − truth)²."""
    return sum(w * (s - y) ** 2 for y, s, w in zip(target, score, weight, strict=True)) / sum(weight)


def ece(target: Numbers, score: Numbers, weight: Numbers, bins: int = 15) -> float:
    """Σ over bins of |Σ w (truth − score)| / Σw; a bin ends with the scores of the k n/15-th event from the top."""
    ranked = sorted(score, reverse=True)
    edges = sorted({ranked[k * len(ranked) // bins] for k in range(1, bins)}, reverse=True)
    gaps = [0.0] * (len(edges) + 1)
    for y, s, w in zip(target, score, weight, strict=True):
        gaps[sum(1 for edge in edges if s < edge)] += w * (y - s)
    return sum(abs(gap) for gap in gaps) / sum(weight)


def delong_error(target: Numbers, score: Numbers) -> float:
    """DeLong's standard error from the placement of every event, unit weights."""
    signal = [s for y, s in zip(target, score, strict=True) if y == 1]
    background = [s for y, s in zip(target, score, strict=True) if y == 0]

    def better(s: float, b: float) -> float:
        return 1.0 if s > b else 0.5 if s == b else 0.0

    variance = 0.0
    for placement in (
        [sum(better(s, b) for b in background) / len(background) for s in signal],
        [sum(better(s, b) for s in signal) / len(signal) for b in background],
    ):
        mean = sum(placement) / len(placement)
        variance += sum((p - mean) ** 2 for p in placement) / (len(placement) - 1) / len(placement)
    return sqrt(variance)


def ks_distance(first: Numbers, first_weight: Numbers, second: Numbers, second_weight: Numbers) -> float:
    """The largest difference between two weighted distribution functions."""

    def below(values: Numbers, weight: Numbers, x: float) -> float:
        return sum(w for v, w in zip(values, weight, strict=True) if v <= x) / sum(weight)

    return max(abs(below(first, first_weight, x) - below(second, second_weight, x)) for x in {*first, *second})


def confusion(target: Numbers, score: Numbers, weight: Numbers) -> list[list[float]]:
    """Σw by truth and prediction; a score of 0.5 is called signal."""
    counts = [[0.0, 0.0], [0.0, 0.0]]
    for y, s, w in zip(target, score, weight, strict=True):
        counts[int(y)][1 if s >= 0.5 else 0] += w
    return counts


def asimov(s: float, b: float) -> float:
    """Eq. (97) of arXiv:1007.1727."""
    return sqrt(2 * ((s + b) * log(1 + s / b) - s))


def asimov_measured_background(s: float, b: float, sigma: float) -> float:
    """The profile likelihood ratio of n ~ Poisson(s + b) and m ~ Poisson(τb), τ = b/σ², at their expectations."""
    tau = b / sigma**2
    n, m = s + b, tau * b

    def log_likelihood(signal: float, background: float) -> float:
        means = ((n, signal + background), (m, tau * background))
        return sum(count * log(mean) - mean for count, mean in means)

    ratio = log_likelihood(s, b) - log_likelihood(0.0, (n + m) / (1 + tau))
    return sqrt(max(2 * ratio, 0.0))


def gaussian_auc(distance: float) -> float:
    """AUC of two unit normal distributions this far apart, Φ(d/√2)."""
    return (1 + erf(distance / 2)) / 2


def separation(target: Numbers, score: Numbers, weight: Numbers, edges: Numbers) -> float:
    """½ Σ over cells of (s − b)² / (s + b), with s and b the classes' weighted shares below, in and above the bins."""

    def cell(x: float) -> int:
        return len(edges) - 1 if x == edges[-1] else sum(1 for edge in edges if x >= edge)

    total = 0.0
    for number in range(len(edges) + 1):
        b, s = (
            sum(w for y, x, w in zip(target, score, weight, strict=True) if y == of and cell(x) == number)
            / sum(w for y, w in zip(target, weight, strict=True) if y == of)
            for of in (0, 1)
        )
        total += (s - b) ** 2 / (s + b) / 2 if s + b > 0 else 0.0
    return total


def auc_difference(target: Numbers, first: Numbers, second: Numbers, weight: Numbers) -> tuple[float, float, float]:
    """AUC of the second score minus that of the first, its variance, and how many events make up the variance.

    The variance is that of DeLong's 2 × 2 covariance matrix, from every pair of a signal and a background event; with
    unit weights the matrix is DeLong's own. The number is Kish's, of what each event adds to the variance.
    """
    signal = [k for k, y in enumerate(target) if y == 1]
    background = [k for k, y in enumerate(target) if y == 0]
    areas, placements = [], []
    for score in (first, second):
        right = {
            (i, j): 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0
            for i in signal
            for j in background
        }
        total = sum(weight[i] * weight[j] for i, j in right)
        areas.append(sum(weight[i] * weight[j] * psi for (i, j), psi in right.items()) / total)
        b, s = sum(weight[j] for j in background), sum(weight[i] for i in signal)
        of_signal = {i: sum(weight[j] * right[i, j] for j in background) / b for i in signal}
        of_background = {j: sum(weight[i] * right[i, j] for i in signal) / s for j in background}
        placements.append((of_signal, of_background))

    def covariance(k: int, m: int) -> float:
        total = 0.0
        for side in (0, 1):
            one, other = placements[k][side], placements[m][side]
            n, norm = len(one), sum(weight[i] for i in one)
            products = sum(weight[i] ** 2 * (one[i] - areas[k]) * (other[i] - areas[m]) for i in one)
            total += products / norm**2 * n / (n - 1)
        return total

    difference = areas[1] - areas[0]
    added = []
    for one, other in zip(*placements, strict=True):
        n, norm = len(one), sum(weight[i] for i in one)
        added += [(weight[i] * (other[i] - one[i] - difference) / norm) ** 2 * n / (n - 1) for i in one]
    deciding = sum(added) ** 2 / sum(x**2 for x in added) if any(added) else 0.0
    return difference, covariance(0, 0) + covariance(1, 1) - 2 * covariance(0, 1), deciding


def score_bins(
    target: Numbers,
    score: Numbers,
    weight: Numbers,
    *,
    most: int,
    least_background: float,
    effective: float,
    background_yield: float,
) -> list[float]:
    """Lower ends of the bins from the top: closed at the first score at which one holds enough; the last is open."""
    total = [sum(w for y, w in zip(target, weight, strict=True) if y == of) for of in (0, 1)]

    def held(low: float, below: float) -> list[list[float]]:
        return [
            [w for y, s, w in zip(target, score, weight, strict=True) if y == of and low <= s < below] for of in (0, 1)
        ]

    def enough(classes: list[list[float]]) -> bool:
        told = [sum(ws) ** 2 / sum(w * w for w in ws) if sum(ws) > 0 else 0.0 for ws in classes]
        return background_yield * sum(classes[0]) / total[0] >= least_background and min(told) >= effective

    lows: list[float] = []
    below = float("inf")
    for step in sorted(set(score), reverse=True):
        classes = held(step, below)
        share = most / 2 * sum(sum(ws) / whole for ws, whole in zip(classes, total, strict=True))
        if enough(classes) and share >= 1 - 1e-12:
            lows.append(step)
            below = step
    rest = held(-float("inf"), below)
    own = any(rest) and enough(rest)
    return [*(lows if own else lows[:-1]), -float("inf")]
