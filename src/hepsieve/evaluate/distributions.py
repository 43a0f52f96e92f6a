"""How scores are distributed in train and test, and whether the two differ."""

from __future__ import annotations

import numpy as np
from scipy.special import kolmogorov

from hepsieve.evaluate.bootstrap import percentile_interval
from hepsieve.evaluate.intervals import around, effective_events
from hepsieve.evaluate.ranked import Floats, Ranked, Side, cumulative
from hepsieve.evaluate.results import Overtraining, Quantity, ScoreDistributions, finite

BINS = 40
# Below this p-value two distributions count as different.
ALARM = 0.01


def score_distributions(train: Ranked, test: Ranked, bins: int = BINS) -> ScoreDistributions:
    """Histograms over equal bins from the lowest to the highest score of both parts (0 to 1 for constant scores).

    The error of a test bin is √Σw² over the class's total weight.
    """
    sides = (train.background, train.signal, test.background, test.signal)
    low = min(float(side.score[-1]) for side in sides if len(side))
    high = max(float(side.score[0]) for side in sides if len(side))
    edges = np.linspace(low, high, bins + 1) if high > low else np.linspace(0, 1, bins + 1)
    contents = [_histogram(side, edges)[0] for side in sides]
    errors = [_histogram(side, edges)[1] for side in sides[2:]]
    return ScoreDistributions(
        edges=tuple(edges.tolist()),
        train_background=contents[0],
        train_signal=contents[1],
        test_background=contents[2],
        test_signal=contents[3],
        test_background_error=errors[0],
        test_signal_error=errors[1],
    )


def _histogram(side: Side, edges: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    total = float(side.weight.sum())
    scale = 1 / total if total > 0 else 0.0
    content, _ = np.histogram(side.score, edges, weights=side.weight)
    squares, _ = np.histogram(side.score, edges, weights=side.weight**2)
    return tuple((content * scale).tolist()), tuple((np.sqrt(squares) * scale).tolist())


def ks_distance(first: Side, second: Side) -> tuple[float, float]:
    """The weighted Kolmogorov–Smirnov distance between two samples' scores, and its p-value.

    The distance is the largest difference of the weighted distribution functions. The p-value is Kolmogorov's limit
    with the finite-size correction of Stephens, J. R. Stat. Soc. B 32 (1970) 115, for the effective numbers of events;
    with ties it errs to the safe side. It is 1 where a sample has no positive total weight.
    """
    sums = [cumulative(side.weight) for side in (first, second)]
    if not (sums[0][-1] > 0 and sums[1][-1] > 0):
        return 0.0, 1.0
    steps = np.union1d(first.steps, second.steps)
    passing = [
        total[len(side) - np.searchsorted(side.score[::-1], steps)] / total[-1]
        for side, total in zip((first, second), sums, strict=True)
    ]
    distance = float(np.abs(passing[0] - passing[1]).max())
    n, m = effective_events(first.weight), effective_events(second.weight)
    root = np.sqrt(n * m / (n + m))
    return distance, float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def overtraining(
    train: Ranked,
    test: Ranked,
    *,
    train_auc: Quantity,
    nominal: dict[str, tuple[float, float]],
    replicas: dict[str, tuple[Floats, Floats]],
    validation_loss: tuple[float, Floats],
) -> Overtraining:
    """Compare a model's scores on the events it was trained on with those on the test part.

    Args:
        train: the ranked training events.
        test: the ranked test events.
        train_auc: the AUC on train with its interval.
        nominal: ``auc`` and ``log_loss`` on (train, test).
        replicas: their bootstrapped figures, each shape (resamples,), drawn independently of each other.
        validation_loss: the log loss on validation and its bootstrapped figures.
    """
    background, background_p = ks_distance(train.background, test.background)
    signal, signal_p = ks_distance(train.signal, test.signal)
    few = min(len(side) for part in (train, test) for side in (part.background, part.signal)) < 2
    auc_gap = _gap(nominal["auc"], None if few else replicas["auc"])
    loss_gap = _gap(nominal["log_loss"][::-1], None if few else replicas["log_loss"][::-1])
    loss, drawn = validation_loss
    validation_gap = _gap((loss, nominal["log_loss"][0]), None if few else (drawn, replicas["log_loss"][0]))
    return Overtraining(
        ks_background=background,
        ks_background_p=background_p,
        ks_signal=signal,
        ks_signal_p=signal_p,
        train_auc=train_auc,
        auc_gap=auc_gap,
        loss_gap=loss_gap,
        validation_loss_gap=validation_gap,
        verdict=verdict(auc_gap, loss_gap, min(background_p, signal_p)),
    )


def _gap(nominal: tuple[float, float], replicas: tuple[Floats, Floats] | None) -> Quantity:
    interval = None if replicas is None else percentile_interval(replicas[0] - replicas[1])
    return around(finite(nominal[0] - nominal[1]), interval)


def verdict(auc_gap: Quantity, loss_gap: Quantity, p_value: float) -> str:
    """One sentence on what the gaps and the smaller of the two KS p-values say."""
    if auc_gap.value is None or auc_gap.low is None or loss_gap.value is None or loss_gap.low is None:
        return "Too few events to tell whether the model is overtrained."
    seen = [
        *([f"its AUC there is higher by {auc_gap.value:.4f}"] if auc_gap.low > 0 else []),
        *([f"its log loss there is lower by {loss_gap.value:.4f}"] if loss_gap.low > 0 else []),
    ]
    if seen:
        return (
            f"The model looks better on the events it was trained on: {' and '.join(seen)}; the test figures are not "
            "touched by this, but less capacity or more regularisation may do better."
        )
    if p_value < ALARM:
        return (
            f"Train and test scores differ in shape (Kolmogorov–Smirnov p = {p_value:.2g}), though neither AUC nor log "
            "loss is better on the training events."
        )
    if (auc_gap.high is not None and auc_gap.high < 0) or (loss_gap.high is not None and loss_gap.high < 0):
        return "No sign of overtraining: the model scores lower on the events it was trained on than on the test part."
    return "No sign of overtraining: AUC, log loss and score distributions of train and test agree within their errors."
